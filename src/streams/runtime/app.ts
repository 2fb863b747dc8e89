/**
 * An instance of a Streams application.
 *
 * The life of a record: the group gives this instance tasks (assignor.ts), whose stores are brought to where the last
 * commit left them (restore.ts) → the consumer fetches batches, and each becomes a cursor in its partition's queue
 * (source-queue.ts) → the task takes the record with the smallest time among its queues, decoded only as far as somebody
 * reads it (task.ts) → the operators, one closure calling the next with scalars, look things up, change stores, and write
 * to the output → at the commit (worker.ts) cached stores emit, changed rows go to the changelogs, and all of it is sent
 * with the input offsets, in one transaction where exactly-once is asked for → now and then, right behind a commit, the
 * rows that changed are written to the checkpoint (state/checkpoint.ts).
 *
 * When anything on the way fails, nothing is repaired in memory: the worker ends, and the next one begins at the last
 * commit.
 */
import { codeOf, deferred, MillraceError } from '../../util/index.ts';
import { checkCloseOptions, checkStateQueryRequest, checkUncaughtResponse } from '../api/checks.ts';
import type { UncaughtResponse } from '../api/options.ts';
import type { KeyQueryMetadata, StateQueryRequest, StateQueryResult, StreamsMetadata } from '../api/queries.ts';
import type { StoreSpec } from '../state/store.ts';
import { type HostTasks, Instances } from './instances.ts';
import { type QueryableStore, QueryableStores } from './interactive-queries.ts';
import { prometheusText } from './prometheus.ts';
import { type AskInstance, RemoteQueries } from './remote-queries.ts';
import { answer, type StoreCopy } from './state-queries.ts';
import type { Task } from './task.ts';
import { taskMetrics } from './task-metrics.ts';
import { type ModuleSettings, ThreadedStreams } from './threaded-streams.ts';
import type {
  CloseOptions,
  LagInfo,
  RestoreProgress,
  RestoreReport,
  Serving,
  StreamsState,
  TaskMetrics,
} from '../api/instance.ts';
import { Home, type Place } from './home.ts';
import { checkNames, checkStores } from './evolution.ts';
import { prepareTopics } from './internal-topics.ts';
import { processBudget } from '../state/memory-budget.ts';
import type { Topology } from '../graph/topology.ts';
import { GlobalTables } from './global-tables.ts';
import { logEnds, storeLogs, type TaskState } from './restore.ts';
import { contained, type ResolvedSettings, resolveSettings, type StreamsSettings } from './settings.ts';
import { isPassing } from './passing.ts';
import { Worker } from './worker.ts';

const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 5000;
/** An instance of an application: it runs the tasks of a topology that its group assigns to it. */
export class KafkaStreams {
  readonly #topology: Topology;
  readonly #settings: ResolvedSettings;
  readonly #listeners: ((state: StreamsState, before: StreamsState) => void)[] = [];
  readonly #restoreListeners: ((report: RestoreReport) => void)[] = [];
  readonly #progressListeners: ((progress: RestoreProgress) => void)[] = [];
  readonly #stores: QueryableStores;
  readonly #instances: Instances;
  #state: StreamsState = 'CREATED';
  #error: unknown;
  #worker: Worker | undefined;
  #globals: GlobalTables | undefined;
  /** Partitions per topic, as the last generation found them. */
  #counts: ReadonlyMap<string, number> = new Map();
  /** Who has which tasks, as was last heard. */
  #hosts: HostTasks = {};
  readonly #metadataListeners: (() => void)[] = [];
  readonly #home: Home;
  #unclaim: (() => void) | undefined;
  #living: Promise<void> = Promise.resolve();
  #isClosing = false;
  #isPaused = false;
  /** All instances are to stop, for what this one has met. */
  #endsAll: { readonly cause: unknown } | undefined;
  #interrupt = deferred();

