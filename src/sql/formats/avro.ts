import {
  type AvroSchema,
  DeserializationError,
  loadAvro,
  type RegistryOptions,
  registrySerde,
  type ResolvedSchema,
} from '../../serde/index.ts';
import type { ByteWriter } from '../../util/index.ts';
import type { SqlType } from '../types.ts';
import { Decimal } from '../values/decimal.ts';
import { type Row, type SqlValue, valueText } from '../values/value.ts';
import { type AvroField, type AvroShapes, branchName, fieldsOf, isEntryArray, shapesOf } from './avro-schema.ts';
import type { CodecColumn, RowSerde } from './codec.ts';

/** Rows as Avro records of the registry, written with `schema`. What is read is converted from whatever schema it was written with. */
export function avroRowSerde(
  columns: readonly CodecColumn[],
  bare: boolean,
  schema: string | undefined,
  registry: RegistryOptions,
): RowSerde {
  const load = async () => {
    const codecOf = await loadAvro();
    return (resolved: ResolvedSchema) => {
      const codec = codecOf<unknown>(resolved);
      const shapes = shapesOf(resolved);
      let write: ((row: Row) => unknown) | undefined;
      let read: ((datum: unknown) => Row) | undefined;
      return {
        recordName: codec.recordName,
        lead: codec.lead,
        encode(row: Row, out: ByteWriter) {
          write ??= rowWriter(shapes, columns, bare);
          codec.encode(write(row), out);
        },
        decode(bytes: Buffer, start: number, end: number): Row {
          read ??= rowReader(shapes, columns, bare);
          return read(codec.decode(bytes, start, end));
        },
      };
    };
  };
  return registrySerde<Row>({ name: 'AVRO', schemaType: 'AVRO', load }, schema, registry);
}

/** Throws when records of a schema can't be read as these columns. */
export function checkAvroReads(schema: ResolvedSchema, columns: readonly CodecColumn[], bare: boolean): void {
  rowReader(shapesOf(schema), columns, bare);
}

/** The fields of a schema's records; undefined when they are no records. */
export function avroFieldNames(schema: ResolvedSchema): readonly string[] | undefined {
  const shapes = shapesOf(schema);
  const node = shapes.node(shapes.root);
  return node['type'] === 'record' ? fieldsOf(node).map(({ name }) => name) : undefined;
}

// --- reading -----------------------------------------------------------------------------------------------------------

type Convert = (value: unknown) => SqlValue;

function rowReader(shapes: AvroShapes, columns: readonly CodecColumn[], bare: boolean): (datum: unknown) => Row {
  if (bare) {
    const convert = reader(shapes, shapes.root, columns[0]!.type);
    return (datum) => (datum === null ? (null as unknown as Row) : [convert(datum)]);
  }
  const fields = fieldReaders(shapes, shapes.node(shapes.root), columns);
  return (datum) => (datum === null ? (null as unknown as Row) : fields(datum));
}

function fieldReaders(
  shapes: AvroShapes,
  node: Readonly<Record<string, unknown>>,
  columns: readonly CodecColumn[],
): (datum: unknown) => SqlValue[] {
  if (node['type'] !== 'record') throw new DeserializationError(`expected an Avro record, got ${String(node['type'])}`);
  const steps = columns.map((column) => {
    const field = findField(fieldsOf(node), column.name);
    return field === undefined ? undefined : { name: field.name, convert: reader(shapes, field.type, column.type) };
  });
  return (datum) => {
    const object = datum as Record<string, unknown>;
    return steps.map((step) => {
      const value = step === undefined ? null : (object[step.name] ?? null);
      return value === null ? null : step!.convert(value);
    });
  };
}

/** Avro's names keep their case, SQL's often don't: the exact name first, else one that differs in case only. */
function findField(fields: readonly AvroField[], name: string): AvroField | undefined {
  const folded = name.toUpperCase();
  return fields.find((field) => field.name === name) ?? fields.find((field) => field.name.toUpperCase() === folded);
}

function mismatch(from: unknown, to: SqlType): never {
  throw new DeserializationError(`an Avro ${String(from)} can't be read as ${to.kind}`);
}

