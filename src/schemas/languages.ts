// The schema languages. A provider turns a text into a `ParsedSchema`, which prints canonically and compares itself with
// another of its kind; the registry knows nothing else about a language.
import { parseAvro } from './avro/parsed.ts';
import { invalidSchema } from './errors.ts';
import { ParsedJson } from './json-schema/parsed.ts';
import { parseJsonSchema } from './json-schema/parse.ts';
import type { ParsedSchema, ParseOptions, ResolvedReference, SchemaType } from './parsed-schema.ts';
import { parseProtobuf } from './protobuf/schema.ts';

type Provider = (text: string, references: readonly ResolvedReference[], options: ParseOptions) => ParsedSchema;

const providers: Readonly<Record<SchemaType, Provider>> = {
  AVRO: parseAvro,
  JSON: (text, references) => new ParsedJson(parseJsonSchema(text, references)),
  PROTOBUF: parseProtobuf,
};

export const SCHEMA_TYPES = Object.keys(providers) as SchemaType[];

export function parseSchema(
  type: string,
  text: string,
  references: readonly ResolvedReference[],
  options: ParseOptions = {},
): ParsedSchema {
  const provider = Object.hasOwn(providers, type) ? providers[type as SchemaType] : undefined;
  if (provider === undefined) {
    throw invalidSchema(`Invalid schema type ${type}; this registry knows ${SCHEMA_TYPES.join(', ')}`);
  }
  if (text.trim() === '') throw invalidSchema('Empty schema');
  return provider(text, references, options);
}
