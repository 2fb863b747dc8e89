import type { TopicPartition } from '../../client/index.ts';
import type { Serde } from '../../serde/index.ts';
import type { RecordContext } from './context.ts';

/** Keys and values may be null where the topic holds nulls; a serde never sees them. */
export type SerdeOf<T> = Serde<NonNullable<T>>;

/** A serde that can write such keys or values, and may read as more than they are: a text for one of two words. */
export interface WritingSerdeOf<T> extends Omit<SerdeOf<T>, 'decode'> {
  /** What stands in `bytes[start, end)`. */
  decode(bytes: Buffer, start: number, end: number): unknown;
}

/**
 * What a function looks at. Keys and values that nobody reads are never decoded: a record whose key is untouched is
 * forwarded, grouped and joined by its bytes. The other argument is undefined then. Default `both`.
 */
export type Reads = 'both' | 'key' | 'value' | 'neither';

/** What has a name in the topology. */
export interface Named {
  /** The operator's name in the topology; stores and internal topics are named after it. Default: derived from the structure. */
  readonly name?: string;
}

/** What a function looks at. */
export interface Reading<R extends Reads = Reads> extends Named {
  /** Default `both`. */
  readonly reads?: R;
}

/** A key, and a value, as a function gets them that reads so. */
export type KeyRead<K, R extends Reads> = R extends 'both' | 'key' ? K : undefined;
export type ValueRead<V, R extends Reads> = R extends 'both' | 'value' ? V : undefined;

/** How a function is called that is waited for. */
export interface AsyncOptions extends Named {
  /** Calls under way at a time, per partition of the input. Default 16. */
  readonly concurrency?: number;
  /**
   * `key` (default): one call at a time for a key, results of a key in the order of its records. `partition`: calls of all
   * keys at once, results in the order of the records. `none`: results as they come.
   */
  readonly order?: 'key' | 'partition' | 'none';
  /** An attempt that takes longer has failed, and its signal is aborted. Default 30,000. */
  readonly timeoutMs?: number;
  /** Further attempts behind one that failed. Default 0: `onProcessingError` decides at once. */
  readonly retries?: number;
  /** The pause before the first of them; it doubles each time, up to a minute, a fifth more or less by chance. Default 100. */
  readonly retryDelayMs?: number;
  /** Whether another attempt may help. Default: always. */
  readonly isRetriable?: (error: unknown) => boolean;
  /** Calls that are begun per second, attempts not counted, by all partitions of an instance together. Default: no limit. */
  readonly callsPerSecond?: number;
}

/** Returns a record's event time; a negative one drops the record. `partitionTime` is the latest time seen in its partition. */
export type TimestampExtractor<K, V> = (key: K, value: V, context: RecordContext, partitionTime: number) => number;

/** Where reading begins in a partition for which the group has committed nothing; `none`: the application stops there. */
export type OffsetReset = 'earliest' | 'latest' | 'none';

/** The same for one source, which may also say the offset to begin with, by partition; -2 is the earliest, -1 the latest. */
export type SourceOffsetReset = OffsetReset | ((partition: TopicPartition) => number);

/** How a topic is read. */
export interface Consumed<K, V> extends Named {
  /** How keys are read. */
  readonly key: SerdeOf<K>;
  /** How values are read. */
  readonly value: SerdeOf<V>;
  /** Event time of records. Default: their timestamps. */
  readonly timestampExtractor?: TimestampExtractor<K, V>;
  /** Default: the application's `autoOffsetReset`. */
  readonly offsetReset?: SourceOffsetReset;
  /** What happens to records of this source that can't be decoded; default: the application's `onDecodeError`. */
  readonly onDecodeError?: DecodeErrorHandler;
}

/**
 * Returns the partition of a record, or several, each of which gets it (KIP-837); none: it is left out (`no-partition`).
 * Undefined: as without a partitioner, murmur2 of the key's bytes.
 */
export type StreamPartitioner<K, V> = (
  topic: string,
  key: K,
  value: V,
  partitions: number,
) => number | readonly number[] | undefined;

/** How a topic is written. */
export interface Produced<K, V> extends Named {
  /** Default: as keys were read or made. */
  readonly key?: WritingSerdeOf<K>;
  /** Default: as values were read or made. */
  readonly value?: WritingSerdeOf<V>;
  /** Default: murmur2 of the key's bytes. */
  readonly partitioner?: StreamPartitioner<K, V>;
  /** Returns the timestamp to write; default: the record's. */
  readonly timestamp?: (key: K, value: V, context: RecordContext) => number;
}

