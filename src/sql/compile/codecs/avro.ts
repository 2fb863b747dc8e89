// Avro records in the registry's envelope. What is written has the schema that ksqlDB would make of the columns; what is
// read is read by its writer's schema, its fields found by name in any case.
import {
  AvroCodec,
  type AvroSchema,
  DeserializationError,
  ENVELOPE_BYTES,
  readEnvelope,
  SchemaNotLoaded,
  type SchemaSource,
  SerializationError,
  writeEnvelope,
} from '../../../serde/index.ts';
import { type SqlType, typeText } from '../../types.ts';
import { Decimal } from '../../values/decimal.ts';
import type { Row, SqlValue } from '../../values/value.ts';
import type { CodecColumn, RowSerde } from './codec.ts';

export interface AvroRecordOptions {
  readonly schemas: SchemaSource | undefined;
  /** `<topic>-value` or `<topic>-key`. */
  readonly subject: string;
  /** True: the only column is the datum itself, not a record of one field. */
  readonly bare: boolean;
  /** The full name of the record. */
  readonly fullName: string;
}

export const DEFAULT_AVRO_NAME = 'io.confluent.ksql.avro_schemas.KsqlDataSourceSchema';

export function avroRowSerde(columns: readonly CodecColumn[], options: AvroRecordOptions): RowSerde {
  const { schemas, subject, bare } = options;
  const schema = avroSchemaOf(columns, options.fullName, bare);
  const writer = new AvroCodec<unknown>(schema);
  const toDatum = bare ? (row: Row) => toAvro(columns[0]!.type)(row[0]!) : recordOf(columns);
  const readers = new Map<number, (bytes: Buffer, start: number, end: number) => Row>();
  let id = -1;

  function readerOf(schemaId: number): (bytes: Buffer, start: number, end: number) => Row {
    let reader = readers.get(schemaId);
    if (reader === undefined) {
      const registered = schemas?.cached(schemaId);
      if (registered === undefined) {
        throw new SchemaNotLoaded(schemaId, async () => {
          await schemas?.byId(schemaId);
        });
      }
      reader = readerFor(JSON.parse(registered.schema) as AvroSchema, columns, bare);
      readers.set(schemaId, reader);
    }
    return reader;
  }

  return {
    name: 'AVRO',
    async prepare() {
      if (schemas === undefined) throw new SerializationError('AVRO needs a Schema Registry, and none is configured');
      id = await schemas.register(subject, 'AVRO', JSON.stringify(schema));
    },
    encode(row, out) {
      if (id < 0) throw new SerializationError(`the schema of subject ${subject} has not been registered yet`);
      writeEnvelope(id, out);
      writer.encode(toDatum(row), out);
    },
    decode(bytes, start, end) {
      return readerOf(readEnvelope(bytes, start, end))(bytes, start + ENVELOPE_BYTES, end);
    },
  };
}

// ── Schemas ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** The schema of records with these columns: every value is optional. */
export function avroSchemaOf(columns: readonly CodecColumn[], fullName: string, bare: boolean): AvroSchema {
  if (bare) return typeSchema(columns[0]!.type, simpleName(fullName));
  const dot = fullName.lastIndexOf('.');
  return {
    type: 'record',
    name: simpleName(fullName),
    ...(dot < 0 ? {} : { namespace: fullName.slice(0, dot) }),
    fields: columns.map(({ name, type }) => ({
      name,
      type: ['null', typeSchema(type, `${simpleName(fullName)}_${name}`)],
      default: null,
    })),
  };
}

function simpleName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf('.') + 1);
}

function typeSchema(type: SqlType, name: string): AvroSchema {
  switch (type.kind) {
    case 'BOOLEAN':
      return 'boolean';
    case 'INTEGER':
      return 'int';
    case 'BIGINT':
      return 'long';
    case 'DOUBLE':
      return 'double';
    case 'STRING':
      return 'string';
    case 'BYTES':
      return 'bytes';
    case 'DATE':
      return { type: 'int', logicalType: 'date' };
    case 'TIME':
      return { type: 'int', logicalType: 'time-millis' };
    case 'TIMESTAMP':
      return { type: 'long', logicalType: 'timestamp-millis' };
    case 'DECIMAL':
      return { type: 'bytes', logicalType: 'decimal', precision: type.precision, scale: type.scale };
    case 'ARRAY':
      return { type: 'array', items: ['null', typeSchema(type.item, name)] };
    case 'MAP':
      return { type: 'map', values: ['null', typeSchema(type.value, name)] };
    case 'STRUCT':
      return {
        type: 'record',
        name,
        fields: type.fields.map((field) => ({
          name: field.name,
          type: ['null', typeSchema(field.type, `${name}_${field.name}`)],
          default: null,
        })),
      };
  }
}

// ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

type Convert<From, To> = (value: From) => To;

function recordOf(columns: readonly CodecColumn[]): Convert<Row, unknown> {
  const names = columns.map((column) => column.name);
  const converters = columns.map(({ type }) => toAvro(type));
  return (row) => {
    const record: Record<string, unknown> = {};
    for (let i = 0; i < names.length; i++) record[names[i]!] = converters[i]!(row[i]!);
    return record;
  };
}

function toAvro(type: SqlType): Convert<SqlValue, unknown> {
  const inner = nonNullToAvro(type);
  return inner === undefined ? (value) => value : (value) => (value === null ? null : inner(value));
}

