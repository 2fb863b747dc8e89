// Avro payloads (avsc). Longs are numbers while they are safe integers and bigints beyond; for those avsc's types have to be
// other ones (avro-types.ts), which are tried when the fast ones fail.
import type avro from 'avsc';
import type { AvroNode } from '../schemas/index.ts';
import { type ByteWriter, faultOf } from '../util/index.ts';
import { resolution, Unresolvable } from './avro-resolution.ts';
import { AvroTypes, type Tap } from './avro-types.ts';
import type { Codec, Decoder } from './registry-serde.ts';
import { DeserializationError, SerializationError } from './serde.ts';

const NO_LEAD = new Uint8Array();

export class AvroCodec<T> implements Codec<T> {
  readonly lead = NO_LEAD;
  readonly #types: AvroTypes;
  /** A value that is nothing but bytes is written without its length. */
  readonly #isBytes: boolean;

  constructor(schema: AvroNode) {
    this.#types = new AvroTypes(schema);
    this.#isBytes = this.#types.fast.typeName === 'bytes';
  }

  get recordName(): string | undefined {
    return this.#types.fast.name;
  }

  encode(value: T, out: ByteWriter): void {
    if (this.#isBytes) {
      if (!(value instanceof Uint8Array)) throw new SerializationError('the value is not the bytes of its Avro schema');
      out.bytes(value);
      return;
    }
    try {
      write(this.#types.fast, value, out);
      return;
    } catch {
      // Either a bigint, or a value that does not fit: the exact type tells which.
    }
    const { exact } = this.#types;
    try {
      write(exact, value, out);
    } catch (error) {
      const what = firstMisfit(exact, value) ?? faultOf(error);
      throw new SerializationError(`the value does not fit the Avro schema: ${what}`, error);
    }
  }

  decode(bytes: Buffer, start: number, end: number): T {
    if (this.#isBytes) return Buffer.from(bytes.subarray(start, end)) as T;
    return decodeDatum(this.#types, bytes, start, end);
  }

  decoderOf(writer: this): Decoder<T> {
    // Without its length, what is only bytes is not what is promoted to a string or read as a branch of a union.
    const resolved = new ResolvedTypes(writer.#types, this.#types);
    if (!writer.#isBytes) return { decode: (bytes, start, end) => decodeDatum(resolved, bytes, start, end) };
    return {
      decode(bytes, start, end) {
        const datum = writer.#types.fast.toBuffer(bytes.subarray(start, end));
        return decodeDatum(resolved, datum, 0, datum.length);
      },
    };
  }
}

/** avsc's types read like this. */
interface DatumReader {
  decode(bytes: Buffer, start: number): { value: unknown; offset: number };
}

/** What reads a writer's values as those of a reader; throws `Unresolvable` when that can't be. */
class ResolvedTypes {
  readonly fast: DatumReader;
  readonly #writer: AvroTypes;
  readonly #reader: AvroTypes;
  #exact: DatumReader | undefined;

  constructor(writer: AvroTypes, reader: AvroTypes) {
    this.#writer = writer;
    this.#reader = reader;
    this.fast = resolvedReader(writer.fast, reader.fast);
  }

  get exact(): DatumReader {
    this.#exact ??= resolvedReader(this.#writer.exact, this.#reader.exact);
    return this.#exact;
  }
}

function resolvedReader(writer: avro.Type, reader: avro.Type): DatumReader {
  const resolved = resolution(writer, reader);
  // avsc runs what has this shape, of its own making or not.
  const resolver = { _readerType: reader, _read: (tap: Tap) => resolved._read(tap) } as never;
  return { decode: (bytes, start) => reader.decode(bytes, start, resolver) };
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

/** avsc returns a negative position when the buffer was too small: make room and write again. */
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

function decodeDatum<T>(
  types: { readonly fast: DatumReader; readonly exact: DatumReader },
  bytes: Buffer,
  start: number,
  end: number,
): T {
  const datum = start === 0 && end === bytes.length ? bytes : bytes.subarray(0, end);
  try {
    return read<T>(types.fast, datum, start);
  } catch {
    // Either an unsafe long or broken bytes: the exact type tells which.
  }
  try {
    return read<T>(types.exact, datum, start);
  } catch (error) {
    if (error instanceof Unresolvable) throw error;
    throw new DeserializationError(`the bytes are not a datum of their Avro schema: ${faultOf(error)}`, error);
  }
}

function read<T>(type: DatumReader, bytes: Buffer, start: number): T {
  const { value, offset } = type.decode(bytes, start) as { value: T; offset: number };
  if (offset < 0) throw new DeserializationError('the bytes end in the middle of the value');
  if (offset < bytes.length)
    throw new DeserializationError(`${bytes.length - offset} bytes are left over behind the value`);
  return value;
}
