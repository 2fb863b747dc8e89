/**
 * One sub-topology over one partition of its topics: the operators' closures, their stores, and the queues of records in
 * front of them. A task knows no broker: what comes in is cursors, what goes out goes to a `TaskOutput`. The runtime and
 * the test driver run the same tasks.
 */
import { SchemaNotLoaded } from '../../serde/index.ts';
import { assert, codeOf, type Environment, MillraceError, messageOf } from '../../util/index.ts';
import { type RawRecord, TaskContext } from '../api/context.ts';
import type { DecodingPlan } from '../graph/decoding-plan.ts';
import type { DroppedRecord } from '../api/instance.ts';
import type { Emit, EmitChange, GraphNode } from '../graph/node.ts';
import type {
  DecodeErrorHandler,
  DropListener,
  DropReason,
  FailedRecord,
  ProcessingErrorHandler,
} from '../api/options.ts';
import { createStore } from '../state/create-store.ts';
import { type MemoryBudget, processBudget } from '../state/memory-budget.ts';
import type { StoreFingerprint } from '../state/fingerprint.ts';
import { type EmitPosition, type StateStore, StateUnreadable, type StoreSpec, type Tracking } from '../state/store.ts';
import type { SubTopology, Topology } from '../graph/topology.ts';
import { DeadLetters, HANDLED } from './dead-letters.ts';
import { FlowCounts } from './flow-counts.ts';
import { SourceQueue } from './source-queue.ts';
import type { TaskCalls, TaskOutput, TaskScope } from '../graph/node.ts';
import { Watermark } from './watermarks.ts';

export interface TaskSettings {
  readonly applicationId: string;
  /** Whether stores emit once per commit where the user did not say. */
  readonly caching: boolean;
  /** Whether windows that end within a gap of the data may be forgotten before they are emitted. Default: no. */
  readonly forgetsBeforeClosing?: boolean | undefined;
  readonly onDecodeError: DecodeErrorHandler;
  readonly onProcessingError: ProcessingErrorHandler;
  readonly onDrop?: DropListener | undefined;
  /** Where records go that are left out for one of these reasons. */
  readonly deadLetterTopic?: string | undefined;
  readonly deadLetterReasons?: readonly DropReason[] | undefined;
}

export interface TaskOptions {
  readonly topology: Topology;
  readonly subTopology: SubTopology;
  readonly partition: number;
  readonly settings: TaskSettings;
  readonly output: TaskOutput;
  readonly environment: Environment;
  readonly tracking: (spec: StoreSpec) => Tracking;
  readonly globalStores: ReadonlyMap<string, StateStore>;
  /** Default: that of the process. */
  readonly budget?: MemoryBudget;
  /** The tasks that feed internal topics, where time is the minimum over them. Default: nowhere. */
  readonly feeders?: ReadonlyMap<string, readonly string[]>;
  /** Told when a call that is waited for has results: `resume` lets them go on. */
  readonly onResults?: () => void;
  /** Whether how far other applications have come bounds time behind the topics that they write. Default: no. */
  readonly hasUpstream?: boolean;
}

interface DropNote {
  readonly first: DroppedRecord;
  readonly last: { -readonly [member in keyof DroppedRecord]: DroppedRecord[member] };
}

/** What a user's function threw, on its way to stop the application. */
class ProcessingFailure extends MillraceError {
  override readonly name = 'ProcessingFailure';
}

interface Schedule {
  readonly by: 'streamTime' | 'wallClock';
  readonly intervalMs: number;
  readonly run: (timestamp: number) => void;
  next: number;
  cancelled: boolean;
}

