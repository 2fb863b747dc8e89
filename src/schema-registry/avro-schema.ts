// The registry's own model of an Avro schema: everything that Avro says and every property that it does not know, in a
// form that can be compared and printed. (avsc serves the data; it drops what it does not need, so it can't serve here.)
import { messageOf } from '../util/index.ts';
import { invalidSchema } from './errors.ts';
import { javaNumber, parseExact, textOfNumber } from './exact-json.ts';

export const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;
export type Primitive = (typeof PRIMITIVES)[number];

/** Properties that Avro itself gives no meaning, `logicalType` among them. Kept and printed, never compared. */
type Properties = Readonly<Record<string, unknown>>;

export interface AvroPrimitive {
  readonly kind: Primitive;
  readonly properties: Properties;
}

interface Named {
  /** The simple name, without the namespace. */
  readonly name: string;
  readonly namespace: string;
  /** Full names. */
  readonly aliases: readonly string[];
  readonly doc: string | undefined;
  readonly properties: Properties;
}

export interface AvroField {
  readonly name: string;
  readonly type: AvroNode;
  readonly aliases: readonly string[];
  readonly doc: string | undefined;
  /** `undefined` when the field has no default: null is a default. */
  readonly defaultValue: unknown;
  readonly order: string | undefined;
  readonly properties: Properties;
}

export interface AvroRecord extends Named {
  readonly kind: 'record' | 'error';
  /** Filled after creation: a record may contain itself. */
  fields: readonly AvroField[];
}

export interface AvroEnum extends Named {
  readonly kind: 'enum';
  readonly symbols: readonly string[];
  readonly defaultSymbol: string | undefined;
}

export interface AvroFixed extends Named {
  readonly kind: 'fixed';
  readonly size: number;
}

export interface AvroArray {
  readonly kind: 'array';
  readonly items: AvroNode;
  readonly properties: Properties;
}

export interface AvroMap {
  readonly kind: 'map';
  readonly values: AvroNode;
  readonly properties: Properties;
}

export interface AvroUnion {
  readonly kind: 'union';
  readonly branches: readonly AvroNode[];
}

export type AvroNode = AvroPrimitive | AvroRecord | AvroEnum | AvroFixed | AvroArray | AvroMap | AvroUnion;

/** Named types by full name. Types of referenced schemas are put in before parsing, and then print by name. */
export type AvroNames = Map<string, AvroRecord | AvroEnum | AvroFixed>;

const MAX_DEPTH = 200;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export interface AvroParsing {
  /** Named types that are known before. Those of the schema are added. */
  readonly names?: AvroNames;
  /** Default true. What is stored already was checked, or not, by the registry that took it. */
  readonly checkDefaults?: boolean;
}

/** Parses the JSON text of a schema. Throws a 42201 that says what is wrong and where (a JSON pointer). */
export function parseAvroSchema(text: string, parsing: AvroParsing = {}): AvroNode {
  let json: unknown;
  try {
    json = parseExact(text, javaNumber);
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep(text);
    // A bare name is what Java's parser accepts, too.
    if (/^[A-Za-z_][\w.]*$/.test(text.trim())) json = text.trim();
    else throw invalidSchema(`Invalid schema ${text}, details: not valid JSON: ${messageOf(error)}`, error);
  }
  return new Parser(text, parsing).node(json, '', '', 0);
}

class Parser {
  readonly #text: string;
  readonly #names: AvroNames;
  readonly #checkDefaults: boolean;

  constructor(text: string, { names = new Map(), checkDefaults = true }: AvroParsing) {
    this.#text = text;
    this.#names = names;
    this.#checkDefaults = checkDefaults;
  }

