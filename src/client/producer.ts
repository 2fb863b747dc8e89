// The life of a sent record: `enqueue` copies it into its partition's open batch (batcher.ts) → the batch is sealed when
// it is full, has lingered, or `flush` wants it gone → `#pump` finds the leaders, announces new partitions to an open
// transaction, and sends one request per broker with at most one batch per partition → the answer settles the batch,
// puts it back to the front (retriable), or fails it. `send` does the same behind a look at the topic, which the first
// records wait for in their order.
//
// One batch per partition is in flight at a time, so a retry can't overtake and sequence numbers can't have gaps. A batch
// that is refused for what is in it is cut into smaller ones until the record that is to blame stands alone (KIP-126):
// only that one fails.
//
// A failure has one owner: the promise of the record for `send`; the next flush or commit for `enqueue`.
import { create, ErrorCode, errorFor, errorName, needsMetadata, produce, type Transport } from '../protocol/index.ts';
import { deferred, type Deferred, MillraceError } from '../util/index.ts';
import { backoffMs } from './backoff.ts';
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
  RefusedRecord,
} from './client.ts';
import type { Cluster } from './cluster.ts';
import {
  checkEnqueued,
  checkPartition,
  checkPartitions,
  checkProducerSettings,
  checkRecord,
  type CheckedRecord,
} from './checks.ts';
import { DefaultPartitioner } from './partitioner.ts';
import { ProducerIdentity } from './transaction.ts';

const DEFAULT_LINGER_MS = 5;
/** Half of what topics accept by default: the last record may make a batch a little larger. */
const DEFAULT_BATCH_BYTES = 512 * 1024;
const DEFAULT_DELIVERY_TIMEOUT_MS = 120_000;
const DEFAULT_REQUEST_BYTES = 16 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_BLOCK_MS = 60_000;
const DEFAULT_CLOSE_MS = 30_000;
/** Metadata that does not have a partition (yet) is given so long to catch up. */
const MISSING_PARTITION_MS = 3_000;
/** Refusals that are about single records, not about the topic or the producer. */
const TOO_LARGE: readonly number[] = [ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.RECORD_LIST_TOO_LARGE];
const ABOUT_RECORDS: readonly number[] = [...TOO_LARGE, ErrorCode.INVALID_RECORD, ErrorCode.INVALID_TIMESTAMP];

export class KafkaProducer implements Producer {
  bufferedBytes = 0;
  readonly #cluster: Cluster;
  readonly #acks: -1 | 0 | 1;
  readonly #compression: Compression;
  readonly #lingerMs: number;
  readonly #batchBytes: number;
  readonly #requestBytes: number;
  readonly #deliveryTimeoutMs: number;
  readonly #maxBlockMs: number;
  readonly #onRefusal: ProducerSettings['onRefusal'];
  readonly #identity: ProducerIdentity | undefined;
  readonly #partitioner: DefaultPartitioner;
  readonly #queues = new Map<string, PartitionQueue[]>();
  /** Queues that hold records, sealed or not. */
  readonly #active = new Set<PartitionQueue>();
  /** Records of topics that are not known yet, in the order in which they were sent. */
  readonly #unplaced = new Map<string, Unplaced>();
  #identified: Promise<void> | undefined;
  #lingering = false;
  /** Resolves when the round of sending that is under way has ended. */
  #pumping: Promise<void> | undefined;
  #pumpAgain = false;
  #failure: unknown;
  /** The end of a transaction that is under way. */
  #ending: Promise<void> | undefined;
  #flushed: Deferred | undefined;
  #closed = false;

  constructor(cluster: Cluster, settings: ProducerSettings = {}) {
    this.#cluster = cluster;
    this.#partitioner = new DefaultPartitioner(cluster.environment);
    checkProducerSettings(settings);
    this.#acks = settings.acks === 'all' ? -1 : (settings.acks ?? -1);
    this.#compression = settings.compressionType ?? 'none';
    this.#lingerMs = settings.lingerMs ?? DEFAULT_LINGER_MS;
    this.#batchBytes = settings.batchSize ?? DEFAULT_BATCH_BYTES;
    this.#requestBytes = settings.maxRequestSize ?? DEFAULT_REQUEST_BYTES;
    this.#deliveryTimeoutMs = settings.deliveryTimeoutMs ?? DEFAULT_DELIVERY_TIMEOUT_MS;
    this.#maxBlockMs = settings.maxBlockMs ?? DEFAULT_MAX_BLOCK_MS;
    this.#onRefusal = settings.onRefusal;
    const idempotent = settings.enableIdempotence ?? this.#acks === -1;
    this.#identity = idempotent ? new ProducerIdentity(cluster, settings) : undefined;
  }

  // ── Taking records ──────────────────────────────────────────────────────────────────────────────────────────────

