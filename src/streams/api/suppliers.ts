/**
 * Kafka Streams' `Stores`: what a store is, as options that `materialized` takes as they are, and `addStateStore` with the
 * serdes beside them.
 */
import type { StoreType } from './options.ts';

interface KeyValueSupplier {
  readonly kind: 'key-value';
  readonly name: string;
  readonly storeType: StoreType;
}

interface LruSupplier extends KeyValueSupplier {
  readonly maxEntries: number;
}

interface VersionedSupplier {
  readonly kind: 'versioned';
  readonly name: string;
  readonly storeType: StoreType;
  readonly historyRetentionMs: number;
  readonly segmentIntervalMs?: number;
}

interface WindowSupplier {
  readonly kind: 'window';
  readonly name: string;
  readonly storeType: StoreType;
  readonly retentionMs: number;
  readonly windowSizeMs: number;
}

interface SessionSupplier {
  readonly kind: 'session';
  readonly name: string;
  readonly storeType: StoreType;
  readonly retentionMs: number;
}

export const Stores = {
  /** The latest value per key, larger than the memory if need be. */
  persistentKeyValueStore: (name: string): KeyValueSupplier => ({ kind: 'key-value', name, storeType: 'PERSISTENT' }),

  /** The latest value per key, all of them in memory. */
  inMemoryKeyValueStore: (name: string): KeyValueSupplier => ({ kind: 'key-value', name, storeType: 'IN_MEMORY' }),

  /** So many entries, those used most recently, in memory. */
  lruMap: (name: string, maxEntries: number): LruSupplier => ({
    kind: 'key-value',
    name,
    storeType: 'IN_MEMORY',
    maxEntries,
  }),

  /** Which value each key had when, as far back as the history is kept; it goes by pieces of the segment interval. */
  persistentVersionedKeyValueStore: (
    name: string,
    historyRetentionMs: number,
    segmentIntervalMs?: number,
  ): VersionedSupplier => ({
    kind: 'versioned',
    name,
    storeType: 'PERSISTENT',
    historyRetentionMs,
    ...(segmentIntervalMs === undefined ? {} : { segmentIntervalMs }),
  }),

  /** Values per key and window of one size, kept for so long behind the newest one. */
  persistentWindowStore: (name: string, retentionMs: number, windowSizeMs: number): WindowSupplier => ({
    kind: 'window',
    name,
    storeType: 'PERSISTENT',
    retentionMs,
    windowSizeMs,
  }),

  /** The same in memory. */
  inMemoryWindowStore: (name: string, retentionMs: number, windowSizeMs: number): WindowSupplier => ({
    ...Stores.persistentWindowStore(name, retentionMs, windowSizeMs),
    storeType: 'IN_MEMORY',
  }),

  /** Values per key and session, kept for so long behind the newest one. */
  persistentSessionStore: (name: string, retentionMs: number): SessionSupplier => ({
    kind: 'session',
    name,
    storeType: 'PERSISTENT',
    retentionMs,
  }),

  /** The same in memory. */
  inMemorySessionStore: (name: string, retentionMs: number): SessionSupplier => ({
    ...Stores.persistentSessionStore(name, retentionMs),
    storeType: 'IN_MEMORY',
  }),
} as const;
