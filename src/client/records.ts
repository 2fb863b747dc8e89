import type { FetchedPartition, Header } from './client.ts';

/** One record as an object: for callers off the hot path, and for everybody's first program. */
export interface ConsumerRecord {
  /** Where it is from. */
  readonly topic: string;
  /** From 0. */
  readonly partition: number;
  /** Its place in the partition. */
  readonly offset: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  /** A copy of its bytes; null where it has none. */
  readonly key: Buffer | null;
  /** A copy of its bytes; null for a tombstone. */
  readonly value: Buffer | null;
  /** In their order. */
  readonly headers: readonly Header[];
}

/** Copies what a poll brought out of its buffers, in order per partition. */
export function* recordsOf(fetched: readonly FetchedPartition[]): Generator<ConsumerRecord> {
  for (const { topic, partition, cursor } of fetched) {
    while (cursor.advance()) {
      const { offset, timestamp, bytes, keyStart, keyEnd, valueStart, valueEnd, headerCount } = cursor;
      yield {
        topic,
        partition,
        offset,
        timestamp,
        key: keyStart < 0 ? null : Buffer.from(bytes.subarray(keyStart, keyEnd)),
        value: valueStart < 0 ? null : Buffer.from(bytes.subarray(valueStart, valueEnd)),
        headers: headerCount === 0 ? [] : cursor.headers(),
      };
    }
  }
}