/** Undefined for types whose values avsc takes as they are. */
function nonNullToAvro(type: SqlType): Convert<SqlValue, unknown> | undefined {
  switch (type.kind) {
    case 'DECIMAL':
      return (value) => twosComplement((value as Decimal).fit(type.precision, type.scale).unscaled);
    case 'ARRAY': {
      const item = toAvro(type.item);
      return (value) => (value as readonly SqlValue[]).map(item);
    }
    case 'MAP': {
      const item = toAvro(type.value);
      return (value) =>
        Object.fromEntries(
          [...(value as ReadonlyMap<SqlValue, SqlValue>)].map(([key, element]) => [String(key), item(element)]),
        );
    }
    case 'STRUCT': {
      const record = recordOf(type.fields);
      return (value) => record(value as Row);
    }
    default:
      return undefined;
  }
}

/** A bigint as big-endian two's complement bytes, as few as hold it. */
function twosComplement(value: bigint): Buffer {
  let bytes = 1;
  while (BigInt.asIntN(bytes * 8, value) !== value) bytes++;
  const hex = BigInt.asUintN(bytes * 8, value)
    .toString(16)
    .padStart(bytes * 2, '0');
  return Buffer.from(hex, 'hex');
}

// ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

function readerFor(
  schema: AvroSchema,
  columns: readonly CodecColumn[],
  bare: boolean,
): (bytes: Buffer, start: number, end: number) => Row {
  const codec = new AvroCodec<unknown>(schema);
  const resolved = withoutNull(schema);
  const isRecord =
    typeof resolved === 'object' && !Array.isArray(resolved) && (resolved as { type?: unknown }).type === 'record';
  if (bare && !(isRecord && columns[0]!.type.kind === 'STRUCT')) {
    const convert = fromAvro(columns[0]!.type, resolved);
    return (bytes, start, end) => [convert(codec.decode(bytes, start, end))];
  }
  if (!isRecord) throw new DeserializationError('the Avro schema that this was written with is no record');
  if (bare) {
    const convert = fromAvro(columns[0]!.type, resolved);
    return (bytes, start, end) => [convert(codec.decode(bytes, start, end))];
  }
  const fields = fieldsFor(columns, resolved);
  return (bytes, start, end) => {
    const record = codec.decode(bytes, start, end) as Record<string, unknown>;
    const row: SqlValue[] = [];
    for (const field of fields) row.push(field === undefined ? null : field.convert(record[field.name]));
    return row;
  };
}

interface FieldReader {
  readonly name: string;
  readonly convert: Convert<unknown, SqlValue>;
}

/** For each column the field that it comes from: by its name, else by its name in any case; none: the column is null. */
function fieldsFor(columns: readonly CodecColumn[], schema: AvroSchema): (FieldReader | undefined)[] {
  const fields = (schema as { fields: readonly { name: string; type: AvroSchema }[] }).fields;
  return columns.map(({ name, type }) => {
    const field =
      fields.find((candidate) => candidate.name === name) ??
      fields.find((candidate) => candidate.name.toUpperCase() === name.toUpperCase());
    return field === undefined ? undefined : { name: field.name, convert: fromAvro(type, withoutNull(field.type)) };
  });
}

/** The one branch of an optional type beside null; other unions stay as they are. */
function withoutNull(schema: AvroSchema): AvroSchema {
  if (!Array.isArray(schema)) return schema;
  const branches = (schema as readonly AvroSchema[]).filter((branch) => branch !== 'null');
  return branches.length === 1 ? branches[0]! : branches;
}

function fromAvro(type: SqlType, schema: AvroSchema): Convert<unknown, SqlValue> {
  const inner = nonNullFromAvro(type, schema);
  return (value) => (value === null || value === undefined ? null : inner(value));
}

function nonNullFromAvro(type: SqlType, schema: AvroSchema): Convert<unknown, SqlValue> {
  const parts = (typeof schema === 'object' && !Array.isArray(schema) ? schema : {}) as Record<string, unknown>;
  const mismatch = (value: unknown): never => {
    throw new DeserializationError(`an Avro value of type ${typeof value} is no ${typeText(type)}`);
  };
  switch (type.kind) {
    case 'BOOLEAN':
      return (value) => (typeof value === 'boolean' ? value : mismatch(value));
    case 'STRING':
      return (value) => (typeof value === 'string' ? value : mismatch(value));
    case 'BYTES':
      return (value) => (Buffer.isBuffer(value) ? Buffer.from(value) : mismatch(value));
    case 'INTEGER':
    case 'DATE':
    case 'TIME':
    case 'DOUBLE':
      return (value) => (typeof value === 'number' ? value : mismatch(value));
    case 'BIGINT':
    case 'TIMESTAMP':
      return (value) => (typeof value === 'number' || typeof value === 'bigint' ? value : mismatch(value));
    case 'DECIMAL': {
      const scale = Number(parts['scale'] ?? type.scale);
      return (value) => {
        if (!Buffer.isBuffer(value)) return mismatch(value);
        const bits = value.length * 8;
        const unscaled = bits === 0 ? 0n : BigInt.asIntN(bits, BigInt(`0x${value.toString('hex')}`));
        return new Decimal(unscaled, scale).fit(type.precision, type.scale);
      };
    }
    case 'ARRAY': {
      const item = fromAvro(type.item, withoutNull((parts['items'] ?? 'null') as AvroSchema));
      return (value) => (Array.isArray(value) ? value.map(item) : mismatch(value));
    }
    case 'MAP': {
      const item = fromAvro(type.value, withoutNull((parts['values'] ?? 'null') as AvroSchema));
      return (value) =>
        typeof value === 'object'
          ? new Map(Object.entries(value as object).map(([key, element]): [SqlValue, SqlValue] => [key, item(element)]))
          : mismatch(value);
    }
    case 'STRUCT': {
      if (!Array.isArray(parts['fields'])) return mismatch;
      const fields = fieldsFor(type.fields, schema);
      return (value) => {
        const record = value as Record<string, unknown>;
        return fields.map((field) => (field === undefined ? null : field.convert(record[field.name])));
      };
    }
  }
}
