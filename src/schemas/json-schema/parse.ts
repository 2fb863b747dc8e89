// From the text of a JSON Schema (draft-04 to 2020-12) to its nodes. One schema object may constrain in several ways at
// once: each way is a part, and several parts are an allOf. References are followed after everything around them has
// been read, so a schema may contain itself.
import type { NamedText } from '../parsed-schema.ts';
import { invalidSchema } from '../errors.ts';
import { textOf } from '../exact-json.ts';
import { baseWithin, Documents, idOf, type Place } from './documents.ts';
import { JsonShapes, parseJsonText, valueText } from './json-text.ts';
import {
  type Annotations,
  type ConnectAnnotations,
  type Criterion,
  EMPTY,
  type JsonNode,
  NO_ANNOTATIONS,
  type ReferenceNode,
  type Rest,
  targetOf,
} from './node.ts';

export interface JsonSchema {
  readonly root: JsonNode;
  readonly canonical: string;
}

export function parseJsonSchema(text: string, references: readonly NamedText[] = []): JsonSchema {
  const { value, canonical } = parseJsonText(text);
  const documents = new Documents(value, references);
  return { root: new Reader(documents).readAll(documents.main), canonical };
}

type Raw = Readonly<Record<string, unknown>>;
type Group = 'array' | 'object' | 'number' | 'string';

const TYPES = ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'];
const COMBINATIONS: readonly Criterion[] = ['allOf', 'anyOf', 'oneOf'];
const OPEN: Rest = { allowed: true, schema: undefined };
const CLOSED: Rest = { allowed: false, schema: undefined };

/** Keywords that say something about values of a type even where `type` does not ask for it. */
const GROUPS: Readonly<Record<Group, readonly string[]>> = {
  array: ['items', 'additionalItems', 'minItems', 'maxItems', 'uniqueItems', 'contains'],
  object: [
    'properties',
    'required',
    'minProperties',
    'maxProperties',
    'dependencies',
    'patternProperties',
    'additionalProperties',
    'propertyNames',
  ],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  string: ['minLength', 'maxLength', 'pattern'],
};
const MODERN_GROUPS: Readonly<Record<Group, readonly string[]>> = {
  ...GROUPS,
  array: [...GROUPS.array, 'prefixItems', 'unevaluatedItems', 'minContains', 'maxContains'],
  object: [...GROUPS.object, 'dependentRequired', 'dependentSchemas', 'unevaluatedProperties'],
};

class Reader {
  readonly #documents: Documents;
  readonly #shapes = new JsonShapes();
  readonly #nodes = new Map<object, JsonNode>();
  readonly #unresolved: { node: ReferenceNode; from: Place }[] = [];

  constructor(documents: Documents) {
    this.#documents = documents;
  }