  /** `endsAll` is for the threads of an instance: it is started to tell all instances that they are to stop, and stops with it. */
  constructor(topology: Topology, settings: StreamsSettings, endsAll?: unknown) {
    if (endsAll !== undefined) this.#endsAll = { cause: endsAll };
    this.#topology = topology;
    const resolved = resolveSettings(settings);
    if (settings.ensureExplicitInternalResourceNaming === true) checkNames(topology, settings.applicationId);
    this.#settings = { ...resolved, isHeldBack: () => this.#isPaused || resolved.isHeldBack() };
    this.#home = new Home(resolved);
    this.#stores = new QueryableStores((name) => {
      const global = this.#globals?.stores.get(name);
      if (global !== undefined) return [global];
      return (this.#worker?.tasks ?? []).flatMap((task) => task.stores.get(name) ?? []);
    });
    this.#instances = new Instances({
      topology,
      applicationId: resolved.applicationId,
      applicationServer: resolved.applicationServer,
      hosts: () => this.#hosts,
      counts: () => this.#counts,
    });
  }

  /** Where it is in its life. */
  get state(): StreamsState {
    return this.#state;
  }

  /** What the instance stopped at, in the state ERROR. */
  get error(): unknown {
    return this.#error;
  }

  /** Calls `listener` with each new state, and the one before. */
  onStateChange(listener: (state: StreamsState, before: StreamsState) => void): void {
    this.#listeners.push(contained(listener, (error) => this.#settings.onError(error, false)));
  }

  /** Told about every task whose state was brought back. */
  onRestored(listener: (report: RestoreReport) => void): void {
    this.#restoreListeners.push(contained(listener, (error) => this.#settings.onError(error, false)));
  }

  /** Told how far tasks have come whose state is brought back, as their changelogs are read. */
  onRestoreProgress(listener: (progress: RestoreProgress) => void): void {
    this.#progressListeners.push(contained(listener, (error) => this.#settings.onError(error, false)));
  }

  /** Told when the instance has heard anew who of the application's instances has what. */
  onMetadataChange(listener: () => void): void {
    this.#metadataListeners.push(contained(listener, (error) => this.#settings.onError(error, false)));
  }

  /**
   * Resolves when the instance processes records: topics exist, global tables are read, tasks assigned and restored.
   * Rejects when the topology does not fit its topics, or when processing fails before that.
   */
  async start(): Promise<void> {
    if (this.#state !== 'CREATED') {
      throw new MillraceError('INVALID_STATE', `an instance is started once; this one is ${this.#state}`);
    }
    this.#to('REBALANCING');
    const { stateBudgetBytes } = this.#settings;
    if (stateBudgetBytes !== undefined) this.#unclaim = processBudget.claim(stateBudgetBytes);
    const running = deferred();
    this.onStateChange((state) => {
      if (state === 'RUNNING' || state === 'NOT_RUNNING') running.resolve();
      else if (state === 'ERROR') running.reject(this.#error);
    });
    try {
      const place = await this.#home.open();
      const { client } = this.#settings;
      await checkStores(this.#topology, this.#settings.applicationId, client.admin());
      const counts = await prepareTopics(this.#topology, this.#settings, client.admin());
      this.#globals = new GlobalTables(this.#topology, this.#settings);
      await this.#globals.start((error) => this.#fail(error));
      this.#living = this.#live(place, counts);
    } catch (error) {
      running.promise.catch(() => {});
      this.#fail(error);
      await this.#release();
      throw error;
    }
    await running.promise;
  }

  /**
   * Commits, leaves the group, and writes a last checkpoint. With a `groupInstanceId` it keeps its place in the group, and its
   * tasks wait for it until its session ends, unless `leaveGroup` says that it is not coming back.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    checkCloseOptions(options);
    if (this.#state === 'CREATED') {
      this.#to('NOT_RUNNING');
      return;
    }
    if (this.#state !== 'ERROR' && this.#state !== 'NOT_RUNNING') this.#to('PENDING_SHUTDOWN');
    this.#isClosing = true;
    this.#interrupt.resolve();
    this.#worker?.stop();
    await this.#living;
    if (options.leaveGroup === true) await this.#giveUpPlace();
    await this.#release();
    if (this.#state === 'PENDING_SHUTDOWN') this.#to('NOT_RUNNING');
  }

  /** Processes nothing until `resume`, and keeps its place in the group. May be called before `start`. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Ends what `pause` began. */
  resume(): void {
    this.#isPaused = false;
  }

  /** Whether `pause` holds. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Deletes the local state of an instance that is not running; no other one may be using it. */
  cleanUp(): void {
    if (this.#state !== 'CREATED' && this.#state !== 'NOT_RUNNING' && this.#state !== 'ERROR') {
      throw new MillraceError('INVALID_STATE', `the local state can't be deleted while the instance is ${this.#state}`);
    }
    this.#home.delete();
  }

  /**
   * An instance with several threads, each with a part of the work. They read the topology from a module: its default export, or
   * `topology`, is one, a builder, or a function that answers one; handlers are in its export `settings`.
   */
  static fromModule(module: string | URL, settings: ModuleSettings): ThreadedStreams {
    return new ThreadedStreams(module, settings);
  }

  /** A store of this instance, by its name. */
  store(name: string): QueryableStore {
    return this.#stores.query(name);
  }

  /** Which partitions of a store this instance answers for now: with other instances' it makes the whole store. */
  serving(name: string): Serving {
    const worker = this.#worker;
    const assignment = worker?.assignment;
    const tasks = assignment === undefined ? [] : worker!.tasks.filter(({ stores }) => stores.has(name));
    return {
      partitions: tasks.map(({ partition }) => partition),
      partitionCount: this.#instances.partitionCount(name),
      isCurrent: () => assignment !== undefined && this.#worker === worker && worker!.assignment === assignment,
    };
  }

  /**
   * Asks the copies of a store that this instance has, in the tasks that it runs and in those that it follows. Each answers for
   * its partition, or says why it does not.
   */
  async query<R>(request: StateQueryRequest<R>): Promise<StateQueryResult<R>> {
    checkStateQueryRequest(request);
    this.specOf(request.store);
    if (this.#state !== 'RUNNING' && this.#state !== 'REBALANCING') {
      throw new MillraceError('INVALID_STATE', `stores can't be queried while the instance is ${this.#state}`, {
        retriable: this.#state === 'CREATED',
      });
    }
    return answer(
      { copies: this.#copiesOf(request.store), partitionCount: this.#partitionCount(request.store) },
      request,
    );
  }

  /** The instances of the application that have an `applicationServer`, and what they have, as this one has last heard. */
  metadataForAllStreamsClients(): readonly StreamsMetadata[] {
    return this.#instances.all();
  }

  /** What `metadataForAllStreamsClients` is made of: the tasks by address, and the partitions of what is read. */
  whoHasWhat(): { readonly hosts: HostTasks; readonly counts: ReadonlyMap<string, number> } {
    return { hosts: this.#hosts, counts: this.#counts };
  }

  /** Those of them that have a store, or a part of it. */
  streamsMetadataForStore(store: string): readonly StreamsMetadata[] {
    return this.#instances.withStore(store);
  }

  /**
   * Who has a key of a store. `partitioner` is needed where the topic that the store's task reads is not partitioned by the
   * hash of the keys. Undefined before the instance has heard how many partitions there are.
   */
  queryMetadataForKey<K>(
    store: string,
    key: K,
    partitioner?: (key: K, partitions: number) => number,
  ): Promise<KeyQueryMetadata | undefined> {
    return this.#instances.withKey(store, key, partitioner);
  }

  /** Queries across all instances; `ask` carries them. Over HTTP: `storeQueries` of `millrace/interactive-queries`. */
  remoteQueries(ask: AskInstance): RemoteQueries {
    return new RemoteQueries(this, this.#instances, ask, this.#settings.environment);
  }

  /** What is kept in a store of the topology. For those who carry queries and answers. */
  specOf(store: string): StoreSpec {
    return this.#instances.specOf(store);
  }

  #partitionCount(store: string): number {
    return this.#instances.subTopologyOf(store) === undefined ? 1 : this.#instances.partitionCount(store);
  }

  /** The partitions of a store that are here. */
  copiesOf(store: string): readonly { readonly partition: number; readonly isActive: boolean }[] {
    return this.#copiesOf(store).map(({ partition, isActive }) => ({ partition, isActive }));
  }

  #copiesOf(name: string): StoreCopy[] {
    const global = this.#globals?.stores.get(name);
    if (global !== undefined) {
      return [{ partition: 0, store: global, isActive: true, position: () => undefined, lag: async () => 0 }];
    }
    const copiesOf = (task: Task, copy: Omit<StoreCopy, 'partition' | 'store'>): StoreCopy[] => {
      const store = task.stores.get(name);
      return store === undefined ? [] : [{ partition: task.partition, store, ...copy }];
    };
    const { tasks = [], standbys = new Map<string, TaskState>() } = this.#worker ?? {};
    return [
      ...tasks.flatMap((task) =>
        copiesOf(task, { isActive: true, position: () => task.reached(), lag: async () => 0 }),
      ),
      ...[...standbys.values()].flatMap((state) =>
        copiesOf(state.task, {
          isActive: false,
          position: () => state.position,
          lag: () => this.#lagOf(state, name),
        }),
      ),
    ];
  }

  /** Records of a store's log that a standby lacks. */
  async #lagOf({ task: { partition }, logs, positions }: TaskState, store: string): Promise<number> {
    const log = logs.find(({ store: { spec } }) => spec.name === store);
    if (log === undefined) return 0;
    const place = { ...log, partition };
    const endOf = await logEnds([place], this.#settings);
    return Math.max(0, endOf(place) - positions.get(log.topic)!);
  }

  /** Records that global tables left out, as they could not be decoded, by table. */
  globalsDropped(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#globals?.undecodable ?? []);
  }

  metrics(): readonly TaskMetrics[] {
    const { environment } = this.#settings;
    return (this.#worker?.tasks ?? []).map((task) => taskMetrics(task, environment.now()));
  }

  /** What Prometheus is told, as text, under the names of Kafka Streams' metrics. `StoreServer` answers it under `/metrics`. */
  async prometheus(): Promise<string> {
    const { clientId, applicationId } = this.#settings;
    const thread = { name: `${clientId}-StreamThread-1`, state: this.#state, tasks: this.metrics() };
    const lag = await this.lag();
    return prometheusText({ clientId, applicationId, state: this.#state, threads: [thread], failedThreads: 0, lag });
  }

  /** Per input partition, how many records wait on the broker. */
  async lag(): Promise<Readonly<Record<string, number>>> {
    const queues = (this.#worker?.tasks ?? []).flatMap((task) => task.queues);
    const ask = queues.map(({ topic, partition }) => ({ topic, partition, timestamp: -1 }));
    const ends = await this.#settings.client.admin().listOffsets(ask, 'read_committed');
    const lag = ends.map(({ topic, partition, offset }, i): [string, number] => [
      `${topic}-${partition}`,
      Math.max(0, offset - Math.max(0, queues[i]!.position)),
    ]);
    return Object.fromEntries(lag);
  }

  /** The tasks that this instance runs, and those that it follows: standbys, and tasks that are to move here. */
  localTasks(): { readonly active: readonly string[]; readonly standby: readonly string[] } {
    return {
      active: (this.#worker?.tasks ?? []).map(({ id }) => id),
      standby: [...(this.#worker?.standbys.keys() ?? [])],
    };
  }

  /**
   * By store and partition, how far this instance's copy of it is behind what is committed. Those of tasks that it runs are
   * not; of tasks that it neither runs nor follows there is none.
   */
  async allLocalStorePartitionLags(): Promise<Readonly<Record<string, Readonly<Record<number, LagInfo>>>>> {
    const lags: Record<string, Record<number, LagInfo>> = {};
    const put = (store: string, partition: number, offset: number, end: number): void => {
      lags[store] ??= {};
      lags[store][partition] = { currentOffset: offset, endOffset: end, lag: Math.max(0, end - offset) };
    };
    const { tasks = [], standbys = new Map<string, TaskState>() } = this.#worker ?? {};
    const followed = [...standbys.values()].flatMap(({ task: { partition }, logs, positions }) =>
      logs.map((log) => ({ ...log, partition, offset: positions.get(log.topic)! })),
    );
    const running = tasks.flatMap((task) =>
      storeLogs(task, this.#topology).map((log) => ({ ...log, partition: task.partition })),
    );
    const ends = await logEnds([...followed, ...running], this.#settings);
    for (const log of running) put(log.store.spec.name, log.partition, ends(log), ends(log));
    for (const log of followed) put(log.store.spec.name, log.partition, log.offset, ends(log));
    return lags;
  }

  /** One worker after the other, until closed. */
  async #live(place: Place, first: ReadonlyMap<string, number>): Promise<void> {
    let backoffMs = FIRST_BACKOFF_MS;
    let counts: ReadonlyMap<string, number> | undefined = first;
    while (!this.#isClosing) {
      try {
        // Topics may have changed since the last generation.
        counts ??= await prepareTopics(this.#topology, this.#settings, this.#settings.client.admin());
        // Who closed it meanwhile has stopped the worker that was: nobody would stop the next one.
        if (this.#isClosing) return;
        await this.#work(place, counts, () => {
          backoffMs = FIRST_BACKOFF_MS;
        });
        return;
      } catch (error) {
        if (this.#isClosing) return;
        if (!this.#goesOn(error)) {
          this.#fail(this.#endsAll?.cause ?? error);
          return;
        }
        this.#settings.onError(error, false);
        this.#to('REBALANCING');
        // What was assigned does not fit any more, or the others have to hear of something: the group is to be formed anew.
        if (codeOf(error) === 'SOURCE_TOPICS_CHANGED' || this.#endsAll !== undefined) await this.#giveUpPlace();
      }
      counts = undefined;
      await this.#pause(backoffMs);
      backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS);
    }
  }

  /** Whether another generation begins behind an error. */
  #goesOn(error: unknown): boolean {
    if (this.#worker?.hasFailedInTask !== true && isPassing(error)) return true;
    // A generation that took the place back would fence the instance that has it now.
    if (codeOf(error) === 'FENCED_INSTANCE_ID') return false;
    if (this.#endsAll !== undefined || codeOf(error) === 'APPLICATION_SHUTDOWN') return false;
    let response: UncaughtResponse;
    try {
      response = this.#settings.onUncaughtError(error);
      checkUncaughtResponse(response);
    } catch (thrown) {
      this.#settings.onError(thrown, false);
      return false;
    }
    // The others hear of it when the group is formed anew, which takes one more generation.
    if (response === 'shutdownApplication') this.#endsAll = { cause: error };
    return response !== 'shutdownClient';
  }

  /** One worker, until it is stopped or fails. */
  async #work(place: Place, counts: ReadonlyMap<string, number>, onRunning: () => void): Promise<void> {
    this.#counts = counts;
    const worker = new Worker({
      topology: this.#topology,
      settings: this.#settings,
      counts,
      globalStores: this.#globals!.stores,
      ...place,
      checkpointed: await this.#home.checkpointed(this.#topology),
      endsAll: this.#endsAll !== undefined,
      events: {
        onRunning: () => {
          onRunning();
          if (!this.#isClosing) this.#to('RUNNING');
        },
        onRebalancing: () => {
          if (!this.#isClosing) this.#to('REBALANCING');
        },
        onHosts: (hosts) => {
          this.#hosts = hosts;
          for (const listener of this.#metadataListeners) listener();
        },
        onRestored: (report) => {
          for (const listener of this.#restoreListeners) listener(report);
        },
        onRestoreProgress: (progress) => {
          for (const listener of this.#progressListeners) listener(progress);
        },
      },
    });
    this.#worker = worker;
    await worker.run();
  }

  /** A static member is taken out of its group; others leave it whenever a generation ends. */
  async #giveUpPlace(): Promise<void> {
    const { applicationId, client, groupInstanceId } = this.#settings;
    if (groupInstanceId === undefined || codeOf(this.#error) === 'FENCED_INSTANCE_ID') return;
    try {
      await client.admin().removeMembers(applicationId, [{ groupInstanceId }]);
    } catch (error) {
      // The session's time-out will do it.
      this.#settings.onError(error, false);
    }
  }

  async #pause(ms: number): Promise<void> {
    const passed = deferred();
    const cancel = this.#settings.environment.after(ms, passed.resolve);
    await Promise.race([passed.promise, this.#interrupt.promise]);
    cancel();
  }

  #fail(error: unknown): void {
    if (this.#state === 'ERROR') return;
    this.#error = error;
    this.#settings.onError(error, true);
    this.#to('ERROR');
    this.#worker?.stop();
  }

  #to(state: StreamsState): void {
    const before = this.#state;
    if (before === state || before === 'ERROR' || before === 'NOT_RUNNING') return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state, before);
  }

  async #release(): Promise<void> {
    await this.#globals?.close();
    this.#globals = undefined;
    await this.#home.release();
    this.#unclaim?.();
    this.#unclaim = undefined;
  }
}
