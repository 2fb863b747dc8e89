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
const RETRY_BACKOFF_MS = 50;
/** Connections to each leader. */
const LANES = [0, 1] as const;

export const EARLIEST = -2;
export const LATEST = -1;

interface PartitionState extends TopicPartition {
  /** Where the next fetch starts; negative (EARLIEST, LATEST) while the broker has not been asked what that means. */
  position: number;
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
        before.get(key) ?? { topic, partition, position: offset, paused: false, buffered: undefined, inFlight: false },
      );
    }
    this.#signal();
  }

  assignment(): TopicPartition[] {
    return [...this.#partitions.values()].map(({ topic, partition }) => ({ topic, partition }));
  }

  seek({ topic, partition }: TopicPartition, offset: number): void {
    const state = this.#state(topic, partition);
    state.position = offset;
    state.buffered = undefined;
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
      const leader = this.#leaderOf(state);
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

  #leaderOf({ topic, partition }: TopicPartition): number {
    return this.#cluster.known(topic)?.partitions[partition]?.leader ?? -1;
  }

  /** Finds leaders, and what "earliest" and "latest" mean. */
  async #resolve(): Promise<void> {
    if (this.#resolving) return;
    this.#resolving = true;
    try {
      const states = [...this.#partitions.values()];
      for (const topic of new Set(states.map((state) => state.topic))) await this.#cluster.topic(topic);
      const open = states.filter((state) => state.position < 0 && this.#leaderOf(state) >= 0);
      const wanted = open.map(({ topic, partition, position }) => ({ topic, partition, timestamp: position }));
      for (const { topic, partition, offset } of await listOffsets(this.#cluster, wanted, this.#isolation)) {
        const state = this.#partitions.get(keyOf(topic, partition));
        if (state !== undefined && state.position < 0) state.position = offset;
      }
      const leaderless = states.filter((state) => this.#leaderOf(state) < 0);
      // What is known is fresh, and it is that there is nobody to ask: only another look, later, can tell more.
      for (const { topic } of leaderless) this.#cluster.forget(topic);
      if (leaderless.length > 0) await this.#cluster.sleep(RETRY_BACKOFF_MS);
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#resolving = false;
      this.#signal();
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
      for (const { topic } of states) this.#cluster.forget(topic);
      if (!(error instanceof MillraceError && error.retriable) && !this.#cluster.closed) this.#failure = error;
    }
    if (failed) await this.#cluster.sleep(RETRY_BACKOFF_MS);
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
    const { records } = answer;
    if (records === null || records.length === 0) return;
    const fromOffset = state.position;
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
      const reset = this.#settings.autoOffsetReset ?? 'latest';
      if (reset === 'none') {
        this.#failure = errorFor(
          errorCode,
          `Fetch of ${keyOf(state.topic, state.partition)} at offset ${state.position}`,
        );
      } else {
        state.position = reset === 'earliest' ? EARLIEST : LATEST;
      }
      return false;
    }
    if (needsMetadata(errorCode)) this.#cluster.forget(state.topic);
    if (!isRetriable(errorCode)) this.#failure = errorFor(errorCode, `Fetch of ${keyOf(state.topic, state.partition)}`);
    return true;
  }

  #state(topic: string, partition: number): PartitionState {
    const state = this.#partitions.get(keyOf(topic, partition));
    assert(state !== undefined, `${topic}-${partition} is not assigned to this consumer`);
    return state;
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}-${partition}`;
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
