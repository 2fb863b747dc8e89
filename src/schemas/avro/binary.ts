// Avro's binary encoding, byte by byte. A cursor never leaves its record, whatever the bytes claim: behind it lies another
// one's. What it meets that is no Avro is a `MillraceError`.
import { type ByteWriter, MillraceError } from '../../util/index.ts';
import { textOfNumber } from '../exact-json.ts';
import { type AvroArray, type AvroMap, type AvroNode, type AvroRecord, isDefaultOf, typeName } from './schema.ts';

/** Items that take no bytes (nulls) are counted, too, but no record has so many. */
const MAX_EMPTY_ITEMS = 65_536;
/** Longs below it are read and written with a double's arithmetic. */
const EXACT_LIMIT = 2 ** 52;
/** Texts so short are at most 63 bytes, and their length is one. */
const SHORT_TEXT = 21;

export class AvroCursor {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;
  /** Each item of a collection has a byte of its own, unless it takes none at all. */
  #itemsLeft: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#itemsLeft = end - start + MAX_EMPTY_ITEMS;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#end;
  }

  /** Throws when something is left over. */
  finish(): void {
    if (this.#at < this.#end) throw broken(`${this.#end - this.#at} bytes are left over behind the value`);
  }

  boolean(): boolean {
    return this.#byte() === 1;
  }

  int(): number {
    const value = this.long();
    if (typeof value === 'number' && value === (value | 0)) return value;
    throw broken(`${value} is no int`);
  }

  /** A bigint where a number can't hold it. */
  long(): number | bigint {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    let high = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      high |= (byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      const zigzag = high * 2 ** 28 + low;
      if (zigzag >= EXACT_LIMIT) return signed((BigInt(high) << 28n) | BigInt(low));
      return low & 1 ? -(zigzag + 1) / 2 : zigzag / 2;
    }
    const [ninth, tenth] = [this.#byte(), 0];
    const last = ninth < 0x80 ? tenth : this.#byte();
    if (last > 1) throw broken('a long has more than 64 bits');
    const top = BigInt(ninth & 0x7f) | (BigInt(last) << 7n);
    return signed((top << 56n) | (BigInt(high) << 28n) | BigInt(low));
  }

  float(): number {
    return this.#bytes.readFloatLE(this.#pass(4));
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#pass(8));
  }

  text(): string {
    const length = this.#length();
    const start = this.#pass(length);
    return this.#bytes.toString('utf8', start, start + length);
  }

  /** A copy: records are read from buffers that are used again. */
  bytes(): Buffer {
    return this.fixed(this.#length());
  }

  fixed(size: number): Buffer {
    const start = this.#pass(size);
    return Buffer.from(this.#bytes.subarray(start, start + size));
  }

  /** Which of a union's branches or an enum's symbols stands here. */
  oneOf<T>(choices: readonly T[]): T {
    const index = this.int();
    const choice = choices[index];
    if (choice === undefined) throw broken(`there is no branch or symbol ${index}`);
    return choice;
  }

  /** Reads the items of an array, or the entries of a map. */
  items(read: () => void): void {
    for (let count = this.#count(); count !== 0; count = this.#count()) {
      if (count < 0) {
        count = -count;
        this.long();
      }
      this.#itemsLeft -= count;
      if (this.#itemsLeft < 0) throw broken('there are more items than bytes');
      for (; count > 0; count--) read();
    }
  }

  skip(node: AvroNode): void {
    switch (node.kind) {
      case 'null':
        return;
      case 'boolean':
        this.#pass(1);
        return;
      case 'int':
      case 'long':
      case 'enum':
        this.long();
        return;
      case 'float':
        this.#pass(4);
        return;
      case 'double':
        this.#pass(8);
        return;
      case 'bytes':
      case 'string':
        this.#pass(this.#length());
        return;
      case 'fixed':
        this.#pass(node.size);
        return;
      case 'union':
        this.skip(this.oneOf(node.branches));
        return;
      case 'array':
        this.items(() => this.skip(node.items));
        return;
      case 'map':
        this.items(() => {
          this.#pass(this.#length());
          this.skip(node.values);
        });
        return;
      case 'record':
      case 'error':
        for (const field of node.fields) this.skip(field.type);
    }
  }

  #byte(): number {
    if (this.#at >= this.#end) throw ended();
    return this.#bytes[this.#at++]!;
  }

  /** Goes on by `size` bytes, and returns where they began. */
  #pass(size: number): number {
    const start = this.#at;
    if (size > this.#end - start) throw ended();
    this.#at = start + size;
    return start;
  }

  #length(): number {
    const length = this.long();
    if (typeof length === 'number' && length >= 0) return length;
    throw broken(`${length} is no length`);
  }

  #count(): number {
    const count = this.long();
    if (typeof count === 'number') return count;
    throw broken('there are more items than bytes');
  }
}

function signed(zigzag: bigint): number | bigint {
  const value = BigInt.asIntN(64, (zigzag >> 1n) ^ -(zigzag & 1n));
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function broken(what: string): MillraceError {
  return new MillraceError('BROKEN_AVRO', what);
}

function ended(): MillraceError {
  return broken('the bytes end in the middle of the value');
}

// ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** An int or a long. */
export function writeAvroLong(value: number | bigint, out: ByteWriter): void {
  if (typeof value === 'number' && value < EXACT_LIMIT && value > -EXACT_LIMIT) {
    out.varlong(value);
    return;
  }
  const long = BigInt(value);
  let rest = BigInt.asUintN(64, (long << 1n) ^ (long >> 63n));
  for (; rest > 0x7fn; rest >>= 7n) out.int8(Number(rest & 0x7fn) | 0x80);
  out.int8(Number(rest));
}

export function writeAvroText(text: string, out: ByteWriter): void {
  if (text.length <= SHORT_TEXT) {
    out.int8(0);
    const start = out.position;
    out.utf8(text);
    out.buffer[start - 1] = (out.position - start) << 1;
    return;
  }
  writeAvroLong(Buffer.byteLength(text), out);
  out.utf8(text);
}

/** A field's default as its bytes. Throws when it is none of the type: what is stored need not have been checked. */
export function writeAvroDefault(node: AvroNode, value: unknown, out: ByteWriter): void {
  if (!isDefaultOf(node, value)) throw broken(`${JSON.stringify(value)} is no ${typeName(node)}`);
  switch (node.kind) {
    case 'null':
      return;
    case 'boolean':
      out.int8(value === true ? 1 : 0);
      return;
    case 'int':
    case 'long':
      writeAvroLong(BigInt(textOfNumber(value) ?? 0), out);
      return;
    case 'float':
      out.reserve(4);
      out.position = out.buffer.writeFloatLE(Number(textOfNumber(value) ?? value), out.position);
      return;
    case 'double':
      out.reserve(8);
      out.position = out.buffer.writeDoubleLE(Number(textOfNumber(value) ?? value), out.position);
      return;
    case 'string':
      writeAvroText(String(value), out);
      return;
    case 'bytes':
    case 'fixed': {
      const bytes = Buffer.from(String(value), 'latin1');
      if (node.kind === 'bytes') writeAvroLong(bytes.length, out);
      out.bytes(bytes);
      return;
    }
    case 'enum':
      writeAvroLong(node.symbols.indexOf(String(value)), out);
      return;
    case 'union': {
      const at = node.branches.findIndex((branch) => isDefaultOf(branch, value));
      writeAvroLong(at, out);
      writeAvroDefault(node.branches[at]!, value, out);
      return;
    }
    default:
      writeCollection(node, value as object, out);
  }
}

function writeCollection(node: AvroArray | AvroMap | AvroRecord, value: object, out: ByteWriter): void {
  if ('fields' in node) {
    const members = value as Readonly<Record<string, unknown>>;
    for (const { name, type, defaultValue } of node.fields) {
      writeAvroDefault(type, Object.hasOwn(members, name) ? members[name] : defaultValue, out);
    }
    return;
  }
  const entries = Object.entries(value);
  if (entries.length > 0) writeAvroLong(entries.length, out);
  for (const [key, item] of entries) {
    if ('values' in node) writeAvroText(key, out);
    writeAvroDefault('values' in node ? node.values : node.items, item, out);
  }
  writeAvroLong(0, out);
}
