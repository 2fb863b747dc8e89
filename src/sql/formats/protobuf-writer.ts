// Rows as Protobuf messages: which field a column is written to, and how.
import {
  type EnumType,
  type MessageField,
  type MessageType,
  putVarint,
  SCALARS,
  type ScalarName,
  type ScalarValue,
  tagged,
  taggedList,
  type WriteValue,
  zeroOf,
} from '../../schemas/index.ts';
import { SerializationError } from '../../serde/index.ts';
import type { SqlType } from '../types.ts';
import type { Long } from '../values/bigint.ts';
import { type Row, type SqlValue, valueText } from '../values/value.ts';
import type { CodecColumn } from './codec.ts';
import { entryOf, fieldNamed } from './protobuf-schema.ts';
import { isAroundValue, specialMessage } from './protobuf-special.ts';

type Write = WriteValue<SqlValue>;

/** Writes rows of these columns, which find their fields by name, or by position. Throws when one has none or does not fit. */
export function rowWriter(message: MessageType, columns: readonly CodecColumn[], byPosition = false): WriteValue<Row> {
  const fields = columns.map(({ name }, at) => {
    const field = byPosition ? message.fields[at] : fieldNamed(message, name);
    if (field === undefined) {
      throw new SerializationError(`the Protobuf message ${message.name} has no field for the column ${name}`);
    }
    return field;
  });
  const missing = message.fields.find((field) => field.presence === 'required' && !fields.includes(field));
  if (missing !== undefined) {
    throw new SerializationError(`the field ${missing.name} of the Protobuf message ${message.name} is required`);
  }
  const writers = fields.map((field, at) => fieldWriter(field, columns[at]!.type));
  return (values, out) => {
    for (let i = 0; i < writers.length; i++) {
      const value = values[i]!;
      if (value !== null) writers[i]!(value, out);
      else if (fields[i]!.presence === 'required') {
        throw new SerializationError(`the Protobuf field ${fields[i]!.name} is required, but null`);
      }
    }
  };
}

function fieldWriter(field: MessageField, from: SqlType): Write {
  const entry = entryOf(field);
  if (entry !== undefined) {
    if (from.kind !== 'MAP') return mismatch(`the map ${field.name}`, from);
    const columns = [
      { name: 'key', type: from.key },
      { name: 'value', type: from.value },
    ];
    const write = tagged(field, rowWriter(entry.message, columns, true));
    return (map, out) => {
      for (const pair of map as ReadonlyMap<SqlValue, SqlValue>) write(pair, out);
    };
  }
  if (!field.isRepeated) return tagged(field, valueWriter(field, from));
  if (from.kind !== 'ARRAY') return mismatch(`the repeated field ${field.name}`, from);
  const write = valueWriter(field, from.item);
  // The wire has no nulls: a list's become what absence stands for.
  const writeNull = nullWriter(field);
  return taggedList(field, (item, out) => (item === null ? writeNull(item, out) : write(item, out))) as Write;
}

function nullWriter({ type }: MessageField): Write {
  if (type.kind === 'message') return () => undefined;
  if (type.kind === 'enum')
    return (_null, out) => putVarint(type.enumeration.numbers.get(type.enumeration.first) ?? 0, out);
  return (_null, out) => SCALARS[type.scalar].write(zeroOf(type.scalar), out);
}

function valueWriter({ name, type }: MessageField, from: SqlType): Write {
  switch (type.kind) {
    case 'message':
      return messageValue(type.message, from);
    case 'enum':
      return from.kind === 'STRING' ? enumWriter(name, type.enumeration) : mismatch(`the enum ${name}`, from);
    default:
      return scalarWriter(name, type.scalar, from);
  }
}

/** A constant's name, or a number that has none, as it is read. */
function enumWriter(name: string, { name: enumName, numbers }: EnumType): Write {
  return (value, out) => {
    const text = value as string;
    const number = numbers.get(text) ?? (/^-?\d{1,10}$/.test(text) ? Number(text) : NaN);
    if ((number | 0) !== number) {
      throw new SerializationError(
        `the Protobuf field ${name} can't hold "${text}": the enum ${enumName} has no such value`,
      );
    }
    putVarint(number, out);
  };
}

const integerKinds: ReadonlySet<string> = new Set(['INTEGER', 'BIGINT', 'DATE', 'TIME', 'TIMESTAMP']);

function scalarWriter(name: string, scalar: ScalarName, from: SqlType): Write {
  const { kind } = from;
  const row = SCALARS[scalar];
  const write = row.write as WriteValue<ScalarValue | SqlValue>;
  if (scalar === 'string') return kind === 'STRING' ? write : (value, out) => write(valueText(from, value), out);
  if (scalar === 'bytes' && kind === 'BYTES') return write;
  if (scalar === 'bool' && kind === 'BOOLEAN') return write;
  if ((scalar === 'double' || scalar === 'float') && (kind === 'DOUBLE' || integerKinds.has(kind))) {
    return (value, out) => write(Number(value), out);
  }
  if (!('range' in row) || !integerKinds.has(kind)) return mismatch(scalar, from);
  const [least, most] = row.range;
  // All 64 bits are kept, whether they are signed or not; and INTEGER needs no test to be an int32.
  if (typeof most === 'bigint' || (least < 0 && kind === 'INTEGER')) return write;
  return (value, out) => {
    if ((value as Long) < least || (value as Long) > most) {
      throw new SerializationError(`the value ${String(value)} of the Protobuf field ${name} does not fit ${scalar}`);
    }
    write(value, out);
  };
}

/** One value as a message. */
function messageValue(message: MessageType, from: SqlType): Write {
  const special = specialMessage(message);
  if (special?.kinds.includes(from.kind)) {
    const columns = special.parts.map(
      (name): CodecColumn => ({ name, type: { kind: name === 'value' ? 'BYTES' : 'BIGINT' } }),
    );
    const write = rowWriter(message, columns);
    return (value, out) => write(special.toParts(value, from), out);
  }
  if (from.kind === 'STRUCT') return rowWriter(message, from.fields) as Write;
  if (!isAroundValue(message)) return mismatch(`the message ${message.name}`, from);
  const write = rowWriter(message, [{ name: 'value', type: from }]);
  return (value, out) => write([value], out);
}

function mismatch(what: string, from: SqlType): never {
  throw new SerializationError(`a ${from.kind} can't be written as the Protobuf type of ${what}`);
}
