// The client's picture of a cluster: which brokers there are, who leads which partition, who coordinates which group or
// transaction, and the open connections. Producers, consumers and admins ask here and say when the picture was wrong.
//
// The picture is renewed where something was wrong with it (an answer says so, or a connection was lost: then everything
// that led to that broker is doubted), and when it has become old, so that partitions that were added are found. What is
// doubted is still known, so that nothing has to wait that needs no leader; what is gone is forgotten.
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
import { codeOf, type Environment, MillraceError, systemEnvironment } from '../util/index.ts';
import { backoffMs } from './backoff.ts';
import { TimedTransport } from './timed-transport.ts';

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

interface KnownTopic extends TopicMetadata {
  readonly readAt: number;
  /** Something spoke against it: its leaders are asked for again before they are used. */
  isDoubted: boolean;
}

export type CoordinatorType = 'group' | 'transaction';

/**
 * A connection's purpose. A parked Fetch or JoinGroup holds up everything behind it on its connection, so each consumer
 * fetches and talks to its group's coordinator on connections of its own.
 */
export type Purpose = string;

export interface TopicOptions {
  /** How long to go on asking. Default 60 000 ms. */
  readonly timeoutMs?: number;
  /** How long a topic that brokers do not have is waited for: it may have been made just now. Default 3000 ms. */
  readonly missingMs?: number;
  /** Whether brokers may make the topic, where they are set up to. Default no: only who writes asks for that. */
  readonly mayCreate?: boolean;
}

const DEFAULT_METADATA_MAX_AGE_MS = 5 * 60_000;
const DEFAULT_TIMEOUT_MS = 60_000;
const DEFAULT_MISSING_MS = 3_000;
/** A broker that could not be reached is the last to be asked for so long. */
const UNREACHABLE_MS = 1_000;
const OUT_OF_REACH: readonly (string | undefined)[] = ['CONNECTION_FAILED', 'CONNECTION_LOST', 'BROKER_NOT_AVAILABLE'];
const MISSING: readonly (string | undefined)[] = ['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID'];

export class Cluster {
  readonly environment: Environment;
  /** Counts what changed about topics: partitions, ids, whether they exist. Leaders do not count. */
  version = 0;
  readonly #dial: Dial;
  readonly #bootstrap: readonly BrokerAddress[];
  readonly #metadataMaxAgeMs: number;
  readonly #brokers = new Map<number, BrokerAddress>();
  readonly #topics = new Map<string, KnownTopic>();
  /** Topics that are being asked for. */
  readonly #loading = new Map<string, Promise<TopicMetadata>>();
  readonly #coordinators = new Map<string, number>();
  readonly #connections = new Map<string, Promise<Transport>>();
  /** When an address could not be reached. */
  readonly #unreachableAt = new Map<string, number>();
  /** Those who wait to try again. */
  readonly #backingOff = new Set<() => void>();
  #clusterId: string | null = null;
  #closed = false;

