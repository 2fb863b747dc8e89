// One conversation with the SQL service: takes statements as text, writes what comes back. The prompt (prompt/), `-e`
// and `-f` all speak through it.
import { readFileSync } from 'node:fs';
import { type SqlClient, type SqlEntity, SqlError } from '../sql-api/index.ts';
import { messageOf, MillraceError, systemEnvironment } from '../util/index.ts';
import { answerTo, type OutputFormat, type Terminal } from './answers.ts';
import { renderEntity, warningText } from './entities.ts';
import { type ScriptStatement, statementsOf } from './statements.ts';
import { displayWidth } from './text-width.ts';

/** Words that begin a statement whose answer is a stream of rows. */
const QUERY = /^\s*(?:--[^\n]*\n|\/\*[^]*?\*\/|\s)*(?:SELECT|WITH|PRINT)\b/i;
const PUSH_QUERY = /\bEMIT\s+(CHANGES|FINAL)\b/i;
const SET = /^SET\s+'([^']+)'\s*=\s*'([^']*)'\s*;$/i;
const UNSET = /^UNSET\s+'([^']+)'\s*;$/i;
const DEFINE = /^DEFINE\s+(\w+)\s*=\s*'((?:[^']|'')*)'\s*;$/i;
const UNDEFINE = /^UNDEFINE\s+(\w+)\s*;$/i;
const RUN_SCRIPT = /^RUN\s+SCRIPT\s+'([^']+)'\s*;$/i;

/** Where a statement came from. */
interface Origin {
  readonly statement: ScriptStatement;
  /** The script's file; undefined where it was typed. */
  readonly file: string | undefined;
}

export class Session {
  client: SqlClient;
  terminal: Terminal;
  format: OutputFormat;
  /** Rows as blocks of lines: always, never, or where the table would be wider than the terminal. */
  expanded: 'on' | 'off' | 'auto' = 'off';
  /** How long each statement took. */
  timing = false;
  /** How many rows a pull query had. */
  counts = false;
  columnWidth: number | undefined;
  #origin: Origin | undefined;

  constructor(client: SqlClient, terminal: Terminal, format: OutputFormat = 'tabular') {
    this.client = client;
    this.terminal = terminal;
    this.format = format;
  }

  /** Runs every statement of a text; the first refusal stops it and is thrown. A last semicolon may be missing. */
  async run(text: string, signal: AbortSignal, file?: string): Promise<void> {
    for (const statement of statementsOf(text)) {
      if (signal.aborted) return;
      this.#origin = { statement, file };
      const begun = systemEnvironment.now();
      await this.#runOne(statement.text, signal);
      if (this.timing) this.terminal.write(`Time: ${duration(systemEnvironment.now() - begun)}`);
    }
  }

  /**
   * What `run` has thrown, as a person reads it: the file and line of a script, the message, and the line with a caret where
   * the service named a place.
   */
  explain(error: unknown): string {
    if (this.#origin === undefined) return messageOf(error);
    const { statement, file } = this.#origin;
    // The service counts lines from the statement's own, a file from its first.
    const message = file === undefined ? messageOf(error) : messageOf(error).replace(/^Line: \d+, Col: \d+: /, '');
    const position = error instanceof SqlError ? error.position : undefined;
    const prefix = file === undefined ? '' : `${file}:${statement.line + (position?.line ?? 1) - 1}: `;
    const text = position === undefined ? undefined : statement.text.split('\n')[position.line - 1];
    if (position === undefined || text === undefined) return `${prefix}${message}`;
    return `${prefix}${message}\n${withCaret(text, position.column - 1, this.terminal.width)}`;
  }

  async #runOne(statement: string, signal: AbortSignal): Promise<void> {
    const { properties, variables } = this.client;
    let match: RegExpExecArray | null;
    if ((match = RUN_SCRIPT.exec(statement)) !== null) {
      await this.run(readScript(match[1]!), signal, match[1]!);
    } else if ((match = DEFINE.exec(statement)) !== null) {
      variables[match[1]!] = match[2]!.replaceAll("''", "'");
    } else if ((match = UNDEFINE.exec(statement)) !== null) {
      delete variables[match[1]!];
    } else if ((match = SET.exec(statement)) !== null) {
      // The server checks name and value; what it accepts goes along with every later statement.
      await this.#execute(statement);
      properties[match[1]!] = match[2]!;
    } else if ((match = UNSET.exec(statement)) !== null) {
      await this.#execute(statement);
      delete properties[match[1]!];
    } else if (QUERY.test(statement)) {
      await this.#query(statement, signal);
    } else {
      await this.#execute(statement);
    }
  }

  async #execute(statement: string): Promise<void> {
    for (const entity of await this.client.execute(statement)) this.#show(entity);
  }

  #show(entity: SqlEntity): void {
    const { format, terminal } = this;
    if (format === 'json' || format === 'jsonl') {
      terminal.write(JSON.stringify(entity));
      return;
    }
    const text = renderEntity(entity, { width: terminal.width, format });
    if (text !== '') terminal.show(text);
  }

  async #query(statement: string, signal: AbortSignal): Promise<void> {
    const streaming = PUSH_QUERY.test(statement);
    const isForPeople = this.format === 'tabular' || this.format === 'vertical';
    const answer = answerTo(this.terminal, {
      format: this.format === 'tabular' && this.expanded === 'on' ? 'vertical' : this.format,
      expandWide: this.expanded === 'auto',
      columnWidth: this.columnWidth,
      streaming,
    });
    let hasHeader = false;
    let rows = 0;
    let final: string | undefined;
    for await (const event of until(signal, this.client.events(statement, { signal }))) {
      switch (event.kind) {
        case 'header':
          hasHeader = true;
          answer.header(event.columns);
          break;
        case 'row':
          rows++;
          answer.row(event.columns, event.tombstone);
          break;
        case 'warning':
          if (isForPeople) this.terminal.write(warningText(event.message));
          break;
        case 'line':
          this.terminal.write(event.text);
          break;
        case 'end':
          final = event.message;
          break;
      }
    }
    if (hasHeader) answer.end();
    if (!hasHeader || !isForPeople) return;
    if (this.counts && !streaming) this.terminal.write(`(${rows} ${rows === 1 ? 'row' : 'rows'})`);
    if (final !== undefined) this.terminal.write(final);
    if (streaming) this.terminal.write('Query terminated');
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

/** The line with a caret under a place of it; of one that is wider than the terminal the part around the place. */
function withCaret(text: string, column: number, width: number): string {
  const place = Math.min(Math.max(0, column), text.length);
  const room = Math.max(20, width - 4);
  const from = displayWidth(text) <= room ? 0 : Math.max(0, place - Math.floor(room / 2));
  const head = from > 0 ? '…' : '';
  const shown = `${head}${text.slice(from, from + room - 1)}`.replaceAll('\t', ' ');
  const before = `${head}${text.slice(from, place)}`.replaceAll('\t', ' ');
  return `  ${shown}\n  ${' '.repeat(displayWidth(before))}^`;
}

function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(3)} s`;
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
