// The columns that a JSON Schema stands for, after Kafka Connect's reading of it. Keywords that only constrain values say
// nothing here; those that give a type are put together: what an allOf, a reference and the schema itself ask for at once is
// one type, alternatives to null are that type, and other alternatives are a union (json-unions.ts).
import { type JsonNode, type ObjectNode, parseJsonSchema, type TargetNode, targetOf } from '../../schemas/index.ts';
import type { ResolvedSchema } from '../../serde/index.ts';
import { StatementError } from '../errors.ts';
import { arrayOf, BIGINT, BOOLEAN, BYTES, DOUBLE, INTEGER, mapOf, type SqlType, STRING } from '../types.ts';
import type { CodecColumn } from './codec.ts';
import { commonType, isUnion, unionFieldName } from './json-unions.ts';
import { CONNECT_DECIMAL, connectType, type InferredRecord, placeIn, SchemaWalk } from './schema-walk.ts';

type Fold = (name: string) => string;
type Of<K extends TargetNode['kind']> = Extract<TargetNode, { readonly kind: K }>;

/** One of the things that a schema asks for at once, with what is said of it around it. */
interface Part {
  readonly node: TargetNode;
  readonly title: string | undefined;
  readonly connect: TargetNode['connect'];
}

/** What a type is put together from. */
interface Asked {
  readonly objects: readonly ObjectNode[];
  readonly unions: readonly Of<'combined'>[];
  readonly scalars: readonly Part[];
  readonly isMap: boolean;
}

export function jsonSchemaColumns(schema: ResolvedSchema, fold: Fold): InferredRecord {
  const columns = new JsonColumns(fold, false);
  return columns.record(parseJsonSchema(schema.schema, schema.references).root);
}

/** The properties that a schema lists; none when it is not one of objects. */
export function jsonPropertyNames({ schema, references }: ResolvedSchema): readonly string[] {
  return new JsonColumns((name) => name, true).propertyNames(parseJsonSchema(schema, references).root);
}

/** The columns of what a schema describes and SQL understands; undefined when that is nothing. */
export function readableColumns({ schema, references }: ResolvedSchema): InferredRecord | undefined {
  try {
    return new JsonColumns((name) => name, true).record(parseJsonSchema(schema, references).root);
  } catch (error) {
    if (error instanceof StatementError) return undefined;
    throw error;
  }
}

class JsonColumns {
  readonly #walk: SchemaWalk;
  /** Properties that SQL has no type for are passed over. */
  readonly #isLenient: boolean;

  constructor(fold: Fold, isLenient: boolean) {
    this.#walk = new SchemaWalk('JSON', fold);
    this.#isLenient = isLenient;
  }

  record(root: JsonNode): InferredRecord {
    const type = this.#typeOf([root], '');
    return type.kind === 'STRUCT' && !isUnion(type) ? { fields: type.fields } : { value: type };
  }

  propertyNames(root: JsonNode): readonly string[] {
    return [...propertiesOf(this.#objectsOf(targetOf(root), '')).keys()];
  }

  /** The type of what all of the nodes describe. */
  #typeOf(nodes: readonly JsonNode[], place: string): SqlType {
    const [first, ...others] = nodes;
    const target = targetOf(first!);
    return this.#walk.within(target, place, () => {
      const parts = [target, ...others].flatMap((node, i) => this.#parts(node, undefined, place, i === 0));
      return this.#typeOfParts(parts, place);
    });
  }

  /** What a schema comes down to: the members of an allOf, and alternatives that are none besides null. */
  #parts(node: JsonNode, outer: Part | undefined, place: string, isOpen = false): Part[] {
    const target = targetOf(node);
    const connect = target.connect.type === undefined && outer !== undefined ? outer.connect : target.connect;
    const part: Part = { node: target, title: target.title ?? outer?.title, connect };
    const inner = (members: readonly JsonNode[]) => members.flatMap((member) => this.#parts(member, part, place));
    const partsOf = (): Part[] => {
      if (target.kind !== 'combined') return [part];
      const members = target.members.map((member) => member.node);
      if (target.criterion === 'allOf') return inner(members);
      const real = members.filter((member) => !isNull(member));
      return real.length === 1 ? inner(real) : [part];
    };
    return isOpen ? partsOf() : this.#walk.within(target, place, partsOf);
  }

