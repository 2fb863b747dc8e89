/**
 * One generation of an application instance: a consumer, a producer, and the tasks that the group gave it. It ends by
 * being stopped, or by an error; then everything it holds in memory is dropped, and the next generation begins at the
 * last commit.
 */
import type { Consumer, FetchedPartition, Producer, RefusedRecord, TopicPartition } from '../../client/index.ts';
import { SchemaNotLoaded } from '../../serde/index.ts';
import { MillraceError, yieldToEventLoop } from '../../util/index.ts';
import { type StateStore, StateUnreadable } from '../state/store.ts';
import type { RawRecord } from '../api/context.ts';
import type { GraphNode } from '../graph/node.ts';
import type { Topology } from '../graph/topology.ts';
import { StreamsAssignor } from './assignor.ts';
import { Announcer } from './announcer.ts';
import { AwaitedCalls } from './awaited-calls.ts';
import { Committer } from './committer.ts';
import type { HostTasks } from './instances.ts';
import { changelogTopic } from './internal-topics.ts';
import { LateReports } from './late-reports.ts';
import { Outgoing } from './outgoing.ts';
import { isPassing } from './passing.ts';
import type { RestoreProgress, RestoreReport } from '../api/instance.ts';
import { stateEnds, type TaskState } from './restore.ts';
import type { RunningTask } from './running-task.ts';
import type { ResolvedSettings } from './settings.ts';
import type { SourceQueue } from './source-queue.ts';
import type { Task } from './task.ts';
import { TaskGroup, type Waiting } from './task-group.ts';
import { TaskManager } from './task-manager.ts';
import { Upstream } from './upstream.ts';
import { feedersOf } from './watermarks.ts';

export interface WorkerEvents {
  onRunning(): void;
  onRebalancing(): void;
  /** Told who has which tasks, as the leader has it. */
  onHosts(hosts: HostTasks): void;
  onRestored(report: RestoreReport): void;
  onRestoreProgress(progress: RestoreProgress): void;
}

export interface WorkerOptions {
  readonly topology: Topology;
  readonly settings: ResolvedSettings;
  /** Partitions per topic, by full name. */
  readonly counts: ReadonlyMap<string, number>;
  readonly globalStores: ReadonlyMap<string, StateStore>;
  /** Distinguishes the instance's transactions from those of others, and outlives a crash. */
  readonly processId: string;
  /** Instances of the same home share a state directory. */
  readonly home: string;
  /** Tasks with a checkpoint on this instance: up to which record, summed over their changelogs. */
  readonly checkpointed: ReadonlyMap<string, number>;
  /** This generation is there to tell the others that the application is to stop. */
  readonly endsAll: boolean;
  readonly events: WorkerEvents;
}

/** Records between two looks at the clock, and at who has the oldest ones. */
const RUN_RECORDS = 512;
/** How long processing may keep the event loop. */
const SLICE_MS = 4;
/** Fetches of one partition that may wait; more are not asked for. */
const MAX_BACKLOG = 8;
/** How long the consumer may be left alone while there is work; rebalances are heard of in its poll. */
const POLL_AT_LEAST_MS = 20;
/** How long results wait for room before they are asked about again. */
const HELD_BACK_MS = 10;
/** How often readers hear how far their feeders have come, where commits are further apart and need not be waited for. */
const ANNOUNCE_MS = 100;
/** How often it is noted how much has gone through the operators. */
const NOTE_FLOW_MS = 10_000;
/** How long a rebalance waits for calls where the group's members have the usual time for it. */
const REBALANCE_CALLS_MS = 30_000;
/** Well below a topic's default max.message.bytes. */
const BATCH_BYTES = 512 * 1024;
/** Bytes on their way to the broker before processing waits. */
const MAX_BUFFERED_BYTES = 64 * 1024 * 1024;
/** How long tasks wait for those that feed them, in terms of how long they wait for records on the broker. */
const FEEDERS_PATIENCE = 10;
/** How long topics that are written to may take to appear. */
const SINK_WAIT_MS = 5_000;
/** Records that may be produced while a commit is under way. */
const MAX_HELD_BACK = 50_000;

