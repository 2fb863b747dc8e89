// The records that wait to be sent: per partition one open batch that takes records, and a queue of sealed ones. A batch
// keeps its place until it is acknowledged, so the order of a partition's records survives every retry.
import { BatchCursor, batchHeader, RecordBatchBuilder, setProducer } from '../protocol/index.ts';
import type { Deferred } from '../util/index.ts';
import type { Compression, Header, RecordMetadata, RefusedRecord } from './client.ts';
import type { ProducerIdentity } from './transaction.ts';

/** Someone who wants to know where their record went. */
interface Interest {
  readonly delta: number;
  readonly timestamp: number;
  readonly answer: Deferred<RecordMetadata>;
}

export interface SealedBatch {
  readonly bytes: Buffer;
  readonly recordCount: number;
  readonly sealedAt: number;
  baseSequence: number;
  /** How often it was sent. Once it was, the broker may have it, so it must come again as it is. */
  attempts: number;
  /** An attempt had no answer: nobody knows whether it was written. */
  isUncertain: boolean;
  readonly interested: readonly Interest[];
}

/** What a record takes besides its key, value and headers, at most: lengths, time and offset. */
const RECORD_OVERHEAD_BYTES = 40;

export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  readonly sealed: SealedBatch[] = [];
  inFlight = false;
  /** The last attempt failed retriably and the next one has to wait a little, or a leader is being looked for. */
  isWaiting = false;
  /** Attempts that failed in a row. */
  failures = 0;
  /** The partition refused a batch that was larger. */
  largestBytes = Number.POSITIVE_INFINITY;
  readonly #builder = new RecordBatchBuilder();
  #interested: Interest[] = [];
  #nextSequence = 0;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  get openBytes(): number {
    return this.#builder.count === 0 ? 0 : this.#builder.sizeInBytes;
  }

  /** All that waits. */
  get bytes(): number {
    return this.sealed.reduce((sum, batch) => sum + batch.bytes.length, this.openBytes);
  }

  /** Whether records wait whose failure nobody hears of but the next flush. */
  get holdsUnowned(): boolean {
    const isUnowned = this.#builder.count > this.#interested.length;
    return isUnowned || this.sealed.some(({ recordCount, interested }) => recordCount > interested.length);
  }

  get isEmpty(): boolean {
    return this.sealed.length === 0 && this.#builder.count === 0;
  }

  append(
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestamp: number,
    headers: readonly Header[] | undefined,
    answer: Deferred<RecordMetadata> | undefined,
  ): void {
    if (answer !== undefined) this.#interested.push({ delta: this.#builder.count, timestamp, answer });
    this.#builder.append(key, value, timestamp, headers);
  }

  /** Closes the open batch, if there is one. `identity` is undefined for a producer without idempotence. */
  seal(identity: ProducerIdentity | undefined, compression: Compression, now: number): void {
    const recordCount = this.#builder.count;
    if (recordCount === 0) return;
    const baseSequence = identity === undefined ? -1 : this.#nextSequence;
    const bytes = this.#builder.finish({
      compression,
      ...(identity === undefined
        ? {}
        : {
            producerId: identity.producerId,
            producerEpoch: identity.producerEpoch,
            baseSequence,
            transactional: identity.isTransactional,
          }),
    });
    this.sealed.push({
      bytes,
      recordCount,
      sealedAt: now,
      baseSequence,
      attempts: 0,
      isUncertain: false,
      interested: this.#interested,
    });
    this.#interested = [];
    this.#nextSequence = followingSequence(this.#nextSequence, recordCount);
  }

  /** A new identity starts counting at 0: what was never sent is stamped again. */
  adopt(identity: ProducerIdentity): void {
    this.#nextSequence = 0;
    for (const batch of this.sealed) {
      if (batch.attempts > 0) continue;
      batch.baseSequence = this.#nextSequence;
      setProducer(batch.bytes, 0, identity.producerId, identity.producerEpoch, batch.baseSequence);
      this.#nextSequence = followingSequence(this.#nextSequence, batch.recordCount);
    }
  }

  /**
   * Cuts the first batch, which was refused, into several in its place, in the same order and under the same sequence
   * numbers: smaller ones that are half as large at most, or so that those records stand alone (none named: in two).
   */
  cut(how: 'smaller' | readonly number[], compression: Compression, transactional: boolean): void {
    const batch = this.sealed[0]!;
    if (how === 'smaller') this.largestBytes = Math.min(this.largestBytes, Math.ceil(batch.bytes.length / 2));
    const alone = new Set(how === 'smaller' ? [] : how);
    const middle = Math.ceil(batch.recordCount / 2);
    const begins = (index: number, bytes: number): boolean => {
      if (how === 'smaller') return bytes > this.largestBytes;
      return alone.size === 0 ? index === middle : alone.has(index) || alone.has(index - 1);
    };
    const { producerId, producerEpoch } = stampOf(batch.bytes);
    const pieces: SealedBatch[] = [];
    const builder = new RecordBatchBuilder();
    let first = 0;
    const finish = (): void => {
      const recordCount = builder.count;
      const baseSequence = batch.baseSequence < 0 ? -1 : followingSequence(batch.baseSequence, first);
      const stamp = { producerId, producerEpoch, baseSequence, transactional };
      const interested = batch.interested
        .filter(({ delta }) => delta >= first && delta < first + recordCount)
        .map((interest) => ({ ...interest, delta: interest.delta - first }));
      const bytes = builder.finish({ compression, ...stamp });
      const { sealedAt } = batch;
      pieces.push({ bytes, recordCount, sealedAt, baseSequence, attempts: 0, isUncertain: false, interested });
      first += recordCount;
    };
    for (const { key, value, timestamp, headers } of recordsIn(batch.bytes)) {
      const bytes = (key?.length ?? 0) + (value?.length ?? 0) + sizeOf(headers) + RECORD_OVERHEAD_BYTES;
      if (builder.count > 0 && begins(first + builder.count, builder.sizeInBytes + bytes)) finish();
      builder.append(key, value, timestamp, headers);
    }
    finish();
    this.sealed.splice(0, 1, ...pieces);
  }

  /** The record of the first batch, which has one. */
  onlyRecord(): RefusedRecord {
    const [record] = recordsIn(this.sealed[0]!.bytes);
    return { topic: this.topic, partition: this.partition, ...record! };
  }

  /** Leaves out the first batch, which was refused: those behind it, which were never sent, move up in the sequence. */
  dropFirst(reason: unknown): void {
    const batch = this.sealed.shift()!;
    for (const { answer } of batch.interested) answer.reject(reason);
    if (batch.baseSequence < 0) return;
    this.#nextSequence = batch.baseSequence;
    for (const next of this.sealed) {
      const { producerId, producerEpoch } = stampOf(next.bytes);
      next.baseSequence = this.#nextSequence;
      setProducer(next.bytes, 0, producerId, producerEpoch, next.baseSequence);
      this.#nextSequence = followingSequence(this.#nextSequence, next.recordCount);
    }
  }

  /** Throws away everything that waits. */
  drop(reason: unknown): void {
    for (const { answer } of this.sealed.splice(0).flatMap((batch) => batch.interested)) answer.reject(reason);
    for (const { answer } of this.#interested) answer.reject(reason);
    this.#interested = [];
    this.#builder.reset();
  }
}

/** Sequence numbers wrap from 2^31 - 1 to 0. */
function followingSequence(sequence: number, count: number): number {
  return (sequence + count) % 2 ** 31;
}

/** Who wrote the batch: another identity may have come since. */
function stampOf(bytes: Buffer): { readonly producerId: number; readonly producerEpoch: number } {
  return { producerId: batchHeader.producerId(bytes), producerEpoch: batchHeader.producerEpoch(bytes) };
}

function* recordsIn(bytes: Buffer): Generator<Omit<RefusedRecord, 'topic' | 'partition'>> {
  const cursor = new BatchCursor(bytes);
  while (cursor.advance()) {
    const { bytes: plain, keyStart, keyEnd, valueStart, valueEnd, timestamp, headerCount } = cursor;
    yield {
      key: keyStart < 0 ? null : plain.subarray(keyStart, keyEnd),
      value: valueStart < 0 ? null : plain.subarray(valueStart, valueEnd),
      timestamp,
      headers: headerCount === 0 ? [] : cursor.headers(),
    };
  }
}

function sizeOf(headers: readonly Header[]): number {
  return headers.reduce((sum, { key, value }) => sum + Buffer.byteLength(key) + (value?.length ?? 0) + 10, 0);
}
