// The types that avsc makes of a schema, with what it gets wrong put right: longs of all 64 bits, and collections that say
// they are longer than they can be. Every schema has two types: the fast one is tried first, the exact one serves the rare
// big long.
import avro from 'avsc';
import { type AvroNode, plainAvro } from '../schemas/index.ts';
import { messageOf } from '../util/index.ts';
import { SerializationError } from './serde.ts';

/** Where avsc is in the bytes. */
export interface Tap {
  readonly buf: Buffer;
  pos: number;
  readLong(): number;
  skipLong(): void;
  readString(): string;
  skipString(): void;
  writeLong(value: number): void;
}

/** What reads one value; avsc's types do. */
export interface Reads {
  _read(tap: Tap): unknown;
}

/** What passes over one value. */
export interface Skips {
  _skip(tap: Tap): void;
}

/** A schema's types. */
export class AvroTypes {
  readonly fast: avro.Type;
  readonly #schema: AvroNode;
  #exact: avro.Type | undefined;

  constructor(schema: AvroNode) {
    this.#schema = schema;
    this.fast = typeOf(schema, false);
  }

  get exact(): avro.Type {
    this.#exact ??= typeOf(this.#schema, true);
    return this.#exact;
  }
}

function typeOf(schema: AvroNode, exactLongs: boolean): avro.Type {
  const options = {
    wrapUnions: 'auto',
    registry: { long: exactLongs ? exactLong() : new FastLong() },
    typeHook: repaired,
  } as unknown as Parameters<typeof avro.Type.forSchema>[1];
  try {
    return avro.Type.forSchema(plainAvro(schema) as avro.Schema, options);
  } catch (error) {
    throw new SerializationError(`invalid Avro schema: ${messageOf(error)}`, error);
  }
}

const NUMBERS = new Set(['int', 'long', 'float', 'double']);

/** Items that take no bytes (nulls) are counted, too, but no array of a record has so many. */
const MAX_EMPTY_ITEMS = 65_536;

/**
 * avsc believes the count in front of a block of items and notices only at the end that there were not so many bytes: some
 * ten bytes could keep it busy for ever. These count.
 */
class BoundedArray extends avro.types.ArrayType {
  _read(tap: Tap): unknown[] {
    return readArray(tap, this.itemsType as unknown as Reads);
  }

  _skip(tap: Tap): void {
    const itemsType = this.itemsType as unknown as Skips;
    readBlocks(tap, () => itemsType._skip(tap));
  }
}

class BoundedMap extends avro.types.MapType {
  _read(tap: Tap): Record<string, unknown> {
    return readMap(tap, this.valuesType as unknown as Reads);
  }

  _skip(tap: Tap): void {
    const valuesType = this.valuesType as unknown as Skips;
    readBlocks(tap, () => {
      tap.skipString();
      valuesType._skip(tap);
    });
  }
}

export function readArray(tap: Tap, itemsType: Reads): unknown[] {
  const items: unknown[] = [];
  readBlocks(tap, () => items.push(itemsType._read(tap)));
  return items;
}

export function readMap(tap: Tap, valuesType: Reads): Record<string, unknown> {
  const map: Record<string, unknown> = {};
  readBlocks(tap, () => {
    const key = tap.readString();
    const value = valuesType._read(tap);
    if (key === '__proto__') Object.defineProperty(map, key, { value, enumerable: true, writable: true });
    else map[key] = value;
  });
  return map;
}

function readBlocks(tap: Tap, readItem: () => void): void {
  let left = tap.buf.length - tap.pos + MAX_EMPTY_ITEMS;
  for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
    if (count < 0) {
      count = -count;
      tap.skipLong();
    }
    left -= count;
    if (!(left >= 0)) throw new RangeError('more items than bytes');
    for (; count > 0; count--) {
      readItem();
      if (tap.pos > tap.buf.length) throw new RangeError('the bytes end in the middle of a collection');
    }
  }
}

function repaired(schema: unknown, options: never): avro.Type | undefined {
  if (Array.isArray(schema)) {
    // avsc does not see that the exact long is one number among others.
    const isAmbiguous = schema.filter((branch) => NUMBERS.has(branch)).length > 1;
    return isAmbiguous ? new avro.types.WrappedUnionType(schema as never, options) : undefined;
  }
  const type = (schema as { type?: unknown } | null)?.type;
  if (type === 'array') return new BoundedArray(schema as never, options);
  return type === 'map' ? new BoundedMap(schema as never, options) : undefined;
}

/**
 * avsc's long for numbers below 2^52. Beyond, its zig-zag arithmetic leaves the exact integers of a double and even loses
 * the sign, so those throw here and are left to the exact type.
 */
class FastLong extends avro.types.LongType {
  _read(tap: Tap): number {
    const value = tap.readLong();
    if (value >= FAST_LONG_LIMIT || value <= -FAST_LONG_LIMIT) throw new RangeError('a long beyond 2^52');
    return value;
  }

  _write(tap: Tap, value: unknown): void {
    if (
      typeof value !== 'number' ||
      !Number.isInteger(value) ||
      value >= FAST_LONG_LIMIT ||
      value <= -FAST_LONG_LIMIT
    ) {
      throw new RangeError(`${String(value)} is not a long below 2^52`);
    }
    tap.writeLong(value);
  }
}

const FAST_LONG_LIMIT = 2 ** 52;

function exactLong(): avro.Type {
  return avro.types.LongType.__with({
    fromBuffer: (buffer: Buffer) => safe(buffer.readBigInt64LE()),
    toBuffer(value: number | bigint) {
      const buffer = Buffer.alloc(8);
      buffer.writeBigInt64LE(BigInt(value));
      return buffer;
    },
    fromJSON: (value: unknown) => safe(BigInt(value as number)),
    toJSON: (value: unknown) => Number(value),
    isValid: (value: unknown) =>
      (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) || Number.isSafeInteger(value),
    compare: (a: number | bigint, b: number | bigint) => (a === b ? 0 : a < b ? -1 : 1),
  });
}

function safe(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