  async send(given: ProducerRecord): Promise<RecordMetadata> {
    const record = checkRecord(given, this.#cluster.environment);
    this.#checkOpen();
    const answer = deferred<RecordMetadata>();
    const { topic } = record;
    const unplaced = this.#unplaced.get(topic);
    const known = this.#cluster.known(topic);
    if (unplaced !== undefined) {
      unplaced.records.push({ record, answer });
    } else if (known === undefined || (record.partition ?? 0) >= known.partitions.length) {
      // A partition that is not known may have been added.
      this.#cluster.doubt(topic);
      const records = [{ record, answer }];
      this.#unplaced.set(topic, { records, placed: this.#placeAll(topic, records) });
    } else {
      this.#place(record, known.partitions.length, answer);
    }
    return answer.promise;
  }

  /** Waits until the topic is known; only then its records have partitions. */
  async #placeAll(topic: string, records: Unplaced['records']): Promise<void> {
    const wait = { timeoutMs: this.#maxBlockMs, missingMs: this.#maxBlockMs, mayCreate: true };
    try {
      const { partitions } = await this.#cluster.topic(topic, wait);
      for (const { record, answer } of records) this.#place(record, partitions.length, answer);
    } catch (error) {
      for (const { answer } of records) answer.reject(error);
    } finally {
      this.#unplaced.delete(topic);
    }
  }

  #place(record: CheckedRecord, partitions: number, answer: Deferred<RecordMetadata>): void {
    const { topic, key, value, timestamp, headers } = record;
    const partition = record.partition ?? this.#partitioner.partition(topic, key, partitions);
    try {
      if (partition >= partitions) {
        throw errorFor(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `partition ${partition} of ${topic}`);
      }
      this.#append(topic, partition, key, value, timestamp, headers, answer);
    } catch (error) {
      answer.reject(error);
    }
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
    checkEnqueued(key, value, timestamp);
    this.#append(topic, partition, key, value, timestamp, headers, undefined);
  }

