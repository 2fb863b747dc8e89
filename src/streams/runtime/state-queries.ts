/**
 * Queries of stores as they are answered on this instance: by every copy of the store that it has, one answer per partition,
 * each with how far the copy has come. Looking changes nothing, and is done at once; ranges are read as they are asked for.
 */
import { messageOf } from '../../util/index.ts';
import type {
  AnyQuery,
  FailureReason,
  Position,
  QueryResult,
  StateQueryRequest,
  StateQueryResult,
} from '../api/queries.ts';
import { SchemaNotLoaded, type Serde, serialize } from '../../serde/index.ts';
import type { IntervalState } from '../state/interval-store.ts';
import type { KeyValueState } from '../state/key-value-store.ts';
import { type StateStore, type StoreKind, StateUnreadable } from '../state/store.ts';
import { keyValueEntries, windowEntries } from '../state/typed-scans.ts';
import {
  onlooker,
  typedKeyValueStore,
  typedSessionStore,
  typedVersionedStore,
  typedWindowStore,
} from '../state/typed-stores.ts';
import type { VersionedState } from '../state/versioned-store.ts';
import type { WindowState } from '../state/window-store.ts';

/** A store of one partition, as one task has it. */
export interface StoreCopy {
  readonly partition: number;
  readonly store: StateStore;
  /** A task that runs here makes it; others are followed. */
  readonly isActive: boolean;
  /** The last offsets that it has come to, by topic; undefined where that is not known. */
  readonly position: () => Readonly<Record<string, number>> | undefined;
  /** Records of its changelog that it lacks. */
  readonly lag: () => Promise<number>;
}

export interface Copies {
  /** Those of a store that are on this instance. */
  readonly copies: readonly StoreCopy[];
  /** How many partitions the store has, here and elsewhere; 0 before that is known. */
  readonly partitionCount: number;
}

/** What the kinds of stores are asked. */
const QUERIES: Partial<Record<StoreKind, readonly AnyQuery['kind'][]>> = {
  'key-value': ['key', 'timestampedKey', 'range'],
  versioned: ['versionedKey', 'versions'],
  window: ['windowKey', 'windowRange'],
  sliding: ['windowKey', 'windowRange'],
  session: ['sessions', 'windowRange'],
};

export async function answer<R>(
  { copies, partitionCount }: Copies,
  request: StateQueryRequest<R>,
): Promise<StateQueryResult<R>> {
  const known = copies.map(({ partition }) => partition).sort((a, b) => a - b);
  const results = new Map<number, QueryResult<R>>();
  for (const partition of request.partitions ?? known) {
    const copy = copies.find((each) => each.partition === partition);
    results.set(
      partition,
      copy === undefined ? absent(partition, partitionCount, request.store) : await answerOf(copy, request),
    );
  }
  return { partitionResults: results, position: mergedPosition([...results.values()]) };
}

/** Why a partition that is not here gives no answer. */
export function absent(partition: number, partitionCount: number, store: string): QueryResult<never> {
  return partitionCount > 0 && partition >= partitionCount
    ? failure('DOES_NOT_EXIST', `the state store ${store} has ${partitionCount} partitions, and no ${partition}`)
    : failure('NOT_PRESENT', `partition ${partition} of the state store ${store} is not on this instance`);
}

async function answerOf<R>(copy: StoreCopy, request: StateQueryRequest<R>): Promise<QueryResult<R>> {
  const { store, partition, isActive } = copy;
  const { query, requireActive = false, maxLag } = request;
  const name = `partition ${partition} of the state store ${store.spec.name}`;
  if (QUERIES[store.spec.kind]?.includes(query.kind) !== true) {
    return failure(
      'UNKNOWN_QUERY_TYPE',
      `a ${store.spec.kind} store, as ${store.spec.name} is, does not answer ${query.kind} queries`,
    );
  }
  if (requireActive && !isActive) return failure('NOT_ACTIVE', `${name} is followed here, and not written`);
  if (maxLag !== undefined && !isActive) {
    const lag = await copy.lag();
    if (lag > maxLag) return failure('NOT_UP_TO_BOUND', `${name} lacks ${lag} records here`);
  }
  try {
    for (;;) {
      // At the same instant: nothing is awaited between how far it has come and what is there.
      const reached = copy.position();
      const behind = whatIsMissing(reached, request.positionBound, partition);
      if (behind !== undefined) return failure('NOT_UP_TO_BOUND', `${name} has not come to ${behind} here`);
      try {
        const result = lookUp(store, query) as R;
        const position = Object.entries(reached ?? {}).map(([topic, offset]) => [topic, { [partition]: offset }]);
        return { isSuccess: true, result, position: Object.fromEntries(position) as Position };
      } catch (error) {
        await recovered(error);
      }
    }
  } catch (error) {
    return failure('STORE_EXCEPTION', `${name} can't be read: ${messageOf(error)}`);
  }
}

/** Waits for what a read lacked; throws what waiting does not help with. */
async function recovered(error: unknown): Promise<void> {
  if (error instanceof SchemaNotLoaded) await error.load();
  else if (error instanceof StateUnreadable && error.code !== 'STATE_CORRUPT') await error.recover();
  else throw error;
}

function failure(failureReason: FailureReason, failureMessage: string): QueryResult<never> {
  return { isSuccess: false, failureReason, failureMessage };
}

/** The first part of a bound that has not been reached. A topic that the store's task does not read is never reached. */
function whatIsMissing(
  reached: Readonly<Record<string, number>> | undefined,
  bound: Position = {},
  partition: number,
): string | undefined {
  for (const [topic, offsets] of Object.entries(bound)) {
    const wanted = offsets[partition];
    if (wanted === undefined || (reached?.[topic] ?? -1) >= wanted) continue;
    const reads = Object.keys(reached ?? {});
    const hint = reached === undefined || topic in reached ? '' : ` (it reads ${reads.join(', ')})`;
    return `offset ${wanted} of ${topic}-${partition}${hint}`;
  }
  return undefined;
}

/** What all answers together have come to. */
export function mergedPosition(results: readonly QueryResult<unknown>[]): Position {
  const position: Record<string, Record<number, number>> = {};
  for (const result of results) {
    if (!result.isSuccess) continue;
    for (const [topic, offsets] of Object.entries(result.position))
      position[topic] = { ...position[topic], ...offsets };
  }
  return position;
}

function lookUp(store: StateStore, query: AnyQuery): unknown {
  switch (query.kind) {
    case 'key':
      return typedKeyValueStore(store as KeyValueState, onlooker).get(query.key);
    case 'timestampedKey':
      return typedKeyValueStore(store as KeyValueState, onlooker).getWithTimestamp(query.key);
    case 'range':
      return keyValueEntries(store as KeyValueState, query.from, query.to, query.isDescending);
    case 'windowKey':
      return [
        ...typedWindowStore(store as unknown as WindowState | IntervalState, onlooker).fetch(
          query.key,
          query.from,
          query.to,
        ),
      ];
    case 'windowRange':
      return windowEntries(store as unknown as WindowState | IntervalState, query.from, query.to);
    case 'sessions':
      return [...typedSessionStore(store as unknown as IntervalState, onlooker).fetch(query.key)];
    case 'versionedKey':
      return typedVersionedStore(store as unknown as VersionedState, onlooker).get(query.key, query.asOf ?? undefined);
    case 'versions': {
      const bytes = serialize(store.spec.key as Serde<unknown>, query.key)!;
      return (store as unknown as VersionedState).versionsWithin(
        { bytes, start: 0, end: bytes.length },
        query.from,
        query.to,
      );
    }
  }
}
