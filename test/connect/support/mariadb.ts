// A MariaDB server of a test's own: in a temporary directory, with a row-based binary log, on a free port of the loopback
// interface, and gone behind the test file. `test.skipIf(mariadbMissing)` where a machine has none.
import { execFile, spawn, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';

const run = promisify(execFile);
const START_TIMEOUT_MS = 60_000;
const PATH = `${process.env['PATH']}:/usr/sbin:/usr/local/sbin`;
const has = (program: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${program}`], { env: { PATH } }).status === 0;

/** Why there is no MariaDB here; undefined: there is. */
export const mariadbMissing: string | undefined =
  has('mariadbd') && has('mariadb-install-db') ? undefined : 'MariaDB is not installed (looked for mariadbd)';
if (mariadbMissing !== undefined) console.warn(`skipped: ${mariadbMissing}`);

/** A server that is up. */
export interface Mariadb {
  readonly port: number;
  readonly user: 'millrace';
  readonly password: 'secret';
  /** The rows of a query. */
  rows<R = Record<string, unknown>>(sql: string): Promise<R[]>;
  /** A new, empty database, and its name. */
  createDatabase(): Promise<string>;
  halt(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts a server. */
export async function startMariadb(): Promise<Mariadb> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-mariadb-'));
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    const id = (flag: string): number => Number(spawnSync('id', [flag, 'mysql'], { encoding: 'utf8' }).stdout);
    chownSync(directory, id('-u'), id('-g'));
  }
  const user = isRoot ? ['--user=mysql'] : [];
  const data = join(directory, 'data');
  await run(
    'mariadb-install-db',
    ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db', ...user],
    { env: { PATH } },
  );
  const port = await freePort();
  const args = [
    '--no-defaults',
    `--datadir=${data}`,
    `--socket=${join(directory, 'socket')}`,
    `--pid-file=${join(directory, 'pid')}`,
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    '--log-bin=binlog',
    '--binlog-format=ROW',
    '--binlog-row-image=FULL',
    '--server-id=1',
    '--innodb-flush-log-at-trx-commit=0',
    ...user,
  ];
  let server = spawn('mariadbd', args, { env: { PATH }, stdio: 'ignore' });
  const connect = (as: { user: string; password?: string; socketPath?: string }): Promise<Connection> =>
    createConnection({ host: '127.0.0.1', port, multipleStatements: true, ...as });
  const isUp = async (): Promise<void> => {
    const end = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      try {
        const connection = await connect({ user: 'root', socketPath: join(directory, 'socket') });
        await connection.end();
        return;
      } catch (error) {
        if (Date.now() > end || server.exitCode !== null) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  const halt = async (): Promise<void> => {
    if (server.exitCode !== null) return;
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGTERM');
    await ended;
  };
  await isUp();
  const root = await connect({ user: 'root', socketPath: join(directory, 'socket') });
  await root.query("CREATE USER millrace@'%' IDENTIFIED BY 'secret'; GRANT ALL ON *.* TO millrace@'%'");
  await root.end();
  let databases = 0;
  const rows = async <R>(sql: string): Promise<R[]> => {
    const connection = await connect({ user: 'millrace', password: 'secret' });
    try {
      const [found] = await connection.query<RowDataPacket[]>(sql);
      return found as unknown[] as R[];
    } finally {
      await connection.end();
    }
  };
  return {
    port,
    user: 'millrace',
    password: 'secret',
    rows,
    async createDatabase() {
      const name = `test_${++databases}`;
      await rows(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
      return name;
    },
    halt,
    async resume() {
      server = spawn('mariadbd', args, { env: { PATH }, stdio: 'ignore' });
      await isUp();
    },
    async stop() {
      await halt();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
