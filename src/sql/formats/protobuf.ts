// Rows as Protobuf records: the envelope's message indexes, and the codecs that the registry's serde asks for.
import { type DeclaredMessage, WireReader } from '../../schemas/index.ts';
import {
  type Codec,
  DeserializationError,
  ENVELOPE_BYTES,
  readMessageIndexes,
  type RegistryOptions,
  registrySerde,
  type ResolvedSchema,
  writeMessageIndexes,
} from '../../serde/index.ts';
import { ByteWriter, messageOf } from '../../util/index.ts';
import { structOf } from '../types.ts';
import type { Row, SqlValue } from '../values/value.ts';
import type { CodecColumn, RowSerde } from './codec.ts';
import { writer as jsonWriter } from './json.ts';
import { rowReader } from './protobuf-reader.ts';
import { messageColumns, messagesOf, recordMessage } from './protobuf-schema.ts';
import { rowWriter } from './protobuf-writer.ts';

export interface ProtobufRegistry extends RegistryOptions {
  /** The message that is written; default: the first. */
  readonly fullName: string | undefined;
}

/**
 * Rows as Protobuf messages of `text`, which is the schema that is written. With a registry what is read is converted from
 * whatever message it was written as. A column that is a record's only one and a struct is the message itself.
 */
export function protobufRowSerde(
  columns: readonly CodecColumn[],
  bare: boolean,
  text: string | undefined,
  registry: ProtobufRegistry | undefined,
): RowSerde {
  const only = columns[0]!.type;
  const struct = bare && only.kind === 'STRUCT' ? only : undefined;
  const fields = struct === undefined ? columns : struct.fields;
  const fromFields = (values: SqlValue[]): Row => (struct === undefined ? values : [values]);
  const toFields = (row: Row): Row => (struct === undefined ? row : (row[0] as Row));
  const byPosition = bare && struct === undefined;
  const readerOf = ({ message }: DeclaredMessage) => recordReader(rowReader(message, fields, byPosition));
  const writerOf = ({ message }: DeclaredMessage) => rowWriter(message, fields, byPosition);
  if (registry === undefined) {
    const declared = recordMessage(messagesOf({ schema: text!, references: [] }), undefined);
    const read = readerOf(declared);
    const write = writerOf(declared);
    return {
      name: 'PROTOBUF_NOSR',
      encode: (row, out) => write(toFields(row), out),
      decode: (bytes, start, end) => fromFields(read(bytes, start, end)),
    };
  }
  const { fullName } = registry;
  const codecOf = (resolved: ResolvedSchema): Codec<Row> => {
    const messages = messagesOf(resolved);
    const read = anyMessage(messages, readerOf);
    // What is written is looked for when it is needed: a schema that is only read may not have it.
    let writes: { name: string; lead: Buffer; write: ReturnType<typeof writerOf> } | undefined;
    const written = () => {
      if (writes === undefined) {
        const declared = recordMessage(messages, fullName);
        const lead = new ByteWriter(8);
        writeMessageIndexes(declared.path, lead);
        writes = { name: declared.message.name, lead: lead.copy(), write: writerOf(declared) };
      }
      return writes;
    };
    return {
      get recordName() {
        return written().name;
      },
      get lead() {
        return written().lead;
      },
      encode: (row, out) => written().write(toFields(row), out),
      decode: (bytes, start, end) => fromFields(read(bytes, start, end)),
    };
  };
  const format = { name: 'PROTOBUF', schemaType: 'PROTOBUF' as const, load: async () => codecOf };
  return registrySerde<Row>(format, text, registry);
}

type Decode<T> = (bytes: Buffer, start: number, end: number) => T;

/** Reads one message that fills its bytes. */
function recordReader(read: (reader: WireReader) => SqlValue[]): Decode<SqlValue[]> {
  const reader = new WireReader();
  return (bytes, start, end) => {
    try {
      return read(reader.reset(bytes, start, end));
    } catch (error) {
      throw error instanceof DeserializationError ? error : new DeserializationError(messageOf(error), error);
    }
  };
}

/** What reads any of a file's messages: behind the schema's id stands which one it is. */
function anyMessage<T>(
  messages: readonly DeclaredMessage[],
  decoderOf: (one: DeclaredMessage) => Decode<T>,
): Decode<T> {
  const decoders = new Map<string, Decode<T>>();
  return (bytes, start, end) => {
    const { path, end: payload } = readMessageIndexes(bytes, start, end);
    const key = path.join();
    let decode = decoders.get(key);
    if (decode === undefined) {
      const declared = messages.find((candidate) => candidate.path.join() === key);
      if (declared === undefined) throw new DeserializationError(`the Protobuf schema has no message at [${key}]`);
      decode = decoderOf(declared);
      decoders.set(key, decode);
    }
    return decode(bytes, payload, end);
  };
}

/** Throws when the messages of a schema can't be read as these columns. */
export function checkProtobufReads(
  schema: ResolvedSchema,
  fullName: string | undefined,
  columns: readonly CodecColumn[],
  bare: boolean,
): void {
  const only = columns[0]!.type;
  const struct = bare && only.kind === 'STRUCT' ? only : undefined;
  const { message } = recordMessage(messagesOf(schema), fullName);
  rowReader(message, struct?.fields ?? columns, bare && struct === undefined);
}

export function protobufFieldNames(schema: ResolvedSchema, fullName: string | undefined): readonly string[] {
  return recordMessage(messagesOf(schema), fullName).message.fields.map(({ name }) => name);
}

/** What turns any message of a schema, envelope and all, into a line of JSON under its fields' own names. */
export function protobufPrinter(schema: ResolvedSchema): (bytes: Buffer) => string {
  const print = anyMessage(messagesOf(schema), ({ message }) => {
    const columns = messageColumns(message, (name) => name);
    const decode = recordReader(rowReader(message, columns));
    const write = jsonWriter(structOf(columns));
    return (bytes, start, end) => write(decode(bytes, start, end));
  });
  return (bytes) => print(bytes, ENVELOPE_BYTES, bytes.length);
}
