/**
 * Stores looked at from outside, across the tasks that this instance holds, without changing anything. A running
 * application's are read from memory and disk, so their ranges are waited for; a topology that runs in a test has all of
 * them in memory.
 */
import type { Serde } from '../../serde/index.ts';
import { MillraceError } from '../../util/index.ts';
import type {
  QueryableKeyValueStore,
  QueryableSessionStore,
  QueryableWindowStore,
  ReadOnlyKeyValueStore,
  ReadOnlySessionStore,
  ReadOnlyVersionedStore,
  ReadOnlyWindowStore,
} from '../api/stores.ts';
import type { IntervalState } from '../state/interval-store.ts';
import type { KeyValueState } from '../state/key-value-store.ts';
import type { StateStore } from '../state/store.ts';
import { keyValueEntries, prefixedEntries, windowEntries } from '../state/typed-scans.ts';
import {
  onlooker,
  typedKeyValueStore,
  typedSessionStore,
  typedVersionedStore,
  typedWindowStore,
} from '../state/typed-stores.ts';
import { partsOf, type StorePart } from './store-parts.ts';
import type { VersionedState } from '../state/versioned-store.ts';
import type { WindowState } from '../state/window-store.ts';

type ViewKind = 'key-value' | 'versioned' | 'window' | 'session';

/** A store of a running application; ask for the view that fits its kind. */
export interface QueryableStore {
  readonly name: string;
  readonly kind: ViewKind;
  keyValue<K, V>(): QueryableKeyValueStore<K, V>;
  /** Of a key-value store: each copy that this instance has. */
  parts<K, V>(): StorePart<K, V>[];
  versioned<K, V>(): ReadOnlyVersionedStore<K, V>;
  window<K, V>(): QueryableWindowStore<K, V>;
  session<K, V>(): QueryableSessionStore<K, V>;
}

/** A store of a topology that runs in a test; ask for the view that fits its kind. */
export interface ReadOnlyStore {
  readonly name: string;
  readonly kind: ViewKind;
  keyValue<K, V>(): ReadOnlyKeyValueStore<K, V>;
  versioned<K, V>(): ReadOnlyVersionedStore<K, V>;
  window<K, V>(): ReadOnlyWindowStore<K, V>;
  session<K, V>(): ReadOnlySessionStore<K, V>;
}

const KINDS: Partial<Record<StateStore['spec']['kind'], ViewKind>> = {
  'key-value': 'key-value',
  versioned: 'versioned',
  window: 'window',
  sliding: 'window',
  session: 'session',
};
const ALWAYS = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;

/** Finds stores by name. */
export class QueryableStores {
  readonly #find: (name: string) => readonly StateStore[];

  constructor(find: (name: string) => readonly StateStore[]) {
    this.#find = find;
  }

  /** From memory and disk. */
  query(name: string): QueryableStore {
    const stores = this.#storesOf(name);
    return {
      name,
      kind: stores.kind,
      keyValue: <K, V>() => {
        const states = stores.as<KeyValueState>('key-value');
        return {
          ...keyValuePoints<K, V>(states),
          range: (from: K | null, to: K | null) => inTurn(states(), (state) => keyValueEntries<K, V>(state, from, to)),
          all: () => inTurn(states(), (state) => keyValueEntries<K, V>(state, null, null)),
          prefixScan: <P>(prefix: P, serde: Serde<P>) =>
            inTurn(states(), (state) => prefixedEntries<K, V, P>(state, prefix, serde)),
          get size() {
            return sizeOf(states());
          },
        };
      },
      parts: <K, V>() => partsOf<K, V>(stores.as<KeyValueState>('key-value')()),
      versioned: <K, V>() => versionedPoints<K, V>(stores.as<VersionedState>('versioned')),
      window: <K, V>() => {
        const states = stores.as<WindowState | IntervalState>('window');
        return {
          fetch: windowFetch<K, V>(states),
          fetchAll: (from, to) => inTurn(states(), (state) => windowEntries<K, V>(state, from, to)),
          all: () => inTurn(states(), (state) => windowEntries<K, V>(state, ...ALWAYS)),
          get size() {
            return sizeOf(states());
          },
        };
      },
      session: <K, V>() => {
        const states = stores.as<IntervalState>('session');
        return {
          ...sessionPoints<K, V>(states),
          all: () => inTurn(states(), (state) => windowEntries<K, V>(state, ...ALWAYS)),
          get size() {
            return sizeOf(states());
          },
        };
      },
    };
  }

