// Connect's schemas as Avro schemas, as Confluent's mapping has them.
import { printJson } from '../../../util/index.ts';
import { DataError } from '../../data/errors.ts';
import { LOGICAL, scaleOf, type Schema } from '../../data/schema.ts';
import { defaultJson } from './default-values.ts';
import {
  type AvroMapping,
  DEFAULT_NAME,
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
  scrubbed,
  UNION,
} from './names.ts';

type Json = string | readonly unknown[] | { readonly [name: string]: unknown };

/** The JSON text of the Avro schema that has the values of a Connect schema. Throws `DataError` for what Avro can't have. */
export function avroTextOf(schema: Schema, mapping: AvroMapping): string {
  return printJson(new AvroSchemas(mapping).of(schema))!;
}

const PRIMITIVES: Readonly<Record<string, string>> = {
  int8: 'int',
  int16: 'int',
  int32: 'int',
  int64: 'long',
  float32: 'float',
  float64: 'double',
  boolean: 'boolean',
  string: 'string',
  bytes: 'bytes',
};

const LOGICAL_TYPES: Readonly<Record<string, string>> = {
  [LOGICAL.date]: 'date',
  [LOGICAL.time]: 'time-millis',
  [LOGICAL.timestamp]: 'timestamp-millis',
};

class AvroSchemas {
  readonly #mapping: AvroMapping;
  /** What each full name was defined as. */
  readonly #defined = new Map<string, string>();
  #unnamed = 0;
  #mapEntries = 0;

  constructor(mapping: AvroMapping) {
    this.#mapping = mapping;
  }

  /** With null, where the schema is optional: in front, unless its default is something else. */
  of(schema: Schema): Json {
    if (this.#isUnion(schema)) return this.#union(schema);
    const plain = this.#plain(schema);
    if (!schema.optional) return plain;
    return hasDefault(schema) ? [plain, 'null'] : ['null', plain];
  }

  #isUnion({ type, name }: Schema): boolean {
    return type === 'struct' && (name === UNION || (name !== undefined && name.startsWith(GENERAL_UNION)));
  }

  #union(schema: Schema): Json {
    const branches = schema.fields.map((field) => this.#plain(field.schema.with({ optional: false })));
    return schema.optional ? ['null', ...branches] : branches;
  }

  #plain(schema: Schema): Json {
    const type = this.#typeOf(schema);
    if (typeof type === 'string' && this.#defined.has(type)) return type;
    const properties = this.#properties(schema);
    if (Object.keys(properties).length === 0) return type;
    return { ...(typeof type === 'string' ? { type } : type), ...properties };
  }

