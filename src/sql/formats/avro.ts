// Rows as Avro records of the registry: read from whatever schema they were written with, written with the one given.
import { AvroCursor, type AvroNode, fullName, parseStoredAvro, writeAvroLong } from '../../schemas/index.ts';
import { DeserializationError, type RegistryOptions, registrySerde, type ResolvedSchema } from '../../serde/index.ts';
import { ByteWriter, faultOf } from '../../util/index.ts';
import type { Row } from '../values/value.ts';
import { recordOf } from './avro-columns.ts';
import { avroReader } from './avro-reading.ts';
import { avroWriter } from './avro-writing.ts';
import type { CodecColumn, RowSerde } from './codec.ts';

export function avroRowSerde(
  columns: readonly CodecColumn[],
  bare: boolean,
  schema: string | undefined,
  registry: RegistryOptions,
): RowSerde {
  const load = async () => (resolved: ResolvedSchema) => rowCodec(parseStoredAvro(resolved), columns, bare);
  return registrySerde<Row>({ name: 'AVRO', schemaType: 'AVRO', load }, schema, registry);
}

function rowCodec(root: AvroNode, columns: readonly CodecColumn[], bare: boolean) {
  // A value that is nothing but bytes is written without its length.
  const isBytes = bare && root.kind === 'bytes';
  let write: ((row: Row, out: ByteWriter) => void) | undefined;
  let read: ((cursor: AvroCursor) => Row | null) | undefined;
  return {
    recordName: 'name' in root ? fullName(root) : undefined,
    lead: new Uint8Array(),
    encode(row: Row, out: ByteWriter) {
      write ??= avroWriter(root, columns, bare);
      if (!isBytes) {
        write(row, out);
        return;
      }
      const whole = new ByteWriter();
      write(row, whole);
      out.bytes(new AvroCursor(whole.buffer, 0, whole.position).bytes());
    },
    decode(bytes: Buffer, start: number, end: number): Row {
      read ??= avroReader(root, columns, bare);
      const cursor = isBytes ? withLength(bytes, start, end) : new AvroCursor(bytes, start, end);
      try {
        const row = read(cursor);
        cursor.finish();
        return row as Row;
      } catch (error) {
        if (error instanceof DeserializationError) throw error;
        throw new DeserializationError(`the record can't be read with its Avro schema: ${faultOf(error)}`, error);
      }
    },
  };
}

function withLength(bytes: Buffer, start: number, end: number): AvroCursor {
  const whole = new ByteWriter();
  writeAvroLong(end - start, whole);
  whole.bytes(bytes, start, end);
  return new AvroCursor(whole.buffer, 0, whole.position);
}

/** Throws when records of a schema can't be read as these columns. */
export function checkAvroReads(schema: ResolvedSchema, columns: readonly CodecColumn[], bare: boolean): void {
  avroReader(parseStoredAvro(schema), columns, bare);
}

/** The names that fields of a schema's records are found by; undefined when they are no records. */
export function avroFieldNames(schema: ResolvedSchema): readonly string[] | undefined {
  return recordOf(parseStoredAvro(schema))?.fields.flatMap(({ name, aliases }) => [name, ...aliases]);
}
