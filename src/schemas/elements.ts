// What a schema declares, as a flat list that is the same for all languages: each field, type, constant list or rule is
// an element with a few described facts. What compares, shows or names parts of a schema works on this list alone.
import { invalidSchema } from './errors.ts';

export interface SchemaElement {
  /** In the language's own word: field, record, property, message, … */
  readonly kind: string;
  /** Finds the element again in another version, among those of the same parent: a name, a number, a place. */
  readonly id: string;
  /** Ids that it had before (aliases). */
  readonly formerIds?: readonly string[];
  /** The key of the element that declares it. */
  readonly parent?: string;
  /** As its users call it: `orders.Address.street`. Empty for the schema itself. */
  readonly path: string;
  /** The end of the path: another one for the same id is a new name. */
  readonly name: string;
  /** In words that a sentence can take: a text, or the members of a set. */
  readonly facts: Readonly<Record<string, Fact>>;
  /** The names of what it holds, where their order is part of the schema. */
  readonly order?: readonly string[];
}

export type Fact = string | readonly string[] | undefined;

/** Characters of keys and paths of one schema; hundreds of times what real schemas have. */
const BUDGET = 50_000_000;

/** Collects the elements of a schema, parents before what is in them. */
export class ElementList {
  readonly elements: SchemaElement[] = [];
  #budget = BUDGET;

  /** Returns the element's key. */
  add(element: SchemaElement): string {
    const key = keyOf(element);
    this.#budget -= key.length + element.path.length;
    if (this.#budget < 0) throw invalidSchema('The schema is too large to be taken apart');
    this.elements.push(element);
    return key;
  }
}

export function keyOf({ parent, id }: Pick<SchemaElement, 'parent' | 'id'>): string {
  return parent === undefined ? id : `${parent}/${id}`;
}

export function byKey(elements: readonly SchemaElement[]): ReadonlyMap<string, SchemaElement> {
  return new Map(elements.map((element) => [keyOf(element), element]));
}

/** Members of a JSON object that a language gives no meaning, as facts. */
export function propertyFacts(properties: Readonly<Record<string, unknown>>): Record<string, Fact> {
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, jsonText(value)]));
}

export function jsonText(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

export function childPath(parent: string, name: string): string {
  return parent === '' ? name : `${parent}.${name}`;
}
