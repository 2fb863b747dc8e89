// A thread of services, seen from the broker's: it is started, asked to stop, and started again when it dies. Whatever its
// requests, queries and connectors do, the broker answers its own clients; whatever becomes of it, the broker does not notice.
import type { MessagePort, Worker } from 'node:worker_threads';
import {
  deferred,
  type Environment,
  type GivenSettings,
  MillraceError,
  PortCalls,
  Restarts,
  startWorker,
} from '../util/index.ts';
import type { RunningService } from './start.ts';

/** What a thread of services is told. */
export type ToServiceThread =
  | { readonly kind: 'begin'; readonly settings: GivenSettings }
  /** Where Connect is, once it is known. */
  | { readonly kind: 'connect-url'; readonly url: string }
  | { readonly kind: 'stop' };

/** What it tells. */
export type FromServiceThread =
  | { readonly kind: 'log'; readonly message: string }
  /** It wants a connection to the broker, and keeps the other end. */
  | { readonly kind: 'connect'; readonly port: MessagePort }
  /** What it may be called for. */
  | { readonly kind: 'calls'; readonly port: MessagePort }
  | { readonly kind: 'started'; readonly services: readonly RunningService[] }
  | { readonly kind: 'failed'; readonly code: string | undefined; readonly message: string };

export interface ServiceThreadOptions {
  /** What runs in it. */
  readonly entry: 'platform/service-work' | 'platform/connect-work' | 'platform/record-schemas-work';
  /** What the log calls it: `the services' thread`. */
  readonly name: string;
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
  connect: 'connect.listeners',
} as const;

export class ServiceThread {
  readonly #options: ServiceThreadOptions;
  #settings: GivenSettings;
  #services: readonly RunningService[] = [];
  #worker: Worker;
  readonly #restarts: Restarts;
  #ended = deferred();
  #isStopping = false;
  #wasUp = false;
  #calls: PortCalls | undefined;
  #connectUrl: string | undefined;

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
    void this.#ended.promise.then(() => started.reject(lost(this.#options.name)));
    this.#begin();
    await started.promise;
  }

  /** Tells the services where Connect is. */
  connectAt(url: string): void {
    this.#connectUrl = url;
    this.#tell({ kind: 'connect-url', url });
  }

  /** Calls what the thread can be called for. Rejects with THREAD_LOST while it is not up. */
  call(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.#calls?.call(name, ...args) ?? Promise.reject(gone(this.#options.name));
  }

  get services(): readonly RunningService[] {
    return this.#services;
  }

  /** Ends the services in order, each query at a commit. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#restarts.cancel();
    if (this.#restarts.isWaiting) return;
    this.#tell({ kind: 'stop' });
    await this.#ended.promise;
  }

  /** Ends the thread where it is, as a fault would: for those who try what becomes of that. It is started again. */
  async kill(): Promise<void> {
    await this.#worker.terminate();
  }

  #begin(): void {
    this.#tell({ kind: 'begin', settings: this.#settings });
    if (this.#connectUrl !== undefined) this.#tell({ kind: 'connect-url', url: this.#connectUrl });
  }

  #tell(message: ToServiceThread): void {
    this.#worker.postMessage(message);
  }

  #spawn(): Worker {
    const { log, serve, entry, name } = this.#options;
    const worker = startWorker(entry, {});
    worker.on('message', (message: FromServiceThread) => {
      if (message.kind === 'log') log(message.message);
      else if (message.kind === 'connect') serve(message.port);
      else if (message.kind === 'started') {
        if (this.#wasUp) log(`${name} is up again`);
        this.#started(message.services);
      } else if (message.kind === 'calls') this.#calls = new PortCalls(message.port, {});
      else if (message.kind === 'failed' && this.#wasUp) log(message.message);
    });
    worker.on('error', (error) =>
      log(`${name} died: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    );
    worker.on('exit', () => this.#exited());
    return worker;
  }

  #started(services: readonly RunningService[]): void {
    this.#services = services;
    this.#wasUp = true;
    this.#restarts.succeeded();
    // A port that was free is theirs from now on: clients find them where they were.
    const listeners = services.flatMap(({ name, url }) => (name === 'broker' ? [] : [[LISTENERS[name], url]]));
    this.#settings = { ...this.#settings, ...(Object.fromEntries(listeners) as Record<string, string>) };
  }

  #exited(): void {
    this.#calls?.end(gone(this.#options.name));
    this.#calls = undefined;
    if (this.#isStopping || !this.#wasUp) {
      this.#ended.resolve();
      return;
    }
    const delayMs = this.#restarts.schedule(() => {
      this.#worker = this.#spawn();
      this.#begin();
    });
    this.#options.log(`${this.#options.name} ended; it is started again in ${delayMs} ms`);
  }
}

function gone(name: string): MillraceError {
  return new MillraceError('THREAD_LOST', `${name} is not up at the moment.`, { retriable: true });
}

function lost(name: string): MillraceError {
  return new MillraceError('THREAD_LOST', `${name[0]!.toUpperCase()}${name.slice(1)} ended before it was up.`);
}
