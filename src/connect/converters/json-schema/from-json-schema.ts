// JSON Schemas as Connect's. Keywords that only constrain values say nothing here; alternatives to null are optional, other
// alternatives a union, and what an allOf asks for at once is put together.
import { type JsonNode, type ObjectNode, type TargetNode, targetOf } from '../../../schemas/index.ts';
import { DataError } from '../../data/errors.ts';
import {
  arrayOf,
  decimalOf,
  LOGICAL,
  mapOf,
  primitive,
  type Schema,
  SCHEMA_TYPES,
  type SchemaOptions,
  STRING,
  structOf,
} from '../../data/schema.ts';
import { jsonReader } from '../json/reader.ts';
import { GENERAL_UNION, UNION, unionField } from '../json/unions.ts';
import { ENUM, GENERAL_ENUM, type JsonSchemaMapping } from './to-json-schema.ts';

type Of<K extends TargetNode['kind']> = Extract<TargetNode, { readonly kind: K }>;

/** The Connect schema of values that a JSON Schema describes. Throws `DataError` for what describes none, or itself. */
export function connectSchemaOf(root: JsonNode, mapping: JsonSchemaMapping): Schema {
  return new ConnectSchemas(mapping).of(root, {});
}

class ConnectSchemas {
  readonly #mapping: JsonSchemaMapping;
  readonly #open = new Set<TargetNode>();
  #unions = 0;

  constructor(mapping: JsonSchemaMapping) {
    this.#mapping = mapping;
  }

  of(node: JsonNode, outer: SchemaOptions): Schema {
    const target = targetOf(node);
    if (this.#open.has(target)) throw new DataError(`a JSON Schema that contains itself has no Connect schema`);
    this.#open.add(target);
    const schema = this.#typed(target, saidOf(target, outer));
    this.#open.delete(target);
    const given = target.defaultValue;
    if (given === undefined || given === null) return schema;
    return schema.with({ default: jsonReader(schema, this.#mapping.values)(given) });
  }

  #typed(node: TargetNode, said: SchemaOptions): Schema {
    switch (node.kind) {
      case 'combined':
        return this.#combined(node, said);
      case 'object':
        return this.#object([node], said);
      case 'array':
        return this.#array(node, said);
      case 'number':
        return this.#number(node, said);
      case 'boolean':
        return primitive('boolean', said);
      case 'string':
        return node.connect.type === 'bytes' ? bytesOf(said) : primitive('string', said);
      case 'enum':
        return primitive('string', { ...said, parameters: this.#enumOf([...node.values], said) });
      case 'const':
        return primitive('string', said);
      default:
        throw new DataError(`a JSON Schema that says no type (${node.kind}) has no Connect schema`);
    }
  }

  #combined(node: Of<'combined'>, said: SchemaOptions): Schema {
    const members = node.members.map((member) => targetOf(member.node));
    if (node.criterion === 'allOf') return this.#all(members, said);
    const present = members.filter(({ kind }) => kind !== 'null');
    const optional = said.optional === true || present.length < members.length;
    if (present.length === 1) return this.of(present[0]!, { ...said, optional });
    const general = this.#mapping.generalized;
    const fields = present.map((branch, i) => [unionField(i, general), this.of(branch, { optional: true })] as const);
    return structOf(fields, { ...said, optional, name: general ? `${GENERAL_UNION}_${this.#unions++}` : UNION });
  }

  /** Objects are put together; of other types that are asked for at once, the one that says the most is taken. */
  #all(members: readonly TargetNode[], said: SchemaOptions): Schema {
    const objects = members.filter((member): member is ObjectNode => member.kind === 'object');
    if (objects.length > 0) return this.#object(objects, said);
    const asked = members.find(({ kind }) => kind === 'enum') ?? members.find(({ kind }) => TYPED.includes(kind));
    if (asked === undefined) throw new DataError('a JSON Schema that says no type has no Connect schema');
    return this.of(asked, said);
  }

  #object(nodes: readonly ObjectNode[], said: SchemaOptions): Schema {
    const [first] = nodes as readonly [ObjectNode, ...ObjectNode[]];
    const properties = nodes.flatMap((node) => [...node.properties]);
    const rest = first.additional.schema;
    const isMap =
      nodes.some(({ connect }) => connect.type === 'map') || (properties.length === 0 && rest !== undefined);
    if (isMap)
      return mapOf(STRING, rest === undefined ? primitive('string', { optional: true }) : this.of(rest, {}), said);
    const required = new Set(nodes.flatMap((node) => [...node.required]));
    const placed = properties.map(([name, node], i) => ({ name, node, index: targetIndex(node) ?? i }));
    placed.sort((a, b) => a.index - b.index);
    const optionalUnlessRequired = this.#mapping.optionalUnlessRequired;
    return structOf(
      placed.map(({ name, node }) => {
        const optional = optionalUnlessRequired && !required.has(name);
        return [name, this.of(node, optional ? { optional } : {})];
      }),
      said,
    );
  }

  #array(node: Of<'array'>, said: SchemaOptions): Schema {
    const items = node.allItems ?? node.items[0];
    if (items === undefined)
      throw new DataError('an array of a JSON Schema that does not say of what has no Connect schema');
    if (node.connect.type !== 'map') return arrayOf(this.of(items, {}), said);
    const entry = targetOf(items);
    const [key, value] = entry.kind === 'object' ? ['key', 'value'].map((name) => entry.properties.get(name)) : [];
    if (key === undefined || value === undefined)
      throw new DataError('a map of a JSON Schema needs entries with key and value');
    return mapOf(this.of(key, {}), this.of(value, {}), said);
  }

  #number(node: Of<'number'>, said: SchemaOptions): Schema {
    const type = node.connect.type;
    if (type === 'bytes') return bytesOf(said);
    const known = SCHEMA_TYPES.slice(0, 6).find((each) => each === type) as 'int64' | undefined;
    return primitive(known ?? (node.integer ? 'int64' : 'float64'), said);
  }

  #enumOf(values: readonly string[], said: SchemaOptions): Record<string, string> {
    const marker = this.#mapping.generalized ? GENERAL_ENUM : ENUM;
    const texts = values.map((value) => enumText(value));
    const symbols = Object.fromEntries(texts.map((text) => [`${marker}.${text}`, text]));
    return { ...said.parameters, [marker]: said.parameters?.[marker] ?? '', ...symbols };
  }
}

const TYPED: readonly TargetNode['kind'][] = ['string', 'number', 'boolean', 'array', 'combined', 'const'];

/** The texts of enums are JSON. */
function enumText(json: string): string {
  const value: unknown = JSON.parse(json);
  return typeof value === 'string' ? value : json;
}

function targetIndex(node: JsonNode): number | undefined {
  return node.connect.index ?? targetOf(node).connect.index;
}

/** What a node says of itself, over what was said around it. */
function saidOf(node: TargetNode, outer: SchemaOptions): SchemaOptions {
  const { title, description, connect } = node;
  const parameters = Object.entries(connect.parameters).map(([name, value]) => [name, String(value)] as const);
  return {
    ...outer,
    name: title ?? outer.name,
    doc: description ?? outer.doc,
    version: connect.version ?? outer.version,
    parameters: parameters.length === 0 ? outer.parameters : Object.fromEntries(parameters),
  };
}

function bytesOf(said: SchemaOptions): Schema {
  if (said.name !== LOGICAL.decimal) return primitive('bytes', said);
  return decimalOf(Number(said.parameters?.['scale'] ?? 0), said);
}
