// The events of a table: their schemas, and how they are read from rows of texts. Made once for each description of a
// relation, so that the schemas are the same objects as long as the table is.
import type { JavaPattern } from '../../../util/index.ts';
import { ConnectError } from '../../data/errors.ts';
import { type Field, type Schema, structOf } from '../../data/schema.ts';
import type { ColumnChanges } from '../debezium/column-changes.ts';
import { envelopeOf } from '../debezium/envelope.ts';
import type { NameFilter } from '../debezium/filters.ts';
import { adjustFieldName, adjustSchemaName, type NameAdjustment, topicName } from '../debezium/names.ts';
import { fullName, type TableName, type TypeRegistry } from './catalog.ts';
import { defaultOf } from './default-expressions.ts';
import type { Tuple } from './pgoutput.ts';
import { SOURCE } from './source.ts';
import type { TypeSettings, ValueType } from './types/value-type.ts';
import { valueTypeOf } from './types/value-types.ts';

/** A column of a row, wherever it was described. */
export interface RowColumn {
  readonly name: string;
  readonly typeOid: number;
  readonly typeModifier: number;
  readonly isNullable: boolean;
  readonly defaultExpression: string | null;
}

/** What rows become, as the settings have it. */
export interface EventSettings {
  readonly prefix: string;
  readonly delimiter: string;
  readonly types: TypeSettings;
  readonly schemaNames: NameAdjustment;
  readonly fieldNames: NameAdjustment;
  readonly columns: NameFilter;
  readonly changes: ColumnChanges;
  /** Keys of a user's own: whose name matches has these columns for a key. */
  readonly keys: readonly { readonly table: JavaPattern; readonly columns: readonly string[] }[];
}

/** Values by field. */
export type Row = Record<string, unknown>;

/** What a table's events are made with. */
export interface TableEvents {
  readonly name: TableName;
  /** `schema.table`. */
  readonly id: string;
  readonly topic: string;
  readonly keySchema: Schema | null;
  readonly envelope: Schema;
  /** The columns of the key, by their places in rows. */
  readonly keyPlaces: readonly number[];
  row(texts: Tuple): Row;
  /** Null: the table has no key. */
  key(texts: Tuple): Row | null;
}

/** Reads one column. */
interface ColumnReader {
  readonly place: number;
  readonly field: string;
  readonly schema: Schema;
  readonly read: (text: string) => unknown;
  readonly missing: unknown;
  readonly unavailable: unknown;
}

/** Makes the events of a table whose rows have these columns, in this order. Throws `ConnectError` where they cannot be. */
export function tableEvents(
  name: TableName,
  columns: readonly RowColumn[],
  key: readonly string[],
  settings: EventSettings,
  registry: TypeRegistry,
): TableEvents {
  const id = fullName(name);
  const topic = topicName(settings.prefix, settings.delimiter, name.schema, settings.delimiter, name.table);
  const base = `${settings.prefix}.${id}`;
  const schemaName = (part: string): string => adjustSchemaName(`${base}.${part}`, settings.schemaNames);
  const readers = columns.flatMap((column, place) => {
    const full = `${id}.${column.name}`;
    if (!settings.columns(full)) return [];
    return columnReader(column, place, full, settings, registry) ?? [];
  });
  const keyNames = settings.keys.find(({ table }) => table.test(id))?.columns ?? key;
  const keyReaders = keyNames.map((column) => {
    const place = columns.findIndex((each) => each.name === column);
    const found = columns[place];
    if (found === undefined) throw new ConnectError(`table ${id} has no column ${column} to be a key`);
    // A key says what it is, also where the row's column is masked.
    const reader = plainReader(found, place, settings, registry);
    if (reader === undefined)
      throw new ConnectError(
        `column ${column} of the key of table ${id} is of a type that is not known: see message.key.columns`,
      );
    return reader;
  });
  const value = structOf(fieldsOf(readers), { optional: true, name: schemaName('Value') });
  return {
    name,
    id,
    topic,
    keySchema: keyReaders.length === 0 ? null : structOf(fieldsOf(keyReaders), { name: schemaName('Key') }),
    envelope: envelopeOf(schemaName('Envelope'), value, SOURCE),
    keyPlaces: keyReaders.map(({ place }) => place),
    row: (texts) => readRow(readers, texts),
    key: (texts) => (keyReaders.length === 0 ? null : readRow(keyReaders, texts)),
  };
}

function fieldsOf(readers: readonly ColumnReader[]): [Field['name'], Schema][] {
  return readers.map(({ field, schema }) => [field, schema]);
}

function readRow(readers: readonly ColumnReader[], texts: Tuple): Row {
  const row: Row = {};
  for (const reader of readers) {
    const text = texts[reader.place];
    row[reader.field] =
      text === null ? reader.missing : text === undefined ? reader.unavailable : (reader.read(text) ?? reader.missing);
  }
  return row;
}

function plainReader(
  column: RowColumn,
  place: number,
  settings: EventSettings,
  registry: TypeRegistry,
): ColumnReader | undefined {
  const type = valueTypeOf(registry, column.typeOid, column.typeModifier, settings.types);
  if (type === undefined) return undefined;
  const byDefault = type.tellsDefault ? defaultOf(column.defaultExpression, type) : undefined;
  const missing = column.isNullable ? null : (byDefault ?? type.fallback);
  return {
    place,
    field: adjustFieldName(column.name, settings.fieldNames),
    schema: columnSchema(type, column.isNullable, byDefault),
    read: type.read,
    missing,
    unavailable: type.unavailable ?? missing,
  };
}

function columnSchema(type: ValueType, optional: boolean, byDefault: unknown): Schema {
  if (!optional && byDefault === undefined) return type.schema;
  return type.schema.with({ optional, ...(byDefault === undefined ? {} : { default: byDefault }) });
}

function columnReader(
  column: RowColumn,
  place: number,
  full: string,
  settings: EventSettings,
  registry: TypeRegistry,
): ColumnReader | undefined {
  const reader = plainReader(column, place, settings, registry);
  const change = settings.changes(full);
  if (reader === undefined || change === undefined) return reader;
  if (reader.schema.type !== 'string') {
    if (!change.hides) return reader;
    throw new ConnectError(
      `${change.setting} names column ${full}, which is no text and cannot be masked: leave it out with column.exclude.list`,
    );
  }
  // varchar(n) and char(n) have their length, and 4, as their modifier.
  const maxLength = column.typeModifier > 4 ? column.typeModifier - 4 : undefined;
  const changed = (value: unknown): unknown => change.change(value as string | null, maxLength);
  return {
    ...reader,
    schema: reader.schema.with({ parameters: { ...reader.schema.parameters, ...change.parameters } }),
    read: (text) => changed(reader.read(text)),
    missing: changed(reader.missing),
    unavailable: change.hides ? changed(reader.unavailable) : reader.unavailable,
  };
}
