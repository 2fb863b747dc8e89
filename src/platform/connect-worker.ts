// A worker of Connect by itself, beside brokers that are elsewhere: what `connect-distributed` and `connect-standalone` start.
import { createClient } from '../client/index.ts';
import { loadUserPlugins, openConnect, Plugins, readConnectorFile, workerConfig } from '../connect/service.ts';
import { HttpSchemaSource } from '../schema-registry/index.ts';
import type { SchemaSource } from '../serde/index.ts';
import { codeOf, type GivenSettings, MillraceError, systemEnvironment } from '../util/index.ts';
import { version } from './version.ts';

/** What a worker is started with. */
export interface ConnectWorkerOptions {
  /** Whether it shares its work with others of its `group.id`. */
  readonly mode: 'standalone' | 'distributed';
  /** Of its file of properties. */
  readonly settings: GivenSettings;
  /** Files of connectors, for a standalone worker. */
  readonly connectors: readonly string[];
  /** Called with what an operator may want to know. */
  readonly log: (message: string) => void;
}

/** A worker that is in service. */
export interface RunningConnectWorker {
  /** Where its REST answers. */
  readonly url: string;
  /** Stops its tasks, with their offsets stored, and leaves its group. */
  stop(): Promise<void>;
}

/** Resolves when the worker is in service. Rejects with what is wrong with its settings, its connectors, or the brokers. */
export async function startConnectWorker(options: ConnectWorkerOptions): Promise<RunningConnectWorker> {
  const { mode, settings, log } = options;
  const environment = systemEnvironment;
  const config = await workerConfig(mode, settings);
  const connectors = options.connectors.map(readConnectorFile);
  const own = await loadUserPlugins(config.values['plugin.path']);
  const bootstrapServers = config.values['bootstrap.servers'];
  const cluster = {
    bootstrapServers,
    clientId: config.values['client.id'] || 'connect',
    metadataMaxAgeMs: config.values['metadata.max.age.ms'],
    ...config.access,
    environment,
  };
  const client = createClient(cluster);
  try {
    await client.admin().clusterId();
    const connect = await openConnect({
      config,
      client,
      clientWith: (access) => createClient({ ...cluster, ...access }),
      plugins: new Plugins(own),
      schemaSource: registryOf,
      version,
      environment,
      log,
    });
    await connect.make(connectors);
    return {
      url: connect.url.replace(/\/$/, ''),
      async stop() {
        await connect.close();
        await client.close();
      },
    };
  } catch (error) {
    await client.close();
    if (codeOf(error) !== 'CONNECTION_FAILED') throw error;
    throw new MillraceError(
      'CONNECTION_FAILED',
      `No broker answers at ${bootstrapServers} (bootstrap.servers): millrace start, or kafka-server-start, starts one here, with a worker of Connect in it.`,
      { cause: error },
    );
  }
}

/** A worker beside a registry has to be told where that is. */
function registryOf(given: Readonly<Record<string, string>>): SchemaSource {
  const url = given['schema.registry.url'];
  if (url === undefined)
    throw new MillraceError(
      'INVALID_CONFIG',
      'Missing required configuration "schema.registry.url" which has no default value: say where the Schema Registry is, as value.converter.schema.registry.url.',
    );
  return new HttpSchemaSource({ url: url.split(',')[0]!.trim() });
}
