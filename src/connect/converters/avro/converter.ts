// io.confluent.connect.avro.AvroConverter: values as Avro with registered schemas.
import { AvroCursor, type AvroNode, fullName, parseStoredAvro, writeAvroLong } from '../../../schemas/index.ts';
import { type Codec, DeserializationError } from '../../../serde/index.ts';
import { ByteWriter, faultOf } from '../../../util/index.ts';
import { type ConfigOf, defineConfig } from '../../api/config-def.ts';
import { converterPlugin } from '../../api/plugins.ts';
import { DataError } from '../../data/errors.ts';
import type { SchemaAndValue } from '../../data/record.ts';
import type { Schema } from '../../data/schema.ts';
import { KAFKA_VERSION } from '../../data/kafka-version.ts';
import { REGISTRY_CONFIG, RegistryConverter, type SchemaLanguage } from '../registry/converter.ts';
import { connectSchemaOf } from './from-avro.ts';
import type { AvroMapping } from './names.ts';
import { type AvroReader, avroReader } from './reader.ts';
import { avroTextOf } from './to-avro.ts';
import { avroWriter } from './writer.ts';

const config = defineConfig({
  ...REGISTRY_CONFIG,
  'enhanced.avro.schema.support': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: "Whether enums stay enums, and the branches of unions have their types' full names.",
  },
  'generalized.sum.type.support': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether unions and enums are named as those of JSON Schema and Protobuf are.',
  },
  'connect.meta.data': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: "Whether Avro schemas keep what is only Connect's: names, versions, parameters, defaults.",
  },
  'scrub.invalid.names': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether characters that Avro does not allow in names become underscores; else such names are refused.',
  },
});

function mappingOf(settings: ConfigOf<typeof config>): AvroMapping {
  return {
    enhanced: settings['enhanced.avro.schema.support'],
    generalized: settings['generalized.sum.type.support'],
    connectMetaData: settings['connect.meta.data'],
    scrubNames: settings['scrub.invalid.names'],
  };
}

/** A value that is nothing but bytes is written without its length. */
const isBare = (node: AvroNode): boolean => node.kind === 'bytes';

function codecOf(node: AvroNode, written: Schema | undefined, mapping: AvroMapping): Codec<SchemaAndValue> {
  const write = written === undefined ? undefined : avroWriter(node, written, mapping);
  let reading: { readonly schema: Schema; readonly read: AvroReader } | undefined;
  return {
    recordName: 'name' in node ? fullName(node) : undefined,
    lead: new Uint8Array(),
    encode({ value }, out) {
      if (!isBare(node)) return write!(value, out);
      const whole = new ByteWriter();
      write!(value, whole);
      out.bytes(new AvroCursor(whole.buffer, 0, whole.position).bytes());
    },
    decode(bytes, start, end) {
      reading ??= readingOf(node, mapping);
      const { schema, read } = reading;
      const cursor = isBare(node) ? withLength(bytes, start, end) : new AvroCursor(bytes, start, end);
      try {
        const value = read(cursor);
        cursor.finish();
        return { schema, value };
      } catch (error) {
        if (error instanceof DataError) throw error;
        throw new DeserializationError(`the bytes are not a datum of their Avro schema: ${faultOf(error)}`, error);
      }
    },
  };
}

function readingOf(node: AvroNode, mapping: AvroMapping): { readonly schema: Schema; readonly read: AvroReader } {
  const schema = connectSchemaOf(node, mapping);
  return { schema, read: avroReader(node, schema, mapping) };
}

function withLength(bytes: Buffer, start: number, end: number): AvroCursor {
  const whole = new ByteWriter();
  writeAvroLong(end - start, whole);
  whole.bytes(bytes, start, end);
  return new AvroCursor(whole.buffer, 0, whole.position);
}

/** Avro. */
export const avroConverter = converterPlugin({
  className: 'io.confluent.connect.avro.AvroConverter',
  version: KAFKA_VERSION,
  config,
  create(settings, raw, context) {
    const mapping = mappingOf(settings);
    const language: SchemaLanguage = {
      name: 'Avro',
      schemaType: 'AVRO',
      textOf: (schema) => avroTextOf(schema, mapping),
      codec: (registered, schema) => codecOf(parseStoredAvro(registered), schema, mapping),
    };
    return new RegistryConverter(language, settings, raw, context);
  },
});
