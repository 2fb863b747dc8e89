// Bytes that are written and compared: what every encoder and every store stands on.
import { assert } from './assert.ts';

const INITIAL_BYTES = 256;
/** The largest buffer a writer grows to: one frame of Kafka's protocol may not be larger than 100 MiB either. */
const MAX_BYTES = 512 * 1024 * 1024;

/**
 * A growable big-endian buffer: the one place where encoders write. Reuse it with `reset`, look at what was written
 * with `view` (no copy, valid until the next write) or take it away with `copy`.
 */
export class ByteWriter {
  buffer: Buffer;
  position = 0;

  constructor(initialBytes = INITIAL_BYTES) {
    this.buffer = Buffer.allocUnsafe(initialBytes);
  }

  /** Makes room for `count` more bytes. Writing methods call it themselves; call it before writing to `buffer` directly. */
  reserve(count: number): void {
    const needed = this.position + count;
    if (needed <= this.buffer.length) return;
    assert(needed <= MAX_BYTES, `ByteWriter: ${needed} bytes asked for, the limit is ${MAX_BYTES}`);
    const grown = Buffer.allocUnsafe(Math.min(MAX_BYTES, Math.max(needed, this.buffer.length * 2)));
    this.buffer.copy(grown, 0, 0, this.position);
    this.buffer = grown;
  }

  reset(): void {
    this.position = 0;
  }

  view(start = 0): Buffer {
    return this.buffer.subarray(start, this.position);
  }

  copy(start = 0): Buffer {
    return Buffer.from(this.view(start));
  }

  int8(value: number): void {
    this.reserve(1);
    this.buffer[this.position++] = value;
  }

  int16(value: number): void {
    this.reserve(2);
    this.position = this.buffer.writeInt16BE(value, this.position);
  }

  uint16(value: number): void {
    this.reserve(2);
    this.position = this.buffer.writeUInt16BE(value, this.position);
  }

  int32(value: number): void {
    this.reserve(4);
    this.position = this.buffer.writeInt32BE(value, this.position);
  }

  uint32(value: number): void {
    this.reserve(4);
    this.position = this.buffer.writeUInt32BE(value, this.position);
  }

  /** A safe integer as two 32-bit halves: 1 ns, where BigInt costs 40. */
  int64(value: number): void {
    this.reserve(8);
    const high = Math.floor(value / 4294967296);
    this.buffer.writeInt32BE(high, this.position);
    this.buffer.writeUInt32BE(value - high * 4294967296, this.position + 4);
    this.position += 8;
  }

  bigInt64(value: bigint): void {
    this.reserve(8);
    this.position = this.buffer.writeBigInt64BE(value, this.position);
  }

  float64(value: number): void {
    this.reserve(8);
    this.position = this.buffer.writeDoubleBE(value, this.position);
  }

  /** Unsigned LEB128 of a 32-bit number. */
  uvarint(value: number): void {
    this.reserve(5);
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.buffer[this.position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.position++] = rest;
  }

  /** Zig-zag LEB128 of a signed 32-bit number. */
  varint(value: number): void {
    this.uvarint((value << 1) ^ (value >> 31));
  }

  /** Zig-zag LEB128 of a safe integer (a record's timestamp delta). */
  varlong(value: number): void {
    this.reserve(10);
    let rest = value < 0 ? -value * 2 - 1 : value * 2;
    while (rest > 0x7f) {
      this.buffer[this.position++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.buffer[this.position++] = rest;
  }

  bytes(source: Uint8Array, start = 0, end = source.length): void {
    const length = end - start;
    this.reserve(length);
    const { buffer } = this;
    if (length < 24) {
      let to = this.position;
      for (let from = start; from < end; from++) buffer[to++] = source[from]!;
    } else if (start === 0 && end === source.length) {
      buffer.set(source, this.position);
    } else {
      buffer.set(source.subarray(start, end), this.position);
    }
    this.position += length;
  }

  /** UTF-8 text, without a length. */
  utf8(text: string): void {
    const length = text.length;
    this.reserve(length * 3);
    const { buffer } = this;
    let to = this.position;
    if (length < 24) {
      let i = 0;
      for (; i < length; i++) {
        const code = text.charCodeAt(i);
        if (code > 0x7f) break;
        buffer[to++] = code;
      }
      if (i === length) {
        this.position = to;
        return;
      }
    }
    this.position += buffer.write(text, this.position, 'utf8');
  }
}

/** Compares two byte strings as unsigned bytes, the order of LevelDB and of Kafka Streams' stores. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** Reads an int64 that is known to be a safe integer. */
export function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 4294967296 + bytes.readUInt32BE(at + 4);
}
