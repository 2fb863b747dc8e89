// Avro payloads (avsc). Longs are numbers while they are safe integers and bigints beyond. avsc's own long type is fast but
// can't do all of them, so every schema has two types: the fast one is tried first, the exact one serves the rare big value.
import avro from 'avsc';
import { type ByteWriter, messageOf } from '../util/index.ts';
import type { AvroSchema } from './avro.ts';
import type { Codec } from './registry-serde.ts';
import { DeserializationError, SerializationError } from './serde.ts';

const NO_LEAD = new Uint8Array();

/** A schema whose named types may come from other schemas, each of which knows those before it. */
export class AvroCodec<T> implements Codec<T> {
  readonly schema: AvroSchema;
  readonly lead = NO_LEAD;
  readonly #references: readonly AvroSchema[];
  readonly #fast: avro.Type;
  /** A value that is nothing but bytes is written without its length. */
  readonly #isBytes: boolean;
  #exact: avro.Type | undefined;

  constructor(schema: AvroSchema, references: readonly AvroSchema[] = []) {
    this.schema = schema;
    this.#references = references;
    this.#fast = typeOf(schema, references, false);
    this.#isBytes = this.#fast.typeName === 'bytes';
  }

  get recordName(): string | undefined {
    return this.#fast.name;
  }

  encode(value: T, out: ByteWriter): void {
    if (this.#isBytes) {
      if (!(value instanceof Uint8Array)) throw new SerializationError('the value is not the bytes of its Avro schema');
      out.bytes(value);
      return;
    }
    try {
      write(this.#fast, value, out);
      return;
    } catch {
      // Either a bigint, or a value that does not fit: the exact type tells which.
    }
    const exact = this.#exactType();
    try {
      write(exact, value, out);
    } catch (error) {
      const what = firstMisfit(exact, value) ?? messageOf(error);
      throw new SerializationError(`the value does not fit the Avro schema: ${what}`, error);
    }
  }

  decode(bytes: Buffer, start: number, end: number): T {
    if (this.#isBytes) return Buffer.from(bytes.subarray(start, end)) as T;
    const datum = start === 0 && end === bytes.length ? bytes : bytes.subarray(0, end);
    try {
      return read<T>(this.#fast, datum, start);
    } catch {
      // Either an unsafe long or broken bytes: the exact type tells which.
    }
    try {
      return read<T>(this.#exactType(), datum, start);
    } catch (error) {
      throw new DeserializationError(`the bytes are not a datum of their Avro schema: ${messageOf(error)}`, error);
    }
  }

  #exactType(): avro.Type {
    this.#exact ??= typeOf(this.schema, this.#references, true);
    return this.#exact;
  }
}

/** The field that is wrong, as avsc finds it. */
function firstMisfit(type: avro.Type, value: unknown): string | undefined {
  let found: string | undefined;
  try {
    type.isValid(value, {
      errorHook(path: readonly string[], part: unknown, expected: avro.Type) {
        const where = path.length === 0 ? 'the value' : path.join('.');
        // The exact long calls itself abstract.
        const wanted = expected.name ?? expected.typeName.replace('abstract:', '');
        found ??= `${where} is ${shown(part)}, not ${wanted}`;
      },
    } as unknown as Parameters<typeof type.isValid>[1]);
  } catch {
    // A value so deep that even looking at it fails.
  }
  return found;
}

function shown(part: unknown): string {
  if (typeof part === 'string') return JSON.stringify(part.length > 50 ? `${part.slice(0, 50)}…` : part);
  if (typeof part !== 'object' || part === null) return String(part);
  return Array.isArray(part) ? 'an array' : 'an object';
}

function typeOf(schema: AvroSchema, references: readonly AvroSchema[], exactLongs: boolean): avro.Type {
  const options = {
    wrapUnions: 'auto',
    registry: { long: exactLongs ? exactLong() : new FastLong() },
    typeHook: boundedCollection,
  } as unknown as Parameters<typeof avro.Type.forSchema>[1];
  try {
    for (const reference of references) avro.Type.forSchema(plain(reference) as avro.Schema, options);
    return avro.Type.forSchema(plain(schema) as avro.Schema, options);
  } catch (error) {
    throw new SerializationError(`invalid Avro schema: ${messageOf(error)}`, error);
  }
}

const PRIMITIVES = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']);

/** Annotated primitives (`{type: long, logicalType: …}`) as their bare names: only those are looked up in avsc's registry. */
function plain(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(plain);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = schema as Record<string, unknown>;
  if (typeof entries['type'] === 'string' && PRIMITIVES.has(entries['type'])) return entries['type'];
  const copy: Record<string, unknown> = { ...entries };
  if (typeof entries['type'] === 'object') copy['type'] = plain(entries['type']);
  if ('items' in entries) copy['items'] = plain(entries['items']);
  if ('values' in entries) copy['values'] = plain(entries['values']);
  if (Array.isArray(entries['fields'])) {
    copy['fields'] = entries['fields'].map((field: Record<string, unknown>) => ({
      ...field,
      type: plain(field['type']),
    }));
  }
  return copy;
}

interface Tap {
  readonly buf: Buffer;
  pos: number;
  readLong(): number;
  skipLong(): void;
  readString(): string;
  writeLong(value: number): void;
}

interface Reads {
  _read(tap: Tap): unknown;
}

/** Items that take no bytes (nulls) are counted, too, but no array of a record has so many. */
const MAX_EMPTY_ITEMS = 65_536;

/**
 * avsc believes the count in front of a block of items and notices only at the end that there were not so many bytes: some
 * ten bytes could keep it busy for ever. These count.
 */
class BoundedArray extends avro.types.ArrayType {
  _read(tap: Tap): unknown[] {
    const items: unknown[] = [];
    const itemsType = this.itemsType as unknown as Reads;
    readBlocks(tap, () => items.push(itemsType._read(tap)));
    return items;
  }
}

class BoundedMap extends avro.types.MapType {
  _read(tap: Tap): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    const valuesType = this.valuesType as unknown as Reads;
    readBlocks(tap, () => {
      const key = tap.readString();
      const value = valuesType._read(tap);
      if (key === '__proto__') Object.defineProperty(map, key, { value, enumerable: true, writable: true });
      else map[key] = value;
    });
    return map;
  }
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

function boundedCollection(schema: unknown, options: never): avro.Type | undefined {
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

/** avsc answers a negative position when the buffer was too small: make room and write again. */
function write(type: avro.Type, value: unknown, out: ByteWriter): void {
  out.reserve(64);
  for (;;) {
    const end = type.encode(value, out.buffer, out.position);
    if (end >= 0) {
      out.position = end;
      return;
    }
    out.reserve(out.buffer.length - out.position - end);
  }
}

function read<T>(type: avro.Type, bytes: Buffer, start: number): T {
  const { value, offset } = type.decode(bytes, start) as { value: T; offset: number };
  if (offset < 0) throw new DeserializationError('the bytes end in the middle of the value');
  if (offset < bytes.length)
    throw new DeserializationError(`${bytes.length - offset} bytes are left over behind the value`);
  return value;
}
