// Values to JSON text: a schema is compiled once into a function that writes its values, and what has no schema is written as
// what it is.
import { Decimal, doubleText, shortestFloat } from '../../../util/index.ts';
import { DataError } from '../../data/errors.ts';
import { daysOf, decimalBytes, millisOf, ofScale } from '../../data/logical.ts';
import { LOGICAL, type Schema } from '../../data/schema.ts';
import { checkValue } from '../../data/validate.ts';
import { isUnion } from './unions.ts';

/** What the converter's settings say of values. */
export interface JsonValueOptions {
  readonly decimalFormat: 'BASE64' | 'NUMERIC';
  /** Whether a null becomes the schema's default, where there is one. */
  readonly replaceNull: boolean;
  /** As JSON Schema's converter has it: entries of maps with other keys than strings are objects, unions their one value. */
  readonly isRegistered?: boolean;
  /** Whether days are texts (`"2020-01-31"`) and not counted. */
  readonly hasDateTexts?: boolean;
}

/** Writes a value of one schema. Throws `DataError` for what is none. */
export type JsonWriter = (value: unknown) => string;

/** What writes the values of a schema. */
export function jsonWriter(schema: Schema | null, options: JsonValueOptions): JsonWriter {
  if (schema === null) return (value) => schemalessJson(value, options);
  const write = present(schema, options);
  const { optional, default: given } = schema;
  const replaced = given !== undefined && given !== null && options.replaceNull ? write(given) : undefined;
  return (value) => {
    if (value !== null && value !== undefined) return write(value);
    if (replaced !== undefined) return replaced;
    if (optional) return 'null';
    throw new DataError('Conversion error: null value for field that is required and has no default value');
  };
}

/** Writes values that are there. */
function present(schema: Schema, options: JsonValueOptions): JsonWriter {
  return (schema.name === undefined ? undefined : logical(schema, options)) ?? plain(schema, options);
}

function logical(schema: Schema, { decimalFormat, hasDateTexts }: JsonValueOptions): JsonWriter | undefined {
  switch (schema.name) {
    case LOGICAL.decimal:
      return (value) => {
        if (!(value instanceof Decimal)) return refuse(schema, value);
        return decimalFormat === 'BASE64'
          ? `"${decimalBytes(schema, value).toString('base64')}"`
          : ofScale(schema, value).toString();
      };
    case LOGICAL.date:
      return (value) => {
        if (!(value instanceof Date)) return refuse(schema, value);
        return hasDateTexts === true ? `"${value.toISOString().slice(0, -14)}"` : String(daysOf(value));
      };
    case LOGICAL.time:
      return (value) => (value instanceof Date ? String(millisOf(value)) : refuse(schema, value));
    case LOGICAL.timestamp:
      return (value) => (value instanceof Date ? String(value.getTime()) : refuse(schema, value));
    default:
      return undefined;
  }
}

function plain(schema: Schema, options: JsonValueOptions): JsonWriter {
  switch (schema.type) {
    case 'int8':
    case 'int16':
    case 'int32':
      return (value) => (Number.isInteger(value) ? String(value) : refuse(schema, value));
    case 'int64':
      return (value) => (typeof value === 'bigint' ? String(value) : refuse(schema, value));
    case 'float32':
      return (value) => (typeof value === 'number' ? floatJson(shortestFloat(value)) : refuse(schema, value));
    case 'float64':
      return (value) => (typeof value === 'number' ? floatJson(value) : refuse(schema, value));
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? String(value) : refuse(schema, value));
    case 'string':
      return (value) => (typeof value === 'string' ? JSON.stringify(value) : refuse(schema, value));
    case 'bytes':
      return (value) => (value instanceof Uint8Array ? bytesJson(value) : refuse(schema, value));
    case 'array': {
      const element = jsonWriter(schema.valueSchema, options);
      return (value) => (Array.isArray(value) ? `[${value.map(element).join(',')}]` : refuse(schema, value));
    }
    case 'map':
      return mapWriter(schema, options);
    case 'struct':
      return options.isRegistered === true && isUnion(schema)
        ? unionWriter(schema, options)
        : structWriter(schema, options);
  }
}