export class Task implements TaskScope {
  readonly id: string;
  readonly subTopology: SubTopology;
  readonly partition: number;
  readonly taskId: string;
  readonly applicationId: string;
  readonly context = new TaskContext();
  readonly plan: DecodingPlan;
  readonly output: TaskOutput;
  readonly stores = new Map<string, StateStore>();
  readonly queues: SourceQueue[] = [];
  readonly positions = new Map<string, EmitPosition>();
  /** What the rows of its stores mean, where they outlive the task. */
  readonly fingerprints: ReadonlyMap<string, StoreFingerprint>;
  readonly onDecodeError: DecodeErrorHandler;
  processed = 0;
  readonly dropped = new Map<DropReason, number>();
  /** The same by operator. */
  readonly droppedBy = new Map<string, Map<DropReason, number>>();
  /** The first record that an operator left out for a reason, and the last. */
  readonly dropNotes = new Map<string, Map<DropReason, DropNote>>();
  readonly flow: FlowCounts;
  /** How often records were not waited for any longer, though they were known to come. */
  idleTimeouts = 0;
  /** A partition had no more records at hand when `run` came back. */
  hasRunOut = false;
  commitRequested = false;
  /** Nothing is taken up: a commit waits for the calls under way. */
  isDraining = false;
  /** The state is not that of the last checkpoint. */
  isDirty = false;
  readonly #settings: TaskSettings;
  readonly environment: Environment;
  readonly #budget: MemoryBudget;
  readonly #globalStores: ReadonlyMap<string, StateStore>;
  readonly #emits = new Map<GraphNode, Emit | EmitChange>();
  readonly #choices = new Map<GraphNode, Emit>();
  readonly #sharedObjects = new Map<string, unknown>();
  readonly #flushes: { readonly node: GraphNode; readonly flush: () => void }[] = [];
  readonly #timers: { readonly node: GraphNode; readonly run: () => void }[] = [];
  readonly #calls: { readonly node: GraphNode; readonly calls: TaskCalls }[] = [];
  readonly #closes: (() => void)[] = [];
  readonly #onResults: () => void;
  readonly #deadLetters: DeadLetters | undefined;
  readonly #schedules: Schedule[] = [];
  /** What operators hold back until their time has come to this position, by at most so many milliseconds. */
  readonly #holds = new Map<GraphNode, { readonly position: EmitPosition; readonly ms: () => number }>();
  #streamTime = -1;
  /** When a record was last processed, or was known to wait. */
  #workedAt: number;
  /** Operators have gone on by the wall clock since the last commit. */
  hasGoneByClock = false;

  constructor(options: TaskOptions) {
    const { topology, subTopology, settings } = options;
    this.subTopology = subTopology;
    this.partition = options.partition;
    this.id = `${subTopology.id}_${options.partition}`;
    this.taskId = this.id;
    this.applicationId = settings.applicationId;
    this.plan = topology.plan;
    const kept = subTopology.stores.filter(({ logging }) => logging).map(({ name }) => name);
    this.fingerprints = new Map([...topology.fingerprints].filter(([name]) => kept.includes(name)));
    this.output = options.output;
    this.onDecodeError = settings.onDecodeError;
    this.#settings = settings;
    this.environment = options.environment;
    this.#workedAt = options.environment.now();
    this.#budget = options.budget ?? processBudget;
    this.#globalStores = options.globalStores;
    this.#onResults = options.onResults ?? (() => {});
    const { deadLetterTopic, deadLetterReasons = HANDLED } = settings;
    if (deadLetterTopic !== undefined) {
      this.#deadLetters = new DeadLetters(deadLetterTopic, deadLetterReasons, options.output);
    }
    this.flow = new FlowCounts(
      subTopology.nodes,
      (source) => this.#takenBy(source),
      (node) => this.#droppedIn(node),
      options.environment.now(),
    );
    for (const spec of subTopology.stores) this.stores.set(spec.name, createStore(spec, options.tracking(spec)));
    const internal = topology.internalTopics;
    for (const node of subTopology.sources) {
      const emit = this.forward(node);
      for (const topic of node.source!.topics) {
        const name = internal.has(topic) ? this.internalTopic(topic) : topic;
        const feeders = options.feeders?.get(topic) ?? (options.hasUpstream && !internal.has(topic) ? [] : undefined);
        const watermark = feeders === undefined ? undefined : new Watermark(feeders);
        const { partition } = options;
        this.queues.push(new SourceQueue(this, node, { topic: name, partition }, emit, watermark));
      }
    }
    // Operators behind no source of records (only stores) are built, too: their processors may punctuate.
    for (const node of subTopology.nodes) if (node.build !== null) this.input(node);
    this.#flushes.sort((a, b) => a.node.index - b.node.index);
    this.#timers.sort((a, b) => a.node.index - b.node.index);
    this.#calls.sort((a, b) => a.node.index - b.node.index);
    this.#boundTime(this.#leastWatermark());
  }

