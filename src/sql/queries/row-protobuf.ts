// Result rows as Protobuf messages, for clients that ask for them so: the schema stands in the answer's header, each row is the
// message's bytes in base64.
import { ByteWriter } from '../../util/index.ts';
import type { CodecColumn } from '../formats/codec.ts';
import { messagesOf, protoTextOf, recordMessage } from '../formats/protobuf-schema.ts';
import { rowWriter } from '../formats/protobuf-writer.ts';
import type { Row } from '../values/value.ts';

/** The `.proto` text of the one message that rows of these columns are. */
export function protoSchemaOf(columns: readonly CodecColumn[]): string {
  // As ksqlDB's clients know it.
  return protoTextOf(columns, undefined, undefined, { mapsAsEntries: true });
}

/** Writes rows as JSON texts of their bytes. */
export function protobufRowWriter(columns: readonly CodecColumn[]): (row: Row) => string {
  const { message } = recordMessage(messagesOf({ schema: protoSchemaOf(columns), references: [] }), undefined);
  // By place: names may be written with other letters in the schema.
  const write = rowWriter(message, columns, true);
  const out = new ByteWriter();
  return (row) => {
    out.reset();
    write(row, out);
    return `"${out.view().toString('base64')}"`;
  };
}
