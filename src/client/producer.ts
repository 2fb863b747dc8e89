// The life of a sent record: `enqueue` copies it into its partition's open batch (batcher.ts) → the batch is sealed when
// it is full, has lingered, or `flush` wants it gone → `#pump` finds the leaders, announces new partitions to an open
// transaction, and sends one request per broker with at most one batch per partition → the answer settles the batch,
// puts it back to the front (retriable), or fails it.
//
// One batch per partition is in flight at a time, so a retry can't overtake and sequence numbers can't have gaps.
import { create, ErrorCode, errorFor, errorName, needsMetadata, produce, type Transport } from '../protocol/index.ts';
import { assert, deferred, type Deferred, MillraceError } from '../util/index.ts';
import { PartitionQueue, type SealedBatch } from './batcher.ts';
import type {
  Compression,
  GroupMetadata,
  Header,
  OffsetToCommit,
  Producer,
  ProducerRecord,
  ProducerSettings,
  RecordMetadata,
} from './client.ts';
import type { Cluster, TopicMetadata } from './cluster.ts';
import { DefaultPartitioner } from './partitioner.ts';
import { ProducerIdentity } from './transaction.ts';

const DEFAULT_LINGER_MS = 5;
/** Half of what topics accept by default: the last record may make a batch a little larger. */
const DEFAULT_BATCH_BYTES = 512 * 1024;
const DEFAULT_DELIVERY_TIMEOUT_MS = 120_000;
const DEFAULT_REQUEST_BYTES = 16 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const RETRY_BACKOFF_MS = 50;

export class KafkaProducer implements Producer {
  bufferedBytes = 0;
  readonly #cluster: Cluster;
  readonly #acks: -1 | 0 | 1;
  readonly #compression: Compression;
  readonly #lingerMs: number;
  readonly #batchBytes: number;
  readonly #requestBytes: number;
  readonly #deliveryTimeoutMs: number;
  readonly #identity: ProducerIdentity | undefined;
  readonly #partitioner: DefaultPartitioner;
  readonly #queues = new Map<string, PartitionQueue[]>();
  /** Queues that hold records, sealed or not. */
  readonly #active = new Set<PartitionQueue>();
  /** Topics that are asked for, and how many records wait for the answer: later ones must not overtake them, and a flush waits too. */
  readonly #lookUps = new Map<string, { readonly asked: Promise<TopicMetadata>; waiting: number }>();
  #identified: Promise<void> | undefined;
  #lingering = false;
  /** Resolves when the round of sending that is under way has ended. */
  #pumping: Promise<void> | undefined;
  #pumpAgain = false;
  #failure: unknown;
  #flushed: Deferred | undefined;
  #closed = false;

