// MySQL and MariaDB, over `mysql2`. Values come as texts, but for bytes, and become what their column says, here.
import type { Connection, FieldPacket, RowDataPacket } from 'mysql2';
import { codeOf, deferred, messageOf } from '../../../../util/index.ts';
import { ConnectError, RetriableError } from '../../../data/errors.ts';
import { LOGICAL, primitive, type Schema, scaleOf } from '../../../data/schema.ts';
import type { Database, Dialect, Mapping, Param, ResultColumn, Rows, TableColumn, TableId } from '../database.ts';
import { numericColumn } from '../numbers.ts';
import { dateColumn, parseTimestamp, printTimestamp, timeColumn, timestampColumn } from '../times.ts';
import { bindLogical, bindPlain, inTransaction, literalOf } from './binding.ts';
import type { ServerAddress } from './postgres.ts';

const PARAMS_MAX = 60_000;

/** Another attempt may help. */
const RETRIABLE =
  /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|PROTOCOL_CONNECTION_LOST|ER_LOCK_DEADLOCK|ER_LOCK_WAIT_TIMEOUT|ER_CON_COUNT_ERROR|ER_TOO_MANY_USER_CONNECTIONS|ER_SERVER_SHUTDOWN|ER_OPTION_PREVENTS_STATEMENT)/;

export const mysql: Dialect = {
  name: 'MySqlDatabaseDialect',
  placeholder: () => '?',
  quote: (identifier) => `\`${identifier.replaceAll('`', '``')}\``,
  paramsMax: PARAMS_MAX,
  upsertsOncePerKey: false,
  upsert(table, columns, keys, rows) {
    const isKey = new Set(keys);
    const others = columns.filter((column) => !isKey.has(column));
    const changed = others.length === 0 ? keys : others;
    return `INSERT INTO ${table} (${columns.join(',')}) VALUES ${rows.join(',')} ON DUPLICATE KEY UPDATE ${changed.map((column) => `${column}=VALUES(${column})`).join(',')}`;
  },
  columnType(schema, isKey) {
    switch (schema.name) {
      case LOGICAL.decimal:
        return `DECIMAL(65,${scaleOf(schema)})`;
      case LOGICAL.date:
        return 'DATE';
      case LOGICAL.time:
        return 'TIME(3)';
      case LOGICAL.timestamp:
        return 'DATETIME(3)';
    }
    // An index needs a length.
    if (schema.type === 'string') return isKey ? 'VARCHAR(256)' : 'TEXT';
    if (schema.type === 'bytes') return isKey ? 'VARBINARY(256)' : 'LONGBLOB';
    const type = TYPES[schema.type];
    if (type === undefined) throw new ConnectError(`MySQL has no column type for ${schema.type.toUpperCase()}`);
    return type;
  },
  bind(schema, value, zone) {
    if (typeof value === 'boolean') return value ? 1 : 0;
    return bindLogical(schema, value, zone) ?? bindPlain(value);
  },
  literal(schema, value) {
    // Texts and bytes have no defaults there.
    if (schema.type === 'string' || schema.type === 'bytes') return undefined;
    return literalOf(mysql.bind(schema, value, 'UTC'));
  },
  comparable: (column) => column,
  timestampParam: (nanos, zone) => printTimestamp(nanos, zone, 6),
};

const TYPES: Readonly<Record<string, string>> = {
  int8: 'TINYINT',
  int16: 'SMALLINT',
  int32: 'INT',
  int64: 'BIGINT',
  float32: 'FLOAT',
  float64: 'DOUBLE',
  boolean: 'TINYINT',
};

const optional = (type: Parameters<typeof primitive>[0]): Schema => primitive(type, { optional: true });
const UNSIGNED = 32;
const BINARY_CHARSET = 63;

/** The protocol's numbers of types. */
const TINY = 1;
const SHORT = 2;
const LONG = 3;
const FLOAT = 4;
const DOUBLE = 5;
const TIMESTAMP = 7;
const LONGLONG = 8;
const INT24 = 9;
const DATE = 10;
const TIME = 11;
const DATETIME = 12;
const YEAR = 13;
const BIT = 16;
const NEW_DECIMAL = 246;
const BLOBS = [249, 250, 251, 252, 253, 254];

