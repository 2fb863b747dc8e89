// The schema languages. A provider turns a text into a `ParsedSchema`, which prints canonically and compares itself with
// another of its kind; the registry knows nothing else about a language.
import type { SchemaReference, SchemaType } from '../serde/index.ts';
import { printNormalizedAvro } from './avro/normalized.ts';
import { type AvroNames, type AvroNode, fullName, parseAvroSchema, printAvroSchema } from './avro/schema.ts';
import { type AvroIncompatibility, avroIncompatibilities, causesOf } from './compatibility/avro.ts';
import { type CompatibilityPolicy, describe, isAcceptable } from './compatibility/json-difference-types.ts';
import { jsonPlace } from './compatibility/json-place.ts';
import { jsonSchemaDifferences } from './compatibility/json-schema.ts';
import type { Incompatibility, Place } from './compatibility/levels.ts';
import { invalidSchema } from './errors.ts';
import { avroElements, avroTypeText } from './insight/avro-elements.ts';
import { byKey, type Fact, type SchemaElement } from './insight/elements.ts';
import { jsonElementAt, jsonElements } from './insight/json-elements.ts';
import { sortKeys } from './json-schema/json-text.ts';
import { targetOf } from './json-schema/node.ts';
import { type JsonSchema, parseJsonSchema } from './json-schema/parse.ts';
import { parseProtobuf } from './protobuf/schema.ts';

export interface ParsedSchema {
  readonly schemaType: SchemaType;
  /** The text that is stored: two schemas are the same when their canonical texts and references are. */
  readonly canonical: string;
  /** The text that is stored when a normalized one is asked for: the same for schemas that mean the same. */
  readonly normalized: string;
  /** The names at the top, where they are told apart: of a record's fields, of an object's properties. */
  readonly fieldNames?: readonly string[];
  /** What it declares, taken apart for comparing and showing. */
  elements(): readonly SchemaElement[];
  /** Another form that clients may ask for; undefined when the language does not have it. */
  inFormat?(format: string): string | undefined;
  /** Why this schema could not read what `writer` (of the same type) wrote. */
  incompatibilitiesReading(writer: ParsedSchema, policy?: CompatibilityPolicy): Incompatibility[];
}

/** A reference together with the text it points to, dependencies first. */
export interface ResolvedReference extends SchemaReference {
  readonly schema: string;
}

type Provider = (text: string, references: readonly ResolvedReference[], options: ParseOptions) => ParsedSchema;

export interface ParseOptions {
  /** Whether what a schema could do without is checked, too: default true, and false for what is stored already. */
  readonly isStrict?: boolean;
}

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

class ParsedAvro implements ParsedSchema {
  readonly schemaType = 'AVRO';
  readonly canonical: string;
  readonly #root: AvroNode;
  readonly #external: readonly string[];

  constructor(root: AvroNode, external: readonly string[]) {
    this.#root = root;
    this.#external = external;
    this.canonical = printAvroSchema(root, external);
  }

  get normalized(): string {
    return printNormalizedAvro(this.#root, this.#external);
  }

  elements(): readonly SchemaElement[] {
    return avroElements(this.#root, this.#external);
  }

  inFormat(format: string): string | undefined {
    return format === 'resolved' ? printAvroSchema(this.#root) : undefined;
  }

  get fieldNames(): readonly string[] {
    return this.#root.kind === 'record' ? this.#root.fields.map((field) => field.name) : [];
  }

  incompatibilitiesReading(writer: ParsedSchema): Incompatibility[] {
    if (!(writer instanceof ParsedAvro)) return [];
    return avroIncompatibilities(this.#root, writer.#root).map((found) => ({
      ...explain(found),
      causes: () => causesOf(found).map(explain),
    }));
  }
}

function parseAvro(
  text: string,
  references: readonly ResolvedReference[],
  { isStrict = true }: ParseOptions,
): ParsedSchema {
  const names: AvroNames = new Map();
  for (const reference of references) parseAvroSchema(reference.schema, { names, isStrict: false });
  const external = [...names.values()].map(fullName);
  return new ParsedAvro(parseAvroSchema(text, { names, isStrict }), external);
}

class ParsedJson implements ParsedSchema {
  readonly schemaType = 'JSON';
  readonly canonical: string;
  readonly #schema: JsonSchema;
  #elements: ReadonlyMap<string, SchemaElement> | undefined;

  constructor(schema: JsonSchema) {
    this.#schema = schema;
    this.canonical = schema.canonical;
  }

  get normalized(): string {
    return sortKeys(this.canonical);
  }

  get fieldNames(): readonly string[] {
    const root = targetOf(this.#schema.root);
    return root.kind === 'object' ? [...root.properties.keys()] : [];
  }

  elements(): readonly SchemaElement[] {
    return jsonElements(JSON.parse(this.canonical));
  }

  incompatibilitiesReading(writer: ParsedSchema, policy: CompatibilityPolicy = 'STRICT'): Incompatibility[] {
    if (!(writer instanceof ParsedJson)) return [];
    return jsonSchemaDifferences(writer.#schema.root, this.#schema.root, policy)
      .filter(({ type }) => !isAcceptable(type, policy))
      .map(({ type, path }) => ({
        errorType: type,
        description: describe(type, path),
        place: () => {
          const place = jsonPlace(path);
          const key = place.keyword === undefined ? path : path.slice(0, path.lastIndexOf(`/${place.keyword}`));
          const told = (schema: ParsedJson) => factAt(jsonElementAt(schema.#byKey(), key), place);
          return { ...place, reader: told(this), writer: told(writer) };
        },
      }));
  }

  #byKey(): ReadonlyMap<string, SchemaElement> {
    this.#elements ??= byKey(this.elements());
    return this.#elements;
  }
}

/** What a schema says at a place: of the keyword in question, or else which type is there. */
function factAt(element: SchemaElement | undefined, { keyword }: Place): string | undefined {
  if (element === undefined) return undefined;
  const fact: Fact = element.facts[keyword === 'enum' ? 'value' : (keyword ?? 'type')];
  return typeof fact === 'object' ? fact.join(', ') : (fact ?? 'none');
}

/** The sentence of the original registry for each kind of Avro incompatibility. */
function explain({ type, location, message, path, reader, writer }: AvroIncompatibility): Incompatibility {
  const descriptions: Record<AvroIncompatibility['type'], string> = {
    FIXED_SIZE_MISMATCH: `The size of FIXED type field at path '${location}' in the {reader} schema does not match with the {writer} schema`,
    TYPE_MISMATCH: `The type (path '${location}') of a field in the {reader} schema does not match with the {writer} schema`,
    NAME_MISMATCH: `The name of the schema has changed (path '${location}')`,
    MISSING_ENUM_SYMBOLS: `The {reader} schema is missing enum symbols '${message}' at path '${location}' in the {writer} schema`,
    MISSING_UNION_BRANCH: `The {reader} schema is missing a type inside a union field at path '${location}' in the {writer} schema`,
    READER_FIELD_MISSING_DEFAULT_VALUE: `The field '${message}' at path '${location}' in the {reader} schema has no default value and is missing in the {writer} schema`,
  };
  const place = () => ({ path, reader: avroTypeText(reader), writer: writer && avroTypeText(writer) });
  return { errorType: type, description: descriptions[type], additionalInfo: message, place };
}
