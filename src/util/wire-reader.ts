// Protobuf's binary encoding, value by value. The one reader of it: records, descriptors and options stand on it, so that
// its limits hold everywhere. Nothing is read past the end of the message that it belongs to, whatever lengths are claimed
// and whatever stands behind it in the buffer.
import { MillraceError } from './errors.ts';

/** Bytes that are not a message in the binary encoding, or not one of the type that they should be. */
export class BrokenMessage extends MillraceError {
  override readonly name = 'BrokenMessage';
  constructor(message: string) {
    super('BROKEN_MESSAGE', message);
  }
}

/** The form of a field's value, as the lower three bits of its tag say it. */
export const WIRE = { VARINT: 0, FIXED64: 1, BYTES: 2, GROUP: 3, GROUP_END: 4, FIXED32: 5 } as const;

/** As deep as Protobuf's own libraries read. */
const DEPTH_MAX = 100;
/** Texts of up to so many letters are put together faster than they are decoded. */
const SHORT = 8;
const TWO_TO_32 = 4_294_967_296;

/**
 * Reads from a stretch of a buffer. 64-bit integers are numbers while they are safe integers and bigints beyond. Every
 * method throws `BrokenMessage` when the bytes end too early or mean nothing.
 */
export class WireReader {
  #bytes: Buffer;
  #start: number;
  #at: number;
  /** Of the innermost message. */
  #end: number;
  /** The number of the innermost group; 0 where the innermost message is none. */
  #group = 0;
  #depth = 0;
  /** The upper half of the varint that was read last. */
  #high = 0;

  constructor(bytes: Buffer = Buffer.alloc(0), start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#start = this.#at = start;
    this.#end = end;
  }

  /** Starts anew on other bytes: one reader serves for all records. */
  reset(bytes: Buffer, start: number, end: number): this {
    this.#bytes = bytes;
    this.#start = this.#at = start;
    this.#end = end;
    this.#group = this.#depth = 0;
    return this;
  }

  /** Whether the innermost message or packed field has no more bytes. */
  get isAtEnd(): boolean {
    return this.#at >= this.#end;
  }

