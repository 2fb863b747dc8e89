/**
 * Makes what the tasks have done durable, and visible to others: outputs, changelogs and input offsets as one, and behind
 * a commit now and then the checkpoints.
 */
import type { Consumer, GroupMetadata, OffsetToCommit, Producer } from '../../client/index.ts';
import { assert, codeOf } from '../../util/index.ts';
import { processBudget } from '../state/memory-budget.ts';
import type { GraphNode } from '../graph/node.ts';
import type { Topology } from '../graph/topology.ts';
import type { Announcer } from './announcer.ts';
import { encodeMetadata, type Written } from './commit-metadata.ts';
import { taskCount } from './internal-topics.ts';
import type { Outgoing } from './outgoing.ts';
import { timesOf } from './restore.ts';
import type { RunningTask } from './running-task.ts';
import type { ResolvedSettings } from './settings.ts';
import type { SourceQueue } from './source-queue.ts';
import { outwardSinks } from './watermarks.ts';

export interface CommitterOptions {
  readonly settings: ResolvedSettings;
  readonly consumer: Consumer;
  readonly producer: Producer;
  readonly outgoing: Outgoing;
  readonly running: () => Iterable<RunningTask>;
  readonly announcer: Announcer;
  readonly topology: Topology;
  /** Partitions per topic, by full name. */
  readonly counts: ReadonlyMap<string, number>;
  /** Full names of the topics whose records may be deleted when they have been processed. */
  readonly internalTopics: ReadonlySet<string>;
  /** Marks an error as one of the tasks' own. */
  readonly failedInTask: (error: unknown) => unknown;
  /** Told when a commit failed that nobody waited for. */
  readonly onFailure: (error: unknown) => void;
}

export class Committer {
  /** When the last commit was begun or finished. */
  lastCommit = 0;
  readonly #settings: ResolvedSettings;
  readonly #consumer: Consumer;
  readonly #producer: Producer;
  readonly #outgoing: Outgoing;
  readonly #running: () => Iterable<RunningTask>;
  readonly #announcer: Announcer;
  /** By sub-topology: what it writes for others to read. */
  readonly #outwardSinks: ReadonlyMap<number, readonly GraphNode[]>;
  /** Tasks that write for others. */
  readonly #writers: number;
  readonly #internalTopics: ReadonlySet<string>;
  readonly #failedInTask: (error: unknown) => unknown;
  readonly #onFailure: (error: unknown) => void;
  #committing: Promise<void> | null = null;
  #lastPurge = 0;

  constructor(options: CommitterOptions) {
    this.#settings = options.settings;
    this.#consumer = options.consumer;
    this.#producer = options.producer;
    this.#outgoing = options.outgoing;
    this.#running = options.running;
    this.#announcer = options.announcer;
    const { topology, counts } = options;
    const writing = topology.subTopologies.filter((sub) => outwardSinks(topology, sub).length > 0);
    this.#outwardSinks = new Map(writing.map((sub) => [sub.id, outwardSinks(topology, sub)]));
    this.#writers = writing.reduce((sum, sub) => sum + taskCount(sub, counts), 0);
    this.#internalTopics = options.internalTopics;
    this.#failedInTask = options.failedInTask;
    this.#onFailure = options.onFailure;
  }

  /** The commit under way, or null. */
  get underWay(): Promise<void> | null {
    return this.#committing;
  }

