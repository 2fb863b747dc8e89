// COUNT(DISTINCT …): how many distinct values there are, exactly. The state has each of them once, so it grows with their
// number, and a record changes one entry of it. Over a table, whose rows change and go, an entry says how many rows have
// its value; over a stream nothing comes back, and it says nothing.
import { BIGINT, mapOf, type SqlType, STRING } from '../../types.ts';
import { addLong, type Long } from '../../values/bigint.ts';
import { identityOf, type SqlValue } from '../../values/value.ts';
import type { Aggregator } from '../function.ts';

type Seen = Map<SqlValue, SqlValue>;

/** Of several columns a row counts with all of them, and not at all where one is null. */
export function exactlyDistinct(types: readonly SqlType[], overTable: boolean): Aggregator {
  const [first] = types as [SqlType];
  const only = types.length === 1 ? identified(first) : undefined;
  const count = (seen: Seen, value: SqlValue, by: Long): void => {
    const all = addLong((seen.get(value) ?? 0) as Long, by);
    if (all === 0) seen.delete(value);
    else seen.set(value, all);
  };
  const change = (by: Long) => (state: SqlValue, values: readonly SqlValue[]) => {
    const seen = state as Seen;
    if (values.includes(null)) return seen;
    const value = only === undefined ? identityOf(values) : only.identityOf(values[0]!);
    if (overTable) count(seen, value, by);
    else seen.set(value, null);
    return seen;
  };
  return {
    stateType: mapOf(only?.type ?? STRING, BIGINT),
    resultType: BIGINT,
    init: () => new Map(),
    add: change(1),
    ...(overTable ? { undo: change(-1) } : {}),
    merge(a, b) {
      const [into, from] = (a as Seen).size < (b as Seen).size ? [b as Seen, a as Seen] : [a as Seen, b as Seen];
      for (const [value, times] of from) {
        if (times === null) into.set(value, null);
        else count(into, value, times as Long);
      }
      return into;
    },
    result: (state) => (state as Seen).size,
  };
}

/** What tells the values of a type apart, and is of a type whose equal values have equal bytes, and are one key of a Map. */
export function identified(type: SqlType): {
  readonly type: SqlType;
  readonly identityOf: (value: SqlValue) => SqlValue;
} {
  if (!IDENTIFIES_ITSELF.has(type.kind)) return { type: STRING, identityOf };
  // There are two zeros.
  return { type, identityOf: (value) => (value === 0 ? 0 : value) };
}

const IDENTIFIES_ITSELF = new Set<SqlType['kind']>([
  'BOOLEAN',
  'INTEGER',
  'BIGINT',
  'DOUBLE',
  'STRING',
  'DATE',
  'TIME',
  'TIMESTAMP',
]);
