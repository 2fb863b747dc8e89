// Schemas as JsonConverter writes them beside values, and back.
import { DataError } from '../../data/errors.ts';
import { arrayOf, mapOf, primitive, type Schema, type SchemaOptions, structOf } from '../../data/schema.ts';
import { jsonReader } from './reader.ts';
import { jsonWriter, type JsonValueOptions } from './writer.ts';

/** Where JSON has other names for types than Connect. */
const JSON_TYPES: Readonly<Record<string, string>> = { float32: 'float', float64: 'double' };
const PRIMITIVES = {
  boolean: 'boolean',
  int8: 'int8',
  int16: 'int16',
  int32: 'int32',
  int64: 'int64',
  float: 'float32',
  double: 'float64',
  bytes: 'bytes',
  string: 'string',
} as const;

/** The JSON text of a schema; of a field's schema with the field's name. */
export function schemaText(schema: Schema | null, options: JsonValueOptions, field?: string): string {
  if (schema === null) return 'null';
  const members: [string, string][] = [['type', JSON.stringify(JSON_TYPES[schema.type] ?? schema.type)]];
  const add = (name: string, text: string | undefined): void => {
    if (text !== undefined) members.push([name, text]);
  };
  if (schema.type === 'array') add('items', schemaText(schema.valueSchema, options));
  if (schema.type === 'map') {
    add('keys', schemaText(schema.keySchema, options));
    add('values', schemaText(schema.valueSchema, options));
  }
  if (schema.type === 'struct')
    add('fields', `[${schema.fields.map((each) => schemaText(each.schema, options, each.name)).join(',')}]`);
  add('optional', String(schema.optional));
  add('name', JSON.stringify(schema.name));
  add('version', JSON.stringify(schema.version));
  add('doc', JSON.stringify(schema.doc));
  add('parameters', JSON.stringify(schema.parameters));
  if (schema.default !== undefined && schema.default !== null)
    add('default', jsonWriter(schema, options)(schema.default));
  add('field', JSON.stringify(field));
  return `{${members.map(([name, text]) => `"${name}":${text}`).join(',')}}`;
}

/** The schema that a parsed JSON text says. Throws `DataError`. */
export function schemaOf(json: unknown): Schema | null {
  if (json === null || json === undefined) return null;
  if (!isObject(json) || typeof json['type'] !== 'string') throw new DataError("Schema must contain 'type' field");
  const schema = typed(json, optionsOf(json));
  const given = json['default'];
  if (given === undefined) return schema;
  return schema.with({ default: jsonReader(schema, { replaceNull: true })(given) });
}

function typed(json: Record<string, unknown>, options: SchemaOptions): Schema {
  const type = json['type'] as string;
  switch (type) {
    case 'array':
      return arrayOf(part(json['items'], 'Array schema did not specify the element type'), options);
    case 'map':
      return mapOf(
        part(json['keys'], 'Map schema did not specify the key type'),
        part(json['values'], 'Map schema did not specify the value type'),
        options,
      );
    case 'struct': {
      const fields = json['fields'];
      if (!Array.isArray(fields)) throw new DataError('Struct schema\'s "fields" argument is not an array.');
      return structOf(fields.map(fieldOf), options);
    }
    default:
      if (!Object.hasOwn(PRIMITIVES, type)) throw new DataError(`Unknown schema type: ${type}`);
      return primitive(PRIMITIVES[type as keyof typeof PRIMITIVES], options);
  }
}

function fieldOf(json: unknown): readonly [string, Schema] {
  const name = isObject(json) ? json['field'] : undefined;
  if (typeof name !== 'string') throw new DataError("Struct schema's field name not specified properly");
  return [name, part(json, `Struct schema's field ${name} has no schema`)];
}

function part(json: unknown, problem: string): Schema {
  const schema = schemaOf(json);
  if (schema === null) throw new DataError(problem);
  return schema;
}

function optionsOf(json: Record<string, unknown>): SchemaOptions {
  const { optional, name, version, doc, parameters } = json;
  return {
    optional: optional === true,
    name: typeof name === 'string' ? name : undefined,
    version: Number.isInteger(version) ? (version as number) : undefined,
    doc: typeof doc === 'string' ? doc : undefined,
    parameters: parameters === undefined || parameters === null ? undefined : textsOf(parameters),
  };
}

function textsOf(parameters: unknown): Record<string, string> {
  if (!isObject(parameters) || Object.values(parameters).some((value) => typeof value !== 'string'))
    throw new DataError('Schema parameters must have string values.');
  return parameters as Record<string, string>;
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
