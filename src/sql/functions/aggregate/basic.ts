import { BIGINT, DOUBLE, type SqlType, structOf } from '../../types.ts';
import { addLong, type Long, subtractLong } from '../../values/bigint.ts';
import { Decimal } from '../../../util/index.ts';
import type { SqlValue } from '../../values/value.ts';
import type { AggregateFunction, AggregateOverload, Aggregator } from '../function.ts';
import { signature } from '../signature.ts';
import { exactlyDistinct } from './exactly-distinct.ts';

// Counting, adding, and what is computed from sums.

export function aggregate(
  name: string,
  description: string,
  overloads: readonly AggregateOverload[],
  {
    dependsOnOrder = false,
    overTables = overloads,
    distinct,
  }: Partial<Pick<AggregateFunction, 'dependsOnOrder' | 'overTables' | 'distinct'>> = {},
): AggregateFunction {
  const described = { kind: 'aggregate', name, category: 'AGGREGATE', description } as const;
  return { ...described, overloads, overTables, distinct, dependsOnOrder };
}

export function aggregateOverload(
  text: string,
  create: AggregateOverload['create'],
  options: { literals?: number; resultType?: AggregateOverload['resultType'] } = {},
): AggregateOverload {
  return { signature: signature(text), literals: options.literals ?? 0, create, resultType: options.resultType };
}

const count: Aggregator = {
  stateType: BIGINT,
  resultType: BIGINT,
  init: () => 0,
  add: (state, [value]) => (value === null ? state : (state as number) + 1),
  undo: (state, [value]) => (value === null ? state : (state as number) - 1),
  merge: (a, b) => (a as number) + (b as number),
  result: (state) => state,
};

type Add = (a: SqlValue, b: SqlValue) => SqlValue;

function sumOf(type: SqlType, zero: SqlValue, add: Add, subtract: Add): Aggregator {
  return {
    stateType: type,
    resultType: type,
    init: () => zero,
    add: (state, [value]) => (value === null ? state : add(state, value!)),
    undo: (state, [value]) => (value === null ? state : subtract(state, value!)),
    merge: add,
    result: (state) => state,
  };
}

interface Arithmetic {
  readonly zero: SqlValue;
  readonly add: Add;
  readonly subtract: Add;
}

const integers: Arithmetic = {
  zero: 0,
  add: (a, b) => ((a as number) + (b as number)) | 0,
  subtract: (a, b) => ((a as number) - (b as number)) | 0,
};
const longs: Arithmetic = {
  zero: 0,
  add: (a, b) => addLong(a as Long, b as Long),
  subtract: (a, b) => subtractLong(a as Long, b as Long),
};
const doubles: Arithmetic = {
  zero: 0,
  add: (a, b) => (a as number) + (b as number),
  subtract: (a, b) => (a as number) - (b as number),
};

export function arithmeticOf(type: SqlType): Arithmetic {
  switch (type.kind) {
    case 'INTEGER':
      return integers;
    case 'BIGINT':
      return longs;
    default:
      return doubles;
  }
}

function decimalSum(type: SqlType & { kind: 'DECIMAL' }): Aggregator {
  const { precision, scale } = type;
  const fit = (value: Decimal): Decimal => value.fit(precision, scale);
  return sumOf(
    type,
    new Decimal(0n, scale),
    (a, b) => fit((a as Decimal).add(b as Decimal)),
    (a, b) => fit((a as Decimal).subtract(b as Decimal)),
  );
}

const NUMBERS = ['INT', 'BIGINT', 'DOUBLE'];

export function sameAs(types: readonly (SqlType | null)[]): SqlType | undefined {
  return types[0] ?? undefined;
}

/**
 * Sum, count and the sum of squared differences from the mean, and what a result is made of them. The differences are
 * updated one value at a time (Youngs and Cramer): squares of large values would lose the digits that matter.
 */
function moments(sumType: SqlType, result: (sum: number, differences: number, count: number) => number): Aggregator {
  const { add, subtract, zero } = arithmeticOf(sumType);
  const difference = (sum: SqlValue, n: number, value: SqlValue): number =>
    n < 2 ? 0 : (n * Number(value) - Number(sum)) ** 2 / (n * (n - 1));
  return {
    stateType: structOf([
      { name: 'SUM', type: sumType },
      { name: 'COUNT', type: BIGINT },
      { name: 'M2', type: DOUBLE },
    ]),
    resultType: DOUBLE,
    init: () => [zero, 0, 0],
    add(state, [value]) {
      if (value === null || value === undefined) return state;
      const [sum, n, m2] = state as readonly [SqlValue, number, number];
      const newSum = add(sum, value);
      return [newSum, n + 1, m2 + difference(newSum, n + 1, value)];
    },
    undo(state, [value]) {
      if (value === null || value === undefined) return state;
      const [sum, n, m2] = state as readonly [SqlValue, number, number];
      return [subtract(sum, value), n - 1, m2 - difference(sum, n, value)];
    },
    merge(a, b) {
      const [sumA, nA, m2A] = a as readonly [SqlValue, number, number];
      const [sumB, nB, m2B] = b as readonly [SqlValue, number, number];
      if (nA === 0) return b;
      if (nB === 0) return a;
      const between = ((nA / nB) * Number(sumB) - Number(sumA)) ** 2;
      return [add(sumA, sumB), nA + nB, m2A + m2B + (nB / (nA * (nA + nB))) * between];
    },
    result(state) {
      const [sum, n, m2] = state as readonly [SqlValue, number, number];
      return result(Number(sum), m2, n);
    },
  };
}

