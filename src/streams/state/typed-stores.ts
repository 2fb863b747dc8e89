/** Stores as user code sees them: typed keys and values over the byte-keyed state. */
import type { Serde } from '../../serde/index.ts';
import { ByteWriter, MillraceError } from '../../util/index.ts';
import type {
  Entry,
  KeyValueStore,
  SessionStore,
  VersionedKeyValueStore,
  VersionedRecord,
  WindowStore,
} from '../api/stores.ts';
import { checkEventTime } from '../api/checks.ts';
import type { Windowed } from '../api/windows.ts';
import type { Interval, IntervalState } from './interval-store.ts';
import type { KeyValueState } from './key-value-store.ts';
import type { StateStore } from './store.ts';
import type { Key } from './table.ts';
import { keyBehind, prefixBytes, startsWith } from './prefixes.ts';
import type { VersionedState } from './versioned-store.ts';
import type { WindowState } from './window-store.ts';

/** Who holds a typed store. */
export interface StoreUser {
  /** The time of what is written without one. */
  readonly now: () => number;
  /** A processor: what it walks through has to be in memory by its declaration, not by chance. */
  readonly isProcessor: boolean;
  /** Processors read global stores, and those of a topic's records; only the one that keeps such a store writes it. */
  readonly mayWrite: boolean;
}

/** Someone who only looks, with all that there is in memory. */
export const onlooker: StoreUser = { now: () => 0, isProcessor: false, mayWrite: false };

function checkWalk({ spec }: StateStore, { isProcessor }: StoreUser, method: string): void {
  if (!isProcessor || spec.storeType === 'IN_MEMORY') return;
  throw new MillraceError(
    'STORE_NOT_IN_MEMORY',
    `${method}: the state store ${spec.name} is PERSISTENT, and a processor reads it key by key; make it of storeType ` +
      "'IN_MEMORY' to walk through it",
  );
}

function checkWritable({ spec }: StateStore, { mayWrite }: StoreUser): void {
  if (mayWrite) return;
  const what = spec.writer === undefined ? 'a global one' : `kept by ${spec.writer}`;
  throw new MillraceError('STORE_READ_ONLY', `the state store ${spec.name} is ${what}, which is read only here`);
}

/** The key that was encoded last. */
class EncodedKey<K> implements Key {
  readonly start = 0;
  readonly #serde: Serde<unknown>;
  readonly #out = new ByteWriter(64);

  constructor(serde: Serde<unknown>) {
    this.#serde = serde;
  }

  get bytes(): Buffer {
    return this.#out.buffer;
  }

  get end(): number {
    return this.#out.position;
  }

  of(key: K): this {
    this.#out.reset();
    this.#serde.encode(key, this.#out);
    return this;
  }

  copyOf(key: K): Buffer {
    this.of(key);
    return this.#out.copy();
  }
}

class TypedKeyValueStore<K, V> implements KeyValueStore<K, V> {
  readonly #state: KeyValueState;
  readonly #user: StoreUser;
  readonly #key: EncodedKey<K>;

  constructor(state: KeyValueState, user: StoreUser) {
    this.#state = state;
    this.#key = new EncodedKey(state.spec.key);
    this.#user = user;
  }

  get size(): number {
    return this.#state.size;
  }

