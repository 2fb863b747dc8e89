// Protobuf's bytes to Connect's values: a message is compiled once into a function that reads its structs.
import {
  embedded,
  type FieldReading,
  lastOf,
  listOf,
  mapOf,
  type MessageField,
  messageReader,
  type MessageType,
  type ReadValue,
  SCALARS,
  type WireReader,
  zeroOf,
} from '../../../schemas/index.ts';
import type { Schema } from '../../data/schema.ts';
import { isWrapped, membersOf, type StructMember } from './from-proto.ts';
import type { ProtobufMapping } from './names.ts';
import { SPECIAL } from './special.ts';

/** Reads a message, up to its end, as a struct. */
export type StructReader = (reader: WireReader) => Record<string, unknown>;

/** What reads a message as a struct of the schema that `connectSchemaOf` has made of it. */
export function structReader(message: MessageType, schema: Schema, mapping: ProtobufMapping): StructReader {
  const members = membersOf(message);
  const readings: FieldReading[] = [];
  const places = members.map((member, i) => placeOf(member, schema.fields[i]!.schema, readings, mapping));
  const read = messageReader(message, readings);
  return (reader) => {
    const values = read(reader);
    const struct: Record<string, unknown> = {};
    for (const [i, place] of places.entries()) struct[members[i]!.name] = place(values);
    return struct;
  };
}

/** Adds what reads a member's fields, and returns what finds its value among those that were read. */
function placeOf(
  member: StructMember,
  schema: Schema,
  readings: FieldReading[],
  mapping: ProtobufMapping,
): (values: readonly unknown[]) => unknown {
  const first = readings.length;
  if (member.kind === 'field') {
    readings.push(fieldReading(member.field, schema, mapping));
    return (values) => values[first];
  }
  for (const field of member.fields)
    readings.push(lastOf(field, valueReader(field, schema.field(field.name)!.schema, mapping), null));
  return (values) => {
    const at = member.fields.findIndex((_field, i) => values[first + i] !== null);
    return at < 0 ? null : { [member.fields[at]!.name]: values[first + at] };
  };
}

function fieldReading(field: MessageField, schema: Schema, mapping: ProtobufMapping): FieldReading {
  const { type, isRepeated } = field;
  if (type.kind === 'message' && type.message.isMapEntry) return mapReading(field, schema, mapping);
  if (isRepeated) return listOf(field, valueReader(field, schema.valueSchema, mapping));
  return lastOf(field, valueReader(field, schema, mapping), absentOf(field, schema));
}

/** A scalar that may not be absent has its type's zero then. */
function absentOf({ type, presence, byDefault }: MessageField, schema: Schema): unknown {
  if (type.kind === 'message' || presence === 'explicit')
    return byDefault === undefined ? null : converted(schema, byDefault);
  if (type.kind === 'enum') return type.enumeration.first;
  return converted(schema, byDefault ?? zeroOf(type.scalar));
}

function mapReading(field: MessageField, schema: Schema, mapping: ProtobufMapping): FieldReading {
  const { message } = field.type as Extract<MessageField['type'], { kind: 'message' }>;
  const [key, value] = message.fields as readonly [MessageField, MessageField];
  const { keySchema, valueSchema } = schema;
  const readValue = valueReader(value, valueSchema, mapping);
  const read = messageReader(message, [
    lastOf(key, valueReader(key, keySchema, mapping), absentOf({ ...key, presence: 'implicit' }, keySchema)),
    lastOf(value, readValue, absentOf({ ...value, presence: 'implicit' }, valueSchema)),
  ]);
  return mapOf(
    field,
    embedded(field, read),
    () => new Map<unknown, unknown>(),
    (map, [k, v]) => map.set(k, v),
  );
}

function valueReader(field: MessageField, schema: Schema, mapping: ProtobufMapping): ReadValue {
  const { type } = field;
  if (type.kind === 'enum') {
    const { names } = type.enumeration;
    return (reader) => {
      const number = reader.int32();
      return names.get(number) ?? String(number);
    };
  }
  if (type.kind === 'scalar') {
    const { read } = SCALARS[type.scalar];
    return schema.type === 'int64' ? (reader) => converted(schema, read(reader)) : read;
  }
  const { message } = type;
  const special = SPECIAL[message.name];
  if (special !== undefined && schema.type !== 'struct') {
    const read = partsReader(message);
    return embedded(field, (reader) => special.fromParts(read(reader), schema));
  }
  if (isWrapped(type, mapping)) {
    const [inner] = message.fields as readonly [MessageField];
    const read = messageReader(message, [lastOf(inner, valueReader(inner, schema, mapping), absentOf(inner, schema))]);
    return embedded(field, (reader) => read(reader)[0]);
  }
  return embedded(field, structReader(message, schema, mapping));
}

/** Reads the scalars of a message by their names. */
function partsReader(message: MessageType): (reader: WireReader) => Record<string, unknown> {
  const scalars = message.fields.flatMap((field) =>
    field.type.kind === 'scalar' ? [{ field, scalar: field.type.scalar }] : [],
  );
  const read = messageReader(
    message,
    scalars.map(({ field, scalar }) => lastOf(field, SCALARS[scalar].read, zeroOf(scalar))),
  );
  return (reader) => {
    const values = read(reader);
    return Object.fromEntries(scalars.map(({ field }, i) => [field.name, values[i]]));
  };
}

/** Whole numbers of 64 bits are bigints; unsigned ones beyond them, as in Java, negative. */
function converted(schema: Schema, value: unknown): unknown {
  if (schema.type !== 'int64') return value;
  return BigInt.asIntN(64, BigInt(value as number | bigint));
}
