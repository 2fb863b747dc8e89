// A platform in a process of its own, as users start it, so that it can be killed and started again over the same data.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MILLRACE = fileURLToPath(new URL('../../bin/millrace', import.meta.url));

export class PlatformProcess {
  readonly bootstrap: string;
  readonly url: string;
  readonly #dataDir: string;
  readonly #arguments: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(cluster: string | undefined, ports: readonly number[]) {
    this.#dataDir = mkdtempSync(join(tmpdir(), 'millrace-nexmark-'));
    const [broker, registry, sql] = ports.map(String);
    this.bootstrap = cluster ?? `127.0.0.1:${broker}`;
    this.url = `http://127.0.0.1:${sql}`;
    this.#arguments = [
      ...['start', '--data-dir', this.#dataDir, '--registry-port', registry!, '--sql-port', sql!, '--rest-port', '0', '-p', 'connect.listeners='],
      ...(cluster === undefined ? ['--port', broker!, '-p', 'log.retention.ms=-1'] : ['--bootstrap-server', cluster]),
    ];
  }

  /** With a broker of its own, or on a `cluster` (`host:port`). */
  static async start(cluster: string | undefined): Promise<PlatformProcess> {
    const started = new PlatformProcess(cluster, await Promise.all([freePort(), freePort(), freePort()]));
    await started.start();
    return started;
  }

  /** Resolves when it says that it is up. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [MILLRACE, ...this.#arguments], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    let said = '';
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the platform ended with ${code} before it was up:\n${said}`)));
      child.stdout.on('data', (chunk: Buffer) => {
        const text = String(chunk);
        if (said.includes('is up')) process.stdout.write(text);
        else said += text;
        if (said.includes('is up')) resolve();
      });
    });
  }

  /** As a power cut would: nothing is written any more. */
  async kill(): Promise<void> {
    const child = this.#child!;
    const ended = new Promise((resolve) => {
      child.once('exit', resolve);
    });
    child.kill('SIGKILL');
    await ended;
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#dataDir, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
