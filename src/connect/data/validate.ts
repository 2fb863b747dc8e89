// Whether a value is one of a schema: asked where records leave a connector or a transformation, so that what is wrong is
// named there, with its path, and not found in a topic.
import { Decimal } from '../../util/index.ts';
import { DataError } from './errors.ts';
import { LOGICAL, type Schema } from './schema.ts';

const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  int8: [-0x80, 0x7f],
  int16: [-0x8000, 0x7fff],
  int32: [-0x80000000, 0x7fffffff],
};

/** Throws `DataError`, which names the place, unless the value is one of the schema. Any value is one of no schema. */
export function checkValue(schema: Schema | null, value: unknown, path = 'value'): void {
  if (schema === null) return;
  if (value === null || value === undefined) {
    if (schema.optional || schema.default !== undefined) return;
    throw new DataError(`${path} is missing, and its schema is neither optional nor has a default`);
  }
  const logical = schema.name === undefined ? undefined : LOGICAL_CHECKS[schema.name];
  if (logical !== undefined) {
    if (!logical(value)) throw mismatch(schema, value, path);
    return;
  }
  checkPlain(schema, value, path);
}

/** The value of a struct's field; its default where it is missing. */
export function fieldValue(struct: Readonly<Record<string, unknown>>, name: string, schema: Schema): unknown {
  return ownMember(struct, name) ?? schema.default ?? null;
}

/** What every object has by birth is no member of a struct. */
function ownMember(struct: object, name: string): unknown {
  return Object.hasOwn(struct, name) ? (struct as Record<string, unknown>)[name] : undefined;
}

const LOGICAL_CHECKS: Readonly<Record<string, (value: unknown) => boolean>> = {
  [LOGICAL.decimal]: (value) => value instanceof Decimal,
  [LOGICAL.date]: (value) => value instanceof Date,
  [LOGICAL.time]: (value) => value instanceof Date,
  [LOGICAL.timestamp]: (value) => value instanceof Date,
};

function checkPlain(schema: Schema, value: unknown, path: string): void {
  switch (schema.type) {
    case 'struct':
      if (typeof value !== 'object' || Array.isArray(value)) throw mismatch(schema, value, path);
      for (const field of schema.fields)
        checkValue(field.schema, ownMember(value as object, field.name), `${path}.${field.name}`);
      return;
    case 'array':
      if (!Array.isArray(value)) throw mismatch(schema, value, path);
      value.forEach((element, i) => checkValue(schema.valueSchema, element, `${path}[${i}]`));
      return;
    case 'map':
      if (!(value instanceof Map)) throw mismatch(schema, value, path);
      for (const [key, element] of value) {
        checkValue(schema.keySchema, key, `a key of ${path}`);
        checkValue(schema.valueSchema, element, `${path}[${String(key)}]`);
      }
      return;
    default:
      if (!isPrimitive(schema.type, value)) throw mismatch(schema, value, path);
  }
}

function isPrimitive(type: Schema['type'], value: unknown): boolean {
  const range = RANGES[type];
  if (range !== undefined)
    return Number.isInteger(value) && (value as number) >= range[0] && (value as number) <= range[1];
  switch (type) {
    case 'int64':
      return typeof value === 'bigint' && BigInt.asIntN(64, value) === value;
    case 'float32':
    case 'float64':
      return typeof value === 'number';
    case 'bytes':
      return value instanceof Uint8Array;
    default:
      return typeof value === type;
  }
}

function mismatch(schema: Schema, value: unknown, path: string): DataError {
  const what = schema.name === undefined ? schema.type.toUpperCase() : `${schema.type.toUpperCase()} (${schema.name})`;
  return new DataError(`${path} must be ${what}, and is ${shown(value)}`);
}

function shown(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof Map) return 'a map';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return value.constructor?.name === 'Date' ? 'a Date' : 'an object';
  return `${typeof value === 'string' ? `"${value.slice(0, 40)}"` : String(value)} (${typeof value})`;
}
