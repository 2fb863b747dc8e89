// Rows as Protobuf messages and nothing else: whoever reads them has to know their schema.
import type { RowSerde } from './codec.ts';
import type { PlainFormat, RecordLayout } from './format.ts';
import { messageRows, PROTOBUF_PROPERTIES, protobufRefusal, protoText } from './protobuf-rows.ts';
import { messagesOf, recordMessage } from './protobuf-schema.ts';

export const plainProtobufFormat: PlainFormat = {
  holds: 'rows',
  wraps: ['WRAP_SINGLES', 'UNWRAP_SINGLES'],
  properties: PROTOBUF_PROPERTIES,
  refusal: protobufRefusal,
  serde: plainSerde,
};

function plainSerde(layout: RecordLayout): RowSerde {
  const { message } = recordMessage(messagesOf({ schema: protoText(layout), references: [] }), undefined);
  const { readerOf, writerOf } = messageRows(layout);
  return { name: 'PROTOBUF_NOSR', encode: writerOf(message), decode: readerOf(message) };
}