  get(key: K): V | null {
    const slot = this.#find(key);
    return slot < 0 ? null : ((this.#state.table.read(slot) as V | undefined) ?? null);
  }

  getWithTimestamp(key: K): { readonly value: V; readonly timestamp: number } | null {
    const slot = this.#find(key);
    const value = slot < 0 ? undefined : (this.#state.table.read(slot) as V | undefined);
    return value === undefined ? null : { value, timestamp: this.#state.table.timestampOf(slot) };
  }

  put(key: K, value: V | null, timestamp = this.#user.now()): void {
    checkWritable(this.#state, this.#user);
    const { table } = this.#state;
    if (value === null) {
      const slot = this.#find(key);
      if (slot >= 0) table.remove(slot, timestamp);
      return;
    }
    const { bytes, start, end } = this.#key.of(key);
    table.write(table.slotFor(bytes, start, end), value, timestamp);
  }

  putIfAbsent(key: K, value: V, timestamp?: number): V | null {
    const old = this.get(key);
    if (old === null) this.put(key, value, timestamp);
    return old;
  }

  putAll(entries: Iterable<readonly [key: K, value: V | null]>): void {
    for (const [key, value] of entries) this.put(key, value);
  }

  delete(key: K): V | null {
    const old = this.get(key);
    this.put(key, null);
    return old;
  }

  range(from: K | null, to: K | null): IterableIterator<Entry<K, V>> {
    return this.#walk('range', () => this.#within(from, to));
  }

  all(): IterableIterator<Entry<K, V>> {
    return this.#walk('all', () => this.#within(null, null));
  }

  reverseRange(from: K | null, to: K | null): IterableIterator<Entry<K, V>> {
    return this.#walk('reverseRange', () => this.#within(from, to).reverse());
  }

  reverseAll(): IterableIterator<Entry<K, V>> {
    return this.#walk('reverseAll', () => this.#within(null, null).reverse());
  }

  prefixScan<P>(prefix: P, serde: Serde<P>): IterableIterator<Entry<K, V>> {
    return this.#walk('prefixScan', () => {
      const { table } = this.#state;
      const bytes = prefixBytes(prefix, serde);
      const slots = table.sorted(bytes, keyBehind(bytes));
      // The bound itself is no longer one of them.
      return slots.filter((slot) => startsWith(table.arena, table.keyStart(slot), table.keyEnd(slot), bytes));
    });
  }

  #walk(method: string, slotsOf: () => number[]): IterableIterator<Entry<K, V>> {
    checkWalk(this.#state, this.#user, method);
    return this.#entries(slotsOf());
  }

  #within(from: K | null, to: K | null): number[] {
    const low = from === null ? null : this.#key.copyOf(from);
    const high = to === null ? null : this.#key.copyOf(to);
    return this.#state.table.sorted(low, high);
  }

  *#entries(slots: readonly number[]): IterableIterator<Entry<K, V>> {
    const { table, spec } = this.#state;
    for (const slot of slots) {
      const value = table.read(slot);
      if (value === undefined) continue;
      const key = spec.key.decode(table.arena, table.keyStart(slot), table.keyEnd(slot)) as K;
      yield { key, value: value as V, timestamp: table.timestampOf(slot) };
    }
  }

  #find(key: K): number {
    const { bytes, start, end } = this.#key.of(key);
    return this.#state.table.find(bytes, start, end);
  }
}

class TypedVersionedStore<K, V> implements VersionedKeyValueStore<K, V> {
  readonly #state: VersionedState;
  readonly #key: EncodedKey<K>;

  readonly #user: StoreUser;

  constructor(state: VersionedState, user: StoreUser) {
    this.#state = state;
    this.#user = user;
    this.#key = new EncodedKey(state.spec.key);
  }

  get size(): number {
    return this.#state.size;
  }

