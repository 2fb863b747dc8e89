// Protobuf's scalar types on the wire: one row for each.
import { type ByteWriter, WIRE, type WireReader } from '../../util/index.ts';
import {
  putBytes,
  putDouble,
  putFixed32,
  putFixed64,
  putFloat,
  putString,
  putVarint,
  putZigzag,
} from './wire-writer.ts';

/** 64-bit integers are numbers while they are safe integers, and bigints beyond. */
export type ScalarValue = number | bigint | boolean | string | Buffer;

interface Scalar {
  readonly wire: number;
  read(reader: WireReader): ScalarValue;
  write(value: ScalarValue, out: ByteWriter): void;
  /** The smallest and the largest value, where it is an integer. */
  readonly range?: readonly [number | bigint, number | bigint];
}

type Integer = number | bigint;

const { VARINT, FIXED32, FIXED64, BYTES } = WIRE;
const INT32 = [-(2 ** 31), 2 ** 31 - 1] as const;
const UINT32 = [0, 2 ** 32 - 1] as const;
const INT64 = [-(2n ** 63n), 2n ** 63n - 1n] as const;
const UINT64 = [0, 2n ** 64n - 1n] as const;

const varint = (value: ScalarValue, out: ByteWriter) => putVarint(value as Integer, out);
const zigzag = (value: ScalarValue, out: ByteWriter) => putZigzag(value as Integer, out);
const fixed32 = (value: ScalarValue, out: ByteWriter) => putFixed32(value as number, out);
const fixed64 = (value: ScalarValue, out: ByteWriter) => putFixed64(value as Integer, out);

export type ScalarName = keyof typeof SCALARS;

export const SCALARS = {
  double: { wire: FIXED64, read: (reader) => reader.double(), write: (value, out) => putDouble(value as number, out) },
  float: { wire: FIXED32, read: (reader) => reader.float(), write: (value, out) => putFloat(value as number, out) },
  int32: { wire: VARINT, read: (reader) => reader.int32(), write: varint, range: INT32 },
  int64: { wire: VARINT, read: (reader) => reader.int64(), write: varint, range: INT64 },
  uint32: { wire: VARINT, read: (reader) => reader.uint32(), write: varint, range: UINT32 },
  uint64: { wire: VARINT, read: (reader) => reader.uint64(), write: varint, range: UINT64 },
  sint32: { wire: VARINT, read: (reader) => reader.sint32(), write: zigzag, range: INT32 },
  sint64: { wire: VARINT, read: (reader) => reader.sint64(), write: zigzag, range: INT64 },
  fixed32: { wire: FIXED32, read: (reader) => reader.fixed32(), write: fixed32, range: UINT32 },
  fixed64: { wire: FIXED64, read: (reader) => reader.fixed64(), write: fixed64, range: UINT64 },
  sfixed32: { wire: FIXED32, read: (reader) => reader.sfixed32(), write: fixed32, range: INT32 },
  sfixed64: { wire: FIXED64, read: (reader) => reader.sfixed64(), write: fixed64, range: INT64 },
  bool: { wire: VARINT, read: (reader) => reader.bool(), write: (value, out) => out.int8(value === true ? 1 : 0) },
  string: { wire: BYTES, read: (reader) => reader.string(), write: (value, out) => putString(value as string, out) },
  bytes: { wire: BYTES, read: (reader) => reader.bytes(), write: (value, out) => putBytes(value as Buffer, out) },
} as const satisfies Readonly<Record<string, Scalar>>;

/** What an absent value of the type is. */
export function zeroOf(name: ScalarName): ScalarValue {
  if (name === 'string') return '';
  if (name === 'bytes') return Buffer.alloc(0);
  return name === 'bool' ? false : 0;
}
