// The services' thread, seen from the broker's: it is started, asked to stop, and started again when it dies. Whatever its
// requests and queries do, the broker answers its own clients; whatever becomes of it, the broker does not notice.
import type { MessagePort, Worker } from 'node:worker_threads';
import { deferred, type Environment, type GivenSettings, MillraceError, Restarts, startWorker } from '../util/index.ts';
import type { RunningService } from './services.ts';

/** What the services' thread is given. */
export interface ServiceThreadData {
  readonly settings: GivenSettings;
}

/** What it is told. */
export type ToServiceThread = 'begin' | 'stop';

/** What it tells. */
export type FromServiceThread =
  | { readonly kind: 'log'; readonly message: string }
  /** It wants a connection to the broker, and keeps the other end. */
  | { readonly kind: 'connect'; readonly port: MessagePort }
  | { readonly kind: 'started'; readonly services: readonly RunningService[] }
  | { readonly kind: 'failed'; readonly code: string | undefined; readonly message: string };

export interface ServiceThreadOptions {
  readonly settings: GivenSettings;
  /** Serves a client at the other end of the port. */
  readonly serve: (port: MessagePort) => void;
  readonly environment: Environment;
  readonly log: (message: string) => void;
}

const LISTENERS = {
  'schema-registry': 'schema.registry.listeners',
  sql: 'ksql.listeners',
  'rest-proxy': 'kafka.rest.listeners',
} as const;

export class ServiceThread {
  readonly #options: ServiceThreadOptions;
  #settings: GivenSettings;
  #services: readonly RunningService[] = [];
  #worker: Worker;
  readonly #restarts: Restarts;
  #ended = deferred();
  #isStopping = false;

  /** The thread loads what it needs at once, and begins with its work when it is told to. */
  constructor(options: ServiceThreadOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#restarts = new Restarts(options.environment);
    this.#worker = this.#spawn();
  }

  /** Resolves when the services answer; rejects with what keeps them from it. */
  async start(): Promise<void> {
    const started = deferred();
    this.#worker.on('message', (message: FromServiceThread) => {
      if (message.kind === 'started') started.resolve();
      if (message.kind !== 'failed') return;
      this.#isStopping = true;
      started.reject(new MillraceError(message.code ?? 'THREAD_LOST', message.message));
    });
    void this.#ended.promise.then(() => started.reject(lost()));
    this.#worker.postMessage('begin' satisfies ToServiceThread);
    await started.promise;
  }

  get services(): readonly RunningService[] {
    return this.#services;
  }

  /** Ends the services in order, each query at a commit. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#restarts.cancel();
    if (this.#restarts.isWaiting) return;
    this.#worker.postMessage('stop' satisfies ToServiceThread);
    await this.#ended.promise;
  }

  /** Ends the thread where it is, as a fault would: for those who try what becomes of that. It is started again. */
  async kill(): Promise<void> {
    await this.#worker.terminate();
  }

  #spawn(): Worker {
    const workerData: ServiceThreadData = { settings: this.#settings };
    const worker = startWorker('platform/service-work', { workerData });
    const { log, serve } = this.#options;
    worker.on('message', (message: FromServiceThread) => {
      if (message.kind === 'log') log(message.message);
      else if (message.kind === 'connect') serve(message.port);
      else if (message.kind === 'started') {
        if (this.#services.length > 0) log("the services' thread is up again");
        this.#started(message.services);
      } else if (message.kind === 'failed' && this.#services.length > 0) log(message.message);
    });
    worker.on('error', (error) =>
      log(`the services' thread died: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    );
    worker.on('exit', () => this.#exited());
    return worker;
  }

  #started(services: readonly RunningService[]): void {
    this.#services = services;
    this.#restarts.succeeded();
    // A port that was free is theirs from now on: clients find them where they were.
    const listeners = services.flatMap(({ name, url }) => (name === 'broker' ? [] : [[LISTENERS[name], url]]));
    this.#settings = { ...this.#settings, ...(Object.fromEntries(listeners) as Record<string, string>) };
  }

  #exited(): void {
    if (this.#isStopping || this.#services.length === 0) {
      this.#ended.resolve();
      return;
    }
    const delayMs = this.#restarts.schedule(() => {
      this.#worker = this.#spawn();
      this.#worker.postMessage('begin' satisfies ToServiceThread);
    });
    this.#options.log(`the services' thread ended; it is started again in ${delayMs} ms`);
  }
}

function lost(): MillraceError {
  return new MillraceError('THREAD_LOST', "The services' thread ended before they were up.");
}
