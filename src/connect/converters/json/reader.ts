// Parsed JSON to values: a schema is compiled once into a function that reads its values. Numbers come as `parseNumbers` has
// them: none has lost a digit that a schema could ask for.
import { Decimal, JsonNumber, parseJson } from '../../../util/index.ts';
import { DataError } from '../../data/errors.ts';
import { dateOfDays, decimalOfBytes } from '../../data/logical.ts';
import { LOGICAL, scaleOf, type Schema } from '../../data/schema.ts';
import { isUnion } from './unions.ts';

/** What the converter's settings say of values that are read. */
export interface JsonReadOptions {
  /** Whether a null becomes the schema's default, where there is one. */
  readonly replaceNull: boolean;
  /** As JSON Schema's converter has it: entries of maps with other keys than strings are objects, unions their one value. */
  readonly isRegistered?: boolean;
}

/** Reads a value of one schema from parsed JSON; undefined is what is missing. Throws `DataError`. */
export type JsonReader = (node: unknown) => unknown;

/** More digits than a double is sure to hold: in front of the point, or anywhere. */
const LONG_INTEGER = /(?:^|[^\d.])\d{16}/;
const LONG_NUMBER = /[\d.]{16}/;

/**
 * Parses JSON. Whole numbers are numbers, or bigints beyond 2^53; others are numbers, or `JsonNumber`s where a double could not
 * hold all digits, and somebody wants them (`hasDecimals`). Throws `SyntaxError`.
 */
export function parseNumbers(text: string, hasDecimals = true): unknown {
  return (hasDecimals ? LONG_NUMBER : LONG_INTEGER).test(text) ? parseJson(text, exactNumber) : JSON.parse(text);
}

/** The same for what no schema is known of, where numbers that are not whole are doubles. */
export function parseSchemaless(text: string): unknown {
  return LONG_INTEGER.test(text) ? parseJson(text, wholeOrDouble) : JSON.parse(text);
}

/** Whether values of a schema have decimals in them. */
export function hasDecimals(schema: Schema | null): boolean {
  switch (schema?.type) {
    case 'bytes':
      return schema.name === LOGICAL.decimal;
    case 'array':
      return hasDecimals(schema.valueSchema);
    case 'map':
      return hasDecimals(schema.keySchema) || hasDecimals(schema.valueSchema);
    case 'struct':
      return schema.fields.some((field) => hasDecimals(field.schema));
    default:
      return false;
  }
}

/** What `parseNumbers` has read, as `parseSchemaless` would have. */
export function schemalessValue(node: unknown): unknown {
  if (node instanceof JsonNumber) return Number(node.text);
  if (Array.isArray(node)) return node.map(schemalessValue);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(Object.entries(node).map(([name, part]) => [name, schemalessValue(part)]));
}

function exactNumber(text: string): unknown {
  const value = wholeOrDouble(text);
  return typeof value === 'number' && text.length > 15 && !/^-?\d+$/.test(text) ? new JsonNumber(text) : value;
}

function wholeOrDouble(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) || !/^-?\d+$/.test(text) ? value : BigInt(text);
}

/** What reads the values of a schema. */
export function jsonReader(schema: Schema, options: JsonReadOptions): JsonReader {
  const read = present(schema, options);
  const { optional, default: given } = schema;
  const replaced = options.replaceNull && given !== undefined && given !== null ? given : undefined;
  return (node) => {
    if (node !== null && node !== undefined) return read(node);
    if (replaced !== undefined) return replaced;
    if (optional) return null;
    throw new DataError(`Invalid null value for required ${schema.type.toUpperCase()} field`);
  };
}

/** Reads nodes that are not null. */
function present(schema: Schema, options: JsonReadOptions): JsonReader {
  switch (schema.name) {
    case LOGICAL.decimal:
      return (node) => decimalOf(schema, node);
    case LOGICAL.date:
      return (node) => dateOfDays(whole(node, -0x80000000, 0x7fffffff, 'Date'));
    case LOGICAL.time:
      return (node) => new Date(whole(node, -0x80000000, 0x7fffffff, 'Time'));
    case LOGICAL.timestamp:
      return (node) => new Date(whole(node, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 'Timestamp'));
    default:
      return plain(schema, options);
  }
}

function plain(schema: Schema, options: JsonReadOptions): JsonReader {
  switch (schema.type) {
    case 'int8':
      return (node) => whole(node, -0x80, 0x7f, 'INT8');
    case 'int16':
      return (node) => whole(node, -0x8000, 0x7fff, 'INT16');
    case 'int32':
      return (node) => whole(node, -0x80000000, 0x7fffffff, 'INT32');
    case 'int64':
      return long;
    case 'float32':
      return (node) => Math.fround(double(node, 'FLOAT32'));
    case 'float64':
      return (node) => double(node, 'FLOAT64');
    case 'boolean':
    case 'string':
      return (node) => (typeof node === schema.type ? node : refuse(schema.type.toUpperCase(), node));
    case 'bytes':
      return bytes;
    case 'array': {
      const element = jsonReader(schema.valueSchema, options);
      return (node) =>
        Array.isArray(node) ? node.map(element) : refuse('ARRAY', node, 'Arrays should be encoded as JSON arrays');
    }
    case 'map':
      return schema.keySchema.type === 'string' ? objectReader(schema, options) : pairsReader(schema, options);
    case 'struct':
      return options.isRegistered === true && isUnion(schema)
        ? unionReader(schema, options)
        : structReader(schema, options);
  }
}

