// The life of a fetched record: every partition that is read is part of at most one Fetch on its way; the answer is kept
// until `poll` hands it out, and the next Fetch leaves at once. So the network works while the caller does, and what is
// held is bounded by one answer per partition.
//
// A Fetch of idle partitions waits on the broker, and everything behind it on its connection: the busy ones go on over a
// second connection.
import {
  BatchCursor,
  BATCH_HEADER_BYTES,
  batchHeader,
  create,
  ErrorCode,
  errorFor,
  fetch,
  isIntactBatch,
  isRetriable,
  needsMetadata,
} from '../protocol/index.ts';
import { assert, deferred, type Deferred, MillraceError } from '../util/index.ts';
import type { ConsumerSettings, FetchedPartition, TopicPartition } from './client.ts';
import type { Cluster, Purpose } from './cluster.ts';
import { type Isolation, listOffsets } from './offsets.ts';

const DEFAULT_PARTITION_BYTES = 1024 * 1024;
const DEFAULT_FETCH_BYTES = 50 * 1024 * 1024;
const DEFAULT_MAX_WAIT_MS = 500;
/** Connections to each leader. */
const LANES = [0, 1] as const;

const EARLIEST = -2;
const LATEST = -1;
/** No position is known: `autoOffsetReset` says which one is made up, if any. */
export const BY_POLICY = -3;

interface PartitionState extends TopicPartition {
  /** Where the next fetch starts; negative (EARLIEST, LATEST, BY_POLICY) while it is not known which offset that is. */
  position: number;
  /** The topic that the position belongs to: one of the same name that is made later is another one. */
  topicId: string | undefined;
  paused: boolean;
  buffered: FetchedPartition | undefined;
  inFlight: boolean;
}

export class Fetcher {
  readonly #cluster: Cluster;
  readonly #purpose: Purpose;
  readonly #settings: ConsumerSettings;
  readonly #isolation: Isolation;
  readonly #partitions = new Map<string, PartitionState>();
  /** Connections with a Fetch on its way, as `leader/lane`. */
  readonly #busy = new Set<string>();
  #arrived: Deferred = deferred();
  #failure: unknown;
  #resolving = false;
  /** Attempts to find leaders and positions that failed in a row, and the same for fetches, by leader. */
  #unresolved = 0;
  readonly #failures = new Map<number, number>();
  #closed = false;

  constructor(cluster: Cluster, purpose: Purpose, settings: ConsumerSettings) {
    this.#cluster = cluster;
    this.#purpose = purpose;
    this.#settings = settings;
    this.#isolation = settings.isolationLevel ?? 'read_uncommitted';
  }

  /** Replaces the assignment. A partition that stays keeps its position and what was fetched for it. */
  assign(partitions: readonly (TopicPartition & { readonly offset: number })[]): void {
    const before = new Map(this.#partitions);
    this.#partitions.clear();
    for (const { topic, partition, offset } of partitions) {
      const key = keyOf(topic, partition);
      this.#partitions.set(
        key,
        before.get(key) ?? {
          topic,
          partition,
          position: offset,
          topicId: undefined,
          paused: false,
          buffered: undefined,
          inFlight: false,
        },
      );
    }
    this.#failure = undefined;
    this.#signal();
  }

  /** Ends all reading, and the connections for it. */
  async close(): Promise<void> {
    this.#closed = true;
    this.assign([]);
    for (const lane of LANES) await this.#cluster.release(`${this.#purpose}-${lane}`);
  }

  assignment(): TopicPartition[] {
    return [...this.#partitions.values()].map(({ topic, partition }) => ({ topic, partition }));
  }

  seek({ topic, partition }: TopicPartition, offset: number): void {
    const state = this.#state(topic, partition);
    state.position = offset;
    state.buffered = undefined;
    this.#failure = undefined;
  }

  position({ topic, partition }: TopicPartition): number {
    return this.#state(topic, partition).position;
  }

  setPaused(partitions: readonly TopicPartition[], paused: boolean): void {
    for (const { topic, partition } of partitions) this.#state(topic, partition).paused = paused;
    if (!paused) this.#signal();
  }

  /** What has arrived for partitions that are not paused; empty when nothing has. */
  take(): FetchedPartition[] {
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      throw failure;
    }
    const taken: FetchedPartition[] = [];
    for (const state of this.#partitions.values()) {
      if (state.buffered === undefined || state.paused) continue;
      taken.push(state.buffered);
      assert(state.buffered.nextOffset >= state.position, `${state.topic}-${state.partition} was fetched backwards`);
      state.position = state.buffered.nextOffset;
      state.buffered = undefined;
    }
    return taken;
  }

