// The only place that constructs everything. Start: broker → client → registry → SQL → REST proxy → Connect, each on what came before;
// stop: the other way round. Inside the process the parts talk through the same ports as over the network.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import type { Broker, ClientMetrics } from '../broker/index.ts';
import type { Client } from '../client/index.ts';
import type { SchemaSource } from '../serde/index.ts';
import { createSqlClient, type SqlClient } from '../sql-api/index.ts';
import { codeOf, type Environment, type GivenSettings, MillraceError, systemEnvironment } from '../util/index.ts';
import { brokerUsers } from './broker-users.ts';
import { checkExposure } from './exposure.ts';
import { listeningAt } from './listening.ts';
import { lazySchemas } from './lazy-schemas.ts';
import { localRecordSchemas, type StoppableSchemas, ThreadRecordSchemas } from './record-schemas.ts';
import type { RunningService, Start } from './start.ts';
import { splitSettings } from './settings.ts';
import { ServiceThread, type ServiceThreadOptions } from './threads.ts';

/** What a platform is started with. */
export interface PlatformOptions {
  /** Kafka's, the registry's and ksqlDB's property names. */
  readonly settings?: GivenSettings;
  /** Called with what an operator may want to know. */
  readonly log?: (message: string) => void;
  /** Where time, chance and ids come from; default: the system. */
  readonly environment?: Environment;
}

/** Broker, registry, SQL, REST proxy and Connect in this process, as they were started. */
export class Platform {
  /** What listens where, in the order of the start. */
  readonly services: readonly RunningService[];
  /** A client of the embedded broker, without a socket in between; or of the cluster that the settings name. */
  readonly client: Client;
  /** The embedded registry. */
  readonly schemas: SchemaSource;
  readonly #broker: Broker | undefined;
  readonly #stop: readonly (() => Promise<void>)[];
  #sql: SqlClient | undefined;
  #stopping: Promise<void> | undefined;

  private constructor(parts: {
    services: readonly RunningService[];
    client: Client;
    schemas: SchemaSource;
    broker: Broker | undefined;
    stop: readonly (() => Promise<void>)[];
  }) {
    this.services = parts.services;
    this.client = parts.client;
    this.schemas = parts.schemas;
    this.#broker = parts.broker;
    this.#stop = parts.stop;
  }

  /** Starts all services and resolves when each answers. When one can't start, those before it are stopped again. */
  static async start(options: PlatformOptions = {}): Promise<Platform> {
    const { log = () => {}, environment = systemEnvironment } = options;
    const settings = splitSettings(options.settings ?? {});
    makeDataDirectory(settings.platform['log.dirs']);
    let broker: Broker | undefined;
    const checkPassword =
      settings.cluster === undefined ? brokerUsers(async () => broker!.connect(), environment) : undefined;
    const start: Start = { settings, environment, checkPassword, log, services: [], stop: [] };
    const { services, stop } = start;
    // While the broker is loaded and opens its logs, the threads of the services load what they need.
    const threadOf = (entry: ServiceThreadOptions['entry'], name: string): ServiceThread => {
      const serve = (port: MessagePort): void => broker!.serveThread(port);
      return new ServiceThread({ entry, name, settings: options.settings ?? {}, serve, environment, log });
    };
    const stoppable = (thread: ServiceThread): ServiceThread => {
      stop.push(() => thread.stop());
      return thread;
    };
    const hasConnect = settings.platform['connect.listeners'] !== '';
    const threads = settings.platform['service.threads']
      ? {
          services: stoppable(threadOf('platform/service-work', "the services' thread")),
          connect: hasConnect ? stoppable(threadOf('platform/connect-work', "Connect's thread")) : undefined,
        }
      : undefined;
    try {
      let schemas: SchemaSource | undefined;
      const recordSchemas =
        threads === undefined
          ? localRecordSchemas(() => schemas)
          : new ThreadRecordSchemas(() => threadOf('platform/record-schemas-work', 'the thread that checks schemas'));
      const opened = await startBroker(start, recordSchemas);
      const { client } = opened;
      broker = opened.broker;
      schemas = threads === undefined ? await startHere(start, client, hasConnect) : await startThreads(start, threads);
      return new Platform({ services, client, schemas, broker, stop });
    } catch (error) {
      for (const step of stop.toReversed()) await step().catch(() => {});
      throw error;
    }
  }

