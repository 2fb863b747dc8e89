// The stores, the table under them, and the checkpoint on disk.
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BufferState } from '../../src/streams/state/buffer-store.ts';
import { Checkpoint } from '../../src/streams/state/checkpoint.ts';
import { IntervalState } from '../../src/streams/state/interval-store.ts';
import { KeyValueState } from '../../src/streams/state/key-value-store.ts';
import { OuterBufferState } from '../../src/streams/state/outer-buffer-store.ts';
import { SlotTable, UNLOGGED } from '../../src/streams/state/slot-table.ts';
import { FROM_LOG, type Row, type StateStore, type StoreSpec } from '../../src/streams/state/store.ts';
import { SubscriptionState } from '../../src/streams/state/subscription-store.ts';
import type { Key, Table } from '../../src/streams/state/table.ts';
import { typedKeyValueStore } from '../../src/streams/state/typed-stores.ts';
import { WindowState } from '../../src/streams/state/window-store.ts';
import { stateStoreSuite } from '../suites/state-store.ts';
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
const bytes = (key: string): Buffer => Buffer.from(key);
const keyOf = (key: string): Key => ({ bytes: bytes(key), start: 0, end: key.length });
const keyIn = (table: Table<unknown>, slot: number): string =>
  table.arena.toString('latin1', table.keyStart(slot), table.keyEnd(slot));
/** A row on its own. */
const rowOf = (key: Buffer, value: Buffer | null, timestamp: number): Row => ({
  bytes: Buffer.concat([key, value ?? bytes('')]),
  keyStart: 0,
  keyEnd: key.length,
  valueStart: value === null ? -1 : key.length,
  valueEnd: key.length + (value?.length ?? 0),
  timestamp,
});

