// SQL from code: statements, queries and rows over the service's REST, the same in the process of a platform and on any other
// machine. What is known of the service is what its users know of it.
import {
  ConnectionFailure,
  type HttpAnswer,
  HttpConnection,
  type HttpConnectionOptions,
} from '../http-client/index.ts';
import { MillraceError, parseExactJson } from '../util/index.ts';
import type { QueryAnalysis } from './analysis.ts';
import { decoderOf, needsExactNumbers, parseSchema, type ResultColumn, type SqlResultValue } from './columns.ts';
import { InsertError, SqlError } from './errors.ts';
import { SqlText } from './template.ts';

const V1 = 'application/vnd.ksql.v1+json';
const DELIMITED = 'application/vnd.ksqlapi.delimited.v1';
/** Rows go out in requests of so many rows, or characters, at most. */
const INSERT_ROWS_MAX = 1000;
const INSERT_CHARACTERS_MAX = 1024 * 1024;

export interface SqlClientOptions extends Omit<HttpConnectionOptions, 'url'> {
  /** Properties for all statements, as SET makes them: `{ 'auto.offset.reset': 'earliest' }`. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Values for `${name}` in texts that are not templates of `sql`. */
  readonly variables?: Readonly<Record<string, string>>;
}

export interface SqlRequestOptions {
  /** Beside the client's own, and before them. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Gives up what was begun: a query is ended at the service, too. */
  readonly signal?: AbortSignal | undefined;
}

/** What a statement answers: ksqlDB's entity. */
export interface SqlEntity {
  readonly '@type': string;
  readonly statementText?: string;
  readonly warnings?: readonly { readonly message: string }[];
  readonly [member: string]: unknown;
}

/** What a query sends, piece by piece. Numbers that a double may not hold are `JsonNumber`s. */
export type QueryEvent =
  | { readonly kind: 'header'; readonly queryId: string | null; readonly columns: readonly ResultColumn[] }
  | { readonly kind: 'row'; readonly columns: readonly unknown[]; readonly tombstone: boolean }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'end'; readonly message: string };

const deleted = Symbol('deleted');

/** Whether a row of a push query over a table says that the row is gone: only its key is there. */
export function isDeleted(row: object): boolean {
  return deleted in row;
}

/** A client of the service at `url`, which may hold a login. Connects when it is first used. */
export function createSqlClient(url: string, options: SqlClientOptions = {}): SqlClient {
  return new SqlClient(url, options);
}

export class SqlClient {
  readonly #connection: HttpConnection;
  /** Sent along with every statement; what is changed here holds for the next one. */
  readonly properties: Record<string, string>;
  /** Values for `${name}` in texts that are not templates of `sql`; what is changed here holds for the next one. */
  readonly variables: Record<string, string>;

  constructor(url: string, { properties = {}, variables = {}, ...connection }: SqlClientOptions = {}) {
    this.#connection = new HttpConnection({ url, ...connection });
    this.properties = { ...properties };
    this.variables = { ...variables };
  }

  /** Without the login. */
  get url(): string {
    return this.#connection.url;
  }

  /** The service's version, and the ids of its cluster and of itself. */
  async info(): Promise<{ version: string; kafkaClusterId: string; ksqlServiceId: string }> {
    const answer = await this.#ask('GET', '/info');
    const body = JSON.parse(await answer.text()) as {
      KsqlServerInfo: { version: string; kafkaClusterId: string; ksqlServiceId: string };
    };
    return body.KsqlServerInfo;
  }

  /**
   * Runs statements that are no queries, in order; resolves with an entity for each that has something to say, when all are
   * done. Rejects with a `SqlError` at the first that is refused.
   */
  async execute(statements: string | SqlText, options: SqlRequestOptions = {}): Promise<SqlEntity[]> {
    const answer = await this.#send('/ksql', statements, options);
    return JSON.parse(await answer.text()) as SqlEntity[];
  }

