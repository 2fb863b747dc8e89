// The only place that constructs everything. Start: broker → client → registry → SQL, each on what came before; stop: the
// other way round. Inside the process the parts talk through the same ports as over the network.
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
    const {
      platform,
      broker: brokerSettings,
      registry: registrySettings,
      sql: sqlSettings,
      sqlRest,
    } = splitSettings(options.settings ?? {});
    const log = options.log ?? (() => {});
    const environment = options.environment ?? systemEnvironment;
    const dataDir = platform['log.dirs'];
    makeDataDirectory(dataDir);
    const services: RunningService[] = [];
    const stop: (() => Promise<void>)[] = [];
    try {
      const bootstrapServers = platform['bootstrap.servers'];
      let client: Client;
      if (bootstrapServers === '') {
        const settings = { ...EMBEDDED, ...brokerSettings };
        const broker = await Broker.open({ dataDir: join(dataDir, 'kafka'), settings, environment, log });
        stop.push(() => broker.close());
        const kafka = await listening('listeners', platform, (address) => broker.listen(address));
        services.push({ name: 'broker', url: `${kafka.host}:${kafka.port}` });
        client = createClient({ dial: async () => broker.connect(), environment });
      } else {
        services.push({ name: 'broker', url: bootstrapServers });
        client = createClient({ bootstrapServers, environment });
      }
      stop.push(() => client.close());
      const clusterId = await client.admin().clusterId();

      const settings = readSettings(registrySettingTable, registrySettings);
      const registry = await SchemaRegistry.open(client, {
        topic: settings['kafkastore.topic'],
        compatibilityLevel: settings['schema.compatibility.level'].toUpperCase() as CompatibilityLevel,
        environment,
        log,
      });
      stop.push(() => registry.close());
      let queries: SqlService | undefined;
      const registryHttp = registryServer(registry, {
        clusterId,
        version,
        users: () => queries?.schemaUsers(),
        settings,
        isTls: parseListener('schema.registry.listeners', platform['schema.registry.listeners']).isTls,
        log,
      });
      const registryUrl = await listening('schema.registry.listeners', platform, (address) =>
        registryHttp.listen(address),
      );
      stop.push(() => registryHttp.close());
      services.push({ name: 'schema-registry', url: registryUrl });

      const schemas = registrySource(registry);
      const sql = await openSqlService({
        client,
        schemas,
        stateDir: join(dataDir, 'streams'),
        settings: sqlSettings,
        version,
        environment,
        log,
      });
      queries = sql;
      stop.push(() => sql.close());
      const sqlHttp = sqlServer(sql, {
        settings: readSettings(sqlRestSettings, sqlRest),
        isTls: parseListener('ksql.listeners', platform['ksql.listeners']).isTls,
        log,
      });
      const sqlUrl = await listening('ksql.listeners', platform, (address) => sqlHttp.listen(address));
      stop.push(() => sqlHttp.close());
      services.push({ name: 'sql', url: sqlUrl });
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
async function listening<T>(
  name: Extract<keyof PlatformSettings, `${string}listeners`>,
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
