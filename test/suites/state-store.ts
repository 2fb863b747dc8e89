// What every state store must do for the runtime: say what changed, row by row, and take the rows back.
import { describe, expect, test } from 'vitest';
import { FROM_LOG, type RowVisitor, type StateStore, type Tracking } from '../../src/streams/state/store.ts';

export interface StoreRow {
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly timestamp: number;
}

export interface StoreUnderTest<S extends StateStore> {
  readonly create: (tracking: Tracking) => S;
  /** Changes to apply in order; some of them remove what others put. */
  readonly changes: readonly ((store: S) => void)[];
  /** All that can be seen of the store, comparable. */
  readonly contents: (store: S) => unknown;
}

const TRACKED: Tracking = { log: true, checkpoint: true };

export function stateStoreSuite<S extends StateStore>(
  name: string,
  { create, changes, contents }: StoreUnderTest<S>,
): void {
  describe(`the ${name} store`, () => {
    const drain = (store: S, which: 'drainLog' | 'drainCheckpoint', generation = 1): StoreRow[] => {
      const rows: StoreRow[] = [];
      const take: RowVisitor = (key, value, timestamp) =>
        rows.push({ key: Buffer.from(key), value: value === null ? null : Buffer.from(value), timestamp });
      if (which === 'drainLog') store.drainLog(take);
      else while (store.drainCheckpoint(generation, take)) expect(rows.length).toBeLessThan(100);
      return rows;
    };
    const restore = (store: S, rows: readonly StoreRow[], generation = FROM_LOG): void => {
      for (const { key, value, timestamp } of rows) {
        // Somewhere among other bytes, as it lies in a batch or in a file.
        const bytes = Buffer.concat([Buffer.from('before'), key, value ?? Buffer.alloc(0), Buffer.from('behind')]);
        const keyEnd = 6 + key.length;
        const valueStart = value === null ? -1 : keyEnd;
        store.restore({ bytes, keyStart: 6, keyEnd, valueStart, valueEnd: bytes.length - 6, timestamp }, generation);
      }
    };
    const sorted = (rows: readonly StoreRow[]): readonly StoreRow[] =>
      rows.toSorted((a, b) => Buffer.compare(a.key, b.key));

    test('comes back from its rows, logged after every change or all at once', () => {
      for (const every of [1, 2, changes.length]) {
        const store = create(TRACKED);
        const rows: StoreRow[] = [];
        changes.forEach((change, i) => {
          change(store);
          if ((i + 1) % every === 0) rows.push(...drain(store, 'drainLog'));
        });
        rows.push(...drain(store, 'drainLog'));
        const back = create(TRACKED);
        restore(back, rows);
        expect(contents(back)).toEqual(contents(store));
        expect(back.size).toBe(store.size);
      }
    });

    test('visits a row once per drain, the log and the checkpoint apart from each other', () => {
      const store = create(TRACKED);
      for (const change of changes) change(store);
      const logged = drain(store, 'drainLog');
      expect(logged.length).toBeGreaterThan(0);
      expect(drain(store, 'drainLog')).toEqual([]);
      expect(drain(store, 'drainCheckpoint')).toEqual(logged);
      expect(drain(store, 'drainCheckpoint')).toEqual([]);
      expect(new Set(logged.map((row) => row.key.toString('hex'))).size).toBe(logged.length);
    });

    test('gives its checkpoint in pieces, too', () => {
      const store = create(TRACKED);
      const whole = create(TRACKED);
      for (const change of changes) {
        change(store);
        change(whole);
      }
      const rows: StoreRow[] = [];
      const take = (key: Buffer, value: Buffer | null, timestamp: number): void => {
        rows.push({ key: Buffer.from(key), value: value === null ? null : Buffer.from(value), timestamp });
      };
      while (store.drainCheckpoint(1, take, 1)) expect(rows.length).toBeLessThan(100);
      const back = create(TRACKED);
      restore(back, rows);
      expect(contents(back)).toEqual(contents(whole));
      expect(drain(store, 'drainCheckpoint')).toEqual([]);
    });

    test('has nothing to say about rows that were put back', () => {
      const store = create(TRACKED);
      for (const change of changes) change(store);
      const back = create(TRACKED);
      restore(back, drain(store, 'drainLog'), 1);
      expect(drain(back, 'drainLog')).toEqual([]);
      expect(drain(back, 'drainCheckpoint')).toEqual([]);
    });

    test('has for the checkpoint what was put back from the log', () => {
      for (let cut = 0; cut <= changes.length; cut++) {
        const store = create(TRACKED);
        changes.slice(0, cut).forEach((change) => change(store));
        const checkpoint = drain(store, 'drainCheckpoint');
        drain(store, 'drainLog');
        changes.slice(cut).forEach((change) => change(store));
        const log = drain(store, 'drainLog');
        const back = create(TRACKED);
        restore(back, checkpoint, 1);
        restore(back, log, FROM_LOG);
        expect(drain(back, 'drainLog')).toEqual([]);
        const next = create(TRACKED);
        restore(next, checkpoint, 1);
        restore(next, drain(back, 'drainCheckpoint', 2), 2);
        expect(contents(next)).toEqual(contents(store));
      }
    });

    test('gives again what only an old generation of the checkpoint holds', () => {
      for (let cut = 0; cut <= changes.length; cut++) {
        const store = create(TRACKED);
        changes.slice(0, cut).forEach((change) => change(store));
        const first = drain(store, 'drainCheckpoint', 1);
        changes.slice(cut).forEach((change) => change(store));
        const second = drain(store, 'drainCheckpoint', 2);
        store.refresh(1);
        expect(drain(store, 'drainCheckpoint', 3)).toEqual([]);
        const back = create(TRACKED);
        restore(back, first, 1);
        restore(back, second, 2);
        for (const one of [store, back]) one.refresh(2);
        const third = drain(store, 'drainCheckpoint', 3);
        expect(sorted(drain(back, 'drainCheckpoint', 3))).toEqual(sorted(third));
        const next = create(TRACKED);
        restore(next, second, 2);
        restore(next, third, 3);
        expect(contents(next)).toEqual(contents(store));
        store.refresh(4);
        const all = create(TRACKED);
        restore(all, drain(store, 'drainCheckpoint', 4), 4);
        expect(contents(all)).toEqual(contents(store));
      }
    });

    test('goes on from where it was put back', () => {
      for (let cut = 0; cut <= changes.length; cut++) {
        const store = create(TRACKED);
        changes.slice(0, cut).forEach((change) => change(store));
        const back = create(TRACKED);
        restore(back, drain(store, 'drainLog'));
        changes.slice(cut).forEach((change) => change(store));
        changes.slice(cut).forEach((change) => change(back));
        expect(contents(back)).toEqual(contents(store));
      }
    });

    test('untracked, it is the same store', () => {
      const store = create({ log: false, checkpoint: false });
      const tracked = create(TRACKED);
      for (const change of changes) {
        change(store);
        change(tracked);
      }
      expect(contents(store)).toEqual(contents(tracked));
      expect(drain(store, 'drainLog')).toEqual([]);
    });
  });
}
