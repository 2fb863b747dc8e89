/**
 * A scenario is a list of requests that is sent to two brokers, each of which begins empty. What they answer is compared field by
 * field, once what differs by its nature (ids, addresses, times) has been replaced by names, which are given in the order of
 * first appearance.
 */
import {
  type AnyApi,
  type Api,
  BatchCursor,
  createTopics,
  describeTransactions,
  type Draft,
  findCoordinator,
  leaveGroup,
  listOffsets,
  metadata,
} from '../../src/protocol/index.ts';
import { type Connection, ConnectionEnded, NotAnswered, NotInVersion } from './connection.ts';

/** One request and its answer, as they are compared. */
export interface Exchange {
  readonly scenario: string;
  readonly api: string;
  readonly version: number;
  readonly request: string;
  readonly answer: unknown;
}

export interface Scenario {
  readonly name: string;
  run(session: Session): Promise<void>;
}

/** Names for values that are others with each broker. */
const NAMED = new Set(['topicId', 'clusterId', 'memberId', 'leader', 'producerId', 'sessionId', 'replicaDirectoryId']);
const ADDRESS = new Set(['host', 'port', 'clientHost', 'logDir']);
/** How large the disk is, and what a partition takes of it; how fast clients may be. */
const LEFT_OUT = new Set(['totalBytes', 'usableBytes', 'partitionSize', 'throttleTimeMs', 'finalizedFeaturesEpoch']);
const NOTHING = new Set<unknown>([0, -1, '', null, 'AAAAAAAAAAAAAAAAAAAAAA']);
/** COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR. */
const NOT_READY = new Set([14, 15, 16]);
const A_TIME = 1_600_000_000_000;

/** What a scenario talks to one broker through. */
export class Session {
  readonly exchanges: Exchange[] = [];
  readonly #open: () => Promise<Connection>;
  readonly #scenario: string;
  #connection: Connection | undefined;
  readonly #names = new Map<string, string>();

  constructor(scenario: string, open: () => Promise<Connection>) {
    this.#scenario = scenario;
    this.#open = open;
  }

  /** Sends a request in a version, the newest by default; what the broker does instead of answering is undefined. */
  async ask<Req, Res>(api: Api<Req, Res>, draft: Draft<Req>, version = api.maxVersion): Promise<Res | undefined> {
    this.#connection ??= await this.#open();
    try {
      const answer = await this.#connection.ask(api, version, draft);
      this.#note(api, version, draft, this.#plain('', answer));
      return answer;
    } catch (error) {
      if (error instanceof NotInVersion) return undefined;
      this.#connection.close();
      this.#connection = undefined;
      const isOutcome = error instanceof ConnectionEnded || error instanceof NotAnswered;
      if (!isOutcome) throw error;
      this.#note(api, version, draft, error instanceof ConnectionEnded ? 'the connection is closed' : 'no answer');
      return undefined;
    }
  }

  /** Asks without comparing the answer: for what takes a while, or is only asked to go on with. */
  async unnoted<Req, Res>(api: Api<Req, Res>, draft: Draft<Req>, version = api.maxVersion): Promise<Res | undefined> {
    this.#connection ??= await this.#open();
    return this.#connection.ask(api, version, draft);
  }

