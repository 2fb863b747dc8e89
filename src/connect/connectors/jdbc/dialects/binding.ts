// What values of Connect's types are to placeholders, the same in all databases as far as it goes: exact numbers and times as
// texts, structs and maps as JSON.
import { Decimal } from '../../../../util/index.ts';
import { LOGICAL, type Schema } from '../../../data/schema.ts';
import type { Param } from '../database.ts';
import { printTimestamp } from '../times.ts';

/** Times as texts of a zone; undefined for what is none. */
export function bindLogical(schema: Schema | null, value: unknown, zone: string): Param | undefined {
  if (!(value instanceof Date)) return undefined;
  const nanos = BigInt(value.getTime()) * 1_000_000n;
  switch (schema?.name) {
    case LOGICAL.date:
      return printTimestamp(nanos, 'UTC', 0).slice(0, 10);
    case LOGICAL.time:
      return printTimestamp(nanos, 'UTC', 3).slice(11);
    default:
      return printTimestamp(nanos, zone, 3);
  }
}

/** Everything else. */
export function bindPlain(value: unknown): Param {
  if (value === null || value === undefined) return null;
  if (value instanceof Decimal) return value.toString();
  if (value instanceof Uint8Array) return value;
  if (value instanceof Map) return jsonOf(Object.fromEntries(value));
  if (typeof value === 'object') return jsonOf(value);
  return value as string | number | bigint | boolean;
}

function jsonOf(value: object): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each === 'bigint') return Number(each);
    if (each instanceof Decimal) return each.toString();
    if (each instanceof Map) return Object.fromEntries(each);
    return each instanceof Uint8Array ? Buffer.from(each).toString('base64') : each;
  });
}
