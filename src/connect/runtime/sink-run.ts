// The life of a sink's record: fetched by the connector's group → converters and transformations (record-path.ts) → `put`, together
// with what came along → `flush` or `preCommit`, from time to time and whenever a partition goes → its offset is committed.
//
// A batch that is refused with `RetriableError` is put again, as it was, while nothing more is fetched; what belongs to partitions
// that went meanwhile is taken out of it. When a flush fails, everything is read again from what was committed.
import {
  type Client,
  type Consumer,
  type ConsumerRecord,
  type ConsumerSettings,
  recordsOf,
  type TopicPartition,
} from '../../client/index.ts';
import { assert, codeOf, JavaPattern, messageOf } from '../../util/index.ts';
import type { SinkOffset, SinkTask, SinkTaskContext } from '../api/plugins.ts';
import { ConnectError } from '../data/errors.ts';
import type { SinkRecord } from '../data/record.ts';
import type { DeadLetters } from './dead-letters.ts';
import { ErrorHandling, isRetriable, waitFor } from './error-handling.ts';
import { incoming, originOf } from './record-path.ts';
import { TaskLoop, type TaskOptions } from './task-run.ts';
import type { TargetState } from './worker-port.ts';

/** Records, with the offsets behind them and behind what was left out. */
interface Batch {
  records: SinkRecord[];
  readonly behind: Map<string, SinkOffset>;
}

/** What a sink reads. */
export type SinkTopics = { readonly names: readonly string[] } | { readonly pattern: JavaPattern };

export interface SinkRunOptions extends TaskOptions {
  readonly task: SinkTask;
  readonly topics: SinkTopics;
  /** How often topics are looked for that match a pattern. */
  readonly topicsIntervalMs: number;
  /** `groupId` among them. */
  readonly consumer: ConsumerSettings;
  /** Made for this task, closed with it. */
  readonly openDeadLetters: (() => Promise<DeadLetters>) | undefined;
}