function reader(shapes: AvroShapes, schema: AvroSchema, to: SqlType): Convert {
  const node = shapes.node(schema);
  const from = node['type'];
  const logical = node['logicalType'];
  if (from === 'union') return unionReader(shapes, node['branches'] as readonly AvroSchema[], to);
  if (logical === 'decimal') {
    const scale = Number(node['scale'] ?? 0);
    const decimal = (value: unknown): Decimal => new Decimal(signedInteger(value as Buffer), scale);
    if (to.kind === 'DECIMAL') return (value) => decimal(value).fit(to.precision, to.scale);
    if (to.kind === 'DOUBLE') return (value) => decimal(value).toNumber();
    return to.kind === 'STRING' ? (value) => decimal(value).toString() : mismatch('decimal', to);
  }
  switch (to.kind) {
    case 'BOOLEAN':
      return from === 'boolean' ? (value) => value as boolean : mismatch(from, to);
    case 'INTEGER':
    case 'DATE':
    case 'TIME':
      if (logical === 'time-micros') return (value) => Math.floor(Number(value) / 1000);
      return from === 'int' || from === 'long' ? (value) => Number(value) | 0 : mismatch(from, to);
    case 'TIMESTAMP':
      if (logical === 'timestamp-micros') return (value) => Math.floor(Number(value) / 1000);
      return from === 'int' || from === 'long' ? (value) => Number(value) : mismatch(from, to);
    case 'BIGINT':
      return from === 'int' || from === 'long' ? (value) => value as SqlValue : mismatch(from, to);
    case 'DOUBLE':
      return isNumber(from) ? (value) => Number(value) : mismatch(from, to);
    case 'DECIMAL':
      return from === 'int' || from === 'long'
        ? (value) => Decimal.ofInteger(value as number).fit(to.precision, to.scale)
        : mismatch(from, to);
    case 'STRING':
      if (from === 'string' || from === 'enum') return (value) => value as string;
      if (from === 'float' || from === 'double') return (value) => valueText({ kind: 'DOUBLE' }, value as number);
      return from === 'int' || from === 'long' || from === 'boolean' ? (value) => String(value) : mismatch(from, to);
    case 'BYTES':
      return from === 'bytes' || from === 'fixed' ? (value) => Buffer.from(value as Buffer) : mismatch(from, to);
    case 'ARRAY': {
      if (from !== 'array') return mismatch(from, to);
      const item = reader(shapes, node['items'] as AvroSchema, to.item);
      return (value) => (value as readonly unknown[]).map((element) => (element === null ? null : item(element)));
    }
    case 'MAP':
      return mapReader(shapes, node, to);
    case 'STRUCT':
      return from === 'record' ? fieldReaders(shapes, node, to.fields) : mismatch(from, to);
    default:
      return mismatch(from, to);
  }
}

function isNumber(from: unknown): boolean {
  return from === 'int' || from === 'long' || from === 'float' || from === 'double';
}

function mapReader(
  shapes: AvroShapes,
  node: Readonly<Record<string, unknown>>,
  to: SqlType & { kind: 'MAP' },
): Convert {
  if (isEntryArray(shapes, node)) {
    const entry = fieldsOf(shapes.node(node['items'] as AvroSchema));
    const value = reader(shapes, findField(entry, 'value')!.type, to.value);
    return (entries) =>
      new Map(
        (entries as readonly { key: string; value: unknown }[]).map(({ key, value: item }) => [
          key,
          item === null ? null : value(item),
        ]),
      );
  }
  if (node['type'] !== 'map') return mismatch(node['type'], to);
  const item = reader(shapes, node['values'] as AvroSchema, to.value);
  return (value) =>
    new Map(
      Object.entries(value as Record<string, unknown>).map(([key, element]) => [
        key,
        element === null ? null : item(element),
      ]),
    );
}

/** A union of several branches is a struct with a field per branch, of which one is set. */
function unionReader(shapes: AvroShapes, branches: readonly AvroSchema[], to: SqlType): Convert {
  if (to.kind !== 'STRUCT') return mismatch('union', to);
  const known = branches.map((branch) => {
    const node = shapes.node(branch);
    const name = branchName(node);
    const at = to.fields.findIndex((field) => field.name.toUpperCase() === name.toUpperCase());
    return { name, node, at, convert: at < 0 ? undefined : reader(shapes, branch, to.fields[at]!.type) };
  });
  return (value) => {
    const row: SqlValue[] = to.fields.map(() => null);
    const branch = known.find(({ name, node }) => isOfBranch(value, name, String(node['type'])));
    if (branch?.convert === undefined) return row;
    const inner = isWrapped(value, branch.name) ? (value as Record<string, unknown>)[branch.name] : value;
    row[branch.at] = branch.convert(inner);
    return row;
  };
}