  /** Sends a Fetch to every leader that has something to give and none under way. */
  fetchMore(): void {
    const byLeader = new Map<number, PartitionState[]>();
    let unresolved = false;
    for (const state of this.#partitions.values()) {
      if (state.paused || state.buffered !== undefined || state.inFlight) continue;
      const leader = this.#cluster.leaderNow(state.topic, state.partition);
      if (leader >= 0) this.#recognize(state);
      if (state.position < 0 || leader < 0) {
        unresolved = true;
        continue;
      }
      const list = byLeader.get(leader);
      if (list === undefined) byLeader.set(leader, [state]);
      else list.push(state);
    }
    for (const [leader, states] of byLeader) {
      const lane = LANES.find((candidate) => !this.#busy.has(`${leader}/${candidate}`));
      if (lane !== undefined) void this.#fetchFrom(leader, lane, states);
    }
    if (unresolved) void this.#resolve();
  }

  /** Resolves when an answer has arrived, or `wake` was called. */
  get arrival(): Promise<void> {
    return this.#arrived.promise;
  }

  wake(): void {
    this.#signal();
  }

  #signal(): void {
    const arrived = this.#arrived;
    this.#arrived = deferred();
    arrived.resolve();
  }

  /** Finds leaders, and what positions mean. What can't be found is waited for, longer each time; polls are empty meanwhile. */
  async #resolve(): Promise<void> {
    if (this.#resolving) return;
    this.#resolving = true;
    let isDone = false;
    try {
      const states = [...this.#partitions.values()].filter((state) => !state.paused);
      const topics = [...new Set(states.map((state) => state.topic))];
      await this.#cluster.renew(topics, this.#settings.allowAutoCreateTopics ?? false);
      const found = states.filter(({ topic, partition }) => this.#cluster.leaderNow(topic, partition) >= 0);
      for (const state of found) {
        this.#recognize(state);
        if (state.position === BY_POLICY) this.#reset(state);
      }
      const open = found.filter(({ position }) => position === EARLIEST || position === LATEST);
      const wanted = open.map(({ topic, partition, position }) => ({ topic, partition, timestamp: position }));
      for (const { topic, partition, offset } of await listOffsets(this.#cluster, wanted, this.#isolation)) {
        const state = this.#partitions.get(keyOf(topic, partition));
        if (state !== undefined && state.position < 0) state.position = offset;
      }
      isDone = found.length === states.length && this.#failure === undefined;
    } catch (error) {
      if (!(error instanceof MillraceError && error.retriable) && !this.#closed) this.#failure = error;
    }
    this.#unresolved = isDone ? 0 : this.#unresolved + 1;
    if (this.#failure !== undefined) this.#signal();
    if (!isDone) await this.#cluster.backOff(this.#unresolved);
    this.#resolving = false;
    this.#signal();
  }

  /** Takes the topic that is there for the one that was read, unless it was made again: then everything in it is new. */
  #recognize(state: PartitionState): void {
    const topicId = this.#cluster.known(state.topic)?.topicId;
    if (state.topicId !== undefined && state.topicId !== topicId && state.position >= 0) {
      state.buffered = undefined;
      state.position = this.#settings.autoOffsetReset === 'none' ? BY_POLICY : EARLIEST;
    }
    state.topicId = topicId;
  }

  /** The one place where a position is made up. */
  #reset(state: PartitionState): void {
    const reset = this.#settings.autoOffsetReset ?? 'latest';
    if (reset === 'none') {
      this.#failure = new MillraceError(
        'NO_OFFSET_FOR_PARTITION',
        `${keyOf(state.topic, state.partition)} has no position, and autoOffsetReset is none: seek, or commit an offset`,
      );
    } else {
      state.position = reset === 'earliest' ? EARLIEST : LATEST;
    }
  }

  async #fetchFrom(leader: number, lane: number, states: readonly PartitionState[]): Promise<void> {
    const connection = `${leader}/${lane}`;
    this.#busy.add(connection);
    for (const state of states) state.inFlight = true;
    const startedAt = new Map(states.map((state) => [state, state.position]));
    let failed = false;
    try {
      const transport = await this.#cluster.node(leader, `${this.#purpose}-${lane}`);
      const nameOf = new Map<string, string>();
      const topics = [...Map.groupBy(states, (state) => state.topic)].map(([topic, list]) => {
        const topicId = this.#cluster.known(topic)?.topicId;
        if (topicId !== undefined) nameOf.set(topicId, topic);
        return {
          topic,
          ...(topicId === undefined ? {} : { topicId }),
          partitions: list.map(({ partition, position }) => ({
            partition,
            fetchOffset: position,
            partitionMaxBytes: this.#settings.maxPartitionFetchBytes ?? DEFAULT_PARTITION_BYTES,
          })),
        };
      });
      const response = await transport.request(
        fetch,
        create(fetch, {
          maxWaitMs: this.#settings.fetchMaxWaitMs ?? DEFAULT_MAX_WAIT_MS,
          minBytes: this.#settings.fetchMinBytes ?? 1,
          maxBytes: this.#settings.fetchMaxBytes ?? DEFAULT_FETCH_BYTES,
          isolationLevel: this.#isolation === 'read_committed' ? 1 : 0,
          sessionEpoch: -1,
          topics,
        }),
      );
      if (response.errorCode !== ErrorCode.NONE) throw errorFor(response.errorCode, 'Fetch');
      for (const topic of response.responses) {
        const name = topic.topic === '' ? (nameOf.get(topic.topicId) ?? '') : topic.topic;
        for (const answer of topic.partitions) {
          const state = this.#partitions.get(keyOf(name, answer.partitionIndex));
          // Sought elsewhere or reassigned while the answer was on its way: it is not wanted any more.
          if (state === undefined || state.position !== startedAt.get(state)) continue;
          if (answer.errorCode === ErrorCode.NONE) this.#keep(state, answer);
          else failed = this.#failedPartition(state, answer.errorCode) || failed;
        }
      }
    } catch (error) {
      failed = true;
      if (!this.#closed) for (const { topic } of states) this.#cluster.doubt(topic);
      if (!(error instanceof MillraceError && error.retriable) && !this.#closed && !this.#cluster.closed) {
        this.#failure = error;
      }
    }
    if (failed) {
      const failures = (this.#failures.get(leader) ?? 0) + 1;
      this.#failures.set(leader, failures);
      await this.#cluster.backOff(failures);
    } else {
      this.#failures.delete(leader);
    }
    this.#busy.delete(connection);
    for (const state of states) state.inFlight = false;
    this.#signal();
  }

  #keep(
    state: PartitionState,
    answer: {
      readonly records: Buffer | null;
      readonly highWatermark: number;
      readonly lastStableOffset: number;
      readonly abortedTransactions: readonly { readonly producerId: number; readonly firstOffset: number }[] | null;
    },
  ): void {
    if (answer.records === null || answer.records.length === 0) return;
    const fromOffset = state.position;
    const records = this.#settings.checkCrcs === false ? answer.records : intactPart(answer.records);
    if (records.length === 0) {
      this.#failure = damaged(state, batchHeader.baseOffset(answer.records));
      return;
    }
    const nextOffset = offsetBehind(records, fromOffset);
    if (nextOffset === fromOffset) return;
    const abortedTransactions = this.#isolation === 'read_committed' ? answer.abortedTransactions : null;
    state.buffered = {
      topic: state.topic,
      partition: state.partition,
      cursor: new BatchCursor(records, { fromOffset, abortedTransactions }),
      nextOffset,
      highWatermark: answer.highWatermark,
      lastStableOffset: answer.lastStableOffset,
    };
  }

  /** True when the next attempt should wait a little. */
  #failedPartition(state: PartitionState, errorCode: number): boolean {
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      const { topic, partition, position } = state;
      if (this.#settings.autoOffsetReset === 'none') {
        this.#failure = errorFor(errorCode, `Fetch of ${keyOf(topic, partition)} at offset ${position}`);
        return true;
      }
      this.#reset(state);
      this.#settings.onOffsetReset?.({ topic, partition }, position);
      return false;
    }
    if (needsMetadata(errorCode)) this.#cluster.doubt(state.topic);
    if (!isRetriable(errorCode)) this.#failure = errorFor(errorCode, `Fetch of ${keyOf(state.topic, state.partition)}`);
    return true;
  }