  constructor(cluster: Cluster, settings: ProducerSettings = {}) {
    this.#cluster = cluster;
    this.#partitioner = new DefaultPartitioner(cluster.environment);
    this.#acks = settings.acks ?? -1;
    this.#compression = settings.compressionType ?? 'none';
    this.#lingerMs = settings.lingerMs ?? DEFAULT_LINGER_MS;
    this.#batchBytes = settings.batchSize ?? DEFAULT_BATCH_BYTES;
    this.#requestBytes = settings.maxRequestSize ?? DEFAULT_REQUEST_BYTES;
    this.#deliveryTimeoutMs = settings.deliveryTimeoutMs ?? DEFAULT_DELIVERY_TIMEOUT_MS;
    const idempotent = settings.enableIdempotence ?? this.#acks === -1;
    assert(!idempotent || this.#acks === -1, 'enableIdempotence needs acks = -1');
    const { transactionalId, fencingId } = settings;
    assert((transactionalId ?? fencingId) === undefined || idempotent, 'a transactionalId needs enableIdempotence');
    assert(transactionalId === undefined || fencingId === undefined, 'transactions fence already: leave out fencingId');
    this.#identity = idempotent ? new ProducerIdentity(cluster, settings) : undefined;
  }

  // ── Taking records ──────────────────────────────────────────────────────────────────────────────────────────────

  async send(record: ProducerRecord): Promise<RecordMetadata> {
    const { topic } = record;
    const known = this.#cluster.known(topic);
    let lookUp = this.#lookUps.get(topic);
    if (known !== undefined && lookUp === undefined) return this.#take(record, known);
    lookUp ??= { asked: this.#cluster.topic(topic), waiting: 0 };
    this.#lookUps.set(topic, lookUp);
    lookUp.waiting++;
    try {
      const found = await lookUp.asked;
      return this.#take(record, found);
    } finally {
      if (--lookUp.waiting === 0) this.#lookUps.delete(topic);
    }
  }

  #take(record: ProducerRecord, known: TopicMetadata): Promise<RecordMetadata> {
    const { topic, key = null, value, timestamp = this.#cluster.environment.now(), headers } = record;
    const partition = record.partition ?? this.#partitioner.partition(topic, key, known.partitions.length);
    if (partition < 0 || partition >= known.partitions.length) {
      throw errorFor(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `partition ${partition} of ${topic}`);
    }
    const answer = deferred<RecordMetadata>();
    this.#append(topic, partition, key, value, timestamp, headers, answer);
    return answer.promise;
  }

  // oxlint-disable-next-line max-params -- called per record: an object would be one more allocation
  enqueue(
    topic: string,
    partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestamp: number,
    headers?: readonly Header[],
  ): void {
    this.#append(topic, partition, key, value, timestamp, headers, undefined);
  }

  async partitionsFor(topic: string): Promise<number> {
    return (await this.#cluster.topic(topic)).partitions.length;
  }

  // oxlint-disable-next-line max-params -- called per record: an object would be one more allocation
  #append(
    topic: string,
    partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestamp: number,
    headers: readonly Header[] | undefined,
    answer: Deferred<RecordMetadata> | undefined,
  ): void {
    assert(!this.#closed, 'the producer is closed');
    assert(!this.#identity?.isTransactional || this.#identity.inTransaction, 'no transaction is open');
    const queue = this.#queueOf(topic, partition);
    const before = queue.openBytes;
    queue.append(key, value, timestamp, headers, answer);
    const bytes = queue.openBytes;
    this.bufferedBytes += bytes - before;
    if (before === 0) this.#active.add(queue);
    if (bytes >= this.#batchBytes) {
      this.#seal(queue);
      this.#partitioner.moveOn(topic, this.#cluster.known(topic)?.partitions.length ?? 1);
      this.#schedulePump();
    } else if (!this.#lingering) {
      this.#lingering = true;
      const sealAll = () => {
        this.#lingering = false;
        this.#sealAll();
        this.#schedulePump();
      };
      if (this.#lingerMs === 0) this.#cluster.environment.soon(sealAll);
      else this.#cluster.environment.after(this.#lingerMs, sealAll);
    }
  }

  #queueOf(topic: string, partition: number): PartitionQueue {
    let queues = this.#queues.get(topic);
    if (queues === undefined) {
      queues = [];
      this.#queues.set(topic, queues);
    }
    let queue = queues[partition];
    if (queue === undefined) {
      queue = new PartitionQueue(topic, partition);
      queues[partition] = queue;
    }
    return queue;
  }

  /** A batch carries the identity it is sealed with; one that was sealed before there was any adopts it later. */
  #seal(queue: PartitionQueue): void {
    const before = queue.openBytes;
    const sealed = queue.sealed.length;
    queue.seal(this.#identity, this.#compression, this.#cluster.environment.now());
    if (queue.sealed.length > sealed) this.bufferedBytes += queue.sealed.at(-1)!.bytes.length - before;
  }

  #sealAll(): void {
    for (const queue of this.#active) this.#seal(queue);
  }

  // ── Sending ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #schedulePump(): void {
    if (this.#pumping !== undefined) {
      this.#pumpAgain = true;
      return;
    }
    this.#pumping = this.#pump().finally(() => {
      this.#pumping = undefined;
      if (this.#pumpAgain) {
        this.#pumpAgain = false;
        this.#schedulePump();
      }
      this.#settleFlush();
    });
  }

  async #pump(): Promise<void> {
    try {
      await this.#identify();
      const byLeader = await this.#sendable();
      // A producer that lost a batch meanwhile starts over, and comes back here as another one.
      if (this.#identity !== undefined && this.#identity.producerId < 0) return;
      for (const [leader, queues] of byLeader) void this.#sendTo(leader, queues);
    } catch (error) {
      // Nobody can be identified, or no transaction coordinator takes the partitions: nothing that waits can be sent.
      this.#failAll(this.#identity?.failed(error) ?? error);
    }
  }

  async #identify(): Promise<void> {
    if (this.#identity === undefined || this.#identity.producerId >= 0) return;
    assert(this.#identity.transactionalId === null, 'initTransactions comes first');
    await this.#initialize(this.#identity);
  }

  #initialize(identity: ProducerIdentity): Promise<void> {
    this.#identified ??= identity
      .initialize()
      .then(() => this.#adoptIdentity())
      .finally(() => {
        this.#identified = undefined;
      });
    return this.#identified;
  }

  /** The queues whose first batch can go out, by the node that leads their partition. */
  async #sendable(): Promise<Map<number, PartitionQueue[]>> {
    const ready = [...this.#active].filter((q) => q.sealed.length > 0 && !q.inFlight && !q.backingOff);
    if (this.#identity?.inTransaction) {
      const unannounced = ready.filter((queue) => !this.#identity!.isAnnounced(queue.topic, queue.partition));
      if (unannounced.length > 0) {
        const byTopic = Map.groupBy(unannounced, (queue) => queue.topic);
        await this.#identity.announce(
          new Map([...byTopic].map(([topic, list]) => [topic, list.map((q) => q.partition)])),
        );
      }
    }
    const byLeader = new Map<number, PartitionQueue[]>();
    for (const queue of ready) {
      const leader =
        this.#cluster.known(queue.topic)?.partitions[queue.partition]?.leader ?? (await this.#leaderOf(queue));
      if (leader === undefined) continue;
      const list = byLeader.get(leader);
      if (list === undefined) byLeader.set(leader, [queue]);
      else list.push(queue);
    }
    return byLeader;
  }

  async #leaderOf(queue: PartitionQueue): Promise<number | undefined> {
    try {
      return await this.#cluster.leader(queue.topic, queue.partition);
    } catch (error) {
      this.#retryOrFail(queue, error);
      return undefined;
    }
  }

  async #sendTo(leader: number, queues: readonly PartitionQueue[]): Promise<void> {
    const sending: { queue: PartitionQueue; batch: SealedBatch }[] = [];
    let bytes = 0;
    for (const queue of queues) {
      const batch = queue.sealed[0];
      // It may have been dropped while leaders were asked for, and what came since is of another transaction.
      if (batch === undefined) continue;
      if (this.#identity?.isAnnounced(queue.topic, queue.partition) === false) {
        this.#pumpAgain = true;
        continue;
      }
      if (sending.length > 0 && bytes + batch.bytes.length > this.#requestBytes) {
        this.#pumpAgain = true;
        continue;
      }
      bytes += batch.bytes.length;
      queue.inFlight = true;
      batch.attempted = true;
      sending.push({ queue, batch });
    }
    try {
      const transport = await this.#cluster.node(leader, 'produce');
      await this.#exchange(transport, sending);
    } catch (error) {
      for (const { queue } of sending) {
        if (!queue.inFlight) continue;
        queue.inFlight = false;
        this.#cluster.forget(queue.topic);
        this.#retryOrFail(queue, error);
      }
    }
    this.#schedulePump();
  }

