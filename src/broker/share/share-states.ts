/**
 * Where all share groups are in all partitions (share-partition.ts), kept in `__share_group_state`. A state is made when a partition
 * is first read, or when an administrator sets where to begin; what is decided in it is written at once: as an update, and after so
 * many of these as a whole snapshot. When most of the journal's records of a partition of it are superseded, all that is there is
 * written anew and the rest cut off: updates build on each other, so that nothing of it can be compacted.
 */
import { BatchCursor, ByteReader, ErrorCode } from '../../protocol/index.ts';
import { codeOf, type Environment, messageOf } from '../../util/index.ts';
import {
  durationOf,
  type GroupConfigs,
  type ShareDeliverySettings,
  shareDeliverySettings,
} from '../groups/group-settings.ts';
import { coordinatorError, InternalTopic, type JournalRecord } from '../internal-topic.ts';
import { indexOf, topicIdOf } from '../groups/partition-sets.ts';
import { ENTRY_BYTES } from '../memory-size.ts';
import type { Partition } from '../partition.ts';
import type { BrokerSettings } from '../settings.ts';
import { SHARE_STATE_TOPIC, type Topic, type Topics } from '../topics.ts';
import { DeliveryState, type Run, SharePartition } from './share-partition.ts';
import type { ShareSession } from './share-sessions.ts';
import { type ShareKey, shareSnapshot, shareUpdate, type StateBatch } from './share-records.ts';

/** Superseded records that are put up with, for each state that there is and in all. */
const SUPERSEDED_EACH = 4;
const SUPERSEDED_LEAST = 1000;

interface State {
  readonly key: ShareKey;
  readonly partition: SharePartition;
  snapshotEpoch: number;
  stateEpoch: number;
  readonly createdAt: number;
  updates: number;
  /** Whether the last writing failed: with the next the whole is written. */
  isUnsaved: boolean;
  /** The error code of all that was written so far. */
  stored: Promise<number>;
}

export class ShareStates {
  readonly #settings: BrokerSettings;
  readonly #environment: Environment;
  readonly #topics: Topics;
  readonly #configsOf: GroupConfigs;
  readonly #report: (message: string) => void;
  readonly #journal: InternalTopic;
  readonly #states = new Map<string, State>();