  #typeOf(schema: Schema): string | { readonly [name: string]: unknown } {
    switch (schema.type) {
      case 'struct':
        return this.#record(schema);
      case 'array':
        return { type: 'array', items: this.of(schema.valueSchema) };
      case 'map':
        return this.#map(schema);
      case 'string':
        return this.#enum(schema) ?? 'string';
      case 'bytes':
        return this.#bytes(schema);
      default:
        return PRIMITIVES[schema.type]!;
    }
  }

  #record(schema: Schema): string | { readonly [name: string]: unknown } {
    const given = schema.name ?? this.#nextUnnamed();
    const { full, name, namespace } = this.#nameOf(given);
    const known = this.#defined.get(full);
    const identity = identityOf(schema);
    if (known === identity) return full;
    if (known !== undefined)
      throw new DataError(
        `two different structs are named ${full}, which Avro does not allow: give them names of their own`,
      );
    this.#defined.set(full, identity);
    const fields = schema.fields.map((field) => this.#field(field.name, field.schema));
    return { type: 'record', name, ...(namespace === '' ? {} : { namespace }), fields };
  }

  #nextUnnamed(): string {
    this.#unnamed++;
    return `${NAMESPACE}.${DEFAULT_NAME}${this.#unnamed === 1 ? '' : this.#unnamed}`;
  }

  #field(name: string, schema: Schema): Json {
    const face = { name: this.#part(name), type: this.of(schema) };
    if (hasDefault(schema)) {
      // Avro's own default has to be one of the first branch, nulls inside of it too: only what has no parts has one.
      const isSimple = !['struct', 'array', 'map'].includes(schema.type);
      return isSimple ? { ...face, default: defaultJson(schema, schema.default) } : face;
    }
    return schema.optional ? { ...face, default: null } : face;
  }

  /** Maps whose keys are not plain strings are arrays of entries. */
  #map(schema: Schema): { readonly [name: string]: unknown } {
    if (schema.keySchema.type === 'string' && !schema.keySchema.optional && this.#enum(schema.keySchema) === undefined)
      return { type: 'map', values: this.of(schema.valueSchema) };
    this.#mapEntries++;
    const { name, namespace } = this.#nameOf(
      schema.name ?? `${NAMESPACE}.${MAP_ENTRY}${this.#mapEntries === 1 ? '' : this.#mapEntries}`,
    );
    const fields = [this.#field('key', schema.keySchema), this.#field('value', schema.valueSchema)];
    const entry = { type: 'record', name, ...(namespace === '' ? {} : { namespace }), fields };
    return { type: 'array', items: { ...entry, [INTERNAL_TYPE]: MAP_ENTRY } };
  }

  #enum({ parameters = {} }: Schema): string | { readonly [name: string]: unknown } | undefined {
    const { enhanced, generalized } = this.#mapping;
    const marker = generalized ? GENERAL_ENUM : enhanced ? ENUM : undefined;
    const given = marker === undefined ? undefined : parameters[marker];
    if (marker === undefined || given === undefined) return undefined;
    const { full, name, namespace } = this.#nameOf(given);
    const symbols = Object.keys(parameters)
      .filter((key) => key.startsWith(`${marker}.`))
      .map((key) => key.slice(marker.length + 1));
    const identity = JSON.stringify(symbols);
    if (this.#defined.get(full) === identity) return full;
    this.#defined.set(full, identity);
    return { type: 'enum', name, ...(namespace === '' ? {} : { namespace }), symbols };
  }

  #bytes(schema: Schema): string | { readonly [name: string]: unknown } {
    const { parameters = {} } = schema;
    const size = parameters[FIXED_SIZE];
    const base: { readonly [name: string]: unknown } =
      size === undefined ? { type: 'bytes' } : { type: 'fixed', ...this.#fixedName(schema.name), size: Number(size) };
    if (schema.name !== LOGICAL.decimal) return size === undefined ? 'bytes' : base;
    return { ...base, scale: scaleOf(schema), precision: Number(parameters[PRECISION] ?? DEFAULT_PRECISION) };
  }

  #fixedName(given = `${NAMESPACE}.${DEFAULT_NAME}Fixed`): { readonly [name: string]: unknown } {
    const { name, namespace } = this.#nameOf(given);
    return { name, ...(namespace === '' ? {} : { namespace }) };
  }

  /** What Avro has no word for, and the words that it has for logical types. */
  #properties(schema: Schema): Readonly<Record<string, unknown>> {
    const { type, name, version, doc, parameters, default: given } = schema;
    const properties: Record<string, unknown> = {};
    if (this.#mapping.connectMetaData) {
      if (doc !== undefined) properties[PROPERTY.doc] = doc;
      if (version !== undefined) properties[PROPERTY.version] = version;
      if (parameters !== undefined && Object.keys(parameters).length > 0) properties[PROPERTY.parameters] = parameters;
      if (hasDefault(schema)) properties[PROPERTY.default] = defaultJson(schema, given);
      if (name !== undefined) properties[PROPERTY.name] = name;
    }
    if (type === 'int8' || type === 'int16') properties[PROPERTY.type] = type;
    if (name === LOGICAL.decimal) properties['logicalType'] = 'decimal';
    else if (name !== undefined && LOGICAL_TYPES[name] !== undefined) properties['logicalType'] = LOGICAL_TYPES[name];
    return properties;
  }

  #nameOf(given: string): { full: string; name: string; namespace: string } {
    const parts = given.split('.').map((part) => this.#part(part));
    const name = parts.pop()!;
    return { full: [...parts, name].join('.'), name, namespace: parts.join('.') };
  }

  #part(name: string): string {
    if (this.#mapping.scrubNames) return scrubbed(name);
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name;
    throw new DataError(
      `Avro does not allow the name ${JSON.stringify(name)}: set scrub.invalid.names=true, or rename it`,
    );
  }
}

const hasDefault = (schema: Schema): boolean => schema.default !== undefined && schema.default !== null;

/** What a struct is without what is only said where it is used. */
function identityOf(schema: Schema): string {
  return JSON.stringify(schema.fields.map((field) => [field.name, shapeOf(field.schema)]));
}

function shapeOf(schema: Schema): unknown {
  const { type, optional, name, version, parameters } = schema;
  const parts =
    type === 'struct'
      ? schema.fields.map((field) => [field.name, shapeOf(field.schema)])
      : type === 'map'
        ? [shapeOf(schema.keySchema), shapeOf(schema.valueSchema)]
        : type === 'array'
          ? [shapeOf(schema.valueSchema)]
          : [];
  return [type, optional, name, version, parameters, parts];
}
