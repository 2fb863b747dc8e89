// Avro data as its specification writes it in JSON ("JSON Encoding"): the value of a union stands in an object under its
// branch's name (`{"string": "tea"}`; null stands alone), bytes are texts with a character for each, and whatever no number
// of JSON can be (NaN) is a text. This is what Confluent's tools read and print.
import {
  AvroCursor,
  type AvroNode,
  type AvroRecord,
  type AvroUnion,
  fullName,
  parseStoredAvro,
  typeName,
  writeAvroLong,
  writeAvroText,
} from '../schemas/index.ts';
import { type ByteWriter, faultOf, JsonNumber, messageOf } from '../util/index.ts';
import { type Codec, type RegisteredSerde, type RegistryOptions, registrySerde } from './registry-serde.ts';
import type { ResolvedSchema } from './schema-source.ts';
import { DeserializationError, SerializationError } from './serde.ts';

/**
 * JSON values to Avro's binary encoding and back. Longs beyond 2^53 are bigints, or `JsonNumber`s where they are written. A
 * value that does not fit gives a `SerializationError` that names its place.
 */
export function avroJsonSerde(options: RegistryOptions): RegisteredSerde<unknown> {
  const load = async () => (schema: ResolvedSchema) => new AvroJsonCodec(schema);
  return registrySerde<unknown>({ name: 'AVRO', schemaType: 'AVRO', load }, undefined, options);
}

const NO_LEAD = new Uint8Array();
const NON_FINITE = ['NaN', 'Infinity', '-Infinity'];
const LONG = [-(2n ** 63n), 2n ** 63n - 1n] as const;

class AvroJsonCodec implements Codec<unknown> {
  readonly recordName: string | undefined;
  readonly lead = NO_LEAD;
  readonly #schema: AvroNode;

  constructor(schema: ResolvedSchema) {
    try {
      this.#schema = parseStoredAvro(schema);
    } catch (error) {
      throw new SerializationError(`invalid Avro schema: ${messageOf(error)}`, error);
    }
    this.recordName = 'name' in this.#schema ? fullName(this.#schema) : undefined;
  }

