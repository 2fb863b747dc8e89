// Ranges of stores as queries from outside see them: typed, and waited for.
import type { Serde } from '../../serde/index.ts';
import { ByteWriter } from '../../util/index.ts';
import type { Entry } from '../api/stores.ts';
import type { Windowed } from '../api/windows.ts';
import type { IntervalState } from './interval-store.ts';
import type { KeyValueState } from './key-value-store.ts';
import { keyBehind, prefixBytes, startsWith } from './prefixes.ts';
import type { WindowState } from './window-store.ts';

// oxlint-disable-next-line max-params -- a range, as stores have it
export async function* keyValueEntries<K, V>(
  state: KeyValueState,
  from: K | null,
  to: K | null,
  isDescending = false,
): AsyncGenerator<Entry<K, V>> {
  const { spec } = state;
  const bytesOf = (key: K): Buffer => {
    const out = new ByteWriter(64);
    spec.key.encode(key, out);
    return out.view();
  };
  const bounds = { from: from === null ? null : bytesOf(from), to: to === null ? null : bytesOf(to), isDescending };
  for await (const { key, value, timestamp } of state.scan(bounds)) {
    yield { key: spec.key.decode(key, 0, key.length) as K, value: value as V, timestamp };
  }
}

/** The entries whose keys begin with the bytes of a prefix. */
export async function* prefixedEntries<K, V, P>(
  state: KeyValueState,
  prefix: P,
  serde: Serde<P>,
): AsyncGenerator<Entry<K, V>> {
  const { spec } = state;
  const from = prefixBytes(prefix, serde);
  for await (const { key, value, timestamp } of state.scan({ from, to: keyBehind(from) })) {
    if (!startsWith(key, 0, key.length, from)) continue;
    yield { key: spec.key.decode(key, 0, key.length) as K, value: value as V, timestamp };
  }
}

/** The windows that start within [from, to], by time and key. */
export async function* windowEntries<K, V>(
  state: WindowState | IntervalState,
  from: number,
  to: number,
): AsyncGenerator<Entry<Windowed<K>, V>> {
  const { spec } = state;
  if ('starts' in state) {
    for await (const { key, value, timestamp, start } of state.scan(from, to)) {
      const decoded = spec.key.decode(key, 0, key.length) as K;
      yield { key: { key: decoded, start, end: start + spec.windowSizeMs! }, value: value as V, timestamp };
    }
    return;
  }
  for await (const { key, span } of state.scan(from, to)) {
    const { start, end, value, timestamp } = span;
    yield { key: { key: spec.key.decode(key, 0, key.length) as K, start, end }, value: value as V, timestamp };
  }
}
