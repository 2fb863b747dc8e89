// The parts of a JSON Schema: every schema in its text with its keywords as facts. References stay references, so this
// is bounded by the text, however recursive the schema is.
import { textOf } from '../exact-json.ts';
import { childPath, ElementList, type Fact, jsonText, type SchemaElement } from '../elements.ts';

type Raw = Readonly<Record<string, unknown>>;

/** Keywords with a schema per name, and what those are. */
const NAMED: Readonly<Record<string, string>> = {
  properties: 'property',
  patternProperties: 'pattern property',
  $defs: 'definition',
  definitions: 'definition',
  dependentSchemas: 'dependency',
  dependencies: 'dependency',
};
const LISTED = ['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items'];
const SINGLE = [
  'items',
  'additionalItems',
  'unevaluatedItems',
  'contains',
  'additionalProperties',
  'unevaluatedProperties',
  'propertyNames',
  'not',
  'if',
  'then',
  'else',
  'contentSchema',
];
/** Said by the elements themselves, or by their place. */
const NO_FACTS = new Set(['type', 'required', ...Object.keys(NAMED), ...LISTED, ...SINGLE]);

/** The key of the schema itself; a part's key is its JSON pointer, except among alternatives. */
const ROOT = '#';

export function jsonElements(root: unknown): readonly SchemaElement[] {
  const list = new ElementList();
  visit(list, root, { kind: 'schema', id: ROOT, path: '', name: '' });
  return list.elements;
}

/** References are only followed so far: they may lead to each other. */
const REFERENCES_MAX = 100;

/** The element that a pointer leads to, through the references on its way. */
export function jsonElementAt(
  elements: ReadonlyMap<string, SchemaElement>,
  pointer: string,
): SchemaElement | undefined {
  let key = pointer.replace(/\/+$/, '');
  for (let i = 0; i < REFERENCES_MAX; i++) {
    const found = elements.get(key);
    if (found !== undefined) return found;
    let end = key.lastIndexOf('/');
    while (end > 0 && !elements.has(key.slice(0, end))) end = key.lastIndexOf('/', end - 1);
    const type = end > 0 ? elements.get(key.slice(0, end))?.facts['type'] : undefined;
    if (typeof type !== 'string' || !type.startsWith(`${ROOT}/`)) return undefined;
    key = type + key.slice(end);
  }
  return undefined;
}

interface At {
  readonly kind: string;
  readonly id: string;
  readonly parent?: string;
  readonly path: string;
  readonly name: string;
  readonly necessity?: string;
}

function visit(list: ElementList, schema: unknown, { necessity, ...at }: At): void {
  if (!isObject(schema)) {
    list.add({ ...at, facts: { type: typeText(schema), necessity } });
    return;
  }
  const parent = list.add({ ...at, facts: { type: typeText(schema), necessity, ...factsOf(schema) } });
  const { path } = at;
  const required = new Set(Array.isArray(schema['required']) ? schema['required'].map(textOf) : []);
  for (const [keyword, kind] of Object.entries(NAMED)) {
    const schemas = schema[keyword];
    if (!isObject(schemas)) continue;
    for (const [name, inner] of Object.entries(schemas)) {
      if (kind === 'dependency' && Array.isArray(inner)) continue;
      const isProperty = kind === 'property';
      visit(list, inner, {
        kind,
        id: `${keyword}/${name}`,
        parent,
        path: namedPath(kind, path, name),
        name,
        ...(isProperty ? { necessity: required.has(name) ? 'required' : 'optional' } : {}),
      });
    }
  }
  for (const keyword of LISTED) {
    const schemas = schema[keyword];
    if (Array.isArray(schemas)) alternatives(list, keyword, schemas, parent, path);
  }
  for (const keyword of SINGLE) {
    const inner = schema[keyword];
    if (!isObject(inner)) continue;
    const own = keyword === 'items' ? `${path}[]` : keyword === 'additionalProperties' ? `${path}.*` : undefined;
    visit(list, inner, { kind: keyword, id: keyword, parent, path: own ?? childPath(path, keyword), name: keyword });
  }
}

/** Places of a tuple go by their number; members of a combination by what they are, wherever they stand. */
function alternatives(
  list: ElementList,
  keyword: string,
  schemas: readonly unknown[],
  parent: string,
  path: string,
): void {
  const isTuple = keyword === 'prefixItems' || keyword === 'items';
  const seen = new Map<string, number>();
  for (const [i, schema] of schemas.entries()) {
    const label = isTuple ? String(i) : labelOf(schema);
    const count = (seen.get(label) ?? 0) + 1;
    seen.set(label, count);
    const name = count === 1 ? label : `${label} ${count}`;
    visit(list, schema, {
      kind: isTuple ? 'item' : keyword === 'allOf' ? 'part' : 'alternative',
      id: `${keyword}/${name}`,
      parent,
      path: isTuple ? `${path}[${i}]` : childPath(path, `${keyword}[${name}]`),
      name,
    });
  }
}

function labelOf(schema: unknown): string {
  const title = isObject(schema) ? schema['title'] : undefined;
  return typeof title === 'string' ? title : typeText(schema).replace(/^.*\//, '');
}

function namedPath(kind: string, path: string, name: string): string {
  if (kind === 'definition') return name;
  if (kind === 'pattern property') return childPath(path, `/${name}/`);
  return childPath(path, kind === 'dependency' ? `dependencies.${name}` : name);
}

function factsOf(schema: Raw): Record<string, Fact> {
  const facts: Record<string, Fact> = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === 'enum' && Array.isArray(value)) facts['value'] = value.map((one) => JSON.stringify(one));
    else if (keyword === '$ref' && schema['type'] === undefined) continue;
    else if (!NO_FACTS.has(keyword)) facts[keyword] = jsonText(value);
    else if (SINGLE.includes(keyword) && typeof value === 'boolean') facts[keyword] = String(value);
  }
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  if (Array.isArray(schema['required'])) {
    const unlisted = schema['required'].map(textOf).filter((name) => !Object.hasOwn(properties, name));
    facts['required name'] = unlisted;
  }
  for (const keyword of ['dependencies', 'dependentRequired']) {
    if (!isObject(schema[keyword])) continue;
    const pairs = Object.entries(schema[keyword]).filter(([, names]) => Array.isArray(names));
    if (pairs.length > 0) facts[keyword] = jsonText(Object.fromEntries(pairs));
  }
  return facts;
}

function typeText(schema: unknown): string {
  if (!isObject(schema)) return schema === false ? 'nothing' : 'anything';
  const { type, $ref: ref } = schema;
  if (typeof type === 'string') return type;
  if (Array.isArray(type)) return type.map(textOf).join(' | ');
  if (typeof ref === 'string') return ref;
  if (schema['const'] !== undefined) return JSON.stringify(schema['const']);
  const combined = ['enum', 'oneOf', 'anyOf', 'allOf', 'not'].find((keyword) => schema[keyword] !== undefined);
  return combined ?? (schema['properties'] === undefined ? 'anything' : 'object');
}

function isObject(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
