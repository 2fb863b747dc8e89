import {
  type Codec,
  DeserializationError,
  ENVELOPE_BYTES,
  readMessageIndexes,
  type RegistryOptions,
  registrySerde,
  type ResolvedSchema,
  SerializationError,
  writeMessageIndexes,
} from '../../serde/index.ts';
import { assert, ByteWriter } from '../../util/index.ts';
import { type SqlType, structOf } from '../types.ts';
import { type Long, long } from '../values/bigint.ts';
import { type Row, type SqlValue, valueText } from '../values/value.ts';
import { Decimal, signedBytes, signedInteger } from '../values/decimal.ts';
import type { CodecColumn, RowSerde } from './codec.ts';
import { writer as jsonWriter } from './json.ts';
import {
  entryOf,
  messageColumns,
  parseProto,
  type ProtoEntry,
  type ProtoField,
  type ProtoMessage,
  type ProtoType,
  recordMessage,
  wrapperTypes,
} from './protobuf-schema.ts';

export interface ProtobufRegistry extends RegistryOptions {
  /** The message that is written; default: the first. */
  readonly fullName: string | undefined;
}

/**
 * Rows as Protobuf messages of `text`, which is the schema that is written. With a registry what is read is converted from
 * whatever message it was written as. A column that is a record's only one and a struct is the message itself.
 */
export function protobufRowSerde(
  columns: readonly CodecColumn[],
  bare: boolean,
  text: string | undefined,
  registry: ProtobufRegistry | undefined,
): RowSerde {
  const only = columns[0]!.type;
  const struct = bare && only.kind === 'STRUCT' ? only : undefined;
  const fields = struct === undefined ? columns : struct.fields;
  const fromFields = (values: SqlValue[]): Row => (struct === undefined ? values : [values]);
  const toFields = (row: Row): Row => (struct === undefined ? row : (row[0] as Row));
  const readerOf = ({ message }: ProtoEntry) => messageReader(message, fields, bare && struct === undefined);
  const writerOf = ({ message }: ProtoEntry) => messageWriter(message, fields, bare && struct === undefined);
  if (registry === undefined) {
    const entry = recordMessage(text!, undefined);
    const read = readerOf(entry);
    const write = writerOf(entry);
    return {
      name: 'PROTOBUF_NOSR',
      encode: (row, out) => write(toFields(row), out),
      decode: (bytes, start, end) => fromFields(read({ bytes, at: start }, end)),
    };
  }
  const { fullName } = registry;
  const codecOf = ({ schema, references }: ResolvedSchema): Codec<Row> => {
    const texts = references.map((reference) => reference.schema);
    const entries = parseProto(schema, texts);
    const readers = entryReaders(entries, readerOf);
    // What is written is looked for when it is needed: a schema that is only read may not have it.
    let writes: { name: string; lead: Buffer; write: ReturnType<typeof writerOf> } | undefined;
    const written = () => {
      if (writes === undefined) {
        const entry = recordMessage(schema, fullName, texts);
        const lead = new ByteWriter(8);
        writeMessageIndexes(entry.path, lead);
        writes = { name: entry.message.name, lead: lead.copy(), write: writerOf(entry) };
      }
      return writes;
    };
    return {
      get recordName() {
        return written().name;
      },
      get lead() {
        return written().lead;
      },
      encode: (row, out) => written().write(toFields(row), out),
      decode: (bytes, start, end) => fromFields(readers(bytes, start, end)),
    };
  };
  const format = { name: 'PROTOBUF', schemaType: 'PROTOBUF' as const, load: async () => codecOf };
  return registrySerde<Row>(format, text, registry);
}

