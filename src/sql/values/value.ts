import { assert, Decimal, doubleText } from '../../util/index.ts';
import type { SqlType } from '../types.ts';

/** Any value of SQL (`types.ts` says which type has which). Null is SQL's NULL; undefined never occurs. */
export type SqlValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Buffer
  | Decimal
  | readonly SqlValue[]
  | ReadonlyMap<SqlValue, SqlValue>;

/** The values of a row, by position. */
export type Row = readonly SqlValue[];

/** Equality of two values of the same type. Nulls are equal to each other here. */
export function equalValues(a: SqlValue, b: SqlValue): boolean {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') {
    return typeof a === 'number' && typeof b === 'number' && Number.isNaN(a) && Number.isNaN(b);
  }
  if (a instanceof Decimal) return b instanceof Decimal && a.compare(b) === 0;
  if (Buffer.isBuffer(a)) return Buffer.isBuffer(b) && a.equals(b);
  if (a instanceof Map) {
    if (!(b instanceof Map) || a.size !== b.size) return false;
    for (const [key, value] of a) if (!b.has(key) || !equalValues(value, b.get(key) ?? null)) return false;
    return true;
  }
  const left = a as readonly SqlValue[];
  const right = b as readonly SqlValue[];
  return left.length === right.length && left.every((item, i) => equalValues(item, right[i]!));
}

/** The order of two non-null values of the same ordered type. */
export function compareValues(a: SqlValue, b: SqlValue): number {
  if (typeof a === 'object' && a !== null) {
    if (a instanceof Decimal) return a.compare(b as Decimal);
    assert(Buffer.isBuffer(a) && Buffer.isBuffer(b), 'only decimals, bytes and plain values have an order');
    return Buffer.compare(a, b);
  }
  const x = a as number;
  const y = b as number;
  return x < y ? -1 : x > y ? 1 : 0;
}

/** A key by which equal values are found in a Map or Set. */
export function identityOf(value: SqlValue): SqlValue {
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Decimal) return `d${value.toString()}`;
  if (Buffer.isBuffer(value)) return `b${value.toString('latin1')}`;
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]) => `${tagged(key)}:${tagged(item)}`).sort();
    return `m${entries.join('\u0001')}`;
  }
  return `a${(value as readonly SqlValue[]).map(tagged).join('\u0001')}`;
}

function tagged(value: SqlValue): string {
  const identity = identityOf(value);
  return `${typeof identity}${String(identity).length}:${String(identity)}`;
}

/** A value's text as CAST(x AS STRING) gives it. */
export function valueText(type: SqlType, value: SqlValue): string {
  if (value === null) return 'null';
  switch (type.kind) {
    case 'DOUBLE':
      return doubleText(value as number);
    case 'BYTES':
      return (value as Buffer).toString('base64');
    case 'DATE':
      return dateText(value as number);
    case 'TIME':
      return timeText(value as number);
    case 'TIMESTAMP':
      return timestampText(value as number);
    case 'ARRAY':
      return `[${(value as readonly SqlValue[]).map((item) => valueText(type.item, item)).join(', ')}]`;
    case 'MAP': {
      const entries = [...(value as ReadonlyMap<SqlValue, SqlValue>)];
      return `{${entries.map(([key, item]) => `${valueText(type.key, key)}=${valueText(type.value, item)}`).join(', ')}}`;
    }
    case 'STRUCT': {
      const values = value as readonly SqlValue[];
      const parts: string[] = [];
      type.fields.forEach((field, i) => {
        const item = values[i]!;
        if (item !== null) parts.push(`${field.name}=${valueText(field.type, item)}`);
      });
      return `Struct{${parts.join(',')}}`;
    }
    default:
      return String(value);
  }
}

const pad = (value: number, width: number): string => String(value).padStart(width, '0');

export function dateText(days: number): string {
  return new Date(days * 86_400_000).toISOString().replace(/T.*/, '');
}

/** Seconds are always there; milliseconds only when there are any. */
export function timeText(ms: number): string {
  const text = `${pad(Math.floor(ms / 3_600_000), 2)}:${pad(Math.floor(ms / 60_000) % 60, 2)}`;
  const rest = ms % 60_000;
  if (rest === 0) return text;
  const seconds = `${text}:${pad(Math.floor(rest / 1000), 2)}`;
  return rest % 1000 === 0 ? seconds : `${seconds}.${pad(rest % 1000, 3)}`;
}

export function timestampText(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '');
}
