// What flows through Connect. A source record is on its way from a connector's task through transformations and converters into
// a topic, a sink record the other way. Values: INT8–INT32, FLOAT32, FLOAT64 numbers; INT64 bigint; BOOLEAN; STRING; BYTES
// Uint8Array; ARRAY array; MAP `Map`; STRUCT plain object by field name; Decimal `Decimal`; Date, Time, Timestamp `Date`.
// Without a schema: what JSON has, whole numbers beyond 2^53 as bigint, objects as plain objects.
import type { Schema } from './schema.ts';

/** A value, and what it is. */
export interface SchemaAndValue {
  /** Null: the value has no schema. */
  readonly schema: Schema | null;
  /** As its schema says. */
  readonly value: unknown;
}

/** A header of a record. Names may come several times. */
export interface ConnectHeader extends SchemaAndValue {
  /** Its name. */
  readonly key: string;
}

/** What source and sink records have in common, and all that transformations see. */
export interface ConnectRecord {
  /** Where it goes, or was. */
  readonly topic: string;
  /** Null: the producer chooses. */
  readonly partition: number | null;
  /** What its key is; null: not said. */
  readonly keySchema: Schema | null;
  /** Null: it has none. */
  readonly key: unknown;
  /** What its value is; null: not said. */
  readonly valueSchema: Schema | null;
  /** Null is a tombstone. */
  readonly value: unknown;
  /** Milliseconds since the epoch; null: when it is written. */
  readonly timestamp: number | null;
  /** In their order. */
  readonly headers: readonly ConnectHeader[];
}

/** What JSON has: the partitions and offsets of sources are stored as that. */
export type OffsetValue = string | number | boolean | null;
/** Which part of a source a record is from: a file, a table. */
export type SourcePartition = Readonly<Record<string, OffsetValue>>;
/** Where in that part reading goes on behind a record. */
export type SourceOffset = Readonly<Record<string, OffsetValue>>;

/** A record that a source's task has read. */
export interface SourceRecord extends ConnectRecord {
  /** Which part of the source it is from. */
  readonly sourcePartition: SourcePartition;
  /** Where reading goes on behind it. */
  readonly sourceOffset: SourceOffset;
}

/** A record on its way to a sink's task. */
export interface SinkRecord extends ConnectRecord {
  /** From 0. */
  readonly partition: number;
  /** In its partition. */
  readonly offset: number;
  /** Whether the producer or the log said the time. */
  readonly timestampType: 'CreateTime' | 'LogAppendTime';
  /** Where it was before transformations renamed anything: what offsets are committed by. */
  readonly originalTopic: string;
  /** From 0. */
  readonly originalPartition: number;
  /** In that partition. */
  readonly originalOffset: number;
}

/** A source record with what is usual: the producer chooses partition and time, no key, no headers. */
export function sourceRecord(
  given: Pick<SourceRecord, 'topic' | 'value' | 'valueSchema' | 'sourcePartition' | 'sourceOffset'> &
    Partial<SourceRecord>,
): SourceRecord {
  return { partition: null, keySchema: null, key: null, timestamp: null, headers: [], ...given };
}