  #typeOfParts(parts: readonly Part[], place: string): SqlType {
    const { objects, unions, scalars, isMap } = asked(parts);
    if (objects.length > 0 && scalars.length > 0) {
      this.#walk.refuse(place, `is at once an object and ${scalars[0]!.node.kind}`);
    }
    const branches = unions.flatMap((union) => union.members.map((member) => targetOf(member.node)));
    if (objects.length > 0 || (unions.length > 1 && branches.every((branch) => isOfObjects(branch)))) {
      return this.#object(objects, branches, isMap, place);
    }
    const types = scalars.map((part) => this.#scalar(part, place));
    if (types.length > 0) return integerOf(types) ?? commonType(types) ?? this.#contradiction(types, place);
    if (unions.length > 0) {
      const alternatives = unions.map((union) => this.#union(union, place));
      return commonType(alternatives) ?? this.#contradiction(alternatives, place);
    }
    if (parts.some(({ node }) => node.kind === 'enum' || node.kind === 'const')) return STRING;
    return this.#walk.refuse(place, 'has no type: any value is allowed there');
  }

  #contradiction(types: readonly SqlType[], place: string): never {
    return this.#walk.refuse(place, `is at once ${types.map(({ kind }) => kind).join(' and ')}`);
  }

  #scalar({ node, title, connect }: Part, place: string): SqlType {
    switch (node.kind) {
      case 'boolean':
        return BOOLEAN;
      case 'number':
      case 'string': {
        if (title === CONNECT_DECIMAL) {
          const { scale, 'connect.decimal.precision': precision } = connect.parameters;
          return this.#walk.decimal(precision, scale, place);
        }
        const logical = connectType(title);
        if (logical !== undefined) return logical;
        if (node.kind === 'string') return connect.type === 'bytes' ? BYTES : STRING;
        return numberType(connect.type) ?? (node.integer ? BIGINT : DOUBLE);
      }
      case 'array':
        return this.#array(node, place);
      default:
        return this.#walk.refuse(place, node.kind === 'false' ? 'allows no value' : `can only be ${node.kind}`);
    }
  }

  #array(node: Of<'array'>, place: string): SqlType {
    const at = `${place}[]`;
    const items = node.allItems === undefined ? node.items : [node.allItems];
    const beyond = node.additional.schema === undefined ? [] : [node.additional.schema];
    const types = [...items, ...beyond].map((item) => this.#typeOf([item], at));
    if (types.length === 0) this.#walk.refuse(place, 'is an array whose items have no type');
    const type = commonType(types);
    return arrayOf(type ?? this.#walk.refuse(place, 'is an array whose items have types of their own'));
  }

  /** Properties of alternatives are there or not, as all properties are. */
  #object(objects: readonly ObjectNode[], alternatives: readonly TargetNode[], isMap: boolean, place: string): SqlType {
    const all = [...objects, ...alternatives.flatMap((branch) => this.#objectsOf(branch, place))];
    const properties = propertiesOf(all);
    if (isMap || properties.size === 0) return this.#map(all, place);
    const ordered = [...properties]
      .map(([name, nodes], i) => ({ name, nodes, at: nodes.find(isPlaced)?.connect.index ?? i }))
      .toSorted((a, b) => a.at - b.at);
    const fields = ordered.flatMap(({ name, nodes }): CodecColumn[] => {
      const type = this.#property(nodes, placeIn(place, name));
      return type === undefined ? [] : [{ name: this.#walk.fold(name), type }];
    });
    return this.#walk.struct(fields, place);
  }

  #property(nodes: readonly JsonNode[], place: string): SqlType | undefined {
    try {
      return this.#typeOf(nodes, place);
    } catch (error) {
      if (this.#isLenient && error instanceof StatementError) return undefined;
      throw error;
    }
  }

  #objectsOf(branch: TargetNode, place: string): readonly ObjectNode[] {
    return this.#walk.within(branch, place, () => {
      const { objects, unions } = asked(this.#parts(branch, undefined, place, true));
      const inner = unions.flatMap((union) => union.members.map((member) => targetOf(member.node)));
      return [...objects, ...inner.flatMap((member) => this.#objectsOf(member, place))];
    });
  }

  #map(objects: readonly ObjectNode[], place: string): SqlType {
    const values = objects.flatMap(({ additional, patterns }) => [
      ...(additional.schema === undefined ? [] : [additional.schema]),
      ...patterns.map(({ node }) => node),
    ]);
    const types = values.map((value) => this.#typeOf([value], `${place}{}`));
    if (types.length === 0) this.#walk.refuse(place, 'is an object that lists no properties and gives others no type');
    const type = commonType(types);
    return mapOf(STRING, type ?? this.#walk.refuse(place, 'is an object whose values have several types'));
  }

  #union({ criterion, members }: Of<'combined'>, place: string): SqlType {
    const branches = members.filter(({ node }) => !isNull(node));
    if (branches.length === 0) this.#walk.refuse(place, 'can only be null');
    const types = branches.map(({ node, index }) => this.#typeOf([node], `${place} (${criterion} ${index})`));
    const same = commonType(types);
    if (same !== undefined && same.kind !== 'STRUCT') return same;
    const fields = types.map((type, i) => ({ name: this.#walk.fold(unionFieldName(i)), type }));
    return this.#walk.struct(fields, place);
  }
}

/** Each property with all that is asked of it. */
function propertiesOf(objects: readonly ObjectNode[]): ReadonlyMap<string, readonly JsonNode[]> {
  const properties = new Map<string, JsonNode[]>();
  for (const { properties: own } of objects) {
    for (const [name, node] of own) properties.set(name, [...(properties.get(name) ?? []), node]);
  }
  return properties;
}

/** What parts ask for. Keywords of a type that is not asked for say nothing where another one is. */
function asked(parts: readonly Part[]): Asked {
  const typing = parts.filter(({ node }) => givesType(node));
  const kinds = new Set(typing.filter(({ node }) => node.isImplied !== true).flatMap(({ node }) => kindsOf(node)));
  const counted = typing.filter(({ node }) => node.isImplied !== true || kinds.size === 0 || kinds.has(node.kind));
  const objects = counted.filter(({ node }) => node.kind === 'object');
  return {
    objects: objects.map(({ node }) => node as ObjectNode),
    unions: counted.flatMap(({ node }) => (node.kind === 'combined' ? [node] : [])),
    scalars: counted.filter(({ node }) => node.kind !== 'object' && node.kind !== 'combined'),
    isMap: objects.some(({ connect }) => connect.type === 'map'),
  };
}

function givesType({ kind }: TargetNode): boolean {
  return !['enum', 'const', 'not', 'conditional', 'empty', 'true'].includes(kind);
}

function kindsOf(node: TargetNode): string[] {
  return node.kind === 'combined' ? node.members.map((member) => targetOf(member.node).kind) : [node.kind];
}

function isOfObjects(node: TargetNode): boolean {
  return node.kind === 'object' || isNull(node);
}

function isPlaced(node: JsonNode): boolean {
  return node.connect.index !== undefined;
}

function isNull(node: JsonNode): boolean {
  const target = targetOf(node);
  if (target.kind === 'const') return target.value === 'null';
  return target.kind === 'null' || (target.kind === 'enum' && [...target.values].every((value) => value === 'null'));
}

function numberType(connect: string | undefined): SqlType | undefined {
  if (connect === 'int8' || connect === 'int16' || connect === 'int32') return INTEGER;
  if (connect === 'int64') return BIGINT;
  return connect === 'float32' || connect === 'float64' ? DOUBLE : undefined;
}

/** Integers that must be numbers, too, are integers. */
function integerOf(types: readonly SqlType[]): SqlType | undefined {
  const integers = types.filter(({ kind }) => kind === 'INTEGER' || kind === 'BIGINT');
  const isOfNumbers = types.every(({ kind }) => kind === 'INTEGER' || kind === 'BIGINT' || kind === 'DOUBLE');
  return isOfNumbers && integers.length > 0 ? (integers.find(({ kind }) => kind === 'INTEGER') ?? BIGINT) : undefined;
}
