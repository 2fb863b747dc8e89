import { ByteWriter, MillraceError } from '../util/index.ts';

/**
 * PORT. How a value becomes bytes and bytes a value. `null` never reaches a serde: a null key or value is a null on the
 * wire, too (a tombstone).
 *
 * Both directions are synchronous, so that a batch is processed without an await per record. A serde that needs a schema
 * it does not hold yet throws `SchemaNotLoaded`; the caller awaits its `load()` and decodes again.
 */
export interface Serde<T> {
  /** A short name for plans and errors: `JSON`, `KAFKA(BIGINT)`, `AVRO`. */
  readonly name: string;
  /** Appends the bytes of `value`. Throws `SerializationError` when the value does not fit. */
  encode(value: T, out: ByteWriter): void;
  /** The value of `bytes[start, end)`. Throws `DeserializationError`, or `SchemaNotLoaded`. Must not keep `bytes`. */
  decode(bytes: Buffer, start: number, end: number): T;
  /** Loads or registers what encoding needs (a schema id). Called once before the first record; absent when nothing is needed. */
  prepare?(): Promise<void>;
}

export class SerializationError extends MillraceError {
  override readonly name = 'SerializationError';
  constructor(message: string, cause?: unknown) {
    super('SERIALIZATION_FAILED', message, { cause });
  }
}

export class DeserializationError extends MillraceError {
  override readonly name = 'DeserializationError';
  constructor(message: string, cause?: unknown) {
    super('DESERIALIZATION_FAILED', message, { cause });
  }
}

/** The bytes name a schema that is not cached. Not a failure: `await error.load()`, then decode the same bytes again. */
export class SchemaNotLoaded extends MillraceError {
  override readonly name = 'SchemaNotLoaded';
  readonly schemaId: number;
  readonly load: () => Promise<void>;
  constructor(schemaId: number, load: () => Promise<void>) {
    super('SCHEMA_NOT_LOADED', `the schema with id ${schemaId} has not been loaded yet`, { retriable: true });
    this.schemaId = schemaId;
    this.load = load;
  }
}

/** The bytes of one value in a buffer of their own; null stays null. For callers off the hot path. */
export function serialize<T>(serde: Serde<T>, value: T | null): Buffer | null {
  if (value === null) return null;
  const out = new ByteWriter();
  serde.encode(value, out);
  return out.copy();
}

/** The value of a whole buffer; null stays null. For callers off the hot path. */
export function deserialize<T>(serde: Serde<T>, bytes: Uint8Array | null): T | null {
  if (bytes === null) return null;
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return serde.decode(buffer, 0, buffer.length);
}
