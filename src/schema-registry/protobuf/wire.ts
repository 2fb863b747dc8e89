// Reads a message in Protobuf's binary encoding without knowing its type, as far as descriptors need it.
import { invalidSchema } from '../errors.ts';

type WireValue = number | Buffer;

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

  numbers(tag: number): number[] {
    return (this.#values.get(tag) ?? []).map((value) => (typeof value === 'number' ? value : malformed()));
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
    return (this.#values.get(tag) ?? []).map((value) => (typeof value === 'number' ? malformed() : value));
  }
}

export function readWireMessage(bytes: Buffer): WireMessage {
  const values = new Map<number, WireValue[]>();
  let at = 0;
  /** The lower 32 bits, signed: no number in a descriptor has more. */
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++] ?? malformed();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return malformed();
  };
  const take = (length: number): Buffer => {
    if (length < 0 || at + length > bytes.length) malformed();
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = varint();
    const tag = key >>> 3;
    const kind = key & 7;
    if (tag === 0) malformed();
    const value =
      kind === 0 ? varint() : kind === 1 ? take(8) : kind === 2 ? take(varint()) : kind === 5 ? take(4) : malformed();
    const known = values.get(tag);
    if (known === undefined) values.set(tag, [value]);
    else known.push(value);
  }
  return new WireMessage(values);
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