  node(json: unknown, namespace: string, path: string, depth: number): AvroNode {
    if (depth > MAX_DEPTH) throw tooDeep(this.#text);
    if (typeof json === 'string') return this.#byName(json, namespace, path, {});
    if (Array.isArray(json)) return this.#union(json, namespace, path, depth);
    if (typeof json !== 'object' || json === null) throw this.#invalid(path, `no type: ${JSON.stringify(json)}`);
    const object = json as Record<string, unknown>;
    const type = object['type'];
    if (typeof type === 'object' && type !== null) return this.node(type, namespace, `${path}/type`, depth + 1);
    if (typeof type !== 'string') throw this.#invalid(path, 'no type');
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(type, object, namespace, path, depth);
      case 'enum':
        return this.#enum(object, namespace, path);
      case 'fixed':
        return this.#fixed(object, namespace, path);
      case 'array':
        if (!('items' in object)) throw this.#invalid(path, 'an array has no items type');
        return {
          kind: 'array',
          items: this.node(object['items'], namespace, `${path}/items`, depth + 1),
          properties: rest(object, ['type', 'items']),
        };
      case 'map':
        if (!('values' in object)) throw this.#invalid(path, 'a map has no values type');
        return {
          kind: 'map',
          values: this.node(object['values'], namespace, `${path}/values`, depth + 1),
          properties: rest(object, ['type', 'values']),
        };
      default:
        return this.#byName(type, namespace, path, rest(object, ['type']));
    }
  }

