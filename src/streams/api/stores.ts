/**
 * State stores as users' functions and queries see them. Single keys are read at once, wherever they are. Ranges are read
 * from memory within a processor, which never waits, and that takes a store of `storeType` `IN_MEMORY`; queries from
 * outside (`Queryable…`) get them from memory and disk, as they are read.
 */
import type { Serde } from '../../serde/index.ts';
import type { Windowed } from './windows.ts';

/** What a store holds for a key. */
export interface Entry<K, V> {
  /** The key. */
  readonly key: K;
  /** The value. */
  readonly value: V;
  /** Event time of the last update, milliseconds since the epoch. */
  readonly timestamp: number;
}

/** A key-value store that can only be read. */
export interface ReadOnlyKeyValueStore<K, V> {
  /** The value of a key; null where there is none. */
  get(key: K): V | null;
  /** The value with the timestamp of its last update. */
  getWithTimestamp(key: K): { readonly value: V; readonly timestamp: number } | null;
  /** Entries whose serialized keys lie within [from, to], in the order of their bytes; null is unbounded. */
  range(from: K | null, to: K | null): IterableIterator<Entry<K, V>>;
  /** All entries, in the order of the bytes of their keys. */
  all(): IterableIterator<Entry<K, V>>;
  /** As `range` and `all`, from the last key to the first. */
  reverseRange(from: K | null, to: K | null): IterableIterator<Entry<K, V>>;
  /** All entries, from the last key to the first. */
  reverseAll(): IterableIterator<Entry<K, V>>;
  /** Entries whose serialized keys begin with the bytes of a prefix. */
  prefixScan<P>(prefix: P, serde: Serde<P>): IterableIterator<Entry<K, V>>;
  /** How many entries there are. */
  readonly size: number;
}

/** A key-value store as processors have it. */
export interface KeyValueStore<K, V> extends ReadOnlyKeyValueStore<K, V> {
  /** Sets the value of a key; null deletes it. `timestamp`, default: that of the record at hand. */
  put(key: K, value: V | null, timestamp?: number): void;
  /** Puts a value where there is none. Returns the one that was there, or null. */
  putIfAbsent(key: K, value: V, timestamp?: number): V | null;
  /** Puts them one after the other. */
  putAll(entries: Iterable<readonly [key: K, value: V | null]>): void;
  /** Returns the value that was there, or null. */
  delete(key: K): V | null;
}

/** A value with the time for which it was valid: from `timestamp` to before `validTo`, which is infinite for the latest one. */
export interface VersionedRecord<V> {
  /** The value. */
  readonly value: V;
  /** From when on it was valid, milliseconds since the epoch. */
  readonly timestamp: number;
  /** Until before when. */
  readonly validTo: number;
}

/** A store that knows which value was valid when, and can only be read. */
export interface ReadOnlyVersionedStore<K, V> {
  /** The latest version of a key, or the one that was valid at a time; null where there was none, or it is not known any more. */
  get(key: K, asOf?: number): VersionedRecord<V> | null;
  /** Keys with a value now. */
  readonly size: number;
}

/** A store that knows which value was valid when, as processors have it. */
export interface VersionedKeyValueStore<K, V> extends ReadOnlyVersionedStore<K, V> {
  /**
   * Adds the version that begins at a time, or replaces it; null: there is no value from then on. Returns when it ends,
   * infinity for the latest one; null when the time is older than the history that is kept, and nothing was put.
   */
  put(key: K, value: V | null, timestamp: number): number | null;
  /** As putting null. Returns the version that was valid at that time. */
  delete(key: K, timestamp: number): VersionedRecord<V> | null;
}

/** A store of windows that can only be read. */
export interface ReadOnlyWindowStore<K, V> {
  /** One key's windows that start within [from, to], oldest first. */
  fetch(key: K, from: number, to: number): IterableIterator<Entry<Windowed<K>, V>>;
  /** All keys' windows that start within [from, to]. */
  fetchAll(from: number, to: number): IterableIterator<Entry<Windowed<K>, V>>;
  /** All keys' windows. */
  all(): IterableIterator<Entry<Windowed<K>, V>>;
  /** How many windows there are, of all keys. */
  readonly size: number;
}

/** A store of windows as processors have it. */
export interface WindowStore<K, V> extends ReadOnlyWindowStore<K, V> {
  /** Sets the value of a key's window, by its start; null deletes it. */
  put(key: K, value: V | null, windowStart: number, timestamp?: number): void;
}

/** A store of sessions that can only be read. */
export interface ReadOnlySessionStore<K, V> {
  /** One key's sessions, oldest first. */
  fetch(key: K): IterableIterator<Entry<Windowed<K>, V>>;
  /** One key's sessions that end at or after `earliestEnd` and start at or before `latestStart`. */
  findSessions(key: K, earliestEnd: number, latestStart: number): IterableIterator<Entry<Windowed<K>, V>>;
  /** All keys' sessions. */
  all(): IterableIterator<Entry<Windowed<K>, V>>;
  /** How many sessions there are, of all keys. */
  readonly size: number;
}

/** A store of sessions as processors have it. */
export interface SessionStore<K, V> extends ReadOnlySessionStore<K, V> {
  /** Sets the value of a key's session, by its start and its end. */
  put(key: K, start: number, end: number, value: V): void;
  /** Takes a key's session away, by its start and its end. */
  remove(key: K, start: number, end: number): void;
}

/** A key-value store as a running application shows it. */
export interface QueryableKeyValueStore<K, V> {
  /** The value of a key; null where there is none. */
  get(key: K): V | null;
  /** The value with the timestamp of its last update. */
  getWithTimestamp(key: K): { readonly value: V; readonly timestamp: number } | null;
  /** Entries whose serialized keys lie within [from, to], per task in the order of their bytes; null is unbounded. */
  range(from: K | null, to: K | null): AsyncIterableIterator<Entry<K, V>>;
  /** All entries, per task in the order of the bytes of their keys. */
  all(): AsyncIterableIterator<Entry<K, V>>;
  /** Entries whose serialized keys begin with the bytes of a prefix. */
  prefixScan<P>(prefix: P, serde: Serde<P>): AsyncIterableIterator<Entry<K, V>>;
  /** How many entries there are. */
  readonly size: number;
}

/** A store of windows as a running application shows it. */
export interface QueryableWindowStore<K, V> {
  /** One key's windows that start within [from, to], oldest first. */
  fetch(key: K, from: number, to: number): IterableIterator<Entry<Windowed<K>, V>>;
  /** All keys' windows that start within [from, to]. */
  fetchAll(from: number, to: number): AsyncIterableIterator<Entry<Windowed<K>, V>>;
  /** All keys' windows. */
  all(): AsyncIterableIterator<Entry<Windowed<K>, V>>;
  /** How many windows there are, of all keys. */
  readonly size: number;
}

/** A store of sessions as a running application shows it. */
export interface QueryableSessionStore<K, V> {
  /** One key's sessions, oldest first. */
  fetch(key: K): IterableIterator<Entry<Windowed<K>, V>>;
  /** One key's sessions that end at or after `earliestEnd` and start at or before `latestStart`. */
  findSessions(key: K, earliestEnd: number, latestStart: number): IterableIterator<Entry<Windowed<K>, V>>;
  /** All keys' sessions. */
  all(): AsyncIterableIterator<Entry<Windowed<K>, V>>;
  /** How many sessions there are, of all keys. */
  readonly size: number;
}
