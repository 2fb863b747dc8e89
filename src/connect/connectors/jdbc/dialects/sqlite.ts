// SQLite, over Node's own. A table's columns have declared types, its values whichever they like: what a column is follows from
// what was declared, by SQLite's rules of affinity, and values that are something else are told.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { codeOf, messageOf } from '../../../../util/index.ts';
import { ConnectError, DataError, RetriableError } from '../../../data/errors.ts';
import { LOGICAL, primitive, type Schema } from '../../../data/schema.ts';
import type { Database, Dialect, Mapping, Param, ResultColumn, Rows, TableColumn, TableId } from '../database.ts';
import { numericColumn } from '../numbers.ts';
import { dateColumn, parseTimestamp, printTimestamp, timeColumn, timestampColumn } from '../times.ts';
import { bindLogical, bindPlain, inTransaction, literalOf, onConflict } from './binding.ts';

const PARAMS_MAX = 32_766;

export const sqlite: Dialect = {
  name: 'SqliteDatabaseDialect',
  placeholder: () => '?',
  quote: (identifier) => `"${identifier.replaceAll('"', '""')}"`,
  paramsMax: PARAMS_MAX,
  upsertsOncePerKey: false,
  upsert: onConflict,
  columnType(schema) {
    const logical: Readonly<Record<string, string>> = {
      [LOGICAL.decimal]: 'NUMERIC',
      [LOGICAL.date]: 'DATE',
      [LOGICAL.time]: 'TIME',
      [LOGICAL.timestamp]: 'TIMESTAMP',
    };
    const type = (schema.name === undefined ? undefined : logical[schema.name]) ?? TYPES[schema.type];
    if (type === undefined) throw new ConnectError(`SQLite has no column type for ${schema.type.toUpperCase()}`);
    return type;
  },
  bind(schema, value, zone) {
    if (typeof value === 'boolean') return value ? 1 : 0;
    return bindLogical(schema, value, zone) ?? bindPlain(value);
  },
  literal: (schema, value) => literalOf(sqlite.bind(schema, value, 'UTC')),
  // Times are texts of several forms, or milliseconds.
  comparable: (column) =>
    `CASE typeof(${column}) WHEN 'integer' THEN strftime('%Y-%m-%d %H:%M:%f', ${column} / 1000.0, 'unixepoch') ELSE strftime('%Y-%m-%d %H:%M:%f', ${column}) END`,
  timestampParam: (nanos, zone) => printTimestamp(nanos, zone, 3),
};

const TYPES: Readonly<Record<string, string>> = {
  int8: 'INTEGER',
  int16: 'INTEGER',
  int32: 'INTEGER',
  int64: 'INTEGER',
  float32: 'REAL',
  float64: 'REAL',
  boolean: 'INTEGER',
  string: 'TEXT',
  bytes: 'BLOB',
};

const optional = (type: Parameters<typeof primitive>[0]): Schema => primitive(type, { optional: true });