export class Worker {
  readonly #options: WorkerOptions;
  readonly #settings: ResolvedSettings;
  readonly #assignor: StreamsAssignor;
  readonly #consumer: Consumer;
  readonly #producer: Producer;
  readonly #outgoing: Outgoing;
  readonly #committer: Committer;
  readonly #calls: AwaitedCalls;
  readonly #announcer: Announcer;
  readonly #upstream: Upstream | undefined;
  /** Feeding tasks by internal topic. */
  readonly #feeders: ReadonlyMap<string, readonly string[]>;
  readonly #waiting: Waiting;
  readonly #lateReports: LateReports;
  readonly #tasks: TaskManager;
  /** Tasks whose records are taken in one order, by pipeline: sub-topologies that write to one another. */
  #pipelines: readonly (readonly TaskGroup[])[] = [];
  readonly #queues = new Map<string, { readonly queue: SourceQueue; readonly running: RunningTask }>();
  readonly #paused = new Set<SourceQueue>();
  /** Where partitions ended when that was last heard of. */
  readonly #endOffsets = new Map<SourceQueue, number>();
  readonly #fullNames = new Map<string, string>();
  /** Full names of repartition topics. */
  readonly #internalTopics: ReadonlySet<string>;
  #stopping = false;
  #taskHasFailed = false;
  #isClosed = false;
  /** True while the group rearranges the work: nothing is processed. */
  #isSuspended = true;
  /** Counts assignments: what was begun for an older one stops. */
  #assignment = 0;
  /** Counts the tasks that came and went. */
  #changes = 0;
  /** The tasks that this instance is to follow. */
  #followed: readonly string[] = [];
  /** Whether the tasks of the last assignment are running, or being opened. */
  #isTakenUp = false;
  #opening: Promise<void> = Promise.resolve();
  /** What failed that nobody waited for. */
  #backgroundFailure: { readonly error: unknown } | null = null;
  /** When the work is to be assigned again, and how often that was asked for. */
  #probeAt = Number.POSITIVE_INFINITY;
  #probes = 0;
  #lastPoll = 0;
  #lastAnnouncement = 0;
  #flowNotedAt = 0;
  #turns = 0;
  #failure: unknown;