  /** From memory, where all of it is. */
  get(name: string): ReadOnlyStore {
    const stores = this.#storesOf(name);
    return {
      name,
      kind: stores.kind,
      keyValue: <K, V>() => {
        const states = stores.as<KeyValueState>('key-value');
        const typed = () => states().map((state) => typedKeyValueStore<K, V>(state, onlooker));
        return {
          ...keyValuePoints<K, V>(states),
          *range(from: K | null, to: K | null) {
            for (const store of typed()) yield* store.range(from, to);
          },
          *all() {
            for (const store of typed()) yield* store.all();
          },
          *reverseRange(from: K | null, to: K | null) {
            for (const store of typed()) yield* store.reverseRange(from, to);
          },
          *reverseAll() {
            for (const store of typed()) yield* store.reverseAll();
          },
          *prefixScan<P>(prefix: P, serde: Serde<P>) {
            for (const store of typed()) yield* store.prefixScan(prefix, serde);
          },
          get size() {
            return sizeOf(states());
          },
        };
      },
      versioned: <K, V>() => versionedPoints<K, V>(stores.as<VersionedState>('versioned')),
      window: <K, V>() => {
        const states = stores.as<WindowState | IntervalState>('window');
        const typed = () => states().map((state) => typedWindowStore<K, V>(state, onlooker));
        return {
          fetch: windowFetch<K, V>(states),
          *fetchAll(from, to) {
            for (const store of typed()) yield* store.fetchAll(from, to);
          },
          *all() {
            for (const store of typed()) yield* store.all();
          },
          get size() {
            return sizeOf(states());
          },
        };
      },
      session: <K, V>() => {
        const states = stores.as<IntervalState>('session');
        return {
          ...sessionPoints<K, V>(states),
          *all() {
            for (const state of states()) yield* typedSessionStore<K, V>(state, onlooker).all();
          },
          get size() {
            return sizeOf(states());
          },
        };
      },
    };
  }

  /** The stores of a name in all tasks, as what they are taken for. */
  #storesOf(name: string): { readonly kind: ViewKind; as<S>(wanted: ViewKind): () => readonly S[] } {
    const [first] = this.#find(name);
    if (first === undefined) {
      throw new MillraceError('UNKNOWN_STORE', `there is no state store ${name} on this instance`);
    }
    const kind = KINDS[first.spec.kind];
    if (kind === undefined) throw new MillraceError('UNKNOWN_STORE', `the state store ${name} can't be queried`);
    return {
      kind,
      as: <S>(wanted: ViewKind) => {
        if (kind !== wanted) {
          throw new MillraceError(
            'WRONG_STORE_KIND',
            `the state store ${name} is a ${kind} store, not a ${wanted} store`,
          );
        }
        return () => this.#find(name) as unknown as readonly S[];
      },
    };
  }
}

function sizeOf(stores: readonly { readonly size: number }[]): number {
  return stores.reduce((sum, store) => sum + store.size, 0);
}

async function* inTurn<S, E>(states: readonly S[], entriesOf: (state: S) => AsyncIterable<E>): AsyncGenerator<E> {
  for (const state of states) yield* entriesOf(state);
}

function keyValuePoints<K, V>(
  states: () => readonly KeyValueState[],
): Pick<ReadOnlyKeyValueStore<K, V>, 'get' | 'getWithTimestamp'> {
  const find = (key: K): { readonly value: V; readonly timestamp: number } | null => {
    for (const state of states()) {
      const found = typedKeyValueStore<K, V>(state, onlooker).getWithTimestamp(key);
      if (found !== null) return found;
    }
    return null;
  };
  return { get: (key) => find(key)?.value ?? null, getWithTimestamp: find };
}

function versionedPoints<K, V>(states: () => readonly VersionedState[]): ReadOnlyVersionedStore<K, V> {
  return {
    get(key, asOf) {
      for (const state of states()) {
        const found = typedVersionedStore<K, V>(state, onlooker).get(key, asOf);
        if (found !== null) return found;
      }
      return null;
    },
    get size() {
      return sizeOf(states());
    },
  };
}

function windowFetch<K, V>(states: () => readonly (WindowState | IntervalState)[]): ReadOnlyWindowStore<K, V>['fetch'] {
  return function* fetch(key, from, to) {
    for (const state of states()) yield* typedWindowStore<K, V>(state, onlooker).fetch(key, from, to);
  };
}

function sessionPoints<K, V>(
  states: () => readonly IntervalState[],
): Pick<ReadOnlySessionStore<K, V>, 'fetch' | 'findSessions'> {
  return {
    *fetch(key) {
      for (const state of states()) yield* typedSessionStore<K, V>(state, onlooker).fetch(key);
    },
    *findSessions(key, earliestEnd, latestStart) {
      for (const state of states()) {
        yield* typedSessionStore<K, V>(state, onlooker).findSessions(key, earliestEnd, latestStart);
      }
    },
  };
}
