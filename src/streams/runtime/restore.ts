/**
 * A task's state on its way to where the logs of its stores end: the checkpoint first, then what the logs have besides. A task
 * that is to run catches up once; a standby follows, and keeps its checkpoint up to date, until it has to run.
 */
import type { Client, CommittedOffset, FetchedPartition, TopicPartition } from '../../client/index.ts';
import { codeOf, MillraceError } from '../../util/index.ts';
import type { RestoreProgress } from '../api/instance.ts';
import type { Checkpoint, CheckpointMeta } from '../state/checkpoint.ts';
import { restoreRow } from '../state/restore-row.ts';
import { type StoreFingerprint, whatChanged } from '../state/fingerprint.ts';
import type { StateStore, StoreSpec } from '../state/store.ts';
import type { SubTopology, Topology } from '../graph/topology.ts';
import { decodeMetadata } from './commit-metadata.ts';
import { refusalOf } from './evolution.ts';
import { changelogTopic } from './internal-topics.ts';
import { PrefixedRecord } from './schema-headers.ts';
import type { ResolvedSettings } from './settings.ts';
import type { Task } from './task.ts';
import { refuseRecord } from './undecodable.ts';

/** Where a store's changes are written down: its changelog, or the topic that its table is read from. */
interface LogTopic {
  readonly topic: string;
  readonly isSource: boolean;
}

export interface StoreLog extends LogTopic {
  readonly store: StateStore;
  /** Records of shared topics may name their schemas in headers. */
  readonly prefixed: PrefixedRecord | undefined;
}

export function storeLogs(task: Task, topology: Topology): StoreLog[] {
  return [...task.stores.values()].flatMap((store) => {
    const log = logOf(store.spec, topology, task.applicationId);
    if (log === undefined) return [];
    const prefixed = log.isSource ? PrefixedRecord.of(store.spec.key, store.spec.value) : undefined;
    return [{ store, ...log, prefixed }];
  });
}

/** The log of a store; undefined where nobody writes down what changes. */
function logOf(spec: StoreSpec, topology: Topology, applicationId: string): LogTopic | undefined {
  if (!spec.logging) return undefined;
  const source = topology.sourceLogOf(spec);
  return { topic: source ?? changelogTopic(applicationId, spec), isSource: source !== undefined };
}

/** How many records there are in the logs of tasks, as far as they are committed; tasks without state have none. */
export async function stateEnds(
  taskIds: readonly string[],
  topology: Topology,
  settings: Pick<ResolvedSettings, 'client' | 'applicationId'>,
): Promise<ReadonlyMap<string, number>> {
  const logs = taskIds.flatMap((id) => {
    const [subId, partition] = id.split('_').map(Number);
    const sub = topology.subTopologies.find((each) => each.id === subId)!;
    return sub.stores.flatMap((spec) => {
      const log = logOf(spec, topology, settings.applicationId);
      return log === undefined ? [] : [{ id, partition: partition!, ...log }];
    });
  });
  const endOf = await logEnds(logs, settings);
  const ends = new Map<string, number>();
  for (const log of logs) ends.set(log.id, (ends.get(log.id) ?? 0) + endOf(log));
  return ends;
}

/** Where logs end for who reads what is committed; those that are read end where they have been processed. */
export async function logEnds(
  logs: readonly (LogTopic & { readonly partition: number })[],
  { client, applicationId }: Pick<ResolvedSettings, 'client' | 'applicationId'>,
): Promise<(log: TopicPartition) => number> {
  const changelogs = logs.filter(({ isSource }) => !isSource).map((log) => ({ ...log, timestamp: -1 }));
  const admin = client.admin();
  const ends = [
    ...(changelogs.length === 0 ? [] : await admin.listOffsets(changelogs, 'read_committed')),
    ...(changelogs.length === logs.length ? [] : await admin.committedOffsets(applicationId)),
  ];
  const offsets = new Map(ends.map((each) => [nameOf(each), each.offset]));
  return (log) => Math.max(0, offsets.get(nameOf(log)) ?? 0);
}

/** Up to which record a checkpoint goes, summed over the logs of a task. */
export function reachedBy({ changelogOffsets }: CheckpointMeta, { stores }: SubTopology): number {
  return stores.reduce((sum, { name }) => sum + (changelogOffsets[name] ?? 0), 0);
}

const POLL_MS = 100;

