// Connect's values to Avro bytes: a Connect schema and the Avro schema that is written (its own, or a newer one of the subject) are
// compiled once into a function that writes values.
import {
  type AvroField,
  type AvroNode,
  type AvroRecord,
  fullName,
  typeName,
  writeAvroDefault,
  writeAvroLong,
  writeAvroText,
} from '../../../schemas/index.ts';
import { type ByteWriter, Decimal } from '../../../util/index.ts';
import { DataError } from '../../data/errors.ts';
import { daysOf, decimalBytes, millisOf } from '../../data/logical.ts';
import { LOGICAL, type Schema } from '../../data/schema.ts';
import { entryOf, unionField } from './from-avro.ts';
import { type AvroMapping, GENERAL_UNION, scrubbed, UNION } from './names.ts';

/** Writes a value. Throws `DataError` for what does not fit. */
export type AvroWriter = (value: unknown, out: ByteWriter) => void;

/** What writes the values of a Connect schema as those of an Avro schema. Throws `DataError` where they can't be. */
export function avroWriter(node: AvroNode, schema: Schema, mapping: AvroMapping): AvroWriter {
  if (node.kind === 'union') return unionWriter(node.branches, schema, mapping);
  const write = presentWriter(node, schema, mapping);
  if (write === undefined)
    throw new DataError(`a ${schema.type.toUpperCase()} can't be written as Avro's ${typeName(node)}`);
  const given = schema.default;
  return (value, out) => {
    const present = value ?? given;
    if (present === null || present === undefined) throw missing(schema);
    write(present, out);
  };
}

/** Writes values that are there; undefined where the types are of different kinds. */
function presentWriter(node: AvroNode, schema: Schema, mapping: AvroMapping): AvroWriter | undefined {
  switch (node.kind) {
    case 'boolean':
      return schema.type === 'boolean' ? typed('boolean', (value, out) => out.int8(value ? 1 : 0)) : undefined;
    case 'int':
      return /^int(8|16|32)$/.test(schema.type) ? intWriter(schema) : undefined;
    case 'long':
      return schema.type.startsWith('int') ? longWriter(schema) : undefined;
    case 'float':
      return schema.type === 'float32' ? typed('number', writeFloat) : undefined;
    case 'double':
      return schema.type.startsWith('float') ? typed('number', writeDouble) : undefined;
    case 'string':
      return schema.type === 'string' ? typed('string', writeAvroText) : undefined;
    case 'enum':
      return schema.type === 'string' ? enumWriter(node.symbols) : undefined;
    case 'bytes':
    case 'fixed':
      return schema.type === 'bytes' ? bytesWriter(schema, node.kind === 'fixed' ? node.size : undefined) : undefined;
    case 'array':
      return arrayWriter(node.items, schema, mapping);
    case 'map':
      return schema.type === 'map' && schema.keySchema.type === 'string'
        ? mapWriter(
            (key, out) => typed('string', writeAvroText)(key, out),
            avroWriter(node.values, schema.valueSchema, mapping),
          )
        : undefined;
    case 'record':
    case 'error':
      return schema.type === 'struct' ? recordWriter(node, schema, mapping) : undefined;
    default:
      return undefined;
  }
}

interface Typed {
  readonly boolean: boolean;
  readonly number: number;
  readonly string: string;
}

function typed<T extends keyof Typed>(type: T, write: (value: Typed[T], out: ByteWriter) => void): AvroWriter {
  return (value, out) => {
    // oxlint-disable-next-line valid-typeof -- one of the names above
    if (typeof value !== type) throw misfit(type, value);
    write(value as Typed[T], out);
  };
}

function writeFloat(value: number, out: ByteWriter): void {
  out.reserve(4);
  out.position = out.buffer.writeFloatLE(value, out.position);
}

function writeDouble(value: number, out: ByteWriter): void {
  out.reserve(8);
  out.position = out.buffer.writeDoubleLE(value, out.position);
}

function intWriter({ name }: Schema): AvroWriter {
  return (value, out) => {
    const number = value instanceof Date ? (name === LOGICAL.date ? daysOf(value) : millisOf(value)) : value;
    if (typeof number !== 'number' || (number | 0) !== number) throw misfit('int', value);
    writeAvroLong(number, out);
  };
}

function longWriter({ name }: Schema): AvroWriter {
  return (value, out) => {
    if (typeof value === 'bigint') writeAvroLong(value, out);
    else if (value instanceof Date && name === LOGICAL.timestamp) writeAvroLong(value.getTime(), out);
    else if (Number.isSafeInteger(value)) writeAvroLong(value as number, out);
    else throw misfit('long', value);
  };
}

function enumWriter(symbols: readonly string[]): AvroWriter {
  const places = new Map(symbols.map((symbol, i) => [symbol, i]));
  return (value, out) => {
    const place = places.get(value as string);
    if (place === undefined)
      throw new DataError(`${JSON.stringify(value)} is none of the enum's symbols ${symbols.join(', ')}`);
    writeAvroLong(place, out);
  };
}