function isWrapped(value: unknown, name: string): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).some((key) => key === name || key.endsWith(`.${name}`))
  );
}

function isOfBranch(value: unknown, name: string, type: string): boolean {
  if (isWrapped(value, name)) return true;
  if (Buffer.isBuffer(value)) return type === 'bytes' || type === 'fixed';
  if (Array.isArray(value)) return type === 'array';
  if (typeof value === 'object') return type === 'record' || type === 'map';
  if (typeof value === 'number' || typeof value === 'bigint') return isNumber(type);
  return typeof value === type;
}

// --- writing -----------------------------------------------------------------------------------------------------------

type Write = (value: SqlValue) => unknown;

function rowWriter(shapes: AvroShapes, columns: readonly CodecColumn[], bare: boolean): (row: Row) => unknown {
  if (bare) {
    const write = writer(shapes, shapes.root, columns[0]!.type);
    return (row) => write(row[0]!);
  }
  const write = recordWriter(shapes, shapes.node(shapes.root), columns);
  return (row) => write(row);
}

/** Every field of the schema gets its column's value, or its default. */
function recordWriter(
  shapes: AvroShapes,
  node: Readonly<Record<string, unknown>>,
  columns: readonly CodecColumn[],
): (values: Row) => unknown {
  const steps = fieldsOf(node).map((field) => {
    const at = columns.findIndex((column) => column.name === field.name);
    const loose = at >= 0 ? at : columns.findIndex((column) => column.name.toUpperCase() === field.name.toUpperCase());
    return { field, at: loose, write: loose < 0 ? undefined : writer(shapes, field.type, columns[loose]!.type) };
  });
  return (values) => {
    const object: Record<string, unknown> = {};
    for (const { field, at, write } of steps) {
      const value = write === undefined ? null : write(values[at]!);
      object[field.name] = value ?? field.default ?? null;
    }
    return object;
  };
}

function writer(shapes: AvroShapes, schema: AvroSchema, from: SqlType): Write {
  const node = shapes.node(schema);
  const inner = nonNullWriter(shapes, node, from);
  return (value) => (value === null ? null : inner(value));
}

function nonNullWriter(shapes: AvroShapes, node: Readonly<Record<string, unknown>>, from: SqlType): Write {
  switch (from.kind) {
    case 'DECIMAL':
      return (value) => signedBytes((value as Decimal).rescale(Number(node['scale'] ?? from.scale)).unscaled);
    case 'ARRAY': {
      const item = writer(shapes, node['items'] as AvroSchema, from.item);
      return (value) => (value as readonly SqlValue[]).map(item);
    }
    case 'MAP': {
      if (isEntryArray(shapes, node)) {
        const entry = fieldsOf(shapes.node(node['items'] as AvroSchema));
        const item = writer(shapes, findField(entry, 'value')!.type, from.value);
        return (value) =>
          [...(value as ReadonlyMap<SqlValue, SqlValue>)].map(([key, element]) => ({ key, value: item(element) }));
      }
      const item = writer(shapes, node['values'] as AvroSchema, from.value);
      return (value) =>
        Object.fromEntries(
          [...(value as ReadonlyMap<SqlValue, SqlValue>)].map(([key, element]) => [String(key), item(element)]),
        );
    }
    case 'STRUCT': {
      const write = recordWriter(shapes, node, from.fields);
      return (value) => write(value as Row);
    }
    default:
      return (value) => value;
  }
}

// --- decimals ----------------------------------------------------------------------------------------------------------

/** A big-endian two's complement integer. */
export function signedInteger(bytes: Buffer): bigint {
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
}

export function signedBytes(value: bigint): Buffer {
  let size = 1;
  while (BigInt.asIntN(size * 8, value) !== value) size++;
  return Buffer.from(
    BigInt.asUintN(size * 8, value)
      .toString(16)
      .padStart(size * 2, '0'),
    'hex',
  );
}