  constructor(options: WorkerOptions) {
    this.#options = options;
    const { settings, topology } = options;
    this.#settings = settings;
    const { client, applicationId, exactlyOnce } = settings;
    for (const topic of topology.sourceTopics()) {
      this.#fullNames.set(topic, topology.internalTopics.has(topic) ? `${applicationId}-${topic}` : topic);
    }
    this.#assignor = this.#makeAssignor();
    this.#consumer = this.#makeConsumer();
    this.#producer = client.producer({
      batchSize: BATCH_BYTES,
      maxBlockMs: SINK_WAIT_MS,
      onRefusal: (error, record) => this.#refused(error, record),
      ...(this.#transactionalId !== undefined
        ? {
            transactionalId: this.#transactionalId,
            transactionTimeoutMs: settings.transactionTimeoutMs,
          }
        : {}),
    });
    this.#outgoing = new Outgoing(this.#producer, exactlyOnce);
    this.#internalTopics = new Set([...topology.internalTopics.keys()].map((topic) => this.#fullNames.get(topic)!));
    this.#feeders = feedersOf(topology, options.counts);
    this.#tasks = new TaskManager({
      ...options,
      consumer: this.#consumer,
      output: this.#outgoing,
      feeders: this.#feeders,
      fullNames: this.#fullNames,
      onRestored: options.events.onRestored,
      onRestoreProgress: options.events.onRestoreProgress,
      onResults: () => this.#calls.onResults(),
      onFailure: (error) => this.#failedBehind(error),
    });
    this.#waiting = {
      mayBringMore: (queue) => this.#mayBringMore(queue),
      brokerMs: settings.maxTaskIdleMs,
      feedersMs: settings.maxTaskIdleMs * FEEDERS_PATIENCE,
    };
    this.#lateReports = new LateReports(settings.environment, settings.onLate);
    this.#announcer = new Announcer({
      topology,
      feeders: this.#feeders,
      fullName: (topic) => this.#fullNames.get(topic)!,
      output: this.#outgoing,
      environment: settings.environment,
      idleMs: settings.watermarkIdleMs,
      hasCaughtUp: ({ task }) => this.#areAtEnd(task.queues),
    });
    const writersOf = settings.upstreamApplications;
    if (writersOf !== undefined) {
      this.#upstream = new Upstream({
        admin: client.admin(),
        environment: settings.environment,
        consumer: this.#consumer,
        writersOf,
        onFailure: (error) => settings.onError(error, false),
      });
    }
    this.#calls = new AwaitedCalls({
      settings,
      tasks: () => this.tasks,
      wake: () => this.#consumer.wakeup(),
      failedInTask: (error) => this.#failedInTask(error),
    });
    this.#committer = new Committer({
      settings,
      consumer: this.#consumer,
      producer: this.#producer,
      outgoing: this.#outgoing,
      running: () => this.#tasks.running.values(),
      announcer: this.#announcer,
      topology,
      counts: options.counts,
      internalTopics: this.#internalTopics,
      failedInTask: (error) => this.#failedInTask(error),
      onFailure: (error) => this.#failedBehind(error),
    });
  }

  get #transactionalId(): string | undefined {
    const { applicationId, exactlyOnce } = this.#settings;
    return exactlyOnce ? `${applicationId}-${this.#options.processId}` : undefined;
  }

  #makeAssignor(): StreamsAssignor {
    const { topology, settings, endsAll } = this.#options;
    const { client, onError } = settings;
    return new StreamsAssignor({
      topology,
      fullName: (topic) => this.#fullNames.get(topic)!,
      counts: this.#sourceCounts(),
      holdings: () => this.#tasks.holdings(),
      probes: () => this.#probes,
      applicationServer: settings.applicationServer,
      transactionalId: this.#transactionalId,
      endTransactionsOf: (ids) => {
        // They end by themselves, later.
        client
          .admin()
          .abortOpenTransactions(ids)
          .catch((error: unknown) => onError(error, false));
      },
      ends: (tasks) => stateEnds(tasks, topology, settings),
      rules: settings.assignment,
      endsAll,
    });
  }

  #makeConsumer(): Consumer {
    const { client, applicationId, exactlyOnce, clientId, autoOffsetReset, ...settings } = this.#settings;
    return client.consumer({
      groupId: applicationId,
      clientId,
      autoOffsetReset,
      isolationLevel: exactlyOnce ? 'read_committed' : 'read_uncommitted',
      assignor: this.#assignor,
      onOffsetReset: (partition, offset) => this.#offsetWasReset(partition, offset),
      ...(settings.groupInstanceId === undefined ? {} : { groupInstanceId: settings.groupInstanceId }),
      ...(settings.sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs: settings.sessionTimeoutMs }),
      ...(settings.heartbeatIntervalMs === undefined ? {} : { heartbeatIntervalMs: settings.heartbeatIntervalMs }),
      ...(settings.rebalanceTimeoutMs === undefined ? {} : { rebalanceTimeoutMs: settings.rebalanceTimeoutMs }),
    });
  }

  get tasks(): readonly Task[] {
    return [...this.#tasks.running.values()].map(({ task }) => task);
  }

  /** The tasks whose state is followed for others. */
  get standbys(): ReadonlyMap<string, TaskState> {
    return this.#tasks.followed;
  }

  /** Numbers the tasks that this instance runs; undefined while it gives some up, and before it runs any. */
  get assignment(): number | undefined {
    return this.#isSuspended || this.#failure !== undefined ? undefined : this.#changes;
  }

  /** Resolves when stopped; rejects with what ended the generation. */
  async run(): Promise<void> {
    try {
      if (this.#settings.exactlyOnce) await this.#producer.initTransactions();
      await this.#outgoing.learn(this.#knownSinks());
      this.#consumer.subscribe([...this.#fullNames.values()], {
        onRevoked: (partitions) => this.#revoked(partitions),
        onAssigned: (partitions, leaderData) => this.#assigned(partitions, leaderData),
        onLost: () => this.#lost(),
      });
      while (!this.#stopping) await this.#turn();
      await this.#calls.ended(Number.POSITIVE_INFINITY);
      await this.#committer.commit('all');
    } catch (error) {
      this.#failure = error;
      // The next generation will be able to read what this one could not.
      if (error instanceof StateUnreadable) await error.recover();
      throw error;
    } finally {
      await this.#close();
    }
  }

  /** True when the records or the user's functions are to blame, so that another try would end the same way. */
  get hasFailedInTask(): boolean {
    return this.#taskHasFailed;
  }

  stop(): void {
    this.#stopping = true;
    this.#consumer.wakeup();
  }

  // ── Processing ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Fetches what there is, processes for a slice of time, commits when it is time to. */
  async #turn(): Promise<void> {
    const { environment, pollMs } = this.#settings;
    if (this.#backgroundFailure !== null) throw this.#backgroundFailure.error;
    const commitDueAt = this.#committer.lastCommit + this.#calls.commitIntervalMs;
    // Once it waits for calls, their results wake us.
    const untilCommit = this.#calls.areWaitedFor ? pollMs : Math.max(0, commitDueAt - environment.now());
    const now = environment.now();
    if (now - this.#lastPoll < POLL_AT_LEAST_MS && this.#hasBacklog()) {
      await yieldToEventLoop(this.#settings.environment);
    } else {
      const timeout = this.#isSuspended ? pollMs : this.#hasWork() ? 0 : Math.min(pollMs, Math.max(1, untilCommit));
      this.#lastPoll = now;
      this.#accept(await this.#consumer.poll(timeout));
    }
    if (this.#isSuspended || this.#stopping) return;
    this.#probe();
    this.#upstream?.turn();
    if (this.#settings.isHeldBack()) {
      for (const { task } of this.#tasks.running.values()) task.hasWaited();
      await this.#waitForRoom();
    } else {
      await this.#process();
      this.#lateReports.tell(this.tasks);
      this.#noteFlow();
      if (!this.#isSuspended) this.#punctuate();
    }
    if (this.#isSuspended) return;
    if (!this.#settings.exactlyOnce) this.#announce(environment.now());
    const wanted =
      [...this.#tasks.running.values()].some(({ task }) => task.commitRequested) || this.#committer.hasToSave;
    if (wanted || environment.now() >= commitDueAt) {
      if (this.#committer.underWay !== null) await this.#committer.underWay;
      else if (this.#calls.drain()) {
        await this.#committer.begin();
        this.#calls.takeUpAgain();
      }
    } else if (this.#outgoing.backlog > MAX_HELD_BACK) {
      await this.#committer.underWay;
    } else if (this.#producer.bufferedBytes > MAX_BUFFERED_BYTES) {
      await this.#producer.flush();
    }
  }

  #punctuate(): void {
    try {
      for (const { task } of this.#tasks.running.values()) task.punctuateWallClock(() => this.#areAtEnd(task.queues));
    } catch (error) {
      throw this.#failedInTask(error);
    }
  }

  #noteFlow(): void {
    const now = this.#settings.environment.now();
    if (now - this.#flowNotedAt < NOTE_FLOW_MS) return;
    this.#flowNotedAt = now;
    for (const { flow } of this.tasks) flow.note(now);
  }

  #waitForRoom(): Promise<void> {
    return new Promise((resolve) => {
      this.#settings.environment.after(HELD_BACK_MS, resolve);
    });
  }

  /** Between commits: what caches hold back has not been written yet, so their tasks announce at commits only. */
  #announce(now: number): void {
    if (now - this.#lastAnnouncement < ANNOUNCE_MS) return;
    this.#lastAnnouncement = now;
    this.#announcer.announce(
      [...this.#tasks.running.values()].filter(({ task }) => !task.holdsChanges && task.callsUnderWay === 0),
    );
  }

  /** Something failed that nobody waits for: the next turn throws it. */
  #failedBehind(error: unknown): void {
    this.#backgroundFailure ??= { error };
    this.#consumer.wakeup();
  }

  /** A record that the broker refuses for what it is. */
  #refused(error: Error, { topic, partition, key, value, timestamp }: RefusedRecord): 'continue' | 'fail' {
    const place = this.#sinkOf(topic);
    if (place !== undefined) {
      const { node, task } = place;
      const record = { topic, partition, offset: -1, timestamp };
      const refused = { ...record, node: node.name, rawKey: key, rawValue: value };
      if (this.#settings.onProductionError(error, refused) === 'continue') {
        task.drop('refused', node, error, record, asRaw(key, value));
        return 'continue';
      }
    }
    this.#failedBehind(error);
    return 'fail';
  }

  /** Who writes to a topic: the sink that names it, or else one that chooses its topics. */
  #sinkOf(topic: string): { readonly node: GraphNode; readonly task: Task } | undefined {
    const sinks = this.tasks.flatMap((task) =>
      task.subTopology.nodes.flatMap((node) => (node.sink === null ? [] : [{ node, task, topic: node.sink.topic }])),
    );
    const named = sinks.find((sink) => typeof sink.topic === 'string' && this.#fullNameOf(sink.topic) === topic);
    if (named !== undefined || this.#changelogs().includes(topic)) return named;
    return sinks.find((sink) => typeof sink.topic !== 'string');
  }

  /** Reading goes on elsewhere than where the last commit left off: records are missing, or come again. */
  #offsetWasReset({ topic, partition }: TopicPartition, offset: number): void {
    const reset = this.#settings.autoOffsetReset;
    this.#settings.onError(
      new MillraceError(
        'OFFSET_OUT_OF_RANGE',
        `${topic}-${partition} does not hold the offset ${offset} any more: reading goes on at the ${reset} one`,
      ),
      false,
    );
  }

  #failedInTask(error: unknown): unknown {
    this.#taskHasFailed ||= !(error instanceof StateUnreadable);
    return error;
  }

  #accept(fetched: readonly FetchedPartition[]): void {
    const { exactlyOnce, environment } = this.#settings;
    const now = environment.now();
    for (const { topic, partition, cursor, nextOffset, lastStableOffset, highWatermark } of fetched) {
      const entry = this.#queues.get(`${topic}-${partition}`);
      if (entry === undefined) continue;
      entry.queue.push(cursor, nextOffset, now);
      this.#endOffsets.set(entry.queue, exactlyOnce ? lastStableOffset : highWatermark);
      if (entry.queue.backlog >= MAX_BACKLOG && !this.#paused.has(entry.queue)) {
        this.#paused.add(entry.queue);
        this.#consumer.pause([{ topic, partition }]);
      }
    }
  }

  #hasWork(): boolean {
    if (this.#isSuspended) return false;
    for (const { queue, running } of this.#queues.values()) {
      const { task } = running;
      if (task.hasResults || (!task.isBlocked && (!queue.isEmpty || queue.backlog > 0))) return true;
    }
    return false;
  }

  /**
   * Whether there is enough to go on with. The consumer is then left alone, so that the fetch it has under way is for all
   * partitions: one for the idle partitions only would wait, and hold up the busy ones.
   */
  #hasBacklog(): boolean {
    if (this.#isSuspended) return false;
    const now = this.#settings.environment.now();
    return this.#pipelines.some((groups) =>
      groups.some((group) => group.hasBacklog && !group.isBlocked && group.isReady(this.#waiting, now)),
    );
  }

  /** Takes the oldest records first, of every pipeline in turn, until the slice of time is over or nothing is ready. */
  async #process(): Promise<void> {
    const { environment } = this.#settings;
    const until = environment.now() + SLICE_MS;
    this.#calls.resume();
    for (let idle = 0; idle < this.#pipelines.length; ) {
      const groups = this.#pipelines[this.#turns++ % this.#pipelines.length]!;
      try {
        const group = this.#oldestReady(groups);
        if (group === undefined) {
          idle++;
          continue;
        }
        idle = 0;
        group.run(RUN_RECORDS);
      } catch (error) {
        if (!(error instanceof SchemaNotLoaded)) throw this.#failedInTask(error);
        await error.load();
        if (this.#isSuspended) return;
      }
      if (environment.now() >= until) break;
    }
    for (const queue of this.#paused) {
      if (queue.backlog >= MAX_BACKLOG) continue;
      this.#paused.delete(queue);
      this.#consumer.resume([{ topic: queue.topic, partition: queue.partition }]);
    }
  }

  #oldestReady(groups: readonly TaskGroup[]): TaskGroup | undefined {
    const now = this.#settings.environment.now();
    let oldest: TaskGroup | undefined;
    for (const group of groups) {
      if (group.isBlocked) continue;
      group.load();
      const isOlder = oldest === undefined || group.headTime < oldest.headTime;
      if (isOlder && group.isReady(this.#waiting, now)) oldest = group;
    }
    return oldest;
  }

  /** Whether the partition holds records behind the consumer's position, as far as has been heard. */
  #mayBringMore(queue: SourceQueue): boolean {
    const end = this.#endOffsets.get(queue);
    return end !== undefined && this.#consumer.position(queue) < end;
  }

  /** Whether everything in the partition has been processed, and nobody is about to bring more. */
  #isAtEnd(queue: SourceQueue): boolean {
    return queue.isEmpty && queue.backlog === 0 && !this.#mayBringMore(queue) && (queue.watermark?.hasCaughtUp ?? true);
  }

  #areAtEnd(queues: readonly SourceQueue[]): boolean {
    return queues.every((queue) => this.#isAtEnd(queue));
  }

  /** Tasks that feed a repartition topic keep one order; sub-topologies that write to one another are one pipeline. */
  #arrange(): void {
    const { topology } = this.#options;
    const pipelines = topology.pipelines.map((subs) =>
      subs.flatMap((sub) => {
        const members = [...this.#tasks.running.values()].filter(({ task }) => task.subTopology === sub);
        const feeds = sub.nodes.some(({ sink }) => typeof sink?.topic === 'string' && this.#feeders.has(sink.topic));
        if (members.length === 0) return [];
        return feeds ? [new TaskGroup(members)] : members.map((member) => new TaskGroup([member]));
      }),
    );
    this.#pipelines = pipelines.filter((groups) => groups.length > 0);
    this.#announcer.reset();
    const queues = [...this.#queues.values()].map(({ queue }) => queue);
    this.#upstream?.watch(queues.filter(({ topic }) => !this.#internalTopics.has(topic)));
  }

  // ── Rebalancing ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Asks for another assignment when it is time to: tasks that were to move may be able to now. */
  #probe(): void {
    if (this.#settings.environment.now() < this.#probeAt) return;
    this.#probeAt = Number.POSITIVE_INFINITY;
    this.#probes++;
    this.#consumer.enforceRebalance();
  }

  /** What was done is committed before others get these partitions; the other tasks go on right behind that. */
  async #revoked(partitions: readonly TopicPartition[]): Promise<void> {
    // Leaving the group: what could be committed has been.
    if (this.#isClosed) return;
    this.#options.events.onRebalancing();
    this.#isSuspended = true;
    this.#isTakenUp = false;
    this.#assignment++;
    this.#changes++;
    await this.#opening;
    const { rebalanceTimeoutMs = 2 * REBALANCE_CALLS_MS } = this.#settings;
    await this.#calls.ended(rebalanceTimeoutMs / 2);
    await this.#committer.commit('due');
    this.#calls.takeUpAgain();
    for (const [name, { queue }] of this.#queues) {
      if (!partitions.some((each) => nameOf(each) === name)) continue;
      this.#queues.delete(name);
      this.#paused.delete(queue);
      this.#endOffsets.delete(queue);
    }
    await this.#tasks.give(this.#tasks.tasksOf(partitions));
    this.#arrange();
    this.#isSuspended = false;
  }

  /**
   * Restoring may take long, and the group wants to hear of us: it goes on behind, while the tasks that run already go on, too,
   * and nothing is read for the others.
   */
  async #assigned(added: readonly TopicPartition[], leaderData: Uint8Array): Promise<void> {
    const orders = this.#assignor.read(leaderData);
    this.#probeAt = this.#settings.environment.now() + (orders.probeAfterMs ?? Number.POSITIVE_INFINITY);
    this.#options.events.onHosts(orders.hosts);
    const followed = [...orders.standby, ...orders.warmup].sort();
    if (this.#isTakenUp && added.length === 0 && followed.join() === this.#followed.join()) return;
    this.#consumer.pause(added);
    this.#followed = followed;
    this.#isTakenUp = true;
    if (added.length > 0) this.#options.events.onRebalancing();
    const before = this.#opening;
    const assignment = ++this.#assignment;
    const stopped = (): boolean => this.#stopping || assignment !== this.#assignment;
    this.#opening = before
      .then(() => this.#open(followed, stopped))
      .catch((error: unknown) => this.#failedBehind(error));
  }

  /** The group went on without this instance: what was not committed is somebody else's. */
  async #lost(): Promise<void> {
    this.#options.events.onRebalancing();
    this.#isSuspended = true;
    this.#assignment++;
    throw new MillraceError('MEMBER_LOST', `the group ${this.#settings.applicationId} went on without this instance`, {
      retriable: true,
    });
  }

  async #open(followed: readonly string[], stopped: () => boolean): Promise<void> {
    if (stopped()) return;
    const partitions = this.#consumer.assignment();
    const opened = (running: RunningTask): void => {
      this.#changes++;
      for (const queue of running.task.queues) {
        this.#queues.set(nameOf(queue), { queue, running });
        const end = this.#tasks.ends.get(nameOf(queue));
        if (end !== undefined && end > 0) this.#endOffsets.set(queue, end);
      }
    };
    await this.#tasks.open(partitions, followed, opened, stopped);
    if (stopped()) return;
    this.#arrange();
    if (this.#isSuspended) this.#committer.lastCommit = this.#settings.environment.now();
    this.#isSuspended = false;
    const isWanted = (each: TopicPartition): boolean => {
      const entry = this.#queues.get(nameOf(each));
      return entry !== undefined && !this.#paused.has(entry.queue);
    };
    this.#consumer.resume(partitions.filter(isWanted));
    this.#options.events.onRunning();
    await this.#tasks.follow(followed, stopped);
  }

  async #close(): Promise<void> {
    const isClean = this.#failure === undefined;
    this.#lateReports.tell(this.tasks, true);
    this.#isClosed = true;
    // After a failure that passes, the next generation ends the transaction when it takes over the transactional id.
    const isLast = !isPassing(this.#failure);
    if (!isClean && isLast && this.#settings.exactlyOnce && this.#outgoing.inTransaction) {
      await this.#producer.abortTransaction().catch(() => {});
    }
    this.#isSuspended = true;
    this.#assignment++;
    await this.#opening;
    const errors: unknown[] = [];
    errors.push(...(await this.#tasks.close()));
    await this.#consumer.close().catch((error: unknown) => errors.push(error));
    await this.#producer.close(isClean ? {} : { timeoutMs: 0 }).catch((error: unknown) => errors.push(error));
    if (isClean && errors.length > 0) throw errors[0];
  }

  #fullNameOf(topic: string): string {
    const { topology, settings } = this.#options;
    return topology.internalTopics.has(topic) ? `${settings.applicationId}-${topic}` : topic;
  }

  /** Partitions of what is read, by full name. */
  #sourceCounts(): Map<string, number> {
    return new Map([...this.#fullNames].map(([topic, fullName]) => [fullName, this.#options.counts.get(topic)!]));
  }

  #knownSinks(): string[] {
    const sinks = this.#options.topology.nodes.flatMap(({ sink }) =>
      typeof sink?.topic === 'string' ? [this.#fullNameOf(sink.topic)] : [],
    );
    const { deadLetterTopic } = this.#settings;
    return [...sinks, ...(deadLetterTopic === undefined ? [] : [deadLetterTopic]), ...this.#changelogs()];
  }

  #changelogs(): string[] {
    const { topology, settings } = this.#options;
    return [...topology.stores.values()]
      .filter(
        (store) => topology.hasChangelog(store) && topology.subTopologies.some((sub) => sub.stores.includes(store)),
      )
      .map((store) => changelogTopic(settings.applicationId, store));
  }
}

function asRaw(key: Uint8Array | null, value: Uint8Array | null): RawRecord {
  const bytes = Buffer.concat([key ?? Buffer.alloc(0), value ?? Buffer.alloc(0)]);
  const keyEnd = key?.length ?? 0;
  const [keyStart, valueStart] = [key === null ? -1 : 0, value === null ? -1 : keyEnd];
  return { bytes, keyStart, keyEnd, valueStart, valueEnd: bytes.length, headers: () => [] };
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
