// The client's picture of a cluster: which brokers there are, who leads which partition, who coordinates which group or
// transaction, and the open connections. Producers, consumers and admins ask here and say when the picture was wrong.
import {
  type Api,
  type BrokerAddress,
  create,
  type Dial,
  ErrorCode,
  errorFor,
  findCoordinator,
  isRetriable,
  metadata,
  type Transport,
} from '../protocol/index.ts';
import { type Environment, codeOf, MillraceError, systemEnvironment } from '../util/index.ts';

export interface TopicMetadata {
  readonly name: string;
  readonly topicId: string;
  readonly internal: boolean;
  /** Indexed by partition. */
  readonly partitions: readonly {
    readonly leader: number;
    readonly leaderEpoch: number;
    readonly replicas: readonly number[];
  }[];
}

export type CoordinatorType = 'group' | 'transaction';

/**
 * A connection's purpose. A parked Fetch or JoinGroup holds up everything behind it on its connection, so each consumer
 * fetches and talks to its group's coordinator on connections of its own.
 */
export type Purpose = string;

const METADATA_MAX_AGE_MS = 5 * 60_000;
const BACKOFF_MIN_MS = 20;
const BACKOFF_MAX_MS = 1_000;
const DEFAULT_TIMEOUT_MS = 60_000;

export class Cluster {
  readonly environment: Environment;
  readonly #dial: Dial;
  readonly #bootstrap: readonly BrokerAddress[];
  readonly #brokers = new Map<number, BrokerAddress>();
  readonly #topics = new Map<string, TopicMetadata & { readonly readAt: number }>();
  readonly #coordinators = new Map<string, number>();
  readonly #connections = new Map<string, Promise<Transport>>();
  #clusterId: string | null = null;
  #closed = false;

