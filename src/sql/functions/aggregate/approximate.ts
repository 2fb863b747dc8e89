// Aggregates that are nearly right in little room: percentiles, and the values that occur most. How far off they may be is part of
// what they promise.
import { arrayOf, BIGINT, DOUBLE, INTEGER, mapOf, type SqlType, STRING, structOf } from '../../types.ts';
import { addLong, type Long } from '../../values/bigint.ts';
import { identityOf, type SqlValue } from '../../values/value.ts';
import { refuse } from '../../errors.ts';
import type { AggregateFunction, Aggregator } from '../function.ts';
import { aggregate, aggregateOverload } from './basic.ts';

// ── Percentiles ───────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Values are counted in buckets that grow with them (DDSketch): what is in one is within 1 % of its middle. A bucket is known by a
 * number, 0 for zero, which grows with the values. Counts are taken back as they were added, and states merged by adding them.
 */
const ERROR = 0.01;
const GROWTH = Math.log((1 + ERROR) / (1 - ERROR));
/** Nearer to zero is zero, and farther away is no farther: so there are at most some 9,200 buckets. */
const NEAREST = 1e-20;
const FARTHEST = 1e20;
/** The first bucket on each side of zero is 1. */
const SHIFT = 1 - Math.ceil(Math.log(NEAREST) / GROWTH);

function bucketOf(value: number): number {
  const size = Math.min(Math.abs(value), FARTHEST);
  if (size < NEAREST) return 0;
  const bucket = Math.ceil(Math.log(size) / GROWTH) + SHIFT;
  return value < 0 ? -bucket : bucket;
}

function middleOf(bucket: number): number {
  if (bucket === 0) return 0;
  const size = Math.exp((Math.abs(bucket) - SHIFT) * GROWTH) * (1 - ERROR);
  return bucket < 0 ? -size : size;
}

type Buckets = Map<number, Long>;

function approximatePercentile(fraction: SqlValue): Aggregator {
  const wanted = Number(fraction);
  if (!(wanted >= 0 && wanted <= 1))
    refuse(`APPROX_PERCENTILE: the percentile is from 0 to 1, not ${String(fraction)}`);
  const count = (buckets: Buckets, bucket: number, by: Long): Buckets => {
    const all = addLong(buckets.get(bucket) ?? 0, by);
    if (all === 0) buckets.delete(bucket);
    else buckets.set(bucket, all);
    return buckets;
  };
  const change =
    (by: number) =>
    (state: SqlValue, [value]: readonly SqlValue[]): SqlValue => {
      const number = Number(value);
      return value === null || Number.isNaN(number) ? state : count(state as Buckets, bucketOf(number), by);
    };
  return {
    stateType: mapOf(INTEGER, BIGINT),
    resultType: DOUBLE,
    init: () => new Map(),
    add: change(1),
    undo: change(-1),
    merge: (a, b) => [...(b as Buckets)].reduce((all, [bucket, n]) => count(all, bucket, n), a as Buckets),
    result(state) {
      const buckets = state as Buckets;
      const inOrder = Int32Array.from(buckets.keys()).sort();
      let total = 0;
      for (const n of buckets.values()) total += Number(n);
      // The first value that so many of all are not above.
      let left = Math.max(1, Math.ceil(wanted * total));
      for (const bucket of inOrder) {
        left -= Number(buckets.get(bucket));
        if (left <= 0) return middleOf(bucket);
      }
      return null;
    },
  };
}

// ── What occurs most ──────────────────────────────────────────────────────────────────────────────────────────────

/** For each value that is wanted so many are counted: the more, the closer. */
const COUNTED_PER_WANTED = 20;
const WANTED_MAX = 1000;

/** A value, how often it may have come, and how much of that may have been others. */
type Counter = [value: SqlValue, count: Long, over: Long];
type Counters = Map<string, Counter>;

/**
 * Counts of some values at a time (Space-Saving): where there is no room for a new one it takes over the smallest count. So no count
 * is too low, and none is too high by more than the number of all rows divided by that of the counters.
 */
function approximateTopCount(type: SqlType, k: number): Aggregator {
  if (!(k >= 1 && k <= WANTED_MAX)) refuse(`APPROX_TOP_COUNT: from 1 to ${WANTED_MAX} values can be had, not ${k}`);
  const room = k * COUNTED_PER_WANTED;
  const smallestIn = (counters: Counters): [key: string, count: Long] => {
    let smallest: [string, Long] | undefined;
    for (const [key, [, count]] of counters) if (smallest === undefined || count < smallest[1]) smallest = [key, count];
    return smallest!;
  };
  const floorOf = (counters: Counters): Long => (counters.size < room ? 0 : smallestIn(counters)[1]);
  const mostFirst = (counters: Iterable<Counter>): Counter[] =>
    [...counters].sort(([, a], [, b]) => (a < b ? 1 : a > b ? -1 : 0));
  return {
    stateType: mapOf(
      STRING,
      structOf([
        { name: 'VALUE', type },
        { name: 'COUNT', type: BIGINT },
        { name: 'OVER', type: BIGINT },
      ]),
    ),
    resultType: topCountType(type),
    init: () => new Map(),
    add(state, [value]) {
      if (value === null || value === undefined) return state;
      const counters = state as unknown as Counters;
      const key = String(identityOf(value));
      const known = counters.get(key);
      if (known !== undefined) known[1] = addLong(known[1], 1);
      else if (counters.size < room) counters.set(key, [value, 1, 0]);
      else {
        const [smallest, count] = smallestIn(counters);
        counters.delete(smallest);
        counters.set(key, [value, addLong(count, 1), count]);
      }
      return state;
    },
    merge(a, b) {
      const [one, other] = [a as unknown as Counters, b as unknown as Counters];
      if (one.size === 0) return b;
      // What one has not counted may have come there as often as its smallest.
      const [floor, otherFloor] = [floorOf(one), floorOf(other)];
      const all = new Map<string, Counter>();
      for (const key of new Set([...one.keys(), ...other.keys()])) {
        const [x, y] = [one.get(key), other.get(key)];
        const [count, otherCount] = [x?.[1] ?? floor, y?.[1] ?? otherFloor];
        const over = addLong(x?.[2] ?? floor, y?.[2] ?? otherFloor);
        all.set(key, [(x ?? y)![0], addLong(count, otherCount), over]);
      }
      const kept = mostFirst(all.values()).slice(0, room);
      return new Map(kept.map((counter) => [String(identityOf(counter[0])), counter]));
    },
    result: (state) =>
      mostFirst((state as unknown as Counters).values())
        .slice(0, k)
        .map(([value, count]) => [value, count]),
  };
}

function topCountType(type: SqlType): SqlType {
  return arrayOf(
    structOf([
      { name: 'VALUE', type },
      { name: 'COUNT', type: BIGINT },
    ]),
  );
}

export const approximateAggregates: readonly AggregateFunction[] = [
  aggregate(
    'APPROX_PERCENTILE',
    'The value that a part of all values are not above, within 1 %.',
    ['INT', 'BIGINT', 'DOUBLE', 'DECIMAL'].map((type) =>
      aggregateOverload(`${type}, DOUBLE -> DOUBLE`, (_types, [fraction]) => approximatePercentile(fraction!), {
        literals: 1,
      }),
    ),
  ),
  aggregate('APPROX_TOP_COUNT', 'The values that occur most, with how often, the most frequent first.', [
    aggregateOverload('ANY, INT -> ?', ([type], [k]) => approximateTopCount(type!, Number(k)), {
      literals: 1,
      resultType: ([type]) => topCountType(type ?? STRING),
    }),
  ]),
];
