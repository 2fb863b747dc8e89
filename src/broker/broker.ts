/**
 * The broker: topics, groups and transactions of one node, in one thread.
 *
 * The life of a produce. Bytes arrive at a `Listener`; its `Connection` cuts them into frames and decodes one (in process
 * this is left out: the request object is there already). `handlers/produce` checks the batch and appends it to its
 * `Partition`: `log/segment` copies it to the tail in memory and sets its offset and leader epoch. At the end of the turn
 * of the event loop the `Flusher` writes the tails of all partitions that grew, and forces them to the disk in rounds.
 * When that is done the partition's high watermark rises, and whoever waits for it is answered: a produce with acks=all.
 *
 * The life of a fetch. `handlers/fetch` reads whole batches up to the high watermark (or, read_committed, up to the last
 * stable offset). Near the end of the log they are views of the tail, else bytes of the file: nothing is re-encoded. When
 * there is less than the client wants, the fetch parks in its partitions and reads again when one of them advances.
 */
import { dirname, join } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import { type BrokerAddress, ResourceType, type Transport, ZERO_UUID } from '../protocol/index.ts';
import {
  type Environment,
  type GivenSettings,
  messageOf,
  MillraceError,
  systemEnvironment,
  Turns,
} from '../util/index.ts';
import { Cleaner } from './cleaner.ts';
import type { Core } from './core.ts';
import { FetchSessions } from './fetch-sessions.ts';
import { Flusher } from './flusher.ts';
import { CoordinatorMemory } from './coordinator-memory.ts';
import { GroupCoordinator } from './groups/group-coordinator.ts';
import { InProcessTransport } from './in-process.ts';
import { Listener } from './listener.ts';
import { type Disk, nodeDisk } from './log/disk.ts';
import { TailCache } from './log/tail-cache.ts';
import { ClusterMetadata } from './metadata/cluster-metadata.ts';
import { LiveSettings } from './metadata/live-settings.ts';
import type { RecordSchemas } from './record-schemas.ts';
import { ClientQuotas } from './quotas/client-quotas.ts';
import { RequestMemory } from './request-memory.ts';
import { Audit } from './security/audit.ts';
import { Authorizer } from './security/authorizer.ts';
import { ConnectionLimits } from './security/connection-limits.ts';
import { isListenerSetting, type ListenerConfig, plainListener, readListeners } from './security/listeners.ts';
import { ScramUsers } from './security/scram-users.ts';
import { type BrokerSettings, readBrokerSettings } from './settings.ts';
import { ThreadClients } from './thread-clients.ts';
import { ShareSessions } from './share/share-sessions.ts';
import { ShareStates } from './share/share-states.ts';
import { ClientTelemetry } from './telemetry/client-telemetry.ts';
import type { ClientMetrics } from './telemetry/newest-metrics.ts';
import { Topics } from './topics.ts';
import { ProducerIds } from './transactions/producer-ids.ts';
import { TransactionCoordinator } from './transactions/transaction-coordinator.ts';

const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown';
const META_FILE = 'meta.properties';
const NOWHERE: BrokerAddress = { host: 'in-process', port: 0 };

export interface BrokerOptions {
  readonly dataDir: string;
  /** Kafka's property names; what is not given has its default. */
  readonly settings?: GivenSettings;
  readonly environment?: Environment;
  readonly disk?: Disk;
  /** Checks records of topics that want schemas; without it, no topic may want them. */
  readonly recordSchemas?: RecordSchemas;
  /** Takes note of what an operator may want to know. */
  readonly log?: (message: string) => void;
}

