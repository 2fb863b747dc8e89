// The prompt: collects lines until a statement is complete, keeps a history between runs, completes words, and gives
// Ctrl-C its meaning (end the running query; at the prompt, forget what was typed).
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { SqlClient } from '../sql-api/index.ts';
import { Session, type Terminal } from './session.ts';
import { isBlank, splitStatements } from './statements.ts';

const PROMPT = 'ksql> ';
const CONTINUED = '    > ';
const HISTORY_LINES = 1000;

const KEYWORDS =
  'SELECT FROM WHERE GROUP BY HAVING PARTITION EMIT CHANGES FINAL LIMIT WINDOW TUMBLING HOPPING SESSION SIZE ADVANCE GRACE PERIOD WITHIN JOIN LEFT RIGHT FULL OUTER INNER ON AS WITH CREATE OR REPLACE IF NOT EXISTS STREAM TABLE PRIMARY KEY INSERT INTO VALUES UPDATE DROP DELETE TOPIC TERMINATE PAUSE RESUME EXPLAIN ANALYZE DESCRIBE EXTENDED SHOW LIST STREAMS TABLES TOPICS QUERIES PROPERTIES FUNCTIONS TYPES VARIABLES PRINT BEGINNING INTERVAL SET UNSET DEFINE UNDEFINE RUN SCRIPT CAST CASE WHEN THEN ELSE END AND BETWEEN LIKE IN IS NULL TRUE FALSE ARRAY MAP STRUCT STRING VARCHAR INTEGER BIGINT DOUBLE DECIMAL BOOLEAN BYTES DATE TIME TIMESTAMP DAYS HOURS MINUTES SECONDS MILLISECONDS VALUE_FORMAT KEY_FORMAT KAFKA_TOPIC PARTITIONS'.split(
    ' ',
  );

const HELP = `Statements end with a semicolon and may span lines. The words below need none.

  help                 this text
  exit, quit           leave (so does Ctrl-D)
  clear                clear the screen
  history              what was entered before
  version              of the server
  server               the server's address
  output [json|tabular]
  run script 'file';   run a file of statements

Tab completes keywords and the names of streams, tables and functions. Ctrl-C ends a running query.
Good to begin with:  SHOW TOPICS;  PRINT 'topic' FROM BEGINNING LIMIT 3;  SHOW STREAMS;  SELECT * FROM s EMIT CHANGES LIMIT 5;`;

export async function runRepl(client: SqlClient): Promise<void> {
  const repl = new Repl(client);
  await repl.run();
}

