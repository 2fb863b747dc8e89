// Protobuf's binary encoding, written: the other direction of util/wire-reader.ts, onto the end of a buffer.
import type { ByteWriter } from '../../util/index.ts';

export function putTag(number: number, wire: number, out: ByteWriter): void {
  // A product: shifted, the largest numbers would become negative.
  out.uvarint(number * 8 + wire);
}

/** The 64 bits of an integer, as int32 and int64 are written, and uint32 and uint64. */
export function putVarint(value: number | bigint, out: ByteWriter): void {
  putHalves(lowOf(value), highOf(value), out);
}

/** Integers near zero in few bytes, as sint32 and sint64 are written. */
export function putZigzag(value: number | bigint, out: ByteWriter): void {
  const low = lowOf(value);
  const high = highOf(value);
  const sign = high >> 31;
  putHalves((low << 1) ^ sign, ((high << 1) | (low >>> 31)) ^ sign, out);
}

export function putFixed32(value: number, out: ByteWriter): void {
  out.reserve(4);
  out.position = out.buffer.writeInt32LE(value | 0, out.position);
}

export function putFixed64(value: number | bigint, out: ByteWriter): void {
  putFixed32(lowOf(value), out);
  putFixed32(highOf(value), out);
}

export function putFloat(value: number, out: ByteWriter): void {
  out.reserve(4);
  out.position = out.buffer.writeFloatLE(value, out.position);
}

export function putDouble(value: number, out: ByteWriter): void {
  out.reserve(8);
  out.position = out.buffer.writeDoubleLE(value, out.position);
}

export function putBytes(value: Uint8Array, out: ByteWriter): void {
  out.uvarint(value.length);
  out.bytes(value);
}

export function putString(value: string, out: ByteWriter): void {
  putDelimited(() => out.utf8(value), out);
}

/** What `write` writes, behind its length. Most lengths have one byte; for longer ones what was written makes room. */
export function putDelimited(write: () => void, out: ByteWriter): void {
  const start = out.position;
  out.int8(0);
  write();
  const length = out.position - start - 1;
  if (length < 0x80) {
    out.buffer[start] = length;
    return;
  }
  const end = out.position;
  const more = length < 2 ** 14 ? 1 : length < 2 ** 21 ? 2 : length < 2 ** 28 ? 3 : 4;
  out.reserve(more);
  out.buffer.copyWithin(start + 1 + more, start + 1, end);
  out.position = start;
  out.uvarint(length);
  out.position = end + more;
}

function putHalves(low: number, high: number, out: ByteWriter): void {
  let left = low >>> 0;
  let over = high >>> 0;
  out.reserve(10);
  while (over !== 0 || left > 0x7f) {
    out.buffer[out.position++] = (left & 0x7f) | 0x80;
    left = ((left >>> 7) | (over << 25)) >>> 0;
    over >>>= 7;
  }
  out.buffer[out.position++] = left;
}

function lowOf(value: number | bigint): number {
  return typeof value === 'number' ? value | 0 : Number(BigInt.asIntN(32, value));
}

function highOf(value: number | bigint): number {
  return typeof value === 'number' ? Math.floor(value / 4_294_967_296) | 0 : Number(BigInt.asIntN(32, value >> 32n));
}
