// Workers of a cluster in one process, each with a client and a REST server of its own, on one embedded broker. What they run is
// remembered by one `Machine`, which sees what runs twice.
import { type Client, createClient } from '../../../src/client/index.ts';
import { DistributedHerder, type DistributedSettings } from '../../../src/connect/herder/distributed.ts';
import { WorkerClient } from '../../../src/connect/herder/worker-client.ts';
import { connectServer } from '../../../src/connect/rest/rest.ts';
import { Loggers } from '../../../src/connect/runtime/loggers.ts';
import { TopicConfigStore } from '../../../src/connect/storage/topic-config-store.ts';
import { TopicStatusStore } from '../../../src/connect/storage/topic-status-store.ts';
import { type Listenable, readRimSettings, rimSettingsOf } from '../../../src/rim/index.ts';
import { readSettings, systemEnvironment } from '../../../src/util/index.ts';
import { type Embedded, openEmbedded } from '../../suites/embedded.ts';
import { ask, until } from '../rest/asking.ts';
import { Machine, RememberingWorker, testCatalogue } from './support.ts';

const environment = systemEnvironment;

export const QUICK: DistributedSettings = {
  groupId: 'workers',
  protocol: 'sessioned',
  sessionTimeoutMs: 2000,
  heartbeatIntervalMs: 100,
  rebalanceTimeoutMs: 10_000,
  maxDelayMs: 300,
  syncTimeoutMs: 3000,
  unsyncBackoffMs: 1000,
  shutdownTimeoutMs: 500,
  keyAlgorithm: 'HmacSHA256',
  keyLength: 32,
  keyTtlMs: 3_600_000,
  exactlyOnceSources: false,
  signatureAlgorithm: 'HmacSHA256',
  verificationAlgorithms: ['HmacSHA256'],
  tracksTopics: true,
};

/** A broker whose groups let members be away for a short time only. */
export function openBroker(): Promise<Embedded> {
  return openEmbedded({ 'group.min.session.timeout.ms': 100 });
}

/** How a client gets its connections: of a broker that may be away, and be another one tomorrow. */
export type Connect = () => ReturnType<NonNullable<Parameters<typeof createClient>[0]>['dial'] & {}>;

export class TestWorker {
  readonly name: string;
  readonly herder: DistributedHerder;
  readonly worker: RememberingWorker;
  readonly url: string;
  readonly client: Client;
  readonly log: string[];
  readonly #server: Listenable;
  readonly #cut: () => void;

  private constructor(parts: Omit<TestWorker, 'kill' | 'close' | 'ask'> & { server: Listenable; cut: () => void }) {
    this.name = parts.name;
    this.herder = parts.herder;
    this.worker = parts.worker;
    this.url = parts.url;
    this.client = parts.client;
    this.log = parts.log;
    this.#server = parts.server;
    this.#cut = parts.cut;
  }

  static async start(
    connect: Connect,
    machine: Machine,
    settings: Partial<DistributedSettings> & {
      readonly topics?: string;
      readonly transactional?: boolean;
      readonly timeoutMs?: number;
    } = {},
  ): Promise<TestWorker> {
    const { topics = 'connect', transactional = false, timeoutMs = 10_000, ...own } = settings;
    const all = { ...QUICK, ...own };
    let isCut = false;
    const open = new Set<Awaited<ReturnType<Connect>>>();
    const client = createClient({
      dial: async () => {
        if (isCut) throw new Error('the machine is off');
        const transport = await connect();
        open.add(transport);
        return transport;
      },
    });
    const log: string[] = [];
    const note = (message: string): void => void log.push(message);
    const common = { client, replicationFactor: -1, environment, log: note };
    const transactionalId = transactional ? `connect-cluster-${all.groupId}` : undefined;
    const readsCommitted = all.exactlyOnceSources;
    const configs = await TopicConfigStore.open({
      ...common,
      topic: `${topics}-configs`,
      transactionalId,
      readsCommitted,
    });
    const statuses = await TopicStatusStore.open({ ...common, topic: `${topics}-status`, partitions: 2 });
    let address = 'nowhere';
    let worker: RememberingWorker;
    const others = new WorkerClient({ timeoutMs: 5000, environment });
    const herder = await DistributedHerder.open({
      client,
      clusterId: 'a-cluster',
      workerId: () => address,
      url: () => `http://${address}/`,
      plugins: testCatalogue,
      worker: (listener) => (worker = new RememberingWorker(() => address, machine, listener)),
      others,
      configs,
      statuses,
      settings: all,
      loggers: new Loggers(environment, note),
      environment,
    });
    const server = connectServer({
      herder,
      client: others,
      settings: readRimSettings('', readSettings(rimSettingsOf(''), {})),
      version: '4.1.1',
      requestTimeoutMs: timeoutMs,
      healthTimeoutMs: timeoutMs / 2,
      isSigned: true,
    });
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    address = new URL(url).host;
    await herder.start();
    const cut = (): void => {
      isCut = true;
      for (const transport of open) transport.close();
    };
    return new TestWorker({ name: address, herder, worker: worker!, url, client, log, server, cut });
  }

  ask(what: string, body?: unknown) {
    return ask(this.url, what, body === undefined ? {} : { body });
  }

  /** The process dies: nobody is told. */
  async kill(): Promise<void> {
    this.worker.die();
    this.#cut();
    await this.#server.close();
  }

  async close(): Promise<void> {
    await this.#server.close();
    await this.herder.close();
    await this.client.close();
  }
}

/** Waits until the workers have shared out all of that, each once. */
export async function untilShared(machine: Machine, names: readonly string[], workers?: number): Promise<void> {
  const wanted = [...names].sort().join();
  const spread = (): string => {
    const all = [...machine.connectors.keys(), ...machine.tasks.keys()].sort().join();
    return `${all} on ${Object.keys(machine.spread()).length}`;
  };
  const isRight = (found: string) =>
    workers === undefined ? found.startsWith(`${wanted} on `) : found === `${wanted} on ${workers}`;
  const found = await until(spread, isRight);
  if (!isRight(found)) throw new Error(`shared out was ${found}, and not ${wanted} on ${workers ?? 'any'} workers`);
}