  /** What a persistent query has done, operator by operator, and why it emits nothing when it does not. */
  async explainAnalyze(queryId: string, options: SqlRequestOptions = {}): Promise<QueryAnalysis> {
    const [entity] = await this.execute(`EXPLAIN ANALYZE \`${queryId.replaceAll('`', '``')}\`;`, options);
    return entity!['queryAnalysis'] as QueryAnalysis;
  }

  /**
   * The rows of a SELECT, by names of columns, with values as `SqlResultValue` has them. A push query goes on until whoever
   * reads it stops (`break`), or `signal` ends it, which throws the signal's reason. The service is read as fast as the rows
   * are taken: a query that nobody reads on waits.
   */
  async *query<Row extends object = Record<string, SqlResultValue>>(
    select: string | SqlText,
    options: SqlRequestOptions = {},
  ): AsyncGenerator<Row, void, undefined> {
    let names: readonly string[] = [];
    let decoders: readonly ReturnType<typeof decoderOf>[] = [];
    for await (const event of this.events(select, options)) {
      if (event.kind === 'header') {
        names = event.columns.map((column) => column.name);
        decoders = event.columns.map((column) => decoderOf(column.type));
      } else if (event.kind === 'row') {
        const row = Object.fromEntries(names.map((name, i) => [name, decoders[i]!(event.columns[i])]));
        if (event.tombstone) Object.defineProperty(row, deleted, { value: true });
        yield row as Row;
      }
    }
  }

  /** All that a SELECT or a PRINT sends, as it is sent. */
  async *events(
    select: string | SqlText,
    options: SqlRequestOptions = {},
  ): AsyncGenerator<QueryEvent, void, undefined> {
    const answer = await this.#send('/query', select, options);
    const warning = answer.header('millrace-warning');
    if (warning !== undefined) yield { kind: 'warning', message: decodeURIComponent(warning) };
    const isPrinted = !(answer.header('content-type') ?? '').includes('json');
    let parse: (json: string) => unknown = JSON.parse;
    for await (const line of linesOf(answer.chunks)) {
      const event = isPrinted ? ({ kind: 'line', text: line } as const) : eventIn(line, parse);
      if (event?.kind === 'header') parse = rowParser(event.columns);
      if (event !== undefined) yield event;
    }
  }

  /**
   * Appends rows to a stream or a table, each an object by names of columns (upper-case unless they are quoted), with values
   * as a query gives them: numbers, bigints, texts, bytes, `Date`s, arrays, objects, `Map`s. What is missing is null. Resolves with their number when all are stored. Rejects with an `InsertError` that
   * names those that were refused: rows of the same request were stored all the same, later ones were not sent.
   */
  async insert(
    target: string,
    rows: Iterable<object> | AsyncIterable<object>,
    { signal }: Pick<SqlRequestOptions, 'signal'> = {},
  ): Promise<number> {
    const head = JSON.stringify({ target });
    let inserted = 0;
    let lines: string[] = [];
    let characters = 0;
    const flush = async (): Promise<void> => {
      if (lines.length === 0) return;
      await this.#insertLines([head, ...lines].join('\n'), inserted, signal);
      inserted += lines.length;
      lines = [];
      characters = 0;
    };
    for await (const row of rows) {
      const line = JSON.stringify(insertable(row));
      lines.push(line);
      characters += line.length;
      if (lines.length >= INSERT_ROWS_MAX || characters >= INSERT_CHARACTERS_MAX) await flush();
    }
    await flush();
    return inserted;
  }

  /** Ends queries that are open, and connections. */
  close(): void {
    this.#connection.close();
  }

  async #insertLines(body: string, before: number, signal: AbortSignal | undefined): Promise<void> {
    const answer = await this.#ask('POST', '/inserts-stream', { type: DELIMITED, body, signal });
    const acks = (await answer.text()).split('\n').filter((line) => line !== '');
    const refused: { index: number; message: string }[] = [];
    let errorCode = 0;
    for (const line of acks) {
      const ack = JSON.parse(line) as { status: string; seq: number; error_code?: number; message?: string };
      if (ack.status === 'ok') continue;
      refused.push({ index: before + ack.seq, message: String(ack.message) });
      errorCode ||= ack.error_code ?? 0;
    }
    if (refused.length > 0) throw new InsertError(errorCode, before + acks.length - refused.length, refused);
  }

