// Avro schemas as Connect's: what Confluent's mapping has kept in properties, and otherwise what Avro itself says.
import { type AvroField, type AvroNode, type AvroRecord, fullName } from '../../../schemas/index.ts';
import { DataError } from '../../data/errors.ts';
import {
  arrayOf,
  date,
  decimalOf,
  LOGICAL,
  mapOf,
  primitive,
  type Schema,
  type SchemaOptions,
  type SchemaType,
  STRING,
  structOf,
  time,
  timestamp,
} from '../../data/schema.ts';
import { defaultValue } from './default-values.ts';
import {
  type AvroMapping,
  DEFAULT_PRECISION,
  ENUM,
  FIXED_SIZE,
  GENERAL_ENUM,
  GENERAL_UNION,
  INTERNAL_TYPE,
  MAP_ENTRY,
  NAMESPACE,
  PRECISION,
  PROPERTY,
  UNION,
} from './names.ts';

/** The Connect schema of values that an Avro schema has. Throws `DataError` for what Connect can't have: types in themselves. */
export function connectSchemaOf(node: AvroNode, mapping: AvroMapping): Schema {
  return new ConnectSchemas(mapping).of(node);
}

/** The branch of a union that is only there or not; undefined where there are several. */
export function onlyBranch(branches: readonly AvroNode[]): AvroNode | undefined {
  const present = branches.filter(({ kind }) => kind !== 'null');
  return present.length === 1 ? present[0] : undefined;
}

/** The field of a union's struct that stands for a branch. */
export function unionField(branch: AvroNode, index: number, mapping: AvroMapping): string {
  if (mapping.generalized) return `${GENERAL_UNION}_field_${index}`;
  if (!('name' in branch)) return branch.kind;
  return mapping.enhanced ? fullName(branch) : branch.name;
}

/** Whether an array is a map whose keys are not strings. */
export function entryOf(items: AvroNode): AvroRecord | undefined {
  if (items.kind !== 'record' || items.fields.length !== 2) return undefined;
  const isEntry = items.properties[INTERNAL_TYPE] === MAP_ENTRY || fullName(items) === `${NAMESPACE}.${MAP_ENTRY}`;
  return isEntry ? items : undefined;
}

const PLAIN: Readonly<Partial<Record<AvroNode['kind'], Exclude<SchemaType, 'array' | 'map' | 'struct'>>>> = {
  int: 'int32',
  long: 'int64',
  float: 'float32',
  double: 'float64',
  boolean: 'boolean',
  string: 'string',
  bytes: 'bytes',
  fixed: 'bytes',
};

type Properties = Readonly<Record<string, unknown>>;

class ConnectSchemas {
  readonly #mapping: AvroMapping;
  readonly #open = new Set<AvroNode>();

  constructor(mapping: AvroMapping) {
    this.#mapping = mapping;
  }

  of(node: AvroNode, options: SchemaOptions = {}): Schema {
    if (node.kind === 'union') return this.#union(node.branches, options);
    const { properties } = node;
    const said = this.#said(node, options);
    const schema = this.#typed(node, said);
    const given = properties[PROPERTY.default];
    return given === undefined || options.default !== undefined
      ? schema
      : schema.with({ default: defaultValue(schema, given) });
  }

