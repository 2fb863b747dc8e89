/**
 * The tasks of one generation: those that the group has this instance run, and those whose state it follows for others. Opens
 * and closes them as the work is assigned, and knows what there is of them on disk.
 */
import type { CommittedOffset, Consumer, TopicPartition } from '../../client/index.ts';
import { MillraceError } from '../../util/index.ts';
import type { TaskOutput } from '../graph/node.ts';
import type { SubTopology, Topology } from '../graph/topology.ts';
import type { StateStore } from '../state/store.ts';
import type { RestoreProgress, RestoreReport } from '../api/instance.ts';
import { reachedBy, type TaskState } from './restore.ts';
import { loadTask, RunningTask, type RunningTaskOptions } from './running-task.ts';
import type { ResolvedSettings } from './settings.ts';
import type { SourceQueue } from './source-queue.ts';
import { Standbys } from './standbys.ts';
import type { Task } from './task.ts';
import type { MemberHoldings } from './task-assignment.ts';

export interface TaskManagerOptions {
  readonly topology: Topology;
  readonly settings: ResolvedSettings;
  /** Partitions per topic, by the topology's own name. */
  readonly counts: ReadonlyMap<string, number>;
  readonly globalStores: ReadonlyMap<string, StateStore>;
  /** Instances of the same home share a state directory. */
  readonly home: string;
  /** Tasks with a checkpoint on this instance: up to which record, summed over their changelogs. */
  readonly checkpointed: ReadonlyMap<string, number>;
  readonly consumer: Consumer;
  readonly output: TaskOutput;
  readonly feeders: ReadonlyMap<string, readonly string[]>;
  readonly fullNames: ReadonlyMap<string, string>;
  readonly onRestored: (report: RestoreReport) => void;
  readonly onRestoreProgress: (progress: RestoreProgress) => void;
  readonly onResults: () => void;
  /** Told what failed that nobody waits for. */
  readonly onFailure: (error: unknown) => void;
}

export class TaskManager {
  readonly running = new Map<string, RunningTask>();
  /** Where the partitions of the running tasks ended when they were opened. */
  ends: ReadonlyMap<string, number> = new Map();
  readonly #options: TaskManagerOptions;
  readonly #standbys: Standbys;
  /** Tasks with a checkpoint that nobody here has open. */
  readonly #checkpointed: Map<string, number>;
  /** By partition, as the group had it when the work was assigned. */
  #committed: ReadonlyMap<string, CommittedOffset> = new Map();

  constructor(options: TaskManagerOptions) {
    this.#options = options;
    const { settings, onFailure } = options;
    this.#standbys = new Standbys({ ...settings, onFailure });
    this.#checkpointed = new Map(options.checkpointed);
  }

  get followed(): ReadonlyMap<string, TaskState> {
    return this.#standbys.tasks;
  }

