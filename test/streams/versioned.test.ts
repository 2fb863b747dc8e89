// Versioned stores: which value was valid when, against a plain list of versions, through the changelog and the disk.
import { describe, expect, test } from 'vitest';
import { NO_TRACKING, type StoreSpec } from '../../src/streams/state/store.ts';
import type { Key } from '../../src/streams/state/table.ts';
import { VersionedState } from '../../src/streams/state/versioned-store.ts';
import { drainLog, restoreRows, stateStoreSuite } from '../suites/state-store.ts';
import { fc, test as property } from './property.ts';
import { text } from './support.ts';

const spec = (historyRetentionMs: number): StoreSpec => ({
  kind: 'versioned',
  name: 'versions',
  key: text as never,
  value: text as never,
  logging: true,
  historyRetentionMs,
  segmentIntervalMs: 7,
});
const keyOf = (key: string): Key => ({ bytes: Buffer.from(key), start: 0, end: key.length });
const put = (key: string, value: string | null, timestamp: number) => (store: VersionedState) =>
  store.put(keyOf(key), value, timestamp);
const TIMES = Array.from({ length: 60 }, (_, i) => i);

stateStoreSuite<VersionedState>('versioned', {
  spec: spec(20),
  create: (of, tracking) => new VersionedState(of, tracking),
  changes: [
    put('a', 'a10', 10),
    put('a', 'a20', 20),
    put('b', 'b12', 12),
    put('a', 'a15', 15),
    put('b', null, 18),
    put('a', null, 17),
    put('b', 'b14', 14),
    put('a', null, 25),
    put('a', 'a22', 22),
    put('b', 'b40', 40),
    put('a', 'late', 15),
    put('a', 'a30', 30),
  ],
  contents: (store) => ['a', 'b'].map((key) => TIMES.map((time) => store.versionAt(keyOf(key), time))),
  logsVersions: true,
});

/** A list of versions, and the rules as they are told. */
class Model {
  readonly #versions = new Map<string, Map<number, string | null>>();
  readonly #retentionMs: number;
  #time = Number.NEGATIVE_INFINITY;

  constructor(retentionMs: number) {
    this.#retentionMs = retentionMs;
  }

  put(key: string, value: string | null, timestamp: number): number | undefined {
    if (timestamp < this.#time - this.#retentionMs) return undefined;
    this.#time = Math.max(this.#time, timestamp);
    const versions = this.#versions.get(key) ?? new Map<number, string | null>();
    this.#versions.set(key, versions.set(timestamp, value));
    return this.#endOf(versions, timestamp);
  }

  at(key: string, asOf: number): unknown {
    const versions = this.#versions.get(key) ?? new Map<number, string | null>();
    const timestamp = Math.max(...[...versions.keys()].filter((time) => time <= asOf));
    const value = versions.get(timestamp) ?? null;
    const validTo = this.#endOf(versions, timestamp);
    const isKnown = asOf >= this.#time - this.#retentionMs || validTo === Number.POSITIVE_INFINITY;
    return value === null || !isKnown ? undefined : { value, timestamp, validTo };
  }

  #endOf(versions: ReadonlyMap<number, unknown>, timestamp: number): number {
    return Math.min(...[...versions.keys()].filter((time) => time > timestamp));
  }
}

const puts = fc.array(
  fc.record({
    key: fc.constantFrom('a', 'b'),
    value: fc.option(fc.string({ maxLength: 2 }), { nil: null }),
    timestamp: fc.nat(TIMES.length - 1),
  }),
  { maxLength: 40 },
);

describe('versions', () => {
  const known = (store: VersionedState | Model) =>
    ['a', 'b'].map((key) =>
      TIMES.map((time) => (store instanceof Model ? store.at(key, time) : store.versionAt(keyOf(key), time))),
    );

  test('are those of a plain list, whatever is put when, and come back from the changelog', () => {
    property(puts, fc.constantFrom(0, 1, 10, 100), fc.integer({ min: 1, max: 5 }), (changes, retentionMs, every) => {
      const model = new Model(retentionMs);
      const store = new VersionedState(spec(retentionMs), { log: true, disk: null });
      const back = new VersionedState(spec(retentionMs), NO_TRACKING);
      changes.forEach(({ key, value, timestamp }, i) => {
        expect(store.put(keyOf(key), value, timestamp)).toBe(model.put(key, value, timestamp));
        expect(known(store)).toEqual(known(model));
        if (i % every === 0) restoreRows(back, drainLog(store));
      });
      restoreRows(back, drainLog(store));
      expect(known(back)).toEqual(known(model));
    });
  });

  test('that are the latest come back from a compacted changelog', () => {
    property(puts, (changes) => {
      const store = new VersionedState(spec(10), { log: true, disk: null });
      for (const { key, value, timestamp } of changes) store.put(keyOf(key), value, timestamp);
      const last = new Map(drainLog(store).map((row) => [row.key.toString(), row]));
      const back = new VersionedState(spec(10), NO_TRACKING);
      restoreRows(back, [...last.values()]);
      const latest = (of: VersionedState) => ['a', 'b'].map((key) => of.versionAt(keyOf(key), TIMES.length));
      expect(latest(back)).toEqual(latest(store));
    });
  });

  test('are accepted on the edge of the history, and not behind it', () => {
    const store = new VersionedState(spec(300_000), NO_TRACKING);
    expect(store.put(keyOf('a'), 'a', 300_010)).toBe(Number.POSITIVE_INFINITY);
    expect(store.put(keyOf('b'), 'b', 10)).toBe(Number.POSITIVE_INFINITY);
    expect(store.put(keyOf('c'), 'c', 9)).toBeUndefined();
  });
});
