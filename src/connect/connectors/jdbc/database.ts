/**
 * PORT. What the JDBC connectors need of a database, whichever it is: rows as the driver has them, with what each column is to
 * Connect; what is known of tables; and the words in which its SQL differs. One connection, one statement at a time.
 */
import type { Schema } from '../../data/schema.ts';

/** A table by its parts; those that the database does not have, or that are the default, are undefined. */
export interface TableId {
  readonly catalog?: string | undefined;
  readonly schema?: string | undefined;
  readonly table: string;
}

/** What the database says of a column. */
export interface TableColumn {
  readonly name: string;
  /** The type in the database's words. */
  readonly type: string;
  readonly isNullable: boolean;
  readonly isPrimaryKey: boolean;
  /** The database has a value for it where an insert has none. */
  readonly hasDefault: boolean;
  /** The database counts it up. */
  readonly isAutoIncrement: boolean;
}

/** How numbers and times become values (`numeric.mapping`, `timestamp.granularity`, `db.timezone`). */
export interface Mapping {
  readonly numeric: 'none' | 'precision_only' | 'best_fit' | 'best_fit_eager_double';
  readonly timestamps: TimestampGranularity;
  /** What times without a zone are in. */
  readonly zone: string;
}

/** What a timestamp becomes. */
export type TimestampGranularity =
  | 'connect_logical'
  | 'micros_long'
  | 'micros_string'
  | 'micros_iso_datetime_string'
  | 'nanos_long'
  | 'nanos_string'
  | 'nanos_iso_datetime_string';

/** A value as the driver has it: not yet read. */
export type Raw = unknown;

/** A column of rows that are read. */
export interface ResultColumn {
  readonly name: string;
  /** Optional; the table says whether it need be. */
  readonly schema: Schema;
  /** The value of a raw one that is not null. Throws `DataError`. */
  read(raw: Raw): unknown;
  /** Of columns that hold a time: nanoseconds since the epoch, for offsets. */
  readonly nanos?: ((raw: Raw) => bigint) | undefined;
}

/** Rows of a query, some at a time, and their columns. */
export interface Rows {
  readonly columns: readonly ResultColumn[];
  /** The next rows, `most` at most; empty at the end. */
  next(most: number): Promise<readonly (readonly Raw[])[]>;
  /** Ends the query, wherever it is. */
  close(): Promise<void>;
}

/** A connection. Faults are `RetriableError` where another attempt may help, else `ConnectError`. */
export interface Database {
  readonly dialect: Dialect;
  /** Tables, and what else `types` names (TABLE, VIEW, …). */
  tables(types: readonly string[]): Promise<TableId[]>;
  /** Undefined where there is no such table. */
  columns(table: TableId): Promise<readonly TableColumn[] | undefined>;
  /** Nanoseconds since the epoch, by the database's own clock. */
  now(): Promise<bigint>;
  /** Begins to read. Nothing else may be asked until it is closed. */
  read(sql: string, params: readonly Param[], mapping: Mapping): Promise<Rows>;
  /** Carries a statement out; returns how many rows it was about. */
  execute(sql: string, params?: readonly Param[]): Promise<number>;
  /** Carries work out in a transaction, which ends with it: rolled back where it rejects. */
  transaction<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** A value for a placeholder. */
export type Param = string | number | bigint | boolean | Uint8Array | null;

/** The words of one database. */
export interface Dialect {
  /** As `dialect.name` has it. */
  readonly name: 'PostgreSqlDatabaseDialect' | 'MySqlDatabaseDialect' | 'SqliteDatabaseDialect';
  /** The `n`th placeholder, from 1. */
  placeholder(n: number): string;
  quote(identifier: string): string;
  /** How many placeholders a statement may have. */
  readonly paramsMax: number;
  /** Inserts rows or, where there is a key, changes those that are there. `rows`: the placeholders of each. */
  upsert(table: string, columns: readonly string[], keys: readonly string[], rows: readonly string[]): string;
  /** The type of a new column. `isKey`: of the primary key. Throws `ConnectError` where there is none. */
  columnType(schema: Schema, isKey: boolean): string;
  /** A value for a placeholder of a column of that schema. */
  bind(schema: Schema | null, value: unknown, zone: string): Param;
  /** The literal of a default value; undefined where it can't be said. */
  literal(schema: Schema, value: unknown): string | undefined;
  /** What is compared with such a placeholder, of a column of times. */
  comparable(column: string): string;
  /** The time of a placeholder, from an offset's nanoseconds. */
  timestampParam(nanos: bigint, zone: string): Param;
  /** Whether a row may be in an upsert once only. */
  readonly upsertsOncePerKey: boolean;
}

/** `schema.table`, as offsets and errors name it. */
export function nameOfTable({ catalog, schema, table }: TableId): string {
  return [catalog, schema, table].filter((part) => part !== undefined).join('.');
}

/** `"schema"."table"`, as SQL has it; unquoted where `quotes` is false. */
export function tableSql(dialect: Dialect, { catalog, schema, table }: TableId, quotes: boolean): string {
  const parts = [catalog, schema, table].filter((part) => part !== undefined);
  return parts.map((part) => (quotes ? dialect.quote(part) : part)).join('.');
}