  /** A topic to work with, which is there when this returns its id; none of that is compared. */
  async topic(name: string, configs: Readonly<Record<string, string>> = {}, numPartitions = 2): Promise<string> {
    const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
    const topics = [{ name, numPartitions, replicationFactor: 1, configs: entries }];
    await this.unnoted(createTopics, { topics, timeoutMs: 10_000 });
    for (let tries = 0; tries < 500; tries++) {
      const asked = { topics: [{ name }], allowAutoTopicCreation: false };
      const found = (await this.unnoted(metadata, asked))?.topics[0];
      if (found?.errorCode === 0 && (await this.#isLed(name, found.partitions.length))) return found.topicId;
    }
    throw new Error(`topic ${name} was made and is not there`);
  }

  /** What is known of a topic, and that its partitions are led, are two things. */
  async #isLed(name: string, count: number): Promise<boolean> {
    const partitions = Array.from({ length: count }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1 }));
    const answer = await this.unnoted(listOffsets, { topics: [{ name, partitions }] });
    return answer!.topics[0]!.partitions.every(({ errorCode }) => errorCode === 0);
  }

  /** Waits until those who coordinate these groups and transactional ids have read their logs. */
  async coordinated(...ids: readonly string[]): Promise<void> {
    const isReady = async (id: string): Promise<boolean> => {
      const members = [{ memberId: 'nobody', groupInstanceId: null }];
      const left = await this.unnoted(leaveGroup, { groupId: id, members });
      const described = await this.unnoted(describeTransactions, { transactionalIds: [id] });
      const codes = [left!.errorCode, described!.transactionStates[0]!.errorCode];
      return !codes.some((code) => NOT_READY.has(code));
    };
    for (const keyType of [0, 1]) await this.unnoted(findCoordinator, { keyType, coordinatorKeys: [...ids] });
    for (const id of ids) {
      for (let tries = 0; tries < 500 && !(await isReady(id)); tries++);
    }
  }

  /** The same in every version. */
  async every<Req, Res>(api: Api<Req, Res>, draft: Draft<Req>): Promise<void> {
    await this.eachVersion(api, () => draft);
  }

  /** In every version what it has a place for. */
  async eachVersion<Req, Res>(api: Api<Req, Res>, draft: (version: number) => Draft<Req>): Promise<void> {
    for (let version = api.minVersion; version <= api.maxVersion; version++) {
      await this.ask(api, draft(version), version);
    }
  }

  /** What follows comes over another connection. */
  reconnect(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  #note(api: AnyApi, version: number, draft: unknown, answer: unknown): void {
    const request = JSON.stringify(this.#plain('', draft));
    this.exchanges.push({ scenario: this.#scenario, api: api.name, version, request, answer });
  }

  /** A value as it is compared. */
  #plain(key: string, value: unknown): unknown {
    if (NAMED.has(key) && !NOTHING.has(value) && typeof value !== 'object') return this.#nameOf(key, value as string);
    if (ADDRESS.has(key) && !NOTHING.has(value)) return `<${key}>`;
    if (typeof value === 'number') return value > A_TIME && value < 2 * A_TIME ? '<time>' : value;
    if (value instanceof Uint8Array) return key === 'records' ? recordsOf(Buffer.from(value)) : text(value);
    if (Array.isArray(value)) {
      const sorted = value.filter(isKafkas).sort((a, b) => byText(unnamed(a), unnamed(b)));
      return sorted.map((each) => this.#plain(key, each)).sort(byText);
    }
    if (typeof value !== 'object' || value === null) return value;
    const fields = Object.entries(value).filter(([name]) => !LEFT_OUT.has(name));
    return Object.fromEntries(fields.map(([name, each]) => [name, this.#plain(name, each)]));
  }

  #nameOf(key: string, value: string | number): string {
    const known = this.#names.get(`${key}/${value}`);
    if (known !== undefined) return known;
    const number = [...this.#names.values()].filter((name) => name.startsWith(`<${key} `)).length + 1;
    const name = `<${key} ${number}>`;
    this.#names.set(`${key}/${value}`, name);
    return name;
  }
}

/** Configs of our own, and of Confluent's, are not what is compared. */
function isKafkas(element: unknown): boolean {
  const name = typeof element === 'object' && element !== null && 'name' in element ? element.name : undefined;
  return typeof name !== 'string' || !name.startsWith('confluent.');
}

/** Offsets, keys and values; where they can't be read, the bytes. */
function recordsOf(batches: Buffer): unknown {
  try {
    return readRecords(batches);
  } catch {
    return text(batches);
  }
}

function readRecords(batches: Buffer): unknown[] {
  const cursor = new BatchCursor(batches, { controlRecords: true });
  const found: unknown[] = [];
  while (cursor.advance()) {
    const { bytes, keyStart, keyEnd, valueStart, valueEnd } = cursor;
    const part = (start: number, end: number) => (start < 0 ? null : text(bytes.subarray(start, end)));
    found.push([cursor.offset, part(keyStart, keyEnd), part(valueStart, valueEnd)]);
  }
  return found;
}

function text(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes);
  const utf8 = buffer.toString('utf8');
  return /^[\x20-\x7e]*$/.test(utf8) ? utf8 : `0x${buffer.toString('hex')}`;
}

/** What of a value is the same with each broker: by that it is told which thing gets which name. */
function unnamed(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, each: unknown) => (NAMED.has(key) ? undefined : each)) ?? 'null');
}

function byText(a: unknown, b: unknown): number {
  const [x, y] = [JSON.stringify(a), JSON.stringify(b)];
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return x < y ? -1 : x > y ? 1 : 0;
}