  #union(branches: readonly AvroNode[], options: SchemaOptions): Schema {
    const optional = branches.some(({ kind }) => kind === 'null') || options.optional === true;
    const only = onlyBranch(branches);
    if (only !== undefined) return this.of(only, { ...options, optional });
    const present = branches.filter(({ kind }) => kind !== 'null');
    const fields = present.map(
      (branch, i) => [unionField(branch, i, this.#mapping), this.of(branch, { optional: true })] as const,
    );
    return structOf(fields, { ...options, optional, name: this.#mapping.generalized ? `${GENERAL_UNION}_0` : UNION });
  }

  #said(node: Exclude<AvroNode, { kind: 'union' }>, options: SchemaOptions): SchemaOptions {
    const { properties } = node;
    const doc = 'doc' in node ? node.doc : undefined;
    return {
      ...options,
      name: textOf(properties[PROPERTY.name]) ?? nameOf(node),
      version: numberOf(properties[PROPERTY.version]),
      doc: doc ?? textOf(properties[PROPERTY.doc]) ?? options.doc,
      parameters: parametersOf(properties),
    };
  }

  #typed(node: Exclude<AvroNode, { kind: 'union' }>, said: SchemaOptions): Schema {
    switch (node.kind) {
      case 'record':
      case 'error':
        return this.#record(node, said);
      case 'array': {
        const entry = entryOf(node.items);
        if (entry === undefined) return arrayOf(this.of(node.items), said);
        const [key, value] = entry.fields;
        const name = textOf(entry.properties[PROPERTY.name]) ?? said.name;
        return mapOf(this.of(key!.type), this.of(value!.type), { ...said, name });
      }
      case 'map':
        return mapOf(STRING, this.of(node.values), said);
      case 'enum': {
        const marker = this.#mapping.generalized ? GENERAL_ENUM : ENUM;
        const symbols = Object.fromEntries(node.symbols.map((symbol) => [`${marker}.${symbol}`, symbol]));
        return primitive('string', {
          ...said,
          parameters: { ...said.parameters, [marker]: fullName(node), ...symbols },
        });
      }
      case 'null':
        throw new DataError('a schema of nothing but null has no Connect schema');
      default:
        return logicalOf(node.properties, said) ?? plainOf(node, said);
    }
  }

  #record(node: AvroRecord, said: SchemaOptions): Schema {
    if (this.#open.has(node))
      throw new DataError(`the record ${fullName(node)} contains itself, which Connect's schemas can't say`);
    this.#open.add(node);
    const fields = node.fields.map((field) => [field.name, this.#field(field)] as const);
    this.#open.delete(node);
    return structOf(fields, said);
  }

  /** A field has the default of its own schema, where that says one, else Avro's. */
  #field({ type, defaultValue: given, doc }: AvroField): Schema {
    const schema = this.of(type, doc === undefined ? {} : { doc });
    if (schema.default !== undefined || given === undefined || given === null) return schema;
    return schema.with({ default: defaultValue(schema, given) });
  }
}

/** Bytes and numbers that are decimals and times, by Connect's name or by Avro's logical type. */
function logicalOf(properties: Properties, said: SchemaOptions): Schema | undefined {
  const logicalType = properties['logicalType'];
  if (said.name === LOGICAL.decimal || (said.name === undefined && logicalType === 'decimal')) {
    const scale = said.parameters?.['scale'] ?? properties['scale'] ?? 0;
    const precision = Number(properties['precision'] ?? DEFAULT_PRECISION);
    const parameters = precision === DEFAULT_PRECISION ? {} : { [PRECISION]: String(precision) };
    return decimalOf(Number(scale), versioned({ ...said, parameters: { ...said.parameters, ...parameters } }));
  }
  if (said.name === LOGICAL.date || (said.name === undefined && logicalType === 'date')) return date(versioned(said));
  if (said.name === LOGICAL.time || (said.name === undefined && logicalType === 'time-millis'))
    return time(versioned(said));
  if (said.name === LOGICAL.timestamp || (said.name === undefined && logicalType === 'timestamp-millis'))
    return timestamp(versioned(said));
  return undefined;
}

/** Logical types have the version 1 where nothing else is said. */
const versioned = (said: SchemaOptions): SchemaOptions => ({ ...said, version: said.version ?? 1 });

function plainOf(node: AvroNode & { readonly properties: Properties }, said: SchemaOptions): Schema {
  const given = node.properties[PROPERTY.type];
  if (node.kind === 'int' && (given === 'int8' || given === 'int16')) return primitive(given, said);
  if (node.kind !== 'fixed') return primitive(PLAIN[node.kind]!, said);
  return primitive('bytes', { ...said, parameters: { ...said.parameters, [FIXED_SIZE]: String(node.size) } });
}

/** A record's or a fixed's name; one that the mapping itself made up means that there was none. */
function nameOf(node: AvroNode): string | undefined {
  if (node.kind !== 'record' && node.kind !== 'error' && node.kind !== 'fixed') return undefined;
  const name = fullName(node);
  return /^io\.confluent\.connect\.avro\.ConnectDefault(\d*|Fixed)$/.test(name) ? undefined : name;
}

function parametersOf(properties: Properties): Record<string, string> | undefined {
  const given = properties[PROPERTY.parameters];
  if (typeof given !== 'object' || given === null) return undefined;
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]));
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
