import type { SchemaElement } from '../elements.ts';
import type { Incompatibility } from '../incompatibility.ts';
import type { ParsedSchema, ParseOptions, ResolvedReference } from '../parsed-schema.ts';
import { type AvroIncompatibility, avroIncompatibilities, causesOf } from './compatibility.ts';
import { avroElements, avroTypeText } from './elements.ts';
import { printNormalizedAvro } from './normalized.ts';
import { type AvroNode, avroNamesOf, fullName, parseAvroSchema, printAvroSchema } from './schema.ts';

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

export function parseAvro(
  text: string,
  references: readonly ResolvedReference[],
  { isStrict = true }: ParseOptions,
): ParsedSchema {
  const names = avroNamesOf(references);
  const external = [...names.values()].map(fullName);
  return new ParsedAvro(parseAvroSchema(text, { names, isStrict }), external);
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
