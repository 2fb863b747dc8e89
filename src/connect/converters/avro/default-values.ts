// Defaults between Connect's values and the JSON that Avro schemas have them in: bytes as texts of characters 0 to 255, times and
// decimals as what they are in Avro.
import { Decimal, JsonNumber } from '../../../util/index.ts';
import { DataError } from '../../data/errors.ts';
import { dateOfDays, daysOf, decimalBytes, decimalOfBytes, millisOf } from '../../data/logical.ts';
import { LOGICAL, type Schema } from '../../data/schema.ts';

/** A value as JSON; bigints are for `printJson`. */
export function defaultJson(schema: Schema, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (value instanceof Decimal) return decimalBytes(schema, value).toString('latin1');
  if (value instanceof Date) return dateJson(schema, value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (Array.isArray(value)) return value.map((each) => defaultJson(schema.valueSchema, each));
  if (value instanceof Map) {
    const entries = [...(value as Map<unknown, unknown>)];
    const parts = entries.map(([key, each]) => [
      defaultJson(schema.keySchema, key),
      defaultJson(schema.valueSchema, each),
    ]);
    if (schema.keySchema.type !== 'string') return parts.map(([key, each]) => ({ key, value: each }));
    return Object.fromEntries(parts as [string, unknown][]);
  }
  if (schema.type !== 'struct') return value;
  const struct = value as Record<string, unknown>;
  return Object.fromEntries(schema.fields.map(({ name, schema: of }) => [name, defaultJson(of, struct[name])]));
}

function dateJson(schema: Schema, value: Date): number {
  if (schema.name === LOGICAL.date) return daysOf(value);
  return schema.name === LOGICAL.time ? millisOf(value) : value.getTime();
}

/** The value that JSON says. Throws `DataError` for what is none of the schema. */
export function defaultValue(schema: Schema, json: unknown): unknown {
  if (json === null || json === undefined) return null;
  switch (schema.name) {
    case LOGICAL.decimal:
      return decimalOfBytes(schema, Buffer.from(textOf(schema, json), 'latin1'));
    case LOGICAL.date:
      return dateOfDays(numberOf(schema, json));
    case LOGICAL.time:
    case LOGICAL.timestamp:
      return new Date(numberOf(schema, json));
    default:
      return plainDefault(schema, json);
  }
}

function plainDefault(schema: Schema, json: unknown): unknown {
  switch (schema.type) {
    case 'int64':
      return BigInt(json instanceof JsonNumber ? json.text : numberOf(schema, json));
    case 'boolean':
      return typeof json === 'boolean' ? json : refuse(schema, json);
    case 'string':
      return textOf(schema, json);
    case 'bytes':
      return Buffer.from(textOf(schema, json), 'latin1');
    case 'array':
      return listOf(schema, json).map((each) => defaultValue(schema.valueSchema, each));
    case 'map':
      return mapDefault(schema, json);
    case 'struct': {
      const members = membersOf(schema, json);
      return Object.fromEntries(schema.fields.map(({ name, schema: of }) => [name, defaultValue(of, members[name])]));
    }
    default:
      return numberOf(schema, json);
  }
}

function mapDefault(schema: Schema, json: unknown): Map<unknown, unknown> {
  const entry = (key: unknown, value: unknown) =>
    [defaultValue(schema.keySchema, key), defaultValue(schema.valueSchema, value)] as const;
  if (schema.keySchema.type === 'string')
    return new Map(Object.entries(membersOf(schema, json)).map(([key, value]) => entry(key, value)));
  return new Map(
    listOf(schema, json).map((each) => {
      const { key, value } = membersOf(schema, each);
      return entry(key, value);
    }),
  );
}

function listOf(schema: Schema, json: unknown): readonly unknown[] {
  return Array.isArray(json) ? json : refuse(schema, json);
}

function membersOf(schema: Schema, json: unknown): Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : refuse(schema, json);
}

function textOf(schema: Schema, json: unknown): string {
  return typeof json === 'string' ? json : refuse(schema, json);
}

function numberOf(schema: Schema, json: unknown): number {
  const number = json instanceof JsonNumber ? Number(json.text) : json;
  return typeof number === 'number' ? number : refuse(schema, json);
}

function refuse(schema: Schema, json: unknown): never {
  throw new DataError(`the default ${JSON.stringify(json)} is no ${schema.type.toUpperCase()}`);
}
