// `millrace start` in a process of its own, on fixed ports and one data directory: to be killed, stopped and started again.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';

export interface Ports {
  readonly broker: number;
  readonly registry: number;
  readonly sql: number;
}

const UP_MS_MAX = 60_000;
/** Small segments, so that they roll and are cleaned and retained while it runs. */
const SETTINGS = [
  'internal.log.segment.bytes=262144',
  'log.cleaner.backoff.ms=500',
  'log.retention.check.interval.ms=1000',
  'ksql.streams.auto.offset.reset=earliest',
  'transaction.max.timeout.ms=20000',
];

export class Server {
  readonly dataDir: string;
  readonly ports: Ports;
  readonly log: string[] = [];
  #child: ChildProcess | undefined;

  constructor(dataDir: string, ports: Ports) {
    this.dataDir = dataDir;
    this.ports = ports;
  }

  static async freePorts(): Promise<Ports> {
    const [broker, registry, sql] = [await freePort(), await freePort(), await freePort()];
    return { broker, registry, sql };
  }

  get bootstrap(): string {
    return `127.0.0.1:${this.ports.broker}`;
  }

  get sqlUrl(): string {
    return `http://127.0.0.1:${this.ports.sql}`;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /** Where its inspector listens, if it was started with one. */
  get inspector(): string {
    return /Debugger listening on (ws:\S+)/.exec(this.log.join(''))![1]!;
  }

  /**
   * Resolves when every service answers; throws when that takes longer than anybody should wait. `nodeOptions` are for Node:
   * `--inspect=127.0.0.1:0`.
   */
  async start(nodeOptions: readonly string[] = []): Promise<void> {
    const { broker, registry, sql } = this.ports;
    const child = spawn(
      process.execPath,
      [
        ...nodeOptions,
        join(import.meta.dirname, '../../bin/millrace'),
        'start',
        ...[
          '-d',
          this.dataDir,
          '--port',
          `${broker}`,
          '--registry-port',
          `${registry}`,
          '--sql-port',
          `${sql}`,
          '--rest-port',
          '0',
          '--connect-port',
          '0',
        ],
        ...SETTINGS.flatMap((setting) => ['-p', setting]),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#child = child;
    let output = '';
    child.stderr.on('data', (chunk: Buffer) => this.log.push(String(chunk)));
    const up = new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        output += String(chunk);
        if (output.includes('is up')) resolve();
      });
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${this.log.slice(-20).join('')}`)));
    });
    const tooLate = setTimeout(() => child.kill('SIGKILL'), UP_MS_MAX);
    await up;
    clearTimeout(tooLate);
  }

  async kill(): Promise<void> {
    await this.#signal('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#signal('SIGTERM');
  }

  /** Holds it for a while: connections stay, nobody answers. */
  async freeze(ms: number): Promise<void> {
    this.#child!.kill('SIGSTOP');
    await new Promise((resolve) => {
      setTimeout(resolve, ms);
    });
    this.#child!.kill('SIGCONT');
  }

  async #signal(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child!;
    child.removeAllListeners('exit');
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