  /** The address of a service: `host:port` of the broker, the URL of the others. */
  url(name: RunningService['name']): string {
    const found = this.services.find((service) => service.name === name);
    if (found !== undefined) return found.url;
    throw new MillraceError(
      'SERVICE_NOT_STARTED',
      `There is no ${name} here: set ${name === 'connect' ? 'connect' : 'kafka.rest'}.listeners to where it is to listen.`,
    );
  }

  /**
   * The newest metrics that each client has pushed to the embedded broker (KIP-714), as subscriptions ask them to
   * (`millrace kafka-configs --entity-type client-metrics`). Empty where the broker is another one.
   */
  clientMetrics(): readonly ClientMetrics[] {
    return this.#broker?.clientMetrics() ?? [];
  }

  /** SQL, over the service's own address. Where that asks for logins, `createSqlClient` takes one. */
  get sql(): SqlClient {
    this.#sql ??= createSqlClient(this.url('sql'));
    return this.#sql;
  }

  /** Stops everything in order. What was acknowledged is on the disk; the next start continues. */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      this.#sql?.close();
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
  'group.consumer.assignment.interval.ms': 0,
  'group.share.assignment.interval.ms': 0,
  'offsets.topic.num.partitions': 4,
  'transaction.state.log.num.partitions': 4,
  'share.coordinator.state.topic.num.partitions': 4,
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

/** A broker of our own, or the cluster that the settings name. */
async function startBroker(
  { settings, environment, log, services, stop }: Start,
  recordSchemas: StoppableSchemas,
): Promise<{ readonly client: Client; readonly broker?: Broker }> {
  const { createClient } = await import('../client/index.ts');
  const { cluster } = settings;
  if (cluster === undefined) {
    const { Broker } = await import('../broker/index.ts');
    const broker = await Broker.open({
      dataDir: join(settings.platform['log.dirs'], 'kafka'),
      settings: { ...EMBEDDED, ...settings.broker },
      environment,
      recordSchemas,
      log,
    });
    stop.push(() => broker.close());
    stop.push(() => recordSchemas.stop());
    const listeners = broker.listenersIn(settings.platform.listeners);
    checkExposure(settings, listeners);
    for (const config of listeners) {
      const { host, port } = await listeningAt('listeners', config.address, () => broker.listenOn(config));
      services.push({
        name: 'broker',
        url: `${config.protocol === 'PLAINTEXT' ? '' : `${config.name}://`}${host}:${port}`,
      });
    }
    const client = createClient({ dial: async () => broker.connect(), environment });
    stop.push(() => client.close());
    return { client, broker };
  }
  checkExposure(settings, []);
  services.push({ name: 'broker', url: settings.platform['bootstrap.servers'] });
  const client = createClient({ ...cluster, environment });
  stop.push(() => client.close());
  return { client };
}

/** The services in this thread. */
async function startHere(start: Start, client: Client, hasConnect: boolean): Promise<SchemaSource> {
  const { startServices } = await import('./services.ts');
  const { schemas, connectAt } = await startServices(start, client);
  if (hasConnect) {
    const { startConnect } = await import('./connect.ts');
    connectAt(await startConnect(start, client, schemas));
  }
  return schemas;
}

/** The services in threads of their own, and their schemas over HTTP. */
async function startThreads(
  { services, stop }: Start,
  threads: { readonly services: ServiceThread; readonly connect: ServiceThread | undefined },
): Promise<SchemaSource> {
  const { services: thread, connect } = threads;
  const connecting = connect?.start();
  connecting?.catch(() => {});
  await thread.start();
  // Before the broker, which they need to the end.
  stop.push(() => thread.stop());
  services.push(...thread.services);
  const { url } = thread.services.find(({ name }) => name === 'schema-registry')!;
  if (connect !== undefined) {
    await connecting;
    stop.push(() => connect.stop());
    services.push(...connect.services);
    thread.connectAt(connect.services[0]!.url);
  }
  return lazySchemas(async () => new (await import('../schema-registry/index.ts')).HttpSchemaSource({ url }));
}
