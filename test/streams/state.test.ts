// The stores, the table under them, and the checkpoint on disk.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BufferState } from '../../src/streams/state/buffer-store.ts';
import { Checkpoint } from '../../src/streams/state/checkpoint.ts';
import { IntervalState } from '../../src/streams/state/interval-store.ts';
import { MemoryBudget } from '../../src/streams/state/memory-budget.ts';
import { KeyValueState } from '../../src/streams/state/key-value-store.ts';
import { OuterBufferState } from '../../src/streams/state/outer-buffer-store.ts';
import { SlotTable, UNLOGGED } from '../../src/streams/state/slot-table.ts';
import type { StateStore, StoreSpec, Tracking } from '../../src/streams/state/store.ts';
import { SubscriptionState } from '../../src/streams/state/subscription-store.ts';
import type { Key, Table } from '../../src/streams/state/table.ts';
import { keyValueEntries, windowEntries } from '../../src/streams/state/typed-scans.ts';
import { type StoreUser, typedKeyValueStore } from '../../src/streams/state/typed-stores.ts';
import { WindowState } from '../../src/streams/state/window-store.ts';
import { drainLog, restoreRows, stateStoreSuite } from '../suites/state-store.ts';
import { fc, test as property } from './property.ts';
import { text } from './support.ts';

const spec = (kind: StoreSpec['kind'], more: Partial<StoreSpec> = {}): StoreSpec => ({
  kind,
  name: kind,
  key: text as never,
  value: text as never,
  logging: true,
  ...more,
});
const at = (now: number): StoreUser => ({ now: () => now, isProcessor: false, mayWrite: true });
const bytes = (key: string): Buffer => Buffer.from(key);
const keyOf = (key: string): Key => ({ bytes: bytes(key), start: 0, end: key.length });
const keyIn = (table: Table<unknown>, slot: number): string =>
  table.arena.toString('latin1', table.keyStart(slot), table.keyEnd(slot));
describe('the slot table', () => {
  test('behaves like a map, whatever is put and removed', () => {
    const operation = fc.record({
      key: fc.integer({ min: 0, max: 40 }).map((n) => `key-${n}`.repeat(1 + (n % 5))),
      value: fc.option(fc.integer(), { nil: null }),
      drain: fc.boolean(),
      walk: fc.boolean(),
    });
    property(fc.boolean(), fc.array(operation, { maxLength: 300 }), (tracked, operations) => {
      const table = new SlotTable<number>(tracked ? UNLOGGED : 0);
      const model = new Map<string, number>();
      const logged = new Map<string, number | undefined>();
      const drain = () => table.drain(UNLOGGED, (slot) => logged.set(keyIn(table, slot), table.read(slot)));
      const found = () => table.sorted().map((slot) => [keyIn(table, slot), table.read(slot)]);
      const expected = () => [...model].sort(([a], [b]) => Buffer.compare(bytes(a), bytes(b)));
      for (const { key, value, drain: drains, walk } of operations) {
        const buffer = bytes(key);
        if (value === null) {
          const slot = table.find(buffer, 0, buffer.length);
          if (slot >= 0 && table.read(slot) !== undefined) table.remove(slot, 0);
          model.delete(key);
        } else {
          table.write(table.slotFor(buffer, 0, buffer.length), value, 0);
          model.set(key, value);
        }
        if (drains) drain();
        if (walk) expect(found()).toEqual(expected());
      }
      drain();
      expect(found()).toEqual(expected());
      expect(table.size).toBe(model.size);
      if (tracked) for (const [key, value] of model) expect(logged.get(key)).toBe(value);
    });
  });

  test('keeps thousands of keys in order, whatever comes and goes', () => {
    const table = new SlotTable<number>();
    const keys = new Set<string>();
    let seed = 5;
    for (let i = 0; i < 6000; i++) {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      const key = `key-${seed % 3000}`;
      if (keys.delete(key)) {
        table.remove(table.find(bytes(key), 0, key.length), 0);
      } else {
        table.write(table.slotFor(bytes(key), 0, key.length), i, 0);
        keys.add(key);
      }
      if (i === 100) table.sorted();
    }
    const sorted = [...keys].sort();
    expect(table.sorted().map((slot) => keyIn(table, slot))).toEqual(sorted);
    const some = table.sorted(bytes('key-1'), bytes('key-19'), 50).map((slot) => keyIn(table, slot));
    expect(some).toEqual(sorted.filter((key) => key >= 'key-1').slice(0, 50));
  });

  test('keeps its keys when it has been much larger', () => {
    const table = new SlotTable<number>();
    const put = (key: string): number => {
      const slot = table.slotFor(bytes(key), 0, key.length);
      table.write(slot, key.length, 0);
      return slot;
    };
    // Nothing is left of a table of long keys; the slots that are used again were at the far end of its arena.
    const long = Array.from({ length: 200 }, (_, i) => put(`${i}`.padStart(1000, 'x')));
    for (const slot of long) table.remove(slot, 0);
    for (let i = 0; i < 20; i++) table.remove(put('a'.repeat(20_000)), 0);
    const keys = ['b'.repeat(20_000), 'c'.repeat(41_000), 'd'];
    for (const key of keys) put(key);
    expect(table.sorted().map((slot) => keyIn(table, slot))).toEqual(keys);
  });

  test('sorts within bounds', () => {
    const table = new SlotTable<number>();
    for (const key of ['b', 'a', 'd', 'c']) table.write(table.slotFor(bytes(key), 0, 1), 1, 0);
    expect(table.sorted(bytes('b'), bytes('c')).map((slot) => keyIn(table, slot))).toEqual(['b', 'c']);
  });
});