/** Unsigned numbers get the next larger type. */
const WHOLE: Readonly<Record<number, readonly ['int8' | 'int16' | 'int32' | 'int64', 'int16' | 'int32' | 'int64']>> = {
  [TINY]: ['int8', 'int16'],
  [SHORT]: ['int16', 'int32'],
  [INT24]: ['int32', 'int32'],
  [LONG]: ['int32', 'int64'],
  [YEAR]: ['int32', 'int32'],
};

function columnOf(field: FieldPacket, mapping: Mapping): ResultColumn {
  const { name, columnType: type = 0, decimals = 0, columnLength = 0 } = field;
  const isUnsigned = (Number(field.flags ?? 0) & UNSIGNED) !== 0;
  const whole = WHOLE[type];
  if (whole !== undefined) {
    const kind = whole[isUnsigned ? 1 : 0];
    return { name, schema: optional(kind), read: kind === 'int64' ? (raw) => BigInt(String(raw)) : Number };
  }
  switch (type) {
    case LONGLONG:
      if (isUnsigned) return numericColumn(name, 20, 0, mapping);
      return { name, schema: optional('int64'), read: (raw) => BigInt(String(raw)) };
    case FLOAT:
      return { name, schema: optional('float32'), read: (raw) => Math.fround(Number(raw)) };
    case DOUBLE:
      return { name, schema: optional('float64'), read: Number };
    case NEW_DECIMAL:
      // The length counts the sign and the point, too.
      return numericColumn(name, columnLength - (decimals > 0 ? 1 : 0) - (isUnsigned ? 0 : 1), decimals, mapping);
    case DATE:
      return dateColumn(name);
    case TIME:
      return timeColumn(name);
    case DATETIME:
    case TIMESTAMP:
      return timestampColumn(name, mapping.timestamps, mapping.zone);
    case BIT:
      return { name, schema: optional('bytes'), read: (raw) => raw };
  }
  if (BLOBS.includes(type) && charsetOf(field) === BINARY_CHARSET)
    return { name, schema: optional('bytes'), read: (raw) => raw };
  return { name, schema: optional('string'), read: String };
}

function charsetOf(field: FieldPacket): number | undefined {
  return field.characterSet ?? field.charsetNr;
}

/** Connects. Rejects with `RetriableError` where the server is away, with `ConnectError` where it does not want us. */
export async function connectMysql(address: ServerAddress): Promise<Database> {
  const { createConnection } = await import('mysql2');
  const { host, port, database, user, password, properties, zone } = address;
  const isTls = properties['useSSL'] === 'true' || /^(REQUIRED|VERIFY)/i.test(properties['sslMode'] ?? '');
  const connection = createConnection({
    host,
    port,
    database,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(isTls ? { ssl: { rejectUnauthorized: /^VERIFY/i.test(properties['sslMode'] ?? '') } } : {}),
    charset: 'utf8mb4',
    timezone: 'Z',
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    rowsAsArray: true,
    typeCast: (field) =>
      field.type === 'BIT' || /BLOB|STRING/.test(field.type) ? binaryOrText(field) : field.string(),
  });
  // A connection that ends while nobody waits is found by whoever asks next.
  connection.on('error', () => {});
  const found = new MysqlDatabase(connection);
  try {
    // Columns with a zone and those without then say the same.
    await found.execute("SET time_zone = ?, sql_mode = CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES')", [
      zone === 'UTC' ? '+00:00' : zone,
    ]);
  } catch (error) {
    connection.destroy();
    throw asFault(error, `MySQL at ${host}:${port}`);
  }
  return found;
}

interface CastField {
  readonly type: string;
  string(): string | null;
  buffer(): Buffer | null;
}

/** Texts in binary columns would lose bytes; which it is, the column says. */
function binaryOrText(field: CastField): Buffer | null {
  return field.buffer();
}

