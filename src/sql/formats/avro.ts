// Rows as Avro records of the registry: read from whatever schema they were written with, written with the one given.
import { AvroCursor, type AvroNode, fullName, parseStoredAvro, writeAvroLong } from '../../schemas/index.ts';
import {
  DeserializationError,
  ENVELOPE_BYTES,
  loadAvro,
  registrySerde,
  type ResolvedSchema,
} from '../../serde/index.ts';
import { ByteWriter, faultOf } from '../../util/index.ts';
import type { Row } from '../values/value.ts';
import { avroColumns, recordOf } from './avro-columns.ts';
import { avroReader } from './avro-reading.ts';
import { avroSchemaOf, NAMESPACE } from './avro-schema.ts';
import { avroWriter } from './avro-writing.ts';
import type { CodecColumn, RowSerde } from './codec.ts';
import { hasOddMap, type RecordLayout, type RegisteredFormat, type RowRegistry } from './format.ts';
import { FULL_SCHEMA_NAME, SCHEMA_ID } from './properties.ts';

export const avroFormat: RegisteredFormat = {
  holds: 'rows',
  wraps: ['WRAP_SINGLES', 'UNWRAP_SINGLES'],
  properties: [FULL_SCHEMA_NAME, SCHEMA_ID],
  schemaType: 'AVRO',
  /** Keys and values of one source must not be records of the same name. */
  defaults(side, sourceName) {
    if (side === 'VALUE') return {};
    const words = sourceName.toLowerCase().split(/[^a-z0-9]+/);
    const camel = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
    return { fullSchemaName: `${NAMESPACE}.${camel}Key` };
  },
  refusal(columns) {
    if (hasOddMap(columns)) return 'Avro only supports MAPs with STRING keys';
    const bad = illegalName(columns);
    return bad === undefined ? undefined : `Schema is not compatible with Avro: ${bad}`;
  },
  serde: avroRowSerde,
  schemaOf: ({ columns, bare, properties }) =>
    JSON.stringify(avroSchemaOf(columns, bare, properties['fullSchemaName'])),
  columnsOf: avroColumns,
  checkReads(schema, { columns, bare }) {
    avroReader(parseStoredAvro(schema), columns, bare);
  },
  fieldNames: (schema) => recordOf(parseStoredAvro(schema))?.fields.flatMap(({ name, aliases }) => [name, ...aliases]),
  async printer(resolve) {
    const codec = (await loadAvro())<unknown>(await resolve());
    const plain = (_key: string, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner);
    return (bytes) => JSON.stringify(codec.decode(bytes, ENVELOPE_BYTES, bytes.length), plain);
  },
};

function illegalName(columns: readonly CodecColumn[]): string | undefined {
  for (const { name, type } of columns) {
    if (!/^[A-Za-z_]/.test(name)) return `Illegal initial character: ${name}`;
    if (!/^\w+$/.test(name)) return `Illegal character in: ${name}`;
    const nested = type.kind === 'STRUCT' ? illegalName(type.fields) : undefined;
    if (nested !== undefined) return nested;
  }
  return undefined;
}

function avroRowSerde({ columns, bare }: RecordLayout, registry: RowRegistry): RowSerde {
  const load = async () => (resolved: ResolvedSchema) => rowCodec(parseStoredAvro(resolved), columns, bare);
  return registrySerde<Row>({ name: 'AVRO', schemaType: 'AVRO', load }, registry.written, registry);
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