describe('the slot table', () => {
  test('behaves like a map, whatever is put and removed', () => {
    const operation = fc.record({
      key: fc.integer({ min: 0, max: 40 }).map((n) => `key-${n}`.repeat(1 + (n % 5))),
      value: fc.option(fc.integer(), { nil: null }),
      drain: fc.boolean(),
    });
    property(fc.boolean(), fc.array(operation, { maxLength: 300 }), (tracked, operations) => {
      const table = new SlotTable<number>(tracked ? UNLOGGED : 0);
      const model = new Map<string, number>();
      const logged = new Map<string, number | undefined>();
      const drain = () => table.drain(UNLOGGED, (slot) => logged.set(keyIn(table, slot), table.read(slot)));
      for (const { key, value, drain: drains } of operations) {
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
      }
      drain();
      const found = table.sorted().map((slot) => [keyIn(table, slot), table.read(slot)]);
      expect(found).toEqual([...model].sort(([a], [b]) => Buffer.compare(bytes(a), bytes(b))));
      expect(table.size).toBe(model.size);
      if (tracked) for (const [key, value] of model) expect(logged.get(key)).toBe(value);
    });
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

stateStoreSuite('key-value', {
  create: (tracking) => new KeyValueState(spec('key-value'), tracking),
  changes: [
    (store) => typedKeyValueStore<string, string>(store, () => 1).put('a', '1'),
    (store) => typedKeyValueStore<string, string>(store, () => 2).put('b', '2'),
    (store) => typedKeyValueStore<string, string>(store, () => 3).put('a', '3'),
    (store) => typedKeyValueStore<string, string>(store, () => 4).delete('b'),
    (store) => typedKeyValueStore<string, string>(store, () => 5).put('c', ''),
  ],
  contents: (store) => [...typedKeyValueStore<string, string>(store, () => 0).all()],
});

const windowPut = (key: string, start: number, value: string | null, timestamp: number) => (store: WindowState) => {
  const table = store.windowFor(start)?.table;
  if (table === undefined) return;
  const slot = table.slotFor(bytes(key), 0, key.length);
  if (value === null) table.remove(slot, timestamp);
  else table.write(slot, value, timestamp);
};

stateStoreSuite<WindowState>('window', {
  create: (tracking) => new WindowState(spec('window', { retentionMs: 100, windowSizeMs: 10 }), tracking),
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
      return table.sorted().map((slot) => [start, keyIn(table, slot), table.read(slot), table.timestampOf(slot)]);
    }),
});

const spansOf = (store: IntervalState): unknown =>
  store.table
    .sorted()
    .flatMap((slot) =>
      store.table
        .read(slot)!
        .map(({ start, end, value, timestamp }) => [keyIn(store.table, slot), start, end, value, timestamp]),
    );

stateStoreSuite<IntervalState>('session', {
  create: (tracking) => new IntervalState(spec('session', { retentionMs: 1000 }), tracking),
  changes: [
    (store) => store.put(keyOf('a'), 5, 9, 'x', 9),
    (store) => store.put(keyOf('b'), 5, 5, 'y', 5),
    (store) => store.put(keyOf('a'), 1, 2, 'z', 2),
    (store) => store.remove(store.of(bytes('a'), 0, 1)![1]!, 9),
    (store) => store.put(keyOf('a'), 1, 9, 'zx', 9),
  ],
  contents: spansOf,
});

stateStoreSuite<IntervalState>('join buffer', {
  create: (tracking) => new IntervalState(spec('join-buffer', { retentionMs: 1000 }), tracking),
  changes: [
    (store) => store.append(keyOf('a'), 7, 'x'),
    (store) => store.append(keyOf('a'), 7, 'y'),
    (store) => store.append(keyOf('a'), 3, 'z'),
    (store) => store.append(keyOf('b'), 9, 'w'),
  ],
  contents: spansOf,
});

stateStoreSuite<OuterBufferState>('outer buffer', {
  create: (tracking) => new OuterBufferState(spec('outer-buffer', { otherValue: text as never }), tracking),
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
  create: (tracking) => new BufferState(spec('suppress'), tracking),
  changes: [
    (store) => store.put(keyOf('a'), 5, '1', null, 5),
    (store) => store.put(keyOf('b'), 3, '2', 'old', 3),
    (store) => store.put(keyOf('a'), 9, '3', null, 9),
    (store) => store.takeFirst(),
    (store) => store.put(keyOf('c'), 4, null, 'gone', 4),
  ],
  contents: (store) => [store.size, store.size > 0 ? store.minTime : null],
});

stateStoreSuite<SubscriptionState>('subscription', {
  create: (tracking) => new SubscriptionState(spec('subscription'), tracking),
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
    new IntervalState(spec('join-buffer', { retentionMs: 500 }), { log: true, checkpoint: true });
  const store = create();
  const raw = { valueBytes: bytes('raw'), valueStart: 0, valueEnd: 3 };
  const times = 150_000;
  for (let time = 0; time < times; time++) store.append(keyOf(`k${time % 7}`), time, `v${time}`, raw);
  const logged = create();
  const saved = create();
  let rows = 0;
  const into =
    (back: IntervalState) =>
    (key: Buffer, row: Buffer | null, timestamp: number): void => {
      rows++;
      back.restore(rowOf(key, row, timestamp), 1);
    };
  store.drainLog(into(logged));
  store.drainCheckpoint(1, into(saved));
  expect(rows).toBe(2 * 501);
  const live = (state: IntervalState): unknown =>
    state.of(bytes('k0'), 0, 2)!.flatMap(({ end, value: is }) => (end >= times - 501 ? [[end, is]] : []));
  expect(live(saved)).toEqual(live(store));
  // The log has the bytes that came with the record, the checkpoint encodes the value.
  expect(logged.of(bytes('k0'), 0, 2)!.every(({ value: is }) => is === 'raw')).toBe(true);
});

test('a subscription row is laid out as Kafka Streams does', () => {
  const store = new SubscriptionState(spec('subscription'), { log: true, checkpoint: false });
  store.put(bytes('fk'), bytes('pk'), bytes('s'), 1);
  store.drainLog((row) => expect(row.toString('hex')).toBe('00000002666b706b'));
});

describe('the checkpoint', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-state-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const tracked = { log: false, checkpoint: true };
  const stores = (...list: StateStore[]): Map<string, StateStore> =>
    new Map(list.map((store) => [store.spec.name, store]));
  const meta = (offset: number) => ({ changelogOffsets: { 'key-value': offset }, positions: {}, streamTime: 7 });

  test('brings back what was last written, not what changed since', async () => {
    const store = new KeyValueState(spec('key-value'), tracked);
    const windows = new WindowState(spec('window', { retentionMs: 100, windowSizeMs: 10 }), tracked);
    const typed = typedKeyValueStore<string, string>(store, () => 5);
    const first = await Checkpoint.open(join(directory, '0_0'));
    expect(first.meta).toBeNull();
    typed.put('a', '1');
    typed.put('b', '2');
    windowPut('k', 20, 'w', 21)(windows);
    await first.write(stores(store, windows), meta(10));
    typed.delete('b');
    typed.put('c', '3');
    await first.write(stores(store, windows), meta(20));
    typed.put('d', 'not committed');
    await first.close();

    const again = await Checkpoint.open(join(directory, '0_0'));
    expect(again.meta).toMatchObject(meta(20));
    const back = new KeyValueState(spec('key-value'), tracked);
    const windowsBack = new WindowState(spec('window', { retentionMs: 100, windowSizeMs: 10 }), tracked);
    expect(await again.load(stores(back, windowsBack))).toBe(3);
    expect([...typedKeyValueStore<string, string>(back, () => 0).all()]).toEqual([
      { key: 'a', value: '1', timestamp: 5 },
      { key: 'c', value: '3', timestamp: 5 },
    ]);
    expect(windowsBack.size).toBe(1);
    await again.close();
  });

  test('lets go of windows that have expired', async () => {
    const windows = (): WindowState => new WindowState(spec('window', { retentionMs: 50, windowSizeMs: 10 }), tracked);
    const store = windows();
    const checkpoint = await Checkpoint.open(join(directory, '0_0'));
    windowPut('a', 0, '1', 1)(store);
    windowPut('a', 10, '2', 11)(store);
    await checkpoint.write(stores(store), meta(1));
    windowPut('a', 60, '3', 61)(store);
    await checkpoint.write(stores(store), meta(2));
    await checkpoint.close();
    const again = await Checkpoint.open(join(directory, '0_0'));
    const back = windows();
    expect(await again.load(stores(back))).toBe(store.size);
    await again.close();
  });

  test('is what the stores are, through many checkpoints and restarts, and does not grow', async () => {
    const sizes = { rowsPerFile: 7, fewRows: 10, fewFiles: 5 };
    const keys = 12;
    const create = () => ({
      store: new KeyValueState(spec('key-value'), { log: true, checkpoint: true }),
      windows: new WindowState(spec('window', { retentionMs: 50, windowSizeMs: 10 }), { log: true, checkpoint: true }),
    });
    let seed = 3;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return Math.floor((seed / 0x80000000) * below);
    };
    const path = join(directory, '0_0');
    let checkpoint = await Checkpoint.open(path, undefined, sizes);
    let now = create();
    // What has been logged since the last checkpoint: a restart gets it from the changelog.
    let log: { kind: string; key: Buffer; value: Buffer | null; timestamp: number }[] = [];
    const takeLog = (): void => {
      for (const store of [now.store, now.windows]) {
        store.drainLog((key, value, timestamp) => {
          log.push({
            kind: store.spec.kind,
            key: Buffer.from(key),
            value: value === null ? null : Buffer.from(value),
            timestamp,
          });
        });
      }
    };
    const entries = ({ store, windows }: typeof now): unknown => {
      const all: unknown[] = [];
      for (const slot of store.table.sorted()) {
        all.push([keyIn(store.table, slot), store.table.read(slot), store.table.timestampOf(slot)]);
      }
      for (const start of windows.starts) {
        const { table } = windows.find(start)!;
        for (const slot of table.sorted()) {
          all.push([start, keyIn(table, slot), table.read(slot), table.timestampOf(slot)]);
        }
      }
      return all;
    };
    let most = 0;
    for (let round = 0; round < 150; round++) {
      const typed = typedKeyValueStore<string, string>(now.store, () => round);
      for (let i = random(4); i >= 0; i--) {
        const key = `k${random(keys)}`;
        if (random(4) === 0) typed.delete(key);
        else typed.put(key, `${round}`);
        windowPut(`w${random(3)}`, Math.floor(round / 5) * 10, `${round}`, round)(now.windows);
      }
      takeLog();
      if (random(3) > 0) {
        await checkpoint.write(stores(now.store, now.windows), meta(round));
        log = [];
      }
      if (random(5) === 0) {
        await checkpoint.close();
        checkpoint = await Checkpoint.open(path, undefined, sizes);
        const back = create();
        await checkpoint.load(stores(back.store, back.windows));
        for (const { kind, key, value, timestamp } of log) {
          const to = kind === 'window' ? back.windows : back.store;
          to.restore(rowOf(key, value, timestamp), FROM_LOG);
        }
        expect([round, entries(back)]).toEqual([round, entries(now)]);
        now = back;
        const files = readdirSync(path).filter((name) => name.endsWith('.rows'));
        most = Math.max(most, files.length);
      }
    }
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThan(25);
    await checkpoint.close();
  });

  test('does not read what is laid out in another way', async () => {
    const path = join(directory, '0_0');
    const other = new ClassicLevel<Buffer, Buffer>(path, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
    await other.put(Buffer.from('m'), Buffer.from('{"changelogOffsets":{"key-value":7},"storeIds":{"key-value":1}}'));
    await other.put(Buffer.from('r\0\x01\0\0\0\0\0\0\0\0key'), Buffer.from('\0\0\0\0\0\0\0\0value'));
    await other.close();
    const checkpoint = await Checkpoint.open(path);
    expect(checkpoint.meta).toBeNull();
    const store = new KeyValueState(spec('key-value'), tracked);
    expect(await checkpoint.load(stores(store))).toBe(0);
    await checkpoint.close();
  });

  test.each(['changed', 'cut off', 'gone'])('a file that is %s is noticed, and nothing of it kept', async (how) => {
    const path = join(directory, '0_0');
    const store = new KeyValueState(spec('key-value'), tracked);
    typedKeyValueStore<string, string>(store, () => 5).put('a', 'text');
    const checkpoint = await Checkpoint.open(path);
    await checkpoint.write(stores(store), meta(1));
    await checkpoint.close();
    const file = join(path, readdirSync(path).find((name) => name.endsWith('.rows'))!);
    if (how === 'gone') rmSync(file);
    else if (how === 'cut off') truncateSync(file, 10);
    else writeFileSync(file, readFileSync(file).toString('latin1').replace('text', 'tent'), 'latin1');
    const damaged = await Checkpoint.open(path);
    const back = new KeyValueState(spec('key-value'), tracked);
    await expect(damaged.load(stores(back))).rejects.toMatchObject({ code: 'STATE_CORRUPT', retriable: true });
    await damaged.close();
    const again = await Checkpoint.open(path);
    expect(again.meta).toBeNull();
    expect(readdirSync(path).filter((name) => name.endsWith('.rows'))).toEqual([]);
    await again.close();
  });

  test('files that a crash left behind are deleted', async () => {
    const path = join(directory, '0_0');
    await (await Checkpoint.open(path)).close();
    writeFileSync(join(path, '17.rows'), 'half a fi');
    await (await Checkpoint.open(path)).close();
    expect(readdirSync(path)).not.toContain('17.rows');
  });

  test('belongs to one task at a time', async () => {
    const checkpoint = await Checkpoint.open(join(directory, '0_0'));
    await expect(Checkpoint.open(join(directory, '0_0'))).rejects.toMatchObject({ code: 'STATE_LOCKED' });
    await checkpoint.close();
  });
});