  async partitionsFor(topic: string): Promise<number> {
    const wait = { timeoutMs: this.#maxBlockMs, missingMs: this.#maxBlockMs, mayCreate: true };
    return (await this.#cluster.topic(topic, wait)).partitions.length;
  }

  #checkOpen(): void {
    if (this.#closed) throw new MillraceError('CLIENT_CLOSED', 'the producer has been closed');
    if (this.#identity?.isTransactional && !this.#identity.inTransaction) {
      throw new MillraceError('INVALID_STATE', 'a transactional producer sends within transactions: begin one first');
    }
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
    this.#checkOpen();
    const queue = this.#queueOf(topic, partition);
    const before = queue.openBytes;
    queue.append(key, value, timestamp, headers, answer);
    const bytes = queue.openBytes;
    this.bufferedBytes += bytes - before;
    if (before === 0) this.#active.add(queue);
    if (bytes >= Math.min(this.#batchBytes, queue.largestBytes)) {
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
      checkPartition(`enqueue to ${topic}`, partition);
      queue = new PartitionQueue(topic, partition);
      queues[partition] = queue;
    }
    return queue;
  }

  /** A batch carries the identity it is sealed with; one that was sealed before there was any adopts it later. */
  #seal(queue: PartitionQueue): void {
    const before = queue.openBytes;
    const sealed = queue.sealed.length;
    try {
      queue.seal(this.#identity, this.#compression, this.#cluster.environment.now());
      if (queue.sealed.length > sealed) this.bufferedBytes += queue.sealed.at(-1)!.bytes.length - before;
    } catch (error) {
      // Sealing runs behind the backs of those who sent.
      this.#fail(queue, this.#identity?.failed(error) ?? error);
    }
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
    if (this.#identity.transactionalId !== null) {
      throw new MillraceError('INVALID_STATE', 'initTransactions comes before the first record');
    }
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
    const ready = [...this.#active].filter((q) => q.sealed.length > 0 && !q.inFlight && !q.isWaiting);
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
      const leader = this.#cluster.leaderNow(queue.topic, queue.partition);
      if (leader < 0) {
        void this.#locate(queue);
        continue;
      }
      const list = byLeader.get(leader);
      if (list === undefined) byLeader.set(leader, [queue]);
      else list.push(queue);
    }
    return byLeader;
  }

  /** Looks for the leader of one partition, while those of others are sent to. */
  async #locate(queue: PartitionQueue): Promise<void> {
    const { topic, partition } = queue;
    const { environment } = this.#cluster;
    queue.isWaiting = true;
    try {
      const { partitions } = await this.#cluster.topic(topic, { timeoutMs: 0, mayCreate: true });
      const isFinal = environment.now() - (queue.sealed[0]?.sealedAt ?? 0) > MISSING_PARTITION_MS;
      if (partition >= partitions.length && isFinal) {
        throw new MillraceError(
          'UNKNOWN_TOPIC_OR_PARTITION',
          `${topic} has ${partitions.length} partitions: there is none with the number ${partition}`,
        );
      }
      await this.#cluster.leader(topic, partition, { timeoutMs: 0 });
      queue.isWaiting = false;
      this.#schedulePump();
    } catch (error) {
      queue.isWaiting = false;
      this.#retryOrFail(queue, error);
      this.#settleFlush();
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
      batch.attempts++;
      sending.push({ queue, batch });
    }
    try {
      const transport = await this.#cluster.node(leader, 'produce');
      await this.#exchange(transport, sending);
    } catch (error) {
      for (const { queue, batch } of sending) {
        if (!queue.inFlight || queue.sealed[0] !== batch) continue;
        queue.inFlight = false;
        batch.isUncertain = true;
        this.#cluster.doubt(queue.topic);
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
        const { errorCode, baseOffset, logAppendTimeMs, errorMessage, recordErrors } = answer;
        if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) {
          this.#settle(queue, baseOffset, logAppendTimeMs);
        } else if (ABOUT_RECORDS.includes(errorCode)) {
          queue.inFlight = false;
          this.#isolate(
            queue,
            errorCode,
            recordErrors.map((each) => each.batchIndex),
            recordErrors[0]?.batchIndexErrorMessage ?? errorMessage,
          );
        } else {
          queue.inFlight = false;
          if (needsMetadata(errorCode)) this.#cluster.doubt(queue.topic);
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
    queue.failures = 0;
    this.bufferedBytes -= batch.bytes.length;
    if (queue.isEmpty) this.#active.delete(queue);
    const { topic, partition } = queue;
    for (const { delta, timestamp, answer } of batch.interested) {
      const offset = baseOffset < 0 ? -1 : baseOffset + delta;
      answer.resolve({ topic, partition, offset, timestamp: logAppendTimeMs < 0 ? timestamp : logAppendTimeMs });
    }
  }

  #retryOrFail(queue: PartitionQueue, error: unknown): void {
    const { environment } = this.#cluster;
    const batch = queue.sealed[0];
    const inTime = batch !== undefined && environment.now() - batch.sealedAt < this.#deliveryTimeoutMs;
    if (inTime && !this.#closed && error instanceof MillraceError && error.retriable) {
      queue.isWaiting = true;
      environment.after(backoffMs(++queue.failures, environment), () => {
        queue.isWaiting = false;
        this.#schedulePump();
      });
      return;
    }
    this.#fail(queue, this.#identity?.failed(error) ?? error);
  }

  /** The broker wants none of the batch for what some of its records are: cuts it until those stand alone, and fails them. */
  #isolate(queue: PartitionQueue, errorCode: number, culprits: readonly number[], detail: string | null): void {
    const batch = queue.sealed[0]!;
    const what = `a batch for ${queue.topic}-${queue.partition}`;
    if (batch.isUncertain) {
      // An earlier attempt may have been written: what comes next can't be numbered.
      const error = errorFor(errorCode, what, detail);
      this.#fail(queue, this.#identity?.failed(error) ?? error);
      return;
    }
    const before = queue.bytes;
    if (batch.recordCount > 1) {
      const how = TOO_LARGE.includes(errorCode) ? 'smaller' : culprits;
      queue.cut(how, this.#compression, this.#identity?.isTransactional ?? false);
      this.bufferedBytes += queue.bytes - before;
      return;
    }
    const record = queue.onlyRecord();
    const key = record.key === null ? 'without a key' : `with the key ${JSON.stringify(printable(record.key))}`;
    const error = errorFor(errorCode, `a record ${key} for ${queue.topic}-${queue.partition}`, detail);
    const isOwned = batch.interested.length > 0;
    const response = isOwned ? 'fail' : this.#responseTo(error, record);
    if (response === 'fail' && this.#identity?.isTransactional === true) {
      this.#fail(queue, this.#identity.failed(error));
      return;
    }
    if (response === 'fail' && !isOwned) this.#failure ??= error;
    queue.dropFirst(error);
    this.bufferedBytes += queue.bytes - before;
    if (queue.isEmpty) this.#active.delete(queue);
  }

  #responseTo(error: MillraceError, record: RefusedRecord): 'continue' | 'fail' {
    try {
      return this.#onRefusal?.(error, record) === 'continue' ? 'continue' : 'fail';
    } catch (thrown) {
      this.#failure ??= thrown;
      return 'fail';
    }
  }

  /** The partition's first batch is lost; so is everything behind it when sequence numbers or a transaction bind them. */
  #fail(queue: PartitionQueue, error: unknown): void {
    if (queue.holdsUnowned) this.#failure ??= error;
    this.bufferedBytes -= queue.bytes;
    queue.drop(error);
    this.#active.delete(queue);
    if (this.#identity !== undefined && this.#identity.transactionalId === null) this.#startOver();
  }

  #failAll(error: unknown): void {
    for (const queue of [...this.#active]) {
      if (!queue.inFlight) this.#fail(queue, error);
    }
  }

  /** After a lost batch the broker would refuse the next sequence number, so the producer goes on as another one. */
  #startOver(): void {
    const identity = this.#identity!;
    if (this.#closed) return;
    identity.producerId = -1;
    this.#initialize(identity).then(
      () => this.#schedulePump(),
      (error) => this.#failAll(error),
    );
  }

