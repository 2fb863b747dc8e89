// Aggregates change their states in place: what the estimate of distinct values makes of that, and that nobody notices who
// holds an older state, or a result.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { serialize, type Serde, stringSerde } from '../../src/serde/index.ts';
import { internalSerde } from '../../src/sql/formats/internal.ts';
import type { AggregateFunction, Aggregator } from '../../src/sql/functions/function.ts';
import { builtInFunctions } from '../../src/sql/functions/index.ts';
import { BIGINT, DOUBLE, INTEGER, STRING, type SqlType } from '../../src/sql/types.ts';
import type { Row, SqlValue } from '../../src/sql/values/value.ts';
import {
  type KGroupedStream,
  type KTable,
  SessionWindows,
  SlidingWindows,
  StreamsBuilder,
  TimeWindows,
  TopologyTestDriver,
} from '../../src/streams/index.ts';
import { assert, murmur2 } from '../../src/util/index.ts';

function declaredAs(name: string): AggregateFunction {
  const declared = builtInFunctions().get(name);
  assert(declared.kind === 'aggregate', `${name} is an aggregate`);
  return declared;
}

function aggregator(name: string, types: readonly SqlType[], literals: readonly SqlValue[] = []): Aggregator {
  const declared = declaredAs(name);
  const overload = declared.overloads.find((candidate) => candidate.literals === literals.length)!;
  return overload.create(types, literals, () => undefined);
}

