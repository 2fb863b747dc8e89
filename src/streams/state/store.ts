/**
 * PORT. What the runtime needs of a state store, whatever its shape: the rows that changed, and a way to put rows back.
 * A row is what lands on the changelog topic, byte for byte Kafka's layout for that kind of store.
 */
import type { Serde } from '../../serde/index.ts';

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
}

/**
 * `key` and `value` are views that are valid during the call. `time` places the row among those of its store: rows of
 * windowed kinds are dropped by time, the others have 0.
 */
export type RowVisitor = (key: Buffer, value: Buffer | null, timestamp: number, time: number) => void;

export interface StateStore {
  readonly spec: StoreSpec;
  /** Visits the rows that changed since the last call. */
  drainLog(visit: RowVisitor): void;
  /** As `drainLog`, counted separately, for about `limit` rows at a time. Answers whether some are left. */
  drainCheckpoint(visit: RowVisitor, limit?: number): boolean;
  /** Puts back a row as it was visited; a null value removes it. Nothing becomes dirty by it. */
  restore(row: Buffer, value: Buffer | null, timestamp: number): void;
  /** Rows with a smaller time have expired and are gone from memory: the checkpoint may drop them, too. */
  readonly expiredBefore: number;
  /** Entries at hand. */
  readonly size: number;
}

/** What changed is tracked for the changelog and the checkpoint; a store that nobody logs tracks nothing. */
export interface Tracking {
  readonly log: boolean;
  readonly checkpoint: boolean;
}

export const NO_TRACKING: Tracking = { log: false, checkpoint: false };
