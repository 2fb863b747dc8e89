// A PostgreSQL server of a test's own: made in a temporary directory, with logical replication, on a free port of the
// loopback interface, and gone behind the test file. `test.skipIf(postgresMissing)` where a machine has none.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';

const run = promisify(execFile);
const HOME = '/usr/lib/postgresql';
const START_TIMEOUT_MS = 30_000;

/** The directory of the newest server's programs. */
const programs = existsSync(HOME)
  ? readdirSync(HOME)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(HOME, version, 'bin'))
      .find((bin) => existsSync(join(bin, 'initdb')))
  : undefined;

/** Why there is no PostgreSQL here; undefined: there is. */
export const postgresMissing: string | undefined =
  programs === undefined ? 'PostgreSQL is not installed (looked for initdb below /usr/lib/postgresql)' : undefined;
if (postgresMissing !== undefined) console.warn(`skipped: ${postgresMissing}`);

/** What it refuses to run as. */
const runsAsRoot = process.getuid?.() === 0;
const asServer = (program: string, args: readonly string[]): [string, string[]] => {
  const path = join(programs!, program);
  return runsAsRoot
    ? ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', path, ...args]]
    : [path, [...args]];
};

/** A server that is up. */
export interface Postgres {
  readonly port: number;
  readonly user: 'postgres';
  readonly password: 'secret';
  readonly database: 'postgres';
  /** Runs statements one after the other, on a connection of its own. */
  run(sql: string): Promise<void>;
  /** The rows of a query, on the same connection. */
  rows<R extends Record<string, unknown> = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<R[]>;
  /** A connection for the test; closed with the server. */
  connect(database?: string): Promise<Client>;
  /** A new, empty database, and its name. */
  createDatabase(): Promise<string>;
  /** Stops it, as an operator (fast) or a fault (immediate) would. */
  halt(mode: 'fast' | 'immediate'): Promise<void>;
  /** Starts it again where it was stopped. */
  resume(): Promise<void>;
  /** Stops it for ever, and removes its files. */
  stop(): Promise<void>;
}

/** A port of the loopback interface that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
}

/** Starts a server. `settings`: more of what postgresql.conf has; `files`: what is put beside its data, readable to it alone. */
export async function startPostgres(
  settings: Readonly<Record<string, string>> = {},
  files: Readonly<Record<string, string>> = {},
): Promise<Postgres> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-postgres-'));
  const own = (path: string): void => {
    if (runsAsRoot) chownSync(path, idOf('-u'), idOf('-g'));
  };
  own(directory);
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, name), content, { mode: 0o600 });
    own(join(directory, name));
  }
  const data = join(directory, 'data');
  await run(
    ...asServer('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '-N', '--locale=C.UTF-8', '-E', 'UTF8']),
  );
  const port = await freePort();
  const server = new Server(directory, data, port, {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: directory,
    wal_level: 'logical',
    fsync: 'off',
    full_page_writes: 'off',
    max_wal_senders: '100',
    max_replication_slots: '100',
    autovacuum: 'off',
    shared_buffers: '64MB',
    ...settings,
  });
  await server.resume();
  // Passwords are asked for over TCP, as they are in the world; the helper's own work goes the same way.
  await server.run(`ALTER USER postgres PASSWORD 'secret'`);
  await server.requirePasswords();
  return server;
}

class Server implements Postgres {
  readonly user = 'postgres';
  readonly password = 'secret';
  readonly database = 'postgres';
  readonly port: number;
  readonly #directory: string;
  readonly #data: string;
  readonly #settings: Readonly<Record<string, string>>;
  #own: Client | undefined;
  readonly #clients: Client[] = [];
  #databases = 0;

  constructor(directory: string, data: string, port: number, settings: Readonly<Record<string, string>>) {
    this.#directory = directory;
    this.#data = data;
    this.port = port;
    this.#settings = settings;
  }

  async resume(): Promise<void> {
    const options = Object.entries(this.#settings).map(([name, value]) => `-c ${name}='${value}'`);
    const [command, args] = asServer('pg_ctl', [
      ...['-D', this.#data, '-l', join(this.#directory, 'log'), '-w', '-t', String(START_TIMEOUT_MS / 1000)],
      ...['-o', options.join(' '), 'start'],
    ]);
    // Not through a pipe: the server would keep it open.
    const child = spawn(command, args, { stdio: 'ignore' });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    if (code !== 0) throw new Error(`pg_ctl start ended with ${String(code)}`);
  }

  async halt(mode: 'fast' | 'immediate'): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.end().catch(() => undefined);
    await this.#own?.end().catch(() => undefined);
    this.#own = undefined;
    await run(...asServer('pg_ctl', ['-D', this.#data, '-m', mode, '-w', '-t', '30', 'stop']));
  }

  async stop(): Promise<void> {
    await this.halt('immediate').catch(() => undefined);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async requirePasswords(): Promise<void> {
    await this.run(`CREATE TABLE hba (line text)`);
    await this.run(
      `COPY hba FROM PROGRAM 'printf "host all all 127.0.0.1/32 scram-sha-256\\nhost replication all 127.0.0.1/32 scram-sha-256\\n" | tee ${this.#data}/pg_hba.conf'`,
    );
    await this.run(`DROP TABLE hba; SELECT pg_reload_conf()`);
  }

  async connect(database: string = this.database): Promise<Client> {
    const client = await this.#open(database);
    this.#clients.push(client);
    return client;
  }

  async run(sql: string): Promise<void> {
    this.#own ??= await this.#open(this.database);
    await this.#own.query(sql);
  }

  async rows<R extends Record<string, unknown>>(sql: string, values: unknown[] = []): Promise<R[]> {
    this.#own ??= await this.#open(this.database);
    return (await this.#own.query<R>(sql, values)).rows;
  }

  async createDatabase(): Promise<string> {
    const name = `test_${++this.#databases}`;
    await this.run(`CREATE DATABASE ${name}`);
    return name;
  }

  async #open(database: string): Promise<Client> {
    const { port, user, password } = this;
    const client = new Client({ host: '127.0.0.1', port, user, password, database });
    // A server that goes away says so to whoever asks it next.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }
}
