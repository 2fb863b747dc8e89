// Brings a task's stores to where the last commit left them: the checkpoint first, then the rest of the logs.
import type { Client, TopicPartition } from '../../client/index.ts';
import { codeOf, MillraceError } from '../../util/index.ts';
import type { Checkpoint, CheckpointMeta } from '../state/checkpoint.ts';
import { restoreRow } from '../state/restore-row.ts';
import { type StoreFingerprint, whatChanged } from '../state/fingerprint.ts';
import type { StateStore } from '../state/store.ts';
import type { Topology } from '../graph/topology.ts';
import { refusalOf } from './evolution.ts';
import { changelogTopic } from './internal-topics.ts';
import { PrefixedRecord } from './schema-headers.ts';
import type { Task } from './task.ts';
import { refuseRecord } from './undecodable.ts';

/** What a restoration did, for those who watch. */
export interface RestoreReport {
  readonly taskId: string;
  /** Entries that came from the checkpoint. */
  readonly checkpointRows: number;
  /** Records that came from changelogs. */
  readonly changelogRecords: number;
}

/** Where a store's changes are written down: its changelog, or the topic that its table is read from. */
export interface StoreLog {
  readonly store: StateStore;
  readonly topic: string;
  readonly isSource: boolean;
  /** Records of shared topics may name their schemas in headers. */
  readonly prefixed: PrefixedRecord | undefined;
}

export function storeLogs(task: Task, topology: Topology): StoreLog[] {
  return [...task.stores.values()].flatMap((store) => {
    if (!store.spec.logging) return [];
    const source = topology.sourceLogOf(store.spec);
    const topic = source ?? changelogTopic(task.applicationId, store.spec);
    const isSource = source !== undefined;
    const prefixed = isSource ? PrefixedRecord.of(store.spec.key, store.spec.value) : undefined;
    return [{ store, topic, isSource, prefixed }];
  });
}

const POLL_MS = 100;

export interface RestoreSurroundings {
  readonly client: Client;
  readonly topology: Topology;
  /** What the group has noted of the rows in changelogs. */
  readonly noted: ReadonlyMap<string, StoreFingerprint>;
  /** The offset that the group has committed for a source topic: its table must not be ahead of it. */
  readonly committed: (topic: string) => number;
  readonly stopped: () => boolean;
  /** Told when the state could not be gone on with. */
  readonly onError: (error: unknown) => void;
}

