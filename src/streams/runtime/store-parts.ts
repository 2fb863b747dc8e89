/**
 * The copies of a key-value store that this instance has, one by one, and what changes in them: for those who keep something
 * beside a store that follows it, such as an index.
 */
import type { Entry } from '../api/stores.ts';
import type { KeyValueState } from '../state/key-value-store.ts';
import { keyValueEntries } from '../state/typed-scans.ts';
import { onlooker, typedKeyValueStore } from '../state/typed-stores.ts';

export interface StorePart<K, V> {
  /** The same for the same copy, as long as that is here. */
  readonly identity: object;
  /** All entries, from memory and disk. */
  all(): AsyncIterable<Entry<K, V>>;
  getWithTimestamp(key: K): { readonly value: V; readonly timestamp: number } | null;
  /** Notes from now on whose values change, `most` keys at a time. */
  changes(most: number): KeyChanges<K>;
}

export interface KeyChanges<K> {
  /** The keys whose values have changed since they were last taken, each once; undefined: more than are noted, any may have. */
  take(): K[] | undefined;
  /** Nothing is noted any more. */
  close(): void;
}

export function partsOf<K, V>(states: readonly KeyValueState[]): StorePart<K, V>[] {
  return states.map((state) => ({
    identity: state,
    all: () => keyValueEntries<K, V>(state, null, null),
    getWithTimestamp: (key) => typedKeyValueStore<K, V>(state, onlooker).getWithTimestamp(key),
    changes: (most) => changesOf<K>(state, most),
  }));
}

function changesOf<K>(state: KeyValueState, most: number): KeyChanges<K> {
  const { table, spec } = state;
  // The bytes of keys, as texts: they are compared far more often than they are read.
  const changed = new Set<string>();
  let isTooMany = false;
  const end = state.watch((slot) => {
    if (isTooMany) return;
    changed.add(table.arena.toString('latin1', table.keyStart(slot), table.keyEnd(slot)));
    if (changed.size <= most) return;
    isTooMany = true;
    changed.clear();
  });
  return {
    take() {
      const keys = isTooMany ? undefined : [...changed].map((text) => keyOf(Buffer.from(text, 'latin1')));
      isTooMany = false;
      changed.clear();
      return keys;
    },
    close: end,
  };

  function keyOf(bytes: Buffer): K {
    return spec.key.decode(bytes, 0, bytes.length) as K;
  }
}
