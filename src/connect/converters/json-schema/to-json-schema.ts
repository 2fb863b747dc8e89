// Connect's schemas as JSON Schemas, as Confluent's mapping has them.
import { DataError } from '../../data/errors.ts';
import { LOGICAL, type Schema } from '../../data/schema.ts';
import { parseNumbers } from '../json/reader.ts';
import { isUnion } from '../json/unions.ts';
import { jsonWriter, type JsonValueOptions } from '../json/writer.ts';

/** A string's parameter: the enum's name; with a value behind it, the value. */
export const ENUM = 'io.confluent.connect.json.Enum';
/** The same in `generalized.sum.type.support`. */
export const GENERAL_ENUM = 'org.apache.kafka.connect.data.Enum';

/** What the converter's settings say. */
export interface JsonSchemaMapping {
  readonly values: JsonValueOptions;
  readonly generalized: boolean;
  /** Whether properties that are not required are optional fields. */
  readonly optionalUnlessRequired: boolean;
  /** Whether objects may have other properties than those of their fields. */
  readonly additionalProperties: boolean;
}

type Json = { readonly [name: string]: unknown };

const TYPES: Readonly<Record<string, readonly [string, string?]>> = {
  int8: ['integer', 'int8'],
  int16: ['integer', 'int16'],
  int32: ['integer', 'int32'],
  int64: ['integer', 'int64'],
  float32: ['number', 'float32'],
  float64: ['number', 'float64'],
  boolean: ['boolean'],
  string: ['string'],
  bytes: ['string', 'bytes'],
};

/** The text of the JSON Schema that has the values of a Connect schema. */
export function jsonSchemaTextOf(schema: Schema, mapping: JsonSchemaMapping): string {
  return JSON.stringify(jsonSchemaOf(schema, mapping));
}

function jsonSchemaOf(schema: Schema, mapping: JsonSchemaMapping, index?: number): Json {
  const place = index === undefined ? {} : { 'connect.index': index };
  const { default: given } = schema;
  const hasDefault = given !== undefined && given !== null;
  const standing = hasDefault ? { default: defaultOf(schema, mapping) } : {};
  if (isUnion(schema)) {
    const branches = schema.fields.map((field, i) => jsonSchemaOf(field.schema.with({ optional: false }), mapping, i));
    return { oneOf: schema.optional ? [{ type: 'null' }, ...branches] : branches, ...place };
  }
  const plain = { ...typeOf(schema, mapping), ...annotationsOf(schema) };
  if (schema.optional) return { oneOf: [{ type: 'null' }, plain], ...standing, ...place };
  return { ...plain, ...standing, ...place };
}

/** Whoever reads schemas has their numbers as doubles: a default that is none would be read as another one. */
function defaultOf(schema: Schema, { values }: JsonSchemaMapping): unknown {
  const text = jsonWriter(schema, values)(schema.default);
  const exact = JSON.stringify(parseNumbers(text), (_name, part: unknown) => (typeof part === 'bigint' ? null : part));
  if (exact === JSON.stringify(JSON.parse(text))) return JSON.parse(text);
  throw new DataError(`the default ${text} has more digits than a number of a JSON Schema can have`);
}

function typeOf(schema: Schema, mapping: JsonSchemaMapping): Json {
  switch (schema.type) {
    case 'array':
      return { type: 'array', items: jsonSchemaOf(schema.valueSchema, mapping) };
    case 'map':
      return mapType(schema, mapping);
    case 'struct': {
      const properties = schema.fields.map(({ name, index, schema: of }) => [name, jsonSchemaOf(of, mapping, index)]);
      const required = mapping.optionalUnlessRequired
        ? schema.fields.filter((field) => !field.schema.optional).map(({ name }) => name)
        : [];
      return {
        type: 'object',
        ...(required.length > 0 ? { required } : {}),
        properties: Object.fromEntries(properties) as Json,
        ...(mapping.additionalProperties ? {} : { additionalProperties: false }),
      };
    }
    default: {
      const [type, connectType] = TYPES[schema.type]!;
      const isNumber = schema.name === LOGICAL.decimal && mapping.values.decimalFormat === 'NUMERIC';
      const values = enumValues(schema, mapping);
      return {
        ...(values === undefined ? { type: isNumber ? 'number' : type } : { enum: values }),
        ...(connectType === undefined ? {} : { 'connect.type': connectType }),
      };
    }
  }
}

/** Maps whose keys are not strings are arrays of entries. */
function mapType(schema: Schema, mapping: JsonSchemaMapping): Json {
  const { keySchema, valueSchema } = schema;
  if (keySchema.type === 'string')
    return { type: 'object', 'connect.type': 'map', additionalProperties: jsonSchemaOf(valueSchema, mapping) };
  const properties = { key: jsonSchemaOf(keySchema, mapping, 0), value: jsonSchemaOf(valueSchema, mapping, 1) };
  return { type: 'array', 'connect.type': 'map', items: { type: 'object', properties } };
}

function enumValues({ type, parameters = {} }: Schema, { generalized }: JsonSchemaMapping): string[] | undefined {
  const marker = generalized ? GENERAL_ENUM : ENUM;
  if (type !== 'string' || !Object.hasOwn(parameters, marker)) return undefined;
  const values = Object.keys(parameters).filter((name) => name.startsWith(`${marker}.`));
  return values.map((name) => name.slice(marker.length + 1));
}

function annotationsOf({ name, version, doc, parameters }: Schema): Json {
  const hasParameters = parameters !== undefined && Object.keys(parameters).length > 0;
  return {
    ...(name === undefined ? {} : { title: name }),
    ...(doc === undefined ? {} : { description: doc }),
    ...(version === undefined ? {} : { 'connect.version': version }),
    ...(hasParameters ? { 'connect.parameters': parameters } : {}),
  };
}