  #send(path: string, text: string | SqlText, { properties, signal }: SqlRequestOptions): Promise<HttpAnswer> {
    // What was bound stays as it is, also where it looks like a variable.
    const isBound = text instanceof SqlText;
    const body = JSON.stringify({
      ksql: String(text),
      streamsProperties: { ...this.properties, ...properties },
      sessionVariables: isBound ? {} : this.variables,
    });
    return this.#ask('POST', path, { type: V1, body, signal });
  }

  async #ask(
    method: string,
    path: string,
    { type, body, signal }: { type?: string; body?: string; signal?: AbortSignal | undefined } = {},
  ): Promise<HttpAnswer> {
    const headers = { accept: type ?? V1, ...(type === undefined ? {} : { 'content-type': type }) };
    let answer: HttpAnswer;
    try {
      answer = await this.#connection.ask({ method, path, headers, body, signal });
    } catch (error) {
      throw error instanceof ConnectionFailure ? this.#failure(error) : error;
    }
    if (answer.status < 300) return answer;
    const text = await answer.text();
    throw refusalIn(text) ?? new SqlError(answer.status * 100, text === '' ? `HTTP ${answer.status}` : text);
  }

  #failure(error: ConnectionFailure): MillraceError {
    const { reason, isUntrusted } = error;
    return isUntrusted
      ? new MillraceError(
          'SQL_SERVER_UNTRUSTED',
          `The certificate of the SQL server at ${this.url} is not trusted (${reason}): give that of its authority (ca)`,
          { cause: error },
        )
      : new MillraceError(
          'SQL_SERVER_UNREACHABLE',
          `No SQL server answers at ${this.url} (${reason}). Start one with: millrace start`,
          { retriable: true, cause: error },
        );
  }
}

interface ErrorBody {
  readonly error_code?: number;
  readonly message?: string;
  readonly statementText?: string;
}

/** Undefined for a body that is nobody's we know. */
function refusalIn(text: string): SqlError | undefined {
  try {
    const { error_code: code, message, statementText } = JSON.parse(text) as ErrorBody;
    return message === undefined ? undefined : new SqlError(code ?? 0, message, statementText);
  } catch {
    return undefined;
  }
}

/** Reads the rows of a result, exactly where that takes more than doubles. */
function rowParser(columns: readonly ResultColumn[]): (json: string) => unknown {
  if (!columns.some(({ type }) => needsExactNumbers(type))) return JSON.parse;
  if (columns.some(({ type }) => type.includes('DECIMAL'))) return parseExactJson;
  return (json) => (/\d{16}/.test(json) ? parseExactJson(json) : JSON.parse(json));
}

/** One line of a StreamedRow array: an object, with what is left of the array's brackets and commas around it. */
function eventIn(line: string, parse: (json: string) => unknown): QueryEvent | undefined {
  const json = line
    .trim()
    .replace(/^[[,]/, '')
    .replace(/[,\]]$/, '');
  if (json === '') return undefined;
  const { header, row, finalMessage, errorMessage } = parse(json) as {
    header?: { queryId?: string; schema: string };
    row?: { columns: unknown[]; tombstone?: boolean };
    finalMessage?: string;
    errorMessage?: ErrorBody | string;
  };
  if (row !== undefined) return { kind: 'row', columns: row.columns, tombstone: row.tombstone === true };
  if (header !== undefined) {
    return { kind: 'header', queryId: header.queryId ?? null, columns: parseSchema(header.schema) };
  }
  if (typeof errorMessage === 'string') throw new SqlError(0, errorMessage);
  if (errorMessage !== undefined) {
    const { error_code: code = 0, message = '', statementText } = errorMessage;
    throw new SqlError(Number(code), message, statementText);
  }
  return finalMessage === undefined ? undefined : { kind: 'end', message: finalMessage };
}

async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let held = '';
  for await (const chunk of chunks) {
    held += decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = held.indexOf('\n'); end >= 0; end = held.indexOf('\n', start)) {
      yield held.slice(start, end);
      start = end + 1;
    }
    held = held.slice(start);
  }
  if (held !== '') yield held;
}

/** A value as JSON that columns of any type read without loss: numbers that a double does not hold are sent as texts. */
function insertable(value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case 'number':
      return Number.isFinite(value) ? value : notInsertable(String(value), 'SQL has no literal for it');
    case 'string':
    case 'boolean':
    case 'undefined':
      return value;
    case 'object':
      break;
    default:
      return notInsertable(String(value), `it is of the type ${typeof value}`);
  }
  if (value === null) return null;
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) return notInsertable('a Date', 'it is no time');
    return value.toISOString().replace('Z', '');
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(insertable);
  const entries: Iterable<readonly [unknown, unknown]> = value instanceof Map ? value : Object.entries(value);
  return Object.fromEntries([...entries].map(([name, item]) => [name, insertable(item)]));
}

function notInsertable(value: string, why: string): never {
  throw new MillraceError('SQL_VALUE', `${value} can't be inserted: ${why}`);
}