describe('COUNT_DISTINCT', () => {
  const distinct = aggregator('COUNT_DISTINCT', [BIGINT]);
  const from = (first: number, count: number, state = distinct.init()): SqlValue => {
    for (let i = first; i < first + count; i++) state = distinct.add(state, [i]);
    return state;
  };
  const REGISTERS = 16_384;

  /** The registers as version 0.1.0 wrote them at first: without a form for few values. */
  function registersOf(values: readonly SqlValue[]): Buffer {
    const registers = Buffer.alloc(REGISTERS);
    for (const value of values) {
      const text = Buffer.from(`${typeof value}:${String(value)}`);
      const first = murmur2(text) >>> 0;
      let second = first ^ text.length ^ murmur2(Buffer.concat([text, Buffer.from([0x5a])]));
      second = Math.imul(second ^ (second >>> 16), 0x85ebca6b);
      second = Math.imul(second ^ (second >>> 13), 0xc2b2ae35);
      const rank = Math.clz32(second ^ (second >>> 16)) + 1;
      registers[first >>> 18] = Math.max(registers[first >>> 18]!, rank);
    }
    return registers;
  }

  test('counts few values exactly, whatever they are, and many with a small error', () => {
    for (const count of [0, 1, 2, 3, 4, 10, 100, 1000, 1500]) {
      expect(distinct.result(from(0, count))).toBe(count);
      const texts = Array.from({ length: count }, (_, i) => `user ${i} äöü 🌊`);
      expect(distinct.result(texts.reduce((state, text) => distinct.add(state, [text]), distinct.init()))).toBe(count);
    }
    for (const count of [1600, 5000, 20_000, 50_000, 200_000]) {
      expect(Math.abs((distinct.result(from(0, count)) as number) / count - 1)).toBeLessThan(0.03);
    }
  });

  test('tells types apart, and leaves out nulls', () => {
    const values: SqlValue[] = [1, '1', true, 'true', null, 1n << 70n, Buffer.of(1), [1, 'a'], 'x'.repeat(5000), null];
    expect(distinct.result(values.reduce((state, value) => distinct.add(state, [value]), distinct.init()))).toBe(8);
  });

  test('grows with the number of values, and no further than the registers', () => {
    const sizes = [0, 1, 10, 100, 1000, 1500, 2000].map((count) => (from(0, count) as Buffer).length);
    expect(sizes).toEqual([0, 20, 68, 1028, 8196, 8196, REGISTERS]);
  });

  test.each([1, 100, 5000])('a value that is known already changes nothing (%i values)', (count) => {
    const state = from(0, count) as Buffer;
    const before = Buffer.from(state);
    expect(from(0, count, state)).toBe(state);
    expect(state).toEqual(before);
  });

  test('merges small and large states in any order and grouping', () => {
    const sizes = [0, 1, 3, 100, 1400, 5000];
    const part = fc.record({ first: fc.nat(3000), count: fc.constantFrom(...sizes) });
    fc.assert(
      fc.property(part, part, part, (a, b, c) => {
        const [x, y, z] = [a, b, c].map(
          ({ first, count }) =>
            () =>
              from(first, count),
        ) as [Made, Made, Made];
        const { merge, result } = distinct;
        const all = [a, b, c].reduce((state, { first, count }) => from(first, count, state), distinct.init());
        for (const merged of [merge(merge(x(), y()), z()), merge(x(), merge(y(), z())), merge(z(), merge(y(), x()))]) {
          expect(result(merged)).toBe(result(all));
          // As large as what was counted in one go, so it goes on as that does.
          expect((merged as Buffer).length).toBe((all as Buffer).length);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('goes on with registers that were stored before there was a form for few values', () => {
    const values = Array.from({ length: 3000 }, (_, i) => (i % 2 === 0 ? i : `text ${i}`));
    const few = values.slice(0, 10);
    const stored = registersOf(few);
    expect(distinct.result(stored)).toBe(10);
    const goneOn = values.reduce<SqlValue>((state, value) => distinct.add(state, [value]), stored);
    expect(goneOn).toEqual(registersOf(values));
    const small = few.reduce((state, value) => distinct.add(state, [value]), distinct.init());
    expect(distinct.merge(small, registersOf(values))).toEqual(registersOf(values));
    // What has become many by itself has the same registers.
    expect(values.reduce((state, value) => distinct.add(state, [value]), distinct.init())).toEqual(registersOf(values));
  });
});

type Made = () => SqlValue;

describe('COUNT(DISTINCT …)', () => {
  const { overloads, overTables } = declaredAs('COUNT').distinct!;
  const made = ([overload]: AggregateFunction['overloads'], types: readonly SqlType[]): Aggregator =>
    overload!.create(types, [], () => undefined);
  const values = fc.array(fc.oneof(fc.nat(30), fc.constant(null)), { maxLength: 60 });
  const distinct = (list: readonly SqlValue[]): number => new Set(list.filter((value) => value !== null)).size;

  test('is exact, and merged as if counted in one go', () => {
    const { init, add, merge, result } = made(overloads, [BIGINT]);
    const of = (list: readonly SqlValue[]): SqlValue => list.reduce((state, value) => add(state, [value]), init());
    fc.assert(
      fc.property(values, values, (a, b) => {
        expect(result(of(a))).toBe(distinct(a));
        expect(result(merge(of(a), of(b)))).toBe(distinct([...a, ...b]));
      }),
    );
  });

  test('over a table, takes back what has gone', () => {
    const { init, add, undo, merge, result } = made(overTables, [BIGINT, STRING]);
    fc.assert(
      fc.property(values, values, (kept, gone) => {
        const args = (value: SqlValue): SqlValue[] => [value, 'x'];
        let state = [...gone, ...kept].reduce((all, value) => add(all, args(value)), init());
        state = gone.reduce((all, value) => undo!(all, args(value)), merge(init(), state));
        expect(result(state)).toBe(distinct(kept));
      }),
    );
  });

  test('a record changes one entry of the state that it was given, and a value takes six bytes of it', () => {
    const { stateType, init, add } = made(overloads, [INTEGER]);
    const state = init();
    for (let i = 0; i < 1000; i++) expect(add(state, [i % 500])).toBe(state);
    const serde = internalSerde([{ name: 'S', type: stateType }]);
    expect(serialize(serde as Serde<Row>, [state])!.length).toBe(5 + 500 * 6);
  });
});

describe('APPROX_PERCENTILE', () => {
  const of = (fraction: number): Aggregator => aggregator('APPROX_PERCENTILE', [DOUBLE], [fraction]);
  const added = (to: Aggregator, values: readonly number[], state = to.init()): SqlValue =>
    values.reduce<SqlValue>((all, value) => to.add(all, [value]), state);
  const number = fc.oneof(
    fc.integer({ min: -1000, max: 1000 }),
    fc.double({ noNaN: true, min: -1e19, max: 1e19 }).filter((value) => value === 0 || Math.abs(value) > 1e-19),
  );
  const numbers = fc.array(number, { minLength: 1, maxLength: 200 });
  const fraction = fc.double({ min: 0, max: 1, noNaN: true });
  const exact = (values: readonly number[], wanted: number): number =>
    values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(wanted * values.length)) - 1]!;

  test('is within 1 % of the exact one, however states were merged', () => {
    fc.assert(
      fc.property(numbers, fc.array(number), fraction, (a, b, wanted) => {
        const percentile = of(wanted);
        const found = percentile.result(percentile.merge(added(percentile, a), added(percentile, b))) as number;
        const right = exact([...a, ...b], wanted);
        expect(Math.abs(found - right)).toBeLessThanOrEqual(Math.abs(right) * 0.010001);
      }),
      { numRuns: 300 },
    );
  });

  test('takes back what has gone, to the last entry', () => {
    fc.assert(
      fc.property(numbers, numbers, (kept, gone) => {
        const percentile = of(0.5);
        const state = added(percentile, [...gone, ...kept]);
        const left = gone.reduce<SqlValue>((all, value) => percentile.undo!(all, [value]), state);
        expect(percentile.result(left)).toBe(percentile.result(added(percentile, kept)));
        expect((left as Map<SqlValue, SqlValue>).size).toBe((added(percentile, kept) as Map<SqlValue, SqlValue>).size);
      }),
    );
  });

  test('has a small state, and an end on both sides', () => {
    const percentile = of(1);
    const latencies = Array.from({ length: 100_000 }, (_, i) => 1 + ((i * 7919) % 60_000));
    expect((added(percentile, latencies) as Map<SqlValue, SqlValue>).size).toBeLessThan(560);
    const far = [Number.POSITIVE_INFINITY, 1e300, 1e21].map((value) => percentile.result(added(percentile, [value])));
    for (const value of far) expect(Math.abs((value as number) / 1e20 - 1)).toBeLessThan(0.0101);
    expect(percentile.result(added(percentile, [Number.NaN, 1e-30]))).toBe(0);
    expect(percentile.result(added(percentile, [Number.NaN]))).toBe(null);
  });
});

describe('APPROX_TOP_COUNT', () => {
  const top = aggregator('APPROX_TOP_COUNT', [INTEGER], [5]);
  const ROOM = 100;
  const added = (values: readonly number[]): SqlValue =>
    values.reduce<SqlValue>((all, value) => top.add(all, [value]), top.init());
  const counts = (values: readonly number[]): Map<number, number> => {
    const all = new Map<number, number>();
    for (const value of values) all.set(value, (all.get(value) ?? 0) + 1);
    return all;
  };
  /** A few values that come often, among many that come seldom. */
  const values = fc.array(fc.oneof(fc.nat(8), fc.nat(5000)), { minLength: 1, maxLength: 3000 });

  test('is exact while there is room for each value', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(ROOM - 1), { maxLength: 400 }), (list) => {
        const expected = [...counts(list)].sort(([, a], [, b]) => b - a).slice(0, 5);
        const found = top.result(added(list)) as unknown as readonly (readonly [number, number])[];
        expect(found.map(([, count]) => count)).toEqual(expected.map(([, count]) => count));
        for (const [value, count] of found) expect(counts(list).get(value)).toBe(count);
      }),
    );
  });

  test('never counts too little, nor too much by more than its share, and misses nothing that comes often', () => {
    fc.assert(
      fc.property(values, values, fc.boolean(), (a, b, isMerged) => {
        const all = [...a, ...b];
        const state = isMerged ? top.merge(added(a), added(b)) : added(all);
        const counters = state as unknown as Map<string, readonly [number, number, number]>;
        expect(counters.size).toBeLessThanOrEqual(ROOM);
        const right = counts(all);
        const share = all.length / ROOM;
        for (const [value, count, over] of counters.values()) {
          const exact = right.get(value) ?? 0;
          expect(count).toBeGreaterThanOrEqual(exact);
          expect(count - over).toBeLessThanOrEqual(exact);
          expect(count - exact).toBeLessThanOrEqual(share);
        }
        for (const [value, count] of right) if (count > share) expect(counters.has(String(value))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});

describe('states that change in place', () => {
  const aggregators: Record<string, Aggregator> = {
    APPROX_TOP_COUNT: aggregator('APPROX_TOP_COUNT', [STRING], [2]),
    'COUNT(DISTINCT …)': declaredAs('COUNT').distinct!.overloads[0]!.create([STRING], [], () => undefined),
    COUNT_DISTINCT: aggregator('COUNT_DISTINCT', [STRING]),
    COLLECT_LIST: aggregator('COLLECT_LIST', [STRING]),
    COLLECT_SET: aggregator('COLLECT_SET', [STRING]),
    HISTOGRAM: aggregator('HISTOGRAM', [STRING]),
    ATTR: aggregator('ATTR', [STRING]),
    EARLIEST_BY_OFFSET: aggregator('EARLIEST_BY_OFFSET', [STRING], [3]),
    LATEST_BY_OFFSET: aggregator('LATEST_BY_OFFSET', [STRING], [3]),
    TOPK: aggregator('TOPK', [STRING], [3]),
    TOPKDISTINCT: aggregator('TOPKDISTINCT', [STRING], [3]),
  };
  const texts = { key: stringSerde, value: stringSerde };
  const printed = (value: SqlValue): string =>
    JSON.stringify(value, (_key, item: unknown) => (item instanceof Map ? [...item] : item));

  type Grouped = KGroupedStream<string, string>;
  type Aggregate = (grouped: Grouped, of: Aggregator, store: { key: Serde<string>; value: Serde<Row> }) => unknown;
  const adder =
    ({ add }: Aggregator) =>
    (_key: string, value: string, [state]: Row): Row => [add(state!, [value])];
  const shapes: Record<string, Aggregate> = {
    groups: (grouped, of, store) => grouped.aggregate<Row>(() => [of.init()], adder(of), store),
    'hopping windows': (grouped, of, store) =>
      grouped
        .windowedBy(TimeWindows.ofSizeAndGrace(20, 1000).advanceBy(10))
        .aggregate<Row>(() => [of.init()], adder(of), store),
    'sliding windows': (grouped, of, store) =>
      grouped
        .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(15, 1000))
        .aggregate<Row>(() => [of.init()], adder(of), store),
    sessions: (grouped, of, store) =>
      grouped.windowedBy(SessionWindows.ofInactivityGapAndGrace(8, 1000)).aggregate<Row>(
        () => [of.init()],
        adder(of),
        (_key, [a], [b]) => [of.merge(a!, b!)],
        store,
      ),
  };

  interface Input {
    readonly key: string;
    readonly value: string;
    readonly time: number;
  }

  /** Everything that a table of results says, and, where `old` values are wanted, what it said before. */
  function run(shape: Aggregate, of: Aggregator, old: boolean, caching: boolean, input: readonly Input[]): string[] {
    const results: { readonly held: SqlValue; readonly was: string }[] = [];
    const builder = new StreamsBuilder();
    const grouped = builder.stream<string, string>('in', texts).groupByKey();
    const states = internalSerde([{ name: 'S', type: of.stateType }]) as Serde<Row>;
    const table = shape(grouped, of, { key: stringSerde, value: states }) as KTable<unknown, Row>;
    const shown = table.mapValues((_key, [state]) => {
      const held = of.result(state!);
      results.push({ held, was: printed(held) });
      return printed(held);
    });
    if (old) {
      shown
        .groupBy<string, string>((_key, text) => ['all', text], texts)
        .aggregate<string>(
          () => '',
          (_key, text, said) => `${said}+${text}`,
          (_key, text, said) => `${said}-${text}`,
          texts,
        )
        .toStream()
        .to('out');
    } else {
      shown
        .toStream()
        .selectKey(() => 'all')
        .to('out', texts);
    }
    const driver = new TopologyTestDriver(builder.build(), { caching });
    for (const { key, value, time } of input) driver.pipe('in', Buffer.from(key), Buffer.from(value), time);
    for (const { held, was } of results) expect(printed(held)).toBe(was);
    const said = driver.read('out').map(({ value }) => String(value));
    driver.close();
    return said;
  }

  /** The same aggregate, which only ever sees copies. */
  function onCopies(of: Aggregator): Aggregator {
    const serde = internalSerde([{ name: 'S', type: of.stateType }]);
    const copy = (state: SqlValue): SqlValue => {
      const bytes = serialize(serde as Serde<Row>, [state])!;
      return serde.decode(bytes, 0, bytes.length)[0]!;
    };
    return {
      ...of,
      add: (state, args) => of.add(copy(state), args),
      merge: (a, b) => of.merge(copy(a), copy(b)),
      result: (state) => of.result(copy(state)),
    };
  }

  const inputs = fc.array(
    fc.record({
      key: fc.constantFrom('a', 'b'),
      value: fc.constantFrom('1', '2', '3', '4', '5', '6'),
      time: fc.nat(100),
    }),
    { maxLength: 25 },
  );

  for (const [shapeName, shape] of Object.entries(shapes)) {
    test.each(Object.entries(aggregators))(`${shapeName}: %s`, (_name, of) => {
      fc.assert(
        fc.property(inputs, fc.boolean(), fc.boolean(), (input, old, caching) => {
          expect(run(shape, of, old, caching, input)).toEqual(run(shape, onCopies(of), old, caching, input));
        }),
        { numRuns: 25 },
      );
    });
  }
});