export class Broker {
  readonly #core: Core;
  /** Those of single listeners, too. */
  readonly #given: GivenSettings;
  readonly #disk: Disk;
  readonly #unlock: () => void;
  readonly #listeners: Listener[] = [];
  readonly #transports = new Set<InProcessTransport>();
  readonly #threadClients: ThreadClients;
  readonly #cleaner: Cleaner;
  #stopUpkeep: () => void = () => {};
  #upkeep: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  private constructor(core: Core, given: GivenSettings, disk: Disk, unlock: () => void) {
    this.#core = core;
    this.#given = given;
    this.#disk = disk;
    this.#unlock = unlock;
    this.#threadClients = new ThreadClients(core, () => this.#endpoint());
    this.#cleaner = new Cleaner(core.topics, core.environment, core.report);
    this.#cleaner.start(core.settings['log.cleaner.backoff.ms']);
    this.#scheduleUpkeep();
  }

  /** Opens the data directory, which no other process may use, and recovers it where the last shutdown was not clean. */
  static async open(options: BrokerOptions): Promise<Broker> {
    const {
      dataDir,
      settings: given = {},
      environment = systemEnvironment,
      disk = nodeDisk,
      log: report = () => {},
    } = options;
    const ofAll = ofAllListeners(given);
    makeForcedDirectory(disk, dataDir);
    const unlock = disk.lock(dataDir);
    try {
      const marker = join(dataDir, CLEAN_SHUTDOWN_FILE);
      const isClean = disk.exists(marker);
      const metadata = ClusterMetadata.open(disk, dataDir);
      const liveSettings = new LiveSettings(ofAll, metadata);
      const settings = liveSettings.values;
      const identity = readIdentity(disk, dataDir, settings['node.id'], environment);
      const flusher = new Flusher(
        settings.durability as 'fsync',
        settings['log.flush.interval.ms'],
        environment,
        report,
      );
      const cache = new TailCache(settings['tail.cache.bytes']);
      const knowsSchemas = options.recordSchemas !== undefined;
      const env = { disk, environment, cache };
      const topics = new Topics({ directory: dataDir, settings, env, flusher, knowsSchemas, report });
      topics.load(isClean);
      liveSettings.onChange = () => topics.settingsChanged();
      const coordinators = openCoordinators({ settings, environment, topics, metadata, report });
      const { groups, shares, transactions } = coordinators;
      transactions.load((known) => new ProducerIds(disk, dataDir, known));
      transactions.startTimers();
      disk.remove(marker);
      disk.syncDirectory(dataDir);
      const fetchSessions = new FetchSessions(environment, {
        slots: () => settings['max.incremental.fetch.session.cache.slots'],
        admits: (bytes) => coordinatorMemory.admits(bytes),
      });
      const coordinatorMemory: CoordinatorMemory = new CoordinatorMemory(
        settings['coordinator.max.memory.bytes'],
        () => groups.bytes + shares.bytes + transactions.bytes + fetchSessions.bytes,
        environment,
        report,
      );
      const core: Core = {
        ...identity,
        dataDirectory: dataDir,
        settings,
        liveSettings,
        environment,
        disk,
        memory: cache.memory,
        topics,
        metadata,
        recordSchemas: options.recordSchemas,
        ...guardsOf(settings, metadata, environment, report),
        flusher,
        fetchSessions,
        ...coordinators,
        turns: new Turns(environment),
        requestMemory: new RequestMemory(settings['queued.max.request.bytes'], environment),
        coordinatorMemory,
        telemetry: new ClientTelemetry({
          metadata,
          environment,
          maxBytes: settings['telemetry.max.bytes'],
          report,
        }),
        report,
      };
      return new Broker(core, given, disk, unlock);
    } catch (error) {
      unlock();
      throw error;
    }
  }

  get clusterId(): string {
    return this.#core.clusterId;
  }

  /** The partitions that take no records at the moment, and why: what makes a broker unhealthy. */
  outages(): readonly { readonly topic: string; readonly partition: number; readonly reason: string }[] {
    return [...this.#core.topics.outages()];
  }

  /** The newest metrics that clients have pushed (KIP-714): those that subscriptions name, configs of the type CLIENT_METRICS. */
  clientMetrics(): readonly ClientMetrics[] {
    return this.#core.telemetry.newest();
  }

  /** A connection from within this process. */
  connect(clientId = 'millrace'): Transport {
    const transport = new InProcessTransport(this.#core, clientId, () => this.#endpoint());
    this.#transports.add(transport);
    void transport.closed.then(() => this.#transports.delete(transport));
    return transport;
  }

  /** Serves a client in another thread, at the other end of the port (`dialThread`). */
  serveThread(port: MessagePort): void {
    this.#threadClients.accept(port);
  }

  /** Listens for clients, without any security; port 0 takes any free one. Returns the address that was taken. */
  async listen(address: BrokerAddress): Promise<BrokerAddress> {
    return this.listenOn(plainListener(address, this.#given));
  }

  /** What Kafka's `listeners` says, with the settings of each. Throws `INVALID_CONFIG`; nothing listens yet. */
  listenersIn(text: string): ListenerConfig[] {
    return readListeners(text, this.#given);
  }

  /** The same for one of these. */
  async listenOn(config: ListenerConfig): Promise<BrokerAddress> {
    const listener = await Listener.open(this.#core, config);
    this.#listeners.push(listener);
    return listener.address;
  }

  #endpoint(): BrokerAddress {
    return this.#listeners[0]?.endpoint ?? NOWHERE;
  }

  /** A clean shutdown: connections are dropped, everything is forced to the disk, and the next start need not recover. */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    const { flusher, groups, shares, topics, transactions, dataDirectory, report } = this.#core;
    this.#stopUpkeep();
    await Promise.all(this.#listeners.map((listener) => listener.close()));
    for (const transport of this.#transports) transport.close();
    this.#threadClients.close();
    await this.#upkeep;
    await this.#cleaner.stop();
    groups.stop();
    shares.stop();
    transactions.stop();
    flusher.stop();
    try {
      await flusher.syncAll();
      // Without the mark the next start reads what may not be intact.
      if (topics.close()) {
        this.#disk.replaceFile(join(dataDirectory, CLEAN_SHUTDOWN_FILE), '{"version":0}\n', true);
      }
    } catch (error) {
      report(`the shutdown is not clean: ${messageOf(error)}`);
    } finally {
      this.#unlock();
    }
  }

  #scheduleUpkeep(): void {
    const { environment, settings, topics, report } = this.#core;
    this.#stopUpkeep = environment.after(settings['log.retention.check.interval.ms'], () => {
      this.#upkeep = topics.upkeep().catch((error: unknown) => report(`upkeep failed: ${messageOf(error)}`));
      this.#scheduleUpkeep();
    });
  }
}

/** What groups and transactions were, from their journals; transactions are read by whoever knows the ids of producers. */
function openCoordinators(parts: {
  readonly settings: BrokerSettings;
  readonly environment: Environment;
  readonly topics: Topics;
  readonly metadata: ClusterMetadata;
  readonly report: (message: string) => void;
}): Pick<Core, 'groups' | 'shares' | 'shareSessions' | 'transactions'> {
  const { settings, topics, metadata } = parts;
  const configsOf = (group: string) => metadata.configsOf(ResourceType.group, group);
  const groups = new GroupCoordinator({ ...parts, configsOf });
  groups.load();
  const shares = new ShareStates({ ...parts, configsOf });
  shares.load();
  const most = (): number => settings['group.share.max.share.sessions'];
  const shareSessions = new ShareSessions(most, (session) => shares.release(session));
  topics.onDeleted = (topic) => {
    groups.forgetTopic(topic);
    shares.forgetTopic(topic);
  };
  return { groups, shares, shareSessions, transactions: new TransactionCoordinator({ ...parts, groups }) };
}

/** The settings that are not one listener's, checked. */
function ofAllListeners(given: GivenSettings): GivenSettings {
  const ofAll = Object.fromEntries(Object.entries(given).filter(([name]) => !isListenerSetting(name)));
  readBrokerSettings(ofAll);
  return ofAll;
}

/** Who may connect, and who may then do what, and how much of it. */
function guardsOf(
  settings: BrokerSettings,
  metadata: ClusterMetadata,
  environment: Environment,
  report: (message: string) => void,
): Pick<Core, 'scramUsers' | 'authorizer' | 'audit' | 'connectionLimits' | 'quotas'> {
  const windowsOf = (name: 'quota' | 'controller.quota') => ({
    count: settings[`${name}.window.num`],
    lengthMs: settings[`${name}.window.size.seconds`] * 1000,
  });
  return {
    scramUsers: new ScramUsers(metadata),
    authorizer: settings['authorizer.class.name'] === '' ? undefined : new Authorizer(settings, metadata),
    audit: new Audit(environment, report),
    connectionLimits: new ConnectionLimits(settings),
    quotas: new ClientQuotas(metadata, {
      windows: windowsOf('quota'),
      windowsOfMutations: windowsOf('controller.quota'),
    }),
  };
}

/** Makes a directory that a power failure does not take back, nor those above it. */
function makeForcedDirectory(disk: Disk, path: string): void {
  const parent = dirname(path);
  if (parent === path || disk.exists(path)) return;
  makeForcedDirectory(disk, parent);
  disk.makeDirectory(path);
  disk.syncDirectory(parent);
}

/** What the directory says that it belongs to, made up at the first start. */
function readIdentity(
  disk: Disk,
  dataDir: string,
  nodeId: number,
  environment: Environment,
): { readonly clusterId: string; readonly directoryId: string } {
  const path = join(dataDir, META_FILE);
  if (disk.exists(path)) {
    const text = disk.readFile(path).toString();
    const clusterId = /^cluster\.id=(.+)$/m.exec(text)?.[1]?.trim();
    const directoryId = /^directory\.id=([\w-]{22})\s*$/m.exec(text)?.[1] ?? ZERO_UUID;
    if (clusterId !== undefined) return { clusterId, directoryId };
    const what = `${path} is damaged: it has no cluster.id. Restore it, or remove it for a new id`;
    throw new MillraceError('DATA_DIRECTORY_DAMAGED', `${what}, which clients take for another cluster.`);
  }
  const newId = (): string => environment.randomBytes(16).toString('base64url');
  const identity = { clusterId: newId(), directoryId: newId() };
  const lines = [
    'version=1',
    `cluster.id=${identity.clusterId}`,
    `node.id=${nodeId}`,
    `directory.id=${identity.directoryId}`,
  ];
  disk.replaceFile(path, `${lines.join('\n')}\n`, true);
  return identity;
}
