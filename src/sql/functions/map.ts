import { arrayOf, STRING, structOf } from '../types.ts';
import type { SqlValue } from '../values/value.ts';
import { nullable, pure, type ScalarFunction, scalar, typed } from './function.ts';

type SqlMap = ReadonlyMap<SqlValue, SqlValue>;
type Lambda = (...args: SqlValue[]) => SqlValue;

function entries(map: SqlMap, order: boolean): SqlValue {
  const list = [...map].map(([key, value]): SqlValue => [key, value]);
  if (!order) return list;
  const text = (entry: SqlValue): string => String((entry as readonly SqlValue[])[0]);
  return list.sort((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));
}

export const mapFunctions: readonly ScalarFunction[] = [
  scalar('AS_MAP', 'MAP', 'A map of an array of keys and an array of values.', [
    pure(
      'ARRAY<STRING>, ARRAY<T> -> MAP<STRING, T>',
      (keys: readonly SqlValue[], values: readonly SqlValue[]) =>
        new Map(keys.map((key, i) => [key, values[i] ?? null])),
    ),
  ]),
  scalar(
    'ENTRIES',
    'MAP',
    'The entries of a map as an array of structs.',
    ['INT', 'BIGINT', 'DOUBLE', 'BOOLEAN', 'STRING'].map((type) =>
      pure(`MAP<STRING, ${type}>, BOOLEAN -> ?`, entries, ([map]) =>
        map?.kind === 'MAP'
          ? arrayOf(
              structOf([
                { name: 'K', type: STRING },
                { name: 'V', type: map.value },
              ]),
            )
          : undefined,
      ),
    ),
  ),
  scalar('MAP_KEYS', 'MAP', 'The keys of a map.', [
    pure('MAP<STRING, T> -> ARRAY<STRING>', (map: SqlMap) => [...map.keys()]),
  ]),
  scalar('MAP_VALUES', 'MAP', 'The values of a map.', [
    pure('MAP<STRING, T> -> ARRAY<T>', (map: SqlMap) => [...map.values()]),
  ]),
  scalar('MAP_UNION', 'MAP', 'The entries of both maps; those of the second win.', [
    nullable('MAP<STRING, T>, MAP<STRING, T> -> MAP<STRING, T>', (one: SqlMap | null, other: SqlMap | null) =>
      one === null && other === null ? null : new Map([...(one ?? []), ...(other ?? [])]),
    ),
  ]),
];

export const lambdaFunctions: readonly ScalarFunction[] = [
  scalar('FILTER', 'LAMBDA', 'The elements or entries for which a condition holds.', [
    pure('ARRAY<T>, (T) => BOOLEAN -> ARRAY<T>', (array: readonly SqlValue[], keep: Lambda) =>
      array.filter((item) => keep(item) === true),
    ),
    pure(
      'MAP<K, V>, (K, V) => BOOLEAN -> MAP<K, V>',
      (map: SqlMap, keep: Lambda) => new Map([...map].filter(([key, value]) => keep(key, value) === true)),
    ),
  ]),
  scalar('TRANSFORM', 'LAMBDA', 'What a function makes of each element or entry.', [
    pure('ARRAY<T>, (T) => R -> ARRAY<R>', (array: readonly SqlValue[], change: Lambda) =>
      array.map((item) => change(item)),
    ),
    pure('MAP<K, V>, (K, V) => R, (K, V) => S -> MAP<R, S>', (map: SqlMap, newKey: Lambda, newValue: Lambda) => {
      const changed = new Map([...map].map(([key, value]) => [newKey(key, value), newValue(key, value)]));
      if (changed.size < map.size) throw new RangeError('TRANSFORM makes one key of two');
      return changed;
    }),
  ]),
  scalar('REDUCE', 'LAMBDA', 'One value from all elements or entries, starting with an initial one.', [
    typed(
      'ARRAY<T>, S, (S, T) => S -> S',
      () => (array: readonly SqlValue[] | null, initial: SqlValue, step: Lambda) =>
        initial === null ? null : (array ?? []).reduce<SqlValue>((state, item) => step(state, item), initial),
      { takesNulls: true },
    ),
    typed(
      'MAP<K, V>, S, (S, K, V) => S -> S',
      () => (map: SqlMap | null, initial: SqlValue, step: Lambda) =>
        initial === null
          ? null
          : [...(map ?? [])].reduce<SqlValue>((state, [key, value]) => step(state, key, value), initial),
      { takesNulls: true },
    ),
  ]),
];
