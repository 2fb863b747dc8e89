import { MillraceError } from '../../util/index.ts';
import type { IntervalState } from '../state/interval-store.ts';
import type { KeyValueState } from '../state/key-value-store.ts';
import type { StateStore } from '../state/store.ts';
import type { Entry, ReadOnlyKeyValueStore, ReadOnlySessionStore, ReadOnlyWindowStore } from '../api/stores.ts';
import { typedIntervalStore, typedKeyValueStore, typedWindowStore } from '../state/typed-stores.ts';
import type { WindowState } from '../state/window-store.ts';
import type { Windowed } from '../api/windows.ts';

/** A store across all partitions that this instance holds; ask for the view that fits its kind. */
export interface ReadOnlyStore {
  readonly name: string;
  readonly kind: 'key-value' | 'window' | 'session';
  keyValue<K, V>(): ReadOnlyKeyValueStore<K, V>;
  window<K, V>(): ReadOnlyWindowStore<K, V>;
  session<K, V>(): ReadOnlySessionStore<K, V>;
}

const KINDS: Partial<Record<StateStore['spec']['kind'], ReadOnlyStore['kind']>> = {
  'key-value': 'key-value',
  window: 'window',
  sliding: 'window',
  session: 'session',
};

const noTime = (): number => 0;

/** Finds stores by name and looks at them without changing anything. */
export class QueryableStores {
  readonly #find: (name: string) => readonly StateStore[];

  constructor(find: (name: string) => readonly StateStore[]) {
    this.#find = find;
  }

  get(name: string): ReadOnlyStore {
    const [first] = this.#find(name);
    if (first === undefined) {
      throw new MillraceError('UNKNOWN_STORE', `there is no state store ${name} on this instance`);
    }
    const kind = KINDS[first.spec.kind];
    if (kind === undefined) throw new MillraceError('UNKNOWN_STORE', `the state store ${name} can't be queried`);
    const states = () => this.#find(name);
    const expect = (wanted: ReadOnlyStore['kind']): void => {
      if (kind !== wanted)
        throw new MillraceError(
          'WRONG_STORE_KIND',
          `the state store ${name} is a ${kind} store, not a ${wanted} store`,
        );
    };
    return {
      name,
      kind,
      keyValue: <K, V>() => {
        expect('key-value');
        return keyValueView<K, V>(() =>
          states().map((state) => typedKeyValueStore<K, V>(state as KeyValueState, noTime)),
        );
      },
      window: <K, V>() => {
        expect('window');
        return windowView<K, V>(() =>
          states().map((state) =>
            state.spec.kind === 'window'
              ? typedWindowStore<K, V>(state as WindowState, noTime)
              : typedIntervalStore<K, V>(state as IntervalState),
          ),
        );
      },
      session: <K, V>() => {
        expect('session');
        return sessionView<K, V>(() => states().map((state) => typedIntervalStore<K, V>(state as IntervalState)));
      },
    };
  }
}

function sizeOf(stores: readonly { readonly size: number }[]): number {
  return stores.reduce((sum, store) => sum + store.size, 0);
}

function keyValueView<K, V>(stores: () => readonly ReadOnlyKeyValueStore<K, V>[]): ReadOnlyKeyValueStore<K, V> {
  return {
    get(key) {
      for (const store of stores()) {
        const value = store.get(key);
        if (value !== null) return value;
      }
      return null;
    },
    getWithTimestamp(key) {
      for (const store of stores()) {
        const found = store.getWithTimestamp(key);
        if (found !== null) return found;
      }
      return null;
    },
    *range(from, to): IterableIterator<Entry<K, V>> {
      for (const store of stores()) yield* store.range(from, to);
    },
    *all(): IterableIterator<Entry<K, V>> {
      for (const store of stores()) yield* store.all();
    },
    get size() {
      return sizeOf(stores());
    },
  };
}

function windowView<K, V>(stores: () => readonly ReadOnlyWindowStore<K, V>[]): ReadOnlyWindowStore<K, V> {
  return {
    *fetch(key, from, to): IterableIterator<Entry<Windowed<K>, V>> {
      for (const store of stores()) yield* store.fetch(key, from, to);
    },
    *fetchAll(from, to): IterableIterator<Entry<Windowed<K>, V>> {
      for (const store of stores()) yield* store.fetchAll(from, to);
    },
    *all(): IterableIterator<Entry<Windowed<K>, V>> {
      for (const store of stores()) yield* store.all();
    },
    get size() {
      return sizeOf(stores());
    },
  };
}

function sessionView<K, V>(stores: () => readonly ReadOnlySessionStore<K, V>[]): ReadOnlySessionStore<K, V> {
  return {
    *fetch(key): IterableIterator<Entry<Windowed<K>, V>> {
      for (const store of stores()) yield* store.fetch(key);
    },
    *findSessions(key, earliestEnd, latestStart): IterableIterator<Entry<Windowed<K>, V>> {
      for (const store of stores()) yield* store.findSessions(key, earliestEnd, latestStart);
    },
    *all(): IterableIterator<Entry<Windowed<K>, V>> {
      for (const store of stores()) yield* store.all();
    },
    get size() {
      return sizeOf(stores());
    },
  };
}
