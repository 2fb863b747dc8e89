// Functions of arrays; equality and order of elements are those of their type.
import { arrayOf, type SqlType } from '../types.ts';
import { addLong, compareLong, type Long } from '../values/bigint.ts';
import { compareValues, equalValues, identityOf, type SqlValue, valueText } from '../values/value.ts';
import { checkElements, nullable, pure, type ScalarFunction, scalar, typed } from './function.ts';

type List = readonly SqlValue[];

function distinct(list: List): List {
  const seen = new Set<SqlValue>();
  return list.filter((item) => {
    const identity = identityOf(item);
    if (seen.has(identity)) return false;
    seen.add(identity);
    return true;
  });
}

const identities = (list: List): Set<SqlValue> => new Set(list.map(identityOf));

function extreme(list: List, wanted: 1 | -1): SqlValue {
  let best: SqlValue = null;
  for (const item of list) if (item !== null && (best === null || compareValues(item, best) * wanted > 0)) best = item;
  return best;
}

function sorted(list: List, direction: string): SqlValue {
  const word = direction.toUpperCase();
  const sign = word === 'ASC' || word === 'ASCENDING' ? 1 : word === 'DESC' || word === 'DESCENDING' ? -1 : 0;
  if (sign === 0) return null;
  const values = list.filter((item) => item !== null).sort((a, b) => compareValues(a, b) * sign);
  return [...values, ...list.filter((item) => item === null)];
}

function series(start: Long, end: Long, step: number): SqlValue {
  if (step === 0) throw new RangeError('GENERATE_SERIES step cannot be zero');
  if (compareLong(end, start) * step < 0) throw new RangeError('GENERATE_SERIES step has wrong sign');
  checkElements(Math.abs(Number(end) - Number(start)) / Math.abs(step));
  const list: SqlValue[] = [];
  for (let value = start; step > 0 ? value <= end : value >= end; value = addLong(value, step)) list.push(value);
  return list;
}

const towards = (start: Long, end: Long): number => (compareLong(end, start) < 0 ? -1 : 1);

const PRINTABLE = new Set(['BOOLEAN', 'INTEGER', 'BIGINT', 'DOUBLE', 'DECIMAL', 'STRING']);

function joiner([type]: readonly SqlType[]): (array: List | null, delimiter?: string | null) => SqlValue {
  const item = type?.kind === 'ARRAY' ? type.item : undefined;
  return (array, delimiter = ',') => {
    if (array === null) return null;
    if (item === undefined || !PRINTABLE.has(item.kind))
      throw new RangeError('ARRAY_JOIN takes arrays of primitive values only');
    return array.map((value) => valueText(item, value)).join(delimiter ?? '');
  };
}

/** A null bound is open; bounds are 1-based and inclusive. */
function slice(list: List | null, from: number | null, to: number | null): SqlValue {
  if (list === null) return null;
  const start = from === null ? 0 : from - 1;
  const end = to ?? list.length;
  if (start < 0 || end > list.length || start > end) return null;
  return list.slice(start, end);
}

export const arrayFunctions: readonly ScalarFunction[] = [
  scalar('ARRAY_CONCAT', 'ARRAY', 'The elements of both arrays.', [
    nullable('ARRAY<T>, ARRAY<T> -> ARRAY<T>', (left: List | null, right: List | null) => {
      if (left === null && right === null) return null;
      checkElements((left?.length ?? 0) + (right?.length ?? 0));
      return [...(left ?? []), ...(right ?? [])];
    }),
  ]),
  scalar('ARRAY_CONTAINS', 'ARRAY', 'Whether an array has an element.', [
    nullable('ARRAY<T>, T -> BOOLEAN', (array: List | null, value: SqlValue) =>
      array === null ? false : array.some((item) => equalValues(item, value)),
    ),
  ]),
  scalar('ARRAY_DISTINCT', 'ARRAY', 'The elements without repetitions.', [pure('ARRAY<T> -> ARRAY<T>', distinct)]),
  scalar('ARRAY_EXCEPT', 'ARRAY', 'The distinct elements of the first array that are not in the second.', [
    pure('ARRAY<T>, ARRAY<T> -> ARRAY<T>', (left: List, right: List) => {
      const others = identities(right);
      return distinct(left).filter((item) => !others.has(identityOf(item)));
    }),
  ]),
  scalar('ARRAY_INTERSECT', 'ARRAY', 'The distinct elements that are in both arrays.', [
    pure('ARRAY<T>, ARRAY<T> -> ARRAY<T>', (left: List, right: List) => {
      const others = identities(right);
      return distinct(left).filter((item) => others.has(identityOf(item)));
    }),
  ]),
  scalar('ARRAY_UNION', 'ARRAY', 'The distinct elements of both arrays.', [
    pure('ARRAY<T>, ARRAY<T> -> ARRAY<T>', (left: List, right: List) => distinct([...left, ...right])),
  ]),
  scalar('ARRAY_JOIN', 'ARRAY', 'The elements as text, with a delimiter between them.', [
    typed('ARRAY<T> -> STRING', joiner, { takesNulls: true }),
    typed('ARRAY<T>, STRING -> STRING', joiner, { takesNulls: true }),
  ]),
  scalar('ARRAY_LENGTH', 'ARRAY', 'How many elements an array has.', [
    pure('ARRAY<T> -> INT', (array: List) => array.length),
  ]),
  scalar('ARRAY_MAX', 'ARRAY', 'The largest element.', [pure('ARRAY<T> -> T', (array: List) => extreme(array, 1))]),
  scalar('ARRAY_MIN', 'ARRAY', 'The smallest element.', [pure('ARRAY<T> -> T', (array: List) => extreme(array, -1))]),
  scalar('ARRAY_REMOVE', 'ARRAY', 'The elements that are not equal to a value.', [
    nullable('ARRAY<T>, T -> ARRAY<T>', (array: List | null, victim: SqlValue) =>
      array === null ? null : array.filter((item) => !equalValues(item, victim)),
    ),
  ]),
  scalar('ARRAY_SORT', 'ARRAY', 'The elements in order, nulls last.', [
    pure('ARRAY<T> -> ARRAY<T>', (array: List) => sorted(array, 'ASC')),
    pure('ARRAY<T>, STRING -> ARRAY<T>', sorted),
  ]),
  scalar('GENERATE_SERIES', 'ARRAY', 'The numbers from a start to an end, both included.', [
    pure('INT, INT -> ARRAY<INT>', (start: number, end: number) => series(start, end, towards(start, end))),
    pure('INT, INT, INT -> ARRAY<INT>', series),
    pure('BIGINT, BIGINT -> ARRAY<BIGINT>', (start: Long, end: Long) => series(start, end, towards(start, end))),
    pure('BIGINT, BIGINT, INT -> ARRAY<BIGINT>', series),
  ]),
  scalar('SLICE', 'ARRAY', 'The elements between two positions, both included.', [
    nullable('ARRAY<T>, INT, INT -> ARRAY<T>', slice, ([type]) =>
      type?.kind === 'ARRAY' ? arrayOf(type.item) : undefined,
    ),
  ]),
];
