import { byKey, type Fact, type SchemaElement } from '../elements.ts';
import type { Incompatibility, Place } from '../incompatibility.ts';
import type { ParsedSchema } from '../parsed-schema.ts';
import { jsonSchemaDifferences } from './compatibility.ts';
import type { CompatibilityPolicy } from '../incompatibility.ts';
import { describe, isAcceptable } from './difference-types.ts';
import { jsonElementAt, jsonElements } from './elements.ts';
import { sortKeys } from './json-text.ts';
import { targetOf } from './node.ts';
import type { JsonSchema } from './parse.ts';
import { jsonPlace } from './place.ts';

export class ParsedJson implements ParsedSchema {
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