  #state(topic: string, partition: number): PartitionState {
    const state = this.#partitions.get(keyOf(topic, partition));
    if (state === undefined) {
      throw new MillraceError('INVALID_STATE', `${topic}-${partition} is not assigned to this consumer`);
    }
    return state;
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

/**
 * The batches before the first damaged one: they are handed out, and the next fetch begins with the damage. A partial batch
 * at the end is no damage.
 */
function intactPart(records: Buffer): Buffer {
  for (let at = 0; at + BATCH_HEADER_BYTES <= records.length; ) {
    const size = batchHeader.sizeInBytes(records, at);
    if (size >= BATCH_HEADER_BYTES && at + size > records.length) break;
    if (!isIntactBatch(records, at)) return records.subarray(0, at);
    at += size;
  }
  return records;
}

function damaged({ topic, partition, position }: PartitionState, baseOffset: number): MillraceError {
  const where = `The batch of ${keyOf(topic, partition)} at offset ${Math.max(position, baseOffset)}`;
  const what = `${where} is damaged: its checksum is not that of its bytes. Seek behind it to leave it out.`;
  return new MillraceError('CORRUPT_MESSAGE', what);
}

/** The offset behind the last whole batch, or `from` when there is none. */
function offsetBehind(records: Buffer, from: number): number {
  let next = from;
  for (let at = 0; at + BATCH_HEADER_BYTES <= records.length; ) {
    const end = at + batchHeader.sizeInBytes(records, at);
    if (end <= at || end > records.length) break;
    next = Math.max(next, batchHeader.lastOffset(records, at) + 1);
    at = end;
  }
  return next;
}
