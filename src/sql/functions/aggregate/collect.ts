import { arrayOf, BIGINT, BOOLEAN, INTEGER, mapOf, type SqlType, STRING, structOf } from '../../types.ts';
import { addLong, type Long } from '../../values/bigint.ts';
import { compareValues, equalValues, identityOf, type SqlValue } from '../../values/value.ts';
import { refuse } from '../../errors.ts';
import type { AggregateFunction, Aggregator, FunctionSettings } from '../function.ts';
import { aggregate, aggregateOverload } from './basic.ts';
import { countDistinct } from './count-distinct.ts';

// Aggregates that keep values: lists, sets, the first and last ones, the largest ones. Their states grow in place, so what
// goes out as a result is a copy.

type List = SqlValue[];

function limitOf(settings: FunctionSettings): number {
  const value = settings('limit');
  return value === undefined ? Number.MAX_SAFE_INTEGER : Number(value);
}

function collectList(type: SqlType, settings: FunctionSettings): Aggregator {
  const limit = limitOf(settings);
  const append = (list: List, value: SqlValue): List => {
    if (list.length < limit) list.push(value);
    return list;
  };
  return {
    stateType: arrayOf(type),
    resultType: arrayOf(type),
    init: () => [],
    add: (state, [value]) => append(state as List, value!),
    undo(state, [value]) {
      const list = state as List;
      const at = list.findLastIndex((item) => equalValues(item, value!));
      if (at >= 0) list.splice(at, 1);
      return list;
    },
    merge: merging(append),
    result: copyOf,
  };
}

/** Puts the later values to the earlier ones. A session's list comes to an empty one with every record: it is taken as it is. */
function merging(put: (list: List, value: SqlValue) => List): Aggregator['merge'] {
  return (a, b) => ((a as List).length === 0 ? b : (b as List).reduce<List>(put, a as List));
}

function copyOf(state: SqlValue): SqlValue {
  return [...(state as List)];
}

function collectSet(type: SqlType, settings: FunctionSettings): Aggregator {
  const limit = limitOf(settings);
  const include = (list: List, value: SqlValue): List => {
    if (list.length < limit && !list.some((item) => equalValues(item, value))) list.push(value);
    return list;
  };
  return {
    stateType: arrayOf(type),
    resultType: arrayOf(type),
    init: () => [],
    add: (state, [value]) => include(state as List, value!),
    merge: merging(include),
    result: copyOf,
  };
}

const HISTOGRAM_KEYS = 1000;

const histogram: Aggregator = {
  stateType: mapOf(STRING, BIGINT),
  resultType: mapOf(STRING, BIGINT),
  init: () => new Map(),
  add: (state, [value]) => counted(state, value ?? null, 1),
  undo: (state, [value]) => counted(state, value ?? null, -1),
  merge(a, b) {
    const merged = a as Map<SqlValue, SqlValue>;
    if (merged.size === 0) return b;
    for (const [key, n] of b as ReadonlyMap<SqlValue, SqlValue>) {
      const known = merged.get(key);
      if (known !== undefined || merged.size < HISTOGRAM_KEYS)
        merged.set(key, addLong((known ?? 0) as Long, n as Long));
    }
    return merged;
  },
  result: (state) => new Map(state as ReadonlyMap<SqlValue, SqlValue>),
};

function counted(state: SqlValue, value: SqlValue, step: number): SqlValue {
  const map = state as Map<SqlValue, SqlValue>;
  const key = value === null ? 'null' : value;
  const known = map.get(key) as number | undefined;
  if (known === undefined && (step < 0 || map.size >= HISTOGRAM_KEYS)) return map;
  const next = (known ?? 0) + step;
  if (next <= 0) map.delete(key);
  else map.set(key, next);
  return map;
}

/** The single value of a group: every distinct value with how often it occurs. */
function attr(type: SqlType): Aggregator {
  const entry = structOf([
    { name: 'VALUE', type },
    { name: 'COUNT', type: INTEGER },
  ]);
  const change = (state: SqlValue, value: SqlValue, step: number): SqlValue => {
    const list = state as (readonly [SqlValue, number])[];
    const at = list.findIndex(([known]) => equalValues(known, value));
    const n = (list[at]?.[1] ?? 0) + step;
    if (at < 0 && n > 0) list.push([value, n]);
    else if (n > 0) list[at] = [value, n];
    else if (at >= 0) list.splice(at, 1);
    return list;
  };
  return {
    stateType: arrayOf(entry),
    resultType: type,
    init: () => [],
    add: (state, [value]) => change(state, value!, 1),
    undo: (state, [value]) => change(state, value!, -1),
    merge: (a, b) =>
      (b as readonly (readonly [SqlValue, number])[]).reduce<SqlValue>(
        (state, [value, n]) => change(state, value, n),
        a,
      ),
    result(state) {
      const list = state as readonly (readonly [SqlValue, number])[];
      return list.length === 1 ? list[0]![0] : null;
    },
  };
}

/** The first or last values by offset; with `n` a list of them. A state is the list of what is kept. */
function byOffset(
  which: 'EARLIEST' | 'LATEST',
  type: SqlType,
  n: number | undefined,
  ignoreNulls: boolean,
): Aggregator {
  const kept = n ?? 1;
  if (kept < 1) refuse(`${which}_BY_OFFSET: the number of values must be at least 1, got ${kept}`);
  const put = (list: List, value: SqlValue): List => {
    if (value === null && ignoreNulls) return list;
    const isFull = list.length >= kept;
    if (isFull && which === 'LATEST') list.shift();
    if (!isFull || which === 'LATEST') list.push(value);
    return list;
  };
  return {
    stateType: arrayOf(type),
    resultType: n === undefined ? type : arrayOf(type),
    init: () => [],
    add: (state, [value]) => put(state as List, value!),
    merge: merging(put),
    result: (state) => (n === undefined ? ((state as List)[0] ?? null) : copyOf(state)),
  };
}