class MysqlDatabase implements Database {
  readonly dialect = mysql;
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async tables(types: readonly string[]): Promise<TableId[]> {
    const kinds = types.map((type) => (type.toUpperCase() === 'TABLE' ? 'BASE TABLE' : type.toUpperCase()));
    const rows = await this.#ask(
      `SELECT table_schema, table_name FROM information_schema.tables
       WHERE table_schema = DATABASE() AND table_type IN (${kinds.map(() => '?').join(',')}) ORDER BY 2`,
      kinds,
    );
    return rows.map(([catalog, table]) => ({ catalog: String(catalog), table: String(table) }));
  }

  async columns({ catalog, schema, table }: TableId): Promise<readonly TableColumn[] | undefined> {
    const rows = await this.#ask(
      `SELECT column_name, column_type, is_nullable, column_key, column_default, extra FROM information_schema.columns
       WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? ORDER BY ordinal_position`,
      [catalog ?? schema ?? null, table],
    );
    if (rows.length === 0) return undefined;
    return rows.map((row) => {
      const [name, type, isNullable, key, defaultValue, extra] = row.map((value) =>
        value === null ? '' : String(value),
      );
      const isAutoIncrement = /auto_increment/.test(extra!);
      return {
        name: name!,
        type: type!,
        isNullable: isNullable === 'YES',
        isPrimaryKey: key === 'PRI',
        hasDefault: isAutoIncrement || defaultValue !== '' || /GENERATED/i.test(extra!),
        isAutoIncrement,
      };
    });
  }

  async now(): Promise<bigint> {
    const [row] = await this.#ask('SELECT CAST(UTC_TIMESTAMP(6) AS CHAR)', []);
    return parseTimestamp(String(row![0]), 'UTC');
  }

  async read(sql: string, params: readonly Param[], mapping: Mapping): Promise<Rows> {
    const query = this.#connection.query<RowDataPacket[]>(sql, params.map(asValue));
    const described = deferred<readonly FieldPacket[]>();
    query.on('fields', (fields: readonly FieldPacket[]) => described.resolve(fields));
    const stream = query.stream({ highWaterMark: 1000 });
    stream.once('error', (error) => described.reject(error));
    stream.once('end', () => described.resolve([]));
    const rows = stream[Symbol.asyncIterator]() as AsyncIterator<unknown[]>;
    try {
      const columns = (await described.promise).map((field) => columnOf(field, mapping));
      return {
        columns,
        next: (most) => taken(rows, most, sql),
        // What was not read has to be read for the connection to be free.
        close: async () => void (await taken(rows, Number.POSITIVE_INFINITY, sql).catch(() => {})),
      };
    } catch (error) {
      throw asFault(error, sql);
    }
  }

  execute(sql: string, params: readonly Param[] = []): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#connection.query(sql, params.map(asValue), (error, result) => {
        if (error === null) resolve('affectedRows' in result ? Number(result.affectedRows) : 0);
        else reject(asFault(error, sql));
      });
    });
  }

  transaction<T>(work: () => Promise<T>): Promise<T> {
    return inTransaction(this, 'START TRANSACTION', work);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#connection.end(() => resolve()));
  }

  #ask(sql: string, params: readonly Param[]): Promise<unknown[][]> {
    return new Promise((resolve, reject) => {
      this.#connection.query<RowDataPacket[]>(sql, params.map(asValue), (error, rows) => {
        if (error === null) resolve(rows as unknown[] as unknown[][]);
        else reject(asFault(error, sql));
      });
    });
  }
}

async function taken(rows: AsyncIterator<unknown[]>, most: number, sql: string): Promise<unknown[][]> {
  const found: unknown[][] = [];
  try {
    while (found.length < most) {
      const { done, value } = await rows.next();
      if (done === true) break;
      if (most !== Number.POSITIVE_INFINITY) found.push(value);
    }
  } catch (error) {
    throw asFault(error, sql);
  }
  return found;
}

function asValue(param: Param): string | number | bigint | boolean | Buffer | null {
  return param instanceof Uint8Array ? Buffer.from(param.buffer, param.byteOffset, param.length) : param;
}

function asFault(error: unknown, what: string): ConnectError {
  const code = codeOf(error) ?? '';
  const text = `${messageOf(error)}${code === '' ? '' : ` (${code})`}: ${what.slice(0, 500)}`;
  const isLost = /closed state|connection is closed/i.test(messageOf(error));
  return RETRIABLE.test(code) || isLost ? new RetriableError(text, error) : new ConnectError(text, { cause: error });
}
