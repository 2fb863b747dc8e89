// Connect's schemas as columns of Parquet, and columns of Parquet as Connect's schemas. Structs, arrays and maps within a record
// are columns of JSON (as JsonConverter writes it) where we write; the nested columns of others are read as what they are.
import type { SchemaElement, SchemaTree } from 'hyparquet';
import type { ParquetWriteOptions } from 'hyparquet-writer';
import { Decimal } from '../../../util/index.ts';
import { DEFAULT_PRECISION, PRECISION } from '../../converters/avro/names.ts';
import { jsonWriter } from '../../converters/json/writer.ts';
import { DataError } from '../../data/errors.ts';
import { daysOf, decimalOfBytes, millisOf, ofScale } from '../../data/logical.ts';
import {
  arrayOf,
  date,
  decimalOf,
  LOGICAL,
  mapOf,
  primitive,
  type Schema,
  scaleOf,
  STRING,
  structOf,
  time,
  timestamp,
} from '../../data/schema.ts';

// ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

type WrittenElement = NonNullable<ParquetWriteOptions['schema']>[number];

/** A column that is written: what it is, and what a value that is there becomes. */
export interface Column {
  readonly name: string;
  readonly schema: Schema;
  readonly element: WrittenElement;
  cellOf(value: unknown): unknown;
}

const asIs = (value: unknown): unknown => value;
const PLAIN: Readonly<Partial<Record<Schema['type'], Omit<WrittenElement, 'name'>>>> = {
  int8: { type: 'INT32', converted_type: 'INT_8' },
  int16: { type: 'INT32', converted_type: 'INT_16' },
  int32: { type: 'INT32' },
  int64: { type: 'INT64' },
  float32: { type: 'FLOAT' },
  float64: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  bytes: { type: 'BYTE_ARRAY' },
};

/** The column of a struct's field. */
export function columnOf(name: string, schema: Schema): Column {
  const [type, cellOf] = typed(name, schema);
  const repetition = schema.optional ? 'OPTIONAL' : 'REQUIRED';
  return { name, schema, element: { name, repetition_type: repetition, ...type }, cellOf };
}

/** Whether a field's values are kept as JSON. */
export const isNested = ({ type }: Schema): boolean => type === 'array' || type === 'map' || type === 'struct';