const keyValues: Parameters<typeof stateStoreSuite<KeyValueState>>[1] = {
  spec: spec('key-value'),
  create: (of, tracking) => new KeyValueState(of, tracking),
  changes: [
    (store) => typedKeyValueStore<string, string>(store, at(1)).put('a', '1'),
    (store) => typedKeyValueStore<string, string>(store, at(2)).put('b', '2'),
    (store) => typedKeyValueStore<string, string>(store, at(3)).put('a', '3'),
    (store) => typedKeyValueStore<string, string>(store, at(4)).delete('b'),
    (store) => typedKeyValueStore<string, string>(store, at(5)).put('c', ''),
  ],
  contents: (store) =>
    ['a', 'b', 'c'].map((key) => typedKeyValueStore<string, string>(store, at(0)).getWithTimestamp(key)),
};

stateStoreSuite<KeyValueState>('key-value', {
  ...keyValues,
  scan: (store) => keyValueEntries<string, string>(store, null, 'b'),
});
stateStoreSuite<KeyValueState>('key-value, from the last key on', {
  ...keyValues,
  scan: (store) => keyValueEntries<string, string>(store, null, 'b', true),
});

const windowPut = (key: string, start: number, value: string | null, timestamp: number) => (store: WindowState) => {
  const table = store.windowFor(start)?.table;
  if (table === undefined) return;
  const slot = table.slotFor(bytes(key), 0, key.length);
  if (value === null) table.remove(slot, timestamp);
  else table.write(slot, value, timestamp);
};

stateStoreSuite<WindowState>('window', {
  scan: (store) => windowEntries(store, 0, 100),
  spec: spec('window', { retentionMs: 100, windowSizeMs: 10 }),
  create: (of, tracking) => new WindowState(of, tracking),
  changes: [
    windowPut('a', 0, '1', 3),
    windowPut('b', 10, '2', 12),
    windowPut('a', 10, '3', 13),
    windowPut('a', 0, '4', 5),
    windowPut('b', 10, null, 14),
    windowPut('a', 105, '5', 106),
  ],
  contents: (store) =>
    store.starts.flatMap((start) => {
      const { table } = store.find(start)!;
      return ['a', 'b'].flatMap((key) => {
        const slot = table.find(bytes(key), 0, 1);
        const value = slot < 0 ? undefined : table.read(slot);
        return value === undefined ? [] : [[start, key, value, table.timestampOf(slot)]];
      });
    }),
});

const spansOf = (store: IntervalState): unknown =>
  ['a', 'b'].map((key) =>
    store
      .spansOf(keyOf(key))
      .filter(({ end }) => end >= store.expiredBefore)
      .map(({ start, end, value, timestamp }) => [start, end, value, timestamp]),
  );

stateStoreSuite<IntervalState>('session', {
  scan: (store) => windowEntries(store, 0, 2000),
  spec: spec('session', { retentionMs: 1000 }),
  create: (of, tracking) => new IntervalState(of, tracking),
  changes: [
    (store) => store.put(keyOf('a'), 5, 9, 'x', 9),
    (store) => store.put(keyOf('b'), 5, 5, 'y', 5),
    (store) => store.put(keyOf('a'), 1, 2, 'z', 2),
    (store) => {
      const [span] = store.spansOf(keyOf('a'));
      if (span !== undefined) store.remove(span, 9);
    },
    (store) => store.put(keyOf('a'), 1, 9, 'zx', 9),
    (store) => store.put(keyOf('b'), 700, 1300, 'w', 1300),
    (store) => store.put(keyOf('a'), 2500, 2600, 'late', 2600),
  ],
  contents: spansOf,
  countsExpired: true,
});

