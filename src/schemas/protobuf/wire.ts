// Reads a message in Protobuf's binary encoding without knowing its type, as far as descriptors need it.
import { invalidSchema } from '../errors.ts';

/** A varint, or the bytes of anything else. */
export type WireValue = bigint | Buffer;

export class WireMessage {
  readonly #values: ReadonlyMap<number, WireValue[]>;

  constructor(values: ReadonlyMap<number, WireValue[]>) {
    this.#values = values;
  }

  /** The numbers of the fields that are set, in order of their first appearance. */
  tags(): number[] {
    return [...this.#values.keys()];
  }

  /** A signed 32-bit integer, an enum or a bool. */
  number(tag: number): number | undefined {
    return this.numbers(tag).at(-1);
  }

  /** The lower 32 bits, signed: no number in a descriptor has more, except in options. */
  numbers(tag: number): number[] {
    return this.values(tag).map((value) =>
      typeof value === 'bigint' ? Number(BigInt.asIntN(32, value)) : malformed(),
    );
  }

  values(tag: number): readonly WireValue[] {
    return this.#values.get(tag) ?? [];
  }

  text(tag: number): string | undefined {
    return this.texts(tag).at(-1);
  }

  texts(tag: number): string[] {
    return this.#bytes(tag).map((bytes) => bytes.toString('utf8'));
  }

  message(tag: number): WireMessage | undefined {
    return this.messages(tag).at(-1);
  }

  messages(tag: number): WireMessage[] {
    return this.#bytes(tag).map(readWireMessage);
  }

  #bytes(tag: number): Buffer[] {
    return this.values(tag).map((value) => (typeof value === 'bigint' ? malformed() : value));
  }
}

export function readWireMessage(bytes: Buffer): WireMessage {
  const values = new Map<number, WireValue[]>();
  const reader = new WireReader(bytes);
  while (!reader.isAtEnd) {
    const key = Number(BigInt.asUintN(32, reader.varint()));
    const tag = key >>> 3;
    const kind = key & 7;
    if (tag === 0) malformed();
    const value = kind === 0 ? reader.varint() : reader.take(kind === 2 ? undefined : (FIXED[kind] ?? malformed()));
    const known = values.get(tag);
    if (known === undefined) values.set(tag, [value]);
    else known.push(value);
  }
  return new WireMessage(values);
}

const FIXED: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/** Values one after the other, as in a message or a packed field. */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let low = 0;
    let value = 0n;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#at++] ?? malformed();
      // Almost all are small, and bigints are slow.
      if (shift < 28) low |= (byte & 0x7f) << shift;
      else value |= BigInt(byte & 0x7f) << BigInt(shift);
      if (byte < 0x80) return value | BigInt(low);
    }
    return malformed();
  }

  /** As many bytes; or as many as a varint before them says. */
  take(length = Number(this.varint())): Buffer {
    if (length > this.#bytes.length - this.#at) malformed();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

function malformed(): never {
  throw invalidSchema('Invalid Protobuf descriptor: its bytes are not a message in the binary encoding');
}

/** Builds a message in the binary encoding; fields that are undefined are left out. */
export class WireWriter {
  readonly #fields: { tag: number; bytes: readonly Buffer[] }[] = [];

  get isEmpty(): boolean {
    return this.#fields.length === 0;
  }

  /** An integer of at most 64 bits, negative ones as protobuf's int32 and int64 have them. */
  integer(tag: number, value: number | bigint | undefined): this {
    return value === undefined ? this : this.#add(tag, 0, varint(value));
  }

  text(tag: number, value: string | undefined): this {
    return value === undefined ? this : this.bytes(tag, Buffer.from(value, 'utf8'));
  }

  bytes(tag: number, value: Buffer | undefined): this {
    return value === undefined ? this : this.#add(tag, 2, varint(value.length), value);
  }

  /** Four or eight bytes as they are. */
  fixed(tag: number, value: Buffer): this {
    return this.#add(tag, value.length === 8 ? 1 : 5, value);
  }

  /** In the order of the tags, as protobuf's own libraries write. */
  toBuffer(): Buffer {
    const ordered = this.#fields.toSorted((a, b) => a.tag - b.tag);
    return Buffer.concat(ordered.flatMap(({ bytes }) => bytes));
  }

  #add(tag: number, kind: number, ...value: Buffer[]): this {
    this.#fields.push({ tag, bytes: [varint(tag * 8 + kind), ...value] });
    return this;
  }
}

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}
