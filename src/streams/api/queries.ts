/**
 * Interactive queries as data: what is asked of a store, of which of its partitions and how fresh the answer has to be, and
 * what comes back per partition (KIP-796, KIP-889, KIP-960; names are Kafka Streams'). A query is answered by the tasks that
 * an instance runs or follows, or through `RemoteQueries` by whichever instance has the key.
 */
import type { TopicPartition } from '../../client/index.ts';
import type { Entry, VersionedRecord } from './stores.ts';
import type { Windowed } from './windows.ts';

declare const answered: unique symbol;

/** What is asked of one partition of a store, and, to the compiler, what it is answered with. */
export type StateQuery<R> = AnyQuery & { readonly [answered]?: R };

export type AnyQuery =
  | { readonly kind: 'key' | 'timestampedKey' | 'sessions'; readonly key: unknown }
  | { readonly kind: 'versionedKey'; readonly key: unknown; readonly asOf: number | null }
  | { readonly kind: 'windowKey' | 'versions'; readonly key: unknown; readonly from: number; readonly to: number }
  | { readonly kind: 'range'; readonly from: unknown; readonly to: unknown; readonly isDescending: boolean }
  | { readonly kind: 'windowRange'; readonly from: number; readonly to: number };

/** The value of a key; null where there is none. */
export const KeyQuery = {
  withKey: <K, V>(key: K): StateQuery<V | null> => ({ kind: 'key', key }),
};

/** The value of a key with the timestamp of its last update, ms since the epoch. */
export const TimestampedKeyQuery = {
  withKey: <K, V>(key: K): StateQuery<{ readonly value: V; readonly timestamp: number } | null> => ({
    kind: 'timestampedKey',
    key,
  }),
};

/** The rows whose serialized keys lie within bounds, both included, in the order of their bytes; a bound left out is none. */
export const RangeQuery = {
  withRange: <K, V>(
    from: K | null,
    to: K | null,
    { isDescending = false }: { readonly isDescending?: boolean } = {},
  ): StateQuery<AsyncIterable<Entry<K, V>>> => ({ kind: 'range', from, to, isDescending }),
  withNoBounds: <K, V>(options: { readonly isDescending?: boolean } = {}): StateQuery<AsyncIterable<Entry<K, V>>> =>
    RangeQuery.withRange<K, V>(null, null, options),
};

/** One key's windows that start within [from, to], oldest first. */
export const WindowKeyQuery = {
  withKeyAndWindowStartRange: <K, V>(
    key: K,
    from: number,
    to: number,
  ): StateQuery<readonly Entry<Windowed<K>, V>[]> => ({ kind: 'windowKey', key, from, to }),
};

/** All keys' windows that start within [from, to]; or the sessions of one key, oldest first. */
export const WindowRangeQuery = {
  withWindowStartRange: <K, V>(from: number, to: number): StateQuery<AsyncIterable<Entry<Windowed<K>, V>>> => ({
    kind: 'windowRange',
    from,
    to,
  }),
  withKey: <K, V>(key: K): StateQuery<readonly Entry<Windowed<K>, V>[]> => ({ kind: 'sessions', key }),
};

/** The latest version of a key, or the one that was valid at a time. */
export const VersionedKeyQuery = {
  withKey: <K, V>(key: K, asOf?: number): StateQuery<VersionedRecord<V> | null> => ({
    kind: 'versionedKey',
    key,
    asOf: asOf ?? null,
  }),
};

/** The versions of a key that were valid at some time within [from, to], oldest first. */
export const MultiVersionedKeyQuery = {
  withKey: <K, V>(
    key: K,
    from: number = Number.NEGATIVE_INFINITY,
    to: number = Number.POSITIVE_INFINITY,
  ): StateQuery<readonly VersionedRecord<V>[]> => ({ kind: 'versions', key, from, to }),
};

/** By topic and partition, the offset of the last record that what is read has come to. */
export type Position = Readonly<Record<string, Readonly<Record<number, number>>>>;

export interface StateQueryRequest<R> {
  readonly store: string;
  readonly query: StateQuery<R>;
  /** Default: all that there are on the instance. */
  readonly partitions?: readonly number[];
  /** True: standbys do not answer. Default false. */
  readonly requireActive?: boolean;
  /** What the answer must have come to: records that the store's task reads, up to these offsets, have been processed. */
  readonly positionBound?: Position;
  /** How many records of the changelogs a standby that answers may lack. Default: any number. */
  readonly maxLag?: number;
}

/**
 * Why a partition gives no answer: the store is not asked in that way; a standby is, and must not answer; the partition is not
 * on the instance, or there is none of that number; it has not come to the bound, or lacks too much; reading failed.
 */
export type FailureReason =
  | 'UNKNOWN_QUERY_TYPE'
  | 'NOT_ACTIVE'
  | 'NOT_PRESENT'
  | 'DOES_NOT_EXIST'
  | 'NOT_UP_TO_BOUND'
  | 'STORE_EXCEPTION';

export type QueryResult<R> =
  | { readonly isSuccess: true; readonly result: R; readonly position: Position }
  | { readonly isSuccess: false; readonly failureReason: FailureReason; readonly failureMessage: string };

export interface StateQueryResult<R> {
  /** By partition; a global store, which all instances have whole, is partition 0. */
  readonly partitionResults: ReadonlyMap<number, QueryResult<R>>;
  /** What all answers together have come to. */
  readonly position: Position;
}

// ── Who has what ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Where an instance answers, as its `applicationServer` says. */
export interface HostInfo {
  readonly host: string;
  readonly port: number;
}

/** What one instance of the application has. */
export interface StreamsMetadata {
  readonly hostInfo: HostInfo;
  readonly stateStoreNames: readonly string[];
  /** What its tasks read, internal topics among it. */
  readonly topicPartitions: readonly TopicPartition[];
  readonly standbyStateStoreNames: readonly string[];
  readonly standbyTopicPartitions: readonly TopicPartition[];
}

/** Who has a key of a store. */
export interface KeyQueryMetadata {
  /** Undefined: nobody for now, or somebody without an `applicationServer`. */
  readonly activeHost: HostInfo | undefined;
  readonly standbyHosts: readonly HostInfo[];
  readonly partition: number;
}
