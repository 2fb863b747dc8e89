// What rows of records of one schema are: which columns, from which parts of a record, which of them the key. Found once for a pair of
// schemas of key and value; records without schemas get the columns that their table has.
import { DataError } from '../../../data/errors.ts';
import type { SinkRecord } from '../../../data/record.ts';
import { INT32, INT64, type Schema, STRING } from '../../../data/schema.ts';
import { keyModeOf, type SinkConfig } from './settings.ts';

/** A column that is written. */
export interface WrittenColumn {
  readonly name: string;
  /** Null: of records without a schema. */
  readonly schema: Schema | null;
  readonly isKey: boolean;
  /** The value for a record's row. */
  of(record: SinkRecord): unknown;
}

/** The columns of rows, the key's first. */
export interface RowShape {
  readonly columns: readonly WrittenColumn[];
  readonly keys: readonly WrittenColumn[];
}

const KAFKA_COLUMNS = ['__connect_topic', '__connect_partition', '__connect_offset'];

/** Throws `DataError` where a record has not what the settings ask for. */
export function shapeOf(config: SinkConfig, record: SinkRecord): RowShape {
  const keys = keyColumns(config, record);
  const isKey = new Set(keys.map(({ name }) => name));
  const others = record.value === null ? [] : valueColumns(config, record).filter(({ name }) => !isKey.has(name));
  const columns = [...keys, ...others];
  if (columns.length === 0)
    throw new DataError(
      `No fields found using key and value schemas for table of topic ${record.topic}: a row needs a column`,
    );
  return { columns, keys };
}

/** Whether a shape found for one record is that of another, too. */
export function isSameShape(a: SinkRecord, b: SinkRecord): boolean {
  if (a.keySchema !== b.keySchema || a.valueSchema !== b.valueSchema) return false;
  // Without schemas, by what they have.
  if (a.valueSchema === null && a.value !== null && b.value !== null && !sameFields(a.value, b.value)) return false;
  return a.keySchema !== null || sameFields(a.key, b.key);
}

function sameFields(a: unknown, b: unknown): boolean {
  if (!isPlain(a) || !isPlain(b)) return isPlain(a) === isPlain(b);
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => name in b);
}

function keyColumns(config: SinkConfig, record: SinkRecord): WrittenColumn[] {
  const fields = config['pk.fields'];
  switch (keyModeOf(config)) {
    case 'none':
      return [];
    case 'kafka': {
      const [topic, partition, offset] = fields.length === 3 ? fields : KAFKA_COLUMNS;
      return [
        { name: topic!, schema: STRING, isKey: true, of: (each) => each.originalTopic },
        { name: partition!, schema: INT32, isKey: true, of: (each) => each.originalPartition },
        { name: offset!, schema: INT64, isKey: true, of: (each) => each.originalOffset },
      ];
    }
    case 'record_key':
      return recordKeyColumns(fields, record);
    case 'record_value':
      if (record.value === null)
        throw new DataError(
          `pk.mode record_value: the record at offset ${record.originalOffset} of ${record.originalTopic} has no value`,
        );
      return columnsOf(record.valueSchema, record.value, fields, (each) => each.value, true);
  }
}

function recordKeyColumns(fields: readonly string[], record: SinkRecord): WrittenColumn[] {
  const { keySchema, key } = record;
  if (key === null || key === undefined)
    throw new DataError(
      `pk.mode record_key: the record at offset ${record.originalOffset} of ${record.originalTopic} has no key`,
    );
  if (keySchema === null ? isPlain(key) : keySchema.type === 'struct')
    return columnsOf(keySchema, key, fields, (each) => each.key, true);
  if (fields.length !== 1)
    throw new DataError(
      `Need exactly one PK column defined since the key schema for records is a primitive type, defined columns are: [${fields.join(', ')}]. Name the column with pk.fields`,
    );
  return [{ name: fields[0]!, schema: keySchema, isKey: true, of: (each) => each.key }];
}

function valueColumns(config: SinkConfig, record: SinkRecord): WrittenColumn[] {
  const { valueSchema, value } = record;
  if (valueSchema === null ? !isPlain(value) : valueSchema.type !== 'struct')
    throw new DataError(
      `Value of topic ${record.topic} must be a struct or a JSON object: a column is one of its fields, and it is ${valueSchema?.type.toUpperCase() ?? typeof value}`,
    );
  return columnsOf(valueSchema, value, config['fields.whitelist'], (each) => each.value, false);
}

/** Fields as columns: those that are named, or all. */
function columnsOf(
  schema: Schema | null,
  value: unknown,
  named: readonly string[],
  from: (record: SinkRecord) => unknown,
  isKey: boolean,
): WrittenColumn[] {
  const fields =
    schema === null
      ? Object.keys(value as object).map((name) => [name, null] as const)
      : schema.fields.map((field) => [field.name, field.schema] as const);
  const known = new Map<string, Schema | null>(fields);
  const missing = isKey ? named.filter((name) => !known.has(name)) : [];
  if (missing.length > 0)
    throw new DataError(`pk.fields: there is no field ${missing.join(', ')} among ${[...known.keys()].join(', ')}`);
  const isWanted = named.length === 0 ? () => true : (name: string) => named.includes(name);
  return [...known]
    .filter(([name]) => isWanted(name))
    .map(([name, of]) => ({
      name,
      schema: of,
      isKey,
      of: (record) => (from(record) as Record<string, unknown> | null)?.[name],
    }));
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) !== Date.prototype &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array)
  );
}
