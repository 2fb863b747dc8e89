// Values with a registered schema as JSON texts: what people type into a console, and what it prints.
import type { SchemaType } from '../schemas/index.ts';
import type { ByteWriter } from '../util/index.ts';
import { exactJson, valueOfJson } from './exact-json.ts';
import { jsonToProtobuf, protobufToJson } from './protobuf-json.ts';
import { type Codec, type RegisteredSerde, type RegistryOptions, registrySerde } from './registry-serde.ts';
import type { ResolvedSchema } from './schema-source.ts';

export interface TextOptions extends RegistryOptions {
  /** The text of what is written. Without it, and without options that choose one of the registry, the serde only reads. */
  readonly schema?: string | undefined;
}

type MakeCodec = (schema: ResolvedSchema) => Codec<string>;

const LOADERS: Readonly<Record<SchemaType, () => Promise<MakeCodec>>> = {
  async AVRO() {
    const { AvroJsonCodec } = await import('./avro-json.ts');
    return (resolved) => new AvroJsonCodec(resolved);
  },
  async JSON() {
    const { JsonSchemaCodec } = await import('./json-schema-codec.ts');
    return (resolved) => asText(new JsonSchemaCodec(resolved));
  },
  async PROTOBUF() {
    const { ProtobufCodec } = await import('./protobuf-codec.ts');
    return (resolved) =>
      new ProtobufCodec<string>(resolved, undefined, {
        of: (message, plain) => exactJson(protobufToJson(message, plain)),
        plain: (message, text) => jsonToProtobuf(message, valueOfJson(text)),
      });
  },
};

/**
 * Avro in its JSON encoding, Protobuf in its JSON mapping, JSON (checked against its schema) as it is. What was written with
 * another version of the schema is read as it was written. Texts that do not fit give a `SerializationError` that names the
 * place.
 */
export function textSerde(language: SchemaType, { schema, ...options }: TextOptions): RegisteredSerde<string> {
  return registrySerde({ name: language, schemaType: language, load: LOADERS[language] }, schema, options);
}

function asText(codec: Codec<unknown>): Codec<string> {
  return {
    recordName: codec.recordName,
    lead: codec.lead,
    encode: (text: string, out: ByteWriter) => codec.encode(valueOfJson(text), out),
    decode: (bytes, start, end) => exactJson(codec.decode(bytes, start, end)),
  };
}
