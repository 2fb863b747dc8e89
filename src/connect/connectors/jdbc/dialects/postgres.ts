// PostgreSQL, over `pg`. Everything comes as text, and becomes what its column says in one place, here.
import type { Client as PgClient, FieldDef } from 'pg';
import { codeOf, messageOf } from '../../../../util/index.ts';
import { ConnectError, DataError, RetriableError } from '../../../data/errors.ts';
import { LOGICAL, primitive, type Schema } from '../../../data/schema.ts';
import type { Database, Dialect, Mapping, Param, ResultColumn, Rows, TableColumn, TableId } from '../database.ts';
import { numericColumn } from '../numbers.ts';
import { dateColumn, parseTimestamp, printZoned, timeColumn, timestampColumn } from '../times.ts';
import { bindLogical, bindPlain, inTransaction, literalOf, onConflict } from './binding.ts';

/** Where a server is, and as whom. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly properties: Readonly<Record<string, string>>;
  /** What times without a zone are in. */
  readonly zone: string;
}

const PUBLIC = 'public';
/** The largest number of placeholders that the protocol has room for. */
const PARAMS_MAX = 65_535;

/** Another attempt may help: the server is away, starts, is full; the transaction was chosen to be broken off. */
const RETRIABLE = /^(08|40|53|57P0|55P03|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)/;

export const postgres: Dialect = {
  name: 'PostgreSqlDatabaseDialect',
  placeholder: (n) => `$${n}`,
  quote: (identifier) => `"${identifier.replaceAll('"', '""')}"`,
  paramsMax: PARAMS_MAX,
  upsertsOncePerKey: true,
  upsert: onConflict,
  columnType(schema) {
    switch (schema.name) {
      case LOGICAL.decimal:
        return 'DECIMAL';
      case LOGICAL.date:
        return 'DATE';
      case LOGICAL.time:
        return 'TIME';
      case LOGICAL.timestamp:
        return 'TIMESTAMP';
    }
    if (schema.type === 'array') return `${postgres.columnType(schema.valueSchema, false)}[]`;
    const type = TYPES[schema.type];
    if (type === undefined) throw new ConnectError(`PostgreSQL has no column type for ${schema.type.toUpperCase()}`);
    return type;
  },
  bind(schema, value, zone) {
    if (Array.isArray(value)) return arrayLiteral(schema?.type === 'array' ? schema.valueSchema : null, value, zone);
    return bindLogical(schema, value, zone) ?? bindPlain(value);
  },
  literal: (schema, value) => literalOf(postgres.bind(schema, value, 'UTC')),
  comparable: (column) => column,
  timestampParam: (nanos, zone) => printZoned(nanos, zone, 6),
};

const TYPES: Readonly<Record<string, string>> = {
  int8: 'SMALLINT',
  int16: 'SMALLINT',
  int32: 'INT',
  int64: 'BIGINT',
  float32: 'REAL',
  float64: 'DOUBLE PRECISION',
  boolean: 'BOOLEAN',
  string: 'TEXT',
  bytes: 'BYTEA',
};

/** `{1,2,"three"}` */
function arrayLiteral(schema: Schema | null, values: readonly unknown[], zone: string): string {
  const elements = values.map((value) => {
    if (value === null || value === undefined) return 'NULL';
    if (Array.isArray(value)) return arrayLiteral(schema?.type === 'array' ? schema.valueSchema : null, value, zone);
    const bound = postgres.bind(schema, value, zone);
    if (bound instanceof Uint8Array) return `"\\\\x${Buffer.from(bound).toString('hex')}"`;
    return `"${String(bound).replace(/["\\]/g, '\\$&')}"`;
  });
  return `{${elements.join(',')}}`;
}

// ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

const optional = (type: Parameters<typeof primitive>[0]): Schema => primitive(type, { optional: true });
const plain =
  (type: Parameters<typeof primitive>[0], read: (raw: unknown) => unknown) =>
  (name: string): ResultColumn => ({ name, schema: optional(type), read });

/** By the object ids of types, which are the same in every database. */
const COLUMNS: Readonly<Record<number, (name: string, mapping: Mapping, modifier: number) => ResultColumn>> = {
  16: plain('boolean', (raw) => raw === 't'),
  17: plain('bytes', (raw) => Buffer.from(String(raw).slice(2), 'hex')),
  20: plain('int64', (raw) => BigInt(String(raw))),
  21: plain('int16', Number),
  23: plain('int32', Number),
  26: plain('int64', (raw) => BigInt(String(raw))),
  700: plain('float32', floating),
  701: plain('float64', floating),
  1082: dateColumn,
  1083: timeColumn,
  1114: (name, { timestamps, zone }) => timestampColumn(name, timestamps, zone),
  1184: (name, { timestamps }) => timestampColumn(name, timestamps, 'UTC'),
  1700(name, mapping, modifier) {
    // Without precision: any number.
    if (modifier < 4) return numericColumn(name, undefined, undefined, mapping);
    return numericColumn(name, ((modifier - 4) >> 16) & 0xffff, (modifier - 4) & 0x7ff, mapping);
  },
};

function floating(raw: unknown): number {
  const text = String(raw);
  const number = Number(text);
  if (Number.isNaN(number) && text !== 'NaN') throw new DataError(`${text} is no number`);
  return number;
}

/** Everything else is a text, as the database prints it. */
function columnOf({ name, dataTypeID, dataTypeModifier }: FieldDef, mapping: Mapping): ResultColumn {
  const make = COLUMNS[dataTypeID];
  return make === undefined
    ? { name, schema: optional('string'), read: String }
    : make(name, mapping, dataTypeModifier);
}

