import { quoteName } from './parser/print.ts';
import { arrayOf, BIGINT, BYTES, INTEGER, type SqlType, STRING, structOf, typeText } from './types.ts';

export type Namespace = 'KEY' | 'VALUE' | 'HEADERS';

export interface Column {
  readonly name: string;
  readonly type: SqlType;
  readonly namespace: Namespace;
  /** The header whose last value a HEADER('key') column holds; undefined for all HEADERS. */
  readonly headerKey?: string | undefined;
}

/** The columns of a source in the order in which they were declared, keys before values. */
export interface Schema {
  readonly key: readonly Column[];
  /** Header columns stand among the values, but are read from the record's headers. */
  readonly value: readonly Column[];
}

export function schemaOf(columns: readonly Column[]): Schema {
  return {
    key: columns.filter((column) => column.namespace === 'KEY'),
    value: columns.filter((column) => column.namespace !== 'KEY'),
  };
}

export function allColumns(schema: Schema): Column[] {
  return [...schema.key, ...schema.value];
}

export function columnText(column: Column): string {
  const suffix = column.namespace === 'KEY' ? ' KEY' : '';
  return `${quoteName(column.name)} ${typeText(column.type)}${suffix}`;
}

export function schemaText(schema: Schema): string {
  return allColumns(schema).map(columnText).join(', ');
}

/** The columns that every source has beside its own; star never expands to them. */
export const pseudoColumns: readonly { readonly name: string; readonly type: SqlType }[] = [
  { name: 'ROWTIME', type: BIGINT },
  { name: 'ROWPARTITION', type: INTEGER },
  { name: 'ROWOFFSET', type: BIGINT },
];

/** The columns that a windowed source or aggregation has as well. */
export const windowColumns: readonly { readonly name: string; readonly type: SqlType }[] = [
  { name: 'WINDOWSTART', type: BIGINT },
  { name: 'WINDOWEND', type: BIGINT },
];

export function isWindowBound(name: string): boolean {
  return windowColumns.some((column) => column.name === name);
}

const systemNames = new Set([...pseudoColumns, ...windowColumns].map((column) => column.name));

export function isSystemColumn(name: string): boolean {
  return systemNames.has(name);
}

/** The type of an `... HEADERS` column. */
export const headersType: SqlType = arrayOf(
  structOf([
    { name: 'KEY', type: STRING },
    { name: 'VALUE', type: BYTES },
  ]),
);

export type WindowType = 'TUMBLING' | 'HOPPING' | 'SESSION';

/** How the keys of a windowed source are windowed. Sessions have no size. */
export interface WindowInfo {
  readonly type: WindowType;
  readonly sizeMs?: number | undefined;
}

/** Where queries begin to read a source. */
export type StartingPoint =
  | { readonly at: 'earliest' | 'latest' }
  | { readonly at: 'time'; readonly ms: number }
  | { readonly at: 'offset'; readonly offset: number };

export interface TimestampColumn {
  readonly column: string;
  readonly format?: string | undefined;
}