  #byName(name: string, namespace: string, path: string, properties: Properties): AvroNode {
    if ((PRIMITIVES as readonly string[]).includes(name)) return { kind: name as Primitive, properties };
    const named = this.#names.get(fullNameOf(name, namespace)) ?? this.#names.get(name);
    if (named === undefined) throw this.#invalid(path, `the type "${name}" is not defined`);
    return named;
  }

  #union(json: readonly unknown[], namespace: string, path: string, depth: number): AvroUnion {
    const branches = json.map((branch, i) => this.node(branch, namespace, `${path}/${i}`, depth + 1));
    const seen = new Set<string>();
    for (const [i, branch] of branches.entries()) {
      if (branch.kind === 'union') throw this.#invalid(`${path}/${i}`, 'a union directly inside a union');
      const key = 'name' in branch ? fullName(branch) : branch.kind;
      if (seen.has(key)) throw this.#invalid(`${path}/${i}`, `the union has two branches of type ${key}`);
      seen.add(key);
    }
    return { kind: 'union', branches };
  }

  #record(
    kind: 'record' | 'error',
    json: Record<string, unknown>,
    outer: string,
    path: string,
    depth: number,
  ): AvroRecord {
    const named = this.#named(json, outer, path, ['type', 'fields']);
    const record: AvroRecord = { kind, ...named, fields: [] };
    this.#define(record, path);
    const fields = json['fields'];
    if (!Array.isArray(fields)) throw this.#invalid(path, `the record ${named.name} has no list of fields`);
    const seen = new Set<string>();
    record.fields = fields.map((field: unknown, i) => {
      const at = `${path}/fields/${i}`;
      if (typeof field !== 'object' || field === null) throw this.#invalid(at, 'a field must be an object');
      const parsed = this.#field(field as Record<string, unknown>, named.namespace, at, depth);
      if (seen.has(parsed.name)) throw this.#invalid(at, `two fields are named ${parsed.name}`);
      seen.add(parsed.name);
      return parsed;
    });
    return record;
  }

  #field(json: Record<string, unknown>, namespace: string, path: string, depth: number): AvroField {
    const name = json['name'];
    if (typeof name !== 'string' || !NAME.test(name)) {
      throw this.#invalid(path, `${JSON.stringify(name)} is not a field name`);
    }
    if (!('type' in json)) throw this.#invalid(path, `the field ${name} has no type`);
    const type = this.node(json['type'], namespace, `${path}/type`, depth + 1);
    const defaultValue = json['default'];
    if (this.#checkDefaults && defaultValue !== undefined && !isDefaultOf(type, defaultValue)) {
      throw this.#invalid(
        path,
        `the default ${JSON.stringify(defaultValue)} of field ${name} is not a ${typeName(type)}`,
      );
    }
    return {
      name,
      type,
      aliases: strings(json['aliases']),
      doc: typeof json['doc'] === 'string' ? json['doc'] : undefined,
      defaultValue,
      order: typeof json['order'] === 'string' ? json['order'] : undefined,
      properties: rest(json, ['name', 'type', 'aliases', 'doc', 'default', 'order']),
    };
  }

  #enum(json: Record<string, unknown>, outer: string, path: string): AvroEnum {
    const symbols = json['symbols'];
    if (!Array.isArray(symbols) || symbols.some((symbol) => typeof symbol !== 'string' || !NAME.test(symbol))) {
      throw this.#invalid(path, 'an enum needs a list of symbols');
    }
    if (new Set(symbols).size < symbols.length) throw this.#invalid(path, 'an enum repeats a symbol');
    const defaultSymbol = json['default'];
    if (defaultSymbol !== undefined && !symbols.includes(defaultSymbol)) {
      throw this.#invalid(path, `the enum's default ${JSON.stringify(defaultSymbol)} is none of its symbols`);
    }
    const node: AvroEnum = {
      kind: 'enum',
      ...this.#named(json, outer, path, ['type', 'symbols', 'default']),
      symbols: symbols as string[],
      defaultSymbol: defaultSymbol as string | undefined,
    };
    this.#define(node, path);
    return node;
  }

  #fixed(json: Record<string, unknown>, outer: string, path: string): AvroFixed {
    const size = json['size'];
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 0) {
      throw this.#invalid(path, `${JSON.stringify(size)} is not the size of a fixed`);
    }
    const node: AvroFixed = { kind: 'fixed', ...this.#named(json, outer, path, ['type', 'size']), size };
    this.#define(node, path);
    return node;
  }

  #named(json: Record<string, unknown>, outer: string, path: string, known: readonly string[]): Named {
    const given = json['name'];
    if (typeof given !== 'string' || !given.split('.').every((part) => NAME.test(part))) {
      throw this.#invalid(path, `${JSON.stringify(given)} is not a name`);
    }
    const dot = given.lastIndexOf('.');
    const ownNamespace = typeof json['namespace'] === 'string' ? json['namespace'] : outer;
    const namespace = dot >= 0 ? given.slice(0, dot) : ownNamespace;
    return {
      name: given.slice(dot + 1),
      namespace,
      aliases: strings(json['aliases']).map((alias) => fullNameOf(alias, namespace)),
      doc: typeof json['doc'] === 'string' ? json['doc'] : undefined,
      properties: rest(json, [...known, 'name', 'namespace', 'aliases', 'doc']),
    };
  }

  #define(node: AvroRecord | AvroEnum | AvroFixed, path: string): void {
    const name = fullName(node);
    if (this.#names.has(name)) throw this.#invalid(path, `the type ${name} is defined twice`);
    this.#names.set(name, node);
  }

  #invalid(path: string, details: string): Error {
    return invalidSchema(`Invalid schema ${this.#text}, details: ${details} (at ${path === '' ? '/' : path})`);
  }
}

function tooDeep(text: string): Error {
  return invalidSchema(`Invalid schema ${text}, details: the schema nests deeper than ${MAX_DEPTH} levels`);
}

export function fullName(node: Named): string {
  return fullNameOf(node.name, node.namespace);
}