  // ── Structure ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** The next field's number times eight, plus the form of its value; 0 where the message ends. */
  tag(): number {
    if (this.#at >= this.#end) {
      if (this.#group !== 0) this.#fail(`the group ${this.#group} does not end`);
      return 0;
    }
    const tag = this.#varint() >>> 0;
    if (this.#high !== 0) this.#fail('a field number has too many digits');
    const number = tag >>> 3;
    if (number === 0) this.#fail('there is no field number 0');
    if ((tag & 7) !== WIRE.GROUP_END) return tag;
    if (number !== this.#group) this.#fail(`the group ${number} ends without a start`);
    return 0;
  }

  /** A message that stands behind its length: `read` goes on until `tag` returns 0. */
  message<T>(read: (reader: this) => T): T {
    const length = this.#length();
    return this.#inside(this.#at + length, 0, read);
  }

  /** A message that ends with a tag of the same number. */
  group<T>(number: number, read: (reader: this) => T): T {
    return this.#inside(this.#end, number, read);
  }

  /** The values of a packed field: `read` is called for each. */
  packed(read: (reader: this) => void): void {
    const length = this.#length();
    this.#inside(this.#at + length, 0, () => {
      while (this.#at < this.#end) read(this);
    });
  }

  /** Passes over the value of a field that nobody asks for. */
  skip(tag: number): void {
    switch (tag & 7) {
      case WIRE.VARINT:
        this.#varint();
        break;
      case WIRE.FIXED64:
        this.#take(8);
        break;
      case WIRE.BYTES:
        this.#take(this.#length());
        break;
      case WIRE.GROUP:
        this.group(tag >>> 3, (reader) => {
          for (let inner = reader.tag(); inner !== 0; inner = reader.tag()) reader.skip(inner);
        });
        break;
      case WIRE.FIXED32:
        this.#take(4);
        break;
      default:
        this.#fail(`the field ${tag >>> 3} has the unknown wire type ${tag & 7}`);
    }
  }

  #inside<T>(end: number, group: number, read: (reader: this) => T): T {
    if (++this.#depth > DEPTH_MAX) this.#fail(`its messages nest deeper than ${DEPTH_MAX} levels`);
    const outerEnd = this.#end;
    const outerGroup = this.#group;
    this.#end = end;
    this.#group = group;
    const value = read(this);
    this.#end = outerEnd;
    this.#group = outerGroup;
    this.#depth--;
    return value;
  }

  // ── Scalars ─────────────────────────────────────────────────────────────────────────────────────────────────────

  int32(): number {
    return this.#varint();
  }

  uint32(): number {
    return this.#varint() >>> 0;
  }

  sint32(): number {
    const low = this.#varint();
    return (low >>> 1) ^ -(low & 1);
  }

  int64(): number | bigint {
    const low = this.#varint();
    return signed(low, this.#high);
  }

  uint64(): number | bigint {
    const low = this.#varint();
    return unsigned(low, this.#high);
  }

  sint64(): number | bigint {
    const low = this.#varint();
    const sign = -(low & 1);
    return signed(((low >>> 1) | (this.#high << 31)) ^ sign, (this.#high >>> 1) ^ sign);
  }

  bool(): boolean {
    const low = this.#varint();
    return low !== 0 || this.#high !== 0;
  }

  fixed32(): number {
    return this.sfixed32() >>> 0;
  }

  sfixed32(): number {
    return this.#bytes.readInt32LE(this.#take(4));
  }

  fixed64(): number | bigint {
    const at = this.#take(8);
    return unsigned(this.#bytes.readInt32LE(at), this.#bytes.readInt32LE(at + 4));
  }

  sfixed64(): number | bigint {
    const at = this.#take(8);
    return signed(this.#bytes.readInt32LE(at), this.#bytes.readInt32LE(at + 4));
  }

  float(): number {
    return this.#bytes.readFloatLE(this.#take(4));
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  string(): string {
    const bytes = this.#bytes;
    const length = this.#length();
    const start = this.#take(length);
    const end = start + length;
    if (length > SHORT) return bytes.toString('utf8', start, end);
    let text = '';
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      if (byte > 0x7f) return bytes.toString('utf8', start, end);
      text += String.fromCharCode(byte);
    }
    return text;
  }

  /** A copy: what is read outlives the buffer. */
  bytes(): Buffer {
    return Buffer.from(this.view());
  }

  /** The next bytes where they lie: as many as a length before them says, or as are asked for. */
  view(length = this.#length()): Buffer {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  // ── Bytes ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The lower 32 bits, signed; the upper ones are in `#high`. Two halves, since bigints cost ten times as much. */
  #varint(): number {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.#at;
    if (at >= end) this.#fail('it ends where a number should be');
    let byte = bytes[at++]!;
    let low = byte & 0x7f;
    let high = 0;
    for (let shift = 7; byte > 0x7f; shift += 7) {
      if (at >= end) this.#fail('it ends in the middle of a number');
      if (shift > 63) this.#fail('a number has more than ten bytes');
      byte = bytes[at++]!;
      if (shift < 28) low |= (byte & 0x7f) << shift;
      else if (shift > 28) high |= (byte & 0x7f) << (shift - 32);
      else {
        low |= byte << 28;
        high = (byte & 0x7f) >>> 4;
      }
    }
    this.#at = at;
    this.#high = high;
    return low;
  }

  #length(): number {
    const length = this.#varint() >>> 0;
    const left = this.#end - this.#at;
    if (this.#high !== 0 || length > left) {
      this.#fail(
        `a length is ${String(unsigned(length, this.#high))}, but the message around it has ${left} bytes left`,
      );
    }
    return length;
  }

  /** Where the next `count` bytes start. */
  #take(count: number): number {
    const start = this.#at;
    if (count > this.#end - start) {
      this.#fail(`a value has ${count} bytes, but the message around it has ${this.#end - start} left`);
    }
    this.#at = start + count;
    return start;
  }

  /** Throws with the place among the record's bytes. */
  #fail(reason: string): never {
    throw new BrokenMessage(`Broken Protobuf message at byte ${this.#at - this.#start}: ${reason}`);
  }
}

function signed(low: number, high: number): number | bigint {
  const number = high * TWO_TO_32 + (low >>> 0);
  return Number.isSafeInteger(number) ? number : (BigInt(high) << 32n) | BigInt(low >>> 0);
}

function unsigned(low: number, high: number): number | bigint {
  const number = (high >>> 0) * TWO_TO_32 + (low >>> 0);
  return Number.isSafeInteger(number) ? number : (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}
