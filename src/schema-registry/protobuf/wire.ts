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
