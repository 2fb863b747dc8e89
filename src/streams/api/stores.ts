/**
 * State stores as users' functions and queries see them. Single keys are read at once, wherever they are. Ranges are read
 * from memory within a processor, which never waits, and that takes a store of `storeType` `IN_MEMORY`; queries from
 * outside (`Queryable…`) get them from memory and disk, as they are read.
 */
import type { Serde } from '../../serde/index.ts';
import type { Windowed } from './windows.ts';

export interface Entry<K, V> {
  readonly key: K;
  readonly value: V;
  readonly timestamp: number;
}

export interface ReadOnlyKeyValueStore<K, V> {
  get(key: K): V | null;
  /** The value with the timestamp of its last update. */
  getWithTimestamp(key: K): { readonly value: V; readonly timestamp: number } | null;
  /** Entries whose serialized keys lie within [from, to], in the order of their bytes; null is unbounded. */
  range(from: K | null, to: K | null): IterableIterator<Entry<K, V>>;
  all(): IterableIterator<Entry<K, V>>;
  /** As `range` and `all`, from the last key to the first. */
  reverseRange(from: K | null, to: K | null): IterableIterator<Entry<K, V>>;
  reverseAll(): IterableIterator<Entry<K, V>>;
  /** Entries whose serialized keys begin with the bytes of a prefix. */
  prefixScan<P>(prefix: P, serde: Serde<P>): IterableIterator<Entry<K, V>>;
  readonly size: number;
}

export interface KeyValueStore<K, V> extends ReadOnlyKeyValueStore<K, V> {
  put(key: K, value: V | null, timestamp?: number): void;
  /** Puts a value where there is none. Returns the one that was there, or null. */
  putIfAbsent(key: K, value: V, timestamp?: number): V | null;
  putAll(entries: Iterable<readonly [key: K, value: V | null]>): void;
  delete(key: K): V | null;
}

/** A value with the time for which it was valid: from `timestamp` to before `validTo`, which is infinite for the latest one. */
export interface VersionedRecord<V> {
  readonly value: V;
  readonly timestamp: number;
  readonly validTo: number;
}

export interface ReadOnlyVersionedStore<K, V> {
  /** The latest version of a key, or the one that was valid at a time; null where there was none, or it is not known any more. */
  get(key: K, asOf?: number): VersionedRecord<V> | null;
  /** Keys with a value now. */
  readonly size: number;
}

export interface VersionedKeyValueStore<K, V> extends ReadOnlyVersionedStore<K, V> {
  /**
   * Adds the version that begins at a time, or replaces it; null: there is no value from then on. Returns when it ends,
   * infinity for the latest one; null when the time is older than the history that is kept, and nothing was put.
   */
  put(key: K, value: V | null, timestamp: number): number | null;
  /** As putting null. Returns the version that was valid at that time. */
  delete(key: K, timestamp: number): VersionedRecord<V> | null;
}

export interface ReadOnlyWindowStore<K, V> {
  /** One key's windows that start within [from, to], oldest first. */
  fetch(key: K, from: number, to: number): IterableIterator<Entry<Windowed<K>, V>>;
  /** All keys' windows that start within [from, to]. */
  fetchAll(from: number, to: number): IterableIterator<Entry<Windowed<K>, V>>;
  all(): IterableIterator<Entry<Windowed<K>, V>>;
  readonly size: number;
}

export interface WindowStore<K, V> extends ReadOnlyWindowStore<K, V> {
  put(key: K, value: V | null, windowStart: number, timestamp?: number): void;
}

export interface ReadOnlySessionStore<K, V> {
  /** One key's sessions, oldest first. */
  fetch(key: K): IterableIterator<Entry<Windowed<K>, V>>;
  /** One key's sessions that end at or after `earliestEnd` and start at or before `latestStart`. */
  findSessions(key: K, earliestEnd: number, latestStart: number): IterableIterator<Entry<Windowed<K>, V>>;
  all(): IterableIterator<Entry<Windowed<K>, V>>;
  readonly size: number;
}

export interface SessionStore<K, V> extends ReadOnlySessionStore<K, V> {
  put(key: K, start: number, end: number, value: V): void;
  remove(key: K, start: number, end: number): void;
}

/** A key-value store as a running application shows it. */
export interface QueryableKeyValueStore<K, V> {
  get(key: K): V | null;
  /** The value with the timestamp of its last update. */
  getWithTimestamp(key: K): { readonly value: V; readonly timestamp: number } | null;
  /** Entries whose serialized keys lie within [from, to], per task in the order of their bytes; null is unbounded. */
  range(from: K | null, to: K | null): AsyncIterableIterator<Entry<K, V>>;
  all(): AsyncIterableIterator<Entry<K, V>>;
  /** Entries whose serialized keys begin with the bytes of a prefix. */
  prefixScan<P>(prefix: P, serde: Serde<P>): AsyncIterableIterator<Entry<K, V>>;
  readonly size: number;
}

/** A store of windows as a running application shows it. */
export interface QueryableWindowStore<K, V> {
  /** One key's windows that start within [from, to], oldest first. */
  fetch(key: K, from: number, to: number): IterableIterator<Entry<Windowed<K>, V>>;
  /** All keys' windows that start within [from, to]. */
  fetchAll(from: number, to: number): AsyncIterableIterator<Entry<Windowed<K>, V>>;
  all(): AsyncIterableIterator<Entry<Windowed<K>, V>>;
  readonly size: number;
}

/** A store of sessions as a running application shows it. */
export interface QueryableSessionStore<K, V> {
  /** One key's sessions, oldest first. */
  fetch(key: K): IterableIterator<Entry<Windowed<K>, V>>;
  /** One key's sessions that end at or after `earliestEnd` and start at or before `latestStart`. */
  findSessions(key: K, earliestEnd: number, latestStart: number): IterableIterator<Entry<Windowed<K>, V>>;
  all(): AsyncIterableIterator<Entry<Windowed<K>, V>>;
  readonly size: number;
}
