// Avro's object container files (specification 1.12, "Object Container Files"): the schema, and blocks of records, each compressed
// for itself, with a marker between them. The marker is made of what the file has, so that the same records make the same file.
import { createHash } from 'node:crypto';
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import snappy from 'snappy';
import { AvroCursor, type AvroNode, parseAvroSchema, writeAvroLong, writeAvroText } from '../../../schemas/index.ts';
import { ByteWriter, faultOf } from '../../../util/index.ts';
import { connectSchemaOf } from '../../converters/avro/from-avro.ts';
import type { AvroMapping } from '../../converters/avro/names.ts';
import { avroReader } from '../../converters/avro/reader.ts';
import { avroTextOf } from '../../converters/avro/to-avro.ts';
import { avroWriter } from '../../converters/avro/writer.ts';
import { ConnectError, DataError } from '../../data/errors.ts';
import type { SchemaAndValue } from '../../data/record.ts';
import type { Schema } from '../../data/schema.ts';
import { type FileBytes, type RecordFileWriter, type RecordFormat, wholeFile } from './format.ts';

/** How blocks can be compressed. */
export const AVRO_CODECS = ['null', 'deflate', 'snappy'] as const;
type CodecName = (typeof AVRO_CODECS)[number];

const MAGIC = Buffer.from('Obj\x01', 'latin1');
const MARKER_BYTES = 16;
const BLOCK_BYTES = 64 * 1000;
const CHECKSUM_BYTES = 4;

interface Codec {
  pack(block: Buffer): Buffer;
  unpack(block: Buffer): Buffer;
}

const CODECS: Readonly<Record<CodecName, Codec>> = {
  null: { pack: (block) => Buffer.from(block), unpack: (block) => block },
  deflate: { pack: (block) => deflateRawSync(block), unpack: (block) => inflateRawSync(block) },
  snappy: {
    pack(block) {
      const checksum = Buffer.alloc(CHECKSUM_BYTES);
      checksum.writeUInt32BE(crc32(block));
      return Buffer.concat([snappy.compressSync(block), checksum]);
    },
    unpack(packed) {
      const end = packed.length - CHECKSUM_BYTES;
      const block = snappy.uncompressSync(packed.subarray(0, end), { asBuffer: true }) as Buffer;
      if (crc32(block) !== packed.readUInt32BE(end)) throw new DataError('the checksum of a block is another one');
      return block;
    },
  },
};

/** Avro object container files. */
export function avroContainer(codec: CodecName, mapping: AvroMapping): RecordFormat {
  return {
    extension: '.avro',
    writer(schema) {
      if (schema === null)
        throw new DataError('Avro files need records with a schema: use a converter that has one, or JsonFormat');
      return new ContainerWriter(schema, codec, mapping);
    },
    read: (bytes) => readContainer(bytes, mapping),
  };
}

class ContainerWriter implements RecordFileWriter {
  readonly #codec: CodecName;
  readonly #schemaText: string;
  readonly #write: ReturnType<typeof avroWriter>;
  readonly #block = new ByteWriter();
  #count = 0;
  readonly #blocks: { readonly count: number; readonly bytes: Buffer }[] = [];

  constructor(schema: Schema, codec: CodecName, mapping: AvroMapping) {
    this.#codec = codec;
    this.#schemaText = avroTextOf(schema, mapping);
    this.#write = avroWriter(parseAvroSchema(this.#schemaText, { isStrict: false }), schema, mapping);
  }

  add(value: unknown): void {
    const start = this.#block.position;
    try {
      this.#write(value, this.#block);
    } catch (error) {
      this.#block.position = start;
      throw error;
    }
    this.#count++;
    if (this.#block.position >= BLOCK_BYTES) this.#endBlock();
  }

  finish(): Buffer {
    this.#endBlock();
    const hash = createHash('md5').update(this.#schemaText);
    for (const { bytes } of this.#blocks) hash.update(bytes);
    const marker = hash.digest();
    const out = new ByteWriter();
    out.bytes(MAGIC);
    writeAvroLong(2, out);
    writeAvroText('avro.schema', out);
    writeAvroText(this.#schemaText, out);
    writeAvroText('avro.codec', out);
    writeAvroText(this.#codec, out);
    writeAvroLong(0, out);
    out.bytes(marker);
    for (const { count, bytes } of this.#blocks) {
      writeAvroLong(count, out);
      writeAvroLong(bytes.length, out);
      out.bytes(bytes);
      out.bytes(marker);
    }
    return out.copy();
  }

  #endBlock(): void {
    if (this.#count === 0) return;
    this.#blocks.push({ count: this.#count, bytes: CODECS[this.#codec].pack(this.#block.view()) });
    this.#block.reset();
    this.#count = 0;
  }
}

async function* readContainer(bytes: FileBytes, mapping: AvroMapping): AsyncGenerator<SchemaAndValue> {
  const file = await wholeFile(bytes);
  const cursor = new AvroCursor(file, 0, file.length);
  const { node, codec, marker } = broken('its header', () => headerOf(cursor));
  const schema = connectSchemaOf(node, mapping);
  const read = avroReader(node, schema, mapping);
  for (let i = 0; !cursor.isAtEnd; i++) {
    // A block is an array of its own: it is read before any of it goes out, so that what is broken is not half read.
    const values = broken(`block ${i}`, () => {
      const count = Number(cursor.long());
      const block = codec.unpack(cursor.bytes());
      if (!cursor.fixed(MARKER_BYTES).equals(marker)) throw new DataError('the marker behind it is another one');
      const records = new AvroCursor(block, 0, block.length);
      const list = Array.from({ length: count }, () => read(records));
      records.finish();
      return list;
    });
    for (const value of values) yield { schema, value };
  }
}

function headerOf(cursor: AvroCursor): { node: AvroNode; codec: Codec; marker: Buffer } {
  if (!cursor.fixed(MAGIC.length).equals(MAGIC)) throw new DataError('it does not begin with Avro\'s "Obj", 1');
  const said = new Map<string, Buffer>();
  cursor.items(() => said.set(cursor.text(), cursor.bytes()));
  const text = said.get('avro.schema')?.toString();
  if (text === undefined) throw new DataError('it has no schema');
  const name = said.get('avro.codec')?.toString() ?? 'null';
  const codec = Object.hasOwn(CODECS, name) ? CODECS[name as CodecName] : undefined;
  if (codec === undefined)
    throw new DataError(`its blocks are compressed with ${name}: ${AVRO_CODECS.join(', ')} can be read`);
  return { node: parseAvroSchema(text, { isStrict: false }), codec, marker: cursor.fixed(MARKER_BYTES) };
}

function broken<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConnectError && !(error instanceof DataError)) throw error;
    throw new DataError(`this is no Avro file, ${what} cannot be read: ${faultOf(error)}`, error);
  }
}
