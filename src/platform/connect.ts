// Connect on the platform's broker and registry: a worker of the cluster `connect-cluster`, which is alone until others join it.
import { type Client, createClient } from '../client/index.ts';
import { loadUserPlugins, openConnect, Plugins, workerConfig } from '../connect/service.ts';
import { HttpSchemaSource } from '../schema-registry/index.ts';
import type { SchemaSource } from '../serde/index.ts';
import { listening } from './listening.ts';
import type { Start } from './start.ts';
import { version } from './version.ts';

/** What a worker of the platform is told, unless `connect.…` says otherwise. */
const USUAL = {
  'group.id': 'connect-cluster',
  // Names that begin so are those of services: lists leave them out.
  'config.storage.topic': '_connect-configs',
  'config.storage.replication.factor': -1,
  'offset.storage.topic': '_connect-offsets',
  'offset.storage.replication.factor': -1,
  // One machine has no use for as many as a cluster.
  'offset.storage.partitions': 5,
  'status.storage.topic': '_connect-status',
  'status.storage.replication.factor': -1,
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'io.confluent.connect.avro.AvroConverter',
  'exactly.once.source.support': 'enabled',
  // Nobody else is to get the work of a worker that is alone, so it need not be waited for.
  'scheduled.rebalance.max.delay.ms': 0,
} as const;

/** Resolves with its URL when it is in service. */
export async function startConnect(start: Start, client: Client, schemas: SchemaSource): Promise<string> {
  const { settings, environment, log, stop, services } = start;
  const config = await workerConfig('distributed', {
    ...USUAL,
    'bootstrap.servers': settings.platform['bootstrap.servers'],
    ...settings.connect,
    listeners: settings.platform['connect.listeners'],
  });
  const own = await loadUserPlugins(config.raw['plugin.path'] ?? '');
  const connect = await listening('connect.listeners', settings.platform, () =>
    openConnect({
      config,
      client,
      clientWith:
        settings.cluster === undefined
          ? undefined
          : (access) => createClient({ ...settings.cluster, ...access, environment }),
      plugins: new Plugins(own),
      schemaSource: (given) => sourceOf(given['schema.registry.url'], schemas),
      version,
      environment,
      log,
      // What goes on is told by REST; what goes wrong, in the log of the platform.
      logLevel: 'WARN',
    }),
  );
  stop.push(() => connect.close());
  const url = connect.url.replace(/\/$/, '');
  services.push({ name: 'connect', url });
  return url;
}

/** The registry that a converter names, or the platform's. */
function sourceOf(url: string | undefined, own: SchemaSource): SchemaSource {
  return url === undefined ? own : new HttpSchemaSource({ url });
}