  get(key: K, asOf = Number.POSITIVE_INFINITY): VersionedRecord<V> | null {
    return (this.#state.versionAt(this.#key.of(key), asOf) as VersionedRecord<V> | undefined) ?? null;
  }

  put(key: K, value: V | null, timestamp: number): number | null {
    checkWritable(this.#state, this.#user);
    checkEventTime(`the state store ${this.#state.spec.name}: the timestamp of a version`, timestamp);
    return this.#state.put(this.#key.of(key), value, timestamp) ?? null;
  }

  delete(key: K, timestamp: number): VersionedRecord<V> | null {
    const before = this.get(key, timestamp);
    this.put(key, null, timestamp);
    return before;
  }
}

class TypedWindowStore<K, V> implements WindowStore<K, V> {
  readonly #state: WindowState;
  readonly #user: StoreUser;
  readonly #key: EncodedKey<K>;

  constructor(state: WindowState, user: StoreUser) {
    this.#state = state;
    this.#key = new EncodedKey(state.spec.key);
    this.#user = user;
  }

  get size(): number {
    return this.#state.size;
  }

  put(key: K, value: V | null, windowStart: number, timestamp = this.#user.now()): void {
    checkWritable(this.#state, this.#user);
    const table = this.#state.windowFor(windowStart)?.table;
    if (table === undefined) return;
    const { bytes, start, end } = this.#key.of(key);
    if (value !== null) {
      table.write(table.slotFor(bytes, start, end), value, timestamp);
      return;
    }
    const slot = table.find(bytes, start, end);
    if (slot >= 0) table.remove(slot, timestamp);
  }

  *fetch(key: K, from: number, to: number): IterableIterator<Entry<Windowed<K>, V>> {
    const bytes = this.#key.copyOf(key);
    for (const start of this.#starts(from, to)) {
      const table = this.#state.find(start)?.table;
      const slot = table === undefined ? -1 : table.find(bytes, 0, bytes.length);
      const value = slot < 0 ? undefined : table!.read(slot);
      if (value !== undefined) {
        yield {
          key: { key, start, end: start + this.#state.spec.windowSizeMs! },
          value: value as V,
          timestamp: table!.timestampOf(slot),
        };
      }
    }
  }

  fetchAll(from: number, to: number): IterableIterator<Entry<Windowed<K>, V>> {
    checkWalk(this.#state, this.#user, 'fetchAll');
    return this.#fetchAll(from, to);
  }

  *#fetchAll(from: number, to: number): IterableIterator<Entry<Windowed<K>, V>> {
    const { spec } = this.#state;
    for (const start of this.#starts(from, to)) {
      const table = this.#state.find(start)?.table;
      if (table === undefined) continue;
      for (const slot of table.sorted()) {
        const value = table.read(slot);
        if (value === undefined) continue;
        const key = spec.key.decode(table.arena, table.keyStart(slot), table.keyEnd(slot)) as K;
        yield {
          key: { key, start, end: start + spec.windowSizeMs! },
          value: value as V,
          timestamp: table.timestampOf(slot),
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
}

/** Spans of one fixed length or another, one after the other: what the stores of keys' spans share. */
abstract class SpanStore<K, V> {
  protected readonly state: IntervalState;
  protected readonly user: StoreUser;
  protected readonly key: EncodedKey<K>;

  constructor(state: IntervalState, user: StoreUser) {
    this.state = state;
    this.key = new EncodedKey(state.spec.key);
    this.user = user;
  }

  get size(): number {
    return this.state.size;
  }

  *fetch(
    key: K,
    from = Number.NEGATIVE_INFINITY,
    to = Number.POSITIVE_INFINITY,
  ): IterableIterator<Entry<Windowed<K>, V>> {
    const { spec, expiredBefore } = this.state;
    // Of a fixed length or not: a session that starts within the time may end at any later one.
    const latestEnd = spec.windowSizeMs === undefined ? Number.POSITIVE_INFINITY : to + spec.windowSizeMs;
    for (const span of this.state.spansOf(this.key.of(key), from, latestEnd).slice()) {
      if (span.start < from || span.start > to || span.end < expiredBefore) continue;
      yield { key: { key, start: span.start, end: span.end }, value: span.value as V, timestamp: span.timestamp };
    }
  }

  fetchAll(from: number, to: number): IterableIterator<Entry<Windowed<K>, V>> {
    checkWalk(this.state, this.user, 'fetchAll');
    return this.#fetchAll(from, to);
  }

  all(): IterableIterator<Entry<Windowed<K>, V>> {
    return this.fetchAll(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  }

  *#fetchAll(from: number, to: number): IterableIterator<Entry<Windowed<K>, V>> {
    const { spec, expiredBefore } = this.state;
    const found: { readonly span: Interval; readonly key: Buffer }[] = [];
    this.state.forEach((span) => {
      if (span.start < from || span.start > to || span.end < expiredBefore) return;
      const { table } = span.segment;
      found.push({ span, key: table.arena.subarray(table.keyStart(span.slot), table.keyEnd(span.slot)) });
    });
    found.sort((a, b) => Buffer.compare(a.key, b.key) || a.span.end - b.span.end || a.span.start - b.span.start);
    for (const { span, key: bytes } of found) {
      const key = spec.key.decode(bytes, 0, bytes.length) as K;
      yield { key: { key, start: span.start, end: span.end }, value: span.value as V, timestamp: span.timestamp };
    }
  }
}

class TypedSessionStore<K, V> extends SpanStore<K, V> implements SessionStore<K, V> {
  put(key: K, start: number, end: number, value: V): void {
    checkWritable(this.state, this.user);
    this.state.put(this.key.of(key), start, end, value, end);
  }

  remove(key: K, start: number, end: number): void {
    checkWritable(this.state, this.user);
    const span = this.state.find(this.key.of(key), start, end);
    if (span !== undefined) this.state.remove(span, end);
  }

  *findSessions(key: K, earliestEnd: number, latestStart: number): IterableIterator<Entry<Windowed<K>, V>> {
    for (const entry of this.fetch(key)) {
      if (entry.key.end >= earliestEnd && entry.key.start <= latestStart) yield entry;
    }
  }
}

/** Windows that start anywhere, and sliding windows. */
class SpanWindowStore<K, V> extends SpanStore<K, V> implements WindowStore<K, V> {
  put(key: K, value: V | null, windowStart: number, timestamp = this.user.now()): void {
    const { state } = this;
    checkWritable(state, this.user);
    const end = windowStart + state.spec.windowSizeMs!;
    const encoded = this.key.of(key);
    if (value !== null) {
      state.put(encoded, windowStart, end, value, timestamp);
      return;
    }
    const span = state.find(encoded, windowStart, end);
    if (span !== undefined) state.remove(span, timestamp);
  }
}

export function typedKeyValueStore<K, V>(state: KeyValueState, user: StoreUser): KeyValueStore<K, V> {
  return new TypedKeyValueStore<K, V>(state, user);
}

export function typedVersionedStore<K, V>(state: VersionedState, user: StoreUser): VersionedKeyValueStore<K, V> {
  return new TypedVersionedStore<K, V>(state, user);
}

export function typedWindowStore<K, V>(state: WindowState | IntervalState, user: StoreUser): WindowStore<K, V> {
  return 'starts' in state ? new TypedWindowStore<K, V>(state, user) : new SpanWindowStore<K, V>(state, user);
}

export function typedSessionStore<K, V>(state: IntervalState, user: StoreUser): SessionStore<K, V> {
  return new TypedSessionStore<K, V>(state, user);
}
