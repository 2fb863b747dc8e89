// The SQL service over HTTP, as its users' programs see it: nothing here is known to the server beyond its public REST.
import { codeOf, MillraceError } from '../util/index.ts';

const V1 = 'application/vnd.ksql.v1+json';

/** A statement that the server refused. `position` points into the statement when the server named a place. */
export class SqlError extends MillraceError {
  override readonly name = 'SqlError';
  readonly position: { readonly line: number; readonly column: number } | undefined;

  constructor(message: string) {
    super('SQL_REFUSED', message);
    const place = /line:? (\d+)(?::|, Col: )(\d+)/i.exec(message);
    this.position = place === null ? undefined : { line: Number(place[1]), column: Number(place[2]) };
  }
}

export interface Entity {
  readonly '@type': string;
  readonly [member: string]: unknown;
}

/** What a query sends, piece by piece. */
export type QueryEvent =
  | {
      readonly kind: 'header';
      readonly queryId: string | null;
      readonly columns: readonly { name: string; type: string }[];
    }
  | { readonly kind: 'row'; readonly columns: readonly unknown[]; readonly tombstone: boolean }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'end'; readonly message: string };

export class SqlClient {
  readonly url: string;
  /** Set with SET, sent along with every statement. */
  readonly properties: Record<string, string> = {};
  readonly variables: Record<string, string> = {};

  constructor(url: string) {
    this.url = url.replace(/\/+$/, '');
  }

  async info(): Promise<{ version: string; kafkaClusterId: string; ksqlServiceId: string }> {
    const response = await this.#fetch('/info', {});
    const body = (await response.json()) as {
      KsqlServerInfo: { version: string; kafkaClusterId: string; ksqlServiceId: string };
    };
    return body.KsqlServerInfo;
  }

  /** Everything that is not a query. Returns one entity per statement that has something to say. */
  async execute(ksql: string): Promise<Entity[]> {
    const body = { ksql, streamsProperties: this.properties, sessionVariables: this.variables };
    const response = await this.#post('/ksql', body);
    return (await response.json()) as Entity[];
  }

  /** SELECT or PRINT: yields until the query ends or `signal` aborts it. */
  async *query(ksql: string, signal: AbortSignal): AsyncGenerator<QueryEvent> {
    const body = { ksql, streamsProperties: this.properties, sessionVariables: this.variables };
    const response = await this.#post('/query', body, signal);
    const warning = response.headers.get('millrace-warning');
    if (warning !== null) yield { kind: 'warning', message: decodeURIComponent(warning) };
    const printing = !(response.headers.get('content-type') ?? '').includes('json');
    try {
      for await (const line of linesOf(response.body!)) {
        if (printing) {
          yield { kind: 'line', text: line };
          continue;
        }
        const event = parseRow(line);
        if (event !== undefined) yield event;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #post(path: string, body: object, signal?: AbortSignal): Promise<Response> {
    return this.#fetch(path, {
      method: 'POST',
      headers: { 'content-type': V1, accept: V1 },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(this.url + path, init);
    } catch (error) {
      if (init.signal?.aborted) throw error;
      const reason = codeOf((error as Error).cause) ?? 'no answer';
      throw new MillraceError(
        'SQL_SERVER_UNREACHABLE',
        `No SQL server answers at ${this.url} (${reason}). Start one with: millrace start`,
        { retriable: true, cause: error },
      );
    }
    if (response.ok) return response;
    const text = await response.text();
    let message = text;
    try {
      message = String((JSON.parse(text) as { message?: unknown }).message ?? text);
    } catch {
      // Not ours: the text as it came says more than a guess.
    }
    throw new SqlError(message);
  }
}

/** One line of a StreamedRow array: an object, with what is left of the array's brackets and commas around it. */
function parseRow(line: string): QueryEvent | undefined {
  const json = line
    .trim()
    .replace(/^[[,]/, '')
    .replace(/[,\]]$/, '');
  if (json === '') return undefined;
  const row = JSON.parse(json) as {
    header?: { queryId?: string; schema: string };
    row?: { columns: unknown[]; tombstone?: boolean };
    finalMessage?: string;
    errorMessage?: { message: string } | string;
  };
  if (row.header !== undefined) {
    return { kind: 'header', queryId: row.header.queryId ?? null, columns: parseSchema(row.header.schema) };
  }
  if (row.row !== undefined) return { kind: 'row', columns: row.row.columns, tombstone: row.row.tombstone === true };
  if (row.errorMessage !== undefined) {
    throw new SqlError(typeof row.errorMessage === 'string' ? row.errorMessage : row.errorMessage.message);
  }
  return row.finalMessage === undefined ? undefined : { kind: 'end', message: row.finalMessage };
}

/** "`A` STRING KEY, `B` STRUCT<`C` INTEGER>" as columns: split at commas that are outside of quotes and brackets. */
export function parseSchema(schema: string): { name: string; type: string }[] {
  const columns: { name: string; type: string }[] = [];
  let depth = 0;
  let quoted = false;
  let start = 0;
  for (let i = 0; i <= schema.length; i++) {
    const character = schema[i];
    if (character === '`') quoted = !quoted;
    else if (!quoted && (character === '<' || character === '(')) depth++;
    else if (!quoted && (character === '>' || character === ')')) depth--;
    else if (character === undefined || (!quoted && depth === 0 && character === ',')) {
      const column = /^\s*`((?:[^`]|``)*)`\s+(.*?)(\s+KEY)?\s*$/s.exec(schema.slice(start, i));
      if (column !== null) columns.push({ name: column[1]!.replaceAll('``', '`'), type: column[2]! });
      start = i + 1;
    }
  }
  return columns;
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let held = '';
  for await (const chunk of body) {
    held += decoder.decode(chunk, { stream: true });
    for (let end = held.indexOf('\n'); end >= 0; end = held.indexOf('\n')) {
      yield held.slice(0, end);
      held = held.slice(end + 1);
    }
  }
  if (held !== '') yield held;
}
