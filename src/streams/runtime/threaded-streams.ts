/**
 * An instance whose work is shared by threads. Each is a member of the group, with a client, tasks and memory of its own, as if
 * it were a process; they share the state directory, the address and what the instance may use of the memory. The topology
 * comes from a module, which every thread loads: functions can't go from one to another.
 */
import { pathToFileURL } from 'node:url';
import { isAbsolute } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import { type ClusterOptions, type SecurityOptions, splitSecurity } from '../../client/index.ts';
import { codeOf, messageOf, MillraceError, Restarts, systemEnvironment } from '../../util/index.ts';
import {
  checkCloseOptions,
  checkModuleSettings,
  checkStateQueryRequest,
  checkUncaughtResponse,
} from '../api/checks.ts';
import type {
  CloseOptions,
  LagInfo,
  RestoreProgress,
  RestoreReport,
  StreamsState,
  TaskMetrics,
} from '../api/instance.ts';
import type { UncaughtErrorHandler, UncaughtResponse } from '../api/options.ts';
import type {
  AnyQuery,
  KeyQueryMetadata,
  QueryResult,
  StateQueryRequest,
  StateQueryResult,
  StreamsMetadata,
} from '../api/queries.ts';
import { processBudget } from '../state/memory-budget.ts';
import type { StoreSpec } from '../state/store.ts';
import { Instances } from './instances.ts';
import { topologyIn } from './module-topology.ts';
import { decodeAnswer, encodeRequest, unanswered } from './query-wire.ts';
import { prometheusText } from './prometheus.ts';
import { type AskInstance, RemoteQueries } from './remote-queries.ts';
import { contained } from './settings.ts';
import { absent, mergedPosition } from './state-queries.ts';
import { StreamThread } from './stream-thread.ts';
import type { PlainSettings, WhoHasWhat } from './thread-messages.ts';

/**
 * The settings of an instance with threads. Handlers that are asked about records are in the module's export `settings`: they run
 * where the records are.
 */
export interface ModuleSettings extends PlainSettings, SecurityOptions {
  /** Default 1. */
  readonly numStreamThreads?: number;
  /** The cluster, `host:port`, several separated by commas; or else `broker`. */
  readonly bootstrapServers?: string;
  /** A broker in this process. */
  readonly broker?: { serveThread(port: MessagePort): void };
  /**
   * Asked about what a thread can't get past by itself, and, with the code THREAD_DIED, about a thread that has ended where it was.
   * Default: `shutdownClient` for the first, `replaceThread` for the second.
   */
  readonly onUncaughtError?: UncaughtErrorHandler;
  readonly onError?: (error: unknown, fatal: boolean) => void;
}

export class ThreadedStreams {
  readonly #module: string;
  readonly #settings: ModuleSettings;
  readonly #plain: PlainSettings;
  /** Undefined: the broker in this process. */
  readonly #cluster: ClusterOptions | undefined;
  readonly #stateBytes: number;
  readonly #onError: (error: unknown, fatal: boolean) => void;
  readonly #listeners: ((state: StreamsState, before: StreamsState) => void)[] = [];
  readonly #restoreListeners: ((report: RestoreReport) => void)[] = [];
  readonly #progressListeners: ((progress: RestoreProgress) => void)[] = [];
  readonly #metadataListeners: (() => void)[] = [];
  readonly #threads = new Set<StreamThread>();
  /** By number, when a thread that died is started again. */
  readonly #restarts = new Map<number, Restarts>();
  #instances: Instances | undefined;
  #told: WhoHasWhat = { hosts: {}, counts: new Map() };
  #state: StreamsState = 'CREATED';
  #error: unknown;
  /** All instances are to stop, for what a thread of this one has met. */
  #endsAll: { readonly cause: unknown } | undefined;
  #isPaused = false;
  /** Threads that have died. */
  #deaths = 0;
  #stopping: Promise<void> | undefined;