function bytesWriter(schema: Schema, size: number | undefined): AvroWriter {
  return (value, out) => {
    const bytes = value instanceof Decimal ? paddedTo(size, decimalBytes(schema, value)) : value;
    if (!(bytes instanceof Uint8Array)) throw misfit('bytes', value);
    if (size === undefined) writeAvroLong(bytes.length, out);
    else if (bytes.length !== size) throw new DataError(`${bytes.length} bytes are not the ${size} of the Avro schema`);
    out.bytes(bytes);
  };
}

/** A number's bytes, with its sign in front. */
function paddedTo(size: number | undefined, bytes: Buffer): Buffer {
  if (size === undefined || bytes.length >= size) return bytes;
  return Buffer.concat([Buffer.alloc(size - bytes.length, bytes[0]! >= 0x80 ? 0xff : 0), bytes]);
}

function arrayWriter(items: AvroNode, schema: Schema, mapping: AvroMapping): AvroWriter | undefined {
  const entry = entryOf(items);
  if (entry !== undefined && schema.type === 'map') {
    const [key, value] = entry.fields;
    return mapWriter(
      avroWriter(key!.type, schema.keySchema, mapping),
      avroWriter(value!.type, schema.valueSchema, mapping),
    );
  }
  if (schema.type !== 'array') return undefined;
  const element = avroWriter(items, schema.valueSchema, mapping);
  return (value, out) => {
    if (!Array.isArray(value)) throw misfit('array', value);
    if (value.length > 0) writeAvroLong(value.length, out);
    for (const each of value) element(each, out);
    out.int8(0);
  };
}

function mapWriter(writeKey: AvroWriter, writeValue: AvroWriter): AvroWriter {
  return (value, out) => {
    if (!(value instanceof Map)) throw misfit('map', value);
    if (value.size > 0) writeAvroLong(value.size, out);
    for (const [key, each] of value as Map<unknown, unknown>) {
      writeKey(key, out);
      writeValue(each, out);
    }
    out.int8(0);
  };
}

function recordWriter(node: AvroRecord, schema: Schema, mapping: AvroMapping): AvroWriter {
  const own = new Map(schema.fields.map((field) => [mapping.scrubNames ? scrubbed(field.name) : field.name, field]));
  const steps = node.fields.map((field) => {
    const from = own.get(field.name);
    if (from === undefined) return { name: field.name, write: defaultWriter(node, field) };
    return { name: from.name, write: avroWriter(field.type, from.schema, mapping) };
  });
  const hasBornNames = steps.some(({ name }) => name in {});
  return (value, out) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw misfit('record', value);
    const struct = value as Record<string, unknown>;
    for (const { name, write } of steps)
      write(hasBornNames && !Object.hasOwn(struct, name) ? undefined : struct[name], out);
  };
}

/** A field that only the registered schema has: its default, always. */
function defaultWriter(record: AvroRecord, { name, type, defaultValue }: AvroField): AvroWriter {
  if (defaultValue === undefined)
    throw new DataError(
      `the Avro schema ${fullName(record)} has a field ${name} without a default, which the struct lacks`,
    );
  return (_value, out) => writeAvroDefault(type, defaultValue, out);
}

function unionWriter(branches: readonly AvroNode[], schema: Schema, mapping: AvroMapping): AvroWriter {
  const none = branches.findIndex(({ kind }) => kind === 'null');
  const present = presentBranch(branches, schema, mapping);
  const given = schema.optional ? undefined : schema.default;
  return (value, out) => {
    const wanted = value ?? given;
    if (wanted !== null && wanted !== undefined) present(wanted, out);
    else if (none >= 0) writeAvroLong(none, out);
    else throw missing(schema);
  };
}

function presentBranch(branches: readonly AvroNode[], schema: Schema, mapping: AvroMapping): AvroWriter {
  const isUnion =
    schema.type === 'struct' && (schema.name === UNION || schema.name?.startsWith(GENERAL_UNION) === true);
  if (isUnion) return chosenBranch(branches, schema, mapping);
  for (const [i, branch] of branches.entries()) {
    const write = presentWriter(branch, schema, mapping);
    if (write === undefined) continue;
    return (value, out) => {
      writeAvroLong(i, out);
      write(value, out);
    };
  }
  throw new DataError(
    `a ${schema.type.toUpperCase()} can't be written as any of Avro's ${branches.map(typeName).join(', ')}`,
  );
}

/** A union's struct has one field with a value: the branch. */
function chosenBranch(branches: readonly AvroNode[], schema: Schema, mapping: AvroMapping): AvroWriter {
  let place = 0;
  const choices = branches.flatMap((branch, i) => {
    if (branch.kind === 'null') return [];
    const field = schema.field(unionField(branch, place++, mapping));
    return field === undefined ? [] : [{ i, name: field.name, write: avroWriter(branch, field.schema, mapping) }];
  });
  return (value, out) => {
    const struct = value as Record<string, unknown>;
    const choice = choices.find(
      ({ name }) => Object.hasOwn(struct, name) && struct[name] !== null && struct[name] !== undefined,
    );
    if (choice === undefined) throw new DataError('a union needs one field with a value');
    writeAvroLong(choice.i, out);
    choice.write(struct[choice.name], out);
  };
}

function missing(schema: Schema): DataError {
  return new DataError(`Invalid null value for required ${schema.type.toUpperCase()} field`);
}

function misfit(type: string, value: unknown): DataError {
  return new DataError(`Invalid value for Avro's ${type}: ${typeof value}`);
}
