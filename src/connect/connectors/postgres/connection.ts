// Connections to the server: opened with the encryption that was asked for, with one way of writing dates, bytes and numbers,
// and with errors that say what becomes of the task: what may pass is tried again, what somebody has to mend is not.
import { readFileSync } from 'node:fs';
import { Client, type ClientConfig, DatabaseError } from 'pg';
import { codeOf, messageOf } from '../../../util/index.ts';
import type { Password } from '../../api/config-def.ts';
import { ConfigError, ConnectError, RetriableError } from '../../data/errors.ts';

/** Where the database is, and who asks. */
export interface ConnectionSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Password | null;
  readonly database: string;
  readonly sslMode: SslMode;
  readonly sslRootCert: string | null;
  readonly sslCert: string | null;
  readonly sslKey: string | null;
  readonly sslPassword: Password | null;
  readonly keepAlive: boolean;
  /** 0: as long as it takes. */
  readonly queryTimeoutMs: number;
  /** Run on each connection that is no stream. */
  readonly initialStatements: string | null;
}

/** libpq's ways of encryption. */
export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
/** One of them. */
export type SslMode = (typeof SSL_MODES)[number];

const CONNECT_TIMEOUT_MS = 15_000;
/** How the server writes values, in the snapshot and in the stream alike, whatever the role or the database is set to. */
const TEXT_FORMS = [
  '-c datestyle=ISO,YMD',
  '-c intervalstyle=postgres',
  '-c timezone=UTC',
  '-c extra_float_digits=3',
  '-c bytea_output=hex',
].join(' ');
/** Values come as the texts that the server sends. */
const AS_TEXT = { getTypeParser: () => (text: string) => text };

/** Opens a connection. `replication`: one that streams the log, and can make slots. Throws as `databaseError` says. */
export async function connect(settings: ConnectionSettings, options: { replication?: boolean } = {}): Promise<Client> {
  const ways = WAYS[settings.sslMode];
  for (const [i, way] of ways.entries()) {
    const client = new Client(clientConfig(settings, way, options.replication ?? false));
    // Without a listener an error between two queries would end the process; whoever uses the connection next is told.
    client.on('error', () => undefined);
    try {
      await client.connect();
      if (options.replication !== true && settings.initialStatements !== null)
        await client.query(settings.initialStatements);
      return client;
    } catch (error) {
      client.end().catch(() => undefined);
      if (i === ways.length - 1 || !isAboutEncryption(error)) throw databaseError(error, where(settings));
    }
  }
  throw new ConnectError(`there is no way to connect to ${where(settings)}`);
}

/** The server and the database, for messages. */
export function where(settings: ConnectionSettings): string {
  return `database ${settings.database} at ${settings.host}:${settings.port}`;
}

/** The rows of a query, as texts, in the order of its columns. */
export async function queryTexts(
  client: Client,
  text: string,
  values: readonly (string | number | null)[] = [],
): Promise<(string | null)[][]> {
  const result = await client.query<(string | null)[]>({ text, values: [...values], rowMode: 'array' });
  return result.rows;
}

type Way = 'plain' | 'encrypted';
const WAYS: Readonly<Record<SslMode, readonly Way[]>> = {
  disable: ['plain'],
  allow: ['plain', 'encrypted'],
  prefer: ['encrypted', 'plain'],
  require: ['encrypted'],
  'verify-ca': ['encrypted'],
  'verify-full': ['encrypted'],
};

function clientConfig(settings: ConnectionSettings, way: Way, replication: boolean): ClientConfig {
  const config: ClientConfig & { replication?: string } = {
    host: settings.host,
    port: settings.port,
    user: settings.user,
    database: settings.database,
    application_name: 'millrace-connect',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: settings.keepAlive,
    options: TEXT_FORMS,
    types: AS_TEXT,
    ssl: way === 'plain' ? false : tlsOptions(settings),
    ...(settings.password === null ? {} : { password: settings.password.reveal() }),
    ...(replication ? { replication: 'database' } : {}),
    ...(replication || settings.queryTimeoutMs === 0 ? {} : { statement_timeout: settings.queryTimeoutMs }),
  };
  return config;
}

function tlsOptions(settings: ConnectionSettings): Exclude<ClientConfig['ssl'], boolean | undefined> {
  const verifies = settings.sslMode === 'verify-ca' || settings.sslMode === 'verify-full';
  return {
    rejectUnauthorized: verifies,
    ...(settings.sslMode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
    ...(settings.sslRootCert === null ? {} : { ca: fileOf('database.sslrootcert', settings.sslRootCert) }),
    ...(settings.sslCert === null ? {} : { cert: fileOf('database.sslcert', settings.sslCert) }),
    ...(settings.sslKey === null ? {} : { key: fileOf('database.sslkey', settings.sslKey) }),
    ...(settings.sslPassword === null ? {} : { passphrase: settings.sslPassword.reveal() }),
  };
}

function fileOf(setting: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ConfigError(`${setting}: ${messageOf(error)}`, error);
  }
}

/** Refused because of encryption: with the other kind it may go. */
function isAboutEncryption(error: unknown): boolean {
  if (error instanceof DatabaseError) return error.code === '28000';
  return /does not support SSL|SSL connection/.test(messageOf(error));
}

// ── Errors ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** SQLSTATEs, or their classes, of what passes: connections that broke, a server that starts or ends, a slot still in use. */
const PASSING = /^(08...|57P0[1-5]|53[0-3]..|55006|40...|58...|25P03)$/;
/** What Node says of a server that is not there, or went away. */
const NETWORK =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|ENOTFOUND|EAI_AGAIN|ECONNABORTED|ENOENT)$/;
/** What `pg` says without a code. */
const WENT_AWAY =
  /^(Connection terminated|Client has encountered a connection error|timeout expired|Client was closed)/;

const SENTENCES: Readonly<Record<string, string>> = {
  '28P01': 'the user or the password is wrong: see database.user and database.password',
  '28000': 'the user may not log in like this: see database.user and database.sslmode, and the server’s pg_hba.conf',
  '3D000': 'there is no such database: see database.dbname',
  '42501': 'the user lacks a right',
  '42704':
    'what was written before a publication was made cannot be streamed by it: drop the slot, and read all rows again with snapshot.mode=when_needed',
};

/** A fault of the database as what it means for the task: `RetriableError` where it may pass, else `ConnectError`. */
export function databaseError(error: unknown, what: string): ConnectError {
  if (error instanceof ConnectError) return error;
  const [code, said] = [codeOf(error), saidBy(error)];
  const passes =
    error instanceof DatabaseError ? PASSING.test(code ?? '') : NETWORK.test(code ?? '') || WENT_AWAY.test(said);
  if (passes) return new RetriableError(`${what}: ${said}`, error);
  const sentence = SENTENCES[code ?? ''];
  return new ConnectError(`${what}: ${said}${sentence === undefined ? '' : ` (${sentence})`}`, { cause: error });
}

/** All that was said, also where several addresses of one name were tried. */
function saidBy(error: unknown): string {
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map((each) => messageOf(each)).join('; ');
  const hint = error instanceof DatabaseError && error.detail !== undefined ? ` (${error.detail})` : '';
  return `${messageOf(error)}${hint}`;
}