const POLL_MS = 1000;
const RETRY_MS = 1000;
/** What says that the group has gone on, or is about to: what was put comes again, here or elsewhere. */
const MOVED_ON = new Set(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS', 'FENCED_INSTANCE_ID']);

export class SinkRun extends TaskLoop {
  readonly #options: SinkRunOptions;
  #errors: ErrorHandling<ConsumerRecord>;
  #deadLetters: DeadLetters | undefined;
  #consumer: Consumer | undefined;
  #subscribed: readonly string[] = [];
  /** What was put, by partition: where reading goes on. */
  readonly #done = new Map<string, SinkOffset>();
  readonly #committed = new Map<string, SinkOffset>();
  /** The batch that has to be put again, with the offsets behind it. */
  #pending: readonly SinkRecord[] = [];
  #behindPending = new Map<string, SinkOffset>();
  /** The batch behind that one. */
  #fetched: Batch | undefined;
  /** Tasks hear of nothing else while a put is under way. */
  #putting: Promise<void> = Promise.resolve();
  #retryMs = RETRY_MS;
  #isRetrying = false;
  #isHeld = false;
  #isCommitDue = false;
  #areTopicsDue = false;
  #cancelCommit = (): void => {};
  #cancelTopics = (): void => {};
  readonly #sought: SinkOffset[] = [];
  /** Partitions that the task has paused itself. */
  readonly #paused = new Map<string, TopicPartition>();
  #waiting = new AbortController();

  constructor(options: SinkRunOptions, target: TargetState) {
    super(options, target);
    this.#options = options;
    this.#errors = this.#errorHandling();
  }

  protected override interrupt(): void {
    this.#waiting.abort();
    this.#consumer?.wakeup();
  }

  protected override async open(): Promise<void> {
    const { task, config, raw } = this.#options;
    this.#deadLetters = await this.#options.openDeadLetters?.();
    this.#errors = this.#errorHandling();
    await task.start(config, this.#context(), raw);
    await this.#subscribe();
    this.#scheduleCommit();
    if ('pattern' in this.#options.topics) this.#scheduleTopics();
  }

  protected override async turn(): Promise<void> {
    this.#waiting = new AbortController();
    if (this.#areTopicsDue) await this.#subscribe();
    this.#seek();
    if (this.#isCommitDue) await this.#commit(this.#assignment());
    if (this.#pending.length > 0 || this.#isRetrying) {
      await this.#putAgain();
      return;
    }
    const batch = this.#fetched ?? (await this.#fetch());
    this.#fetched = undefined;
    if (batch.behind.size === 0) return;
    this.#pending = batch.records;
    this.#behindPending = batch.behind;
    // While the task waits for whoever it writes to, the next batch is read.
    this.#putting = this.#put().finally(() => this.#consumer?.wakeup());
    const [put, fetched] = await Promise.allSettled([this.#putting, this.#fetch()]);
    if (put.status === 'rejected') throw put.reason;
    if (fetched.status === 'rejected') throw fetched.reason;
    if (fetched.value.behind.size > 0) this.#fetched = fetched.value;
  }

  /** The group is kept, nothing is fetched. */
  protected override async rest(): Promise<void> {
    this.#waiting = new AbortController();
    await this.#commit(this.#assignment());
    this.#hold();
    await this.#idle(POLL_MS);
    this.#resume();
  }

  protected override async finish(): Promise<void> {}

  protected override async release(): Promise<void> {
    const { task, log } = this.#options;
    this.#cancelCommit();
    this.#cancelTopics();
    this.stopping.abort();
    // Leaving the group gives the partitions up, with a commit, while the task is still there.
    for (const end of [() => this.#consumer?.close(), () => task.stop(), () => this.#deadLetters?.close()]) {
      try {
        await end();
      } catch (error) {
        log.warn(`stopping task ${this.id.connector}-${this.id.task}: ${messageOf(error)}`);
      }
    }
  }

  #errorHandling(): ErrorHandling<ConsumerRecord> {
    const { environment, log } = this.#options;
    return new ErrorHandling<ConsumerRecord>({
      settings: this.#options.errors,
      environment,
      log,
      describe: ({ topic, partition, offset, timestamp }) => JSON.stringify({ topic, partition, offset, timestamp }),
      deadLetters: this.#deadLetters,
      stopping: this.stopping.signal,
    });
  }

  #context(): SinkTaskContext {
    const { id, environment, log, className } = this.#options;
    return {
      connector: id.connector,
      taskId: id.task,
      environment,
      log,
      assignment: () => this.#assignment(),
      pause: (partitions) => {
        for (const partition of partitions) this.#paused.set(nameOf(partition), partition);
        this.#consumer?.pause(partitions);
      },
      resume: (partitions) => {
        for (const partition of partitions) this.#paused.delete(nameOf(partition));
        this.#consumer?.resume(partitions);
      },
      seek: (offsets) => void this.#sought.push(...offsets),
      requestCommit: () => {
        this.#isCommitDue = true;
      },
      retryIn: (delayMs) => {
        this.#retryMs = delayMs;
      },
      toleratesErrors: this.#options.errors.tolerance === 'all',
      reportErrant: async (record, error) => {
        const origin = originOf(record);
        if (origin === undefined) throw new ConnectError('only records that were put can be reported as errant');
        await this.#errors.failed({ stage: 'TASK_PUT', executor: className, error, record: origin });
      },
      pauseFor: (delayMs) => waitFor(environment, delayMs, this.stopping.signal),
    };
  }

  // ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What has come, as it is put. */
  async #fetch(): Promise<Batch> {
    const batch: Batch = { records: [], behind: new Map() };
    for (const record of await this.#poll(POLL_MS)) {
      const prepared = incoming(this.#options.path, this.#errors, record);
      const sink = prepared instanceof Promise ? await prepared : prepared;
      if (sink !== null) batch.records.push(sink);
      const { topic, partition, offset } = record;
      this.uses(topic);
      batch.behind.set(nameOf(record), { topic, partition, offset: offset + 1 });
    }
    return batch;
  }

  async #poll(timeoutMs: number): Promise<Iterable<ConsumerRecord>> {
    const consumer = this.#consumer;
    if (consumer === undefined) {
      // No topic matches yet.
      await waitFor(this.#options.environment, timeoutMs, this.#waiting.signal);
      return [];
    }
    return recordsOf(await consumer.poll(timeoutMs));
  }

  /** Reads the topics that there are. A pattern may match others than before: the group is joined anew then. */
  async #subscribe(): Promise<void> {
    this.#areTopicsDue = false;
    const names = await topicNames(this.#options.client, this.#options.topics);
    if (names.length === this.#subscribed.length && names.every((name, i) => name === this.#subscribed[i])) return;
    if (this.#consumer !== undefined) {
      await this.#consumer.close();
      this.#consumer = undefined;
    }
    this.#subscribed = names;
    if (names.length === 0) return;
    const consumer = this.#options.client.consumer(this.#options.consumer);
    this.#consumer = consumer;
    consumer.subscribe(names, {
      onAssigned: async (partitions) => {
        await this.#settled();
        if (this.#isHeld) consumer.pause(partitions);
        if (partitions.length > 0) await this.#options.task.open?.(partitions);
      },
      onRevoked: async (partitions) => {
        await this.#settled();
        await this.#commit(partitions);
        await this.#close(partitions);
      },
      onLost: async (partitions) => {
        await this.#settled();
        await this.#close(partitions);
      },
    });
  }

  #scheduleTopics(): void {
    this.#cancelTopics = this.#options.environment.after(this.#options.topicsIntervalMs, () => {
      this.#areTopicsDue = true;
      this.#scheduleTopics();
    });
  }

  #assignment(): readonly TopicPartition[] {
    return this.#consumer?.assignment() ?? [];
  }

  #seek(): void {
    for (const sought of this.#sought.splice(0)) {
      this.#forget([sought]);
      this.#consumer?.seek(sought, sought.offset);
      this.#done.set(nameOf(sought), sought);
    }
  }

  // ── Putting ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Resolves when no put is under way; how it has ended is its turn's to know. */
  async #settled(): Promise<void> {
    await this.#putting.catch(() => {});
  }

  async #put(): Promise<void> {
    if (this.#pending.length === 0 && this.#behindPending.size === 0) return;
    try {
      await this.#options.task.put(this.#pending);
    } catch (error) {
      if (!isRetriable(error)) throw error;
      const { log } = this.#options;
      log.warn(`task ${this.id.connector}-${this.id.task} could not write, and will try again: ${messageOf(error)}`);
      this.#isRetrying = true;
      this.#hold();
      return;
    }
    for (const [name, offset] of this.#behindPending) this.#done.set(name, offset);
    this.#behindPending = new Map();
    this.#pending = [];
    if (this.#isRetrying) this.#resume();
    this.#isRetrying = false;
    this.#retryMs = RETRY_MS;
  }

  /** The group is kept while what was refused waits to be put again. */
  async #putAgain(): Promise<void> {
    const { environment } = this.#options;
    const until = environment.now() + this.#retryMs;
    while (!this.#waiting.signal.aborted) {
      const leftMs = until - environment.now();
      if (leftMs <= 0) break;
      await this.#idle(Math.min(leftMs, POLL_MS));
    }
    if (!this.stopping.signal.aborted) await this.#put();
  }

  /** Nothing is fetched until `#resume`, also of what is assigned meanwhile. */
  #hold(): void {
    this.#isHeld = true;
    this.#consumer?.pause(this.#assignment());
  }

  /** Keeps the member's place in its group, while everything is held. */
  async #idle(timeoutMs: number): Promise<void> {
    const records = [...(await this.#poll(timeoutMs))];
    assert(records.length === 0, 'what is held is not fetched');
  }

  #resume(): void {
    this.#isHeld = false;
    this.#consumer?.resume(this.#assignment().filter((partition) => !this.#paused.has(nameOf(partition))));
  }

  // ── Committing ──────────────────────────────────────────────────────────────────────────────────────────────────

  #scheduleCommit(): void {
    const { environment, flushIntervalMs } = this.#options;
    this.#cancelCommit = environment.after(flushIntervalMs, () => {
      this.#isCommitDue = true;
      this.#consumer?.wakeup();
      this.#scheduleCommit();
    });
  }

  async #commit(partitions: readonly TopicPartition[]): Promise<void> {
    this.#isCommitDue = false;
    const offsets = partitions.flatMap((partition) => this.#done.get(nameOf(partition)) ?? []);
    if (offsets.length === 0) return;
    const { task, log } = this.#options;
    let safe: readonly SinkOffset[];
    try {
      safe = await (task.preCommit?.(offsets) ?? flushed(task, offsets));
    } catch (error) {
      log.error(
        `task ${this.id.connector}-${this.id.task} could not flush; reading again from what is committed: ${messageOf(error)}`,
      );
      await this.#rewind(partitions);
      return;
    }
    const changed = safe.filter((offset) => this.#committed.get(nameOf(offset))?.offset !== offset.offset);
    if (changed.length === 0) return;
    try {
      await this.#consumer?.commit(changed);
      for (const offset of changed) this.#committed.set(nameOf(offset), offset);
    } catch (error) {
      if (!MOVED_ON.has(codeOf(error) ?? '')) throw error;
      log.warn(
        `offsets of task ${this.id.connector}-${this.id.task} were not committed, the group has gone on: ${messageOf(error)}`,
      );
    }
  }

  async #rewind(partitions: readonly TopicPartition[]): Promise<void> {
    const consumer = this.#consumer;
    if (consumer === undefined) return;
    this.#forget(partitions);
    for (const { topic, partition, offset } of await consumer.committed(partitions))
      consumer.seek({ topic, partition }, offset < 0 ? -2 : offset);
  }

  /** Nothing of these partitions is ours any more. */
  async #close(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0) return;
    this.#forget(partitions);
    for (const partition of partitions) {
      this.#committed.delete(nameOf(partition));
      this.#paused.delete(nameOf(partition));
    }
    await this.#options.task.close?.(partitions);
  }

  #forget(partitions: readonly TopicPartition[]): void {
    const names = new Set(partitions.map(nameOf));
    for (const name of names) {
      this.#done.delete(name);
      this.#behindPending.delete(name);
    }
    const isKept = ({ originalTopic, originalPartition }: SinkRecord): boolean =>
      !names.has(nameOf({ topic: originalTopic, partition: originalPartition }));
    this.#pending = this.#pending.filter(isKept);
    if (this.#fetched === undefined) return;
    for (const name of names) this.#fetched.behind.delete(name);
    this.#fetched.records = this.#fetched.records.filter(isKept);
  }
}

async function flushed(task: SinkTask, offsets: readonly SinkOffset[]): Promise<readonly SinkOffset[]> {
  await task.flush?.(offsets);
  return offsets;
}

async function topicNames(client: Client, topics: SinkTopics): Promise<readonly string[]> {
  if ('names' in topics) return topics.names;
  const names = await client.admin().listTopics();
  return names.filter((name) => topics.pattern.exec(name) !== undefined).sort();
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