function fullNameOf(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

export function typeName(node: AvroNode): string {
  return 'name' in node ? fullName(node) : node.kind;
}

/** Whether JSON `value` is a default for a field of this type. A union takes the default of any of its branches. */
function isDefaultOf(node: AvroNode, value: unknown): boolean {
  switch (node.kind) {
    case 'null':
      return value === null;
    case 'boolean':
      return typeof value === 'boolean';
    case 'int':
      return isInteger(value, 32);
    case 'long':
      return isInteger(value, 64);
    case 'float':
    case 'double':
      return textOfNumber(value) !== undefined;
    case 'bytes':
    case 'string':
    case 'fixed':
    case 'enum':
      return typeof value === 'string';
    case 'array':
      return Array.isArray(value) && value.every((item) => isDefaultOf(node.items, item));
    case 'map':
      return isObject(value) && Object.values(value).every((item) => isDefaultOf(node.values, item));
    case 'union':
      return node.branches.some((branch) => isDefaultOf(branch, value));
    case 'record':
    case 'error':
      return (
        isObject(value) &&
        node.fields.every((field) =>
          value[field.name] === undefined
            ? field.defaultValue !== undefined
            : isDefaultOf(field.type, value[field.name]),
        )
      );
  }
}

function isInteger(value: unknown, bits: number): boolean {
  const text = textOfNumber(value);
  return text !== undefined && /^-?\d{1,20}$/.test(text) && BigInt.asIntN(bits, BigInt(text)) === BigInt(text);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function rest(json: Record<string, unknown>, known: readonly string[]): Properties {
  return Object.fromEntries(Object.entries(json).filter(([key]) => !known.includes(key)));
}

// ── Printing ──────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * The canonical text: members in a fixed order, a namespace only where it changes, a named type in full where it first
 * appears and by name afterwards. Names in `external` (those of referenced schemas) always print by name.
 */
export function printAvroSchema(node: AvroNode, external: Iterable<string> = []): string {
  return JSON.stringify(toJson(node, '', new Set(external)));
}

function toJson(node: AvroNode, namespace: string, defined: Set<string>): unknown {
  switch (node.kind) {
    case 'record':
    case 'error':
    case 'enum':
    case 'fixed':
      return namedToJson(node, namespace, defined);
    case 'array':
      return { type: 'array', items: toJson(node.items, namespace, defined), ...node.properties };
    case 'map':
      return { type: 'map', values: toJson(node.values, namespace, defined), ...node.properties };
    case 'union':
      return node.branches.map((branch) => toJson(branch, namespace, defined));
    default:
      return Object.keys(node.properties).length === 0 ? node.kind : { type: node.kind, ...node.properties };
  }
}

function namedToJson(node: AvroRecord | AvroEnum | AvroFixed, namespace: string, defined: Set<string>): unknown {
  const name = fullName(node);
  if (defined.has(name)) return node.namespace === namespace ? node.name : name;
  defined.add(name);
  const json: Record<string, unknown> = { type: node.kind, name: node.name };
  if (node.namespace !== namespace) json['namespace'] = node.namespace;
  if (node.doc !== undefined) json['doc'] = node.doc;
  if (node.kind === 'enum') {
    json['symbols'] = node.symbols;
    if (node.defaultSymbol !== undefined) json['default'] = node.defaultSymbol;
  } else if (node.kind === 'fixed') {
    json['size'] = node.size;
  } else {
    json['fields'] = node.fields.map((field) => fieldToJson(field, node.namespace, defined));
  }
  Object.assign(json, node.properties);
  if (node.aliases.length > 0) json['aliases'] = node.aliases.map((alias) => withoutNamespace(alias, node.namespace));
  return json;
}

function fieldToJson(field: AvroField, namespace: string, defined: Set<string>): unknown {
  const json: Record<string, unknown> = { name: field.name, type: toJson(field.type, namespace, defined) };
  if (field.doc !== undefined) json['doc'] = field.doc;
  if (field.defaultValue !== undefined) json['default'] = field.defaultValue;
  if (field.order !== undefined && field.order !== 'ascending') json['order'] = field.order;
  if (field.aliases.length > 0) json['aliases'] = field.aliases;
  return Object.assign(json, field.properties);
}

function withoutNamespace(name: string, namespace: string): string {
  return namespace !== '' && name.startsWith(`${namespace}.`) ? name.slice(namespace.length + 1) : name;
}
