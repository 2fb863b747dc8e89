// Files whose records are separated by some bytes: lines of text, of JSON, or whatever a topic's bytes are.
import { ByteWriter, messageOf } from '../../../util/index.ts';
import { parseSchemaless } from '../../converters/json/reader.ts';
import { type JsonValueOptions, jsonWriter } from '../../converters/json/writer.ts';
import { DataError } from '../../data/errors.ts';
import type { SchemaAndValue } from '../../data/record.ts';
import { BYTES, STRING } from '../../data/schema.ts';
import type { FileBytes, RecordFileWriter, RecordFormat } from './format.ts';

/** A record that is larger is none: the separator is another one. */
const RECORD_BYTES_MAX = 64 * 1024 * 1024;
const NEWLINE = Buffer.from('\n');
const RETURN = 0x0d;

/** A value as JSON on each line, without its schema. */
export function jsonLines(decimalFormat: JsonValueOptions['decimalFormat'] = 'BASE64'): RecordFormat {
  return {
    extension: '.json',
    writer(schema) {
      const write = jsonWriter(schema, { decimalFormat, replaceNull: true });
      return separated(NEWLINE, (value) => Buffer.from(write(value)));
    },
    async *read(bytes) {
      let line = 0;
      for await (const record of split(bytes, NEWLINE)) {
        line++;
        const text = record.toString();
        if (text.trim() !== '') yield { schema: null, value: jsonOf(text, line) };
      }
    },
  };
}

function jsonOf(text: string, line: number): unknown {
  try {
    return parseSchemaless(text);
  } catch (error) {
    throw new DataError(`line ${line} is no JSON: ${messageOf(error)}`, error);
  }
}

/** Texts, one on each line. Line ends of Windows are read, too. */
export function textLines(): RecordFormat {
  return {
    extension: '.txt',
    writer: () =>
      separated(NEWLINE, (value) => {
        if (typeof value !== 'string') throw new DataError(`files of lines have texts, not a ${typeof value}`);
        return Buffer.from(value);
      }),
    async *read(bytes) {
      for await (const line of split(bytes, NEWLINE)) {
        const end = line.at(-1) === RETURN ? line.length - 1 : line.length;
        yield { schema: STRING, value: line.toString('utf8', 0, end) };
      }
    },
  };
}

/** Bytes as they are, with a separator behind each record. */
export function rawBytes(extension = '.bin', separator: Uint8Array = NEWLINE): RecordFormat {
  return {
    extension,
    writer: () =>
      separated(separator, (value) => {
        if (!(value instanceof Uint8Array))
          throw new DataError(
            `files of bytes have bytes, not a ${typeof value}: use ByteArrayConverter as value.converter`,
          );
        return value;
      }),
    async *read(bytes): AsyncGenerator<SchemaAndValue> {
      for await (const value of split(bytes, Buffer.from(separator))) yield { schema: BYTES, value };
    },
  };
}

function separated(separator: Uint8Array, bytesOf: (value: unknown) => Uint8Array): RecordFileWriter {
  const out = new ByteWriter();
  return {
    add(value) {
      out.bytes(bytesOf(value));
      out.bytes(separator);
    },
    finish: () => out.copy(),
  };
}

/** What stands before each separator, and behind the last one if there is something. */
export async function* split(bytes: FileBytes, separator: Buffer): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    // A separator may have begun in the chunk before.
    let searched = Math.max(0, rest.length - separator.length + 1);
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    let from = 0;
    for (;;) {
      const end = rest.indexOf(separator, searched);
      if (end < 0) break;
      yield rest.subarray(from, end);
      from = end + separator.length;
      searched = from;
    }
    rest = rest.subarray(from);
    if (rest.length > RECORD_BYTES_MAX)
      throw new DataError(`a record has more than ${RECORD_BYTES_MAX} bytes: is there no separator?`);
  }
  if (rest.length > 0) yield rest;
}