export interface RestoreSurroundings {
  readonly client: Client;
  /** What the group has committed for a source topic: a table of it must not be ahead of that. */
  readonly committed: (topic: string) => CommittedOffset | undefined;
  readonly stopped: () => boolean;
  /** Told before the changelogs are read, and behind every fetch of them. */
  readonly onProgress: (progress: RestoreProgress) => void;
  /** Told when the state could not be gone on with. */
  readonly onError: (error: unknown) => void;
}

export class TaskState {
  readonly task: Task;
  readonly logs: readonly StoreLog[];
  readonly checkpoint: Checkpoint | null;
  /** Entries that came from the checkpoint. */
  checkpointRows = 0;
  /** By topic: the offset behind what has been put back. */
  readonly positions = new Map<string, number>();
  /** What the group has noted of the rows in changelogs. */
  readonly noted = new Map<string, StoreFingerprint>();
  /** By topic, where the log is one that is read: up to where it has been processed. */
  readonly #limits = new Map<string, number>();
  /** Where the logs ended when so much of the sources had been processed; undefined once they have been read up to there. */
  #mark:
    | { readonly ends: ReadonlyMap<string, number>; readonly position: Readonly<Record<string, number>> }
    | undefined;
  #position: Readonly<Record<string, number>> | undefined;
  /** What has been put back is not all in the checkpoint. */
  #isDirty = false;
  #savedAt: number;

  private constructor(task: Task, logs: readonly StoreLog[], checkpoint: Checkpoint | null) {
    this.task = task;
    this.logs = logs;
    this.checkpoint = checkpoint;
    this.#savedAt = task.environment.now();
  }

  /** Loads the checkpoint, unless the logs say that it is not one of theirs. */
  static async load(
    task: Task,
    topology: Topology,
    checkpoint: Checkpoint | null,
    { client, committed, onError }: RestoreSurroundings,
  ): Promise<TaskState> {
    const logs = storeLogs(task, topology);
    const state = new TaskState(task, logs, checkpoint);
    // What has expired is not to be restored, so time comes first.
    state.hear(committed);
    const { partition } = task;
    const saved = ({ store }: StoreLog): number => checkpoint?.offsetOf(store.spec) ?? 0;
    const beginnings = await offsets(client, logs, partition, -2);
    if (checkpoint !== null) {
      const ends = await state.#ends(client);
      const fault = logs
        .map((log) => {
          const known = checkpoint.meta?.changelogOffsets[log.store.spec.name] ?? 0;
          const end = ends.get(log.topic)!;
          return (
            faultOf(log, known, ends, beginnings) ?? staleness(log, end, checkpoint, { topology, noted: state.noted })
          );
        })
        .find((each) => each !== undefined);
      if (fault !== undefined) {
        onError(
          new MillraceError(
            'CHANGELOG_TRUNCATED',
            `the state of task ${task.id} is wiped and built anew from its changelogs: ${fault}`,
          ),
        );
        await checkpoint.wipe();
      }
      state.checkpointRows = await checkpoint.load(task.stores);
      if (checkpoint.meta !== null) resumeTimes(task, checkpoint.meta);
    }
    // A log may begin behind the checkpoint; what is missing there has expired.
    for (const log of logs) state.positions.set(log.topic, Math.max(saved(log), beginnings.get(log.topic) ?? 0));
    return state;
  }

  /** Up to which record the state goes, summed over its logs. */
  get reached(): number {
    return this.positions.values().reduce((sum, offset) => sum + offset, 0);
  }

  /** Takes over how far time has come in the task's partitions, and how far they have been processed. */
  hear(committed: RestoreSurroundings['committed']): void {
    for (const queue of this.task.queues) {
      const { watermark, stores } = decodeMetadata(committed(queue.topic)?.metadata ?? '');
      this.task.restoreWatermark(queue, watermark);
      for (const [name, fingerprint] of stores) this.noted.set(name, fingerprint);
    }
    for (const { topic, isSource } of this.logs) {
      if (isSource) this.#limits.set(topic, Math.max(0, committed(topic)?.offset ?? 0));
    }
  }

