// Every format that SQL has. A new one is a file of its own and a row here.
import { avroFormat } from './avro.ts';
import { delimitedFormat } from './delimited.ts';
import type { Format, RegisteredFormat } from './format.ts';
import { jsonFormat } from './json.ts';
import { jsonSchemaFormat } from './json-schema.ts';
import { kafkaFormat } from './kafka.ts';
import { noneFormat } from './none.ts';
import { protobufFormat } from './protobuf.ts';
import { plainProtobufFormat } from './protobuf-plain.ts';

/** In the order in which PRINT asks them whether they recognize a record: KAFKA, to which any text is one, is the last. */
const table = {
  NONE: noneFormat,
  DELIMITED: delimitedFormat,
  JSON: jsonFormat,
  JSON_SR: jsonSchemaFormat,
  AVRO: avroFormat,
  PROTOBUF: protobufFormat,
  PROTOBUF_NOSR: plainProtobufFormat,
  KAFKA: kafkaFormat,
} satisfies Record<string, Format>;

export type FormatName = keyof typeof table;

export const FORMATS: Readonly<Record<FormatName, Format>> = table;

/** The format under a name, if its schemas are in the registry. */
export function registeredFormat(name: FormatName): RegisteredFormat | undefined {
  const format = FORMATS[name];
  return format.schemaType === undefined ? undefined : format;
}