function offsetFunction(which: 'EARLIEST' | 'LATEST'): AggregateFunction {
  const words = which === 'EARLIEST' ? 'first' : 'last';
  return aggregate(
    `${which}_BY_OFFSET`,
    `The ${words} value of a column by offset, or a list of the ${words} values.`,
    [
      aggregateOverload('T -> T', ([type]) => byOffset(which, type!, undefined, true)),
      aggregateOverload('T, BOOLEAN -> T', ([type], [ignore]) => byOffset(which, type!, undefined, ignore !== false), {
        literals: 1,
      }),
      aggregateOverload('T, INT -> ARRAY<T>', ([type], [n]) => byOffset(which, type!, Number(n), true), {
        literals: 1,
      }),
      aggregateOverload(
        'T, INT, BOOLEAN -> ARRAY<T>',
        ([type], [n, ignore]) => byOffset(which, type!, Number(n), ignore !== false),
        {
          literals: 2,
        },
      ),
    ],
    { dependsOnOrder: true },
  );
}

/** Puts a value in front of the first one that is smaller, where it is among the k largest. */
function insert(list: List, value: SqlValue, compare: (item: SqlValue) => number, k: number): List {
  const smaller = list.findIndex((item) => compare(item) < 0);
  const at = smaller < 0 ? list.length : smaller;
  if (at >= k) return list;
  list.splice(at, 0, value);
  if (list.length > k) list.pop();
  return list;
}

/** The k largest values, the earlier ones first among equals. */
function topK(type: SqlType, k: number, distinct: boolean): Aggregator {
  const put = (list: List, value: SqlValue): List => {
    if (value === null || (distinct && list.some((item) => equalValues(item, value)))) return list;
    return insert(list, value, (item) => compareValues(item, value), k);
  };
  return {
    stateType: arrayOf(type),
    resultType: arrayOf(type),
    init: () => [],
    add: (state, [value]) => put(state as List, value!),
    merge: merging(put),
    result: copyOf,
  };
}

/** The rows with the k largest values of the first column, with other columns of them. */
function topKRows(types: readonly SqlType[], k: number): Aggregator {
  const fields = types.map((type, i) => ({ name: i === 0 ? 'sort_col' : `col${i - 1}`, type }));
  const rowType = structOf(fields);
  const put = (list: List, row: SqlValue): List => {
    const sortKey = (item: SqlValue): SqlValue => (item as List)[0]!;
    return insert(list, row, (item) => compareValues(sortKey(item), sortKey(row)), k);
  };
  return {
    stateType: arrayOf(rowType),
    resultType: arrayOf(rowType),
    init: () => [],
    add: (state, args) => (args[0] === null ? state : put(state as List, [...args])),
    merge: merging(put),
    result: copyOf,
  };
}

const SORTABLE = ['INT', 'BIGINT', 'DOUBLE', 'STRING'];
const DISTINCT_SORTABLE = [...SORTABLE, 'DECIMAL', 'DATE', 'TIME', 'TIMESTAMP', 'BYTES'];

function listOfFirst(types: readonly (SqlType | null)[]): SqlType {
  return arrayOf(types[0] ?? STRING);
}

export const collectingAggregates: readonly AggregateFunction[] = [
  aggregate(
    'COLLECT_LIST',
    'All values of a column, in order.',
    [aggregateOverload('T -> ARRAY<T>', ([type], _literals, settings) => collectList(type!, settings))],
    { dependsOnOrder: true },
  ),
  aggregate(
    'COLLECT_SET',
    'The distinct values of a column, in the order in which they were first seen.',
    [aggregateOverload('T -> ARRAY<T>', ([type], _literals, settings) => collectSet(type!, settings))],
    { dependsOnOrder: true },
  ),
  aggregate('HISTOGRAM', 'How often each value occurs.', [
    aggregateOverload('STRING -> MAP<STRING, BIGINT>', () => histogram),
  ]),
  aggregate('ATTR', 'The value that all rows of a group share, null when they differ.', [
    aggregateOverload('T -> T', ([type]) => attr(type!)),
  ]),
  offsetFunction('EARLIEST'),
  offsetFunction('LATEST'),
  aggregate('TOPK', 'The largest values of a column, optionally with other columns of their rows.', [
    ...SORTABLE.map((name) =>
      aggregateOverload(`${name}, INT -> ?`, ([type], [k]) => topK(type!, Number(k), false), {
        literals: 1,
        resultType: listOfFirst,
      }),
    ),
    ...SORTABLE.map((name) =>
      aggregateOverload(`${name}, ANY, ANY..., INT -> ?`, (types, [k]) => topKRows(types.slice(0, -1), Number(k)), {
        literals: 1,
        resultType: (types) =>
          arrayOf(
            structOf(
              types
                .slice(0, -1)
                .map((type, i) => ({ name: i === 0 ? 'sort_col' : `col${i - 1}`, type: type ?? BOOLEAN })),
            ),
          ),
      }),
    ),
  ]),
  aggregate(
    'TOPKDISTINCT',
    'The largest distinct values of a column.',
    DISTINCT_SORTABLE.map((name) =>
      aggregateOverload(`${name}, INT -> ?`, ([type], [k]) => topK(type!, Number(k), true), {
        literals: 1,
        resultType: listOfFirst,
      }),
    ),
  ),
  aggregate('COUNT_DISTINCT', 'How many distinct values there are, approximately.', [
    aggregateOverload('ANY -> BIGINT', () => countDistinct(identityOf)),
  ]),
];
