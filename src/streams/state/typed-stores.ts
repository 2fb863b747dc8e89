/** Stores as user code sees them: typed keys and values over the byte-keyed state. */
import { ByteWriter } from '../../util/index.ts';
import type { Entry, KeyValueStore, ReadOnlyWindowStore, WindowStore, SessionStore } from '../api/stores.ts';
import type { Windowed } from '../api/windows.ts';
import type { IntervalState } from './interval-store.ts';
import type { KeyValueState } from './key-value-store.ts';
import type { WindowState } from './window-store.ts';

class TypedKeyValueStore<K, V> implements KeyValueStore<K, V> {
  readonly #state: KeyValueState;
  readonly #now: () => number;
  readonly #out = new ByteWriter(64);

  constructor(state: KeyValueState, now: () => number) {
    this.#state = state;
    this.#now = now;
  }

  get size(): number {
    return this.#state.size;
  }

  get(key: K): V | null {
    const slot = this.#find(key);
    return slot < 0 ? null : ((this.#state.table.values[slot] as V | undefined) ?? null);
  }

  getWithTimestamp(key: K): { readonly value: V; readonly timestamp: number } | null {
    const slot = this.#find(key);
    const value = slot < 0 ? undefined : (this.#state.table.values[slot] as V | undefined);
    return value === undefined ? null : { value, timestamp: this.#state.table.timestamps[slot]! };
  }

  put(key: K, value: V | null, timestamp = this.#now()): void {
    const { table } = this.#state;
    if (value === null) {
      const slot = this.#find(key);
      if (slot >= 0) table.remove(slot, timestamp);
      return;
    }
    const bytes = this.#encode(key);
    table.set(table.slotFor(bytes, 0, bytes.length), value, timestamp);
  }

  delete(key: K): V | null {
    const old = this.get(key);
    this.put(key, null);
    return old;
  }

  *range(from: K | null, to: K | null): IterableIterator<Entry<K, V>> {
    const { table, spec } = this.#state;
    const low = from === null ? null : Buffer.from(this.#encode(from));
    const high = to === null ? null : Buffer.from(this.#encode(to));
    for (const slot of table.sorted(low, high)) {
      const value = table.values[slot];
      if (value === undefined) continue;
      const key = spec.key.decode(table.arena, table.keyStart(slot), table.keyEnd(slot)) as K;
      yield { key, value: value as V, timestamp: table.timestamps[slot]! };
    }
  }

  all(): IterableIterator<Entry<K, V>> {
    return this.range(null, null);
  }

  #find(key: K): number {
    const bytes = this.#encode(key);
    return this.#state.table.find(bytes, 0, bytes.length);
  }

  #encode(key: K): Buffer {
    this.#out.reset();
    this.#state.spec.key.encode(key, this.#out);
    return this.#out.view();
  }
}

class TypedWindowStore<K, V> implements WindowStore<K, V> {
  readonly #state: WindowState;
  readonly #now: () => number;
  readonly #out = new ByteWriter(64);

  constructor(state: WindowState, now: () => number) {
    this.#state = state;
    this.#now = now;
  }

  get size(): number {
    return this.#state.size;
  }

  put(key: K, value: V | null, windowStart: number, timestamp = this.#now()): void {
    const table = this.#state.tableFor(windowStart);
    if (table === undefined) return;
    const bytes = this.#encode(key);
    if (value !== null) {
      table.set(table.slotFor(bytes, 0, bytes.length), value, timestamp);
      return;
    }
    const slot = table.find(bytes, 0, bytes.length);
    if (slot >= 0) table.remove(slot, timestamp);
  }

  *fetch(key: K, from: number, to: number): IterableIterator<Entry<Windowed<K>, V>> {
    const bytes = Buffer.from(this.#encode(key));
    for (const start of this.#starts(from, to)) {
      const table = this.#state.table(start);
      const slot = table === undefined ? -1 : table.find(bytes, 0, bytes.length);
      const value = slot < 0 ? undefined : table!.values[slot];
      if (value !== undefined) {
        yield {
          key: { key, start, end: start + this.#state.spec.windowSizeMs! },
          value: value as V,
          timestamp: table!.timestamps[slot]!,
        };
      }
    }
  }

  *fetchAll(from: number, to: number): IterableIterator<Entry<Windowed<K>, V>> {
    const { spec } = this.#state;
    for (const start of this.#starts(from, to)) {
      const table = this.#state.table(start);
      if (table === undefined) continue;
      for (const slot of table.sorted()) {
        const value = table.values[slot];
        if (value === undefined) continue;
        const key = spec.key.decode(table.arena, table.keyStart(slot), table.keyEnd(slot)) as K;
        yield {
          key: { key, start, end: start + spec.windowSizeMs! },
          value: value as V,
          timestamp: table.timestamps[slot]!,
        };
      }
    }
  }

  all(): IterableIterator<Entry<Windowed<K>, V>> {
    return this.fetchAll(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  }

  #starts(from: number, to: number): number[] {
    return this.#state.starts.filter((start) => start >= from && start <= to);
  }

  #encode(key: K): Buffer {
    this.#out.reset();
    this.#state.spec.key.encode(key, this.#out);
    return this.#out.view();
  }
}

/** Sessions, and sliding windows seen as a window store. */
class TypedIntervalStore<K, V> implements SessionStore<K, V>, ReadOnlyWindowStore<K, V> {
  readonly #state: IntervalState;
  readonly #out = new ByteWriter(64);

  constructor(state: IntervalState) {
    this.#state = state;
  }

  get size(): number {
    return this.#state.size;
  }

  put(key: K, start: number, end: number, value: V): void {
    const bytes = this.#encode(key);
    this.#state.put(bytes, 0, bytes.length, start, end, value, end);
  }

  remove(key: K, start: number, end: number): void {
    const bytes = this.#encode(key);
    const span = this.#state.of(bytes, 0, bytes.length)?.find((s) => s.start === start && s.end === end);
    if (span !== undefined) this.#state.remove(span, end);
  }

  *fetch(
    key: K,
    from = Number.NEGATIVE_INFINITY,
    to = Number.POSITIVE_INFINITY,
  ): IterableIterator<Entry<Windowed<K>, V>> {
    const bytes = this.#encode(key);
    for (const span of this.#state.of(bytes, 0, bytes.length)?.slice() ?? []) {
      if (span.start < from || span.start > to || span.end < this.#state.expiredBefore) continue;
      yield { key: { key, start: span.start, end: span.end }, value: span.value as V, timestamp: span.timestamp };
    }
  }

  *findSessions(key: K, earliestEnd: number, latestStart: number): IterableIterator<Entry<Windowed<K>, V>> {
    for (const entry of this.fetch(key)) {
      if (entry.key.end >= earliestEnd && entry.key.start <= latestStart) yield entry;
    }
  }

  *fetchAll(from: number, to: number): IterableIterator<Entry<Windowed<K>, V>> {
    const { table, spec } = this.#state;
    for (const slot of table.sorted()) {
      const key = spec.key.decode(table.arena, table.keyStart(slot), table.keyEnd(slot)) as K;
      for (const span of table.values[slot]?.slice() ?? []) {
        if (span.start < from || span.start > to || span.end < this.#state.expiredBefore) continue;
        yield { key: { key, start: span.start, end: span.end }, value: span.value as V, timestamp: span.timestamp };
      }
    }
  }

  all(): IterableIterator<Entry<Windowed<K>, V>> {
    return this.fetchAll(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  }

  #encode(key: K): Buffer {
    this.#out.reset();
    this.#state.spec.key.encode(key, this.#out);
    return this.#out.view();
  }
}

export function typedKeyValueStore<K, V>(state: KeyValueState, now: () => number): KeyValueStore<K, V> {
  return new TypedKeyValueStore<K, V>(state, now);
}

export function typedWindowStore<K, V>(state: WindowState, now: () => number): WindowStore<K, V> {
  return new TypedWindowStore<K, V>(state, now);
}

export function typedIntervalStore<K, V>(state: IntervalState): SessionStore<K, V> & ReadOnlyWindowStore<K, V> {
  return new TypedIntervalStore<K, V>(state);
}