  async #exchange(
    transport: Transport,
    sending: readonly { queue: PartitionQueue; batch: SealedBatch }[],
  ): Promise<void> {
    const byTopic = Map.groupBy(sending, ({ queue }) => queue.topic);
    const nameOf = new Map<string, string>();
    const topicData = [...byTopic].map(([name, list]) => {
      const topicId = this.#cluster.known(name)?.topicId;
      if (topicId !== undefined) nameOf.set(topicId, name);
      const partitionData = list.map(({ queue, batch }) => ({ index: queue.partition, records: batch.bytes }));
      return { name, ...(topicId === undefined ? {} : { topicId }), partitionData };
    });
    const transactionalId = this.#identity?.isTransactional ? this.#identity.transactionalId : null;
    const response = await transport.request(
      produce,
      create(produce, { transactionalId, acks: this.#acks, timeoutMs: REQUEST_TIMEOUT_MS, topicData }),
    );
    if (this.#acks === 0) {
      for (const { queue } of sending) this.#settle(queue, -1, -1);
      return;
    }
    for (const topic of response.responses) {
      const name = topic.name === '' ? nameOf.get(topic.topicId) : topic.name;
      for (const answer of topic.partitionResponses) {
        const queue = this.#queues.get(name ?? '')?.[answer.index];
        if (queue === undefined || !queue.inFlight) continue;
        const { errorCode, baseOffset, logAppendTimeMs, errorMessage } = answer;
        if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) {
          this.#settle(queue, baseOffset, logAppendTimeMs);
        } else {
          queue.inFlight = false;
          if (needsMetadata(errorCode)) this.#cluster.forget(queue.topic);
          this.#retryOrFail(queue, errorFor(errorCode, `a batch for ${queue.topic}-${queue.partition}`, errorMessage));
        }
      }
    }
    const unanswered = sending.filter(({ queue, batch }) => queue.inFlight && queue.sealed[0] === batch);
    if (unanswered.length > 0) {
      throw new MillraceError('BAD_RESPONSE', `the broker left out ${unanswered[0]!.queue.topic} in its answer`);
    }
  }

  #settle(queue: PartitionQueue, baseOffset: number, logAppendTimeMs: number): void {
    const batch = queue.sealed.shift()!;
    queue.inFlight = false;
    this.bufferedBytes -= batch.bytes.length;
    if (queue.isEmpty) this.#active.delete(queue);
    const { topic, partition } = queue;
    for (const { delta, timestamp, answer } of batch.interested) {
      const offset = baseOffset < 0 ? -1 : baseOffset + delta;
      answer.resolve({ topic, partition, offset, timestamp: logAppendTimeMs < 0 ? timestamp : logAppendTimeMs });
    }
  }

  #retryOrFail(queue: PartitionQueue, error: unknown): void {
    const now = this.#cluster.environment.now();
    const batch = queue.sealed[0];
    const inTime = batch !== undefined && now - batch.sealedAt < this.#deliveryTimeoutMs;
    if (inTime && !this.#closed && error instanceof MillraceError && error.retriable) {
      queue.backingOff = true;
      this.#cluster.environment.after(RETRY_BACKOFF_MS, () => {
        queue.backingOff = false;
        this.#schedulePump();
      });
      return;
    }
    this.#fail(queue, this.#identity?.failed(error) ?? error);
  }

  /** The partition's first batch is lost; so is everything behind it when sequence numbers or a transaction bind them. */
  #fail(queue: PartitionQueue, error: unknown): void {
    this.#failure ??= error;
    const before = queue.openBytes + queue.sealed.reduce((sum, batch) => sum + batch.bytes.length, 0);
    queue.drop(error);
    this.bufferedBytes -= before;
    this.#active.delete(queue);
    if (this.#identity !== undefined && this.#identity.transactionalId === null) this.#startOver();
  }

  #failAll(error: unknown): void {
    this.#failure ??= error;
    for (const queue of this.#active) {
      if (!queue.inFlight) this.#fail(queue, error);
    }
  }

  /** After a lost batch the broker would refuse the next sequence number, so the producer goes on as another one. */
  #startOver(): void {
    const identity = this.#identity!;
    identity.producerId = -1;
    this.#initialize(identity).then(
      () => this.#schedulePump(),
      (error) => this.#failAll(error),
    );
  }

  // ── Waiting ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async flush(): Promise<void> {
    while (this.#lookUps.size > 0) await Promise.allSettled([...this.#lookUps.values()].map(({ asked }) => asked));
    this.#sealAll();
    if (this.#active.size > 0) {
      this.#flushed ??= deferred();
      this.#schedulePump();
      await this.#flushed.promise;
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
  }

  #settleFlush(): void {
    if (this.#flushed === undefined) return;
    if (this.#active.size === 0) {
      this.#flushed.resolve();
      this.#flushed = undefined;
      return;
    }
    // Records came in while the flush waited: they go along.
    const unsealed = [...this.#active].some((queue) => queue.sealed.length === 0 && !queue.inFlight);
    if (unsealed) {
      this.#sealAll();
      this.#schedulePump();
    }
  }

  // ── Transactions ────────────────────────────────────────────────────────────────────────────────────────────────

  async initTransactions(): Promise<void> {
    assert(this.#identity?.transactionalId != null, 'initTransactions needs a transactionalId');
    await this.#identity.initialize();
    this.#adoptIdentity();
  }

  beginTransaction(): void {
    assert(this.#identity !== undefined, 'beginTransaction needs a transactionalId');
    this.#identity.begin();
    this.#failure = undefined;
  }

  async sendOffsetsToTransaction(offsets: readonly OffsetToCommit[], group: GroupMetadata): Promise<void> {
    assert(this.#identity !== undefined, 'sendOffsetsToTransaction needs a transactionalId');
    await this.#identity.sendOffsets(offsets, group);
  }

  async commitTransaction(): Promise<void> {
    assert(this.#identity !== undefined, 'commitTransaction needs a transactionalId');
    await this.flush();
    await this.#end(true);
  }

  async abortTransaction(): Promise<void> {
    assert(this.#identity !== undefined, 'abortTransaction needs a transactionalId');
    const reason = new MillraceError('TRANSACTION_ABORTED', 'the transaction that this record was part of was aborted');
    for (const queue of [...this.#active]) if (!queue.inFlight) this.#fail(queue, reason);
    await this.flush().catch(() => {});
    // Partitions of dropped batches may be on their way to the coordinator, which would take them for a fenced producer's.
    while (this.#pumping !== undefined) await this.#pumping;
    await this.#end(false);
  }

  async #end(committed: boolean): Promise<void> {
    const { producerId, producerEpoch } = this.#identity!;
    await this.#identity!.end(committed);
    const changed = producerId !== this.#identity!.producerId || producerEpoch !== this.#identity!.producerEpoch;
    if (changed) this.#adoptIdentity();
    else if (!committed) {
      // Dropped batches left gaps in the sequence: a fresh epoch starts counting anew.
      await this.#identity!.initialize();
      this.#adoptIdentity();
    }
  }

  #adoptIdentity(): void {
    for (const queues of this.#queues.values()) for (const queue of queues) queue?.adopt(this.#identity!);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    try {
      if (this.#identity?.inTransaction) await this.abortTransaction();
      else await this.flush();
    } catch (error) {
      if (errorName(ErrorCode.PRODUCER_FENCED) !== (error as MillraceError).code) throw error;
    } finally {
      this.#closed = true;
    }
  }
}
