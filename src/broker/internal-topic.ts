import { batchHeader, ErrorCode, isIntactBatch, RecordBatchBuilder } from '../protocol/index.ts';
import { assert, type Environment } from '../util/index.ts';
import type { Partition, Settled } from './partition.ts';
import { LEAST_SEGMENT_BYTES } from './settings.ts';
import type { Topic, Topics } from './topics.ts';

export interface JournalRecord {
  readonly key: Buffer;
  /** Null deletes what was written under the key. */
  readonly value: Buffer | null;
}

/**
 * A topic in which a coordinator keeps its state, spread over its partitions by key. It is created when first written to. It is
 * compacted, unless the coordinator itself says what is not needed any more.
 */
export class InternalTopic {
  readonly name: string;
  readonly #topics: Topics;
  readonly #environment: Environment;
  readonly #report: (message: string) => void;

  constructor(options: {
    readonly name: string;
    readonly topics: Topics;
    readonly environment: Environment;
    readonly partitions: number;
    readonly segmentBytes: number;
    /** Default true. */
    readonly isCompacted?: boolean;
    readonly report: (message: string) => void;
  }) {
    this.name = options.name;
    this.#topics = options.topics;
    this.#environment = options.environment;
    this.#report = options.report;
    options.topics.declareInternal({
      name: options.name,
      partitions: options.partitions,
      configs: {
        ...(options.isCompacted === false
          ? { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' }
          : { 'cleanup.policy': 'compact' }),
        'compression.type': 'producer',
        ...segmentSize(options.segmentBytes),
      },
    });
  }

  /** Its partitions, or none while nothing was ever written. */
  existing(): readonly Partition[] {
    return this.#topics.get(this.name)?.partitions ?? [];
  }

  /** Shows what was written, batch by batch. A damaged batch is passed over and told: what it said is lost. */
  replay({ log, topic, index }: Partition, visit: (bytes: Buffer, at: number) => void): void {
    log.forEachBatch(log.startOffset, (bytes, at) => {
      if (isIntactBatch(bytes, at)) visit(bytes, at);
      else
        this.#report(
          `partition ${topic}-${index}: the batch at offset ${batchHeader.baseOffset(bytes, at)} is damaged`,
        );
      return true;
    });
  }

  partitionOf(key: string): Partition {
    const { partitions } = this.#topic();
    return partitions[partitionIndex(key, partitions.length)]!;
  }

  /** Appends records to the partition of `key` and calls back when they are durable. */
  append(key: string, records: readonly JournalRecord[], settled: Settled): void {
    this.appendBatch(this.partitionOf(key), this.#batch(records), settled);
  }

  /** Appends records that count only when the producer's transaction commits. */
  appendTransactional(
    key: string,
    records: readonly JournalRecord[],
    producer: { readonly id: number; readonly epoch: number },
    settled: Settled,
  ): Partition {
    const partition = this.partitionOf(key);
    this.appendBatch(partition, this.#batch(records, producer), settled);
    return partition;
  }

  appendBatch(partition: Partition, batch: Buffer, settled: Settled): void {
    const result = partition.append(batch, -1);
    if (result.kind === 'refused') {
      settled(result.errorCode);
      return;
    }
    partition.whenDurable(result.lastOffset, settled);
  }

  #batch(records: readonly JournalRecord[], producer?: { readonly id: number; readonly epoch: number }): Buffer {
    assert(records.length > 0, 'a journal entry without records');
    const now = this.#environment.now();
    const builder = new RecordBatchBuilder(1024);
    for (const { key, value } of records) builder.append(key, value, now);
    // Without sequences: the coordinator itself is the producer, and it writes each record once.
    return producer === undefined
      ? builder.finish()
      : builder.finish({ producerId: producer.id, producerEpoch: producer.epoch, transactional: true });
  }

  #topic(): Topic {
    return this.#topics.get(this.name) ?? this.#topics.create([this.#topics.byDefault(this.name)])[0]!;
  }
}

/** Tests have smaller ones than users may. */
function segmentSize(bytes: number): Readonly<Record<string, string>> {
  return { [bytes < LEAST_SEGMENT_BYTES ? 'internal.segment.bytes' : 'segment.bytes']: String(bytes) };
}

/** Kafka's placement of groups and transactional ids: Java's string hash, made positive. */
export function partitionIndex(key: string, partitions: number): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return hash === -2147483648 ? 0 : Math.abs(hash) % partitions;
}

/** The answer of a coordinator whose journal can't be written. */
export function coordinatorError(errorCode: number): number {
  return errorCode === ErrorCode.KAFKA_STORAGE_ERROR ? ErrorCode.COORDINATOR_NOT_AVAILABLE : errorCode;
}
