// How values that somebody writes down become those of a column: numbers widen, and structs are taken field by field, by name.
import { canImplicitlyCast, type SqlType } from '../types.ts';
import { type Caster, caster } from './cast.ts';
import type { SqlValue } from './value.ts';

/**
 * The function that makes a non-null value of one type one of another; undefined when the pair does not go together. Fields
 * that a struct does not have are null, those that it has beyond the wanted ones are left out; in arrays and maps, too.
 */
export function coercer(from: SqlType, to: SqlType): Caster | undefined {
  if (from.kind === 'STRUCT' && to.kind === 'STRUCT') {
    const steps: (((fields: readonly SqlValue[]) => SqlValue) | undefined)[] = to.fields.map(({ name, type }) => {
      const index = from.fields.findIndex((field) => field.name === name);
      if (index < 0) return () => null;
      const coerce = coercer(from.fields[index]!.type, type);
      return coerce && ((fields) => orNull(coerce, fields[index]!));
    });
    if (!steps.every((step) => step !== undefined)) return undefined;
    return (value) => steps.map((step) => step(value as readonly SqlValue[]));
  }
  if (from.kind === 'ARRAY' && to.kind === 'ARRAY') {
    const item = coercer(from.item, to.item);
    return item && ((value) => (value as readonly SqlValue[]).map((each) => orNull(item, each)));
  }
  if (from.kind === 'MAP' && to.kind === 'MAP') {
    const [key, item] = [coercer(from.key, to.key), coercer(from.value, to.value)];
    if (key === undefined || item === undefined) return undefined;
    return (value) =>
      new Map([...(value as ReadonlyMap<SqlValue, SqlValue>)].map(([k, v]) => [orNull(key, k), orNull(item, v)]));
  }
  return canImplicitlyCast(from, to) ? caster(from, to) : undefined;
}

function orNull(coerce: Caster, value: SqlValue): SqlValue {
  return value === null ? null : coerce(value);
}