  readAll(place: Place): JsonNode {
    const root = this.#read(place);
    const ends = new Map<ReferenceNode, JsonNode>();
    for (let next = this.#unresolved.pop(); next !== undefined; next = this.#unresolved.pop()) {
      const { node, from } = next;
      const found = this.#documents.resolve(node.uri, from);
      if (found === undefined) {
        throw invalid(`the reference "${node.uri}" leads nowhere: it is not in the schema nor among its references`);
      }
      ends.set(node, found === 'any' ? EMPTY : this.#read(found));
    }
    for (const node of ends.keys()) settle(node, ends);
    return root;
  }

  #read(place: Place): JsonNode {
    const { raw, document } = place;
    if (typeof raw === 'boolean') return { kind: raw ? 'true' : 'false', ...NO_ANNOTATIONS };
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
      throw invalid(`a schema is an object or a boolean, not ${JSON.stringify(raw)}`);
    }
    const known = this.#nodes.get(raw);
    if (known !== undefined) return known;
    const inner: Place = { raw, base: baseWithin(raw, place.base, document.dialect), document };
    const node = this.#node(raw as Raw, inner);
    this.#nodes.set(raw, node);
    return node;
  }

  #node(raw: Raw, at: Place): JsonNode {
    if (typeof raw['$ref'] === 'string' && !isModern(at)) return this.#reference(raw['$ref'], at);
    const parts = this.#parts(raw, at);
    const annotations = annotationsOf(raw, at);
    const [only] = parts;
    if (only === undefined) {
      // The later drafts' rules see no schema at all where nothing constrains, and so no id of it.
      return { kind: 'empty', ...annotations, ...(isModern(at) ? { id: undefined } : {}) };
    }
    if (parts.length === 1) return only.kind === 'ref' ? only : { ...only, ...annotations };
    const members = parts.map((node, index) => ({ index, node }));
    return { kind: 'combined', criterion: 'allOf', members, ...annotations };
  }

  #parts(raw: Raw, at: Place): JsonNode[] {
    const parts: JsonNode[] = [];
    if (isModern(at)) {
      for (const keyword of ['$ref', '$dynamicRef', '$recursiveRef']) {
        const uri = raw[keyword];
        if (typeof uri === 'string') parts.push(this.#reference(uri, at));
      }
    }
    if (raw['enum'] !== undefined) {
      const values = array(raw, 'enum').map(valueText);
      parts.push({ kind: 'enum', values: new Set(values), ...NO_ANNOTATIONS });
    }
    for (const criterion of COMBINATIONS) {
      if (raw[criterion] !== undefined) parts.push(this.#combined(criterion, array(raw, criterion), at));
    }
    if (raw['not'] !== undefined) parts.push({ kind: 'not', not: this.#within(raw['not'], at), ...NO_ANNOTATIONS });
    if (raw['const'] !== undefined && at.document.dialect !== 'draft-04') {
      parts.push({ kind: 'const', value: valueText(raw['const']), ...NO_ANNOTATIONS });
    }
    const types = typesOf(raw);
    const nodes = types.map((type) => this.#typed(type, raw, at));
    if (Array.isArray(raw['type'])) {
      const members = nodes.map((node, index) => ({ index, node }));
      parts.push({ kind: 'combined', criterion: 'anyOf', members, ...NO_ANNOTATIONS });
    } else {
      parts.push(...nodes);
    }
    const groups = isModern(at) ? MODERN_GROUPS : GROUPS;
    for (const group of Object.keys(groups) as Group[]) {
      const isTyped = types.includes(group) || (group === 'number' && types.includes('integer'));
      if (!isTyped && groups[group].some((keyword) => says(raw[keyword], isModern(at)))) {
        parts.push({ ...this.#typed(group, raw, at), isImplied: true });
      }
    }
    if (raw['if'] !== undefined) parts.push({ kind: 'conditional', ...NO_ANNOTATIONS });
    return parts;
  }

  #typed(type: string, raw: Raw, at: Place): JsonNode {
    switch (type) {
      case 'string':
        return {
          kind: 'string',
          minLength: number(raw, 'minLength'),
          maxLength: number(raw, 'maxLength'),
          pattern: string(raw, 'pattern'),
          ...NO_ANNOTATIONS,
        };
      case 'number':
      case 'integer':
        return {
          kind: 'number',
          integer: type === 'integer',
          minimum: number(raw, 'minimum'),
          maximum: number(raw, 'maximum'),
          exclusiveMinimum: exclusive(raw, 'exclusiveMinimum'),
          exclusiveMaximum: exclusive(raw, 'exclusiveMaximum'),
          multipleOf: number(raw, 'multipleOf'),
          ...NO_ANNOTATIONS,
        };
      case 'object':
        return this.#object(raw, at);
      case 'array':
        return this.#array(raw, at);
      default:
        return { kind: type === 'null' ? 'null' : 'boolean', ...NO_ANNOTATIONS };
    }
  }

  #object(raw: Raw, at: Place): JsonNode {
    const arrayDependencies = new Map<string, ReadonlySet<string>>();
    const schemaDependencies = new Map<string, JsonNode>();
    const keywords = isModern(at) ? ['dependencies', 'dependentRequired', 'dependentSchemas'] : ['dependencies'];
    for (const keyword of keywords) {
      for (const [name, dependency] of entries(raw, keyword)) {
        if (Array.isArray(dependency)) arrayDependencies.set(name, new Set(dependency.map(textOf)));
        else schemaDependencies.set(name, this.#within(dependency, at));
      }
    }
    return {
      kind: 'object',
      properties: new Map(entries(raw, 'properties').map(([name, schema]) => [name, this.#within(schema, at)])),
      required: new Set(typeof raw['required'] === 'boolean' ? [] : array(raw, 'required').map(textOf)),
      patterns: entries(raw, 'patternProperties').map(([pattern, s]) => ({ pattern, node: this.#within(s, at) })),
      additional: this.#rest(raw['additionalProperties'], at),
      unevaluated: isModern(at) ? this.#rest(raw['unevaluatedProperties'], at) : OPEN,
      arrayDependencies,
      schemaDependencies,
      minProperties: number(raw, 'minProperties'),
      maxProperties: number(raw, 'maxProperties'),
      ...NO_ANNOTATIONS,
    };
  }

  #array(raw: Raw, at: Place): JsonNode {
    const places = raw['prefixItems'] !== undefined && isModern(at) ? array(raw, 'prefixItems') : undefined;
    const list = places ?? (Array.isArray(raw['items']) ? raw['items'] : undefined);
    const single = list === undefined ? raw['items'] : undefined;
    const beyond = places === undefined ? raw['additionalItems'] : (raw['items'] ?? raw['additionalItems']);
    const hasContains = isModern(at) && raw['contains'] !== undefined;
    return {
      kind: 'array',
      items: (list ?? []).map((item) => this.#within(item, at)),
      allItems: single === undefined ? undefined : this.#within(single, at),
      additional: single === undefined ? this.#rest(beyond, at) : OPEN,
      unevaluated: isModern(at) ? this.#rest(raw['unevaluatedItems'], at) : OPEN,
      uniqueItems: raw['uniqueItems'] === true,
      minItems: number(raw, 'minItems'),
      maxItems: number(raw, 'maxItems'),
      minContains: hasContains ? (number(raw, 'minContains') ?? 1) : undefined,
      maxContains: hasContains ? number(raw, 'maxContains') : undefined,
      ...NO_ANNOTATIONS,
    };
  }

  #combined(criterion: Criterion, schemas: readonly unknown[], at: Place): JsonNode {
    const members: { index: number; node: JsonNode }[] = [];
    const seen = new Set<number>();
    for (const [index, raw] of schemas.entries()) {
      const shape = this.#shapes.numberOf(raw);
      if (seen.has(shape)) continue;
      seen.add(shape);
      members.push({ index, node: this.#within(raw, at) });
    }
    return { kind: 'combined', criterion, members, ...NO_ANNOTATIONS };
  }

  #rest(raw: unknown, at: Place): Rest {
    if (raw === undefined || raw === true) return OPEN;
    return raw === false ? CLOSED : { allowed: true, schema: this.#within(raw, at) };
  }

  #within(raw: unknown, { base, document }: Place): JsonNode {
    return this.#read({ raw, base, document });
  }

  #reference(uri: string, from: Place): JsonNode {
    const connect = connectOf(from.raw as Raw);
    const node: ReferenceNode = { kind: 'ref', uri, target: undefined, ...NO_ANNOTATIONS, connect };
    this.#unresolved.push({ node, from });
    return node;
  }
}

/** Follows a chain of references to its end, for all of its links at once. */
function settle(start: ReferenceNode, ends: ReadonlyMap<ReferenceNode, JsonNode>): void {
  const chain = new Set<ReferenceNode>();
  let end: JsonNode = start;
  while (end.kind === 'ref' && end.target === undefined) {
    if (chain.has(end)) throw invalid(`the reference "${end.uri}" leads only to itself`);
    chain.add(end);
    end = ends.get(end)!;
  }
  for (const link of chain) link.target = targetOf(end);
}

function isModern({ document }: Place): boolean {
  return document.dialect === '2019-09' || document.dialect === '2020-12';
}

/** In the later drafts an empty list or object is as good as none. */
function says(value: unknown, isModernDialect: boolean): boolean {
  if (value === undefined) return false;
  return !isModernDialect || typeof value !== 'object' || value === null || Object.keys(value).length > 0;
}

function typesOf(raw: Raw): string[] {
  const { type } = raw;
  if (type === undefined) return [];
  const types = Array.isArray(type) ? type : [type];
  for (const one of types) {
    if (!TYPES.includes(one)) throw invalid(`${JSON.stringify(one)} is not a type; types are ${TYPES.join(', ')}`);
  }
  return types;
}

function annotationsOf(raw: Raw, at: Place): Annotations {
  return {
    id: idOf(raw, at.document.dialect),
    title: string(raw, 'title'),
    description: string(raw, 'description'),
    defaultValue: raw['default'],
    connect: connectOf(raw),
  };
}

function connectOf(raw: Raw): ConnectAnnotations {
  const { 'connect.type': type, 'connect.version': version, 'connect.index': index } = raw;
  const parameters = raw['connect.parameters'];
  return {
    type: typeof type === 'string' ? type : undefined,
    version: typeof version === 'number' ? version : undefined,
    index: typeof index === 'number' ? index : undefined,
    parameters: typeof parameters === 'object' && parameters !== null ? { ...parameters } : {},
  };
}

function number(raw: Raw, keyword: string): number | undefined {
  const value = raw[keyword];
  if (value === undefined || typeof value === 'number') return value;
  throw invalid(`${keyword} is a number, not ${JSON.stringify(value)}`);
}

/** Draft-04 has a boolean here that belongs to minimum and maximum; only limits of their own are compared. */
function exclusive(raw: Raw, keyword: string): number | undefined {
  return typeof raw[keyword] === 'boolean' ? undefined : number(raw, keyword);
}

function string(raw: Raw, keyword: string): string | undefined {
  const value = raw[keyword];
  if (value === undefined || typeof value === 'string') return value;
  throw invalid(`${keyword} is a string, not ${JSON.stringify(value)}`);
}

function array(raw: Raw, keyword: string): readonly unknown[] {
  const value = raw[keyword];
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw invalid(`${keyword} is an array, not ${JSON.stringify(value)}`);
}

function entries(raw: Raw, keyword: string): [string, unknown][] {
  const value = raw[keyword];
  if (value === undefined) return [];
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value);
  throw invalid(`${keyword} is an object, not ${JSON.stringify(value)}`);
}

function invalid(details: string): Error {
  return invalidSchema(`Invalid schema, details: ${details}`);
}