  constructor(options: {
    readonly settings: BrokerSettings;
    readonly environment: Environment;
    readonly topics: Topics;
    readonly configsOf: GroupConfigs;
    readonly report: (message: string) => void;
  }) {
    this.#settings = options.settings;
    this.#environment = options.environment;
    this.#topics = options.topics;
    this.#configsOf = options.configsOf;
    this.#report = options.report;
    this.#journal = new InternalTopic({
      name: SHARE_STATE_TOPIC,
      topics: options.topics,
      environment: options.environment,
      partitions: options.settings['share.coordinator.state.topic.num.partitions'],
      segmentBytes: options.settings['share.coordinator.state.topic.segment.bytes'],
      isCompacted: false,
      report: options.report,
    });
  }

  /** About what all of them take of memory. */
  get bytes(): number {
    let sum = 0;
    for (const { partition } of this.#states.values()) sum += ENTRY_BYTES + partition.runs.length * RUN_BYTES;
    return sum;
  }

  settingsOf(groupId: string): ShareDeliverySettings {
    return shareDeliverySettings(this.#settings, this.#configsOf(groupId));
  }

  find(groupId: string, topicId: string, partition: number): SharePartition | undefined {
    return this.#states.get(nameOf({ groupId, topicId, partition }))?.partition;
  }

  /** The state of a partition that is read, which begins where the group's settings say. */
  read(groupId: string, log: Partition, topicId: string): SharePartition {
    const state = this.#state({ groupId, topicId, partition: log.index });
    const { partition } = state;
    if (!partition.isInitialized) {
      partition.begin(this.#startOf(groupId, log));
      this.#write(state, undefined);
    }
    partition.logBegins(log.log.startOffset);
    return partition;
  }

  #startOf(groupId: string, { log, highWatermark }: Partition): number {
    const { autoOffsetReset } = this.settingsOf(groupId);
    if (autoOffsetReset === 'earliest') return log.startOffset;
    const durationMs = durationOf(autoOffsetReset);
    if (durationMs === undefined) return highWatermark;
    return log.offsetForTimestamp(this.#environment.now() - durationMs, highWatermark)?.offset ?? highWatermark;
  }

  /** Gives back what a member had acquired in a session that has ended. */
  release({ groupId, memberId, partitions }: ShareSession): void {
    for (const key of partitions) this.find(groupId, topicIdOf(key), indexOf(key))?.release(memberId);
  }

  /** Waits until all that was decided in a partition so far is durable; resolves with the error code. */
  stored(groupId: string, topicId: string, partition: number): Promise<number> {
    return this.#states.get(nameOf({ groupId, topicId, partition }))?.stored ?? Promise.resolve(ErrorCode.NONE);
  }

  /** Has a group begin elsewhere; resolves with the error code. */
  alter(groupId: string, topicId: string, partition: number, startOffset: number): Promise<number> {
    const state = this.#state({ groupId, topicId, partition });
    state.stateEpoch++;
    state.partition.begin(startOffset);
    this.#write(state, undefined);
    return state.stored;
  }

  /** Forgets all of a group, or of a topic, or of a topic in a group. */
  forget(what: { readonly groupId?: string; readonly topicId?: string }): void {
    for (const [name, { key, partition }] of this.#states) {
      if (what.groupId !== undefined && key.groupId !== what.groupId) continue;
      if (what.topicId !== undefined && key.topicId !== what.topicId) continue;
      partition.stop();
      this.#states.delete(name);
      void this.#append(name, shareSnapshot.tombstone(key));
    }
  }

  forgetTopic({ id }: Topic): void {
    this.forget({ topicId: id });
  }

  stop(): void {
    for (const { partition } of this.#states.values()) partition.stop();
  }

  #state(key: ShareKey): State {
    const name = nameOf(key);
    const known = this.#states.get(name);
    if (known !== undefined) return known;
    const partition = new SharePartition(
      this.#environment,
      () => this.settingsOf(key.groupId),
      (runs) => this.#write(state, runs),
    );
    const state: State = {
      key,
      partition,
      snapshotEpoch: 0,
      stateEpoch: 0,
      createdAt: this.#environment.now(),
      updates: 0,
      isUnsaved: true,
      stored: Promise.resolve(ErrorCode.NONE),
    };
    this.#states.set(name, state);
    return state;
  }

  // ── Writing ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Writes what has changed, or, where that is due or nothing is named, all of it. */
  #write(state: State, changed: readonly Run[] | undefined): void {
    const most = this.#settings['share.coordinator.snapshot.update.records.per.snapshot'];
    const isWhole = changed === undefined || state.isUnsaved || state.updates >= most;
    state.updates = isWhole ? 0 : state.updates + 1;
    if (isWhole) state.snapshotEpoch++;
    state.isUnsaved = false;
    const record = isWhole ? this.#snapshot(state) : updateOf(state, changed);
    const before = state.stored;
    const now = this.#append(nameOf(state.key), record).then((errorCode) => {
      if (errorCode !== ErrorCode.NONE) state.isUnsaved = true;
      return errorCode;
    });
    state.stored = Promise.all([before, now]).then(([, errorCode]) => errorCode);
    if (isWhole) this.#tidy(this.#journal.partitionOf(nameOf(state.key)));
  }

  #snapshot({ key, partition, snapshotEpoch, stateEpoch, createdAt }: State): JournalRecord {
    return shareSnapshot.record(key, {
      snapshotEpoch,
      stateEpoch,
      leaderEpoch: 0,
      startOffset: partition.startOffset,
      deliveryCompleteCount: partition.completeCount,
      createTimestamp: createdAt,
      writeTimestamp: this.#environment.now(),
      stateBatches: storedRuns(partition.runs),
    });
  }

  #append(name: string, record: JournalRecord): Promise<number> {
    return new Promise((resolve) => {
      try {
        this.#journal.append(name, [record], (errorCode) => resolve(coordinatorError(errorCode)));
      } catch (error) {
        this.#report(`the state of share group partition ${name} can not be stored: ${messageOf(error)}`);
        resolve(ErrorCode.COORDINATOR_NOT_AVAILABLE);
      }
    });
  }

  /** Cuts off what is superseded, behind a new snapshot of each state that is kept in the same partition of the journal. */
  #tidy(place: Partition): void {
    const { log } = place;
    const kept = [...this.#states].filter(([name]) => this.#journal.partitionOf(name) === place);
    const most = Math.max(SUPERSEDED_LEAST, SUPERSEDED_EACH * kept.length);
    if (log.endOffset - log.startOffset <= most + kept.length || this.#tidying.has(place)) return;
    this.#tidying.add(place);
    const from = log.endOffset;
    const written = kept.map(([name, state]) => {
      state.snapshotEpoch++;
      state.updates = 0;
      return this.#append(name, this.#snapshot(state));
    });
    void Promise.all(written).then((errorCodes) => {
      this.#tidying.delete(place);
      if (errorCodes.every((errorCode) => errorCode === ErrorCode.NONE)) place.log.advanceStart(from);
    });
  }
  readonly #tidying = new Set<Partition>();

  // ── Reading the journal back ────────────────────────────────────────────────────────────────────────────────────

  /** As of groups: what is damaged is told and passed over, a disk that can't be read is another matter. */
  load(): void {
    const found = new Map<string, StoredState>();
    for (const place of this.#journal.existing()) {
      try {
        this.#journal.replay(place, (bytes, at) => {
          const cursor = new BatchCursor(bytes.subarray(at));
          while (cursor.advance()) {
            const key = cursor.bytes.subarray(cursor.keyStart, cursor.keyEnd);
            const value = cursor.valueStart < 0 ? null : cursor.bytes.subarray(cursor.valueStart, cursor.valueEnd);
            replay(found, key, value);
          }
        });
      } catch (error) {
        if (codeOf(error) !== 'CORRUPT_MESSAGE') throw error;
        this.#report(`the states of ${SHARE_STATE_TOPIC}-${place.index} can not be read: ${messageOf(error)}`);
      }
    }
    for (const stored of found.values()) {
      // Nobody asks any more for those of topics that are gone.
      if (this.#topics.byId(stored.key.topicId) === undefined) continue;
      const state = this.#state(stored.key);
      state.snapshotEpoch = stored.snapshotEpoch;
      state.stateEpoch = stored.stateEpoch;
      state.isUnsaved = false;
      if (stored.startOffset >= 0) state.partition.begin(stored.startOffset, [...stored.runs.values()]);
    }
  }
}

