/**
 * A worker of Connect, whole: what it was told (herder/settings.ts) becomes its stores, its worker, its herder and its REST. REST
 * listens first, so that the worker knows where it is; then it takes up its work. It ends the other way round.
 */
import { readFileSync } from 'node:fs';
import type { Client, SecurityOptions } from '../client/index.ts';
import type { Listenable } from '../rim/index.ts';
import type { SchemaSource } from '../serde/index.ts';
import { codeOf, type Environment, type GivenSettings, messageOf } from '../util/index.ts';
import type { RawConfig } from './api/config-def.ts';
import { ConfigProviders } from './config-providers/config-providers.ts';
import { ConfigError } from './data/errors.ts';
import { DistributedHerder } from './herder/distributed.ts';
import type { Herder } from './herder/herder.ts';
import { advertisedUrl, type ConnectListener } from './herder/listeners.ts';
import { catalogueOf, type PluginCatalogue } from './herder/plugin-catalogue.ts';
import { readWorkerSettings, type WorkerConfig, type WorkerMode } from './herder/settings.ts';
import type { ConnectorFile } from './herder/connector-files.ts';
import { StandaloneHerder } from './herder/standalone.ts';
import { WorkerClient } from './herder/worker-client.ts';
import type { Plugins } from './plugins/index.ts';
import { type ConnectRestOptions, connectServer } from './rest/rest.ts';
import { Loggers, type LogLevel } from './runtime/loggers.ts';
import { ConnectWorker, type OffsetStoreOptions, type WorkerOptions } from './runtime/worker.ts';
import type { WorkerListener } from './runtime/worker-port.ts';
import { TopicConfigStore } from './storage/topic-config-store.ts';
import { TopicStatusStore } from './storage/topic-status-store.ts';

export { readConnectorFile } from './herder/connector-files.ts';
export { loadUserPlugins, Plugins } from './plugins/index.ts';

/** Reads what a worker was given, with what providers have in place of `${provider:path:key}`. Rejects with what is wrong with it. */
export async function workerConfig(mode: WorkerMode, given: GivenSettings): Promise<WorkerConfig> {
  const raw = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]));
  return readWorkerSettings(mode, await new ConfigProviders(raw).resolve(raw));
}

export interface ConnectServiceOptions {
  readonly config: WorkerConfig;
  /** Of the cluster that the worker's topics are in; closed by the caller, behind the service. */
  readonly client: Client;
  /** Makes a client of the same cluster that gets in otherwise; undefined: nobody has to get in. */
  readonly clientWith?: ((access: SecurityOptions) => Client) | undefined;
  readonly plugins: Plugins;
  /** The registry that a converter's settings name, or the platform's. */
  readonly schemaSource: (config: RawConfig) => SchemaSource;
  /** What the worker is told to be. */
  readonly version: string;
  readonly environment: Environment;
  readonly log: (message: string) => void;
  /** How much is logged until somebody says otherwise (`/admin/loggers`). Default `INFO`. */
  readonly logLevel?: LogLevel;
}

export interface ConnectService {
  /** Where its REST answers. */
  readonly url: string;
  readonly herder: Herder;
  /** Makes the connectors that a standalone worker is started with. Rejects with the first that cannot be made. */
  make(connectors: readonly ConnectorFile[]): Promise<void>;
  close(): Promise<void>;
}

/** How long another worker's answer is waited for. */
const FORWARD_TIMEOUT_MS = 90_000;