class Repl {
  readonly #client: SqlClient;
  readonly #session: Session;
  readonly #readline: Interface;
  readonly #historyFile = join(process.env['MILLRACE_HOME'] ?? join(homedir(), '.millrace'), 'sql_history');
  readonly #terminal: Terminal = {
    write: (line) => process.stdout.write(`${line}\n`),
    get width() {
      return process.stdout.columns ?? 120;
    },
  };
  #buffer = '';
  #running: AbortController | undefined;
  #names: readonly string[] = [];

  constructor(client: SqlClient) {
    this.#client = client;
    this.#session = new Session(client, this.#terminal);
    this.#readline = createInterface({
      input: process.stdin,
      output: process.stdout,
      prompt: PROMPT,
      history: this.#readHistory(),
      historySize: HISTORY_LINES,
      completer: (line: string) => this.#complete(line),
    });
  }

  async run(): Promise<void> {
    const info = await this.#client.info();
    this.#terminal.write(`Millrace SQL ${info.version} at ${this.#client.url} (type help; end statements with ;)`);
    void this.#learnNames();
    this.#readline.on('SIGINT', () => this.#interrupt());
    this.#readline.prompt();
    // Lines that come while a statement runs wait their turn: what was pasted is run in order.
    for await (const line of this.#readline) {
      if (await this.#enter(line)) break;
      this.#readline.setPrompt(this.#buffer === '' ? PROMPT : CONTINUED);
      this.#readline.prompt();
    }
    this.#readline.close();
  }

  /** True when the line said to leave. */
  async #enter(line: string): Promise<boolean> {
    if (this.#buffer === '') {
      const command = line.trim().replace(/;$/, '').trim();
      if (/^(exit|quit)$/i.test(command)) return true;
      if (await this.#command(command)) return false;
    }
    this.#buffer += `${line}\n`;
    const { statements, rest } = splitStatements(this.#buffer);
    if (statements.length === 0) {
      if (isBlank(rest)) this.#buffer = '';
      return false;
    }
    this.#buffer = isBlank(rest) ? '' : rest;
    for (const statement of statements) {
      this.#remember(statement);
      if (!(await this.#run(statement))) break;
    }
    void this.#learnNames();
    return false;
  }

  async #run(statement: string): Promise<boolean> {
    this.#running = new AbortController();
    try {
      await this.#session.run(statement, this.#running.signal);
      return true;
    } catch (error) {
      this.#terminal.write(Session.explain(error, statement));
      return false;
    } finally {
      this.#running = undefined;
    }
  }

  async #command(command: string): Promise<boolean> {
    const [word = '', argument] = command.toLowerCase().split(/\s+/);
    switch (word) {
      case '':
        return command === '';
      case 'help':
        this.#terminal.write(HELP);
        return true;
      case 'clear':
        process.stdout.write('\u001b[2J\u001b[H');
        return true;
      case 'history':
        this.#terminal.write(this.#readHistory().toReversed().join('\n'));
        return true;
      case 'version':
        this.#terminal.write((await this.#client.info()).version);
        return true;
      case 'server':
        this.#terminal.write(this.#client.url);
        return true;
      case 'output':
        if (argument === 'json' || argument === 'tabular') this.#session.format = argument;
        this.#terminal.write(`Output format: ${this.#session.format}`);
        return true;
      default:
        return false;
    }
  }

  #interrupt(): void {
    if (this.#running !== undefined) {
      this.#running.abort();
      return;
    }
    this.#buffer = '';
    // Takes away what was typed, on this side of the cursor and on the other.
    this.#readline.write(null, { ctrl: true, name: 'e' });
    this.#readline.write(null, { ctrl: true, name: 'u' });
    this.#terminal.write('');
    this.#readline.setPrompt(PROMPT);
    this.#readline.prompt();
  }

  #complete(line: string): [string[], string] {
    const word = /[\w.]*$/.exec(line)![0];
    if (word === '') return [[], word];
    const upper = word.toUpperCase();
    const found = [...new Set([...KEYWORDS, ...this.#names])].filter((candidate) =>
      candidate.toUpperCase().startsWith(upper),
    );
    const lowerCase = word === word.toLowerCase();
    return [found.sort().map((name) => (lowerCase && KEYWORDS.includes(name) ? name.toLowerCase() : name)), word];
  }

  /** Completion is a comfort: a server that does not answer costs it, and nothing else. */
  async #learnNames(): Promise<void> {
    try {
      const entities = await this.#client.execute('SHOW STREAMS; SHOW TABLES; SHOW FUNCTIONS;');
      this.#names = entities.flatMap((entity) =>
        ['streams', 'tables', 'functions'].flatMap((member) =>
          ((entity[member] ?? []) as { name: string }[]).map(({ name }) => name),
        ),
      );
    } catch {
      this.#names = [];
    }
  }

  #readHistory(): string[] {
    if (!existsSync(this.#historyFile)) return [];
    const lines = readFileSync(this.#historyFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    return lines.slice(-HISTORY_LINES).toReversed();
  }

  #remember(statement: string): void {
    try {
      mkdirSync(dirname(this.#historyFile), { recursive: true });
      appendFileSync(this.#historyFile, `${statement.replace(/\s*\n\s*/g, ' ')}\n`);
    } catch {
      // A read-only home costs the history, not the session.
    }
  }
}
