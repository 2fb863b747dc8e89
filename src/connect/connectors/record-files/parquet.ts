// Parquet files. Those that we write have their Connect schema among their metadata, so that what comes back is what went in.
import { type FileMetaData, parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import { ByteWriter, parquetWrite } from 'hyparquet-writer';
import { brotliDecompressSync, gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib';
import { faultOf } from '../../../util/index.ts';
import { hasDecimals, jsonReader, parseNumbers } from '../../converters/json/reader.ts';
import { schemaOf, schemaText } from '../../converters/json/schema-json.ts';
import { DataError } from '../../data/errors.ts';
import type { SchemaAndValue } from '../../data/record.ts';
import type { Schema } from '../../data/schema.ts';
import { checkValue, fieldValue } from '../../data/validate.ts';
import { type FileBytes, type RecordFileWriter, type RecordFormat, wholeFile } from './format.ts';
import { type Column, columnOf, isNested, structOfColumns, valueOfCell } from './parquet-schema.ts';

/** How pages can be compressed, in the words of `parquet.codec`. */
export const PARQUET_CODECS = ['snappy', 'gzip', 'none'] as const;
type CodecName = (typeof PARQUET_CODECS)[number];

const CODECS = { snappy: 'SNAPPY', gzip: 'GZIP', none: 'UNCOMPRESSED' } as const;
const EXTENSIONS = { snappy: '.snappy.parquet', gzip: '.gz.parquet', none: '.parquet' } as const;
const SCHEMA_KEY = 'connect.schema';
const JSON_FORM = { decimalFormat: 'BASE64', replaceNull: true } as const;

/** Parquet files. */
export function parquetFiles(codec: CodecName): RecordFormat {
  return {
    extension: EXTENSIONS[codec],
    writer(schema) {
      if (schema?.type !== 'struct')
        throw new DataError('Parquet files need records with a schema that is a struct: use a converter that has one');
      if (schema.fields.length === 0) throw new DataError('a Parquet file needs a column, and the struct has no field');
      return new ParquetWriter(schema, codec);
    },
    read: readParquet,
  };
}

class ParquetWriter implements RecordFileWriter {
  readonly #schema: Schema;
  readonly #codec: CodecName;
  readonly #columns: readonly Column[];
  readonly #cells: unknown[][];

  constructor(schema: Schema, codec: CodecName) {
    this.#schema = schema;
    this.#codec = codec;
    this.#columns = schema.fields.map((field) => columnOf(field.name, field.schema));
    this.#cells = this.#columns.map(() => []);
  }

  add(value: unknown): void {
    if (value === null || value === undefined) throw new DataError('a Parquet file has no rows that are null');
    checkValue(this.#schema, value);
    const struct = value as Readonly<Record<string, unknown>>;
    const row = this.#columns.map(({ name, schema, cellOf }) => {
      const field = fieldValue(struct, name, schema);
      return field === null ? null : cellOf(field);
    });
    for (const [i, cell] of row.entries()) this.#cells[i]!.push(cell);
  }

  finish(): Buffer {
    const writer = new ByteWriter();
    parquetWrite({
      writer,
      // Of bytes and JSON, bounds are of no use to readers, and would be as long as the values.
      columnData: this.#columns.map(({ name, schema }, i) => ({
        name,
        data: this.#cells[i]!,
        statistics: !isNested(schema),
      })),
      schema: [{ name: 'root', num_children: this.#columns.length }, ...this.#columns.map(({ element }) => element)],
      codec: CODECS[this.#codec],
      compressors: { GZIP: (page) => gzipSync(page) },
      kvMetadata: [{ key: SCHEMA_KEY, value: schemaText(this.#schema, JSON_FORM) }],
      createdBy: 'millrace',
    });
    return Buffer.from(writer.getBuffer());
  }
}

async function* readParquet(bytes: FileBytes): AsyncGenerator<SchemaAndValue> {
  const whole = await wholeFile(bytes);
  const file = new Uint8Array(whole).buffer;
  const metadata = await broken(async () => parquetMetadata(file));
  const { schema, valueOf } = readingOf(metadata);
  keepDecimals(metadata);
  let rowStart = 0;
  for (const { num_rows: count } of metadata.row_groups) {
    const rowEnd = rowStart + Number(count);
    const rows = await broken(() =>
      parquetReadObjects({
        file,
        metadata,
        rowStart,
        rowEnd,
        utf8: false,
        compressors: {
          GZIP: unpackedBy(gunzipSync),
          ZSTD: unpackedBy(zstdDecompressSync),
          BROTLI: unpackedBy(brotliDecompressSync),
        },
        parsers: { jsonFromBytes: (json) => Buffer.from(json).toString() },
      }),
    );
    for (const row of rows) yield { schema, value: valueOf(row) };
    rowStart = rowEnd;
  }
}

const unpackedBy =
  (unpack: (page: Uint8Array) => Buffer) =>
  (page: Uint8Array): Uint8Array =>
    unpack(page);

/** The library would make doubles of decimals: without the type they come as they are stored. */
function keepDecimals({ schema }: FileMetaData): void {
  for (const element of schema) {
    if (element.converted_type === 'DECIMAL') delete element.converted_type;
    if (element.logical_type?.type === 'DECIMAL') delete element.logical_type;
  }
}

interface Reading {
  readonly schema: Schema;
  valueOf(row: Readonly<Record<string, unknown>>): unknown;
}

function readingOf(metadata: FileMetaData): Reading {
  const text = metadata.key_value_metadata?.find(({ key }) => key === SCHEMA_KEY)?.value;
  const own = text === undefined ? null : schemaOf(parseNumbers(text));
  if (own === null) {
    const schema = structOfColumns(parquetSchema(metadata));
    return { schema, valueOf: (row) => valueOfCell(schema, row) };
  }
  const fields = own.fields.map(({ name, schema }) => ({
    name,
    read: isNested(schema) ? nestedReader(schema) : (cell: unknown) => valueOfCell(schema, cell),
  }));
  return {
    schema: own,
    valueOf: (row) => Object.fromEntries(fields.map(({ name, read }) => [name, read(row[name])])),
  };
}

function nestedReader(schema: Schema): (cell: unknown) => unknown {
  const read = jsonReader(schema, { replaceNull: false });
  const exact = hasDecimals(schema);
  return (cell) => {
    if (cell === null || cell === undefined) return null;
    return read(parseNumbers(cell instanceof Uint8Array ? Buffer.from(cell).toString() : String(cell), exact));
  };
}

async function broken<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new DataError(`the file is no Parquet file that can be read: ${faultOf(error)}`, error);
  }
}