/** Connects. Rejects with `RetriableError` where the server is away, with `ConnectError` where it does not want us. */
export async function connectPostgres(address: ServerAddress): Promise<Database> {
  const { Client } = await import('pg');
  const { host, port, database, user, password, properties } = address;
  const sslmode = properties['sslmode'] ?? (properties['ssl'] === 'true' ? 'require' : 'disable');
  const client = new Client({
    host,
    port,
    database,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(properties['options'] === undefined ? {} : { options: properties['options'] }),
    ssl: sslmode === 'disable' ? false : { rejectUnauthorized: sslmode.startsWith('verify') },
    application_name: properties['ApplicationName'] ?? 'millrace connect',
    // Texts as they are: what they become is said by `COLUMNS`.
    types: { getTypeParser: () => (text: string | Buffer) => text },
    keepAlive: true,
  });
  // A connection that ends while nobody waits is found by whoever asks next.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(
      "SET TIME ZONE 'UTC'; SET bytea_output = 'hex'; SET extra_float_digits = 1; SET datestyle = 'ISO'",
    );
  } catch (error) {
    throw asFault(error, `PostgreSQL at ${host}:${port}`);
  }
  return new PostgresDatabase(client);
}

class PostgresDatabase implements Database {
  readonly dialect = postgres;
  readonly #client: PgClient;

  constructor(client: PgClient) {
    this.#client = client;
  }

  async tables(types: readonly string[]): Promise<TableId[]> {
    const kinds = types.flatMap((type) => TABLE_KINDS[type.toUpperCase()] ?? []);
    const rows = await this.#ask(
      `SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind = ANY($1) AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       AND n.nspname NOT LIKE 'pg_toast%' AND n.nspname NOT LIKE 'pg_temp%' ORDER BY 1, 2`,
      [`{${kinds.join(',')}}`],
    );
    return rows.map(([schema, table]) => ({ schema: String(schema), table: String(table) }));
  }

  async columns({ schema, table }: TableId): Promise<readonly TableColumn[] | undefined> {
    const rows = await this.#ask(
      `SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
         EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY(i.indkey)),
         a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '',
         a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false)
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
       JOIN pg_namespace n ON n.oid = c.relnamespace
       LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
       WHERE c.relname = $1 AND n.nspname = coalesce($2, current_schema(), '${PUBLIC}')
       AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
      [table, schema ?? null],
    );
    if (rows.length === 0) return undefined;
    return rows.map(([name, type, isNullable, isPrimaryKey, hasDefault, isAutoIncrement]) => ({
      name: String(name),
      type: String(type),
      isNullable: isNullable === 't',
      isPrimaryKey: isPrimaryKey === 't',
      hasDefault: hasDefault === 't',
      isAutoIncrement: isAutoIncrement === 't',
    }));
  }

  async now(): Promise<bigint> {
    const [row] = await this.#ask('SELECT clock_timestamp()', []);
    return parseTimestamp(String(row![0]), 'UTC');
  }

  /** A cursor: the server keeps what has not been fetched. */
  async read(sql: string, params: readonly Param[], mapping: Mapping): Promise<Rows> {
    const client = this.#client;
    const close = async (): Promise<void> => {
      await this.execute('COMMIT');
    };
    await this.execute('BEGIN');
    try {
      await this.execute(`DECLARE millrace NO SCROLL CURSOR FOR ${sql}`, params);
      const described = await client.query({ text: 'FETCH 0 FROM millrace', rowMode: 'array' });
      const columns = described.fields.map((field) => columnOf(field, mapping));
      const next = (most: number) => this.#ask(`FETCH ${most} FROM millrace`, []);
      return { columns, next, close };
    } catch (error) {
      await close().catch(() => {});
      throw asFault(error, sql);
    }
  }

  async execute(sql: string, params: readonly Param[] = []): Promise<number> {
    try {
      const { rowCount } = await this.#client.query(sql, params.map(asText));
      return rowCount ?? 0;
    } catch (error) {
      throw asFault(error, sql);
    }
  }

  transaction<T>(work: () => Promise<T>): Promise<T> {
    return inTransaction(this, 'BEGIN', work);
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  async #ask(sql: string, params: readonly Param[]): Promise<unknown[][]> {
    try {
      const { rows } = await this.#client.query({ text: sql, values: params.map(asText), rowMode: 'array' });
      return rows;
    } catch (error) {
      throw asFault(error, sql);
    }
  }
}

/** The kinds of relations that JDBC's types of tables are. */
const TABLE_KINDS: Readonly<Record<string, readonly string[]>> = {
  TABLE: ['r'],
  'PARTITIONED TABLE': ['p'],
  VIEW: ['v'],
  'MATERIALIZED VIEW': ['m'],
  'FOREIGN TABLE': ['f'],
};

/** The server finds out what a text is by the column that it goes into. */
function asText(param: Param): string | Buffer | null {
  if (param === null) return null;
  return param instanceof Uint8Array ? Buffer.from(param.buffer, param.byteOffset, param.length) : String(param);
}

function asFault(error: unknown, what: string): ConnectError {
  const code = codeOf(error) ?? '';
  const text = `${messageOf(error)}${code === '' ? '' : ` (${code})`}: ${what.slice(0, 500)}`;
  const isLost = code === '' && /terminated|closed|not queryable|timeout/i.test(messageOf(error));
  return RETRIABLE.test(code) || isLost ? new RetriableError(text, error) : new ConnectError(text, { cause: error });
}
