// Avro in the registry's envelope: 00, the schema's id (int32), then the datum in Avro's binary encoding (avsc).
//
// Longs are numbers while they are safe integers and bigints beyond. avsc's own long type is fast but can't do all of
// them, so every schema has two types: the fast one is tried first, the exact one serves the rare big value.
import avro from 'avsc';
import { type ByteWriter, messageOf } from '../util/index.ts';
import { ENVELOPE_BYTES, MAGIC_BYTE, type SchemaSource } from './schema-source.ts';
import { DeserializationError, SchemaNotLoaded, SerializationError, type Serde } from './serde.ts';

/** An Avro schema as JSON: the name of a primitive, a union as an array, or an object. */
export type AvroSchema = string | readonly AvroSchema[] | { readonly [key: string]: unknown };

export class AvroCodec<T> {
  readonly schema: AvroSchema;
  readonly #fast: avro.Type;
  #exact: avro.Type | undefined;

  constructor(schema: AvroSchema) {
    this.schema = schema;
    this.#fast = typeOf(schema, false);
  }

  encode(value: T, out: ByteWriter): void {
    try {
      write(this.#fast, value, out);
      return;
    } catch {
      // Either a bigint, or a value that does not fit: the exact type tells which.
    }
    try {
      write(this.#exactType(), value, out);
    } catch (error) {
      throw new SerializationError(`the value does not fit the Avro schema: ${messageOf(error)}`, error);
    }
  }

  decode(bytes: Buffer, start: number, end: number): T {
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
    this.#exact ??= typeOf(this.schema, true);
    return this.#exact;
  }
}

/** Values of one schema, registered under `subject` when `prepare` runs; data of any other schema id is read with its writer's. */
export function avroSerde<T>(options: { schemas: SchemaSource; subject: string; schema: AvroSchema }): Serde<T> {
  const { schemas, subject, schema } = options;
  const writer = new AvroCodec<T>(schema);
  const readers = new Map<number, AvroCodec<T>>();
  let id = -1;

  function readerOf(schemaId: number): AvroCodec<T> {
    let codec = readers.get(schemaId);
    if (codec === undefined) {
      const registered = schemas.cached(schemaId);
      if (registered === undefined) {
        throw new SchemaNotLoaded(schemaId, async () => {
          await schemas.byId(schemaId);
        });
      }
      if (registered.schemaType !== 'AVRO') {
        throw new DeserializationError(`schema ${schemaId} is ${registered.schemaType}, not AVRO`);
      }
      codec = new AvroCodec<T>(JSON.parse(registered.schema) as AvroSchema);
      readers.set(schemaId, codec);
    }
    return codec;
  }

  return {
    name: 'AVRO',
    async prepare() {
      id = await schemas.register(subject, 'AVRO', JSON.stringify(schema));
    },
    encode(value, out) {
      if (id < 0) throw new SerializationError(`the schema of subject ${subject} has not been registered yet`);
      writeEnvelope(id, out);
      writer.encode(value, out);
    },
    decode(bytes, start, end) {
      return readerOf(readEnvelope(bytes, start, end)).decode(bytes, start + ENVELOPE_BYTES, end);
    },
  };
}

/** Writes the magic byte and the schema id; the payload follows. */
export function writeEnvelope(schemaId: number, out: ByteWriter): void {
  out.int8(MAGIC_BYTE);
  out.int32(schemaId);
}

/** Checks the envelope at `start` and returns the schema id; the payload begins `ENVELOPE_BYTES` later. */
export function readEnvelope(bytes: Buffer, start: number, end: number): number {
  if (end - start < ENVELOPE_BYTES) {
    throw new DeserializationError(
      `${end - start} bytes are too short for a schema id; was this written without a registry?`,
    );
  }
  if (bytes[start] !== MAGIC_BYTE) {
    throw new DeserializationError(`the first byte is ${bytes[start]}, not 0: this was written without a registry`);
  }
  return bytes.readInt32BE(start + 1);
}

function typeOf(schema: AvroSchema, exactLongs: boolean): avro.Type {
  try {
    return avro.Type.forSchema(
      plain(schema) as avro.Schema,
      {
        wrapUnions: 'auto',
        registry: { long: exactLongs ? exactLong() : new FastLong() },
      } as Parameters<typeof avro.Type.forSchema>[1],
    );
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
  readLong(): number;
  writeLong(value: number): void;
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