  encode(value: unknown, out: ByteWriter): void {
    try {
      // A value that is nothing but bytes is written without its length.
      if (this.#schema.kind === 'bytes') out.bytes(latin1(value, ''));
      else write(this.#schema, value, out, '');
    } catch (error) {
      if (error instanceof SerializationError) throw error;
      throw new SerializationError(`the value does not fit the Avro schema: ${faultOf(error)}`, error);
    }
  }

  decode(bytes: Buffer, start: number, end: number): unknown {
    if (this.#schema.kind === 'bytes') return bytes.toString('latin1', start, end);
    try {
      const cursor = new AvroCursor(bytes, start, end);
      const value = read(this.#schema, cursor);
      cursor.finish();
      return value;
    } catch (error) {
      throw new DeserializationError(`the bytes are not a datum of their Avro schema: ${faultOf(error)}`, error);
    }
  }
}

// ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

function write(node: AvroNode, value: unknown, out: ByteWriter, place: string): void {
  switch (node.kind) {
    case 'null':
      if (value !== null) throw misfit(place, value, 'null');
      return;
    case 'boolean':
      if (typeof value !== 'boolean') throw misfit(place, value, 'a boolean');
      out.int8(value ? 1 : 0);
      return;
    case 'int':
    case 'long':
      writeAvroLong(integer(node.kind, value, place), out);
      return;
    case 'float':
      out.reserve(4);
      out.position = out.buffer.writeFloatLE(double(value, place), out.position);
      return;
    case 'double':
      out.reserve(8);
      out.position = out.buffer.writeDoubleLE(double(value, place), out.position);
      return;
    case 'string':
      if (typeof value !== 'string') throw misfit(place, value, 'a string');
      writeAvroText(value, out);
      return;
    case 'bytes': {
      const bytes = latin1(value, place);
      writeAvroLong(bytes.length, out);
      out.bytes(bytes);
      return;
    }
    case 'fixed': {
      const bytes = latin1(value, place);
      if (bytes.length !== node.size) throw misfit(place, value, `${node.size} bytes`);
      out.bytes(bytes);
      return;
    }
    case 'enum': {
      const symbol = node.symbols.indexOf(String(value));
      if (symbol < 0 || typeof value !== 'string') throw misfit(place, value, `one of ${node.symbols.join(', ')}`);
      writeAvroLong(symbol, out);
      return;
    }
    case 'union':
      writeUnion(node, value, out, place);
      return;
    case 'array':
      if (!Array.isArray(value)) throw misfit(place, value, 'an array');
      writeItems(value.length, out, () => {
        for (const [i, item] of value.entries()) write(node.items, item, out, `${place}[${i}]`);
      });
      return;
    case 'map': {
      const entries = Object.entries(members(value, place));
      writeItems(entries.length, out, () => {
        for (const [key, item] of entries) {
          writeAvroText(key, out);
          write(node.values, item, out, `${place}[${JSON.stringify(key)}]`);
        }
      });
      return;
    }
    default:
      writeRecord(node, members(value, place), out, place);
  }
}

function writeItems(count: number, out: ByteWriter, writeAll: () => void): void {
  if (count > 0) writeAvroLong(count, out);
  writeAll();
  if (count > 0) writeAvroLong(0, out);
  else out.int8(0);
}

function writeRecord({ fields }: AvroRecord, value: Members, out: ByteWriter, place: string): void {
  for (const name of Object.keys(value)) {
    if (!fields.some((field) => field.name === name)) throw new SerializationError(`${at(place, name)} is no field`);
  }
  for (const { name, type } of fields) {
    if (!Object.hasOwn(value, name)) throw new SerializationError(`the field ${at(place, name)} is missing`);
    write(type, value[name], out, at(place, name));
  }
}

function writeUnion({ branches }: AvroUnion, value: unknown, out: ByteWriter, place: string): void {
  const [name, ...others] = value === null ? ['null'] : isObject(value) ? Object.keys(value) : [];
  const index = others.length > 0 ? -1 : branches.findIndex((branch) => typeName(branch) === name);
  if (index < 0) {
    const names = branches.map((branch) => (branch.kind === 'null' ? 'null' : `{"${typeName(branch)}": …}`));
    throw misfit(place, value, `a value of the union: ${names.join(', ')}`);
  }
  writeAvroLong(index, out);
  write(branches[index]!, value === null ? null : (value as Members)[name!], out, place);
}

type Members = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber);
}

function members(value: unknown, place: string): Members {
  if (!isObject(value)) throw misfit(place, value, 'an object');
  return value;
}

function integer(kind: 'int' | 'long', value: unknown, place: string): number | bigint {
  if (typeof value === 'number' && (kind === 'int' ? (value | 0) === value : Number.isSafeInteger(value))) return value;
  const big = value instanceof JsonNumber && value.isInteger ? BigInt(value.text) : value;
  if (kind === 'long' && typeof big === 'bigint' && big >= LONG[0] && big <= LONG[1]) return big;
  throw misfit(place, value, kind === 'int' ? 'an int' : 'a long');
}

function double(value: unknown, place: string): number {
  if (typeof value === 'number') return value;
  if (value instanceof JsonNumber) return Number(value.text);
  if (typeof value === 'bigint' || NON_FINITE.includes(value as string)) return Number(value);
  throw misfit(place, value, 'a number');
}

function latin1(value: unknown, place: string): Buffer {
  // oxlint-disable-next-line no-control-regex -- bytes are the characters up to U+00FF, control characters among them
  if (typeof value !== 'string' || !/^[\u0000-\u00ff]*$/.test(value)) throw misfit(place, value, 'bytes as a text');
  return Buffer.from(value, 'latin1');
}

const at = (place: string, name: string): string => (place === '' ? name : `${place}.${name}`);

const SHOWN_CHARACTERS = 50;

function misfit(place: string, value: unknown, wanted: string): SerializationError {
  const text =
    value instanceof JsonNumber ? value.text : typeof value === 'string' ? JSON.stringify(value) : String(value);
  const shown = Array.isArray(value) ? 'an array' : isObject(value) ? 'an object' : text.slice(0, SHOWN_CHARACTERS);
  return new SerializationError(`${place === '' ? 'the value' : place} is ${shown}, not ${wanted}`);
}

// ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

function read(node: AvroNode, cursor: AvroCursor): unknown {
  switch (node.kind) {
    case 'null':
      return null;
    case 'boolean':
      return cursor.boolean();
    case 'int':
      return cursor.int();
    case 'long':
      return cursor.long();
    case 'float':
      return jsonNumber(cursor.float());
    case 'double':
      return jsonNumber(cursor.double());
    case 'string':
      return cursor.text();
    case 'bytes':
      return cursor.bytes().toString('latin1');
    case 'fixed':
      return cursor.fixed(node.size).toString('latin1');
    case 'enum':
      return cursor.oneOf(node.symbols);
    case 'union': {
      const branch = cursor.oneOf(node.branches);
      const value = read(branch, cursor);
      return branch.kind === 'null' ? null : { [typeName(branch)]: value };
    }
    case 'array': {
      const items: unknown[] = [];
      cursor.items(() => items.push(read(node.items, cursor)));
      return items;
    }
    case 'map': {
      const entries: [string, unknown][] = [];
      cursor.items(() => entries.push([cursor.text(), read(node.values, cursor)]));
      return Object.fromEntries(entries);
    }
    default:
      return Object.fromEntries(node.fields.map(({ name, type }) => [name, read(type, cursor)]));
  }
}

function jsonNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
