import { arrayOf, BIGINT, structOf } from '../../types.ts';
import { addLong, type Long } from '../../values/bigint.ts';
import { compareValues, type SqlValue } from '../../values/value.ts';
import type { AggregateFunction, AggregateOverload, Aggregator } from '../function.ts';
import { aggregate, aggregateOverload, sameAs } from './basic.ts';

// The largest and the smallest value, and what stands beside it. Over a stream that is one value; over a table, whose rows
// change and go, it is all values that there are, in order, each with how often it is there.

type Sign = 1 | -1;

const ORDERED = ['INT', 'BIGINT', 'DOUBLE', 'DECIMAL', 'DATE', 'TIME', 'TIMESTAMP', 'STRING', 'BYTES'];

function extreme(wanted: Sign): AggregateOverload['create'] {
  return ([type]) => {
    const choose = (a: SqlValue, b: SqlValue): SqlValue => {
      if (a === null || b === null) return a ?? b;
      return compareValues(a, b) * wanted >= 0 ? a : b;
    };
    return {
      stateType: type!,
      resultType: type!,
      init: () => null,
      add: (state, [value]) => choose(state, value!),
      merge: choose,
      result: (state) => state,
    };
  };
}

/** A value and how often it is there. */
type Counted = [value: SqlValue, count: Long];

function extremeOfTable(wanted: Sign): AggregateOverload['create'] {
  return ([type]): Aggregator => {
    /** The counts are in the order of their values: where the value is, or would be. */
    const placeOf = (all: readonly Counted[], value: SqlValue): number => {
      let [low, high] = [0, all.length];
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (compareValues(all[middle]![0], value) < 0) low = middle + 1;
        else high = middle;
      }
      return low;
    };
    const count = (all: Counted[], value: SqlValue, by: Long): Counted[] => {
      const at = placeOf(all, value);
      const known = all[at];
      if (known === undefined || compareValues(known[0], value) !== 0) all.splice(at, 0, [value, by]);
      else known[1] = addLong(known[1], by);
      if (all[at]![1] === 0) all.splice(at, 1);
      return all;
    };
    const counted = (state: SqlValue): Counted[] => state as unknown as Counted[];
    return {
      stateType: arrayOf(
        structOf([
          { name: 'VALUE', type: type! },
          { name: 'COUNT', type: BIGINT },
        ]),
      ),
      resultType: type!,
      init: () => [],
      add: (state, [value]) => (value === null ? state : count(counted(state), value!, 1)),
      undo: (state, [value]) => (value === null ? state : count(counted(state), value!, -1)),
      merge: (a, b) => counted(b).reduce((all, [value, n]) => count(all, value, n), counted(a)),
      result: (state) => counted(state).at(wanted > 0 ? -1 : 0)?.[0] ?? null,
    };
  };
}

/** The first value whose companion is the largest (or smallest) one. */
function argExtreme(wanted: Sign): AggregateOverload['create'] {
  return ([type, by]) => {
    type Found = readonly [value: SqlValue, by: SqlValue];
    const choose = (a: Found, b: Found): Found => {
      if (b[1] === null) return a;
      if (a[1] === null) return b;
      return compareValues(a[1], b[1]) * wanted >= 0 ? a : b;
    };
    return {
      stateType: structOf([
        { name: 'VALUE', type: type! },
        { name: 'BY', type: by! },
      ]),
      resultType: type!,
      init: () => [null, null],
      add: (state, [value, companion]) => choose(state as unknown as Found, [value!, companion!]),
      merge: (a, b) => choose(a as unknown as Found, b as unknown as Found),
      result: (state) => (state as unknown as Found)[0],
    };
  };
}

function extremes(name: string, description: string, wanted: Sign): AggregateFunction {
  const overloads = (create: AggregateOverload['create']) =>
    ORDERED.map((type) => aggregateOverload(`${type} -> ?`, create, { resultType: sameAs }));
  return aggregate(name, description, overloads(extreme(wanted)), { overTables: overloads(extremeOfTable(wanted)) });
}

function argExtremes(name: string, description: string, wanted: Sign): AggregateFunction {
  return aggregate(
    name,
    description,
    ORDERED.map((type) => aggregateOverload(`T, ${type} -> T`, argExtreme(wanted))),
    // Of equal companions the first counts.
    { dependsOnOrder: true },
  );
}

export const extremeAggregates: readonly AggregateFunction[] = [
  extremes('MAX', 'The largest value.', 1),
  extremes('MIN', 'The smallest value.', -1),
  argExtremes('ARG_MAX', 'The value beside the largest one of another column.', 1),
  argExtremes('ARG_MIN', 'The value beside the smallest one of another column.', -1),
];
