// The model of an Avro schema: everything that Avro says and every property that it does not know, in a form that can be
// compared, printed and read by. (avsc drops what it does not need, so it can't serve here.)
import { messageOf } from '../../util/index.ts';
import type { NamedText, StoredSchema } from '../parsed-schema.ts';
import { invalidSchema } from '../errors.ts';
import { doubleOf, javaNumber, parseExact, stringifyExact, textOf, textOfNumber } from '../exact-json.ts';

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

/** The fields of a record that is just being read: no value can be a default of it yet. */
const NOT_YET_READ: readonly AvroField[] = [];

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
/** What Java takes for a name where nobody insists on the specification's. */
const LENIENT_NAME = /^[\p{L}_][\p{L}\p{Nd}_]*$/u;
const ORDERS = ['ascending', 'descending', 'ignore'];
/** A double's default may be a text: these are no numbers in JSON. */
const NON_FINITE: readonly unknown[] = ['NaN', 'Infinity', '-Infinity'];
/** Members that Avro gives a meaning in some schema: in all others they mean nothing, and are no properties either. */
const SCHEMA_MEMBERS = [
  ...['type', 'name', 'namespace', 'doc', 'aliases'],
  ...['fields', 'symbols', 'size', 'items', 'values'],
];
const ENUM_MEMBERS = [...SCHEMA_MEMBERS, 'default'];
const FIELD_MEMBERS = ['name', 'type', 'aliases', 'doc', 'default', 'order'];
const TYPE_NAMES: readonly string[] = [...PRIMITIVES, 'record', 'enum', 'array', 'map', 'union', 'fixed'];

export interface AvroParsing {
  /** Named types that are known before. Those of the schema are added. */
  readonly names?: AvroNames;
  /**
   * Default true: defaults have the types of their fields, and names are the specification's. What is stored already was
   * checked, or not, by the registry that took it.
   */
  readonly isStrict?: boolean;
}

/** Parses the JSON text of a schema. Throws `InvalidSchema`, which says what is wrong and where (a JSON pointer). */
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

/** The named types of referenced schemas, dependencies first. What is stored is taken as it is. */
export function avroNamesOf(references: readonly NamedText[]): AvroNames {
  const names: AvroNames = new Map();
  for (const { schema } of references) parseAvroSchema(schema, { names, isStrict: false });
  return names;
}

/** A schema as it is stored, with what it refers to. */
export function parseStoredAvro({ schema, references }: StoredSchema): AvroNode {
  return parseAvroSchema(schema, { names: avroNamesOf(references), isStrict: false });
}

class Parser {
  readonly #text: string;
  readonly #names: AvroNames;
  readonly #isStrict: boolean;
  readonly #name: RegExp;

  constructor(text: string, { names = new Map(), isStrict = true }: AvroParsing) {
    this.#text = text;
    this.#names = names;
    this.#isStrict = isStrict;
    this.#name = isStrict ? NAME : LENIENT_NAME;
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
          properties: rest(object, SCHEMA_MEMBERS),
        };
      case 'map':
        if (!('values' in object)) throw this.#invalid(path, 'a map has no values type');
        return {
          kind: 'map',
          values: this.node(object['values'], namespace, `${path}/values`, depth + 1),
          properties: rest(object, SCHEMA_MEMBERS),
        };
      default:
        return this.#byName(type, namespace, path, rest(object, SCHEMA_MEMBERS));
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
    const named = this.#named(json, outer, path, SCHEMA_MEMBERS);
    const record: AvroRecord = { kind, ...named, fields: NOT_YET_READ };
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
    if (typeof name !== 'string' || !this.#name.test(name)) {
      throw this.#invalid(path, `${JSON.stringify(name)} is not a field name`);
    }
    if (!('type' in json)) throw this.#invalid(path, `the field ${name} has no type`);
    const type = this.node(json['type'], namespace, `${path}/type`, depth + 1);
    const defaultValue = defaultOf(type, json['default']);
    if (this.#isStrict && defaultValue !== undefined && !isDefaultOf(type, defaultValue)) {
      throw this.#invalid(
        path,
        `the default ${JSON.stringify(defaultValue)} of field ${name} is not a ${typeName(type)}`,
      );
    }
    const order = json['order'] === undefined ? undefined : textOf(json['order']).toLowerCase();
    if (order !== undefined && !ORDERS.includes(order)) {
      throw this.#invalid(path, `the order of field ${name} is none of ${ORDERS.join(', ')}`);
    }
    return {
      name,
      type,
      aliases: this.#aliases(json, path),
      doc: typeof json['doc'] === 'string' ? json['doc'] : undefined,
      defaultValue,
      order,
      properties: rest(json, FIELD_MEMBERS),
    };
  }

  #enum(json: Record<string, unknown>, outer: string, path: string): AvroEnum {
    const symbols = json['symbols'];
    if (!Array.isArray(symbols) || symbols.some((symbol) => typeof symbol !== 'string' || !this.#name.test(symbol))) {
      throw this.#invalid(path, 'an enum needs a list of symbols');
    }
    if (new Set(symbols).size < symbols.length) throw this.#invalid(path, 'an enum repeats a symbol');
    const defaultSymbol = json['default'];
    if (defaultSymbol !== undefined && !symbols.includes(defaultSymbol)) {
      throw this.#invalid(path, `the enum's default ${JSON.stringify(defaultSymbol)} is none of its symbols`);
    }
    const node: AvroEnum = {
      kind: 'enum',
      ...this.#named(json, outer, path, ENUM_MEMBERS),
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
    const node: AvroFixed = { kind: 'fixed', ...this.#named(json, outer, path, SCHEMA_MEMBERS), size };
    this.#define(node, path);
    return node;
  }

  #named(json: Record<string, unknown>, outer: string, path: string, known: readonly string[]): Named {
    const given = json['name'];
    const dot = textOf(given ?? '').lastIndexOf('.');
    if (typeof given !== 'string' || !this.#name.test(given.slice(dot + 1))) {
      throw this.#invalid(path, `${JSON.stringify(given)} is not a name`);
    }
    const ownNamespace = typeof json['namespace'] === 'string' ? json['namespace'] : outer;
    const namespace = dot >= 0 ? given.slice(0, dot) : ownNamespace;
    if (this.#isStrict && namespace !== '' && !namespace.split('.').every((part) => NAME.test(part))) {
      throw this.#invalid(path, `${JSON.stringify(namespace)} is not a namespace`);
    }
    return {
      name: given.slice(dot + 1),
      namespace,
      aliases: this.#aliases(json, path).map((alias) => fullNameOf(alias, namespace)),
      doc: typeof json['doc'] === 'string' ? json['doc'] : undefined,
      properties: rest(json, known),
    };
  }

  #aliases({ aliases = [] }: Record<string, unknown>, path: string): string[] {
    if (!Array.isArray(aliases) || !aliases.every((alias) => typeof alias === 'string')) {
      throw this.#invalid(path, 'aliases are not a list of names');
    }
    return [...new Set<string>(aliases)];
  }

  #define(node: AvroRecord | AvroEnum | AvroFixed, path: string): void {
    const name = fullName(node);
    if ((PRIMITIVES as readonly string[]).includes(name)) {
      throw this.#invalid(path, `a type may not be named as a primitive one, ${name}`);
    }
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

