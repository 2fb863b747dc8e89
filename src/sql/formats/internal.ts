import { DeserializationError } from '../../serde/index.ts';
import { type ByteWriter, Decimal, unreachable } from '../../util/index.ts';
import type { SqlType } from '../types.ts';
import { long } from '../values/bigint.ts';
import type { SqlValue } from '../values/value.ts';
import type { CodecColumn, RowSerde } from './codec.ts';

/**
 * Rows inside a query: in repartition topics, join buffers and aggregates' states. Compact, exact for every type, and read
 * without parsing. Every value is one byte that says whether it is there, then its bytes.
 */
export function internalSerde(columns: readonly CodecColumn[]): RowSerde {
  const fields = columns.map(({ type }) => field(type));
  return {
    name: 'ROW',
    encode(row, out) {
      for (let i = 0; i < fields.length; i++) write(fields[i]!, row[i]!, out);
    },
    decode(bytes, start, end) {
      const cursor = { bytes, at: start };
      const row: SqlValue[] = [];
      for (const codec of fields) row.push(read(codec, cursor));
      if (cursor.at !== end) throw new DeserializationError('a row has more bytes than its columns');
      return row;
    },
  };
}

interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

interface FieldCodec {
  write(value: SqlValue, out: ByteWriter): void;
  read(cursor: Cursor): SqlValue;
}

function write(codec: FieldCodec, value: SqlValue, out: ByteWriter): void {
  if (value === null) {
    out.int8(0);
    return;
  }
  out.int8(1);
  codec.write(value, out);
}

function read(codec: FieldCodec, cursor: Cursor): SqlValue {
  return cursor.bytes[cursor.at++] === 0 ? null : codec.read(cursor);
}

function take(cursor: Cursor, count: number): number {
  const at = cursor.at;
  cursor.at += count;
  return at;
}

function writeBlob(bytes: Buffer, out: ByteWriter): void {
  out.int32(bytes.length);
  out.bytes(bytes);
}

function readBlob(cursor: Cursor): Buffer {
  const length = cursor.bytes.readInt32BE(take(cursor, 4));
  const at = take(cursor, length);
  return cursor.bytes.subarray(at, at + length);
}

function readCount(cursor: Cursor): number {
  return cursor.bytes.readInt32BE(take(cursor, 4));
}

function field(type: SqlType): FieldCodec {
  switch (type.kind) {
    case 'BOOLEAN':
      return { write: (value, out) => out.int8(value === true ? 1 : 0), read: (c) => c.bytes[take(c, 1)] === 1 };
    case 'INTEGER':
    case 'DATE':
    case 'TIME':
      return { write: (value, out) => out.int32(value as number), read: (c) => c.bytes.readInt32BE(take(c, 4)) };
    case 'BIGINT':
    case 'TIMESTAMP':
      return bigint;
    case 'DOUBLE':
      return { write: (value, out) => out.float64(value as number), read: (c) => c.bytes.readDoubleBE(take(c, 8)) };
    case 'DECIMAL':
      return decimal;
    case 'STRING':
      return {
        write: (value, out) => writeBlob(Buffer.from(value as string), out),
        read: (c) => readBlob(c).toString(),
      };
    case 'BYTES':
      return { write: (value, out) => writeBlob(value as Buffer, out), read: (c) => Buffer.from(readBlob(c)) };
    case 'ARRAY':
      return array(field(type.item));
    case 'MAP':
      return map(field(type.key), field(type.value));
    case 'STRUCT':
      return struct(type.fields.map((inner) => field(inner.type)));
    default:
      return unreachable(type);
  }
}

const bigint: FieldCodec = {
  write(value, out) {
    if (typeof value === 'number') out.int64(value);
    else out.bigInt64(value as bigint);
  },
  read(c) {
    const at = take(c, 8);
    const high = c.bytes.readInt32BE(at);
    if (high >= -2097152 && high < 2097152) return high * 4294967296 + c.bytes.readUInt32BE(at + 4);
    return long(c.bytes.readBigInt64BE(at));
  },
};

const decimal: FieldCodec = {
  write(value, out) {
    const { unscaled, scale } = value as Decimal;
    out.int32(scale);
    writeBlob(Buffer.from(unscaled.toString(36)), out);
  },
  read(c) {
    const scale = readCount(c);
    return new Decimal(parseBase36(readBlob(c).toString()), scale);
  },
};

function array(item: FieldCodec): FieldCodec {
  return {
    write(value, out) {
      const items = value as readonly SqlValue[];
      out.int32(items.length);
      for (const element of items) write(item, element, out);
    },
    read(c) {
      const items: SqlValue[] = [];
      for (let count = readCount(c); count > 0; count--) items.push(read(item, c));
      return items;
    },
  };
}

function map(key: FieldCodec, item: FieldCodec): FieldCodec {
  return {
    write(value, out) {
      const entries = value as ReadonlyMap<SqlValue, SqlValue>;
      out.int32(entries.size);
      for (const [k, v] of entries) {
        write(key, k, out);
        write(item, v, out);
      }
    },
    read(c) {
      const entries = new Map<SqlValue, SqlValue>();
      for (let count = readCount(c); count > 0; count--) {
        const k = read(key, c);
        entries.set(k, read(item, c));
      }
      return entries;
    },
  };
}

function struct(fields: readonly FieldCodec[]): FieldCodec {
  return {
    write(value, out) {
      const values = value as readonly SqlValue[];
      for (let i = 0; i < fields.length; i++) write(fields[i]!, values[i]!, out);
    },
    read: (c) => fields.map((inner) => read(inner, c)),
  };
}

function parseBase36(text: string): bigint {
  const negative = text.startsWith('-');
  let value = 0n;
  for (const digit of negative ? text.slice(1) : text) value = value * 36n + BigInt(Number.parseInt(digit, 36));
  return negative ? -value : value;
}
