// A Redis server of a test's own: in a temporary directory, on a free port of the loopback interface, with a password, keeping its data
// over a halt. `test.skipIf(redisMissing)` where a machine has none.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { freePort } from './postgres.ts';

const START_TIMEOUT_MS = 30_000;

/** Why there is no Redis here; undefined: there is. */
export const redisMissing: string | undefined =
  spawnSync('redis-server', ['--version']).status === 0
    ? undefined
    : 'Redis is not installed (looked for redis-server)';
if (redisMissing !== undefined) console.warn(`skipped: ${redisMissing}`);

/** A server that is up. */
export interface Redis {
  readonly port: number;
  readonly settings: Readonly<Record<string, string>>;
  /** What a command answers. */
  send<T = unknown>(...command: string[]): Promise<T>;
  halt(): Promise<void>;
  resume(): Promise<void>;
  /** The server stands still, with its connections, until `thaw`. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** Starts a server; `more`: settings of its own. */
export async function startRedis(more: readonly string[] = []): Promise<Redis> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-redis-'));
  const port = await freePort();
  const args = [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--requirepass', 'secret'],
    ...['--appendonly', 'yes', '--appendfsync', 'no', '--save', '', '--logfile', 'log'],
    ...more,
  ];
  let server = spawn('redis-server', args, { stdio: 'ignore' });
  const open = async () => {
    const client = createClient({
      RESP: 2,
      socket: { host: '127.0.0.1', port, reconnectStrategy: false },
      password: 'secret',
      database: 1,
    });
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  const isUp = async (): Promise<void> => {
    const end = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      try {
        const client = await open();
        await client.ping();
        client.destroy();
        return;
      } catch (error) {
        if (Date.now() > end || server.exitCode !== null) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
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
  return {
    port,
    settings: { 'redis.hosts': `127.0.0.1:${port}`, 'redis.password': 'secret' },
    async send<T>(...command: string[]) {
      const client = await open();
      try {
        return await client.sendCommand<T>(command);
      } finally {
        client.destroy();
      }
    },
    halt,
    async resume() {
      server = spawn('redis-server', args, { stdio: 'ignore' });
      await isUp();
    },
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    async stop() {
      server.kill('SIGCONT');
      await halt();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