  constructor(options: {
    dial: Dial;
    bootstrap: readonly BrokerAddress[];
    environment?: Environment;
    metadataMaxAgeMs?: number | undefined;
  }) {
    this.#dial = options.dial;
    this.#bootstrap = options.bootstrap;
    this.#metadataMaxAgeMs = options.metadataMaxAgeMs ?? DEFAULT_METADATA_MAX_AGE_MS;
    this.environment = options.environment ?? systemEnvironment;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether a broker has answered before. */
  get isAcquainted(): boolean {
    return this.#clusterId !== null;
  }

  /** Closes every connection; whatever waits for an answer is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#hangUp(() => true);
  }

  // ── Connections ─────────────────────────────────────────────────────────────────────────────────────────────────

  async node(nodeId: number, purpose: Purpose = 'shared'): Promise<Transport> {
    const address = this.#brokers.get(nodeId);
    if (address === undefined) {
      this.#doubt(nodeId);
      throw new MillraceError('BROKER_NOT_AVAILABLE', `the cluster has no broker ${nodeId} at the moment`, {
        retriable: true,
      });
    }
    return this.#connect(`${nodeId}/${purpose}`, address, nodeId);
  }

  /** Closes the connections that were made for one purpose. */
  async release(purpose: Purpose): Promise<void> {
    await this.#hangUp((key) => key.endsWith(`/${purpose}`));
  }

  /** Any broker that answers: one that is connected first, those that could not be reached a moment ago last. */
  async any(): Promise<Transport> {
    const now = this.environment.now();
    const rank = ({ key, address }: { key: string; address: BrokerAddress }): number => {
      const failedAt = this.#unreachableAt.get(textOf(address));
      if (failedAt !== undefined && now - failedAt < UNREACHABLE_MS) return 2;
      return this.#connections.has(key) ? 0 : 1;
    };
    const known = [...this.#brokers].map(([nodeId, address]) => ({ key: `${nodeId}/shared`, address, nodeId }));
    const given = this.#bootstrap.map((address) => ({ key: textOf(address), address, nodeId: -1 }));
    const candidates = [...known, ...given].sort((a, b) => rank(a) - rank(b));
    let failure: unknown;
    for (const { key, address, nodeId } of candidates) {
      try {
        return await this.#connect(key, address, nodeId);
      } catch (error) {
        // Who is not let in by one broker is let in by none.
        if (this.#closed || (error instanceof MillraceError && !error.retriable)) throw error;
        failure = error;
      }
    }
    throw failure ?? new MillraceError('CONNECTION_FAILED', 'no bootstrap address was given');
  }

  #connect(key: string, address: BrokerAddress, nodeId: number): Promise<Transport> {
    if (this.#closed) throw new MillraceError('CLIENT_CLOSED', 'the client has been closed');
    let connection = this.#connections.get(key);
    if (connection === undefined) {
      connection = this.#dial(address).then((transport) => new TimedTransport(transport, this.environment));
      this.#connections.set(key, connection);
      const lost = () => {
        if (this.#connections.get(key) !== connection) return;
        this.#connections.delete(key);
        this.#doubt(nodeId);
      };
      connection.then(
        (transport) => {
          this.#unreachableAt.delete(textOf(address));
          void transport.closed.then(lost);
        },
        () => {
          this.#unreachableAt.set(textOf(address), this.environment.now());
          lost();
        },
      );
    }
    return connection;
  }

  async #hangUp(which: (key: string) => boolean): Promise<void> {
    const connections = [...this.#connections].filter(([key]) => which(key));
    for (const [key] of connections) this.#connections.delete(key);
    for (const [, connection] of connections) {
      try {
        (await connection).close();
      } catch {
        // A connection that never opened needs no closing.
      }
    }
  }

  /** A broker can't be reached: what it led is led by somebody else now, or soon. */
  #doubt(nodeId: number): void {
    for (const topic of this.#topics.values()) {
      if (topic.partitions.some(({ leader }) => leader === nodeId)) topic.isDoubted = true;
    }
    for (const [name, coordinator] of this.#coordinators) if (coordinator === nodeId) this.#coordinators.delete(name);
  }

  // ── Metadata ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The topic, from memory when nothing speaks against it. Rejects with UNKNOWN_TOPIC_OR_PARTITION when it does not appear. */
  async topic(name: string, options: TopicOptions = {}): Promise<TopicMetadata> {
    const known = this.known(name);
    if (known !== undefined && !known.isDoubted) return known;
    const { timeoutMs = DEFAULT_TIMEOUT_MS, missingMs = DEFAULT_MISSING_MS, mayCreate = false } = options;
    return this.retrying(timeoutMs, () => this.#load(name, mayCreate), missingMs);
  }

  /** What is known of a topic without asking, be it doubted; what is old is asked for behind the caller's back. */
  known(name: string): KnownTopic | undefined {
    const known = this.#topics.get(name);
    if (known !== undefined && this.environment.now() - known.readAt >= this.#metadataMaxAgeMs) {
      // When it fails, the next look asks again.
      this.#load(name, false).catch(() => {});
    }
    return known;
  }

  /** The node that leads a partition, -1 where that is not known for sure. */
  leaderNow(topic: string, partition: number): number {
    const known = this.known(topic);
    return known === undefined || known.isDoubted ? -1 : (known.partitions[partition]?.leader ?? -1);
  }

  /** The picture of a topic was wrong: its leaders are asked for again before they are used. */
  doubt(name: string): void {
    const known = this.#topics.get(name);
    if (known !== undefined) known.isDoubted = true;
  }

  /** What a topic is made of, as far as is known: changes when partitions are added, and when it is made again. */
  shapeOf(name: string): string {
    const known = this.#topics.get(name);
    return known === undefined ? '' : `${known.topicId} ${known.partitions.length}`;
  }

  /** Asks for those of these topics that are not known, are doubted, or old. */
  async renew(topics: readonly string[], mayCreate = false): Promise<void> {
    const due = topics.filter((name) => {
      const known = this.#topics.get(name);
      return (
        known === undefined ||
        known.isDoubted ||
        known.partitions.some(({ leader }) => leader < 0) ||
        this.environment.now() - known.readAt >= this.#metadataMaxAgeMs
      );
    });
    if (due.length > 0) await this.refresh(due, mayCreate);
  }

  #load(name: string, mayCreate: boolean): Promise<TopicMetadata> {
    const key = `${mayCreate} ${name}`;
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = this.#ask(name, mayCreate).finally(() => this.#loading.delete(key));
      this.#loading.set(key, loading);
    }
    return loading;
  }

  async #ask(name: string, mayCreate: boolean): Promise<TopicMetadata> {
    const [found] = await this.refresh([name], mayCreate);
    if (found === undefined) throw errorFor(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `topic ${name}`);
    return found;
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
    let refusal: MillraceError | undefined;
    for (const topic of response.topics) {
      const name = topic.name ?? '';
      if (topic.errorCode !== ErrorCode.NONE) {
        if (this.#topics.delete(name)) this.version++;
        if (!isRetriable(topic.errorCode)) refusal ??= errorFor(topic.errorCode, `topic ${name}`);
        continue;
      }
      found.push(this.#learn(name, topic));
    }
    if (refusal !== undefined) throw refusal;
    return found;
  }

  #learn(
    name: string,
    answer: {
      readonly topicId: string;
      readonly isInternal: boolean;
      readonly partitions: readonly {
        readonly partitionIndex: number;
        readonly leaderId: number;
        readonly leaderEpoch: number;
        readonly replicaNodes: readonly number[];
      }[];
    },
  ): TopicMetadata {
    const before = this.#topics.get(name);
    const partitions = [...answer.partitions]
      .sort((a, b) => a.partitionIndex - b.partitionIndex)
      .map(({ leaderId, leaderEpoch, replicaNodes }) => ({ leader: leaderId, leaderEpoch, replicas: replicaNodes }));
    const { topicId, isInternal: internal } = answer;
    const isSame = before?.topicId === topicId && before.partitions.length === partitions.length;
    const entry = { name, topicId, internal, partitions, readAt: this.environment.now(), isDoubted: false };
    // A broker that lags behind tells of leaders that have gone: they are not believed.
    const isBehind = isSame && partitions.some(({ leaderEpoch }, i) => leaderEpoch < before.partitions[i]!.leaderEpoch);
    if (isBehind) entry.isDoubted = true;
    if (!isSame) this.version++;
    this.#topics.set(name, entry);
    const isLedElsewhere = isSame && partitions.some(({ leader }, i) => leader !== before.partitions[i]!.leader);
    if (isLedElsewhere && !isBehind) for (const goOn of [...this.#backingOff]) goOn();
    return entry;
  }

  async clusterId(): Promise<string> {
    if (this.#clusterId === null) await this.refresh([]);
    return this.#clusterId ?? '';
  }

  /** The node that leads a partition. Rejects retriably while there is none. */
  async leader(topic: string, partition: number, options: TopicOptions = {}): Promise<number> {
    const found = await this.topic(topic, options);
    const leader = found.partitions[partition]?.leader ?? -1;
    if (leader < 0) {
      this.doubt(topic);
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

  /** Who coordinates; to be asked behind a request that went there. */
  async coordinatorAddress(type: CoordinatorType, key: string): Promise<BrokerAddress & { readonly id: number }> {
    await this.coordinator(type, key);
    const id = this.#coordinators.get(`${type}:${key}`)!;
    return { id, ...this.#brokers.get(id)! };
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
    options: { readonly purpose?: Purpose; readonly timeoutMs?: number } = {},
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

  /** Waits after so many failures in a row (1 or more), or until somebody finds that another broker leads now. */
  backOff(failures: number): Promise<void> {
    return new Promise((resolve) => {
      const goOn = (): void => {
        cancel();
        this.#backingOff.delete(goOn);
        resolve();
      };
      const cancel = this.environment.after(backoffMs(failures, this.environment), goOn);
      this.#backingOff.add(goOn);
    });
  }

  /**
   * Runs `work` until it succeeds, fails for good, or the time is over; waits longer after every failure, and begins to count
   * anew when a broker answers where none could be reached. What brokers do not have is waited for a shorter time.
   */
  async retrying<T>(timeoutMs: number, work: () => Promise<T>, missingMs = DEFAULT_MISSING_MS): Promise<T> {
    const startedAt = this.environment.now();
    let wasOutOfReach = false;
    for (let failures = 1; ; failures++) {
      try {
        return await work();
      } catch (error) {
        const isOutOfReach = OUT_OF_REACH.includes(codeOf(error));
        if (wasOutOfReach && !isOutOfReach) failures = 1;
        wasOutOfReach = isOutOfReach;
        const retriable = error instanceof MillraceError && error.retriable;
        const limitMs = MISSING.includes(codeOf(error)) ? Math.min(timeoutMs, missingMs) : timeoutMs;
        if (!retriable || this.#closed || this.environment.now() - startedAt >= limitMs) throw error;
      }
      await this.backOff(failures);
    }
  }
}

function textOf({ host, port }: BrokerAddress): string {
  return `${host}:${port}`;
}