function variance(_sum: number, differences: number, n: number): number {
  return n < 2 ? 0 : differences / (n - 1);
}

function correlation(): Aggregator {
  const names = ['X', 'Y', 'XX', 'YY', 'XY', 'N'];
  const update =
    (step: number) =>
    (state: SqlValue, [x, y]: readonly SqlValue[]): SqlValue => {
      if (x === null || y === null) return state;
      const a = Number(x);
      const b = Number(y);
      const change = [a, b, a * a, b * b, a * b, 1];
      return (state as readonly number[]).map((value, i) => value + step * change[i]!);
    };
  return {
    stateType: structOf(names.map((name) => ({ name, type: DOUBLE }))),
    resultType: DOUBLE,
    init: () => names.map(() => 0),
    add: update(1),
    undo: update(-1),
    merge: (a, b) => (a as readonly number[]).map((value, i) => value + (b as readonly number[])[i]!),
    result(state) {
      const [x, y, xx, yy, xy, n] = state as unknown as readonly [number, number, number, number, number, number];
      if (n < 2) return Number.NaN;
      // In this order of operations, so that what is proportional has exactly 1, as in ksqlDB.
      return (n * xy - x * y) / Math.sqrt((n * xx - x * x) * (n * yy - y * y));
    },
  };
}

function sumList([type]: readonly SqlType[]): Aggregator {
  const item = type!.kind === 'ARRAY' ? type!.item : type!;
  const { zero, add, subtract } = arithmeticOf(item);
  const fold =
    (change: Add) =>
    (state: SqlValue, [list]: readonly SqlValue[]) => {
      if (list === null) return state;
      return (list as readonly SqlValue[]).reduce<SqlValue>(
        (sum, value) => (value === null ? sum : change(sum, value)),
        state,
      );
    };
  return {
    stateType: item,
    resultType: item,
    init: () => zero,
    add: fold(add),
    undo: fold(subtract),
    merge: add,
    result: (state) => state,
  };
}

export const basicAggregates: readonly AggregateFunction[] = [
  aggregate(
    'COUNT',
    'Counts the values that are not null, or all rows.',
    [aggregateOverload('ANY -> BIGINT', () => count)],
    {
      distinct: {
        overloads: [aggregateOverload('ANY, ANY... -> BIGINT', (types) => exactlyDistinct(types, false))],
        overTables: [aggregateOverload('ANY, ANY... -> BIGINT', (types) => exactlyDistinct(types, true))],
      },
    },
  ),
  aggregate('SUM', 'Adds the values.', [
    ...NUMBERS.map((name) =>
      aggregateOverload(`${name} -> ${name}`, ([type]) => {
        const { zero, add, subtract } = arithmeticOf(type!);
        return sumOf(type!, zero, add, subtract);
      }),
    ),
    aggregateOverload('DECIMAL -> ?', ([type]) => decimalSum(type as SqlType & { kind: 'DECIMAL' }), {
      resultType: sameAs,
    }),
  ]),
  aggregate(
    'AVG',
    'The average of the values.',
    NUMBERS.map((name) =>
      aggregateOverload(`${name} -> DOUBLE`, ([type]) =>
        moments(type!, (sum, _differences, n) => (n === 0 ? 0 : sum / n)),
      ),
    ),
  ),
  aggregate(
    'STDDEV_SAMP',
    'The sample variance of the values (kept under this name for compatibility).',
    NUMBERS.map((name) => aggregateOverload(`${name} -> DOUBLE`, ([type]) => moments(type!, variance))),
  ),
  aggregate(
    'STDDEV_SAMPLE',
    'The sample standard deviation of the values.',
    NUMBERS.map((name) =>
      aggregateOverload(`${name} -> DOUBLE`, ([type]) =>
        moments(type!, (sum, differences, n) => Math.sqrt(variance(sum, differences, n))),
      ),
    ),
  ),
  aggregate(
    'CORRELATION',
    "Pearson's correlation coefficient of two columns.",
    NUMBERS.map((name) => aggregateOverload(`${name}, ${name} -> DOUBLE`, correlation)),
  ),
  aggregate(
    'SUM_LIST',
    'Adds the elements of all lists.',
    NUMBERS.map((name) => aggregateOverload(`ARRAY<${name}> -> ${name}`, sumList)),
  ),
];
