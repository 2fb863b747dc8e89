// What the Protobuf formats share, with a registry and without: rows as messages, the messages' schema, and what can't be
// held. A column that is a record's only one and a struct is the message itself.
import { type MessageType, WireReader } from '../../schemas/index.ts';
import { DeserializationError } from '../../serde/index.ts';
import { type ByteWriter, messageOf } from '../../util/index.ts';
import type { Column } from '../schema.ts';
import type { Row } from '../values/value.ts';
import type { CodecColumn } from './codec.ts';
import { hasOddMap, type RecordLayout } from './format.ts';
import type { FormatProperty } from './properties.ts';
import { rowReader } from './protobuf-reader.ts';
import { protoTextOf } from './protobuf-schema.ts';
import { rowWriter } from './protobuf-writer.ts';

export const PROTOBUF_PROPERTIES: readonly FormatProperty[] = [
  {
    name: 'nullableRepresentation',
    clauses: (side) => [`${side}_PROTOBUF_NULLABLE_REPRESENTATION`],
    read: (text) => text.toLowerCase(),
  },
  { name: 'unwrapPrimitives', clauses: () => [] },
];

export function protobufRefusal(columns: readonly Column[]): string | undefined {
  return hasOddMap(columns) ? 'PROTOBUF format only supports MAP types with STRING keys' : undefined;
}

/** The `.proto` text of records. */
export function protoText({ columns, bare, properties }: RecordLayout): string {
  const nullable = properties['nullableRepresentation']?.toUpperCase();
  return protoTextOf(
    structOf(columns, bare)?.fields ?? columns,
    nullable === 'OPTIONAL' || nullable === 'WRAPPER' ? nullable : undefined,
    properties['fullSchemaName'],
  );
}

export type Decode<T> = (bytes: Buffer, start: number, end: number) => T;

/** What reads and writes rows as messages of a type; each throws when a column does not fit. */
export interface MessageRows {
  readerOf(message: MessageType): Decode<Row>;
  writerOf(message: MessageType): (row: Row, out: ByteWriter) => void;
}

export function messageRows({ columns, bare }: RecordLayout): MessageRows {
  const struct = structOf(columns, bare);
  if (struct === undefined) {
    // A bare value is the message's first field, whatever its name.
    return {
      readerOf: (message) => recordReader(rowReader(message, columns, bare)),
      writerOf: (message) => rowWriter(message, columns, bare),
    };
  }
  return {
    readerOf(message) {
      const read = recordReader(rowReader(message, struct.fields));
      return (bytes, start, end) => [read(bytes, start, end)];
    },
    writerOf(message) {
      const write = rowWriter(message, struct.fields);
      return (row, out) => write(row[0] as Row, out);
    },
  };
}

function structOf(columns: readonly CodecColumn[], bare: boolean) {
  const only = columns[0]!.type;
  return bare && only.kind === 'STRUCT' ? only : undefined;
}

/** Reads one message that fills its bytes. */
export function recordReader<T>(read: (reader: WireReader) => T): Decode<T> {
  const reader = new WireReader();
  return (bytes, start, end) => {
    try {
      return read(reader.reset(bytes, start, end));
    } catch (error) {
      throw error instanceof DeserializationError ? error : new DeserializationError(messageOf(error), error);
    }
  };
}
