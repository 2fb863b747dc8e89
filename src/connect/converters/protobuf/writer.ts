// Connect's structs to Protobuf's bytes: a struct's schema and a message (its own, or a newer one of the subject) are compiled once
// into a function that writes structs. A null is a field that is left out.
import {
  type MessageField,
  type MessageType,
  putVarint,
  SCALARS,
  type ScalarName,
  type ScalarValue,
  tagged,
  taggedList,
  type WriteValue,
} from '../../../schemas/index.ts';
import type { ByteWriter } from '../../../util/index.ts';
import { DataError } from '../../data/errors.ts';
import type { Schema } from '../../data/schema.ts';
import { isWrapped } from './from-proto.ts';
import type { ProtobufMapping } from './names.ts';
import { SPECIAL } from './special.ts';
import { isUnion, scrubbed } from './to-proto.ts';

type Write = WriteValue<unknown>;
type Members = Readonly<Record<string, unknown>>;

/** What writes structs as messages. Throws `DataError` where a field has no place in the message. */
export function structWriter(message: MessageType, schema: Schema, mapping: ProtobufMapping): Write {
  const steps = schema.fields.map(({ name, schema: of }) => ({
    name,
    schema: of,
    write: memberWriter(message, name, of, mapping),
  }));
  return (value, out) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw misfit('message', value);
    for (const { name, schema: of, write } of steps) {
      const member =
        (Object.hasOwn(value, name) ? (value as Members)[name] : undefined) ?? (of.optional ? undefined : of.default);
      if (member !== null && member !== undefined) write(member, out);
      else if (!of.optional) throw new DataError(`Invalid null value for required ${of.type.toUpperCase()} field`);
    }
  };
}

function memberWriter(message: MessageType, name: string, schema: Schema, mapping: ProtobufMapping): Write {
  if (isUnion(schema)) {
    const branches = schema.fields.map((branch) => ({
      name: branch.name,
      write: memberWriter(message, branch.name, branch.schema, mapping),
    }));
    return (value, out) => {
      const branch = branches.find(
        ({ name: of }) => (value as Members)[of] !== null && (value as Members)[of] !== undefined,
      );
      branch?.write((value as Members)[branch.name], out);
    };
  }
  const wanted = mapping.scrubNames ? scrubbed(name) : name;
  const field = message.fields.find((each) => each.name === wanted);
  if (field === undefined) throw new DataError(`the Protobuf message ${message.name} has no field ${wanted}`);
  if (schema.type === 'map') return mapWriter(field, schema, mapping);
  if (schema.type !== 'array') {
    if (field.isRepeated) throw mismatch(field, schema);
    return tagged(field, valueWriter(field, schema, mapping));
  }
  if (!field.isRepeated) throw mismatch(field, schema);
  const write = taggedList(field, valueWriter(field, schema.valueSchema, mapping));
  return (value, out) => {
    if (!Array.isArray(value)) throw misfit('list', value);
    if (value.some((each) => each === null || each === undefined))
      throw new DataError(`the field ${name} has a list with nulls, which Protobuf has not`);
    write(value, out);
  };
}

function mapWriter(field: MessageField, schema: Schema, mapping: ProtobufMapping): Write {
  if (field.type.kind !== 'message' || !field.type.message.isMapEntry) throw mismatch(field, schema);
  const [key, value] = field.type.message.fields as readonly [MessageField, MessageField];
  const writeKey = tagged(key, valueWriter(key, schema.keySchema, mapping));
  const writeValue = tagged(value, valueWriter(value, schema.valueSchema, mapping));
  const write = tagged<readonly [unknown, unknown]>(field, ([k, v], out) => {
    writeKey(k, out);
    if (v === null || v === undefined)
      throw new DataError(`the field ${field.name} has a map with nulls, which Protobuf has not`);
    writeValue(v, out);
  });
  return (map, out) => {
    if (!(map instanceof Map)) throw misfit('map', map);
    for (const entry of map as Map<unknown, unknown>) write(entry, out);
  };
}

function valueWriter(field: MessageField, schema: Schema, mapping: ProtobufMapping): Write {
  const { type } = field;
  if (type.kind === 'enum') return enumWriter(type.enumeration.numbers);
  if (type.kind === 'scalar') return scalarWriter(field, type.scalar, schema);
  const special = schema.type === 'struct' ? undefined : SPECIAL[type.message.name];
  if (special !== undefined) {
    const write = partsWriter(type.message);
    return (value, out) => write(special.toParts(value, schema), out);
  }
  if (isWrapped(type, mapping) && schema.type !== 'struct') {
    const [inner] = type.message.fields as readonly [MessageField];
    return tagged(inner, valueWriter(inner, schema, mapping));
  }
  if (schema.type !== 'struct') throw mismatch(field, schema);
  return structWriter(type.message, schema, mapping);
}

function enumWriter(numbers: ReadonlyMap<string, number>): Write {
  return (value, out) => {
    const number = numbers.get(value as string);
    if (number === undefined)
      throw new DataError(`${JSON.stringify(value)} is none of ${[...numbers.keys()].join(', ')}`);
    putVarint(number, out);
  };
}

/** The types of JavaScript that values of a scalar have. */
function scalarWriter(field: MessageField, scalar: ScalarName, schema: Schema): Write {
  const { write } = SCALARS[scalar] as { write(value: ScalarValue, out: ByteWriter): void };
  const isInteger = 'range' in SCALARS[scalar];
  const fits: Readonly<Record<string, boolean>> = {
    string: scalar === 'string',
    bytes: scalar === 'bytes',
    boolean: scalar === 'bool',
    float32: scalar === 'float' || scalar === 'double',
    float64: scalar === 'double',
    int64: isInteger && scalar.endsWith('64'),
  };
  if (!(fits[schema.type] ?? isInteger)) throw mismatch(field, schema);
  const isValue = VALUES[schema.type] ?? Number.isInteger;
  return (value, out) => {
    if (!isValue(value)) throw misfit(scalar, value);
    write(value as ScalarValue, out);
  };
}

const VALUES: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  bytes: (value) => value instanceof Uint8Array,
  boolean: (value) => typeof value === 'boolean',
  float32: (value) => typeof value === 'number',
  float64: (value) => typeof value === 'number',
  int64: (value) => typeof value === 'bigint',
};

/** Writes scalars by the names of their fields. */
function partsWriter(message: MessageType): WriteValue<Members> {
  const writers = message.fields.flatMap((field) => {
    if (field.type.kind !== 'scalar') return [];
    return [{ name: field.name, write: tagged(field, SCALARS[field.type.scalar].write as Write) }];
  });
  return (parts, out) => {
    for (const { name, write } of writers) if (parts[name] !== undefined) write(parts[name], out);
  };
}

function mismatch({ name }: MessageField, { type }: Schema): DataError {
  return new DataError(`a ${type.toUpperCase()} can't be written as the Protobuf field ${name}`);
}

function misfit(type: string, value: unknown): DataError {
  return new DataError(`Invalid value for Protobuf's ${type}: ${typeof value}`);
}
