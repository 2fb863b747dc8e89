// Workers of Apache Kafka's own, where there are Java and Maven (test/suites/connect-jars.ts).
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectJars } from '../../suites/connect-jars.ts';
import { until } from '../rest/asking.ts';

const jars = await connectJars();

/** Whether there are some; why not is printed. */
export const hasJavaWorkers = 'folder' in jars;
if ('missing' in jars) process.stderr.write(`Java's workers are left out: ${jars.missing}\n`);
const folder = 'folder' in jars ? jars.folder : '';

export interface JavaWorkerOptions {
  readonly mode: 'standalone' | 'distributed';
  readonly bootstrapServers: string;
  readonly settings?: Readonly<Record<string, string>>;
}

export class JavaWorker {
  readonly url: string;
  /** What it is called in states. */
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #directory: string;
  #output = '';

  private constructor(child: ChildProcess, port: number, directory: string) {
    this.#process = child;
    this.#directory = directory;
    this.url = `http://127.0.0.1:${port}`;
    this.name = `127.0.0.1:${port}`;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-20_000);
      });
    }
  }

  /** Resolves when its REST answers that it is healthy. */
  static async start({ mode, bootstrapServers, settings = {} }: JavaWorkerOptions): Promise<JavaWorker> {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-java-connect-'));
    const port = await freePort();
    const file = join(directory, 'worker.properties');
    const all = {
      'bootstrap.servers': bootstrapServers,
      'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
      listeners: `HTTP://127.0.0.1:${port}`,
      'plugin.discovery': 'only_scan',
      'offset.flush.interval.ms': '500',
      ...(mode === 'standalone' ? { 'offset.storage.file.filename': join(directory, 'offsets') } : {}),
      ...settings,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}=${value}`);
    writeFileSync(file, `${lines.join('\n')}\n`);
    const main = `org.apache.kafka.connect.cli.Connect${mode === 'standalone' ? 'Standalone' : 'Distributed'}`;
    const child = spawn('java', ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', join(folder, '*'), main, file]);
    const worker = new JavaWorker(child, port, directory);
    const isHealthy = await until(
      () =>
        fetch(`${worker.url}/health`).then(
          ({ status }) => status === 200,
          () => false,
        ),
      (healthy) => healthy || child.exitCode !== null,
      90_000,
    );
    if (isHealthy) return worker;
    const output = worker.#output;
    await worker.kill();
    throw new Error(`the Java worker has not come up: ${output}`);
  }

  /** Ends it without a goodbye. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Ends it as its users do. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => void child.once('exit', resolve));
      child.kill(signal);
      await ended;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