  // ── Waiting ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async flush(): Promise<void> {
    await Promise.all([...this.#unplaced.values()].map(({ placed }) => placed));
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

  #transactions(call: string): ProducerIdentity {
    if (this.#identity?.transactionalId == null) {
      throw new MillraceError('INVALID_STATE', `${call} needs a producer with a transactionalId`);
    }
    return this.#identity;
  }

  async initTransactions(): Promise<void> {
    await this.#transactions('initTransactions').initialize();
    this.#adoptIdentity();
  }

  beginTransaction(): void {
    this.#transactions('beginTransaction').begin();
    this.#failure = undefined;
  }

  async sendOffsetsToTransaction(offsets: readonly OffsetToCommit[], group: GroupMetadata): Promise<void> {
    checkPartitions('sendOffsetsToTransaction', offsets, 'commit', ['offset']);
    await this.#transactions('sendOffsetsToTransaction').sendOffsets(offsets, group);
  }

  async commitTransaction(): Promise<void> {
    this.#transactions('commitTransaction');
    await this.flush();
    await this.#end(true);
  }

  async abortTransaction(): Promise<void> {
    const identity = this.#transactions('abortTransaction');
    const reason = new MillraceError('TRANSACTION_ABORTED', 'the transaction that this record was part of was aborted');
    // A commit that waits for its records would go on without them.
    if (identity.inTransaction) identity.failed(reason);
    for (const queue of [...this.#active]) if (!queue.inFlight) this.#fail(queue, reason);
    await this.flush().catch(() => {});
    // Partitions of dropped batches may be on their way to the coordinator, which would take them for a fenced producer's.
    while (this.#pumping !== undefined) await this.#pumping;
    await this.#end(false);
  }

  /** Of a commit and an abort at once the second one comes too late: no transaction is open any more. */
  async #end(committed: boolean): Promise<void> {
    while (this.#ending !== undefined) await this.#ending.catch(() => {});
    this.#ending = this.#endNow(committed);
    try {
      await this.#ending;
    } finally {
      this.#ending = undefined;
    }
  }

  async #endNow(committed: boolean): Promise<void> {
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

  async close({ timeoutMs = DEFAULT_CLOSE_MS }: { readonly timeoutMs?: number } = {}): Promise<void> {
    if (this.#closed) return;
    const { environment } = this.#cluster;
    const timeIsOver = deferred();
    const giveUp = () => {
      this.#giveUp();
      timeIsOver.resolve();
    };
    const cancel = timeoutMs > 0 ? environment.after(timeoutMs, giveUp) : giveUp();
    try {
      if (!this.#closed) {
        const ended = this.#identity?.inTransaction ? this.abortTransaction() : this.flush();
        await Promise.race([ended, timeIsOver.promise]);
      }
    } catch (error) {
      if (errorName(ErrorCode.PRODUCER_FENCED) !== (error as MillraceError).code) throw error;
    } finally {
      cancel?.();
      this.#closed = true;
    }
  }

  /** Whoever still waits for a record hears that it is not known what became of it. */
  #giveUp(): void {
    this.#closed = true;
    const error = new MillraceError('CLIENT_CLOSED', 'the producer was closed before the record was acknowledged');
    // Whoever waits to commit must not do so without what is dropped here.
    if (this.#active.size > 0 || this.#unplaced.size > 0) {
      this.#failure ??= error;
      if (this.#identity?.inTransaction === true) this.#identity.failed(error);
    }
    for (const { records } of this.#unplaced.values()) for (const { answer } of records) answer.reject(error);
    for (const queue of [...this.#active]) {
      this.bufferedBytes -= queue.bytes;
      queue.drop(error);
      this.#active.delete(queue);
    }
    this.#settleFlush();
  }
}

interface Unplaced {
  readonly records: { readonly record: CheckedRecord; readonly answer: Deferred<RecordMetadata> }[];
  /** Resolves when all of them have their partition, or failed. */
  readonly placed: Promise<void>;
}

const PRINTED_BYTES = 40;

function printable(key: Uint8Array): string {
  const text = Buffer.from(key.subarray(0, PRINTED_BYTES)).toString();
  return key.length > PRINTED_BYTES ? `${text}…` : text;
}
