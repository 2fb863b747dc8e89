// An index over a store against a scan of it, while rows change.
import { expect, test } from 'vitest';
import { TableIndexes } from '../../src/sql/queries/table-index.ts';
import type { IndexLookup } from '../../src/sql/queries/materialization.ts';
import type { Row } from '../../src/sql/values/value.ts';
import { systemEnvironment } from '../../src/util/index.ts';
import { partsOf } from '../../src/streams/runtime/store-parts.ts';
import { KeyValueState } from '../../src/streams/state/key-value-store.ts';
import { NO_TRACKING } from '../../src/streams/state/store.ts';
import { type StoreUser, typedKeyValueStore } from '../../src/streams/state/typed-stores.ts';
import { internalSerde } from '../../src/sql/formats/internal.ts';
import { INTEGER } from '../../src/sql/types.ts';

const user: StoreUser = { now: () => 1, isProcessor: false, mayWrite: true };

function store() {
  const serde = internalSerde([{ name: 'A', type: INTEGER }]);
  const spec = { kind: 'key-value', name: 's', key: serde as never, value: serde as never, logging: false } as const;
  const state = new KeyValueState(spec, NO_TRACKING);
  return { state, typed: typedKeyValueStore<Row, Row>(state, user) };
}

/** Rows whose value is negative are not of the table. */
const rowOf = (key: Row, stored: Row): Row | null => (Number(stored[0]) < 0 ? null : [...stored, ...key]);
const common = { name: 'i', places: [0] };
const one = (value: number): IndexLookup => ({ ...common, values: [[value]], range: {} });
const between = (from: number, to: number): IndexLookup => ({
  ...common,
  values: undefined,
  range: { from: { value: from, isIncluded: true }, to: { value: to, isIncluded: false } },
});

test('keys by value and by range, whatever changes', async () => {
  const stores = [store(), store()];
  const indexes = new TableIndexes(systemEnvironment);
  const parts = () => partsOf<Row, Row>(stores.map(({ state }) => state));
  const rows = new Map<number, number>();
  const put = (key: number, value: number | null) => {
    stores[key % 2]!.typed.put([key], value === null ? null : [value]);
    if (value === null) rows.delete(key);
    else rows.set(key, value);
  };
  const keys = async (lookup: IndexLookup) =>
    (await indexes.keys(parts(), rowOf, lookup)).map(([key]) => Number(key)).sort((a, b) => a - b);
  const scanned = (test: (value: number) => boolean) =>
    [...rows].flatMap(([key, value]) => (value >= 0 && test(value) ? [key] : [])).sort((a, b) => a - b);
  let seed = 1;
  const next = (most: number) => (seed = (seed * 48_271) % 2_147_483_647) % most;
  for (let round = 0; round < 60; round++) {
    for (let i = 0; i < 30; i++) put(next(80), next(9) === 0 ? null : next(12) - 1);
    // Many at once see the same.
    const answers = await Promise.all([keys(one(5)), keys(between(3, 8)), keys(one(5))]);
    expect(answers[0]).toEqual(scanned((value) => value === 5));
    expect(answers[1]).toEqual(scanned((value) => value >= 3 && value < 8));
    expect(answers[2]).toEqual(answers[0]);
    if (round === 30) indexes.drop('i');
    // A copy that has moved away is another one when it comes back.
    if (round !== 40) continue;
    const moved = store();
    for (const [key, value] of rows) if (key % 2 === 0) moved.typed.put([key], [value]);
    stores[0] = moved;
  }
});

test('more changes than are noted make it anew', async () => {
  const { state, typed } = store();
  const indexes = new TableIndexes(systemEnvironment);
  const count = async () => (await indexes.keys(partsOf<Row, Row>([state]), rowOf, one(1))).length;
  typed.put([0], [1]);
  expect(await count()).toBe(1);
  for (let i = 0; i < 100_010; i++) typed.put([i], [1]);
  expect(await count()).toBe(100_010);
});