  /** Notes where the logs end, behind `hear`: once they have been read up to there, all that was processed then is here. */
  note(committed: RestoreSurroundings['committed'], endOf: (topic: string) => number): void {
    this.#settle();
    if (this.#mark !== undefined) return;
    const offsets = this.task.queues.map(({ topic }): [string, number] => [topic, (committed(topic)?.offset ?? 0) - 1]);
    this.#mark = {
      ends: new Map(this.logs.map(({ topic }) => [topic, this.#limits.get(topic) ?? endOf(topic)])),
      position: Object.fromEntries(offsets.filter(([, offset]) => offset >= 0)),
    };
  }

  /** By topic, the last record that had been processed where the task runs when the state was as it is, or earlier. */
  get position(): Readonly<Record<string, number>> | undefined {
    this.#settle();
    return this.#position;
  }

  #settle(): void {
    const mark = this.#mark;
    if (mark !== undefined && [...mark.ends].every(([topic, end]) => this.positions.get(topic)! >= end)) {
      this.#position = mark.position;
      this.#mark = undefined;
    }
  }

  /** Up to where a log may be put back. */
  limitOf(topic: string): number {
    return this.#limits.get(topic) ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Puts back records that were fetched from a log, up to an offset. Returns how many there were; the log is then to be read
   * from its position.
   */
  async putBack({ topic, partition, cursor, nextOffset }: FetchedPartition, end: number): Promise<number> {
    const { task } = this;
    const log = this.logs.find((each) => each.topic === topic)!;
    const from = this.positions.get(topic)!;
    let records = 0;
    while (cursor.advance()) {
      if (cursor.keyStart < 0 || cursor.offset < from || cursor.offset >= end) continue;
      try {
        const { prefixed } = log;
        const record = prefixed === undefined || cursor.headerCount === 0 ? cursor : await prefixed.load(cursor);
        const wait = restoreRow(log.store, record);
        if (wait !== undefined) await wait;
        this.#evict();
      } catch (error) {
        if (!log.isSource || (error instanceof MillraceError && error.retriable)) throw error;
        // What can't be read from a source topic was asked about when it was processed, and is asked about again.
        const { spec } = log.store;
        const handler = spec.onDecodeError ?? task.onDecodeError;
        refuseRecord(handler, error, cursor, { topic, partition, node: spec.name, part: 'value' });
      }
      records++;
    }
    this.#isDirty ||= records > 0;
    this.positions.set(topic, Math.max(from, Math.min(nextOffset, end)));
    return records;
  }

  /** Reads the logs to where they end now, unless `stopped` says so before. Returns how many records there were. */
  async catchUp({ client, committed, stopped, onProgress }: RestoreSurroundings): Promise<number> {
    this.hear(committed);
    const { partition } = this.task;
    const ends = await this.#ends(client);
    const left = new Set([...ends.keys()].filter((topic) => this.positions.get(topic)! < ends.get(topic)!));
    if (left.size === 0) return 0;
    let changelogRecords = 0;
    const tell = (): void => {
      const lags = [...ends].map(([topic, end]) => Math.max(0, end - this.positions.get(topic)!));
      onProgress({ taskId: this.task.id, changelogRecords, left: lags.reduce((sum, lag) => sum + lag, 0) });
    };
    tell();
    const consumer = client.consumer({ isolationLevel: 'read_committed', autoOffsetReset: 'none' });
    try {
      consumer.assign([...left].map((topic) => ({ topic, partition, offset: this.positions.get(topic)! })));
      while (left.size > 0 && !stopped()) {
        for (const fetched of await consumer.poll(POLL_MS)) {
          if (left.has(fetched.topic)) changelogRecords += await this.putBack(fetched, ends.get(fetched.topic)!);
        }
        // Markers at the end of a log move the position, and bring no records.
        for (const topic of left) {
          const end = ends.get(topic)!;
          this.positions.set(topic, Math.min(consumer.position({ topic, partition }), end));
          if (this.positions.get(topic)! >= end) left.delete(topic);
        }
        tell();
        await this.save(Number.POSITIVE_INFINITY);
      }
    } catch (error) {
      throw cutWhileRead(error, this.task.id);
    } finally {
      await consumer.close();
    }
    return changelogRecords;
  }

  /**
   * Writes what has been put back to the disk, when it fills the memory or the last time is so long ago: it has been committed,
   * or it would not have been read.
   */
  async save(intervalMs: number): Promise<void> {
    const { checkpoint, task, positions } = this;
    if (checkpoint === null || !this.#isDirty) return;
    const now = task.environment.now();
    if (!checkpoint.budget.isFullOfDirty && now - this.#savedAt < intervalMs) return;
    const changelogOffsets = Object.fromEntries(
      this.logs.map(({ store: { spec }, topic }): [string, number] => [spec.name, positions.get(topic)!]),
    );
    await checkpoint.write(task.stores, { changelogOffsets, ...timesOf(task) });
    this.#isDirty = false;
    this.#savedAt = now;
  }

  /** What has been put back is for a checkpoint to come. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  async close(): Promise<void> {
    this.task.close();
    await this.checkpoint?.close();
  }

  async #ends(client: Client): Promise<Map<string, number>> {
    const ends = await offsets(client, this.logs, this.task.partition, -1);
    for (const [topic, limit] of this.#limits) ends.set(topic, limit);
    return ends;
  }

  #evict(): void {
    const budget = this.checkpoint?.budget;
    if (budget !== undefined && budget.used > budget.limit) budget.evict();
  }
}

/** A log that was cut while it was read: another attempt sees what is left of it. */
export function cutWhileRead(error: unknown, taskIds: string): unknown {
  if (codeOf(error) !== 'OFFSET_OUT_OF_RANGE') return error;
  return new MillraceError('CHANGELOG_TRUNCATED', `the changelogs of task ${taskIds} were cut while they were read`, {
    retriable: true,
    cause: error,
  });
}

function resumeTimes(task: Task, { streamTime, positions }: CheckpointMeta): void {
  task.restoreTime(streamTime);
  for (const [name, { observedTime, lastClose }] of Object.entries(positions)) {
    const position = task.position(name);
    position.observedTime = Math.max(position.observedTime, observedTime);
    position.lastClose = Math.max(position.lastClose, lastClose);
  }
}

/** How far a task and its operators have come, for a checkpoint. */
export function timesOf(task: Task): Omit<CheckpointMeta, 'changelogOffsets'> {
  const positions = Object.fromEntries([...task.positions].map(([name, position]) => [name, { ...position }]));
  return { positions, streamTime: task.streamTime(), fingerprints: Object.fromEntries(task.fingerprints) };
}

/** Why the changelog is not the one that the checkpoint was made from, or not all of it. */
function faultOf(
  { topic, store }: StoreLog,
  saved: number,
  ends: ReadonlyMap<string, number>,
  beginnings: ReadonlyMap<string, number>,
): string | undefined {
  const end = ends.get(topic)!;
  const beginning = beginnings.get(topic) ?? 0;
  if (saved > end) return `${topic} ends at ${end}, and the checkpoint knows it up to ${saved}`;
  // Entries of windows expire; others are there until they are overwritten.
  if (saved > 0 && beginning > saved && store.spec.retentionMs === undefined) {
    return `${topic} begins at ${beginning}, and the checkpoint knows it up to ${saved}`;
  }
  return undefined;
}

/**
 * Why rows on disk are not to be gone on with where the log is: it was written anew since, or is a topic that is read in
 * another way now. Rows that have meant something else all along are refused.
 */
function staleness(
  { store: { spec }, isSource }: StoreLog,
  end: number,
  checkpoint: Checkpoint,
  { topology, noted }: { readonly topology: Topology; readonly noted: ReadonlyMap<string, StoreFingerprint> },
): string | undefined {
  const before = checkpoint.meta?.fingerprints?.[spec.name];
  const now = topology.fingerprints.get(spec.name);
  if (before === undefined || now === undefined) return undefined;
  const change = whatChanged(before, now);
  if (change === undefined) return undefined;
  const asNoted = noted.get(spec.name);
  if (isSource || end === 0 || (asNoted !== undefined && whatChanged(asNoted, now) === undefined)) {
    return `the checkpoint was made for another ${spec.name}: ${change}`;
  }
  throw refusalOf(topology, spec, before)!;
}

async function offsets(
  client: Client,
  logs: readonly StoreLog[],
  partition: number,
  timestamp: number,
): Promise<Map<string, number>> {
  if (logs.length === 0) return new Map();
  const ask = logs.map(({ topic }) => ({ topic, partition, timestamp }));
  // Not up to what is decided: the offsets of a transaction are committed a little before its records, and a log that
  // seemed to end before these would be brought back without them.
  const answers = await client.admin().listOffsets(ask, 'read_uncommitted');
  return new Map(answers.map(({ topic, offset }) => [topic, offset]));
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
