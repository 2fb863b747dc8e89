// The prompt. A line that is typed either is a command (commands.ts) and runs at once, or goes to what was typed before until
// a statement is complete; statements run one after the other, those that are pasted meanwhile wait their turn. Node's own
// REPL is the editor (several lines, Ctrl-R, history); here it only evaluates SQL.
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Recoverable, type REPLServer, start } from 'node:repl';
import type { SqlClient } from '../../sql-api/index.ts';
import { messageOf, MillraceError, systemEnvironment } from '../../util/index.ts';
import type { OutputFormat, Terminal } from '../answers.ts';
import { History, HISTORY_MAX } from '../history.ts';
import { readScript, Session } from '../session.ts';
import { isBlank, splitStatements } from '../statements.ts';
import { Catalog } from './catalog.ts';
import { commandIn, COMMANDS, type PromptActions } from './commands.ts';
import { completionAt, sourcesOf } from './completion.ts';

const DEFAULT_URL = /^https?:\/\/(localhost|127\.0\.0\.1):8088$/;
const CLEAR_SCREEN = '\u001b[2J\u001b[H';

/** Runs until the user leaves. `connect` makes a client of a service. */
export async function runPrompt(
  client: SqlClient,
  format: OutputFormat,
  connect: (url: string) => SqlClient,
): Promise<void> {
  const { version } = await client.info();
  const prompt = new Prompt(client, connect);
  prompt.session.format = format;
  prompt.write(`Millrace SQL ${version} at ${client.url} (type help; end statements with ;)`);
  await prompt.left;
}

class Prompt implements PromptActions {
  readonly session: Session;
  /** When the user has left. */
  readonly left: Promise<void>;
  readonly #connect: (url: string) => SqlClient;
  readonly #history = new History('sql_history');
  readonly #editor: REPLServer;
  #catalog: Catalog;
  #typed = '';
  #lastStatements = '';
  /** What is to be done, one after the other. */
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;
  #running: AbortController | undefined;
  #output: { readonly file: string; readonly alone: boolean } | undefined;
  #pages = true;

