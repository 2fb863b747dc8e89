import { MillraceError } from '../util/index.ts';

/** What a reader or a writer goes through in one turn of the event loop where it may not be long: some milliseconds. */
export const BYTES_PER_TURN = 64 * 1024;
/** Thrown where a turn ends and the work can't be left for another one: it is to be done again, in steps. */
export const NOT_AT_ONCE = new Error('a message is too long to be read or written in one turn');

/**
 * A bounds-checked big-endian cursor over received bytes: the one place where decoders read. Nothing is believed before
 * the bytes are known to be there, so a hostile length costs an error and no memory.
 */
export class ByteReader {
  readonly buffer: Buffer;
  position: number;
  readonly end: number;
  /** How many elements its arrays may still have, all together. */
  elementsLeft = Number.POSITIVE_INFINITY;
  /** The position where its turn ends. What is only looked at, as record batches are, takes no time and does not count. */
  turnEnd = Number.POSITIVE_INFINITY;

  constructor(buffer: Buffer, position = 0, end = buffer.length) {
    this.buffer = buffer;
    this.position = position;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  /** Moves over `count` bytes and returns where they start. */
  skip(count: number): number {
    const start = this.position;
    if (count < 0 || count > this.end - start) throw truncated(count, this.end - start);
    this.position = start + count;
    return start;
  }

  /** Throws TOO_MANY_ELEMENTS when an array of `count` would be more than `elementsLeft`. */
  takeElements(count: number): void {
    this.elementsLeft -= count;
    if (this.elementsLeft >= 0) return;
    throw new MillraceError('TOO_MANY_ELEMENTS', 'A message lists more things than its reader allows: split it.');
  }

  int8(): number {
    return this.buffer.readInt8(this.skip(1));
  }

  int16(): number {
    return this.buffer.readInt16BE(this.skip(2));
  }

  uint16(): number {
    return this.buffer.readUInt16BE(this.skip(2));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.skip(4));
  }

  uint32(): number {
    return this.buffer.readUInt32BE(this.skip(4));
  }

  int64(): number {
    return readInt64(this.buffer, this.skip(8));
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.skip(8));
  }

  uvarint(): number {
    const { buffer, end } = this;
    let result = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.position >= end) throw truncated(1, 0);
      const byte = buffer[this.position++]!;
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result >>> 0;
    }
    throw malformed('a varint is longer than five bytes');
  }

  varint(): number {
    const raw = this.uvarint();
    return (raw >>> 1) ^ -(raw & 1);
  }

  varlong(): number {
    const { buffer, end } = this;
    let result = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      if (this.position >= end) throw truncated(1, 0);
      const byte = buffer[this.position++]!;
      result += (byte & 0x7f) * scale;
      if (byte < 0x80) return saturated(result % 2 === 0 ? result / 2 : -(result + 1) / 2);
      scale *= 128;
    }
    throw malformed('a varlong is longer than ten bytes');
  }

  /** A view of the next `count` bytes, not a copy. */
  bytes(count: number): Buffer {
    const start = this.skip(count);
    this.turnEnd += count;
    return this.buffer.subarray(start, start + count);
  }

  utf8(count: number): string {
    const start = this.skip(count);
    return this.buffer.toString('utf8', start, start + count);
  }
}

/** An int64 as a number, saturated at ±(2^53 - 1): what is larger is a sentinel such as "never", never an offset. */
export function readInt64(buffer: Buffer, at: number): number {
  return saturated(buffer.readInt32BE(at) * 4294967296 + buffer.readUInt32BE(at + 4));
}

function saturated(value: number): number {
  if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  if (value < Number.MIN_SAFE_INTEGER) return Number.MIN_SAFE_INTEGER;
  return value;
}

export function malformed(what: string): MillraceError {
  return new MillraceError('MALFORMED_MESSAGE', `The bytes are not a valid message: ${what}.`);
}

function truncated(wanted: number, available: number): MillraceError {
  return malformed(`a field of ${wanted} bytes was announced and ${available} are left`);
}
