import { exactJson, parseExactJson } from './exact-json.ts';
import { type JsonSchema, titleOf } from './json-schema-title.ts';
import { type Codec, type RegisteredSerde, type RegistryOptions, registrySerde } from './registry-serde.ts';
import type { ResolvedSchema } from './schema-source.ts';

export interface JsonSchemaOptions extends RegistryOptions {
  /**
   * What is written; what is read is checked against its writer's. Without it the serde only reads. Drafts 4, 6, 7 (when
   * `$schema` does not say), 2019-09 and 2020-12.
   */
  readonly schema?: JsonSchema | undefined;
  /**
   * Check what is written and what is read against its schema. Default true: a value that does not fit is refused, as by the
   * other formats. Confluent's serializers have this off (`json.fail.invalid.schema`); do so for records that do not keep
   * to their schemas. Reading then needs no schema at all.
   */
  readonly validate?: boolean | undefined;
}

/**
 * Values as JSON text whose schema is registered. Integers beyond 2^53 are bigints, in both directions. A value that does
 * not fit gives a `SerializationError`, a text that does not a `DeserializationError`; both name the place.
 */
export function jsonSchemaSerde<T>(options: JsonSchemaOptions): RegisteredSerde<T> {
  const { schema, validate = true } = options;
  const text = schema === undefined ? undefined : JSON.stringify(schema);
  const decodeAny = (bytes: Buffer, start: number, end: number) => parseExactJson(bytes, start, end).value as T;
  const load = async (): Promise<(resolved: ResolvedSchema) => Codec<T>> => {
    if (!validate) return (resolved) => uncheckedCodec(resolved, decodeAny);
    const { JsonSchemaCodec } = await import('./json-schema-codec.ts');
    return (resolved) => new JsonSchemaCodec<T>(resolved);
  };
  const format = { name: 'JSON_SR', schemaType: 'JSON' as const, load };
  return registrySerde<T>(validate ? format : { ...format, decodeAny }, text, options);
}

function uncheckedCodec<T>({ schema }: ResolvedSchema, decode: Codec<T>['decode']): Codec<T> {
  return {
    recordName: titleOf(JSON.parse(schema) as JsonSchema),
    lead: new Uint8Array(),
    encode: (value, out) => out.utf8(exactJson(value)),
    decode,
  };
}