  constructor(client: SqlClient, connect: (url: string) => SqlClient) {
    this.#connect = connect;
    this.#catalog = new Catalog(client);
    this.session = new Session(client, this.#terminal());
    this.session.counts = true;
    this.#editor = start({
      prompt: this.#promptText(),
      eval: (text, _context, _file, done) => done(this.#enter(text), undefined),
      completer: (line: string, done: (error: null, found: [string[], string]) => void) =>
        void this.#complete(line).then((found) => done(null, found)),
      ignoreUndefined: true,
      preview: false,
      useGlobal: true,
    });
    this.#keepHistory();
    // Its own commands are JavaScript's.
    for (const name of Object.keys(this.#editor.commands))
      delete (this.#editor.commands as Record<string, unknown>)[name];
    const [forget] = this.#editor.listeners('SIGINT') as (() => void)[];
    this.#editor.removeAllListeners('SIGINT').on('SIGINT', () => {
      if (this.#running === undefined) {
        this.#typed = '';
        forget!.call(this.#editor);
      } else this.#running.abort();
    });
    this.left = new Promise((resolve) => {
      this.#editor.once('exit', () => void this.#work.then(resolve));
    });
  }

  readonly write = (text: string): void => {
    if (this.#output !== undefined) appendFileSync(this.#output.file, `${text}\n`);
    if (this.#output?.alone !== true) process.stdout.write(`${text}\n`);
  };

  async run(statements: string, file?: string): Promise<boolean> {
    const running = (this.#running ??= new AbortController());
    try {
      await this.session.run(statements, running.signal, file);
      return true;
    } catch (error) {
      this.#tell(this.session.explain(error));
      return false;
    }
  }

  runFile(file: string): Promise<boolean> {
    return this.run(readScript(file), file);
  }

  async watch(everySeconds: number): Promise<void> {
    if (this.#lastStatements === '') throw refused('There is no statement yet to watch.');
    const { signal } = (this.#running ??= new AbortController());
    while (!signal.aborted) {
      this.write(`\n${new Date(systemEnvironment.now()).toISOString()}, every ${everySeconds} s`);
      if (!(await this.run(this.#lastStatements))) return;
      await passed(everySeconds * 1000, signal);
    }
  }

  async edit(): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-sql-'));
    try {
      const file = join(folder, 'statement.sql');
      writeFileSync(file, this.#lastStatements);
      const editor = process.env['VISUAL'] ?? process.env['EDITOR'] ?? 'vi';
      const { status, error } = this.#handOver(`${editor} "$1"`, [file]);
      if (error !== undefined) throw error;
      if (status !== 0) throw refused(`The editor ${editor} ended with ${status}: nothing is run.`);
      const text = readFileSync(file, 'utf8').trim();
      if (isBlank(text)) return;
      this.write(text);
      this.#remember(text);
      await this.run(text);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  sendTo(file: string | undefined, alone: boolean): void {
    if (file !== undefined) {
      try {
        writeFileSync(file, '', { flag: 'a' });
      } catch (error) {
        throw refused(`Answers can't be written to ${file}: ${messageOf(error)}`);
      }
    }
    this.#output = file === undefined ? undefined : { file, alone };
  }

  async server(url: string | undefined): Promise<void> {
    if (url !== undefined) {
      const client = this.#connect(/^https?:\/\//.test(url) ? url : `http://${url}`);
      await client.info();
      Object.assign(client.properties, this.session.client.properties);
      Object.assign(client.variables, this.session.client.variables);
      this.session.client = client;
      this.#catalog = new Catalog(client);
    }
    this.write(this.session.client.url);
  }

  async version(): Promise<string> {
    return (await this.session.client.info()).version;
  }

  history(): string {
    return this.#history.entries().join('\n');
  }

  page(on: boolean): void {
    this.#pages = on;
  }

  clear(): void {
    process.stdout.write(CLEAR_SCREEN);
  }

  leave(): void {
    this.#editor.close();
  }

  /** Takes a line; says by `Recoverable` that there has to be more. What is complete runs when its turn comes. */
  #enter(text: string): Error | null {
    // The editor hands over all that is not complete yet, with its own ends of lines.
    this.#typed = text.replace(/\r\n?/g, '\n');
    const { statements, rest } = splitStatements(this.#typed);
    if (statements.length === 0) {
      const isFirstLine = !this.#typed.trimEnd().includes('\n');
      if (isFirstLine && this.#isCommand(this.#typed)) return this.#done();
      return isBlank(this.#typed) ? this.#done() : new Recoverable(new SyntaxError('incomplete'));
    }
    if (statements.length === 1 && this.#isCommand(this.#typed)) return this.#done();
    if (!isBlank(rest)) return new Recoverable(new SyntaxError('incomplete'));
    const complete = this.#typed.trim();
    this.#remember(complete);
    this.#queue(async () => {
      // One that is refused ends what was entered with it.
      for (const { text: statement } of statements) if (!(await this.run(statement))) break;
      this.#catalog.refresh();
    });
    return this.#done();
  }

  /** Whether the text is a command, which runs when its turn comes, or was meant to be one. */
  #isCommand(text: string): boolean {
    try {
      const found = commandIn(text);
      if (found === undefined) return false;
      this.#queue(() => found.command.run(this, found.argument));
    } catch (error) {
      this.#queue(() => this.#tell(messageOf(error)));
    }
    this.#history.add(text.trim());
    return true;
  }

  #queue(work: () => unknown): void {
    this.#waiting++;
    // While something runs there is no prompt.
    this.#editor.setPrompt('');
    this.#work = this.#work.then(async () => {
      try {
        await work();
      } catch (error) {
        this.#tell(messageOf(error));
      }
      this.#running = undefined;
      if (--this.#waiting > 0 || (this.#editor as unknown as { closed: boolean }).closed) return;
      this.#editor.setPrompt(this.#promptText());
      this.#editor.displayPrompt(true);
    });
  }

  /** The editor's own, newest first. */
  get #entries(): string[] {
    return (this.#editor as unknown as { history: string[] }).history;
  }

  set #entries(entries: string[]) {
    (this.#editor as unknown as { history: string[] }).history = entries;
  }

  #done(): null {
    this.#typed = '';
    // Node keeps the lines of an entry in reverse order with CR between, and shows and runs them so when Ctrl-R has found
    // them. With LF they are left as they are.
    const entries = this.#entries;
    if (entries[0]?.includes('\r') === true) entries[0] = entries[0].split('\r').toReversed().join('\n');
    return null;
  }

  #remember(statements: string): void {
    this.#lastStatements = statements;
    this.#history.add(statements);
  }

  /** To the terminal, wherever answers go. */
  #tell(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  /** Says where the prompt is, when that isn't where one would think. */
  #promptText(): string {
    const { url, properties } = this.session.client;
    const host = DEFAULT_URL.test(url) ? '' : `${new URL(url).host} `;
    const earliest = properties['auto.offset.reset'] === 'earliest' ? ' (earliest)' : '';
    return `${host}ksql${earliest}> `;
  }

  #terminal(): Terminal {
    const { write } = this;
    const show = (text: string): void => this.#show(text);
    return {
      write,
      show,
      get width() {
        return process.stdout.columns ?? 120;
      },
    };
  }

  /** What is longer than the screen goes through the pager. */
  #show(text: string): void {
    const isLong = text.split('\n').length > (process.stdout.rows ?? 40) - 2;
    const pager = process.env['PAGER'] ?? 'less';
    if (!isLong || !this.#pages || pager === '' || this.#output !== undefined) {
      this.write(text);
      return;
    }
    const { error, status } = this.#handOver(pager, [], {
      input: `${text}\n`,
      env: { LESS: 'FRSX', LESSCHARSET: 'utf-8' },
    });
    // 127: the shell has not found it.
    if (error !== undefined || status === 127) this.write(text);
  }

  /** Gives the terminal to another program until that has ended. */
  #handOver(
    command: string,
    parameters: readonly string[],
    { input, env = {} }: { input?: string; env?: Record<string, string> } = {},
  ): { status: number | null; error?: Error } {
    process.stdin.setRawMode(false);
    try {
      return spawnSync('/bin/sh', ['-c', command, 'sh', ...parameters], {
        stdio: [input === undefined ? 'inherit' : 'pipe', 'inherit', 'inherit'],
        env: { ...env, ...process.env },
        ...(input === undefined ? {} : { input }),
      });
    } finally {
      process.stdin.setRawMode(true);
    }
  }

  #keepHistory(): void {
    // Kept in memory only: what is typed goes to our own file.
    this.#editor.setupHistory({ filePath: '', size: HISTORY_MAX }, () => {
      this.#entries = this.#history.entries().toReversed();
    });
  }

  async #complete(line: string): Promise<[string[], string]> {
    if (isBlank(this.#typed) && line.startsWith('\\')) {
      const names = COMMANDS.flatMap(({ names: all }) => all);
      return [names.filter((name) => name.startsWith(line)), line];
    }
    const { line: whole, cursor } = this.#editor;
    const text = `${this.#typed}${line}`;
    const behind = whole.slice(cursor);
    const known = await this.#catalog.known(new Set(sourcesOf(`${text} ${behind}`).values()));
    const { candidates, word } = completionAt(text, behind, known);
    return [[...candidates], word];
  }
}

function passed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = systemEnvironment.after(ms, done);
    signal.addEventListener('abort', done);
  });
}

function refused(message: string): MillraceError {
  return new MillraceError('INVALID_OPTION', message);
}
