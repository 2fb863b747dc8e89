// What is the same in all databases, or in most: values for placeholders (exact numbers and times as texts, structs and maps as
// JSON), literals, upserts, transactions.
import { Decimal } from '../../../../util/index.ts';
import { LOGICAL, type Schema } from '../../../data/schema.ts';
import type { Database, Dialect, Param } from '../database.ts';
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

/** The literal of a value for a placeholder. */
export function literalOf(bound: Param): string {
  return typeof bound === 'string' ? `'${bound.replaceAll("'", "''")}'` : String(bound);
}

/** What databases that have ON CONFLICT make of an upsert. */
export const onConflict: Dialect['upsert'] = (table, columns, keys, rows) => {
  const isKey = new Set(keys);
  const others = columns.filter((column) => !isKey.has(column));
  const set = others.map((column) => `${column}=excluded.${column}`).join(',');
  const change = others.length === 0 ? 'NOTHING' : `UPDATE SET ${set}`;
  return `INSERT INTO ${table} (${columns.join(',')}) VALUES ${rows.join(',')} ON CONFLICT (${keys.join(',')}) DO ${change}`;
};

/** Work between a beginning and an end, which is a rollback where it rejects. */
export async function inTransaction<T>(
  database: Pick<Database, 'execute'>,
  begin: string,
  work: () => Promise<T>,
): Promise<T> {
  await database.execute(begin);
  try {
    const result = await work();
    await database.execute('COMMIT');
    return result;
  } catch (error) {
    await database.execute('ROLLBACK').catch(() => {});
    throw error;
  }
}
