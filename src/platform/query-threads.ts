// Threads of queries, seen from the services' thread, which starts them: each when it is needed first, and again when it
// dies. Each has a client of its own; whatever becomes of one, the others and the services go on.
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
import type { ClusterOptions } from '../client/settings.ts';
import { deferred, type Environment, messageOf, Restarts, startWorker } from '../util/index.ts';
import type { HostThread, HostThreadListener, QueryThreads } from '../sql/index.ts';

/** How long a thread has to close its queries, each at a commit, before it is ended where it is. */
const PATIENCE_MS = 20_000;

/** What a query thread is given. */
export interface QueryThreadData {
  readonly stateDir: string;
  /** The cluster that it reads and writes; undefined: the broker in this process. */
  readonly cluster: ClusterOptions | undefined;
}

/** What it is told. */
export type ToQueryThread = { readonly kind: 'serve'; readonly port: MessagePort } | { readonly kind: 'stop' };

/** What it tells: it wants a connection to the broker, and keeps the other end. */
export interface FromQueryThread {
  readonly kind: 'connect';
  readonly port: MessagePort;
}

export interface QueryThreadsOptions {
  readonly defaultCount: number;
  readonly stateDir: string;
  readonly cluster: ClusterOptions | undefined;
  /** Hands a port to the broker, which serves the client at its other end. */
  readonly connect: (port: MessagePort) => void;
  readonly environment: Environment;
  readonly log: (message: string) => void;
}

export function queryThreads(options: QueryThreadsOptions): QueryThreads {
  const { defaultCount } = options;
  return { defaultCount, thread: (index) => new QueryThread(`query thread ${index + 1}`, options) };
}

export class QueryThread implements HostThread {
  readonly #name: string;
  readonly #options: QueryThreadsOptions;
  readonly #restarts: Restarts;
  readonly #ended = deferred();
  #worker: Worker | undefined;
  #isStopping = false;

  constructor(name: string, options: QueryThreadsOptions) {
    this.#name = name;
    this.#options = options;
    this.#restarts = new Restarts(options.environment);
  }

  start(listener: HostThreadListener): void {
    const { log, connect, stateDir, cluster } = this.#options;
    const workerData: QueryThreadData = { stateDir, cluster };
    const worker = startWorker('platform/query-work', { workerData, name: this.#name });
    this.#worker = worker;
    worker.on('message', ({ port }: FromQueryThread) => connect(port));
    worker.on('error', (error) =>
      log(`${this.#name} died: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    );
    worker.on('online', () => {
      this.#restarts.succeeded();
      const { port1, port2 } = new MessageChannel();
      worker.postMessage({ kind: 'serve', port: port2 } satisfies ToQueryThread, [port2]);
      listener.up(port1);
    });
    worker.on('exit', () => {
      listener.lost();
      if (this.#isStopping) {
        this.#ended.resolve();
        return;
      }
      const delayMs = this.#restarts.schedule(() => this.start(listener));
      log(`${this.#name} ended; it is started again in ${delayMs} ms`);
    });
  }

  /** Ends the thread where it is, as a fault would: for those who try what becomes of that. It is started again. */
  async kill(): Promise<void> {
    await this.#worker?.terminate();
  }

  async stop(hasClosed: Promise<unknown>): Promise<void> {
    this.#isStopping = true;
    this.#restarts.cancel();
    if (this.#restarts.isWaiting) return;
    const { environment, log } = this.#options;
    const stopWaiting = environment.after(PATIENCE_MS, () => {
      log(`${this.#name} does not end, and is ended where it is: what it has not committed is read again`);
      void this.#worker?.terminate();
    });
    // A host that can't be closed has said why; its thread ends all the same.
    await Promise.race([
      hasClosed.catch((error: unknown) => log(`${this.#name}: ${messageOf(error)}`)),
      this.#ended.promise,
    ]);
    this.#worker?.postMessage({ kind: 'stop' } satisfies ToQueryThread);
    await this.#ended.promise;
    stopWaiting();
  }
}
