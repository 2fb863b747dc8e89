/**
 * PORT. What the runtime needs of a state store, whatever its shape: the rows that changed, and a way to put rows back.
 * A row is what lands on the changelog topic, byte for byte Kafka's layout for that kind of store.
 */
import type { Serde } from '../../serde/index.ts';
import type { DecodeErrorHandler } from '../api/options.ts';

export type StoreKind =
  | 'key-value'
  | 'window'
  | 'session'
  | 'sliding'
  | 'join-buffer'
  | 'outer-buffer'
  | 'suppress'
  | 'subscription';

export interface StoreSpec {
  readonly kind: StoreKind;
  readonly name: string;
  readonly key: Serde<unknown>;
  readonly value: Serde<unknown>;
  /** The right side's values, where a store holds those of both sides. */
  readonly otherValue?: Serde<unknown>;
  readonly logging: boolean;
  /** Set where the user decided; otherwise the application's setting counts. */
  readonly caching?: boolean | undefined;
  /** Windowed kinds: how far behind the newest window entries are kept. */
  readonly retentionMs?: number;
  /** Fixed-size windows: start + windowSizeMs is the end. */
  readonly windowSizeMs?: number;
  readonly topicConfig?: Readonly<Record<string, string>> | undefined;
  /** The topic that the table is read from, when its records are the changelog. */
  readonly sourceTopic?: string | undefined;
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

/** The generation of a row that no checkpoint holds: it came from the log. */
export const FROM_LOG = 0;

export interface StateStore {
  readonly spec: StoreSpec;
  /** Visits the rows that changed since the last call. */
  drainLog(visit: RowVisitor): void;
  /**
   * As `drainLog`, counted separately, for about `limit` rows at a time. The store remembers in which generation of the
   * checkpoint a row has been written last. Returns whether some are left.
   */
  drainCheckpoint(generation: number, visit: RowVisitor, limit?: number): boolean;
  /** Has the next checkpoint write again what it wrote last before a generation. */
  refresh(before: number): void;
  /**
   * Puts back a row as it was visited. Nobody needs to hear of it, except the next checkpoint where the row comes from the
   * log (`FROM_LOG`) and not from a generation of the checkpoint.
   */
  restore(row: Row, generation: number): void;
  /** Stores with a retention: time does not pass beyond this, whatever is written. Infinity at first. */
  timeHasCome?(time: number): void;
  /** Entries at hand. */
  readonly size: number;
}

/** What changed is tracked for the changelog and the checkpoint; a store that nobody logs tracks nothing. */
export interface Tracking {
  readonly log: boolean;
  readonly checkpoint: boolean;
}

export const NO_TRACKING: Tracking = { log: false, checkpoint: false };

/** How far an operator that emits closed windows has come. Checkpointed and committed, so that it survives a restart. */
export interface EmitPosition {
  /** The largest timestamp seen. Time itself may be behind it: see `TaskScope`. */
  observedTime: number;
  lastClose: number;
}
