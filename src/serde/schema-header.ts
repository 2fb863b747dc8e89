// The two forms of a value whose schema is registered. With a prefix: 00, the schema's id (int32), the payload. With a
// header: the record's header `__key_schema_id` or `__value_schema_id` holds 01 and the schema's GUID (16 bytes), and the
// value is the payload alone. Whatever Protobuf adds (which message it is) stands behind the id or behind the GUID.
//
// Serdes work on the prefix form. The header form exists only where records enter and leave: what is read gets its prefix
// put in front, what is written has it cut off.
import { ByteWriter } from '../util/index.ts';
import { type RecordHeader, SchemaNotLoaded, type Serde } from './serde.ts';

export const KEY_SCHEMA_HEADER = '__key_schema_id';
export const VALUE_SCHEMA_HEADER = '__value_schema_id';

/** Appends what a value in the header form has in front in the prefix form; false when no header names its schema. */
export function putPrefix(serde: Serde<unknown>, headers: readonly RecordHeader[], out: ByteWriter): boolean {
  const { schemaHeader } = serde;
  if (schemaHeader === undefined) return false;
  const header = headers.findLast(({ key, value }) => key === schemaHeader.key && value !== null);
  if (header === undefined) return false;
  schemaHeader.writePrefix(header.value!, out);
  return true;
}

/** The bytes of one value as a record holds them, in a buffer of their own; null stays null. For callers off the hot path. */
export function serialize<T>(serde: Serde<T>, value: T | null): Buffer | null {
  if (value === null) return null;
  const out = new ByteWriter();
  serde.encode(value, out);
  return out.copy(serde.schemaHeader?.written?.prefixBytes);
}

/** The headers that a record written with these serdes needs: none, unless they keep schema ids in headers. */
export function headersOf(...serdes: readonly Pick<Serde<unknown>, 'schemaHeader'>[]): RecordHeader[] {
  return serdes.flatMap(({ schemaHeader }) => schemaHeader?.written?.header ?? []);
}

/**
 * The value of a whole buffer, whose schema its record's headers may name; null stays null. For callers off the hot path.
 * Throws `SchemaNotLoaded` when the schema is not at hand.
 */
export function deserialize<T>(
  serde: Serde<T>,
  bytes: Uint8Array | null,
  headers: readonly RecordHeader[] = [],
): T | null {
  if (bytes === null) return null;
  const out = new ByteWriter();
  if (headers.length > 0 && putPrefix(serde as Serde<unknown>, headers, out)) {
    out.bytes(bytes);
    return serde.decode(out.buffer, 0, out.position);
  }
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return serde.decode(buffer, 0, buffer.length);
}

/** As `deserialize`, and loads the schemas that it needs: for those who read a record here and there. */
export async function deserializeLoading<T>(...value: Parameters<typeof deserialize<T>>): Promise<T | null> {
  for (;;) {
    try {
      return deserialize(...value);
    } catch (error) {
      if (!(error instanceof SchemaNotLoaded)) throw error;
      await error.load();
    }
  }
}