/** By the declared type; `precision` and `scale` are those of `NUMERIC(10,2)`. */
function columnOf(name: string, declared: string | null, mapping: Mapping): ResultColumn {
  const [, type = '', precision, scale] =
    /^\s*([^(]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*$/.exec((declared ?? '').toUpperCase()) ?? [];
  if (/INT/.test(type)) return { name, schema: optional('int64'), read: whole(name) };
  if (type.startsWith('BOOL')) return { name, schema: optional('boolean'), read: (raw) => Number(raw) !== 0 };
  if (/BLOB/.test(type)) return { name, schema: optional('bytes'), read: bytes(name) };
  if (/REAL|FLOA|DOUB/.test(type)) return { name, schema: optional('float64'), read: Number };
  if (/^(TIMESTAMP|DATETIME)/.test(type))
    return spoken(timestampColumn(name, mapping.timestamps, mapping.zone), mapping);
  if (type === 'DATE') return dateColumn(name);
  if (type === 'TIME') return timeColumn(name);
  if (/^(NUMERIC|DECIMAL)/.test(type))
    return numericColumn(
      name,
      precision === undefined ? undefined : Number(precision),
      scaleOf(precision, scale),
      mapping,
    );
  return { name, schema: optional('string'), read: String };
}

/** Of numbers as of texts: both are written into columns of times. Offsets have milliseconds, which is what is compared. */
function spoken(column: ResultColumn, { zone }: Mapping): ResultColumn {
  const text = (raw: unknown): string =>
    typeof raw === 'bigint' ? printTimestamp(raw * 1_000_000n, zone, 9) : String(raw);
  return { ...column, read: (raw) => column.read(text(raw)), nanos: (raw) => toMs(column.nanos!(text(raw))) };
}

/** Rounded as SQLite's `%f` is. */
function toMs(nanos: bigint): bigint {
  return ((nanos + 500_000n) / 1_000_000n) * 1_000_000n;
}

function scaleOf(precision: string | undefined, scale: string | undefined): number | undefined {
  if (scale !== undefined) return Number(scale);
  return precision === undefined ? undefined : 0;
}

function whole(name: string) {
  return (raw: unknown): bigint => {
    if (typeof raw === 'bigint') return raw;
    throw new DataError(`column ${name}: ${String(raw)} is no whole number, which the column was declared to hold`);
  };
}

function bytes(name: string) {
  return (raw: unknown): Uint8Array => {
    if (raw instanceof Uint8Array) return raw;
    throw new DataError(`column ${name}: ${String(raw)} is no BLOB, which the column was declared to hold`);
  };
}

/** Opens the file. Rejects with `ConnectError` where it is none of SQLite's. */
export async function openSqlite(path: string): Promise<Database> {
  const { DatabaseSync } = await import('node:sqlite');
  try {
    const database = new DatabaseSync(path, { timeout: 5000 });
    database.exec('PRAGMA journal_mode = WAL');
    return new SqliteDatabase(database);
  } catch (error) {
    throw asFault(error, path);
  }
}

class SqliteDatabase implements Database {
  readonly dialect = sqlite;
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  async tables(types: readonly string[]): Promise<TableId[]> {
    const kinds = types.map((type) => type.toLowerCase()).filter((type) => type === 'table' || type === 'view');
    const sql = `SELECT name FROM sqlite_master WHERE type IN (${kinds.map(() => '?').join(',')}) AND name NOT LIKE 'sqlite_%' ORDER BY 1`;
    return this.#all(sql, kinds).map(([table]) => ({ table: String(table) }));
  }

  async columns({ table }: TableId): Promise<readonly TableColumn[] | undefined> {
    const rows = this.#all('SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)', [table]);
    if (rows.length === 0) return undefined;
    const keys = rows.filter(([, , , , pk]) => Number(pk) > 0).length;
    return rows.map(([name, type, isNotNull, defaultValue, pk]) => ({
      name: String(name),
      type: String(type),
      isNullable: Number(isNotNull) === 0 && Number(pk) === 0,
      isPrimaryKey: Number(pk) > 0,
      hasDefault: defaultValue !== null,
      // Such a key is the row's own number.
      isAutoIncrement: Number(pk) > 0 && keys === 1 && String(type).toUpperCase() === 'INTEGER',
    }));
  }

  async now(): Promise<bigint> {
    const [row] = this.#all("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')", []);
    return parseTimestamp(String(row![0]), 'UTC');
  }

  async read(sql: string, params: readonly Param[], mapping: Mapping): Promise<Rows> {
    try {
      const statement = this.#prepare(sql);
      const columns = statement.columns().map(({ name, type }) => columnOf(name, type, mapping));
      const rows = statement.iterate(...params.map(asValue)) as Iterator<unknown>;
      return {
        columns,
        async next(most) {
          const found: unknown[][] = [];
          while (found.length < most) {
            const { done, value } = rows.next();
            if (done === true) break;
            found.push(value as unknown[]);
          }
          return found;
        },
        close: async () => void rows.return?.(),
      };
    } catch (error) {
      throw asFault(error, sql);
    }
  }

  async execute(sql: string, params: readonly Param[] = []): Promise<number> {
    try {
      return Number(this.#prepare(sql).run(...params.map(asValue)).changes);
    } catch (error) {
      throw asFault(error, sql);
    }
  }

  transaction<T>(work: () => Promise<T>): Promise<T> {
    return inTransaction(this, 'BEGIN IMMEDIATE', work);
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  #prepare(sql: string) {
    const statement = this.#database.prepare(sql);
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    return statement;
  }

  #all(sql: string, params: readonly string[]): SQLOutputValue[][] {
    try {
      return this.#prepare(sql).all(...params) as unknown[] as SQLOutputValue[][];
    } catch (error) {
      throw asFault(error, sql);
    }
  }
}

function asValue(param: Param): string | number | bigint | Uint8Array | null {
  return typeof param === 'boolean' ? Number(param) : param;
}

const [BUSY, LOCKED] = [5, 6];

function asFault(error: unknown, what: string): ConnectError {
  const text = `${messageOf(error)}: ${what.slice(0, 500)}`;
  const number = codeOf(error) === 'ERR_SQLITE_ERROR' ? (error as { errcode?: number }).errcode : undefined;
  return number === BUSY || number === LOCKED
    ? new RetriableError(text, error)
    : new ConnectError(text, { cause: error });
}