/** Resolves when the worker is in service. Rejects where it cannot be, with everything ended that was begun. */
export async function openConnect(options: ConnectServiceOptions): Promise<ConnectService> {
  const { config, environment, log } = options;
  const ends: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  for (const name of config.passedOver) log(`${name} has no meaning for this worker, and is passed over`);
  try {
    let url = '';
    const place = { url: () => url, workerId: () => new URL(url).host };
    const loggers = new Loggers(environment, log, options.logLevel);
    const others = new WorkerClient({ timeoutMs: FORWARD_TIMEOUT_MS, ca: trustedOf(config), environment });
    const herder =
      config.mode === 'distributed'
        ? await distributed(options, { ...place, loggers, others })
        : await standalone(options, { ...place, loggers });
    ends.push(() => herder.close());
    const listening = await listen(options, herder, others, ends);
    url = advertisedUrl(listening, config.values);
    await herder.start();
    return { url, herder, make: (connectors) => makeAll(herder, connectors, log), close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Place {
  readonly url: () => string;
  readonly workerId: () => string;
  readonly loggers: Loggers;
}

async function standalone(options: ConnectServiceOptions, { workerId, loggers }: Place): Promise<Herder> {
  const { client, config, environment } = options;
  const { values } = config;
  const offsets = { file: values['offset.storage.file.filename'] };
  return StandaloneHerder.open({
    clusterId: await client.admin().clusterId(),
    workerId,
    plugins: catalogue(options),
    worker: (listener) => ConnectWorker.open(workerOptions(options, loggers, offsets, listener)),
    loggers,
    tracksTopics: values['topic.tracking.enable'],
    environment,
  });
}

async function distributed(
  options: ConnectServiceOptions,
  { url, workerId, loggers, others }: Place & { readonly others: WorkerClient },
): Promise<Herder> {
  const { client, config, environment, log } = options;
  const { values, topicConfigs, keyLength, verificationAlgorithms } = config;
  const support = values['exactly.once.source.support'];
  const groupId = values['group.id'];
  const common = { client, environment, log };
  const configs = await TopicConfigStore.open({
    ...common,
    topic: values['config.storage.topic'],
    replicationFactor: values['config.storage.replication.factor'],
    topicConfigs: topicConfigs.config,
    transactionalId: support === 'disabled' ? undefined : `connect-cluster-${groupId}`,
    readsCommitted: support === 'enabled',
  });
  const statuses = await orClose([configs], () =>
    TopicStatusStore.open({
      ...common,
      topic: values['status.storage.topic'],
      partitions: values['status.storage.partitions'],
      replicationFactor: values['status.storage.replication.factor'],
      topicConfigs: topicConfigs.status,
    }),
  );
  const offsets = {
    topic: values['offset.storage.topic'],
    partitions: values['offset.storage.partitions'],
    replicationFactor: values['offset.storage.replication.factor'],
  };
  return orClose([configs, statuses], async () =>
    DistributedHerder.open({
      client,
      clusterId: await client.admin().clusterId(),
      workerId,
      url,
      plugins: catalogue(options),
      worker: (listener) => ConnectWorker.open(workerOptions(options, loggers, offsets, listener)),
      others,
      configs,
      statuses,
      loggers,
      environment,
      settings: {
        groupId,
        protocol: values['connect.protocol'] as 'eager' | 'compatible' | 'sessioned',
        sessionTimeoutMs: values['session.timeout.ms'],
        heartbeatIntervalMs: values['heartbeat.interval.ms'],
        rebalanceTimeoutMs: values['rebalance.timeout.ms'],
        maxDelayMs: values['scheduled.rebalance.max.delay.ms'],
        syncTimeoutMs: values['worker.sync.timeout.ms'],
        unsyncBackoffMs: values['worker.unsync.backoff.ms'],
        shutdownTimeoutMs: values['task.shutdown.graceful.timeout.ms'],
        keyAlgorithm: values['inter.worker.key.generation.algorithm'],
        keyLength,
        keyTtlMs: values['inter.worker.key.ttl.ms'],
        exactlyOnceSources: support === 'enabled',
        signatureAlgorithm: values['inter.worker.signature.algorithm'],
        verificationAlgorithms,
        tracksTopics: values['topic.tracking.enable'],
      },
    }),
  );
}

/** What was opened is closed where the next step does not work. */
async function orClose<T>(opened: readonly { close(): Promise<void> }[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await Promise.allSettled(opened.map((each) => each.close()));
    throw error;
  }
}

function catalogue({ config, plugins }: ConnectServiceOptions): PluginCatalogue {
  const exactlyOnceSources = config.values['exactly.once.source.support'] === 'enabled';
  return catalogueOf(plugins, { config: config.raw, exactlyOnceSources, resolve: resolver(config) });
}

function workerOptions(
  { config, client, clientWith, plugins, schemaSource, environment }: ConnectServiceOptions,
  loggers: Loggers,
  offsets: OffsetStoreOptions,
  listener: WorkerListener,
): WorkerOptions {
  const { values, raw, mode } = config;
  return {
    client,
    clientWith,
    plugins,
    raw,
    resolve: resolver(config),
    schemaSource,
    offsets,
    groupId: mode === 'distributed' ? values['group.id'] : undefined,
    exactlyOnceSources: mode === 'distributed' && values['exactly.once.source.support'] === 'enabled',
    overridePolicy: values['connector.client.config.override.policy'] as WorkerOptions['overridePolicy'],
    topicCreation: values['topic.creation.enable'],
    flushIntervalMs: values['offset.flush.interval.ms'],
    shutdownTimeoutMs: values['task.shutdown.graceful.timeout.ms'],
    environment,
    logOf: (name) => loggers.log(name),
    listener,
  };
}

/** Configs of connectors are stored as they are given: what providers have is put in where they are used. */
function resolver({ raw }: WorkerConfig): WorkerOptions['resolve'] {
  const providers = new ConfigProviders(raw);
  return (config) => providers.resolve(config);
}

/** Listens everywhere; the listeners with the ports that they really have. */
async function listen(
  { config, version, environment, log }: ConnectServiceOptions,
  herder: Herder,
  client: WorkerClient,
  ends: (() => Promise<void> | void)[],
): Promise<ConnectListener[]> {
  const { values, adminListeners, rim, adminRim } = config;
  const common = {
    herder,
    client,
    version,
    isSigned: config.mode === 'distributed' && values['connect.protocol'] === 'sessioned',
    tracksTopics: values['topic.tracking.enable'],
    mayResetTopics: values['topic.tracking.allow.reset'],
    environment,
    log,
  };
  const open = async (listener: ConnectListener, more: Pick<ConnectRestOptions, 'settings' | 'routes'>) => {
    const server: Listenable = connectServer({ ...common, ...more, isTls: listener.isTls });
    ends.push(() => server.close());
    const { port } = new URL(await server.listen(listener));
    return { ...listener, port: Number(port) || (listener.isTls ? 443 : 80) };
  };
  const listening: ConnectListener[] = [];
  const routes = adminListeners === undefined ? 'all' : 'without-admin';
  for (const listener of config.listeners) listening.push(await open(listener, { settings: rim, routes }));
  for (const listener of adminListeners ?? []) await open(listener, { settings: adminRim, routes: 'admin' });
  return listening;
}

/** The certificates (PEM) that other workers' are signed by; undefined: well-known ones, or none are needed. */
function trustedOf({ mode, listeners, rim }: WorkerConfig): string | undefined {
  if (mode === 'standalone' || listeners.every(({ isTls }) => !isTls)) return undefined;
  const { values, nameOf } = rim;
  if (values['ssl.client.authentication'] === 'REQUIRED')
    throw new ConfigError(
      `"${nameOf('ssl.client.authentication')}" REQUIRED: workers show each other no certificates. Use REQUESTED, or a listener without TLS for them (rest.advertised.listener)`,
    );
  const file = values['ssl.truststore.location'];
  if (file === '') return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(
      `"${nameOf('ssl.truststore.location')}" ${file} cannot be read: ${String(codeOf(cause))}`,
      cause,
    );
  }
}

async function makeAll(
  herder: Herder,
  connectors: readonly ConnectorFile[],
  log: (message: string) => void,
): Promise<void> {
  for (const { name, config, target } of connectors) {
    try {
      await herder.putConfig(name, config, { mayReplace: false, ...(target === undefined ? {} : { target }) });
    } catch (cause) {
      throw new ConfigError(`Connector ${name} could not be made: ${messageOf(cause)}`, cause);
    }
    log(`Created connector ${name}`);
  }
}