  #takenBy(source: GraphNode): number {
    return this.queues.reduce((sum, queue) => sum + (queue.node === source ? queue.records : 0), 0);
  }

  #droppedIn({ name }: GraphNode): number {
    return (
      this.droppedBy
        .get(name)
        ?.values()
        .reduce((sum, count) => sum + count, 0) ?? 0
    );
  }

  // ── What the runtime calls ──

  /** The queue of a partition's records. */
  queue(topic: string): SourceQueue | undefined {
    return this.queues.find((queue) => queue.topic === topic);
  }

  /**
   * Processes records in the order of their times until a partition has no more at hand, `limit` records are done, the next
   * one is not older than `until` (the first is processed in any case), or calls have to be waited for. Returns how many were processed. Throws
   * `SchemaNotLoaded` before the record at stake.
   */
  run(limit: number, until = Number.POSITIVE_INFINITY): number {
    const { queues } = this;
    const budget = this.#budget;
    let count = 0;
    const punctuates = this.#schedules.some(({ by }) => by === 'streamTime');
    this.hasRunOut = false;
    if (this.isBlocked) return 0;
    this.isDirty = true;
    while (count < limit && !this.isBlocked) {
      let next: SourceQueue | undefined;
      let nextTime = Number.POSITIVE_INFINITY;
      let secondTime = Number.POSITIVE_INFINITY;
      for (let i = 0; i < queues.length; i++) {
        const queue = queues[i]!;
        if (queue.isEmpty) queue.load();
        const time = queue.headTime;
        if (time < nextTime) {
          secondTime = nextTime;
          nextTime = time;
          next = queue;
        } else if (time < secondTime) {
          secondTime = time;
        }
      }
      if (next === undefined) {
        this.hasRunOut = true;
        break;
      }
      if (count > 0 && nextTime >= until) break;
      do {
        if (next.headTime > this.#streamTime) this.#streamTime = next.headTime;
        next.processHead();
        count++;
        this.processed++;
        if (punctuates) this.#punctuate('streamTime', this.streamTime());
        if (budget.used > budget.limit) budget.evict();
        next.load();
      } while (count < limit && next.headTime <= secondTime && next.headTime < until && !this.isBlocked);
      if (next.isEmpty) {
        this.hasRunOut = true;
        break;
      }
    }
    if (this.#schedules.length > 0 && count > 0) this.#workedAt = this.environment.now();
    return count;
  }

  // ── Calls that are waited for ──

  /** Whether nothing may be taken up until calls have ended. */
  get isBlocked(): boolean {
    if (this.isDraining) return true;
    for (const { calls } of this.#calls) if (calls.isFull) return true;
    return false;
  }

  /** Records whose results have not gone on. */
  get callsUnderWay(): number {
    let count = 0;
    for (const { calls } of this.#calls) count += calls.underWay;
    return count;
  }

  get hasResults(): boolean {
    return this.#calls.some(({ calls }) => calls.hasResults);
  }

  /** Lets the results of calls go on. */
  resume(): void {
    for (const { calls } of this.#calls) {
      if (!calls.hasResults) continue;
      this.isDirty = true;
      calls.emitResults();
    }
  }

  /** Lets everything go on that can, caches too. False while calls have to be waited for. */
  drain(): boolean {
    if (this.#calls.length === 0) return true;
    this.isDraining = true;
    this.resume();
    this.flush();
    return this.callsUnderWay === 0;
  }

  /** Event time of the oldest record that has been loaded; Infinity when there is none. */
  get headTime(): number {
    const { queues } = this;
    let time = queues[0]!.headTime;
    for (let i = 1; i < queues.length; i++) if (queues[i]!.headTime < time) time = queues[i]!.headTime;
    return time;
  }

  /** Emits what cached stores hold back. */
  flush(): void {
    if (this.#flushes.length === 0) return;
    this.context.leaveRecord(this.#streamTime);
    for (const { flush } of this.#flushes) flush();
  }

  /** Whether changes wait in caches until `flush`. */
  get holdsChanges(): boolean {
    return this.#flushes.length > 0;
  }

  /** Runs what is due by the wall clock. `isAtEnd` is asked whether no record is waiting. */
  punctuateWallClock(isAtEnd: () => boolean): void {
    if (this.#schedules.length === 0 || this.isDraining) return;
    if (!isAtEnd()) this.hasWaited();
    this.#punctuate('wallClock', this.environment.now());
  }

  /** Nobody has looked for records meanwhile: that there were none does not mean that none are there. */
  hasWaited(): void {
    this.#workedAt = this.environment.now();
  }

  close(): void {
    for (const store of this.stores.values()) store.close();
    for (const close of this.#closes) close();
  }

  restoreTime(streamTime: number): void {
    if (streamTime > this.#streamTime) this.#streamTime = streamTime;
  }

  /** A partition knows how far its feeders had come when it was committed. */
  restoreWatermark(queue: SourceQueue, time: number): void {
    queue.watermark?.restore(time);
    this.#boundTime(this.#leastWatermark());
  }

  /** A partition has heard how far its feeders have come: operators that wait for time to pass go on without a record. */
  timeHasPassed(): void {
    const before = this.context.watermark;
    // A feeder that has been idle may come back with what is older.
    const now = Math.max(this.#leastWatermark(), this.streamTime());
    if (now === before) return;
    this.context.watermark = now;
    this.isDirty = true;
    this.context.leaveRecord(this.streamTime());
    for (const { run } of this.#timers) run();
    this.#punctuate('streamTime', this.streamTime());
    // What has come out may expire.
    this.#boundTime(now);
  }

  #boundTime(watermark: number): void {
    this.context.watermark = watermark;
    for (const store of this.stores.values()) if (store.goesByClock !== true) store.timeHasCome?.(watermark);
  }

  #leastWatermark(): number {
    let time = Number.POSITIVE_INFINITY;
    for (const { watermark } of this.queues) if (watermark !== undefined) time = Math.min(time, watermark.bound);
    return time;
  }

  /** Up to where everything has come in, whether or not there were records. */
  #readTime(): number {
    const now = this.streamTime();
    const heard = this.context.watermark;
    return heard < Number.POSITIVE_INFINITY && this.queues.every(({ watermark }) => watermark !== undefined)
      ? Math.max(now, heard)
      : now;
  }

  /** Up to where a sink has written: what it writes later has later times, but for records that come out of order. */
  timeAt(sink: GraphNode): number {
    const now = this.#readTime();
    if (this.#holds.size === 0) return now;
    const times = new Map<GraphNode, number>();
    // Operators stand behind their parents.
    for (const node of this.subTopology.nodes) {
      let time = now;
      for (const parent of node.parents) time = Math.min(time, times.get(parent) ?? now);
      const hold = this.#holds.get(node);
      if (hold !== undefined) {
        const { observedTime } = hold.position;
        time = Math.max(-1, (observedTime < 0 ? time : Math.min(time, observedTime)) - hold.ms());
      }
      times.set(node, time);
    }
    return times.get(sink) ?? now;
  }

  // ── What operators are built with ──

  forward(node: GraphNode): Emit {
    const next = this.#toAll(node);
    if (node.emitsEach || node.source !== null || node.children.length === 0) return next;
    const passed = this.flow.passed(node);
    return (key, value, timestamp, context) => {
      passed.count++;
      next(key, value, timestamp, context);
    };
  }

  #toAll(node: GraphNode): Emit {
    const inputs = node.children.map((child) => this.input(child) as Emit);
    const [first, second] = inputs;
    if (first === undefined) return () => {};
    if (second === undefined) return first;
    if (inputs.length === 2) {
      return (key, value, timestamp, context) => {
        first(key, value, timestamp, context);
        second(key, value, timestamp, context);
      };
    }
    return (key, value, timestamp, context) => {
      for (const input of inputs) input(key, value, timestamp, context);
    };
  }

  forwardChange(node: GraphNode): EmitChange {
    const next = this.#changesToAll(node);
    if (node.emitsEach || node.children.length === 0) return next;
    const passed = this.flow.passed(node);
    return (key, value, old, timestamp, context) => {
      passed.count++;
      next(key, value, old, timestamp, context);
    };
  }

  #changesToAll(node: GraphNode): EmitChange {
    const inputs = node.children.map((child) => this.input(child) as EmitChange);
    const [first, second] = inputs;
    if (first === undefined) return () => {};
    if (second === undefined) return first;
    return (key, value, old, timestamp, context) => {
      for (const input of inputs) input(key, value, old, timestamp, context);
    };
  }

  inputOf(child: GraphNode): Emit {
    let input = this.#choices.get(child);
    if (input === undefined) {
      const next = this.input(child) as Emit;
      const chosen = this.flow.chosen(child);
      input = (key, value, timestamp, context) => {
        chosen.count++;
        next(key, value, timestamp, context);
      };
      this.#choices.set(child, input);
    }
    return input;
  }

  input(node: GraphNode): Emit | EmitChange {
    let emit = this.#emits.get(node);
    if (emit === undefined) {
      assert(node.build !== null, `${node.name} is a source: nothing flows into it`);
      emit = node.build(this, node);
      this.#emits.set(node, emit);
    }
    return emit;
  }

  store<S extends StateStore>(spec: StoreSpec): S {
    const store = this.stores.get(spec.name) ?? this.#globalStores.get(spec.name);
    assert(store !== undefined, `the task ${this.id} has no store ${spec.name}`);
    return store as S;
  }

  globalStore(name: string): StateStore | undefined {
    return this.#globalStores.get(name);
  }

  shared<T>(id: string, create: () => T): T {
    if (!this.#sharedObjects.has(id)) this.#sharedObjects.set(id, create());
    return this.#sharedObjects.get(id) as T;
  }

  get forgetsBeforeClosing(): boolean {
    return this.#settings.forgetsBeforeClosing ?? false;
  }

  isCached(spec: StoreSpec): boolean {
    return spec.caching ?? this.#settings.caching;
  }

  onFlush(node: GraphNode, flush: () => void): void {
    this.#flushes.push({ node, flush });
  }

  onCalls(node: GraphNode, calls: TaskCalls): () => void {
    this.#calls.push({ node, calls });
    return this.#onResults;
  }

  onClose(close: () => void): void {
    this.#closes.push(close);
  }

  schedule(intervalMs: number, by: 'streamTime' | 'wallClock', run: (timestamp: number) => void): () => void {
    const schedule: Schedule = {
      by,
      intervalMs,
      run,
      next: by === 'streamTime' ? 0 : this.environment.now() + intervalMs,
      cancelled: false,
    };
    this.#schedules.push(schedule);
    return () => {
      schedule.cancelled = true;
      const at = this.#schedules.indexOf(schedule);
      if (at >= 0) this.#schedules.splice(at, 1);
    };
  }

  internalTopic(name: string): string {
    return `${this.#settings.applicationId}-${name}`;
  }

  storesBehind(node: GraphNode): StateStore[] {
    return this.plan.storesBehind(node).flatMap(({ name }) => this.stores.get(name) ?? []);
  }

  /** `record` and `raw` are those at hand unless it is another one. */
  drop(
    reason: DropReason,
    node: GraphNode,
    error?: unknown,
    record: Omit<FailedRecord, 'node'> = this.context,
    raw: RawRecord | undefined = this.context.source,
  ): void {
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + 1);
    let own = this.droppedBy.get(node.name);
    if (own === undefined) this.droppedBy.set(node.name, (own = new Map()));
    own.set(reason, (own.get(reason) ?? 0) + 1);
    const { topic, partition, offset, timestamp } = record;
    this.#noteDrop(reason, node, error, record);
    const failed = { topic, partition, offset, timestamp, node: node.name };
    this.#settings.onDrop?.(reason, failed);
    this.#deadLetters?.write(reason, failed, raw, error);
  }

  #noteDrop(reason: DropReason, node: GraphNode, error: unknown, record: Omit<FailedRecord, 'node'>): void {
    let notes = this.dropNotes.get(node.name);
    if (notes === undefined) this.dropNotes.set(node.name, (notes = new Map()));
    const note = notes.get(reason);
    const { topic, partition, offset, timestamp } = record;
    const streamTime = this.streamTime();
    if (note === undefined) {
      const text = error === undefined ? undefined : messageOf(error);
      const first = { topic, partition, offset, timestamp, streamTime, error: text };
      notes.set(reason, { first, last: { ...first } });
      return;
    }
    // There may be many: nothing is made for each.
    const { last } = note;
    last.topic = topic;
    last.partition = partition;
    last.offset = offset;
    last.timestamp = timestamp;
    last.streamTime = streamTime;
    last.error = undefined;
  }

  failed(error: unknown, node: GraphNode): void {
    if (
      error instanceof ProcessingFailure ||
      error instanceof SchemaNotLoaded ||
      error instanceof StateUnreadable ||
      codeOf(error) === 'PROMISE_RETURNED'
    ) {
      throw error;
    }
    const { topic, partition, offset, timestamp } = this.context;
    const response = this.#settings.onProcessingError(error, { topic, partition, offset, timestamp, node: node.name });
    if (response !== 'continue') {
      throw new ProcessingFailure(
        'PROCESSING_FAILED',
        `${node.name} failed at ${topic}-${partition}@${offset}: ${messageOf(error)}`,
        { cause: error },
      );
    }
    this.drop('failed', node, error);
  }

  /** By topic, the last record that has been processed. */
  reached(): Readonly<Record<string, number>> {
    const known = this.queues.filter(({ position }) => position > 0);
    return Object.fromEntries(known.map(({ topic, position }) => [topic, position - 1]));
  }

  streamTime(): number {
    return Math.min(this.#streamTime, this.context.watermark);
  }

  timeOf(position: EmitPosition): number {
    return Math.min(position.observedTime, this.context.watermark);
  }

  timeAfter(position: EmitPosition, timestamp: number): number {
    if (timestamp > position.observedTime) position.observedTime = timestamp;
    return this.timeOf(position);
  }

  onTime(node: GraphNode, run: () => void): void {
    this.#timers.push({ node, run });
  }

  holdsBack(node: GraphNode, position: EmitPosition, ms: () => number): void {
    this.#holds.set(node, { position, ms });
  }

  now(): number {
    return this.environment.now();
  }

  quietMs(): number {
    return this.environment.now() - this.#workedAt;
  }

  goesByClock(): void {
    this.hasGoneByClock = true;
    this.isDirty = true;
  }

  requestCommit(): void {
    this.commitRequested = true;
  }

  position(id: string): EmitPosition {
    let position = this.positions.get(id);
    if (position === undefined) {
      position = { observedTime: -1, lastClose: -1 };
      this.positions.set(id, position);
    }
    return position;
  }

  /** Runs what is due, once each however much time has passed. */
  #punctuate(by: 'streamTime' | 'wallClock', now: number): void {
    for (const schedule of this.#schedules.slice()) {
      if (schedule.by !== by || schedule.next > now || schedule.cancelled) continue;
      const missed = Math.floor((now - schedule.next) / schedule.intervalMs);
      schedule.next += (missed + 1) * schedule.intervalMs;
      const { context } = this;
      context.leaveRecord(now);
      schedule.run(now);
    }
  }
}