/** How records are grouped. */
export interface Grouped<K, V, R extends Reads = Reads> extends Reading<R> {
  /** Needed when the records have to be repartitioned and the serdes are not known from the source. */
  readonly key?: WritingSerdeOf<K>;
  /** As `key`, for values. */
  readonly value?: WritingSerdeOf<V>;
}

/** A topic in between, by which records are spread anew. */
export interface Repartitioned<K, V> extends Named {
  /** Default: as keys were read or made. */
  readonly key?: WritingSerdeOf<K>;
  /** Default: as values were read or made. */
  readonly value?: WritingSerdeOf<V>;
  readonly partitions?: number;
  /** Default: murmur2 of the key's bytes. */
  readonly partitioner?: StreamPartitioner<K, V>;
}

/**
 * Where a store's rows are. `PERSISTENT`: on disk under `stateDir`, and in memory as far as they are in use, within the
 * budget `statestoreCacheMaxBytes`. `IN_MEMORY`: all of them in memory, outside of the budget. Without a `stateDir`, or
 * without a changelog, every store is in memory.
 */
export type StoreType = 'PERSISTENT' | 'IN_MEMORY';

/** The state behind a table. */
export interface Materialized<K, V> {
  /** The store's name: needed for interactive queries; its changelog is `<application>-<name>-changelog`. */
  readonly name?: string;
  /** How keys are kept. Default: as they were read or made. */
  readonly key?: WritingSerdeOf<K>;
  /** How values are kept. Default: as they were read or made. */
  readonly value?: WritingSerdeOf<V>;
  /** How long windows are kept, at least size plus grace. */
  readonly retentionMs?: number;
  /** True: one update per key and commit goes downstream; false: every update. Default: the application's setting. */
  readonly caching?: boolean;
  /** False: the state is lost on restart. Default true. */
  readonly logging?: boolean;
  /** Default `PERSISTENT`. A processor that walks through the store by `range`, `all` or `fetchAll` needs it `IN_MEMORY`. */
  readonly storeType?: StoreType;
  /** Keeps so many entries, those used most recently, in memory; a table forgets the others without a word. */
  readonly maxEntries?: number;
  /**
   * `versioned`: the table knows which value was valid when, as far back as `historyRetentionMs`. Default: what the operator
   * needs; `window` and `session` are of tables of windows, and of sessions.
   */
  readonly kind?: 'key-value' | 'versioned' | 'window' | 'session';
  /** Of tables of windows: how long these are, where a supplier says it. It is what the windows say. */
  readonly windowSizeMs?: number;
  /** Of versioned tables: how far back values are known, ms. */
  readonly historyRetentionMs?: number;
  /** Of versioned tables: how much of the time that is kept goes at once. Default: half of it, and a second at least. */
  readonly segmentIntervalMs?: number;
  /** Further settings of the changelog topic. */
  readonly topicConfig?: Readonly<Record<string, string>>;
}

/** The state of a join of two streams. */
export interface StreamJoined<K, V1, V2> extends Named {
  /** How keys are kept. Default: as they were read or made. */
  readonly key?: WritingSerdeOf<K>;
  /** How values of this stream are kept. Default: as they were read or made. */
  readonly value?: WritingSerdeOf<V1>;
  /** How values of the other stream are kept. Default: as they were read or made. */
  readonly otherValue?: WritingSerdeOf<V2>;
  /** What the names of the stores begin with. Default: the join's name. */
  readonly storeName?: string;
  /** How long records wait for their partners, ms. Default, and the least: as long as they can be joined. */
  readonly retentionMs?: number;
  /** False: the state is lost on restart. Default true. */
  readonly logging?: boolean;
  /** Default `PERSISTENT`. */
  readonly storeType?: StoreType;
}

/** How a stream is joined with a table. */
export interface Joined<K, V1> extends Named {
  /** How keys are written, where the stream is repartitioned. */
  readonly key?: WritingSerdeOf<K>;
  /** How values are written, where the stream is repartitioned. */
  readonly value?: WritingSerdeOf<V1>;
  /**
   * Records wait until the stream's time is so much later than theirs, and are joined then with what the table held at their
   * own time. The table has to be versioned. Default: they are joined at once.
   */
  readonly gracePeriodMs?: number;
}