/** What reads any of a file's messages: behind the schema's id stands which one it is. */
function entryReaders<T>(
  entries: readonly ProtoEntry[],
  readerOf: (entry: ProtoEntry) => (cursor: Cursor, end: number) => T,
): (bytes: Buffer, start: number, end: number) => T {
  const readers = new Map<string, (cursor: Cursor, end: number) => T>();
  return (bytes, start, end) => {
    const { path, end: at } = readMessageIndexes(bytes, start, end);
    const name = path.length === 1 ? String(path[0]) : path.join();
    let read = readers.get(name);
    if (read === undefined) {
      const entry = entries.find((candidate) => candidate.path.join() === name);
      if (entry === undefined) throw new DeserializationError(`the schema has no message at [${name}]`);
      read = readerOf(entry);
      readers.set(name, read);
    }
    return read({ bytes, at }, end);
  };
}

/** Throws when the messages of a schema can't be read as these columns. */
export function checkProtobufReads(
  schema: ResolvedSchema,
  fullName: string | undefined,
  columns: readonly CodecColumn[],
  bare: boolean,
): void {
  const only = columns[0]!.type;
  const struct = bare && only.kind === 'STRUCT' ? only : undefined;
  messageReader(writtenMessage(schema, fullName), struct?.fields ?? columns, bare && struct === undefined);
}

export function protobufFieldNames(schema: ResolvedSchema, fullName: string | undefined): readonly string[] {
  return writtenMessage(schema, fullName).fields.map(({ name }) => name);
}

function writtenMessage({ schema, references }: ResolvedSchema, fullName: string | undefined): ProtoMessage {
  const texts = references.map((reference) => reference.schema);
  return recordMessage(schema, fullName, texts).message;
}

/** What turns any message of a schema, envelope and all, into a line of JSON under its fields' own names. */
export function protobufPrinter({ schema, references }: ResolvedSchema): (bytes: Buffer) => string {
  const entries = parseProto(
    schema,
    references.map((reference) => reference.schema),
  );
  const print = entryReaders(entries, ({ message }) => {
    const columns = messageColumns(message, (name) => name);
    const read = messageReader(message, columns, false);
    const write = jsonWriter(structOf(columns));
    return (cursor, end) => write(read(cursor, end));
  });
  return (bytes) => print(bytes, ENVELOPE_BYTES, bytes.length);
}

// --- the wire ----------------------------------------------------------------------------------------------------------

interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

function readVarint(cursor: Cursor): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = cursor.bytes[cursor.at++];
    if (byte === undefined) throw new DeserializationError('a Protobuf record ends in the middle of a number');
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw new DeserializationError('a number of a Protobuf record has too many bytes');
}