  /** What this instance has, for who assigns the work. */
  holdings(): MemberHoldings {
    const { home, settings } = this.#options;
    const reached = new Map(this.#checkpointed);
    for (const [id, state] of this.#standbys.tasks) reached.set(id, state.reached);
    return { running: [...this.running.keys()], reached, home, tags: settings.clientTags };
  }

  /** The tasks of partitions, by their ids. */
  tasksOf(partitions: readonly TopicPartition[]): Set<string> {
    return new Set(partitions.map(({ topic, partition }) => `${this.#readerOf(topic).id}_${partition}`));
  }

  /**
   * Runs the tasks of these partitions besides those that run, and follows others. `opened` is told of each task that runs.
   * Ends early when `stopped` says so.
   */
  async open(
    partitions: readonly TopicPartition[],
    followed: readonly string[],
    opened: (running: RunningTask) => void,
    stopped: () => boolean,
  ): Promise<void> {
    const wanted = [...this.tasksOf(partitions)].filter((id) => !this.running.has(id));
    const isFollowed = followed.length === this.followed.size && followed.every((id) => this.followed.has(id));
    if (wanted.length === 0 && isFollowed) return;
    await this.#standbys.halt();
    const { consumer, settings } = this.#options;
    const sources = wanted.flatMap((id) => this.#sourcesOf(id));
    const all = [...sources, ...followed.flatMap((id) => this.#sourcesOf(id))];
    this.#committed = new Map((await consumer.committed(all)).map((each) => [nameOf(each), each]));
    const isolation = settings.exactlyOnce ? 'read_committed' : 'read_uncommitted';
    const latest = sources.map((each) => ({ ...each, timestamp: -1 }));
    const ends = sources.length === 0 ? [] : await settings.client.admin().listOffsets(latest, isolation);
    this.ends = new Map(ends.map((each) => [nameOf(each), each.offset]));
    for (const id of wanted) {
      if (stopped()) return;
      const { sub, partition } = this.#placeOf(id);
      const standby = this.#standbys.take(id);
      this.#checkpointed.delete(id);
      const running = await RunningTask.open(sub, partition, this.#taskOptions(partition), stopped, standby);
      if (running === undefined) return;
      this.running.set(id, running);
      for (const queue of running.task.queues) this.#begin(running, queue);
      opened(running);
    }
  }

  /** Ends tasks that are to run elsewhere; what they have done is committed. */
  async give(ids: ReadonlySet<string>): Promise<void> {
    for (const [id, running] of this.running) {
      if (!ids.has(id)) continue;
      this.running.delete(id);
      await running.close();
      const meta = running.checkpoint?.meta;
      if (meta) this.#checkpointed.set(id, reachedBy(meta, running.task.subTopology));
    }
  }

  /** Follows the state of these tasks, and of no others. */
  async follow(ids: readonly string[], stopped: () => boolean): Promise<void> {
    await this.#standbys.follow(ids, async (id) => {
      if (stopped()) return undefined;
      const { sub, partition } = this.#placeOf(id);
      this.#checkpointed.delete(id);
      return loadTask(sub, partition, this.#taskOptions(partition), stopped);
    });
  }

  /** Returns what failed on the way. */
  async close(): Promise<unknown[]> {
    const errors: unknown[] = [];
    for (const running of this.running.values()) await running.close().catch((error: unknown) => errors.push(error));
    this.running.clear();
    await this.#standbys.close().catch((error: unknown) => errors.push(error));
    return errors;
  }

  #taskOptions(partition: number): RunningTaskOptions {
    const committed = this.#committed;
    return { ...this.#options, committed: (topic) => committed.get(nameOf({ topic, partition })) };
  }

  /** A partition goes on behind what has been committed. */
  #begin(running: RunningTask, queue: SourceQueue): void {
    const known = this.#committed.get(nameOf(queue));
    const offset = known === undefined || known.offset < 0 ? -1 : known.offset;
    this.#checkNotTruncated(queue, offset, this.ends.get(nameOf(queue)) ?? offset, running.task);
    running.resumeAt(queue, offset, known?.metadata ?? '');
    // The consumer asked for itself, and earlier: should somebody have committed meanwhile, it would read what is done.
    if (offset < 0) this.#seekStart(queue, this.ends.get(nameOf(queue)));
    else this.#options.consumer.seek(queue, offset);
  }

  /**
   * An input that ends before what has been processed has lost records, or is another one: what comes in it again would be
   * counted twice where there is state.
   */
  #checkNotTruncated({ topic, partition }: SourceQueue, offset: number, end: number, task: Task): void {
    if (offset <= end || task.stores.size === 0) return;
    throw new MillraceError(
      'INPUT_TRUNCATED',
      `${topic}-${partition} ends at ${end}, but task ${task.id} has processed it up to ${offset}: reading it again would ` +
        'come on top of its state; reset the application, or its offsets',
    );
  }

  /**
   * Where nothing has been committed. The latest is what there is now: whoever is told that the application runs may count on
   * its reading what comes from then on.
   */
  #seekStart(queue: SourceQueue, end: number | undefined): void {
    const { topology, settings, consumer, fullNames } = this.#options;
    for (const { source } of topology.nodes) {
      const topic = source?.topics.find((name) => fullNames.get(name) === queue.topic);
      if (source === null || topic === undefined) continue;
      const own = topology.internalTopics.has(topic) ? 'earliest' : source.offsetReset;
      if (typeof own === 'function') {
        consumer.seek(queue, startOf(own, queue));
        continue;
      }
      const reset = own ?? settings.autoOffsetReset;
      if (reset === 'latest' && end !== undefined) consumer.seek(queue, end);
      if (own === undefined || reset === settings.autoOffsetReset) continue;
      if (reset === 'none') {
        throw new MillraceError(
          'NO_OFFSET_FOR_PARTITION',
          `${source.topics.join(', ')}: nothing is committed for ${topic}-${queue.partition}, and its offsetReset is none`,
        );
      }
      consumer.seek(queue, reset === 'earliest' ? -2 : -1);
    }
  }

  /** The sub-topology that reads a topic. */
  #readerOf(topic: string): SubTopology {
    const { topology, fullNames } = this.#options;
    return topology.subTopologies.find(({ sources }) =>
      sources.some((node) => node.source!.topics.some((name) => fullNames.get(name) === topic)),
    )!;
  }

  #placeOf(id: string): { readonly sub: SubTopology; readonly partition: number } {
    const [subId, partition] = id.split('_').map(Number);
    return { sub: this.#options.topology.subTopologies.find((sub) => sub.id === subId)!, partition: partition! };
  }

  /** The partitions that a task reads. */
  #sourcesOf(id: string): TopicPartition[] {
    const { counts, fullNames } = this.#options;
    const { sub, partition } = this.#placeOf(id);
    return sub.sources
      .flatMap((node) => node.source!.topics)
      .filter((topic) => partition < counts.get(topic)!)
      .map((topic) => ({ topic: fullNames.get(topic)!, partition }));
  }
}

/** What a source says of where to begin. */
function startOf(answer: (partition: TopicPartition) => number, { topic, partition }: TopicPartition): number {
  const offset = answer({ topic, partition });
  if (Number.isSafeInteger(offset) && offset >= -2) return offset;
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `offsetReset answers ${String(offset)} for ${topic}-${partition}: an offset is a whole number from 0, or -2 or -1`,
  );
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