/** A number may be written as a text, where a double is wanted. */
function defaultOf({ kind }: AvroNode, value: unknown): unknown {
  return typeof value === 'string' && (kind === 'float' || kind === 'double') ? (doubleOf(value) ?? value) : value;
}

/** Whether JSON `value` is a default for a field of this type. A union takes the default of any of its branches. */
export function isDefaultOf(node: AvroNode, value: unknown): boolean {
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
      return textOfNumber(value) !== undefined || NON_FINITE.includes(value);
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
        node.fields !== NOT_YET_READ &&
        node.fields.every((field) =>
          Object.hasOwn(value, field.name)
            ? isDefaultOf(field.type, value[field.name])
            : field.defaultValue !== undefined,
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

function rest(json: Record<string, unknown>, known: readonly string[]): Properties {
  return Object.fromEntries(Object.entries(json).filter(([key]) => !known.includes(key)));
}

// ── Printing ──────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * The canonical text: members in a fixed order, a namespace only where it changes, a named type in full where it first
 * appears and by name afterwards. Names in `external` (those of referenced schemas) always print by name.
 */
export function printAvroSchema(node: AvroNode, external: Iterable<string> = []): string {
  return stringifyExact(toJson(node, '', new Set(external)));
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
  if (defined.has(name)) return withoutNamespace(name, namespace);
  defined.add(name);
  return {
    type: node.kind,
    name: node.name,
    ...(node.namespace === namespace ? {} : { namespace: node.namespace }),
    ...(node.doc === undefined ? {} : { doc: node.doc }),
    ...(node.kind === 'enum' ? { symbols: node.symbols } : {}),
    ...(node.kind === 'enum' && node.defaultSymbol !== undefined ? { default: node.defaultSymbol } : {}),
    ...(node.kind === 'fixed' ? { size: node.size } : {}),
    ...('fields' in node ? { fields: node.fields.map((field) => fieldToJson(field, node.namespace, defined)) } : {}),
    ...node.properties,
    ...(node.aliases.length === 0
      ? {}
      : { aliases: node.aliases.map((alias) => withoutNamespace(alias, node.namespace)) }),
  };
}

function fieldToJson(field: AvroField, namespace: string, defined: Set<string>): unknown {
  return {
    name: field.name,
    type: toJson(field.type, namespace, defined),
    ...(field.doc === undefined ? {} : { doc: field.doc }),
    ...(field.defaultValue === undefined ? {} : { default: field.defaultValue }),
    ...(field.order === undefined || field.order === 'ascending' ? {} : { order: field.order }),
    ...(field.aliases.length === 0 ? {} : { aliases: field.aliases }),
    ...field.properties,
  };
}

/** The simple name of what is in the same namespace, unless it would be read as one of Avro's own types. */
function withoutNamespace(name: string, namespace: string): string {
  const simple = name.slice(name.lastIndexOf('.') + 1);
  return fullNameOf(simple, namespace) === name && !TYPE_NAMES.includes(simple) ? simple : name;
}
