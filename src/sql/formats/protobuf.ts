// Rows as Protobuf records: the envelope's message indexes, and the codecs that the registry's serde asks for.
import type { DeclaredMessage } from '../../schemas/index.ts';
import {
  type Codec,
  DeserializationError,
  ENVELOPE_BYTES,
  readMessageIndexes,
  registrySerde,
  type ResolvedSchema,
  writeMessageIndexes,
} from '../../serde/index.ts';
import { ByteWriter } from '../../util/index.ts';
import { structOf } from '../types.ts';
import type { Row } from '../values/value.ts';
import type { RowSerde } from './codec.ts';
import type { RecordLayout, RegisteredFormat, RowRegistry } from './format.ts';
import { writer as jsonWriter } from './json.ts';
import { FULL_SCHEMA_NAME, SCHEMA_ID } from './properties.ts';
import { rowReader } from './protobuf-reader.ts';
import {
  type Decode,
  messageRows,
  PROTOBUF_PROPERTIES,
  protobufRefusal,
  protoText,
  recordReader,
} from './protobuf-rows.ts';
import { messageColumns, messagesOf, protobufColumns, recordMessage } from './protobuf-schema.ts';

export const protobufFormat: RegisteredFormat = {
  holds: 'rows',
  wraps: ['WRAP_SINGLES'],
  properties: [FULL_SCHEMA_NAME, SCHEMA_ID, ...PROTOBUF_PROPERTIES],
  schemaType: 'PROTOBUF',
  defaults: () => ({ unwrapPrimitives: 'true' }),
  refusal: protobufRefusal,
  serde: registeredSerde,
  schemaOf: protoText,
  columnsOf: (schema, fold, fullName) => ({ fields: protobufColumns(schema, fullName, fold) }),
  checkReads(schema, layout) {
    const { message } = recordMessage(messagesOf(schema), layout.properties['fullSchemaName']);
    messageRows(layout).readerOf(message);
  },
  fieldNames: (schema, properties) =>
    recordMessage(messagesOf(schema), properties['fullSchemaName']).message.fields.map(({ name }) => name),
  printer: async (resolve) => protobufPrinter(await resolve()),
};

/** Rows that are converted from whatever message they were written as. */
function registeredSerde(layout: RecordLayout, registry: RowRegistry): RowSerde {
  const { readerOf, writerOf } = messageRows(layout);
  const fullName = layout.properties['fullSchemaName'];
  const codecOf = (resolved: ResolvedSchema): Codec<Row> => {
    const messages = messagesOf(resolved);
    // What is written is looked for when it is needed: a schema that is only read may not have it.
    let writes: { name: string; lead: Buffer; write: (row: Row, out: ByteWriter) => void } | undefined;
    const written = () => {
      if (writes === undefined) {
        const { path, message } = recordMessage(messages, fullName);
        const lead = new ByteWriter(8);
        writeMessageIndexes(path, lead);
        writes = { name: message.name, lead: lead.copy(), write: writerOf(message) };
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
      encode: (row, out) => written().write(row, out),
      decode: anyMessage(messages, ({ message }) => readerOf(message)),
    };
  };
  const format = { name: 'PROTOBUF', schemaType: 'PROTOBUF' as const, load: async () => codecOf };
  return registrySerde<Row>(format, registry.written, registry);
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
