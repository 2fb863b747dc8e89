// The settings that the source and the sink have in common, and the connection that follows from them: kept, and made anew, with
// pauses between attempts, when it was lost.
import { RetriableError } from '../../data/errors.ts';
import { atLeast, type ConfigOf, type ConfigProblem, defineConfig, oneOfTexts } from '../../api/index.ts';
import type { Environment } from '../../../util/index.ts';
import { messageOf } from '../../../util/index.ts';
import type { Database } from './database.ts';
import { isZone } from '../../data/time-zones.ts';
import { parseUrl } from './url.ts';

const GROUP = 'Database';

/** `connection.…` and what else says how to talk to a database. */
export const connectionConfig = defineConfig({
  'connection.url': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The database: jdbc:postgresql://host:5432/db, jdbc:mysql://host:3306/db, jdbc:mariadb://… or jdbc:sqlite:/path/to.db.',
    group: GROUP,
    validator: (url) => urlProblem(url),
  },
  'connection.user': { type: 'STRING', default: null, importance: 'HIGH', doc: 'The user.', group: GROUP },
  'connection.password': {
    type: 'PASSWORD',
    default: null,
    importance: 'HIGH',
    doc: "The user's password.",
    group: GROUP,
  },
  'connection.attempts': {
    type: 'INT',
    default: 3,
    importance: 'LOW',
    doc: 'How often it is tried to connect, before the task says that it cannot.',
    group: GROUP,
    validator: atLeast(1),
  },
  'connection.backoff.ms': {
    type: 'LONG',
    default: 10_000,
    importance: 'LOW',
    doc: 'How long is waited between these attempts.',
    group: GROUP,
    validator: atLeast(0),
  },
  'dialect.name': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'Which database it is; by default, what the URL says.',
    group: GROUP,
    validator: oneOfTexts('', 'PostgreSqlDatabaseDialect', 'MySqlDatabaseDialect', 'SqliteDatabaseDialect'),
  },
  'db.timezone': {
    type: 'STRING',
    default: 'UTC',
    importance: 'MEDIUM',
    doc: 'The zone of times in columns that do not say theirs.',
    group: GROUP,
    validator: (zone) => (zone === null || isZone(zone) ? undefined : 'Unknown time zone'),
  },
  'quote.sql.identifiers': {
    type: 'STRING',
    default: 'always',
    importance: 'MEDIUM',
    doc: 'Whether names of tables and columns are quoted in SQL: always or never.',
    group: GROUP,
    validator: oneOfTexts('always', 'never', 'ALWAYS', 'NEVER'),
  },
});
export type ConnectionConfig = ConfigOf<typeof connectionConfig>;

function urlProblem(url: string | null): string | undefined {
  try {
    parseUrl(url ?? '');
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Connects once. */
export async function connect(config: ConnectionConfig): Promise<Database> {
  const url = parseUrl(config['connection.url']);
  if (url.kind === 'sqlite') {
    const { openSqlite } = await import('./dialects/sqlite.ts');
    return openSqlite(url.path);
  }
  const user = config['connection.user'] ?? url.properties['user'];
  const password = config['connection.password']?.reveal() ?? url.properties['password'];
  const zone = config['db.timezone'];
  if (url.kind === 'postgresql') {
    const { connectPostgres } = await import('./dialects/postgres.ts');
    return connectPostgres({ ...url, user, password, zone });
  }
  const { connectMysql } = await import('./dialects/mysql.ts');
  return connectMysql({ ...url, user, password, zone });
}

/** Whether a connection can be had; asked when settings are validated. */
export async function connectionProblems(config: ConnectionConfig): Promise<ConfigProblem[]> {
  try {
    const database = await connect(config);
    await database.close();
    return [];
  } catch (error) {
    const message = `Could not connect to the database: ${messageOf(error)}`;
    return ['connection.url', 'connection.user', 'connection.password'].map((name) => ({ name, message }));
  }
}

/** Of connections: one, as long as it holds. */
export class KeptConnection {
  readonly #config: ConnectionConfig;
  readonly #environment: Environment;
  #database: Database | undefined;

  constructor(config: ConnectionConfig, environment: Environment) {
    this.#config = config;
    this.#environment = environment;
  }

  /** The connection. Rejects with `RetriableError` when all attempts have failed, with `ConnectError` when none can help. */
  async get(signal?: AbortSignal): Promise<Database> {
    const { 'connection.attempts': attempts, 'connection.backoff.ms': backoffMs } = this.#config;
    for (let attempt = 1; this.#database === undefined; attempt++) {
      try {
        this.#database = await connect(this.#config);
      } catch (error) {
        if (!(error instanceof RetriableError) || attempt >= attempts || signal?.aborted === true) throw error;
        await new Promise<void>((resolve) => void this.#environment.after(backoffMs, resolve));
      }
    }
    return this.#database;
  }

  /** The next call of `get` connects anew. */
  async drop(): Promise<void> {
    const database = this.#database;
    this.#database = undefined;
    await database?.close().catch(() => {});
  }
}

/** Whether names are quoted. */
export function quotes(config: ConnectionConfig): boolean {
  return config['quote.sql.identifiers'].toLowerCase() === 'always';
}
