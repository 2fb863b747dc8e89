// The only place that constructs everything. Start: broker → client → registry → SQL, each on what came before; stop: the
// other way round. Inside the process the parts talk through the same ports as over the network.
import type { FastifyInstance } from 'fastify';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Broker } from '../broker/index.ts';
import { type Client, createClient } from '../client/index.ts';
import {
  type CompatibilityLevel,
  registryServer,
  registrySettings as registrySettingTable,
  registrySource,
  SchemaRegistry,
  type SchemaUsers,
} from '../schema-registry/index.ts';
import type { SchemaSource } from '../serde/index.ts';
import { openSqlService, sqlRestSettings, type SqlService, sqlServer } from '../sql/index.ts';
import {
  codeOf,
  type Environment,
  type GivenSettings,
  MillraceError,
  readSettings,
  systemEnvironment,
} from '../util/index.ts';
import { parseListener, type PlatformSettings, splitSettings } from './settings.ts';
import { version } from './version.ts';

export interface PlatformOptions {
  /** Kafka's, the registry's and ksqlDB's property names. */
  readonly settings?: GivenSettings;
  /** Called with what an operator may want to know. */
  readonly log?: (message: string) => void;
  /** Where time, chance and ids come from; default: the system. */
  readonly environment?: Environment;
}

export interface RunningService {
  readonly name: 'broker' | 'schema-registry' | 'sql';
  readonly url: string;
}

export class Platform {
  readonly services: readonly RunningService[];
  /** A client of the embedded broker, without a socket in between; or of the cluster that the settings name. */
  readonly client: Client;
  /** The embedded registry. */
  readonly schemas: SchemaSource;
  readonly #stop: readonly (() => Promise<void>)[];
  #stopping: Promise<void> | undefined;

  private constructor(parts: {
    services: readonly RunningService[];
    client: Client;
    schemas: SchemaSource;
    stop: readonly (() => Promise<void>)[];
  }) {
    this.services = parts.services;
    this.client = parts.client;
    this.schemas = parts.schemas;
    this.#stop = parts.stop;
  }

  /** Starts all services and resolves when each answers. When one can't start, those before it are stopped again. */
  static async start(options: PlatformOptions = {}): Promise<Platform> {
    const { log = () => {}, environment = systemEnvironment } = options;
    const settings = splitSettings(options.settings ?? {});
    makeDataDirectory(settings.platform['log.dirs']);
    const start: Start = { settings, environment, log, services: [], stop: [] };
    const { services, stop } = start;
    try {
      const client = await startBroker(start);
      let sql: SqlService | undefined;
      // Before a schema comes in, the registry asks the queries that use it.
      const schemas = await startRegistry(start, client, () => sql?.schemaUsers());
      sql = await startSql(start, client, schemas);
      return new Platform({ services, client, schemas, stop });
    } catch (error) {
      for (const step of stop.toReversed()) await step().catch(() => {});
      throw error;
    }
  }

  /** The address of a service: `host:port` of the broker, the URL of the others. */
  url(name: RunningService['name']): string {
    return this.services.find((service) => service.name === name)!.url;
  }

  /** Stops everything in order. What was acknowledged is on the disk; the next start continues. */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      for (const step of this.#stop.toReversed()) await step();
    })();
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** What a single process needs less of than a cluster of machines; every one of these can be set. */
const EMBEDDED = {
  'group.initial.rebalance.delay.ms': 0,
  'offsets.topic.num.partitions': 4,
  'transaction.state.log.num.partitions': 4,
};

function makeDataDirectory(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true });
  } catch (error) {
    const reason = codeOf(error) ?? 'unknown error';
    throw new MillraceError('DATA_DIRECTORY_UNUSABLE', `The data directory ${dataDir} can't be made: ${reason}.`, {
      cause: error,
    });
  }
}

/** Listens, and says in one sentence which port is taken by whom it was meant for. */
/** What is known, and what has been started so far, while a platform starts. */
interface Start {
  readonly settings: ReturnType<typeof splitSettings>;
  readonly environment: Environment;
  readonly log: (message: string) => void;
  readonly services: RunningService[];
  /** To be done in the opposite order. */
  readonly stop: (() => Promise<void>)[];
}

/** A broker of our own, or the cluster that the settings name. */
async function startBroker({ settings, environment, log, services, stop }: Start): Promise<Client> {
  const bootstrapServers = settings.platform['bootstrap.servers'];
  let client: Client;
  if (bootstrapServers === '') {
    const broker = await Broker.open({
      dataDir: join(settings.platform['log.dirs'], 'kafka'),
      settings: { ...EMBEDDED, ...settings.broker },
      environment,
      log,
    });
    stop.push(() => broker.close());
    const kafka = await listening('listeners', settings.platform, (address) => broker.listen(address));
    services.push({ name: 'broker', url: `${kafka.host}:${kafka.port}` });
    client = createClient({ dial: async () => broker.connect(), environment });
  } else {
    services.push({ name: 'broker', url: bootstrapServers });
    client = createClient({ bootstrapServers, environment });
  }
  stop.push(() => client.close());
  return client;
}

async function startRegistry(
  start: Start,
  client: Client,
  users: () => SchemaUsers | undefined,
): Promise<SchemaSource> {
  const { environment, log, stop } = start;
  const settings = readSettings(registrySettingTable, start.settings.registry);
  const registry = await SchemaRegistry.open(client, {
    topic: settings['kafkastore.topic'],
    compatibilityLevel: settings['schema.compatibility.level'].toUpperCase() as CompatibilityLevel,
    environment,
    log,
  });
  stop.push(() => registry.close());
  const http = registryServer(registry, {
    clusterId: await client.admin().clusterId(),
    version,
    users,
    settings,
    isTls: isTls(start, 'schema.registry.listeners'),
    environment,
    log,
  });
  await serve(start, 'schema-registry', 'schema.registry.listeners', http);
  return registrySource(registry);
}

async function startSql(start: Start, client: Client, schemas: SchemaSource): Promise<SqlService> {
  const { settings, environment, log, stop } = start;
  const stateDir = join(settings.platform['log.dirs'], 'streams');
  const sql = await openSqlService({ client, schemas, stateDir, settings: settings.sql, version, environment, log });
  stop.push(() => sql.close());
  const http = sqlServer(sql, {
    settings: readSettings(sqlRestSettings, settings.sqlRest),
    isTls: isTls(start, 'ksql.listeners'),
    environment,
    log,
  });
  await serve(start, 'sql', 'ksql.listeners', http);
  return sql;
}

function isTls({ settings }: Start, listeners: ListenersName): boolean {
  return parseListener(listeners, settings.platform[listeners]).isTls;
}

async function serve(
  { settings, services, stop }: Start,
  name: RunningService['name'],
  listeners: ListenersName,
  app: FastifyInstance,
): Promise<void> {
  const url = await listening(listeners, settings.platform, (address) => app.listen(address));
  stop.push(() => app.close());
  services.push({ name, url });
}

type ListenersName = Extract<keyof PlatformSettings, `${string}listeners`>;

async function listening<T>(
  name: ListenersName,
  settings: PlatformSettings,
  listen: (address: { host: string; port: number }) => Promise<T>,
): Promise<T> {
  const address = parseListener(name, settings[name]);
  try {
    return await listen(address);
  } catch (error) {
    const cause = error instanceof MillraceError ? error.cause : error;
    if (codeOf(cause) !== 'EADDRINUSE') throw error;
    throw new MillraceError(
      'PORT_TAKEN',
      `Port ${address.port} on ${address.host} is taken by another process: stop it, or set ${name} to another port.`,
      { cause: error },
    );
  }
}
