// JSON whose schema is kept in the registry: the same text as the plain format has, and no schema is needed to read it.
import { DeserializationError, ENVELOPE_BYTES, registrySerde, type ResolvedSchema } from '../../serde/index.ts';
import { STRING, type SqlType, structOf } from '../types.ts';
import type { Row } from '../values/value.ts';
import type { CodecColumn, RowSerde } from './codec.ts';
import type { RecordLayout, RegisteredFormat, RowRegistry } from './format.ts';
import { jsonRefusal, jsonSerde } from './json.ts';
import { jsonPropertyNames, jsonSchemaColumns, readableColumns } from './json-schema-columns.ts';
import { isUnion } from './json-unions.ts';
import { FULL_SCHEMA_NAME, SCHEMA_ID } from './properties.ts';
import type { Reading } from './reading.ts';

export const jsonSchemaFormat: RegisteredFormat = {
  holds: 'rows',
  wraps: ['WRAP_SINGLES', 'UNWRAP_SINGLES'],
  properties: [FULL_SCHEMA_NAME, SCHEMA_ID],
  schemaType: 'JSON',
  refusal: jsonRefusal,
  serde: jsonSchemaSerde,
  schemaOf: ({ columns, bare }) => JSON.stringify(jsonSchemaOf(columns, bare)),
  columnsOf: jsonSchemaColumns,
  checkReads,
  fieldNames: jsonPropertyNames,
  printer: async () => (bytes) => bytes.toString('utf8', ENVELOPE_BYTES),
};

function jsonSchemaSerde({ columns, bare }: RecordLayout, registry: RowRegistry, reading?: Reading): RowSerde {
  const inner = jsonSerde(columns, bare, reading);
  const decodeAny = (bytes: Buffer, start: number, end: number): Row => {
    if (start === end) throw new DeserializationError('a record with a schema, but without a value');
    return inner.decode(bytes, start, end);
  };
  /** Fields that a given schema has besides are written as null, as Kafka Connect's converter does. */
  const codecOf = (schema: ResolvedSchema) => {
    // Columns may have their names in another case than the schema.
    const own = new Set(columns.map(({ name }) => name.toUpperCase()));
    const further =
      bare || registry.written !== undefined
        ? []
        : jsonPropertyNames(schema).filter((name) => !own.has(name.toUpperCase()));
    const nulls = further.map(() => null);
    const whole = jsonSerde([...columns, ...further.map((name) => ({ name, type: STRING }))], bare);
    const encode: typeof inner.encode =
      nulls.length === 0 ? inner.encode : (row, out) => whole.encode([...row, ...nulls], out);
    return { recordName: undefined, lead: new Uint8Array(), encode, decode: decodeAny };
  };
  const format = { name: 'JSON_SR', schemaType: 'JSON' as const, load: async () => codecOf, decodeAny };
  return registrySerde<Row>(format, registry.written, registry);
}

/** JSON says at every value of which type it is, so the reader is given one of each type that the schema describes. */
function checkReads(schema: ResolvedSchema, { columns, bare }: RecordLayout): void {
  const described = readableColumns(schema);
  if (described === undefined) return;
  const type = 'fields' in described ? structOf(described.fields) : described.value;
  const bytes = Buffer.from(JSON.stringify(sampleOf(type)));
  jsonSerde(columns, bare).decode(bytes, 0, bytes.length);
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
      if (isUnion(type)) return sampleOf(type.fields[0]!.type);
      return Object.fromEntries(type.fields.map((field) => [field.name, sampleOf(field.type)]));
    case 'DOUBLE':
      return 1.5;
    default:
      return 1;
  }
}

type JsonSchema = { readonly [key: string]: unknown };

/** A union has null as one more alternative. */
function nullable(schema: JsonSchema): JsonSchema {
  const { anyOf } = schema;
  if (Array.isArray(anyOf)) return { anyOf: [{ type: 'null' }, ...(anyOf as readonly JsonSchema[])] };
  return { oneOf: [{ type: 'null' }, schema] };
}

function jsonSchemaOf(columns: readonly CodecColumn[], bare: boolean): JsonSchema {
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
      // An integer is a number, too: a value may fit several.
      return isUnion(type) ? { anyOf: type.fields.map((field) => typeSchema(field.type)) } : objectSchema(type.fields);
  }
}
