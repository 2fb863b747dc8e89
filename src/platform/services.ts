// The services on a client, each as it is started: in the broker's thread, or in one of their own.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../client/index.ts';
import { registryServer, registrySource, type SchemaUsers } from '../schema-registry/index.ts';
import { restProxyServer } from '../rest-proxy/index.ts';
import type { SchemaSource } from '../serde/index.ts';
import { openSqlService, type QueryThreads, sqlRestSettings, type SqlService, sqlServer } from '../sql/index.ts';
import { codeOf, type GivenSettings, MillraceError, readSettings } from '../util/index.ts';
import { type ListenersName, listening } from './listening.ts';
import { openRegistry } from './registry.ts';
import type { RunningService, Start } from './start.ts';
import { parseListener } from './settings.ts';
import { version } from './version.ts';

/** What is known of services that have been started. */
export interface StartedServices {
  /** The registry's. */
  readonly schemas: SchemaSource;
  /** Tells SQL where Connect is. */
  readonly connectAt: (url: string) => void;
}

/** The registry, then SQL, then the REST proxy; resolves when all answer. Queries run in `threads`, if there are any. */
export async function startServices(start: Start, client: Client, threads?: QueryThreads): Promise<StartedServices> {
  let connectUrl: string | undefined;
  let sql: SqlService | undefined;
  // Before a schema comes in, the registry asks the queries that use it.
  const schemas = await startRegistry(start, client, () => sql?.schemaUsers());
  sql = await startSql(start, client, schemas, { threads, connectUrl: () => connectUrl });
  if (start.settings.platform['kafka.rest.listeners'] !== '') await startRestProxy(start, client, schemas);
  return {
    schemas,
    connectAt(url) {
      connectUrl = url;
    },
  };
}

async function startRestProxy(start: Start, client: Client, schemas: SchemaSource): Promise<void> {
  const { environment, log } = start;
  const http = restProxyServer({
    client,
    schemas,
    settings: start.settings.restProxy,
    isTls: isTls(start, 'kafka.rest.listeners'),
    environment,
    checkPassword: start.checkPassword,
    log,
  });
  await serve(start, 'rest-proxy', 'kafka.rest.listeners', http);
}

async function startRegistry(
  start: Start,
  client: Client,
  users: () => SchemaUsers | undefined,
): Promise<SchemaSource> {
  const { environment, log } = start;
  const { registry, values: settings } = await openRegistry(start, client);
  const http = registryServer(registry, {
    clusterId: await client.admin().clusterId(),
    version,
    users,
    settings,
    isTls: isTls(start, 'schema.registry.listeners'),
    environment,
    checkPassword: start.checkPassword,
    log,
  });
  await serve(start, 'schema-registry', 'schema.registry.listeners', http);
  return registrySource(registry);
}

/** Where the state of queries is kept. */
export function stateDirOf({ settings }: Start): string {
  return join(settings.platform['log.dirs'], 'streams');
}

async function startSql(
  start: Start,
  client: Client,
  schemas: SchemaSource,
  {
    threads,
    connectUrl,
  }: { readonly threads: QueryThreads | undefined; readonly connectUrl: () => string | undefined },
): Promise<SqlService> {
  const { settings, environment, log, stop } = start;
  const sql = await openSqlService({
    client,
    schemas,
    stateDir: stateDirOf(start),
    settings: settings.sql,
    version,
    ...scriptOf(settings.sql),
    ...(threads === undefined ? {} : { threads }),
    connectUrl,
    environment,
    log,
  });
  stop.push(() => sql.close());
  const http = sqlServer(sql, {
    settings: readSettings(sqlRestSettings, settings.sqlRest),
    isTls: isTls(start, 'ksql.listeners'),
    environment,
    checkPassword: start.checkPassword,
    log,
  });
  await serve(start, 'sql', 'ksql.listeners', http);
  return sql;
}

/** The statements of the file that the service runs, if it runs one. */
function scriptOf(given: GivenSettings): { readonly script?: string } {
  const file = String(given['ksql.queries.file'] ?? '');
  if (file === '') return {};
  try {
    return { script: readFileSync(file, 'utf8') };
  } catch (error) {
    throw new MillraceError(
      'SCRIPT_UNREADABLE',
      `The file of queries ${file} can't be read: ${String(codeOf(error))}.`,
      {
        cause: error,
      },
    );
  }
}

function isTls({ settings }: Start, listeners: ListenersName): boolean {
  return parseListener(listeners, settings.platform[listeners]).isTls;
}

async function serve(
  { settings, services, stop }: Start,
  name: RunningService['name'],
  listeners: ListenersName,
  app: ReturnType<typeof registryServer>,
): Promise<void> {
  const url = await listening(listeners, settings.platform, (address) => app.listen(address));
  stop.push(() => app.close());
  services.push({ name, url });
}