  constructor(module: string | URL, settings: ModuleSettings) {
    checkModuleSettings(settings);
    this.#module = addressOf(module);
    this.#settings = settings;
    // oxlint-disable-next-line no-unused-vars -- what is not for the threads
    const { numStreamThreads, bootstrapServers, broker, onUncaughtError, onError, statestoreCacheMaxBytes, ...rest } =
      settings;
    const { security, others: plain } = splitSecurity(rest);
    this.#cluster = bootstrapServers === undefined ? undefined : { bootstrapServers, ...security };
    this.#stateBytes = statestoreCacheMaxBytes || processBudget.limit;
    this.#plain = statestoreCacheMaxBytes === 0 ? { cacheMaxBytes: 0, ...plain } : plain;
    this.#onError = contained(onError, (error) => {
      process.emitWarning(`onError of ${settings.applicationId} failed: ${messageOf(error)}`);
    });
  }

  get state(): StreamsState {
    return this.#state;
  }

  /** What the instance stopped at, in the state ERROR. */
  get error(): unknown {
    return this.#error;
  }

  /** RUNNING is told when all threads are. */
  onStateChange(listener: (state: StreamsState, before: StreamsState) => void): void {
    this.#listeners.push(this.#contained(listener));
  }

  /** As of `KafkaStreams`, for the tasks of all threads. */
  onRestored(listener: (report: RestoreReport) => void): void {
    this.#restoreListeners.push(this.#contained(listener));
  }

  /** As of `KafkaStreams`, for the tasks of all threads. */
  onRestoreProgress(listener: (progress: RestoreProgress) => void): void {
    this.#progressListeners.push(this.#contained(listener));
  }

  /** As of `KafkaStreams`. */
  onMetadataChange(listener: () => void): void {
    this.#metadataListeners.push(this.#contained(listener));
  }

  /** Resolves when all threads process records; rejects, with the threads ended, when one can't begin. */
  async start(): Promise<void> {
    if (this.#state !== 'CREATED') {
      throw new MillraceError('INVALID_STATE', `an instance is started once; this one is ${this.#state}`);
    }
    this.#to('REBALANCING');
    try {
      const topology = await topologyIn(this.#module, (await import(this.#module)) as Record<string, unknown>);
      this.#instances = new Instances({
        topology,
        applicationId: this.#settings.applicationId,
        applicationServer: this.#settings.applicationServer,
        hosts: () => this.#told.hosts,
        counts: () => this.#told.counts,
      });
      const { numStreamThreads = 1 } = this.#settings;
      for (let index = 1; index <= numStreamThreads; index++) this.#add(index);
      await Promise.all([...this.#threads].map((thread) => thread.start()));
    } catch (error) {
      this.#fail(error);
      await this.#stopping;
      throw error;
    }
  }

  /** One more thread; resolves with its name when it processes records. */
  async addStreamThread(): Promise<string> {
    this.#checkLives();
    const taken = new Set([...this.#threads].map(({ index }) => index));
    let index = 1;
    while (taken.has(index)) index++;
    const thread = this.#add(index);
    await thread.start();
    return thread.name;
  }

  /** One thread less, the last one; the others take its tasks. Resolves with its name when it has ended. */
  async removeStreamThread(): Promise<string> {
    this.#checkLives();
    const last = [...this.#threads].sort((a, b) => a.index - b.index).at(-1);
    if (last === undefined || this.#threads.size === 1) {
      throw new MillraceError('INVALID_STATE', 'the last thread of an instance is not removed: close the instance');
    }
    this.#forget(last);
    await last.close(true);
    return last.name;
  }

  /** The names of the threads. */
  get threads(): readonly string[] {
    return [...this.#threads].map(({ name }) => name);
  }

  /** Nothing is processed until `resume`; the threads keep their places in the group. May be called before `start`. */
  pause(): void {
    this.#setPaused(true);
  }

  resume(): void {
    this.#setPaused(false);
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** All threads commit, leave the group, and end. As of `KafkaStreams`. */
  async close(options: CloseOptions = {}): Promise<void> {
    checkCloseOptions(options);
    if (this.#state !== 'CREATED' && this.#state !== 'ERROR' && this.#state !== 'NOT_RUNNING') {
      this.#to('PENDING_SHUTDOWN');
    }
    await this.#stop(options.leaveGroup === true);
    this.#to('NOT_RUNNING');
  }

  /** Of the tasks of all threads. */
  async metrics(): Promise<readonly TaskMetrics[]> {
    return (await this.#all('metrics')).flat();
  }

  /** As of `KafkaStreams`. */
  async prometheus(): Promise<string> {
    const { applicationId, clientId = applicationId } = this.#settings;
    const threads = await Promise.all(
      [...this.#threads].map(async (thread) => ({
        name: thread.name,
        state: thread.state,
        tasks: (await thread.ask('metrics')) ?? [],
      })),
    );
    const lag = await this.lag();
    return prometheusText({ clientId, applicationId, state: this.#state, threads, failedThreads: this.#deaths, lag });
  }

  /** Per input partition, how many records wait on the broker. */
  async lag(): Promise<Readonly<Record<string, number>>> {
    return Object.assign({}, ...(await this.#all('lag'))) as Record<string, number>;
  }

  /** As of `KafkaStreams`, by the names of the threads. */
  async localTasks(): Promise<
    Readonly<Record<string, { readonly active: readonly string[]; readonly standby: readonly string[] }>>
  > {
    const threads = [...this.#threads];
    const tasks = await Promise.all(threads.map((thread) => thread.ask('localTasks')));
    return Object.fromEntries(threads.map(({ name }, i) => [name, tasks[i] ?? { active: [], standby: [] }]));
  }

  /** As of `KafkaStreams`. */
  async allLocalStorePartitionLags(): Promise<Readonly<Record<string, Readonly<Record<number, LagInfo>>>>> {
    const lags: Record<string, Record<number, LagInfo>> = {};
    for (const each of await this.#all('storeLags')) {
      for (const [store, partitions] of Object.entries(each)) lags[store] = { ...lags[store], ...partitions };
    }
    return lags;
  }

  // ── Queries ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** As of `KafkaStreams`: each partition is asked in the thread that has it, of several the one that runs its task. */
  async query<R>(request: StateQueryRequest<R>): Promise<StateQueryResult<R>> {
    checkStateQueryRequest(request);
    const spec = this.specOf(request.store);
    if (this.#state !== 'RUNNING' && this.#state !== 'REBALANCING') {
      throw new MillraceError('INVALID_STATE', `stores can't be queried while the instance is ${this.#state}`);
    }
    const owners = await this.#ownersOf(request.store);
    const partitions = request.partitions ?? [...owners.keys()].sort((a, b) => a - b);
    const isGlobal = this.#known.subTopologyOf(request.store) === undefined;
    const count = isGlobal ? 1 : this.#known.partitionCount(request.store);
    const results = new Map<number, QueryResult<R>>();
    for (const partition of partitions) {
      const thread = owners.get(partition);
      if (thread === undefined) {
        results.set(partition, absent(partition, count, request.store));
        continue;
      }
      const body = await encodeRequest(spec, { ...request, partitions: [partition] });
      results.set(partition, await decodeAnswer<R>(spec, request.query as AnyQuery, thread.answer(body)));
    }
    return { partitionResults: results, position: mergedPosition([...results.values()]) };
  }

  /** As of `KafkaStreams`. */
  metadataForAllStreamsClients(): readonly StreamsMetadata[] {
    return this.#known.all();
  }

  /** As of `KafkaStreams`. */
  streamsMetadataForStore(store: string): readonly StreamsMetadata[] {
    return this.#known.withStore(store);
  }

  /** As of `KafkaStreams`. */
  async queryMetadataForKey<K>(
    store: string,
    key: K,
    partitioner?: (key: K, partitions: number) => number,
  ): Promise<KeyQueryMetadata | undefined> {
    return this.#known.withKey(store, key, partitioner);
  }

  /** As of `KafkaStreams`. */
  remoteQueries(ask: AskInstance): RemoteQueries {
    return new RemoteQueries(this, this.#known, ask, systemEnvironment);
  }

  /** What is kept in a store of the topology. For those who carry queries and answers. */
  specOf(store: string): StoreSpec {
    return this.#known.specOf(store);
  }

  /** The thread to ask for each partition of a store. */
  async #ownersOf(store: string): Promise<Map<number, StreamThread>> {
    const owners = new Map<number, StreamThread>();
    const active = new Set<number>();
    for (const thread of this.#threads) {
      for (const { partition, isActive } of (await thread.ask('copies', store)) ?? []) {
        if (active.has(partition) || (owners.has(partition) && !isActive)) continue;
        owners.set(partition, thread);
        if (isActive) active.add(partition);
      }
    }
    return owners;
  }

  get #known(): Instances {
    if (this.#instances === undefined) {
      throw unanswered('it is not known what the module holds before the instance has been started');
    }
    return this.#instances;
  }

  // ── Threads ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #add(index: number, endsAll?: unknown): StreamThread {
    const { applicationId, clientId = applicationId, broker } = this.#settings;
    const { groupInstanceId } = this.#plain;
    const thread = new StreamThread(index, `${clientId}-StreamThread-${index}`, {
      module: this.#module,
      // Each is a member of its own.
      settings:
        groupInstanceId === undefined
          ? this.#plain
          : { ...this.#plain, groupInstanceId: `${groupInstanceId}-${index}` },
      cluster: this.#cluster,
      connect: (port) => broker!.serveThread(port),
      endsAll,
      events: {
        onState: (each) => this.#changed(each),
        onRestored: (report) => this.#tell(this.#restoreListeners, report),
        onRestoreProgress: (progress) => this.#tell(this.#progressListeners, progress),
        onTold: (told) => {
          this.#told = told;
          this.#tell(this.#metadataListeners);
        },
        onError: this.#onError,
        onUncaught: (error) => this.#decide(error, 'shutdownClient'),
        onDeath: (each, error) => this.#died(each, error),
      },
    });
    this.#threads.add(thread);
    if (this.#isPaused) void thread.pause(true);
    this.#shareMemory();
    return thread;
  }

  #forget(thread: StreamThread): void {
    this.#threads.delete(thread);
    this.#shareMemory();
  }

  #shareMemory(): void {
    for (const thread of this.#threads) void thread.share(Math.floor(this.#stateBytes / this.#threads.size));
  }

  /** What to do about an error: what the handler says, or `otherwise`. */
  #decide(error: unknown, otherwise: UncaughtResponse): UncaughtResponse {
    const { onUncaughtError } = this.#settings;
    try {
      const response = onUncaughtError === undefined ? otherwise : onUncaughtError(error);
      checkUncaughtResponse(response);
      if (response === 'shutdownApplication') this.#endsAll ??= { cause: error };
      return response;
    } catch (thrown) {
      this.#onError(thrown, false);
      return 'shutdownClient';
    }
  }

  /** A thread that has ended where it was: it has let go of nothing, and the broker and the next one go on behind its last commit. */
  #died(thread: StreamThread, error: MillraceError): void {
    this.#deaths++;
    this.#forget(thread);
    if (this.#stopping !== undefined) return;
    const response = this.#decide(error, 'replaceThread');
    if (response === 'shutdownClient') {
      this.#fail(error);
      return;
    }
    this.#onError(error, false);
    this.#to('REBALANCING');
    const { index } = thread;
    const restarts = this.#restarts.get(index) ?? new Restarts(systemEnvironment);
    this.#restarts.set(index, restarts);
    restarts.schedule(() => {
      const next = this.#add(index, response === 'shutdownApplication' ? error : undefined);
      next.start().then(
        () => restarts.succeeded(),
        (failure: unknown) => {
          if (next.state === 'CREATED') this.#fail(failure);
        },
      );
    });
  }

  #changed(thread: StreamThread): void {
    if (!this.#threads.has(thread) || this.#stopping !== undefined) return;
    if (thread.state === 'ERROR') this.#fail(thread.error);
    else this.#to([...this.#threads].every(({ state }) => state === 'RUNNING') ? 'RUNNING' : 'REBALANCING');
  }

  /** What ends one thread for good ends all. */
  #fail(error: unknown): void {
    if (this.#state === 'ERROR') return;
    this.#error = codeOf(error) === 'APPLICATION_SHUTDOWN' ? (this.#endsAll?.cause ?? error) : error;
    this.#onError(this.#error, true);
    this.#to('ERROR');
    void this.#stop(false);
  }

  #stop(leaveGroup: boolean): Promise<void> {
    this.#stopping ??= (async () => {
      for (const restarts of this.#restarts.values()) restarts.cancel();
      const closed = await Promise.allSettled([...this.#threads].map((thread) => thread.close(leaveGroup)));
      this.#threads.clear();
      for (const each of closed) if (each.status === 'rejected') this.#onError(each.reason, false);
    })();
    return this.#stopping;
  }

  #setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    for (const thread of this.#threads) void thread.pause(isPaused);
  }

  async #all<N extends 'metrics' | 'lag' | 'storeLags'>(name: N) {
    const answers = await Promise.all([...this.#threads].map((thread) => thread.ask(name)));
    return answers.filter((each) => each !== undefined);
  }

  #checkLives(): void {
    if (this.#state === 'RUNNING' || this.#state === 'REBALANCING') return;
    throw new MillraceError('INVALID_STATE', `threads come and go while the instance runs; it is ${this.#state}`);
  }

  #to(state: StreamsState): void {
    const before = this.#state;
    if (before === state || before === 'ERROR' || before === 'NOT_RUNNING') return;
    this.#state = state;
    this.#tell(this.#listeners, state, before);
  }

  #tell<A extends unknown[]>(listeners: readonly ((...args: A) => void)[], ...args: A): void {
    for (const listener of listeners) listener(...args);
  }

  #contained<A extends unknown[]>(listener: (...args: A) => void): (...args: A) => void {
    return contained(listener, (error) => this.#onError(error, false));
  }
}

/** A path is one of the file system. */
function addressOf(module: string | URL): string {
  if (typeof module !== 'string') return module.href;
  return isAbsolute(module) ? pathToFileURL(module).href : module;
}
