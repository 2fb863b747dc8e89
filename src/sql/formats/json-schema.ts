import { DeserializationError, type RegistryOptions, registrySerde } from '../../serde/index.ts';
import {
  arrayOf,
  BIGINT,
  BOOLEAN,
  BYTES,
  DATE,
  DOUBLE,
  decimalType,
  INTEGER,
  mapOf,
  type SqlType,
  STRING,
  structOf,
  TIME,
  TIMESTAMP,
} from '../types.ts';
import type { Row } from '../values/value.ts';
import type { CodecColumn, RowSerde } from './codec.ts';
import { type JsonReading, jsonSerde } from './json.ts';

/** JSON whose schema is kept in the registry: the same text as the plain format has, and no schema is needed to read it. */
export function jsonSchemaSerde(
  columns: readonly CodecColumn[],
  bare: boolean,
  schema: string | undefined,
  registry: RegistryOptions,
  reading?: JsonReading,
): RowSerde {
  const inner = jsonSerde(columns, bare, reading);
  const decodeAny = (bytes: Buffer, start: number, end: number): Row => {
    if (start === end) throw new DeserializationError('a record with a schema, but without a value');
    return inner.decode(bytes, start, end);
  };
  const codec = { recordName: undefined, lead: new Uint8Array(), encode: inner.encode, decode: decodeAny };
  const format = { name: 'JSON_SR', schemaType: 'JSON' as const, load: async () => () => codec, decodeAny };
  return registrySerde<Row>(format, schema, registry);
}

/**
 * Throws when what a schema describes can't be read as these columns. JSON says at every value of which type it is, so
 * the reader is given one of each.
 */
export function checkJsonReads(text: string, columns: readonly CodecColumn[], bare: boolean): void {
  const inner = jsonSerde(columns, bare);
  const type = typeOf(JSON.parse(text) as JsonSchema, (name) => name);
  if (type === undefined) return;
  const bytes = Buffer.from(JSON.stringify(sampleOf(type)));
  inner.decode(bytes, 0, bytes.length);
}

/** The properties that a schema lists; undefined when it is not one of objects. */
export function jsonPropertyNames(text: string): readonly string[] | undefined {
  const { properties } = JSON.parse(text) as JsonSchema;
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : undefined;
}

function sampleOf(type: SqlType): unknown {
  switch (type.kind) {
    case 'BOOLEAN':
      return true;
    case 'STRING':
      return 'text';
    case 'BYTES':
      return '';
    case 'ARRAY':
      return [sampleOf(type.item)];
    case 'MAP':
      return { key: sampleOf(type.value) };
    case 'STRUCT':
      return Object.fromEntries(type.fields.map((field) => [field.name, sampleOf(field.type)]));
    case 'DOUBLE':
      return 1.5;
    default:
      return 1;
  }
}

type JsonSchema = { readonly [key: string]: unknown };

const nullable = (schema: JsonSchema): JsonSchema => ({ oneOf: [{ type: 'null' }, schema] });

export function jsonSchemaOf(columns: readonly CodecColumn[], bare: boolean): JsonSchema {
  return bare ? typeSchema(columns[0]!.type) : objectSchema(columns);
}

function objectSchema(fields: readonly CodecColumn[]): JsonSchema {
  const properties = fields.map((field, i) => {
    const schema = nullable(typeSchema(field.type));
    return [field.name, { 'connect.index': i, ...schema }] as const;
  });
  return { type: 'object', properties: Object.fromEntries(properties) };
}