/** Serdes of a foreign-key join's internal topics, where they are not known from the tables. */
export interface TableJoined<K, KO, V, VO> extends Named {
  /** Keys of this table. */
  readonly key?: WritingSerdeOf<K>;
  /** Values of this table. */
  readonly value?: WritingSerdeOf<V>;
  /** Keys of the other table. */
  readonly otherKey?: WritingSerdeOf<KO>;
  /** Values of the other table. */
  readonly otherValue?: WritingSerdeOf<VO>;
}

/** By which time windows take records, and close. */
export interface WindowTime {
  /**
   * `event`, the default: the records' timestamps. `processing`: the wall clock when a record comes to the windows, which is its
   * timestamp from there on; nothing is late.
   */
  readonly time?: 'event' | 'processing' | undefined;
  /**
   * When a task has had no record for so long, and none is waiting, its windows' time goes on by the wall clock: they close, and
   * what comes for them later is late. Default: time stands still until a record comes.
   */
  readonly idleMs?: number | undefined;
}

/** When windowed aggregates are emitted: with every update, or once when the window can't change any more. */
export type EmitStrategy = 'onWindowUpdate' | 'onWindowClose';

/** How long updates of a table are held back: until their window closes, or for `ms` of event time. */
export type Suppressed =
  | { readonly until: 'windowCloses'; readonly name?: string; readonly maxRecords?: number }
  | {
      readonly until: 'timeLimit';
      readonly ms: number;
      readonly name?: string;
      readonly maxRecords?: number;
      /** What happens beyond `maxRecords`. Default `emitEarly`. */
      readonly whenFull?: 'emitEarly' | 'fail';
    };

/** A record that something went wrong with. */
export interface FailedRecord {
  /** Where it is from. */
  readonly topic: string;
  /** From 0. */
  readonly partition: number;
  /** Its place in the partition. */
  readonly offset: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  /** The operator that failed. */
  readonly node: string;
}

/** A record whose key or value is none of its serde. */
export interface UndecodableRecord extends FailedRecord {
  /** Which of the two it is. */
  readonly part: 'key' | 'value';
  /** Views that are valid during the call only. */
  readonly rawKey: Buffer | null;
  /** As `rawKey`: valid during the call only. */
  readonly rawValue: Buffer | null;
}

/** `continue` skips the record, `fail` stops the application at it. */
export type ErrorResponse = 'continue' | 'fail';
/** Called when a key or a value can't be decoded. */
export type DecodeErrorHandler = (error: unknown, record: UndecodableRecord) => ErrorResponse;
/**
 * What becomes of an application whose instance has met what it can't get past: it begins anew at the last commit, waiting
 * longer each time (`replaceThread`), stops (`shutdownClient`), or stops together with all other instances
 * (`shutdownApplication`).
 */
export type UncaughtResponse = 'replaceThread' | 'shutdownClient' | 'shutdownApplication';
/** Called when an instance has met what it can't get past. */
export type UncaughtErrorHandler = (error: unknown) => UncaughtResponse;
/** Called when a user's function throws. */
export type ProcessingErrorHandler = (error: unknown, record: FailedRecord) => ErrorResponse;

/** A record that the broker refuses for what it is: its offset is -1, its node the sink. */
export interface RefusedOutput extends FailedRecord {
  /** Views that are valid during the call only. */
  readonly rawKey: Uint8Array | null;
  /** As `rawKey`: valid during the call only. */
  readonly rawValue: Uint8Array | null;
}
/** Called when the broker refuses a record of a sink. Records of changelogs can't be left out: there it is not asked. */
export type ProductionErrorHandler = (error: unknown, record: RefusedOutput) => ErrorResponse;

/** Why operators leave records out. */
export const DROP_REASONS = [
  'null-key',
  'null-value',
  'late',
  'expired',
  'out-of-order',
  'no-partition',
  'no-window',
  'negative-timestamp',
  'null-foreign-key',
  'undecodable',
  'failed',
  'refused',
] as const;
/** One of `DROP_REASONS`. */
export type DropReason = (typeof DROP_REASONS)[number];
/** Told about every record that an operator leaves out by its rules. */
export type DropListener = (reason: DropReason, record: FailedRecord) => void;

/** Records that an operator of a task has left out since the last report, as they came too late for it. */
export interface LateReport {
  /** `<sub-topology>_<partition>`. */
  readonly taskId: string;
  /** Its name in the topology. */
  readonly operator: string;
  /** Windows had closed (`late`), or had been forgotten as well (`expired`). */
  readonly reason: 'late' | 'expired';
  /** Records since the last report. */
  readonly count: number;
  /** Event time that the task had come to. */
  readonly streamTime: number;
}
