// Protobuf messages as rows: which field a column is read from, and what its values become.
import {
  embedded,
  type FieldReading,
  lastOf,
  listOf,
  mapOf,
  type MessageField,
  messageReader,
  type MessageType,
  SCALARS,
  type ScalarName,
  type ScalarValue,
  type WireReader,
  zeroOf,
} from '../../schemas/index.ts';
import { DeserializationError } from '../../serde/index.ts';
import type { SqlType } from '../types.ts';
import { type SqlValue, valueText } from '../values/value.ts';
import type { CodecColumn } from './codec.ts';
import { entryOf, fieldNamed } from './protobuf-schema.ts';
import { isAroundValue, specialMessage, type SpecialMessage } from './protobuf-special.ts';

type Read<T> = (reader: WireReader) => T;

/** Reads messages as rows of these columns, which find their fields by name, or by position. Throws when one does not fit. */
export function rowReader(message: MessageType, columns: readonly CodecColumn[], byPosition = false): Read<SqlValue[]> {
  const fields = columns.map(({ name, type }, at) => {
    const field = byPosition ? message.fields[at] : fieldNamed(message, name);
    return field && fieldReading(field, type);
  });
  return messageReader(message, fields) as Read<SqlValue[]>;
}

function fieldReading(field: MessageField, to: SqlType): FieldReading {
  const entry = entryOf(field);
  if (entry !== undefined) {
    if (to.kind !== 'MAP') return mismatch(`the map ${field.name}`, to);
    const { message, key, value } = entry;
    const read = messageReader(message, [fieldReading(key, to.key), fieldReading(value, to.value)]);
    return mapOf(
      field,
      embedded(field, read),
      () => new Map<SqlValue, SqlValue>(),
      (map, pair) => map.set(pair[0] as SqlValue, pair[1] as SqlValue),
    );
  }
  if (!field.isRepeated) return lastOf(field, valueReader(field, to), absentValue(field, to));
  if (to.kind !== 'ARRAY') return mismatch(`the repeated field ${field.name}`, to);
  return listOf(field, valueReader(field, to.item));
}

/** What an absent field holds: its own default, its type's default, or null where absence means something. */
function absentValue({ name, type, presence, byDefault }: MessageField, to: SqlType): SqlValue {
  if (type.kind === 'message' || (presence === 'explicit' && byDefault === undefined)) return null;
  if (type.kind === 'enum') return String(byDefault ?? type.enumeration.first);
  return conversion(name, type.scalar, to)(byDefault ?? zeroOf(type.scalar));
}

function valueReader(field: MessageField, to: SqlType): Read<SqlValue> {
  const { name, type } = field;
  switch (type.kind) {
    case 'enum': {
      const { names } = type.enumeration;
      if (to.kind !== 'STRING') return mismatch(`the enum ${name}`, to);
      return (reader) => {
        const number = reader.int32();
        return names.get(number) ?? String(number);
      };
    }
    case 'message':
      return embedded(field, messageValue(type.message, to));
    default:
      return scalarReader(name, type.scalar, to);
  }
}

function scalarReader(name: string, scalar: ScalarName, to: SqlType): Read<SqlValue> {
  const convert = conversion(name, scalar, to);
  // Java's longs have no sign bit to spare: the upper half of the unsigned ones is negative in SQL.
  const bits = scalar === 'uint64' ? 'int64' : scalar === 'fixed64' ? 'sfixed64' : scalar;
  const { read } = SCALARS[bits];
  return convert === same ? read : (reader) => convert(read(reader));
}

type Convert = (value: ScalarValue) => SqlValue;

const same: Convert = (value) => value;

/** What a scalar becomes in a column of this type. */
function conversion(name: string, scalar: ScalarName, to: SqlType): Convert {
  const isFloat = scalar === 'double' || scalar === 'float';
  const isInteger = 'range' in SCALARS[scalar];
  switch (to.kind) {
    case 'STRING':
      if (scalar === 'string') return same;
      if (scalar === 'bytes') return mismatch(scalar, to);
      return (value) => valueText({ kind: isFloat ? 'DOUBLE' : 'STRING' }, value);
    case 'INTEGER':
    case 'DATE':
    case 'TIME':
      if (scalar === 'int32' || scalar === 'sint32' || scalar === 'sfixed32') return same;
      if (isInteger) return (value) => inInt32(name, value as number | bigint);
      break;
    case 'BIGINT':
    case 'TIMESTAMP':
      if (isInteger) return same;
      break;
    case 'DOUBLE':
      if (isFloat) return same;
      if (isInteger) return Number;
      break;
    case 'BOOLEAN':
      if (scalar === 'bool') return same;
      break;
    case 'BYTES':
      if (scalar === 'bytes') return same;
      break;
    default:
  }
  return mismatch(scalar, to);
}

function inInt32(name: string, value: number | bigint): number {
  const number = Number(value);
  if ((number | 0) === number) return number;
  throw new DeserializationError(`the value ${value} of the Protobuf field ${name} does not fit an INTEGER`);
}

/** A message in a field, as one value. */
function messageValue(message: MessageType, to: SqlType): Read<SqlValue> {
  const special = specialMessage(message);
  if (special?.kinds.includes(to.kind)) return specialReader(message, special, to);
  if (to.kind === 'STRUCT') return rowReader(message, to.fields);
  // What has no form of its own stands in a message: a wrapper's value, a collection in a collection.
  if (!isAroundValue(message)) return mismatch(`the message ${message.name}`, to);
  const read = rowReader(message, [{ name: 'value', type: to }]);
  return (reader) => read(reader)[0]!;
}

function specialReader(message: MessageType, { parts, fromParts }: SpecialMessage, to: SqlType): Read<SqlValue> {
  const columns = parts.map((name): CodecColumn => ({ name, type: { kind: name === 'value' ? 'BYTES' : 'BIGINT' } }));
  const read = rowReader(message, columns);
  return (reader) => fromParts(read(reader), to);
}

function mismatch(what: string, to: SqlType): never {
  throw new DeserializationError(`the Protobuf type of ${what} can't be read as ${to.kind}`);
}
