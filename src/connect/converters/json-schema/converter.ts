// io.confluent.connect.json.JsonSchemaConverter: values as JSON with registered schemas.
import { isUtf8 } from 'node:buffer';
import { parseJsonSchema } from '../../../schemas/index.ts';
import { type Codec, DeserializationError } from '../../../serde/index.ts';
import { messageOf } from '../../../util/index.ts';
import { defineConfig } from '../../api/config-def.ts';
import { converterPlugin } from '../../api/plugins.ts';
import { KAFKA_VERSION } from '../../data/kafka-version.ts';
import type { SchemaAndValue } from '../../data/record.ts';
import type { Schema } from '../../data/schema.ts';
import { hasDecimals, type JsonReader, jsonReader, parseNumbers } from '../json/reader.ts';
import { jsonWriter } from '../json/writer.ts';
import { REGISTRY_CONFIG, RegistryConverter, type SchemaLanguage } from '../registry/converter.ts';
import { connectSchemaOf } from './from-json-schema.ts';
import { type JsonSchemaMapping, jsonSchemaTextOf } from './to-json-schema.ts';

const config = defineConfig({
  ...REGISTRY_CONFIG,
  'decimal.format': {
    type: 'STRING',
    default: 'BASE64',
    importance: 'LOW',
    doc: 'How decimals are written: BASE64, the bytes of the unscaled number, or NUMERIC, a JSON number.',
    validator: (value) =>
      value !== null && /^(base64|numeric)$/i.test(value)
        ? undefined
        : 'String must be one of (case insensitive): NUMERIC, BASE64',
  },
  'object.additional.properties': {
    type: 'BOOLEAN',
    default: true,
    importance: 'MEDIUM',
    doc: 'Whether schemas of structs allow properties that are no fields.',
  },
  'use.optional.for.nonrequired': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether properties that are not required are optional fields.',
  },
  'generalized.sum.type.support': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether unions and enums are named as those of Avro and Protobuf are.',
  },
});

function codecOf(
  root: ReturnType<typeof parseJsonSchema>['root'],
  written: Schema | undefined,
  mapping: JsonSchemaMapping,
): Codec<SchemaAndValue> {
  const write = written === undefined ? undefined : jsonWriter(written, mapping.values);
  let reading: { readonly schema: Schema; readonly read: JsonReader; readonly exact: boolean } | undefined;
  return {
    recordName: root.title,
    lead: new Uint8Array(),
    encode: ({ value }, out) => out.utf8(write!(value)),
    decode(bytes, start, end) {
      reading ??= readingOf(root, mapping);
      const { schema, read, exact } = reading;
      const node = parsed(bytes.subarray(start, end), exact);
      return { schema, value: read(node) };
    },
  };
}

function readingOf(root: ReturnType<typeof parseJsonSchema>['root'], mapping: JsonSchemaMapping) {
  const schema = connectSchemaOf(root, mapping);
  return { schema, read: jsonReader(schema, mapping.values), exact: hasDecimals(schema) };
}

function parsed(bytes: Buffer, exact: boolean): unknown {
  if (!isUtf8(bytes)) throw new DeserializationError('the text is not UTF-8');
  try {
    return parseNumbers(bytes.toString(), exact);
  } catch (error) {
    throw new DeserializationError(`the text is no JSON: ${messageOf(error)}`, error);
  }
}

/** JSON Schema. */
export const jsonSchemaConverter = converterPlugin({
  className: 'io.confluent.connect.json.JsonSchemaConverter',
  version: KAFKA_VERSION,
  config,
  create(settings, raw, context) {
    const mapping: JsonSchemaMapping = {
      values: {
        decimalFormat: settings['decimal.format'].toUpperCase() === 'NUMERIC' ? 'NUMERIC' : 'BASE64',
        replaceNull: true,
        isRegistered: true,
      },
      generalized: settings['generalized.sum.type.support'],
      optionalUnlessRequired: settings['use.optional.for.nonrequired'],
      additionalProperties: settings['object.additional.properties'],
    };
    const language: SchemaLanguage = {
      name: 'JSON Schema',
      schemaType: 'JSON',
      textOf: (schema) => jsonSchemaTextOf(schema, mapping),
      codec({ schema: text, references }, schema) {
        return codecOf(parseJsonSchema(text, references).root, schema, mapping);
      },
    };
    return new RegistryConverter(language, settings, raw, context);
  },
});
