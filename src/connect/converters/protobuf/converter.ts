// io.confluent.connect.protobuf.ProtobufConverter: structs as Protobuf messages with registered schemas.
import { declaredMessages, linkProtobuf, type MessageType, WireReader } from '../../../schemas/index.ts';
import {
  type Codec,
  DeserializationError,
  readMessageIndexes,
  type ResolvedSchema,
  writeMessageIndexes,
} from '../../../serde/index.ts';
import { ByteWriter, faultOf } from '../../../util/index.ts';
import { defineConfig } from '../../api/config-def.ts';
import { converterPlugin } from '../../api/plugins.ts';
import { DataError } from '../../data/errors.ts';
import { KAFKA_VERSION } from '../../data/kafka-version.ts';
import type { SchemaAndValue } from '../../data/record.ts';
import type { Schema } from '../../data/schema.ts';
import { REGISTRY_CONFIG, RegistryConverter, type SchemaLanguage } from '../registry/converter.ts';
import { connectSchemaOf } from './from-proto.ts';
import type { ProtobufMapping } from './names.ts';
import { type StructReader, structReader } from './reader.ts';
import { protoTextOf } from './to-proto.ts';
import { structWriter } from './writer.ts';

const config = defineConfig({
  ...REGISTRY_CONFIG,
  'optional.for.nullables': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether optional fields have the label optional, and only fields with it are optional.',
  },
  'wrapper.for.nullables': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether optional scalars are messages around them (google.protobuf.Int32Value and its like).',
  },
  'scrub.invalid.names': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether characters that Protobuf does not allow in names become underscores; else such names are refused.',
  },
});

interface Reading {
  readonly schema: Schema;
  readonly read: StructReader;
}

/** Writes the first message of a file, and reads all of them: a payload says which one it is. */
function codecOf(
  registered: ResolvedSchema,
  written: Schema | undefined,
  mapping: ProtobufMapping,
): Codec<SchemaAndValue> {
  const messages = declaredMessages(linkProtobuf(registered.schema, registered.references));
  const [first] = messages;
  if (first === undefined) throw new DataError('the Protobuf schema declares no message');
  const lead = new ByteWriter(8);
  writeMessageIndexes(first.path, lead);
  const write = written === undefined ? undefined : structWriter(first.message, written, mapping);
  const readings = new Map<string, Reading>();
  const wire = new WireReader();
  const readingAt = (path: readonly number[]): Reading => {
    const key = path.join();
    let reading = readings.get(key);
    if (reading === undefined) {
      const declared = messages.find((candidate) => candidate.path.join() === key);
      if (declared === undefined) throw new DeserializationError(`the Protobuf schema has no message at [${key}]`);
      reading = readingOf(declared.message, mapping);
      readings.set(key, reading);
    }
    return reading;
  };
  return {
    recordName: first.message.name,
    lead: lead.copy(),
    encode: ({ value }, out) => write!(value, out),
    decode(bytes, start, end) {
      const { path, end: payload } = readMessageIndexes(bytes, start, end);
      const { schema, read } = readingAt(path);
      try {
        return { schema, value: read(wire.reset(bytes, payload, end)) };
      } catch (error) {
        if (error instanceof DataError) throw error;
        throw new DeserializationError(`the bytes are no message of their Protobuf schema: ${faultOf(error)}`, error);
      }
    },
  };
}

function readingOf(message: MessageType, mapping: ProtobufMapping): Reading {
  const schema = connectSchemaOf(message, mapping);
  return { schema, read: structReader(message, schema, mapping) };
}

/** Protobuf. */
export const protobufConverter = converterPlugin({
  className: 'io.confluent.connect.protobuf.ProtobufConverter',
  version: KAFKA_VERSION,
  config,
  create(settings, raw, context) {
    const mapping: ProtobufMapping = {
      optionalForNullables: settings['optional.for.nullables'],
      wrapperForNullables: settings['wrapper.for.nullables'],
      scrubNames: settings['scrub.invalid.names'],
    };
    const language: SchemaLanguage = {
      name: 'Protobuf',
      schemaType: 'PROTOBUF',
      textOf: (schema) => protoTextOf(schema, mapping),
      codec: (registered, schema) => codecOf(registered, schema, mapping),
    };
    return new RegistryConverter(language, settings, raw, context);
  },
});
