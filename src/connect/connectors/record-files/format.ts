/**
 * PORT. Formats of files of records: what a sink writes records of one schema with, and a source reads them back with. A file is
 * written as a whole, from memory: files that exist are complete. The same records always make the same bytes.
 */
import { createGunzip, gzipSync } from 'node:zlib';
import { Readable } from 'node:stream';
import { ConnectError, DataError } from '../../data/errors.ts';
import type { SchemaAndValue } from '../../data/record.ts';
import type { Schema } from '../../data/schema.ts';

/** The bytes of a file, from its beginning; asked for once. */
export type FileBytes = AsyncIterable<Uint8Array>;

/** A format of files. */
export interface RecordFormat {
  /** What its files' names end with: `.json`. */
  readonly extension: string;
  /** Begins a file. Throws `DataError` where the format cannot have values of the schema. */
  writer(schema: Schema | null): RecordFileWriter;
  /** All records of a file, in their order. Throws `DataError` for what is no such file. */
  read(bytes: FileBytes): AsyncIterable<SchemaAndValue>;
}

/** A file that is being made. */
export interface RecordFileWriter {
  /** Adds a record. Throws `DataError`, and leaves the file as it was, for one that it cannot have. */
  add(value: unknown): void;
  /** The whole file. */
  finish(): Buffer;
}

/** Files that are read as a whole may have so many bytes. */
const WHOLE_BYTES_MAX = 1024 * 1024 * 1024;

/** A file that has to be seen as a whole. */
export async function wholeFile(bytes: FileBytes): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > WHOLE_BYTES_MAX)
      throw new ConnectError(`Avro and Parquet files of more than ${WHOLE_BYTES_MAX} bytes cannot be read`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The same files, compressed with gzip as a whole. */
export function gzipped(format: RecordFormat, level = -1): RecordFormat {
  return {
    extension: `${format.extension}.gz`,
    writer(schema) {
      const writer = format.writer(schema);
      return { add: (value) => writer.add(value), finish: () => gzipSync(writer.finish(), { level }) };
    },
    read: (bytes) => format.read(gunzipped(bytes)),
  };
}

/** A file's bytes, unpacked where its name says that they are packed with gzip. */
export function unpackedByName(name: string, bytes: FileBytes): FileBytes {
  return name.endsWith('.gz') ? gunzipped(bytes) : bytes;
}

async function* gunzipped(bytes: FileBytes): FileBytes {
  const source = Readable.from(bytes);
  const gunzip = createGunzip();
  // What ends the source early ends the reading of it, too.
  source.on('error', (error) => gunzip.destroy(error));
  try {
    yield* source.pipe(gunzip) as AsyncIterable<Buffer>;
  } catch (error) {
    throw error instanceof ConnectError ? error : new DataError('the file is no whole gzip file', error);
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}