  constructor(options: { dial: Dial; bootstrap: readonly BrokerAddress[]; environment?: Environment }) {
    this.#dial = options.dial;
    this.#bootstrap = options.bootstrap;
    this.environment = options.environment ?? systemEnvironment;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Closes every connection; whatever waits for an answer is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    const connections = [...this.#connections.values()];
    this.#connections.clear();
    for (const connection of connections) {
      try {
        (await connection).close();
      } catch {
        // A connection that never opened needs no closing.
      }
    }
  }

  // ── Connections ─────────────────────────────────────────────────────────────────────────────────────────────────

  async node(nodeId: number, purpose: Purpose = 'shared'): Promise<Transport> {
    const address = this.#brokers.get(nodeId);
    if (address === undefined) {
      throw new MillraceError('BROKER_NOT_AVAILABLE', `the cluster has no broker ${nodeId} at the moment`, {
        retriable: true,
      });
    }
    return this.#connect(`${nodeId}/${purpose}`, address);
  }

  /** Any broker that answers: a known one first, then the bootstrap addresses. */
  async any(): Promise<Transport> {
    let failure: unknown;
    for (const nodeId of this.#brokers.keys()) {
      try {
        return await this.node(nodeId);
      } catch (error) {
        failure = error;
      }
    }
    for (const address of this.#bootstrap) {
      try {
        return await this.#connect(`${address.host}:${address.port}`, address);
      } catch (error) {
        failure = error;
      }
    }
    throw failure ?? new MillraceError('CONNECTION_FAILED', 'no bootstrap address was given');
  }

  #connect(key: string, address: BrokerAddress): Promise<Transport> {
    if (this.#closed) throw new MillraceError('CLIENT_CLOSED', 'the client has been closed');
    let connection = this.#connections.get(key);
    if (connection === undefined) {
      connection = this.#dial(address);
      this.#connections.set(key, connection);
      const forget = () => {
        if (this.#connections.get(key) === connection) this.#connections.delete(key);
      };
      connection.then((transport) => transport.closed.then(forget), forget);
    }
    return connection;
  }

  // ── Metadata ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The topic, from memory when it is fresh. Rejects with UNKNOWN_TOPIC_OR_PARTITION after waiting for it to appear. */
  async topic(name: string, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<TopicMetadata> {
    const known = this.#topics.get(name);
    if (known !== undefined && this.environment.now() - known.readAt < METADATA_MAX_AGE_MS) return known;
    return this.retrying(timeoutMs, async () => {
      await this.refresh([name], true);
      const found = this.#topics.get(name);
      if (found === undefined) throw errorFor(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `topic ${name}`);
      return found;
    });
  }

  /** What is known of a topic without asking. */
  known(name: string): TopicMetadata | undefined {
    return this.#topics.get(name);
  }

  /** Forgets a topic, so that its leaders are asked for again. */
  forget(name: string): void {
    this.#topics.delete(name);
  }

  /** Reads metadata of these topics, or of all (`null`). Topics that do not exist are missing from the answer. */
  async refresh(topics: readonly string[] | null, allowAutoTopicCreation = false): Promise<TopicMetadata[]> {
    const transport = await this.any();
    const response = await transport.request(
      metadata,
      create(metadata, { topics: topics === null ? null : topics.map((name) => ({ name })), allowAutoTopicCreation }),
    );
    if (response.errorCode !== ErrorCode.NONE) throw errorFor(response.errorCode, 'Metadata');
    this.#clusterId = response.clusterId;
    this.#brokers.clear();
    for (const { nodeId, host, port } of response.brokers) this.#brokers.set(nodeId, { host, port });
    const found: TopicMetadata[] = [];
    for (const topic of response.topics) {
      const name = topic.name ?? '';
      if (topic.errorCode !== ErrorCode.NONE) {
        this.#topics.delete(name);
        if (!isRetriable(topic.errorCode)) throw errorFor(topic.errorCode, `topic ${name}`);
        continue;
      }
      const partitions = [...topic.partitions]
        .sort((a, b) => a.partitionIndex - b.partitionIndex)
        .map(({ leaderId, leaderEpoch, replicaNodes }) => ({ leader: leaderId, leaderEpoch, replicas: replicaNodes }));
      const entry = {
        name,
        topicId: topic.topicId,
        internal: topic.isInternal,
        partitions,
        readAt: this.environment.now(),
      };
      this.#topics.set(name, entry);
      found.push(entry);
    }
    return found;
  }

  async clusterId(): Promise<string> {
    if (this.#clusterId === null) await this.refresh([]);
    return this.#clusterId ?? '';
  }

  /** The node that leads a partition. Rejects retriably while there is none. */
  async leader(topic: string, partition: number): Promise<number> {
    const found = await this.topic(topic);
    const leader = found.partitions[partition]?.leader ?? -1;
    if (leader < 0) {
      this.forget(topic);
      const missing = partition >= found.partitions.length;
      throw errorFor(
        missing ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.LEADER_NOT_AVAILABLE,
        `${topic}-${partition}`,
      );
    }
    return leader;
  }

  // ── Coordinators ────────────────────────────────────────────────────────────────────────────────────────────────

  async coordinator(type: CoordinatorType, key: string, purpose?: Purpose): Promise<Transport> {
    const name = `${type}:${key}`;
    let nodeId = this.#coordinators.get(name);
    if (nodeId === undefined) {
      const transport = await this.any();
      const keyType = type === 'group' ? 0 : 1;
      const batched = (transport.versionOf(findCoordinator) ?? 0) >= 4;
      const response = await transport.request(
        findCoordinator,
        create(findCoordinator, batched ? { keyType, coordinatorKeys: [key] } : { keyType, key }),
      );
      const answer = response.coordinators[0] ?? response;
      if (answer.errorCode !== ErrorCode.NONE) {
        throw errorFor(answer.errorCode, `the coordinator of ${type} ${key}`, answer.errorMessage);
      }
      nodeId = answer.nodeId;
      this.#brokers.set(nodeId, { host: answer.host, port: answer.port });
      this.#coordinators.set(name, nodeId);
    }
    return this.node(nodeId, purpose);
  }

  forgetCoordinator(type: CoordinatorType, key: string): void {
    this.#coordinators.delete(`${type}:${key}`);
  }

  /**
   * One request to a coordinator, tried again while it moves or loads. `bodyFor` may look at the negotiated versions,
   * `errorOf` picks the error code out of the answer.
   */
  async askCoordinator<Req, Res>(
    { type, key }: { readonly type: CoordinatorType; readonly key: string },
    api: Api<Req, Res>,
    bodyFor: (transport: Transport) => Req,
    errorOf: (response: Res) => number,
    options: { purpose?: Purpose; timeoutMs?: number } = {},
  ): Promise<Res> {
    return this.retrying(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, async () => {
      let transport: Transport;
      try {
        transport = await this.coordinator(type, key, options.purpose);
      } catch (error) {
        this.forgetCoordinator(type, key);
        throw error;
      }
      let response: Res;
      try {
        response = await transport.request(api, bodyFor(transport));
      } catch (error) {
        if (codeOf(error) === 'CONNECTION_LOST') this.forgetCoordinator(type, key);
        throw error;
      }
      const code = errorOf(response);
      if (code === ErrorCode.NOT_COORDINATOR || code === ErrorCode.COORDINATOR_NOT_AVAILABLE) {
        this.forgetCoordinator(type, key);
      }
      if (code !== ErrorCode.NONE) throw errorFor(code, `${api.name} of ${type} ${key}`);
      return response;
    });
  }

  // ── Waiting ─────────────────────────────────────────────────────────────────────────────────────────────────────

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.environment.after(delayMs, resolve);
    });
  }

  /** Runs `work` until it succeeds, fails for good, or the time is over; waits a little longer after every failure. */
  async retrying<T>(timeoutMs: number, work: () => Promise<T>): Promise<T> {
    const deadline = this.environment.now() + timeoutMs;
    for (let backoffMs = BACKOFF_MIN_MS; ; backoffMs = Math.min(BACKOFF_MAX_MS, backoffMs * 2)) {
      try {
        return await work();
      } catch (error) {
        const retriable = error instanceof MillraceError && error.retriable;
        if (!retriable || this.#closed || this.environment.now() + backoffMs > deadline) throw error;
      }
      await this.sleep(backoffMs);
    }
  }
}