test('a store with nothing left in it knows the time when it is opened again', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-store-time-'));
  try {
    const session = spec('session', { retentionMs: 1000 });
    const window = spec('window', { retentionMs: 100, windowSizeMs: 10 });
    const open = async () => {
      const checkpoint = await Checkpoint.open(join(directory, '0_0'));
      const sessions = new IntervalState(session, { log: true, disk: checkpoint.disk(session) });
      const windows = new WindowState(window, { log: true, disk: checkpoint.disk(window) });
      const stores = new Map<string, StateStore>([
        ['session', sessions],
        ['window', windows],
      ]);
      await checkpoint.load(stores);
      return { checkpoint, sessions, windows, stores };
    };
    const before = await open();
    // Nothing but removals has come back from the changelogs.
    const removed = (store: IntervalState | WindowState, change: (of: never) => void): void => {
      const source =
        store instanceof IntervalState
          ? new IntervalState(session, { log: true, disk: null })
          : new WindowState(window, { log: true, disk: null });
      change(source as never);
      restoreRows(store, drainLog(source));
    };
    removed(before.sessions, (store: IntervalState) =>
      store.remove(store.put(keyOf('a'), 2500, 2600, 'x', 2600)!, 2600),
    );
    removed(before.windows, (store: WindowState) => {
      windowPut('a', 2600, 'x', 2600)(store);
      windowPut('a', 2600, null, 2600)(store);
    });
    await before.checkpoint.write(before.stores, { changelogOffsets: {}, positions: {}, streamTime: 2600 });
    await before.checkpoint.close();

    const { checkpoint, sessions, windows } = await open();
    expect(sessions.put(keyOf('a'), 5, 9, 'late', 9)).toBeUndefined();
    expect(windows.windowFor(10)).toBeUndefined();
    await checkpoint.close();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

stateStoreSuite<IntervalState>('join buffer', {
  scan: (store) => windowEntries(store, 0, 2000),
  spec: spec('join-buffer', { retentionMs: 1000 }),
  create: (of, tracking) => new IntervalState(of, tracking),
  changes: [
    (store) => store.append(keyOf('a'), 7, 'x'),
    (store) => store.append(keyOf('a'), 7, 'y'),
    (store) => store.append(keyOf('a'), 3, 'z'),
    (store) => store.append(keyOf('b'), 9, 'w'),
    (store) => store.append(keyOf('a'), 1200, 'v'),
  ],
  contents: spansOf,
  countsExpired: true,
});

stateStoreSuite<OuterBufferState>('outer buffer', {
  spec: spec('outer-buffer', { otherValue: text as never }),
  create: (of, tracking) => new OuterBufferState(of, tracking),
  changes: [
    (store) => store.add(true, 5, keyOf('a'), 'l1'),
    (store) => store.add(true, 5, keyOf('a'), 'l2'),
    (store) => store.add(false, 5, keyOf('a'), 'r1'),
    (store) => store.add(true, 1, keyOf('b'), 'l3'),
    (store) => store.matched(false, 5, keyOf('a')),
    (store) => store.add(false, 9, keyOf('c'), 'r2'),
  ],
  contents: (store) => [store.first(true), store.first(false), store.size],
});

stateStoreSuite<BufferState>('suppression', {
  spec: spec('suppress'),
  create: (of, tracking) => new BufferState(of, tracking),
  changes: [
    (store) => store.put(keyOf('a'), 5, '1', null, 5),
    (store) => store.put(keyOf('b'), 3, '2', 'old', 3),
    (store) => store.put(keyOf('a'), 9, '3', null, 9),
    (store) => store.size > 0 && store.takeFirst(),
    (store) => store.put(keyOf('c'), 4, null, 'gone', 4),
  ],
  contents: (store) => [store.size, store.size > 0 ? store.minTime : null],
});

stateStoreSuite<SubscriptionState>('subscription', {
  spec: spec('subscription'),
  create: (of, tracking) => new SubscriptionState(of, tracking),
  changes: [
    (store) => store.put(bytes('f'), bytes('p2'), bytes('s2'), 1),
    (store) => store.put(bytes('f'), bytes('p1'), bytes('s1'), 2),
    (store) => store.put(bytes('g'), bytes('p1'), bytes('s3'), 3),
    (store) => store.remove(bytes('f'), bytes('p2'), 4),
    (store) => store.put(bytes('f'), bytes('p1'), bytes('s4'), 5),
  ],
  contents: (store) => {
    const seen: string[] = [];
    for (const key of ['f', 'g'])
      store.forEach(bytes(key), (value, timestamp) => seen.push(`${key} ${value} ${timestamp}`));
    return seen;
  },
});

test('a join buffer forgets what has expired before anybody asked for its changes', () => {
  const create = (): IntervalState =>
    new IntervalState(spec('join-buffer', { retentionMs: 500 }), { log: true, disk: null });
  const store = create();
  const raw = { valueBytes: bytes('raw'), valueStart: 0, valueEnd: 3 };
  const times = 150_000;
  for (let time = 0; time < times; time++) store.append(keyOf(`k${time % 7}`), time, `v${time}`, raw);
  const logged = create();
  const rows = drainLog(store);
  expect(rows.length).toBe(501);
  restoreRows(logged, rows);
  const live = (state: IntervalState): unknown =>
    state.spansOf(keyOf('k0')).flatMap(({ end }) => (end >= times - 501 ? [end] : []));
  expect(live(logged)).toEqual(live(store));
  // The log has the bytes that came with the record.
  expect(logged.spansOf(keyOf('k0')).every(({ value: is }) => is === 'raw')).toBe(true);
});

test('a subscription row is laid out as Kafka Streams does', () => {
  const store = new SubscriptionState(spec('subscription'), { log: true, disk: null });
  store.put(bytes('fk'), bytes('pk'), bytes('s'), 1);
  store.drainLog((row) => expect(row.toString('hex')).toBe('00000002666b706b'));
});

describe('the checkpoint', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-state-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const path = (): string => join(directory, '0_0');
  const named = (...list: StateStore[]): Map<string, StateStore> =>
    new Map(list.map((store) => [store.spec.name, store]));
  const meta = (offset: number) => ({ changelogOffsets: { 'key-value': offset }, positions: {}, streamTime: 7 });
  const windowed = spec('window', { retentionMs: 50, windowSizeMs: 10 });
  const on = (checkpoint: Checkpoint, of: StoreSpec): Tracking => ({ log: false, disk: checkpoint.disk(of) });
  /** A key-value store and a window store over a checkpoint. */
  const open = async (options: { readonly onRebuild?: (why: string) => void } = {}) => {
    const checkpoint = await Checkpoint.open(path(), { budget: new MemoryBudget(1), ...options });
    const store = new KeyValueState(spec('key-value'), on(checkpoint, spec('key-value')));
    const windows = new WindowState(windowed, on(checkpoint, windowed));
    const entries = await checkpoint.load(named(store, windows));
    const typed = typedKeyValueStore<string, string>(store, at(5));
    return { checkpoint, store, windows, entries, typed, all: named(store, windows) };
  };

  test('brings back what was last written, not what changed since', async () => {
    const first = await open();
    expect(first.checkpoint.meta).toBeNull();
    first.typed.put('a', '1');
    first.typed.put('b', '2');
    windowPut('k', 20, 'w', 21)(first.windows);
    await first.checkpoint.write(first.all, meta(10));
    first.typed.delete('b');
    first.typed.put('c', '3');
    await first.checkpoint.write(first.all, meta(20));
    first.typed.put('d', 'not committed');
    await first.checkpoint.close();

    const again = await open();
    expect(again.checkpoint.meta).toMatchObject(meta(20));
    expect(again.entries).toBe(3);
    expect(['a', 'b', 'c', 'd'].map((key) => again.typed.getWithTimestamp(key))).toEqual([
      { value: '1', timestamp: 5 },
      null,
      { value: '3', timestamp: 5 },
      null,
    ]);
    expect(again.windows.size).toBe(1);
    await again.checkpoint.close();
  });

  test('lets go of windows that have expired, on the disk as well', async () => {
    const rowsOnDisk = async (): Promise<number> => {
      const level = new ClassicLevel(path());
      const keys = await level.keys().all();
      await level.close();
      return keys.length;
    };
    const { checkpoint, windows, all } = await open();
    windowPut('a', 0, '1', 1)(windows);
    windowPut('a', 10, '2', 11)(windows);
    await checkpoint.write(all, meta(1));
    windowPut('a', 60, '3', 61)(windows);
    await checkpoint.write(all, meta(2));
    await checkpoint.close();
    // Two rows and the manifest.
    expect(await rowsOnDisk()).toBe(3);
    const again = await open();
    expect(again.entries).toBe(2);
    expect(again.windows.starts).toEqual([10, 60]);
    await again.checkpoint.close();
  });

  test('a store that is not there any more, or of another kind, leaves nothing behind', async () => {
    const first = await open();
    first.typed.put('a', '1');
    windowPut('k', 20, 'w', 21)(first.windows);
    await first.checkpoint.write(first.all, meta(1));
    await first.checkpoint.close();
    const checkpoint = await Checkpoint.open(path());
    const other = { ...windowed, name: 'key-value' };
    const store = new WindowState(other, on(checkpoint, other));
    expect(checkpoint.offsetOf(other)).toBe(0);
    expect(await checkpoint.load(named(store))).toBe(0);
    expect(store.size).toBe(0);
    await checkpoint.write(named(store), meta(1));
    await checkpoint.close();
    const level = new ClassicLevel(path());
    expect((await level.keys().all()).length).toBe(1);
    await level.close();
  });

  const told = (): { lines: string[]; onRebuild: (why: string) => void } => {
    const lines: string[] = [];
    return { lines, onRebuild: (why) => lines.push(why) };
  };

  test('of an earlier version is removed, and that is said once', async () => {
    const level = new ClassicLevel<string, string>(path());
    await level.put('manifest', JSON.stringify({ layout: 2, meta: meta(9), stores: {}, files: [] }));
    await level.close();
    writeFileSync(join(path(), '17.rows'), 'rows');
    const { lines, onRebuild } = told();
    const { checkpoint } = await open({ onRebuild });
    expect(checkpoint.meta).toBeNull();
    expect(lines).toEqual([expect.stringContaining(path())]);
    expect(readdirSync(path())).not.toContain('17.rows');
    await checkpoint.close();
  });

  const filled = async (): Promise<void> => {
    const { checkpoint, typed, all } = await open();
    for (let i = 0; i < 2000; i++) typed.put(`key-${i}`, `a long text about number ${i}`.repeat(8));
    await checkpoint.write(all, meta(2000));
    await checkpoint.close();
    // Once more opened, what was in LevelDB's log is in a table.
    const again = await open();
    again.typed.put('key-0', 'again');
    await again.checkpoint.write(again.all, meta(2001));
    await again.checkpoint.close();
  };
  const fileOf = (pattern: RegExp): string => join(path(), readdirSync(path()).find((name) => pattern.test(name))!);

  test.each(['a table is gone', 'the list of files is cut off'])(
    'when %s, is removed, and that is said',
    async (how) => {
      await filled();
      if (how === 'a table is gone') rmSync(fileOf(/\.ldb$/));
      else truncateSync(fileOf(/^MANIFEST/), 10);
      const { lines, onRebuild } = told();
      const { checkpoint, entries } = await open({ onRebuild });
      expect([checkpoint.meta, entries]).toEqual([null, 0]);
      expect(lines).toEqual([expect.stringContaining(path())]);
      await checkpoint.close();
    },
  );

  test('a damaged row ends the worker that reads it, and the next one finds nothing', async () => {
    await filled();
    const file = fileOf(/\.ldb$/);
    writeFileSync(file, readFileSync(file).toString('latin1').replaceAll('number', 'numder'), 'latin1');
    const damaged = await open();
    const readAll = (): void => {
      for (let i = 0; i < 2000; i++) damaged.typed.get(`key-${i}`);
    };
    expect(readAll).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT', retriable: true }));
    await damaged.checkpoint.close();
    expect(existsSync(path())).toBe(false);
    const again = await open();
    expect(again.checkpoint.meta).toBeNull();
    await again.checkpoint.close();
  });

  test('belongs to one task at a time', async () => {
    const { checkpoint } = await open();
    await expect(Checkpoint.open(path())).rejects.toMatchObject({ code: 'STATE_LOCKED' });
    await checkpoint.close();
  });
});

describe('the memory budget', () => {
  test('is the smallest that somebody asks for, as long as they do', () => {
    const budget = new MemoryBudget(100);
    const one = budget.claim(70);
    const other = budget.claim(30);
    expect(budget.limit).toBe(30);
    other();
    expect(budget.limit).toBe(70);
    one();
    expect(budget.limit).toBe(100);
  });
});
