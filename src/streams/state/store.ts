/**
 * PORT. What the runtime needs of a state store, whatever its shape: the rows that changed, and a way to put rows back.
 * A row is what lands on the changelog topic, byte for byte Kafka's layout for that kind of store.
 */
import type { Serde } from '../../serde/index.ts';
import { MillraceError } from '../../util/index.ts';
import type { CustomStore, CustomStoreContext } from '../api/custom-store.ts';
import type { DecodeErrorHandler, StoreType } from '../api/options.ts';
import type { MemoryBudget } from './memory-budget.ts';

export type StoreKind =
  | 'key-value'
  | 'window'
  | 'session'
  | 'sliding'
  | 'join-buffer'
  | 'outer-buffer'
  | 'suppress'
  | 'versioned'
  | 'custom'
  | 'subscription';

export interface StoreSpec {
  readonly kind: StoreKind;
  readonly name: string;
  readonly key: Serde<unknown>;
  readonly value: Serde<unknown>;
  /** The right side's values, where a store holds those of both sides. */
  readonly otherValue?: Serde<unknown>;
  readonly logging: boolean;
  /** Default `PERSISTENT`. */
  readonly storeType?: StoreType | undefined;
  /** Windows of user code may start anywhere: they are found by their key first. */
  readonly startsAnywhere?: boolean;
  /** Set where the user decided; otherwise the application's setting counts. */
  readonly caching?: boolean | undefined;
  /** Windowed kinds: how far behind the newest window entries are kept. */
  readonly retentionMs?: number;
  /** Key-value stores that keep so many entries, those used most recently. */
  readonly maxEntries?: number;
  /** Makes a store of a user's own. */
  readonly create?: (context: CustomStoreContext) => CustomStore;
  /** Versioned stores: how far back of the newest time it is known which value was valid. */
  readonly historyRetentionMs?: number;
  /** How much of the time that is kept goes at once. Default: half of it, and a second at least. */
  readonly segmentIntervalMs?: number;
  /** Fixed-size windows: start + windowSizeMs is the end. */
  readonly windowSizeMs?: number;
  readonly topicConfig?: Readonly<Record<string, string>> | undefined;
  /** The topic that the table is read from, when its records are the changelog. */
  readonly sourceTopic?: string | undefined;
  /** The rows are those of that topic, as its records are, and no changelog is written; only this operator puts them. */
  readonly writer?: string;
  /** What happens to records of that topic that can't be decoded; default: the application's. */
  readonly onDecodeError?: DecodeErrorHandler | undefined;
}

/** `key` and `value` are views that are valid during the call. */
export type RowVisitor = (key: Buffer, value: Buffer | null, timestamp: number) => void;

/** A row that is put back, as spans of the bytes that hold it. A record under a cursor is one: nothing is made for a row. */
export interface Row {
  readonly bytes: Buffer;
  readonly keyStart: number;
  readonly keyEnd: number;
  /** Negative when the row was removed. */
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly timestamp: number;
}

/** Where a store keeps its rows on disk. What is written there goes through the checkpoint of all stores of the task. */
export interface Disk {
  readonly budget: MemoryBudget;
  /** In front of the store's keys there. */
  readonly prefix: Buffer;
  /** A row by its whole key, or undefined. Throws `StateUnreadable`. */
  get(key: Buffer): Buffer | undefined;
  /** Reads take so long now that it pays to make them before they are needed. */
  readonly isSlow: boolean;
  /** Rows by their whole keys, in one go and off the loop; undefined for those that are not there. */
  getMany(keys: readonly Buffer[]): Promise<readonly (Buffer | undefined)[]>;
  /** The rows as they are now, in the order of their keys, or the other way round. */
  scan(range: KeyRange & { readonly reverse: boolean }): DiskIterator;
  /** A row that was read is not what was written. */
  damaged(): StateUnreadable;
}

/** What a store has to know of its rows on disk when it is opened again. */
export interface SavedStore {
  /** Entries. */
  readonly size: number;
  /** Stores with a retention: the newest time written, and per piece of time that has rows its start and its entries. */
  readonly storeTime?: number;
  readonly segments?: readonly (readonly [start: number, size: number])[];
}

/** Reads rows, `[key, value]`; none when there are no more. */
export interface DiskIterator {
  nextv(count: number): Promise<readonly (readonly [Buffer, Buffer])[]>;
  close(): Promise<void>;
}

/** Keys from `gte` to below `lt`. */
export interface KeyRange {
  readonly gte: Buffer;
  readonly lt: Buffer;
}

/**
 * A row on disk could not be read in the middle of a record. What the record has done until then is dropped with the
 * worker; when `recover` has resolved, the next one will be able to read the row.
 */
export class StateUnreadable extends MillraceError {
  override readonly name = 'StateUnreadable';
  readonly recover: () => Promise<void>;

  constructor(code: string, message: string, recover: () => Promise<void>, cause?: unknown) {
    super(code, message, { retriable: true, cause });
    this.recover = recover;
  }
}

/** A row of the disk: `value` is null where the row is to go. Views that are valid during the call. */
export type DiskVisitor = (key: Buffer, value: Buffer | null) => void;

/** Rows that are read before anybody asks for them. */
export interface Ahead {
  /** Whether that pays, and there is room for more. */
  readonly isWanted: boolean;
  /** A key that is about to be asked for. */
  expect(bytes: Buffer, start: number, end: number): void;
  /** Reads what is expected. Never rejects. */
  read(): Promise<void>;
}

export interface StateStore {
  readonly spec: StoreSpec;
  /** All rows stay in memory; set before they are read. */
  staysInMemory: boolean;
  /** Where rows of keys that are about to be asked for can be read ahead; undefined where all are in memory. */
  readonly ahead?: Ahead | undefined;
  /** Visits the rows that changed since the last call. */
  drainLog(visit: RowVisitor): void;
  /**
   * As `drainLog`, for the disk and in its layout, for about `limit` rows at a time. Returns whether some are left. The rows
   * stay in memory until `saved`.
   */
  drainDisk(visit: DiskVisitor, limit?: number): boolean;
  /** What was drained to the disk is there. */
  saved(): void;
  /** Rows on disk that have expired, since it was asked last. */
  expired(): KeyRange | undefined;
  /** Puts back a row from the log. Nobody needs to hear of it, except the disk. */
  restore(row: Row): void;
  /** What `resume` will want to know when the rows that were drained are on disk. */
  describe(): SavedStore;
  /** Takes over what is on disk. */
  resume(saved: SavedStore): void;
  /** Takes in a row of the disk, where all of them stay in memory. */
  take(key: Buffer, value: Buffer): void;
  /** Stores with a retention: time does not pass beyond this, whatever is written. Infinity at first. */
  timeHasCome?(time: number): void;
  /** The times of its rows are those of the wall clock: what records say of time does not bound them. */
  goesByClock?: boolean;
  /** Lets go of its part of the memory budget. */
  close(): void;
  /** Entries, in memory or not. */
  readonly size: number;
  /** About how many bytes they take, encoded, where that is known. */
  readonly bytes?: number;
}

/** Who follows what changes; a store that nobody logs is in memory only. */
export interface Tracking {
  readonly log: boolean;
  readonly disk: Disk | null;
}

export const NO_TRACKING: Tracking = { log: false, disk: null };

/** How far an operator that emits closed windows has come. Checkpointed and committed, so that it survives a restart. */
export interface EmitPosition {
  /** The largest timestamp seen. Time itself may be behind it: see `TaskScope`. */
  observedTime: number;
  lastClose: number;
}