/** What a run takes of memory. */
const RUN_BYTES = 120;

interface StoredState {
  readonly key: ShareKey;
  snapshotEpoch: number;
  stateEpoch: number;
  startOffset: number;
  runs: SharePartition['runs'];
}

function replay(found: Map<string, StoredState>, keyBytes: Buffer, value: Buffer | null): void {
  const type = keyBytes.readInt16BE(0);
  if (type !== shareSnapshot.type && type !== shareUpdate.type) return;
  const key = shareSnapshot.readKey(new ByteReader(keyBytes, 2));
  const name = nameOf(key);
  if (value === null) {
    found.delete(name);
    return;
  }
  if (type === shareSnapshot.type) {
    const read = shareSnapshot.readValue(value);
    if (read === undefined) return;
    const { snapshotEpoch, stateEpoch, startOffset, stateBatches } = read;
    found.set(name, { key, snapshotEpoch, stateEpoch, startOffset, runs: stateBatches.map(runOf) });
    return;
  }
  const before = found.get(name);
  const read = shareUpdate.readValue(value);
  if (before === undefined || read === undefined) return;
  if (read.startOffset >= 0) before.startOffset = read.startOffset;
  before.runs = overlaid(before.runs, read.stateBatches.map(runOf)).filter(({ last }) => last >= before.startOffset);
}

/** Runs with newer ones in the place of what these cover. */
function overlaid(before: readonly Run[], newer: readonly Run[]): Run[] {
  let runs = [...before];
  for (const over of newer) {
    runs = runs.flatMap((run) => {
      if (run.last < over.first || run.first > over.last) return [run];
      const parts: Run[] = [];
      if (run.first < over.first) parts.push({ ...run, last: over.first - 1 });
      if (run.last > over.last) parts.push({ ...run, first: over.last + 1 });
      return parts;
    });
    runs.push(over);
  }
  return runs;
}

function runOf({ firstOffset, lastOffset, deliveryState, deliveryCount }: StateBatch): Run {
  return { first: firstOffset, last: lastOffset, state: deliveryState, count: deliveryCount };
}

function updateOf({ key, partition, snapshotEpoch }: State, changed: readonly Run[]): JournalRecord {
  return shareUpdate.record(key, {
    snapshotEpoch,
    leaderEpoch: 0,
    startOffset: partition.startOffset,
    deliveryCompleteCount: partition.completeCount,
    stateBatches: storedRuns(changed.filter(({ last }) => last >= partition.startOffset)),
  });
}

/** What somebody has is stored as it was before: available, and given out once less. Those nobody was given need not be named. */
function storedRuns(runs: readonly Run[]): StateBatch[] {
  return runs.flatMap(({ first, last, state, count }) => {
    const isAcquired = state === DeliveryState.acquired;
    const deliveryCount = isAcquired ? count - 1 : count;
    const deliveryState = isAcquired ? DeliveryState.available : state;
    if (deliveryState === DeliveryState.available && deliveryCount === 0) return [];
    return [{ firstOffset: first, lastOffset: last, deliveryState, deliveryCount }];
  });
}

/** Kafka's name of it, by which it also finds its place in the journal. */
function nameOf({ groupId, topicId, partition }: ShareKey): string {
  return `${groupId}:${topicId}:${partition}`;
}