function typeSchema(type: SqlType): JsonSchema {
  switch (type.kind) {
    case 'BOOLEAN':
      return { type: 'boolean' };
    case 'INTEGER':
      return { type: 'integer', 'connect.type': 'int32' };
    case 'BIGINT':
      return { type: 'integer', 'connect.type': 'int64' };
    case 'DOUBLE':
      return { type: 'number', 'connect.type': 'float64' };
    case 'DECIMAL':
      return {
        type: 'number',
        title: 'org.apache.kafka.connect.data.Decimal',
        'connect.version': 1,
        'connect.type': 'bytes',
        'connect.parameters': { scale: String(type.scale), 'connect.decimal.precision': String(type.precision) },
      };
    case 'STRING':
      return { type: 'string' };
    case 'BYTES':
      return { type: 'string', 'connect.type': 'bytes' };
    case 'DATE':
      return {
        type: 'integer',
        title: 'org.apache.kafka.connect.data.Date',
        'connect.version': 1,
        'connect.type': 'int32',
      };
    case 'TIME':
      return {
        type: 'integer',
        title: 'org.apache.kafka.connect.data.Time',
        'connect.version': 1,
        'connect.type': 'int32',
      };
    case 'TIMESTAMP':
      return {
        type: 'integer',
        title: 'org.apache.kafka.connect.data.Timestamp',
        'connect.version': 1,
        'connect.type': 'int64',
      };
    case 'ARRAY':
      return { type: 'array', items: nullable(typeSchema(type.item)) };
    case 'MAP':
      return { type: 'object', additionalProperties: nullable(typeSchema(type.value)), 'connect.type': 'map' };
    case 'STRUCT':
      return objectSchema(type.fields);
  }
}

const logicalTypes: Record<string, SqlType> = {
  'org.apache.kafka.connect.data.Date': DATE,
  'org.apache.kafka.connect.data.Time': TIME,
  'org.apache.kafka.connect.data.Timestamp': TIMESTAMP,
};

/** The columns that a registered schema stands for. */
export function jsonSchemaColumns(schema: JsonSchema, bareName: string, fold: (name: string) => string): CodecColumn[] {
  const type = typeOf(schema, fold);
  if (type?.kind === 'STRUCT') return [...type.fields];
  return type === undefined ? [] : [{ name: bareName, type }];
}

function typeOf(schema: JsonSchema, fold: (name: string) => string): SqlType | undefined {
  const choices = schema['oneOf'] ?? schema['anyOf'];
  if (Array.isArray(choices)) {
    const real = (choices as JsonSchema[]).filter((choice) => choice['type'] !== 'null');
    return real.length === 1 ? typeOf(real[0]!, fold) : undefined;
  }
  const logical = logicalTypes[String(schema['title'])];
  if (logical !== undefined) return logical;
  if (schema['title'] === 'org.apache.kafka.connect.data.Decimal') {
    const parameters = schema['connect.parameters'] as Record<string, string> | undefined;
    return decimalType(Number(parameters?.['connect.decimal.precision'] ?? 64), Number(parameters?.['scale'] ?? 0));
  }
  const connect = schema['connect.type'];
  const types = Array.isArray(schema['type'])
    ? (schema['type'] as string[]).filter((name) => name !== 'null')
    : [schema['type']];
  switch (types[0]) {
    case 'boolean':
      return BOOLEAN;
    case 'integer':
      return connect === 'int32' || connect === 'int16' || connect === 'int8' ? INTEGER : BIGINT;
    case 'number':
      return DOUBLE;
    case 'string':
      return connect === 'bytes' ? BYTES : STRING;
    case 'array': {
      const item = typeOf((schema['items'] as JsonSchema | undefined) ?? {}, fold);
      return item === undefined ? undefined : arrayOf(item);
    }
    case 'object': {
      const values = schema['additionalProperties'];
      if (connect === 'map' || (schema['properties'] === undefined && typeof values === 'object')) {
        const item = typeOf((values as JsonSchema | undefined) ?? {}, fold);
        return item === undefined ? undefined : mapOf(STRING, item);
      }
      const properties = Object.entries((schema['properties'] as Record<string, JsonSchema> | undefined) ?? {});
      const order = ([, property]: [string, JsonSchema], i: number): number => Number(property['connect.index'] ?? i);
      const fields = properties
        .map((property, i) => ({ property, at: order(property, i) }))
        .sort((a, b) => a.at - b.at)
        .flatMap(({ property: [name, inner] }) => {
          const type = typeOf(inner, fold);
          return type === undefined ? [] : [{ name: fold(name), type }];
        });
      return structOf(fields);
    }
    default:
      return undefined;
  }
}