function writeVarint(value: bigint, out: ByteWriter): void {
  let rest = BigInt.asUintN(64, value);
  while (rest > 0x7fn) {
    out.int8(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.int8(Number(rest));
}

function skip(cursor: Cursor, wire: number): void {
  if (wire === VARINT) readVarint(cursor);
  else if (wire === FIXED64) cursor.at += 8;
  else if (wire === FIXED32) cursor.at += 4;
  else if (wire === BYTES) {
    const length = Number(readVarint(cursor));
    cursor.at += length;
  } else throw new DeserializationError(`a Protobuf record has the unknown wire type ${wire}`);
}

function wireOf(type: ProtoType): number {
  if (type.kind === 'enum') return VARINT;
  if (type.kind !== 'scalar') return BYTES;
  switch (type.name) {
    case 'double':
    case 'fixed64':
    case 'sfixed64':
      return FIXED64;
    case 'float':
    case 'fixed32':
    case 'sfixed32':
      return FIXED32;
    case 'string':
    case 'bytes':
      return BYTES;
    default:
      return VARINT;
  }
}

// --- reading -----------------------------------------------------------------------------------------------------------

type ReadValue = (cursor: Cursor) => SqlValue;

interface FieldPlan {
  readonly at: number;
  readonly read: ReadValue;
  readonly wire: number;
  readonly repeated: boolean;
  readonly map: boolean;
}

function messageReader(
  message: ProtoMessage,
  fields: readonly CodecColumn[],
  byPosition: boolean,
): (cursor: Cursor, end: number) => SqlValue[] {
  const plans = new Map<number, FieldPlan>();
  const defaults: (() => SqlValue)[] = fields.map(() => () => null);
  fields.forEach((column, at) => {
    const field = byPosition ? message.fields[at] : findField(message, column.name);
    if (field === undefined) return;
    const entry = entryField(field);
    if (field.repeated && entry === undefined) {
      if (column.type.kind !== 'ARRAY') mismatch(field.name, column.type);
      else {
        plans.set(field.number, {
          at,
          read: reader(field.type, column.type.item),
          wire: wireOf(field.type),
          repeated: true,
          map: false,
        });
        defaults[at] = () => [];
      }
      return;
    }
    if (entry !== undefined) {
      if (column.type.kind !== 'MAP') return mismatch(field.name, column.type);
      plans.set(field.number, { at, read: entryReader(entry, column.type), wire: BYTES, repeated: false, map: true });
      defaults[at] = () => new Map();
      return;
    }
    plans.set(field.number, {
      at,
      read: reader(field.type, column.type),
      wire: wireOf(field.type),
      repeated: false,
      map: false,
    });
    const initial = field.optional ? null : defaultOf(field.type, column.type);
    defaults[at] = () => initial;
  });
  return (cursor, end) => {
    const values = defaults.map((make) => make());
    while (cursor.at < end) {
      const tag = Number(readVarint(cursor));
      const wire = tag & 7;
      const plan = plans.get(tag >>> 3);
      if (plan === undefined) skip(cursor, wire);
      else if (plan.map) {
        const [key, value] = plan.read(cursor) as readonly [SqlValue, SqlValue];
        (values[plan.at] as Map<SqlValue, SqlValue>).set(key, value);
      } else if (!plan.repeated) values[plan.at] = plan.read(cursor);
      else if (wire === BYTES && plan.wire !== BYTES) {
        const stop = Number(readVarint(cursor)) + cursor.at;
        while (cursor.at < stop) (values[plan.at] as SqlValue[]).push(plan.read(cursor));
      } else (values[plan.at] as SqlValue[]).push(plan.read(cursor));
    }
    return values;
  };
}

function findField(message: ProtoMessage, name: string): ProtoField | undefined {
  const folded = name.toUpperCase();
  return (
    message.fields.find((field) => field.name === name) ??
    message.fields.find((field) => field.name.toUpperCase() === folded)
  );
}

function entryField(field: ProtoField): { key: ProtoType; value: ProtoType; optional: boolean } | undefined {
  if (field.type.kind === 'map') return { key: field.type.key, value: field.type.value, optional: false };
  if (!field.repeated || field.type.kind !== 'message') return undefined;
  const entry = entryOf(field.type.message);
  return entry === undefined
    ? undefined
    : { key: entry.key.type, value: entry.value.type, optional: entry.value.optional };
}

function entryReader(
  entry: { key: ProtoType; value: ProtoType; optional: boolean },
  type: SqlType & { kind: 'MAP' },
): ReadValue {
  const key = reader(entry.key, type.key);
  const value = reader(entry.value, type.value);
  const noKey = defaultOf(entry.key, type.key);
  const noValue = entry.optional ? null : defaultOf(entry.value, type.value);
  return (cursor) => {
    const end = Number(readVarint(cursor)) + cursor.at;
    const pair: [SqlValue, SqlValue] = [noKey, noValue];
    while (cursor.at < end) {
      const tag = Number(readVarint(cursor));
      if (tag >>> 3 === 1) pair[0] = key(cursor);
      else if (tag >>> 3 === 2) pair[1] = value(cursor);
      else skip(cursor, tag & 7);
    }
    return pair;
  };
}

/** What an absent field holds: messages are null, everything else has its type's default. */
function defaultOf(from: ProtoType, to: SqlType): SqlValue {
  if (from.kind === 'message' || from.kind === 'map') return null;
  if (from.kind === 'enum') return from.names.get(0) ?? null;
  switch (to.kind) {
    case 'STRING':
      return from.name === 'string'
        ? ''
        : valueText(from.name === 'double' ? { kind: 'DOUBLE' } : { kind: 'BIGINT' }, 0);
    case 'BOOLEAN':
      return false;
    case 'BYTES':
      return Buffer.alloc(0);
    case 'DECIMAL':
      return new Decimal(0n, to.scale);
    default:
      return 0;
  }
}

function mismatch(from: string, to: SqlType): never {
  throw new DeserializationError(`the Protobuf type of ${from} can't be read as ${to.kind}`);
}

function block(cursor: Cursor): Buffer {
  const length = Number(readVarint(cursor));
  const bytes = cursor.bytes.subarray(cursor.at, cursor.at + length);
  cursor.at += length;
  return bytes;
}

function reader(from: ProtoType, to: SqlType): ReadValue {
  if (from.kind === 'enum') {
    return to.kind === 'STRING'
      ? (cursor) => from.names.get(Number(readVarint(cursor))) ?? null
      : mismatch('an enum', to);
  }
  if (from.kind === 'message') return nested(from.message, to);
  if (from.kind === 'map') return mismatch('a map', to);
  const read = scalarReader(from.name);
  switch (to.kind) {
    case 'STRING':
      if (from.name === 'string') return read;
      return (cursor) =>
        valueText({ kind: from.name === 'double' || from.name === 'float' ? 'DOUBLE' : 'BIGINT' }, read(cursor));
    case 'INTEGER':
    case 'DATE':
    case 'TIME':
      return isNumber(from.name) ? (cursor) => Number(read(cursor)) | 0 : mismatch(from.name, to);
    case 'BIGINT':
    case 'TIMESTAMP':
      return isNumber(from.name) ? read : mismatch(from.name, to);
    case 'DOUBLE':
      return isNumber(from.name) ? (cursor) => Number(read(cursor)) : mismatch(from.name, to);
    case 'BOOLEAN':
      return from.name === 'bool' ? read : mismatch(from.name, to);
    case 'BYTES':
      return from.name === 'bytes' ? read : mismatch(from.name, to);
    default:
      return mismatch(from.name, to);
  }
}

function isNumber(name: string): boolean {
  return name !== 'bool' && name !== 'string' && name !== 'bytes';
}

function scalarReader(name: string): ReadValue {
  switch (name) {
    case 'double':
      return (cursor) => cursor.bytes.readDoubleLE((cursor.at += 8) - 8);
    case 'float':
      return (cursor) => cursor.bytes.readFloatLE((cursor.at += 4) - 4);
    case 'fixed32':
      return (cursor) => cursor.bytes.readUInt32LE((cursor.at += 4) - 4);
    case 'sfixed32':
      return (cursor) => cursor.bytes.readInt32LE((cursor.at += 4) - 4);
    case 'fixed64':
    case 'sfixed64':
      return (cursor) => long(cursor.bytes.readBigInt64LE((cursor.at += 8) - 8));
    case 'sint32':
    case 'sint64':
      return (cursor) => {
        const value = readVarint(cursor);
        return long((value >> 1n) ^ -(value & 1n));
      };
    case 'bool':
      return (cursor) => readVarint(cursor) !== 0n;
    case 'string':
      return (cursor) => block(cursor).toString('utf8');
    case 'bytes':
      return (cursor) => Buffer.from(block(cursor));
    default:
      return (cursor) => long(readVarint(cursor));
  }
}

const DAY_MS = 86_400_000;

function nested(message: ProtoMessage, to: SqlType): ReadValue {
  const wrapped = wrapperOf(message);
  if (wrapped !== undefined) {
    const read = messageReader(message, [{ name: 'value', type: to }], false);
    return inBlock((cursor, end) => read(cursor, end)[0]!);
  }
  const names = message.fields.map((field) => field.name);
  const numbers = (): ((cursor: Cursor, end: number) => SqlValue[]) =>
    messageReader(
      message,
      names.map((name) => ({ name, type: { kind: 'BIGINT' } })),
      false,
    );
  switch (message.name) {
    case 'google.protobuf.Timestamp': {
      const read = numbers();
      return inBlock((cursor, end) => {
        const [seconds, nanos] = read(cursor, end) as [number, number];
        return seconds * 1000 + Math.floor(nanos / 1_000_000);
      });
    }
    case 'google.type.Date': {
      const read = numbers();
      return inBlock((cursor, end) => {
        const [year, month, day] = read(cursor, end) as [number, number, number];
        return Date.UTC(year, month - 1, day) / DAY_MS;
      });
    }
    case 'google.type.TimeOfDay': {
      const read = numbers();
      return inBlock((cursor, end) => {
        const [hours, minutes, seconds, nanos] = read(cursor, end) as [number, number, number, number];
        return ((hours * 60 + minutes) * 60 + seconds) * 1000 + Math.floor(nanos / 1_000_000);
      });
    }
    case 'confluent.type.Decimal': {
      if (to.kind !== 'DECIMAL') return mismatch('a decimal', to);
      const read = messageReader(
        message,
        [
          { name: 'value', type: { kind: 'BYTES' } },
          { name: 'scale', type: { kind: 'INTEGER' } },
        ],
        false,
      );
      return inBlock((cursor, end) => {
        const [value, scale] = read(cursor, end) as [Buffer, number];
        return new Decimal(signedInteger(value), scale).fit(to.precision, to.scale);
      });
    }
    default: {
      if (to.kind !== 'STRUCT') {
        const inner = messageReader(message, [{ name: 'value', type: to }], false);
        return message.fields.length === 1
          ? inBlock((cursor, end) => inner(cursor, end)[0]!)
          : mismatch(message.name, to);
      }
      return inBlock(messageReader(message, to.fields, false));
    }
  }
}

function wrapperOf(message: ProtoMessage): string | undefined {
  const name = /^google\.protobuf\.(\w+)$/.exec(message.name)?.[1];
  return name === undefined ? undefined : wrapperTypes[name];
}

function inBlock(read: (cursor: Cursor, end: number) => SqlValue): ReadValue {
  return (cursor) => {
    const length = Number(readVarint(cursor));
    return read(cursor, cursor.at + length);
  };
}

// --- writing -----------------------------------------------------------------------------------------------------------

type WriteValue = (value: SqlValue, out: ByteWriter) => void;

function messageWriter(
  message: ProtoMessage,
  columns: readonly CodecColumn[],
  byPosition: boolean,
): (values: Row, out: ByteWriter) => void {
  const writers = columns.map((column, at): WriteValue => {
    const field = byPosition ? message.fields[at] : findField(message, column.name);
    return field === undefined ? () => undefined : fieldWriter(field, column.type);
  });
  return (values, out) => {
    for (let i = 0; i < writers.length; i++) if (values[i] !== null) writers[i]!(values[i]!, out);
  };
}

function fieldWriter(field: ProtoField, type: SqlType): WriteValue {
  const entry = entryField(field);
  if (entry !== undefined && type.kind === 'MAP') {
    const key = tagged(1, entry.key, type.key);
    const value = tagged(2, entry.value, type.value);
    return (map, out) => {
      for (const [k, v] of map as ReadonlyMap<SqlValue, SqlValue>) {
        const inner = new ByteWriter(64);
        if (k !== null) key(k, inner);
        if (v !== null) value(v, inner);
        writeVarint(BigInt((field.number << 3) | BYTES), out);
        writeBlock(inner.view(), out);
      }
    };
  }
  if (field.repeated) {
    assert(type.kind === 'ARRAY', 'only arrays are repeated');
    const item = tagged(field.number, field.type, type.item);
    const absent = defaultOf(field.type, type.item);
    return (array, out) => {
      for (const element of array as readonly SqlValue[]) {
        const written = element ?? absent;
        if (written !== null) item(written, out);
        else {
          writeVarint(BigInt((field.number << 3) | BYTES), out);
          writeVarint(0n, out);
        }
      }
    };
  }
  return tagged(field.number, field.type, type);
}

function tagged(number: number, to: ProtoType, from: SqlType): WriteValue {
  const tag = BigInt((number << 3) | wireOf(to));
  const write = writer(to, from);
  return (value, out) => {
    writeVarint(tag, out);
    write(value, out);
  };
}

function writeBlock(bytes: Uint8Array, out: ByteWriter): void {
  writeVarint(BigInt(bytes.length), out);
  out.bytes(bytes);
}

function writer(to: ProtoType, from: SqlType): WriteValue {
  if (to.kind === 'message') return messageValueWriter(to.message, from);
  if (to.kind === 'enum') {
    const numbers = new Map([...to.names].map(([number, name]) => [name, number]));
    return (value, out) => writeVarint(BigInt(numbers.get(value as string) ?? 0), out);
  }
  if (to.kind === 'map') throw new SerializationError('a map is written as a field only');
  switch (to.name) {
    case 'double':
    case 'float':
      return (value, out) => {
        const size = to.name === 'double' ? 8 : 4;
        out.reserve(size);
        if (size === 8) out.buffer.writeDoubleLE(Number(value), out.position);
        else out.buffer.writeFloatLE(Number(value), out.position);
        out.position += size;
      };
    case 'fixed32':
    case 'sfixed32':
      return (value, out) => {
        out.reserve(4);
        out.position = out.buffer.writeInt32LE(Number(value), out.position);
      };
    case 'fixed64':
    case 'sfixed64':
      return (value, out) => {
        out.reserve(8);
        out.position = out.buffer.writeBigInt64LE(BigInt(value as Long), out.position);
      };
    case 'sint32':
    case 'sint64':
      return (value, out) => {
        const number = BigInt(value as Long);
        writeVarint((number << 1n) ^ (number >> 63n), out);
      };
    case 'bool':
      return (value, out) => out.int8(value === true ? 1 : 0);
    case 'string':
      return (value, out) =>
        writeBlock(Buffer.from(from.kind === 'STRING' ? (value as string) : valueText(from, value)), out);
    case 'bytes':
      return (value, out) => writeBlock(value as Buffer, out);
    default:
      return (value, out) => writeVarint(BigInt(value as Long), out);
  }
}

function messageValueWriter(message: ProtoMessage, from: SqlType): WriteValue {
  const parts = (columns: readonly CodecColumn[], split: (value: SqlValue) => Row): WriteValue => {
    const write = messageWriter(message, columns, false);
    return (value, out) => {
      const inner = new ByteWriter(64);
      write(split(value), inner);
      writeBlock(inner.view(), out);
    };
  };
  const integers = (...names: string[]): CodecColumn[] => names.map((name) => ({ name, type: { kind: 'BIGINT' } }));
  switch (message.name) {
    case 'google.protobuf.Timestamp':
      return parts(integers('seconds', 'nanos'), (value) => {
        const ms = value as number;
        const seconds = Math.floor(ms / 1000);
        return [seconds, (ms - seconds * 1000) * 1_000_000];
      });
    case 'google.type.Date':
      return parts(integers('year', 'month', 'day'), (value) => {
        const date = new Date((value as number) * DAY_MS);
        return [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
      });
    case 'google.type.TimeOfDay':
      return parts(integers('hours', 'minutes', 'seconds', 'nanos'), (value) => {
        const ms = value as number;
        return [
          Math.floor(ms / 3_600_000),
          Math.floor(ms / 60_000) % 60,
          Math.floor(ms / 1000) % 60,
          (ms % 1000) * 1_000_000,
        ];
      });
    case 'confluent.type.Decimal': {
      const columns: CodecColumn[] = [{ name: 'value', type: { kind: 'BYTES' } }, ...integers('precision', 'scale')];
      return parts(columns, (value) => {
        const decimal = value as Decimal;
        return [
          signedBytes(decimal.unscaled),
          from.kind === 'DECIMAL' ? from.precision : decimal.precision,
          decimal.scale,
        ];
      });
    }
    default:
      if (from.kind === 'STRUCT') return parts(from.fields, (value) => value as Row);
      return parts([{ name: 'value', type: from }], (value) => [value]);
  }
}