function mapWriter(schema: Schema, options: JsonValueOptions): JsonWriter {
  const key = jsonWriter(schema.keySchema, options);
  const element = jsonWriter(schema.valueSchema, options);
  const isObject = schema.keySchema.type === 'string';
  const entry = (k: string, v: string): string =>
    options.isRegistered === true ? `{"key":${k},"value":${v}}` : `[${k},${v}]`;
  return (value) => {
    if (!(value instanceof Map)) return refuse(schema, value);
    const entries = [...(value as Map<unknown, unknown>)];
    return isObject
      ? `{${entries.map(([k, v]) => `${key(k)}:${element(v)}`).join(',')}}`
      : `[${entries.map(([k, v]) => entry(key(k), element(v))).join(',')}]`;
  };
}

function structWriter(schema: Schema, options: JsonValueOptions): JsonWriter {
  const fields = schema.fields.map((field, i) => ({
    name: field.name,
    lead: `${i === 0 ? '' : ','}${JSON.stringify(field.name)}:`,
    write: jsonWriter(field.schema, options),
  }));
  // What every object has by birth is no field of this one.
  const hasBornNames = fields.some(({ name }) => name in {});
  return (value) => {
    if (typeof value !== 'object' || Array.isArray(value)) return refuse(schema, value);
    let text = '{';
    const struct = value as Record<string, unknown>;
    for (const { name, lead, write } of fields)
      text += lead + write(hasBornNames && !Object.hasOwn(struct, name) ? undefined : struct[name]);
    return `${text}}`;
  };
}

/** The value of the one field that has one. */
function unionWriter(schema: Schema, options: JsonValueOptions): JsonWriter {
  const branches = schema.fields.map(({ name, schema: of }) => ({ name, write: jsonWriter(of, options) }));
  return (value) => {
    const struct = value as Readonly<Record<string, unknown>>;
    const branch = branches.find(({ name }) => struct[name] !== null && struct[name] !== undefined);
    if (branch === undefined) throw new DataError('a union needs one field with a value');
    return branch.write(struct[branch.name]);
  };
}

/** Numbers that JSON does not have stand in quotes, as Jackson writes them. */
function floatJson(value: number): string {
  return Number.isFinite(value) ? doubleText(value) : `"${value}"`;
}

function bytesJson(value: Uint8Array): string {
  return `"${Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64')}"`;
}

/** A value without a schema. Throws `DataError` for what JSON has no form of. */
function schemalessJson(value: unknown, options: JsonValueOptions): string {
  if (value === null || value === undefined) return 'null';
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return Number.isInteger(value) ? String(value) : floatJson(value);
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'object':
      return schemalessObject(value, options);
    default:
      throw new DataError(`a ${typeof value} cannot be written as JSON`);
  }
}

function schemalessObject(value: object, options: JsonValueOptions): string {
  const write = (part: unknown): string => schemalessJson(part, options);
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  if (value instanceof Uint8Array) return bytesJson(value);
  if (value instanceof Date) return String(value.getTime());
  if (value instanceof Decimal) return value.toString();
  if (value instanceof Map) {
    const entries = [...(value as Map<unknown, unknown>)];
    return entries.every(([key]) => typeof key === 'string')
      ? `{${entries.map(([key, part]) => `${JSON.stringify(key)}:${write(part)}`).join(',')}}`
      : `[${entries.map(([key, part]) => `[${write(key)},${write(part)}]`).join(',')}]`;
  }
  const entries = Object.entries(value);
  return `{${entries.map(([name, part]) => `${JSON.stringify(name)}:${write(part)}`).join(',')}}`;
}

function refuse(schema: Schema, value: unknown): never {
  checkValue(schema, value);
  throw new DataError(`Invalid type for ${schema.type.toUpperCase()}: ${typeof value}`);
}
