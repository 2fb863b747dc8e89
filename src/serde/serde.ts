import { type ByteWriter, MillraceError } from '../util/index.ts';

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
  /**
   * Present where a header of the record may name the schema instead of the value's first bytes. `encode` and `decode` know
   * the bytes with their prefix only: those need no record around them, so stores and internal topics hold them, too.
   */
  readonly schemaHeader?: SchemaHeader | undefined;
  /** Of windowed keys: so many bytes at the end are the window. A record's partition is that of its key without them. */
  readonly windowBytes?: number | undefined;
}

/** A header of a record, as bytes. */
export interface RecordHeader {
  /** Its name. */
  readonly key: string;
  /** Its bytes. */
  readonly value: Uint8Array | null;
}

/** What a serde knows about the header that may name its values' schema. */
export interface SchemaHeader {
  /** `__key_schema_id` or `__value_schema_id`. */
  readonly key: string;
  /** True when records are written in the header form. */
  readonly isWritten: boolean;
  /** The header to write, and how many bytes of what `encode` wrote it stands for. Undefined until `prepare`, and in the prefix form. */
  readonly written: { readonly header: RecordHeader; readonly prefixBytes: number } | undefined;
  /** Appends the prefix that says what the header says. Throws `SchemaNotLoaded` or `DeserializationError`. */
  writePrefix(header: Uint8Array, out: ByteWriter): void;
}

/** A value that the serde can't write: SERIALIZATION_FAILED. */
export class SerializationError extends MillraceError {
  /** The name of the class. */
  override readonly name = 'SerializationError';
  constructor(message: string, cause?: unknown) {
    super('SERIALIZATION_FAILED', message, { cause });
  }
}

/** Bytes that are no value of the serde: DESERIALIZATION_FAILED. */
export class DeserializationError extends MillraceError {
  /** The name of the class. */
  override readonly name = 'DeserializationError';
  constructor(message: string, cause?: unknown) {
    super('DESERIALIZATION_FAILED', message, { cause });
  }
}

/** The bytes name a schema that is not cached. Not a failure: `await error.load()`, then decode the same bytes again. */
export class SchemaNotLoaded extends MillraceError {
  /** The name of the class. */
  override readonly name = 'SchemaNotLoaded';
  /** The id, or the GUID where a header named the schema. */
  readonly schemaId: number | string;
  /** Loads it; rejects as the schema source does. */
  readonly load: () => Promise<void>;
  constructor(schemaId: number | string, load: () => Promise<void>) {
    super('SCHEMA_NOT_LOADED', `the schema ${schemaId} has not been loaded yet`, { retriable: true });
    this.schemaId = schemaId;
    this.load = load;
  }
}