export async function restoreTask(
  task: Task,
  logs: readonly StoreLog[],
  checkpoint: Checkpoint | null,
  surroundings: RestoreSurroundings,
): Promise<RestoreReport> {
  const { client, committed, stopped, onError } = surroundings;
  const { partition } = task;
  const ends = await offsets(client, logs, partition, -1);
  for (const { topic, isSource } of logs) if (isSource) ends.set(topic, Math.max(0, committed(topic)));
  const saved = ({ store }: StoreLog): number => checkpoint?.offsetOf(store.spec) ?? 0;
  const beginnings = await offsets(client, logs, partition, -2);
  if (checkpoint !== null) {
    const fault = logs
      .map((log) => {
        const known = checkpoint.meta?.changelogOffsets[log.store.spec.name] ?? 0;
        return faultOf(log, known, ends, beginnings) ?? staleness(log, ends.get(log.topic)!, checkpoint, surroundings);
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
  }

  const checkpointRows = checkpoint === null ? 0 : await checkpoint.load(task.stores);
  if (checkpoint?.meta) {
    task.restoreTime(checkpoint.meta.streamTime);
    for (const [name, { observedTime, lastClose }] of Object.entries(checkpoint.meta.positions)) {
      const position = task.position(name);
      position.observedTime = Math.max(position.observedTime, observedTime);
      position.lastClose = Math.max(position.lastClose, lastClose);
    }
  }
  const saver = checkpoint === null ? null : new RestoreSaver(task, logs, checkpoint);
  const left = new Map<string, StoreLog & { readonly end: number }>();
  const start: (TopicPartition & { offset: number })[] = [];
  for (const log of logs) {
    const { topic } = log;
    const end = ends.get(topic)!;
    // A log may begin behind the checkpoint; what is missing there has expired.
    const from = Math.max(saved(log), beginnings.get(topic) ?? 0);
    if (from >= end) continue;
    left.set(topic, { ...log, end });
    start.push({ topic, partition, offset: from });
  }
  const changelogRecords = left.size === 0 ? 0 : await replay(task, start, left, { client, stopped, saver });
  return { taskId: task.id, checkpointRows, changelogRecords };
}

/**
 * Writes what has been read from the logs to the disk when it fills the memory: it has been committed, or it would not have
 * been read.
 */
class RestoreSaver {
  readonly #task: Task;
  readonly #logs: readonly StoreLog[];
  readonly #checkpoint: Checkpoint;
  /** Offsets by topic, behind what has been put back. */
  readonly #reached = new Map<string, number>();

  constructor(task: Task, logs: readonly StoreLog[], checkpoint: Checkpoint) {
    this.#task = task;
    this.#logs = logs;
    this.#checkpoint = checkpoint;
  }

  reached(topic: string, offset: number): void {
    this.#reached.set(topic, offset);
  }

  evict(): void {
    const { budget } = this.#checkpoint;
    if (budget.used > budget.limit) budget.evict();
  }

  async save(): Promise<void> {
    if (!this.#checkpoint.budget.isFullOfDirty) return;
    const changelogOffsets = Object.fromEntries(
      this.#logs.map(({ store: { spec }, topic }): [string, number] => [
        spec.name,
        this.#reached.get(topic) ?? this.#checkpoint.offsetOf(spec),
      ]),
    );
    await this.#checkpoint.write(this.#task.stores, { changelogOffsets, ...timesOf(this.#task) });
  }
}

/** How far a task and its operators have come, for a checkpoint. */
export function timesOf(task: Task): Omit<CheckpointMeta, 'changelogOffsets'> {
  const positions = Object.fromEntries([...task.positions].map(([name, position]) => [name, { ...position }]));
  return { positions, streamTime: task.streamTime(), fingerprints: Object.fromEntries(task.fingerprints) };
}

/** Reads logs from where the checkpoint ends to where they ended; returns how many records there were. */
async function replay(
  task: Task,
  start: readonly (TopicPartition & { readonly offset: number })[],
  left: Map<string, StoreLog & { readonly end: number }>,
  { client, stopped, saver }: Pick<RestoreSurroundings, 'client' | 'stopped'> & { readonly saver: RestoreSaver | null },
): Promise<number> {
  const { partition } = task;
  let changelogRecords = 0;
  const consumer = client.consumer({ isolationLevel: 'read_committed', autoOffsetReset: 'none' });
  try {
    consumer.assign(start);
    while (left.size > 0 && !stopped()) {
      for (const { topic, cursor } of await consumer.poll(POLL_MS)) {
        const log = left.get(topic);
        if (log === undefined) continue;
        while (cursor.advance()) {
          if (cursor.keyStart < 0 || cursor.offset >= log.end) continue;
          try {
            const { prefixed } = log;
            const record = prefixed === undefined || cursor.headerCount === 0 ? cursor : await prefixed.load(cursor);
            const wait = restoreRow(log.store, record);
            if (wait !== undefined) await wait;
            saver?.evict();
          } catch (error) {
            if (!log.isSource || (error instanceof MillraceError && error.retriable)) throw error;
            // What can't be read from a source topic was asked about when it was processed, and is asked about again.
            const { spec } = log.store;
            const handler = spec.onDecodeError ?? task.onDecodeError;
            refuseRecord(handler, error, cursor, { topic, partition, node: spec.name, part: 'value' });
          }
          changelogRecords++;
        }
      }
      for (const [topic, { end }] of left) {
        const position = consumer.position({ topic, partition });
        saver?.reached(topic, Math.min(position, end));
        if (position >= end) left.delete(topic);
      }
      await saver?.save();
    }
  } catch (error) {
    if (codeOf(error) !== 'OFFSET_OUT_OF_RANGE') throw error;
    // It was cut while it was read: another attempt sees what is left of it.
    throw new MillraceError('CHANGELOG_TRUNCATED', `the changelogs of task ${task.id} were cut while they were read`, {
      retriable: true,
      cause: error,
    });
  } finally {
    await consumer.close();
  }
  return changelogRecords;
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
  { topology, noted }: RestoreSurroundings,
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