function objectReader(schema: Schema, options: JsonReadOptions): JsonReader {
  const element = jsonReader(schema.valueSchema, options);
  return (node) => {
    if (!isObject(node)) return refuse('MAP', node, 'Maps with string fields should be encoded as JSON objects');
    return new Map(Object.entries(node).map(([key, value]) => [key, element(value)]));
  };
}

function pairsReader(schema: Schema, options: JsonReadOptions): JsonReader {
  const key = jsonReader(schema.keySchema, options);
  const element = jsonReader(schema.valueSchema, options);
  return (node) => {
    if (!Array.isArray(node))
      return refuse('MAP', node, 'Maps with non-string fields should be encoded as JSON array of tuples');
    return new Map(
      node.map((given: unknown) => {
        const pair = options.isRegistered === true && isObject(given) ? [given['key'], given['value']] : given;
        if (!Array.isArray(pair)) throw new DataError(`Found invalid map entry instead of array tuple: ${kind(pair)}`);
        if (pair.length !== 2)
          throw new DataError(`Found invalid map entry, expected length 2 but found :${pair.length}`);
        return [key(pair[0]), element(pair[1])];
      }),
    );
  };
}

function structReader(schema: Schema, options: JsonReadOptions): JsonReader {
  const fields = schema.fields.map(({ name, schema: of }) => ({ name, read: jsonReader(of, options) }));
  // What every object has by birth is no field of this one.
  const hasBornNames = fields.some(({ name }) => name in {});
  return (node) => {
    if (!isObject(node)) return refuse('STRUCT', node, 'Structs should be encoded as JSON objects');
    const struct: Record<string, unknown> = {};
    for (const { name, read } of fields)
      struct[name] = read(hasBornNames && !Object.hasOwn(node, name) ? undefined : node[name]);
    return struct;
  };
}

/** The first branch that the value is one of. */
function unionReader(schema: Schema, options: JsonReadOptions): JsonReader {
  const branches = schema.fields.map(({ name, schema: of }) => ({ name, read: jsonReader(of, options) }));
  return (node) => {
    for (const { name, read } of branches) {
      try {
        return { [name]: read(node) };
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
      }
    }
    return refuse('union', node, 'None of the branches of the union has a value like this');
  };
}

function whole(node: unknown, min: number, max: number, type: string): number {
  if (typeof node === 'number' && Number.isInteger(node) && node >= min && node <= max) return node;
  return refuse(type, node);
}

function long(node: unknown): bigint {
  if (typeof node === 'bigint' && BigInt.asIntN(64, node) === node) return node;
  return Number.isInteger(node) && Math.abs(node as number) < 2 ** 63 ? BigInt(node as number) : refuse('INT64', node);
}

function double(node: unknown, type: string): number {
  if (typeof node === 'number') return node;
  if (typeof node === 'bigint') return Number(node);
  if (node instanceof JsonNumber) return Number(node.text);
  // As the converter itself writes what JSON has no numbers for.
  if (node === 'NaN' || node === 'Infinity' || node === '-Infinity') return Number(node);
  return refuse(type, node);
}

function bytes(node: unknown): Buffer {
  if (typeof node !== 'string') return refuse('BYTES', node);
  if (node.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(node)) throw new DataError('Invalid bytes field');
  return Buffer.from(node, 'base64');
}

function decimalOf(schema: Schema, node: unknown): Decimal {
  if (typeof node === 'string') return decimalOfBytes(schema, bytes(node));
  const text = node instanceof JsonNumber ? node.text : String(node);
  const value =
    typeof node === 'number' || node instanceof JsonNumber || typeof node === 'bigint'
      ? Decimal.parse(text)
      : undefined;
  if (value === undefined)
    return refuse(
      'Decimal',
      node,
      `Invalid type for Decimal, underlying representation should be numeric or bytes but was ${kind(node)}`,
    );
  // JSON leaves out zeros at the end; digits that the schema has no place for stay.
  return value.scale < scaleOf(schema) ? value.rescale(scaleOf(schema)) : value;
}

function isObject(node: unknown): node is Record<string, unknown> {
  return typeof node === 'object' && node !== null && !Array.isArray(node) && !(node instanceof JsonNumber);
}

function refuse(type: string, node: unknown, rule = `${type} cannot be read from JSON like this`): never {
  throw new DataError(`${rule}, but found ${kind(node)}`);
}

/** What Jackson calls the kind of a node, with the value where it is short. */
function kind(node: unknown): string {
  if (Array.isArray(node)) return 'ARRAY';
  if (node instanceof JsonNumber) return `NUMBER ${node.text}`;
  if (typeof node === 'number' || typeof node === 'bigint') return `NUMBER ${node}`;
  if (typeof node === 'string') return 'STRING';
  return typeof node === 'boolean' ? 'BOOLEAN' : 'OBJECT';
}
