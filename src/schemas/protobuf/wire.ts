// Messages whose types are not at hand, as descriptors need them: fields by their numbers.
import { BrokenMessage, ByteWriter, WIRE, WireReader } from '../../util/index.ts';
import { invalidSchema } from '../errors.ts';
import { putBytes, putTag, putVarint } from './wire-writer.ts';

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
  readAll(bytes, (reader) => {
    const key = reader.tag();
    const tag = key >>> 3;
    const value = valueOf(reader, key & 7);
    const known = values.get(tag);
    if (known === undefined) values.set(tag, [value]);
    else known.push(value);
  });
  return new WireMessage(values);
}

/** The values of a packed field, one after the other. `kind`: that of the field's type. */
export function unpacked(bytes: Buffer, kind: number): WireValue[] {
  const values: WireValue[] = [];
  readAll(bytes, (reader) => values.push(valueOf(reader, kind)));
  return values;
}

function valueOf(reader: WireReader, kind: number): WireValue {
  if (kind === WIRE.VARINT) return BigInt(reader.uint64());
  if (kind === WIRE.BYTES) return reader.view();
  return kind === WIRE.FIXED64 ? reader.view(8) : kind === WIRE.FIXED32 ? reader.view(4) : malformed();
}

function readAll(bytes: Buffer, read: (reader: WireReader) => void): void {
  const reader = new WireReader(bytes);
  try {
    while (!reader.isAtEnd) read(reader);
  } catch (error) {
    if (error instanceof BrokenMessage) malformed(error);
    throw error;
  }
}

function malformed(cause?: BrokenMessage): never {
  throw invalidSchema('Invalid Protobuf descriptor: its bytes are not a message in the binary encoding', cause);
}

/** Builds a message in the binary encoding; fields that are undefined are left out. */
export class WireWriter {
  readonly #fields: { tag: number; bytes: Buffer }[] = [];

  get isEmpty(): boolean {
    return this.#fields.length === 0;
  }

  /** An integer of at most 64 bits, negative ones as protobuf's int32 and int64 have them. */
  integer(tag: number, value: number | bigint | undefined): this {
    return value === undefined ? this : this.#add(tag, WIRE.VARINT, (out) => putVarint(value, out));
  }

  text(tag: number, value: string | undefined): this {
    return value === undefined ? this : this.bytes(tag, Buffer.from(value, 'utf8'));
  }

  bytes(tag: number, value: Buffer | undefined): this {
    return value === undefined ? this : this.#add(tag, WIRE.BYTES, (out) => putBytes(value, out));
  }

  /** Four or eight bytes as they are. */
  fixed(tag: number, value: Buffer): this {
    return this.#add(tag, value.length === 8 ? WIRE.FIXED64 : WIRE.FIXED32, (out) => out.bytes(value));
  }

  /** In the order of the tags, as protobuf's own libraries write. */
  toBuffer(): Buffer {
    const ordered = this.#fields.toSorted((a, b) => a.tag - b.tag);
    return Buffer.concat(ordered.map(({ bytes }) => bytes));
  }

  #add(tag: number, kind: number, write: (out: ByteWriter) => void): this {
    const out = new ByteWriter(32);
    putTag(tag, kind, out);
    write(out);
    this.#fields.push({ tag, bytes: out.view() });
    return this;
  }
}
