// One conversation with the SQL service: takes statements as text, writes what comes back. The prompt (repl.ts), `-e`
// and `-f` all speak through it.
import { readFileSync } from 'node:fs';
import { type SqlClient, type SqlEntity, SqlError } from '../sql-api/index.ts';
import { messageOf, MillraceError } from '../util/index.ts';
import { renderEntity, warningText } from './entities.ts';
import { isBlank, splitStatements } from './statements.ts';
import { renderTable, StreamingTable } from './table.ts';

export type OutputFormat = 'tabular' | 'json';

export interface Terminal {
  write(line: string): void;
  readonly width: number;
}

/** Words that begin a statement whose answer is a stream of rows. */
const QUERY = /^\s*(?:--[^\n]*\n|\/\*[^]*?\*\/|\s)*(?:SELECT|WITH|PRINT)\b/i;
const SET = /^SET\s+'([^']+)'\s*=\s*'([^']*)'\s*;$/i;
const UNSET = /^UNSET\s+'([^']+)'\s*;$/i;
const DEFINE = /^DEFINE\s+(\w+)\s*=\s*'((?:[^']|'')*)'\s*;$/i;
const UNDEFINE = /^UNDEFINE\s+(\w+)\s*;$/i;
const RUN_SCRIPT = /^RUN\s+SCRIPT\s+'([^']+)'\s*;$/i;

export class Session {
  readonly client: SqlClient;
  format: OutputFormat;
  readonly #terminal: Terminal;

  constructor(client: SqlClient, terminal: Terminal, format: OutputFormat = 'tabular') {
    this.client = client;
    this.#terminal = terminal;
    this.format = format;
  }

  /** Runs every statement of a text; the first refusal stops it and is thrown. A last semicolon may be missing. */
  async run(text: string, signal: AbortSignal): Promise<void> {
    const { statements, rest } = splitStatements(text);
    const all = isBlank(rest) ? statements : [...statements, `${rest.trim()};`];
    for (const statement of all) {
      if (signal.aborted) return;
      await this.#runOne(statement, signal);
    }
  }

  /** The error as a person reads it: the message, and the line with a caret where the server named a place. */
  static explain(error: unknown, statement: string): string {
    const message = messageOf(error);
    if (!(error instanceof SqlError) || error.position === undefined) return message;
    const { line, column } = error.position;
    const text = statement.split('\n')[line - 1];
    if (text === undefined) return message;
    return `${message}\n  ${text}\n  ${' '.repeat(Math.max(0, column - 1))}^`;
  }

  async #runOne(statement: string, signal: AbortSignal): Promise<void> {
    const { properties, variables } = this.client;
    const bare = statement.trim();
    let match: RegExpExecArray | null;
    if ((match = RUN_SCRIPT.exec(bare)) !== null) {
      await this.run(readScript(match[1]!), signal);
    } else if ((match = DEFINE.exec(bare)) !== null) {
      variables[match[1]!] = match[2]!.replaceAll("''", "'");
    } else if ((match = UNDEFINE.exec(bare)) !== null) {
      delete variables[match[1]!];
    } else if ((match = SET.exec(bare)) !== null) {
      // The server checks name and value; what it accepts goes along with every later statement.
      await this.#execute(bare);
      properties[match[1]!] = match[2]!;
    } else if ((match = UNSET.exec(bare)) !== null) {
      await this.#execute(bare);
      delete properties[match[1]!];
    } else if (QUERY.test(bare)) {
      await this.#query(bare, signal);
    } else {
      await this.#execute(bare);
    }
  }

  async #execute(statement: string): Promise<void> {
    for (const entity of await this.client.execute(statement)) this.#show(entity);
  }

  #show(entity: SqlEntity): void {
    if (this.format === 'json') this.#terminal.write(JSON.stringify(entity));
    else {
      const text = renderEntity(entity, this.#terminal.width);
      if (text !== '') this.#terminal.write(text);
    }
  }

  /** A push query's rows are written as they come; a pull query ends at once, so its table is fitted to its content. */
  async #query(statement: string, signal: AbortSignal): Promise<void> {
    const streaming = /\bEMIT\s+(CHANGES|FINAL)\b/i.test(statement);
    const width = this.#terminal.width;
    let headings: string[] = [];
    let table: StreamingTable | undefined;
    const rows: (readonly unknown[])[] = [];
    let final: string | undefined;
    for await (const event of until(signal, this.client.events(statement, { signal }))) {
      switch (event.kind) {
        case 'header':
          headings = event.columns.map((column) => column.name);
          if (this.format === 'json') this.#terminal.write(JSON.stringify({ header: event.columns }));
          else if (streaming) {
            const numeric = event.columns.map((column) => /^(INTEGER|BIGINT|DOUBLE|DECIMAL)/.test(column.type));
            table = new StreamingTable({ width, headings }, numeric);
            this.#terminal.write(table.heading);
          }
          break;
        case 'row':
          if (this.format === 'json') {
            const tombstone = event.tombstone ? { tombstone: true } : {};
            this.#terminal.write(JSON.stringify({ row: { columns: event.columns, ...tombstone } }));
          } else if (table !== undefined)
            this.#terminal.write(table.row(event.tombstone ? tombstoneRow(event.columns) : event.columns));
          else rows.push(event.columns);
          break;
        case 'warning':
          if (this.format !== 'json') this.#terminal.write(warningText(event.message));
          break;
        case 'line':
          this.#terminal.write(event.text);
          break;
        case 'end':
          final = event.message;
          break;
      }
    }
    if (this.format === 'json' || headings.length === 0) return;
    if (!streaming) this.#terminal.write(renderTable(rows, { width, headings }));
    if (final !== undefined) this.#terminal.write(final);
    if (streaming) this.#terminal.write('Query terminated');
  }
}

/** What comes before the signal: whoever stops a query wants nothing more of it, and no error either. */
async function* until<T>(signal: AbortSignal, events: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* events;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function tombstoneRow(columns: readonly unknown[]): unknown[] {
  return columns.map((value) => (value === null ? '<TOMBSTONE>' : value));
}

/** The text of a script file; one that can't be read is refused in a sentence. */
export function readScript(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new MillraceError('SCRIPT_UNREADABLE', `The script ${file} can't be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
