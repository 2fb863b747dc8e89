/**
 * PORT. The door to the entries of a store. Whoever reads or changes one asks for its slot and speaks of it by that number:
 * where keys and values lie, in memory or elsewhere, is the table's own affair.
 */

/** A key as a span of the bytes that hold it. */
export interface Key {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

export interface Table<V> {
  /** Entries with a value. */
  readonly size: number;
  /** The slot of a key, or -1. Its value may be `undefined`. */
  find(bytes: Uint8Array, start: number, end: number): number;
  /** The slot of a key, made if there is none: then it is to be written, or to be discarded. */
  slotFor(bytes: Uint8Array, start: number, end: number): number;
  /** `undefined` when the entry was removed, or not written yet. */
  read(slot: number): V | undefined;
  timestampOf(slot: number): number;
  write(slot: number, value: V, timestamp: number): void;
  /** Removes the value. The slot itself goes when everybody who has to has seen that. */
  remove(slot: number, timestamp: number): void;
  /** Lets go of a slot that has no value, unless somebody has yet to see that. */
  discard(slot: number): void;
  /** Keeps the slot until `unpin`, removed or not. False when it is pinned already. */
  pin(slot: number): boolean;
  unpin(slot: number): void;
  /** Key bytes of all slots; `keyStart` and `keyEnd` say where. It moves when a slot is made. */
  readonly arena: Buffer;
  keyStart(slot: number): number;
  keyEnd(slot: number): number;
  /** The slots in memory that have a value, in the order of their keys' bytes, within [from, to]; null is unbounded. */
  sorted(from?: Uint8Array | null, to?: Uint8Array | null): number[];
  /** Visits the slots that have a value, in no order. */
  forEach(visit: (slot: number) => void): void;
}
