// The records that wait to be sent: per partition one open batch that takes records, and a queue of sealed ones. A batch
// keeps its place until it is acknowledged, so the order of a partition's records survives every retry.
import { RecordBatchBuilder, setProducer } from '../protocol/index.ts';
import type { Deferred } from '../util/index.ts';
import type { Compression, Header, RecordMetadata } from './client.ts';
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
  /** Sent at least once: the broker may have it, so it must come again as it is. */
  attempted: boolean;
  readonly interested: readonly Interest[];
}

export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  readonly sealed: SealedBatch[] = [];
  inFlight = false;
  /** The last attempt failed retriably, and the next one has to wait a little. */
  backingOff = false;
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
      attempted: false,
      interested: this.#interested,
    });
    this.#interested = [];
    this.#nextSequence = followingSequence(this.#nextSequence, recordCount);
  }

  /** A new identity starts counting at 0: what was never sent is stamped again. */
  adopt(identity: ProducerIdentity): void {
    this.#nextSequence = 0;
    for (const batch of this.sealed) {
      if (batch.attempted) continue;
      batch.baseSequence = this.#nextSequence;
      setProducer(batch.bytes, 0, identity.producerId, identity.producerEpoch, batch.baseSequence);
      this.#nextSequence = followingSequence(this.#nextSequence, batch.recordCount);
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