  /**
   * Outputs, changelogs and input offsets: all of it, or with exactly-once none of it. Checkpoints need that nothing is
   * processed until this has resolved.
   */
  async commit(checkpoints: 'no' | 'due' | 'all'): Promise<void> {
    while (this.#committing !== null) await this.#committing;
    this.#committing = this.#commitNow().then(() => (checkpoints === 'no' ? undefined : this.#checkpoint(checkpoints)));
    try {
      await this.#committing;
    } finally {
      this.#committing = null;
    }
  }

  /**
   * Begins a commit and lets processing go on while the broker works on it: what comes out meanwhile belongs to the next
   * one. A checkpoint needs the state as it was committed, so a commit with one is waited for.
   */
  async begin(): Promise<void> {
    if (this.#due().length > 0) {
      await this.commit('due');
      return;
    }
    this.commit('no').catch(this.#onFailure);
  }

  /** Rows that wait for a checkpoint have filled what they may of the memory, and some of them are of these tasks. */
  get hasToSave(): boolean {
    return processBudget.isFullOfDirty && this.#due().length > 0;
  }

  /** The tasks whose turn it is to write a checkpoint. */
  #due(): RunningTask[] {
    const { environment, checkpointIntervalMs } = this.#settings;
    const now = environment.now();
    const isUrgent = processBudget.isFullOfDirty;
    return [...this.#running()].filter(
      ({ checkpoint, task, checkpointedAt }) =>
        checkpoint !== null && task.isDirty && (isUrgent || now - checkpointedAt >= checkpointIntervalMs),
    );
  }

  async #commitNow(): Promise<void> {
    const { exactlyOnce, environment } = this.#settings;
    const offsets: OffsetToCommit[] = [];
    for (const running of this.#running()) {
      const { task, committed, logs } = running;
      task.commitRequested = false;
      try {
        task.flush();
      } catch (error) {
        throw this.#failedInTask(error);
      }
      for (const { store, topic, isSource } of logs) {
        if (isSource) continue;
        store.drainLog((key, value, timestamp) =>
          this.#outgoing.send(topic, task.partition, key, value, timestamp, undefined),
        );
      }
      const written = exactlyOnce ? this.#writtenBy(running) : undefined;
      const hasNews = written?.time !== running.written?.time || written?.progress !== running.written?.progress;
      running.written = written;
      task.queues.forEach((queue, i) => {
        const tells = i === 0 ? written : undefined;
        const offset = this.#positionOf(queue);
        const hasMoved = committed.get(queue) !== offset || task.hasGoneByClock;
        if (offset < 0 || (!hasMoved && !(tells !== undefined && hasNews))) return;
        assert(offset >= (committed.get(queue) ?? -1), `${queue.topic}-${queue.partition} goes back to ${offset}`);
        const metadata = encodeMetadata(
          queue.partitionTime,
          task.positions,
          queue.watermark?.time,
          tells,
          running.notes,
        );
        offsets.push({ topic: queue.topic, partition: queue.partition, offset, metadata });
        committed.set(queue, offset);
      });
      task.hasGoneByClock = false;
    }
    this.#announcer.announce(this.#running());
    this.lastCommit = environment.now();
    if (offsets.length === 0 && !this.#outgoing.hasOutput) return;
    if (exactlyOnce) this.#outgoing.begin();
    this.#outgoing.committing();
    await this.#outgoing.release();
    if (exactlyOnce) {
      await this.#asMember((group) => this.#producer.sendOffsetsToTransaction(offsets, group));
      await this.#producer.commitTransaction();
    } else {
      await this.#producer.flush();
      await this.#asMember(() => this.#consumer.commit(offsets));
    }
    this.#outgoing.committed();
    this.lastCommit = environment.now();
    await this.#purge();
  }

  /** The group may be on its way into another generation: what it does not take from this one, it takes from the next. */
  async #asMember(commit: (group: GroupMetadata) => Promise<void>): Promise<void> {
    for (;;) {
      const group = this.#consumer.groupMetadata();
      try {
        await commit(group);
        return;
      } catch (error) {
        const code = codeOf(error);
        const isPassing = code === 'ILLEGAL_GENERATION' || code === 'REBALANCE_IN_PROGRESS';
        if (!isPassing || !(await this.#consumer.rejoined(group.generationId))) throw error;
      }
    }
  }

  /** Where the queue goes on; for one without records yet that is where the consumer stands. */
  #positionOf(queue: SourceQueue): number {
    return queue.position < 0 && queue.isDrained ? this.#consumer.position(queue) : queue.position;
  }

  /** How far the task's results have come, for other applications; undefined when it has none. */
  #writtenBy(running: RunningTask): Written | undefined {
    const { task } = running;
    const sinks = this.#outwardSinks.get(task.subTopology.id);
    if (sinks === undefined) return undefined;
    return {
      taskId: task.id,
      time: Math.min(...sinks.map((sink) => task.timeAt(sink))),
      progress: this.#announcer.progressOf(running),
      writers: this.#writers,
    };
  }

  /** Deletes from repartition topics what has been processed. */
  async #purge(): Promise<void> {
    const { environment, purgeIntervalMs, client } = this.#settings;
    if (environment.now() - this.#lastPurge < purgeIntervalMs) return;
    this.#lastPurge = environment.now();
    const before = [...this.#running()]
      .flatMap(({ committed }) =>
        [...committed].map(([{ topic, partition }, offset]) => ({ topic, partition, offset })),
      )
      .filter(({ topic, offset }) => this.#internalTopics.has(topic) && offset > 0);
    if (before.length === 0) return;
    try {
      await client.admin().deleteRecords(before);
    } catch (error) {
      // They are deleted the next time: nobody reads them again.
      this.#settings.onError(error, false);
    }
  }

  /** Writes committed state to disk. Nothing has been processed since the commit. */
  async #checkpoint(which: 'due' | 'all'): Promise<void> {
    const { environment, client, exactlyOnce } = this.#settings;
    const now = environment.now();
    const due =
      which === 'due'
        ? this.#due()
        : [...this.#running()].filter(({ checkpoint, task }) => checkpoint !== null && task.isDirty);
    if (due.length === 0) return;
    const changelogs = due.flatMap(({ task: { partition }, logs }) =>
      logs.flatMap(({ topic, isSource }) => (isSource ? [] : [{ topic, partition, timestamp: -1 }])),
    );
    const isolation = exactlyOnce ? 'read_committed' : 'read_uncommitted';
    const ends = new Map<string, number>();
    for (const { topic, partition, offset } of await client.admin().listOffsets(changelogs, isolation)) {
      ends.set(`${topic}-${partition}`, offset);
    }
    for (const running of due) {
      const { task, logs, committed } = running;
      const offsets = logs.map(({ store, topic, isSource }): [string, number] => [
        store.spec.name,
        isSource ? Math.max(0, committed.get(task.queue(topic)!) ?? 0) : ends.get(`${topic}-${task.partition}`)!,
      ]);
      await running.checkpoint!.write(task.stores, {
        changelogOffsets: Object.fromEntries(offsets),
        ...timesOf(task),
      });
      running.checkpointedAt = now;
      task.isDirty = false;
    }
  }
}