function typed(name: string, schema: Schema): readonly [Omit<WrittenElement, 'name'>, (value: unknown) => unknown] {
  switch (schema.name) {
    case LOGICAL.decimal:
      return decimalColumn(name, schema);
    case LOGICAL.date:
      return [{ type: 'INT32', converted_type: 'DATE' }, (value) => daysOf(value as Date)];
    case LOGICAL.time:
      return [{ type: 'INT32', converted_type: 'TIME_MILLIS' }, (value) => millisOf(value as Date)];
    case LOGICAL.timestamp:
      return [{ type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' }, (value) => BigInt((value as Date).getTime())];
  }
  if (isNested(schema)) {
    const write = jsonWriter(schema.with({ optional: false }), { decimalFormat: 'NUMERIC', replaceNull: true });
    return [{ type: 'BYTE_ARRAY', logical_type: { type: 'JSON' } }, (value) => Buffer.from(write(value))];
  }
  return [PLAIN[schema.type]!, asIs];
}

function decimalColumn(
  name: string,
  schema: Schema,
): readonly [Omit<WrittenElement, 'name'>, (value: unknown) => bigint] {
  const [scale, precision] = [scaleOf(schema), Number(schema.parameters?.[PRECISION] ?? DEFAULT_PRECISION)];
  if (scale < 0 || scale > precision)
    throw new DataError(`Parquet has no decimals with a scale of ${scale}, which the field ${name} has`);
  return [
    { type: 'BYTE_ARRAY', converted_type: 'DECIMAL', scale, precision },
    (value) => {
      const decimal = ofScale(schema, value as Decimal);
      if (decimal.precision > precision)
        throw new DataError(`the field ${name} has ${decimal.precision} digits, and its column ${precision}`);
      return decimal.unscaled;
    },
  ];
}

// ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** The schema of a file's records. Throws `DataError` for what Connect does not have. */
export function structOfColumns(root: SchemaTree): Schema {
  return structOf(root.children.map((child) => [child.element.name, schemaOfColumn(child)]));
}

function schemaOfColumn(tree: SchemaTree): Schema {
  const { element } = tree;
  const optional = element.repetition_type === 'OPTIONAL';
  if (element.repetition_type === 'REPEATED') return arrayOf(present(tree, false));
  return present(tree, optional);
}

function present(tree: SchemaTree, optional: boolean): Schema {
  const { element, children } = tree;
  if (children.length === 0) return leaf(element, optional);
  const kind = element.converted_type ?? element.logical_type?.type;
  if (kind === 'LIST') {
    const [repeated] = children;
    const inner = repeated!.children.length === 1 ? repeated!.children[0]! : undefined;
    return arrayOf(inner === undefined ? present(repeated!, false) : schemaOfColumn(inner), { optional });
  }
  if (kind === 'MAP' || kind === 'MAP_KEY_VALUE') {
    const [key, value] = children[0]!.children;
    if (key === undefined || value === undefined || leaf(key.element, false).type !== 'string')
      throw new DataError(`the column ${element.name} is a map whose keys are no texts, which cannot be read`);
    return mapOf(STRING, schemaOfColumn(value), { optional });
  }
  return structOf(
    children.map((child) => [child.element.name, schemaOfColumn(child)]),
    { optional },
  );
}

function leaf(element: SchemaElement, optional: boolean): Schema {
  const { type, converted_type: converted, logical_type: logical, name } = element;
  const kind = converted ?? logical?.type;
  switch (kind) {
    case 'DECIMAL':
      return decimalOf(element.scale ?? 0, {
        optional,
        parameters: { [PRECISION]: String(element.precision ?? DEFAULT_PRECISION) },
      });
    case 'DATE':
      return date({ optional });
    case 'TIME_MILLIS':
      return time({ optional });
    case 'TIMESTAMP_MILLIS':
    case 'TIMESTAMP_MICROS':
    case 'TIMESTAMP':
      return timestamp({ optional });
    case 'UTF8':
    case 'STRING':
    case 'ENUM':
    case 'JSON':
    case 'UUID':
      return primitive('string', { optional });
    case 'INT_8':
      return primitive('int8', { optional });
    case 'INT_16':
    case 'UINT_8':
      return primitive('int16', { optional });
    case 'UINT_16':
      return primitive('int32', { optional });
    case 'UINT_32':
      return primitive('int64', { optional });
    case 'FLOAT16':
      return primitive('float32', { optional });
    case 'UINT_64':
    case 'BSON':
    case 'INTERVAL':
    case 'GEOMETRY':
    case 'GEOGRAPHY':
    case 'VARIANT':
      throw new DataError(`the column ${name} is of Parquet's type ${kind}, which cannot be read`);
  }
  switch (type) {
    case 'BOOLEAN':
      return primitive('boolean', { optional });
    case 'INT32':
      return primitive('int32', { optional });
    case 'INT64':
      return primitive('int64', { optional });
    case 'INT96':
      return timestamp({ optional });
    case 'FLOAT':
      return primitive('float32', { optional });
    case 'DOUBLE':
      return primitive('float64', { optional });
    default:
      return primitive('bytes', { optional });
  }
}

/** A value that the library has read, as one of its schema. Decimals come as they are stored. */
export function valueOfCell(schema: Schema, cell: unknown): unknown {
  if (cell === null || cell === undefined) return null;
  switch (schema.type) {
    case 'array':
      return [...(cell as Iterable<unknown>)].map((each) => valueOfCell(schema.valueSchema, each));
    case 'map':
      return new Map(
        Object.entries(cell as object).map(([key, each]) => [key, valueOfCell(schema.valueSchema, each)] as const),
      );
    case 'struct': {
      const struct = cell as Readonly<Record<string, unknown>>;
      return Object.fromEntries(schema.fields.map(({ name, schema: of }) => [name, valueOfCell(of, struct[name])]));
    }
    case 'bytes':
      if (schema.name !== LOGICAL.decimal) return bytesOf(cell);
      return cell instanceof Uint8Array
        ? decimalOfBytes(schema, cell)
        : new Decimal(BigInt(cell as number | bigint), scaleOf(schema));
    case 'string':
      return cell instanceof Uint8Array ? bytesOf(cell).toString() : cell;
    case 'int64':
      return cell instanceof Date ? cell : BigInt(cell as number | bigint);
    case 'int32':
      return schema.name === LOGICAL.time ? new Date(cell as number) : cell;
    default:
      return cell;
  }
}

function bytesOf(cell: unknown): Buffer {
  const bytes = cell as Uint8Array;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
