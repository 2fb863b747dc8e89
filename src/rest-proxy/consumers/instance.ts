/**
 * A consumer that lives between requests.
 *
 * The life of a read: it waits for its turn (an instance does one thing at a time) → commits what was handed out before, where
 * the instance does that by itself → polls until there is enough, or the time is over → each record becomes JSON in the
 * instance's format; what has no room in the answer is read again by the next one.
 *
 * What was handed out is what was written to the client: when it is gone before it has the answer, the next read begins where
 * that one began. So records are delivered at least once, also to clients that commit by themselves.
 */
import type { Client, Consumer, FetchedPartition, OffsetToCommit, TopicPartition } from '../../client/index.ts';
import { type Environment, JavaPattern, messageOf, MillraceError } from '../../util/index.ts';
import { illegalState, ProxyError, unprocessable } from '../errors.ts';
import type { Decode } from '../formats.ts';
import type { EmbeddedFormat } from '../media-types.ts';

export interface InstanceConfig {
  readonly format: EmbeddedFormat;
  readonly autoOffsetReset: 'earliest' | 'latest' | 'none' | undefined;
  readonly autoCommit: boolean;
  readonly fetchMinBytes: number;
  readonly requestTimeoutMs: number;
}

export interface InstanceOptions {
  readonly client: Client;
  readonly environment: Environment;
  readonly group: string;
  readonly config: InstanceConfig;
  readonly decode: Decode;
  readonly log: (message: string) => void;
}

export interface ReadOptions {
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

export interface ReadRecords {
  /** The JSON of each record. */
  readonly records: readonly string[];
  /** Has the records handed out again: nobody got them. */
  readonly takeBack: () => void;
}

export type Subscription = { readonly topics: readonly string[] } | { readonly pattern: string };

/** Where a partition is to be read from: an offset, or a moment of time. */
export type Position = TopicPartition & ({ readonly offset: number } | { readonly timestamp: number });

/** Offsets by which ends of a partition are called. */
export const BEGINNING = -2;
export const END = -1;

/** As Kafka's consumers have it. */
const AUTO_COMMIT_INTERVAL_MS = 5000;
/** How often topics are looked at that a pattern may mean. */
const PATTERN_INTERVAL_MS = 5000;
/** Requests that wait for their turn: a client that does not wait for answers must not fill the memory. */
const WAITING_MAX = 100;

export class ConsumerInstance {
  readonly #options: InstanceOptions;
  #consumer: Consumer | undefined;
  #subscription: Subscription | undefined;
  /** The topics that are subscribed to. */
  #topics: readonly string[] = [];
  #lookedForTopicsAt = 0;
  /** What the next record of each partition will be, as far as it was read or sought. */
  readonly #positions = new Map<string, OffsetToCommit>();
  #committedAt: number;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isClosed = false;

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.#committedAt = options.environment.now();
  }

  get config(): InstanceConfig {
    return this.#options.config;
  }

  // ── What is read ────────────────────────────────────────────────────────────────────────────────────────────────

  subscribe(subscription: Subscription): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#consumer !== undefined && this.#subscription === undefined) throw mixed();
      const topics = await this.#topicsOf(subscription);
      await this.#letGo();
      this.#subscription = subscription;
      this.#join(topics);
    });
  }

  subscription(): Promise<readonly string[]> {
    return this.#inTurn(async () => this.#topics);
  }

  unsubscribe(): Promise<void> {
    return this.#inTurn(() => this.#letGo());
  }

  assign(partitions: readonly TopicPartition[]): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#subscription !== undefined) throw mixed();
      await this.#letGo();
      if (partitions.length === 0) return;
      const consumer = this.#newConsumer();
      try {
        const committed = await consumer.committed(partitions);
        const offsetOf = ({ topic, partition }: TopicPartition) =>
          committed.find((each) => each.topic === topic && each.partition === partition)?.offset ?? -1;
        consumer.assign(partitions.map((each) => (offsetOf(each) < 0 ? each : { ...each, offset: offsetOf(each) })));
        this.#consumer = consumer;
      } catch (error) {
        await consumer.close();
        throw error;
      }
    });
  }

  assignments(): Promise<readonly TopicPartition[]> {
    return this.#inTurn(async () => this.#consumer?.assignment() ?? []);
  }

  seek(positions: readonly Position[]): Promise<void> {
    return this.#inTurn(async () => {
      const consumer = this.#needed(positions);
      for (const position of positions) {
        const offset = 'offset' in position ? position.offset : await this.#offsetAt(position);
        this.#seek(consumer, position, offset);
      }
    });
  }

  // ── Records ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Resolves when there are records, or the time is over. */
  read({ timeoutMs, maxBytes }: ReadOptions): Promise<ReadRecords> {
    return this.#inTurn(async () => {
      const { environment, config } = this.#options;
      await this.#lookForTopics();
      const consumer = this.#consumer;
      if (consumer === undefined)
        throw illegalState('Consumer is not subscribed to any topics or assigned any partitions');
      await this.#commitInTime();
      const page = new Page(maxBytes);
      const deadline = environment.now() + timeoutMs;
      while (!this.#isClosed && !page.isFull) {
        const leftMs = deadline - environment.now();
        try {
          const fetched = await consumer.poll(Math.max(0, leftMs));
          for (const partition of fetched) await this.#take(consumer, partition, page);
        } catch (error) {
          // What is wrong is wrong for the next read, too: this one hands out what it has.
          if (page.records.length === 0) throw error;
          break;
        }
        if (page.failure !== undefined || leftMs <= 0) break;
        if (page.records.length > 0 && page.bytes >= config.fetchMinBytes) break;
      }
      for (const next of page.nexts.values()) {
        if (isAssigned(consumer, next)) this.#positions.set(nameOf(next), next);
      }
      if (page.records.length === 0 && page.failure !== undefined) throw page.failure;
      return { records: page.records, takeBack: () => void this.#takeBack(consumer, page) };
    });
  }

  /** Puts a partition's records on the page; those that have no room there are read again. */
  async #take(
    consumer: Consumer,
    { topic, partition, cursor, nextOffset }: FetchedPartition,
    page: Page,
  ): Promise<void> {
    let next = nextOffset;
    while (cursor.advance()) {
      const { offset, bytes, keyStart, keyEnd, valueStart, valueEnd, headerCount } = cursor;
      const key = keyStart < 0 ? null : bytes.subarray(keyStart, keyEnd);
      const value = valueStart < 0 ? null : bytes.subarray(valueStart, valueEnd);
      const size = (key?.length ?? 0) + (value?.length ?? 0);
      if (!page.hasRoomFor(size)) {
        next = offset;
        break;
      }
      const headers = headerCount === 0 ? [] : cursor.headers();
      const { decode } = this.#options;
      try {
        const keyJson = decode(key, headers, true);
        const valueJson = decode(value, headers, false);
        // Most formats need no waiting.
        const parts: [string, string] =
          typeof keyJson === 'string' && typeof valueJson === 'string'
            ? [keyJson, valueJson]
            : await Promise.all([keyJson, valueJson]);
        page.add(recordJson(topic, parts, partition, offset), size, { topic, partition, offset });
      } catch (error) {
        page.failure = undecodable({ topic, partition, offset }, error);
        next = offset;
        break;
      }
    }
    if (next !== nextOffset && isAssigned(consumer, { topic, partition })) consumer.seek({ topic, partition }, next);
    page.nexts.set(nameOf({ topic, partition }), { topic, partition, offset: next });
  }

  /** What comes after a request that nobody waited for the answer of. */
  #takeBack(consumer: Consumer, page: Page): Promise<void> {
    return this.#behindOthers(async () => {
      if (this.#consumer !== consumer) return;
      for (const first of page.firsts.values()) {
        const position = this.#positions.get(nameOf(first));
        if (position !== undefined && position.offset > first.offset) this.#seek(consumer, first, first.offset);
      }
    }).catch(() => {
      // Closed meanwhile: what it did not commit is read by another one.
    });
  }

  // ── Offsets ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Commits these offsets, or what was read so far; returns what was committed. */
  commit(offsets?: readonly OffsetToCommit[]): Promise<readonly OffsetToCommit[]> {
    return this.#inTurn(async () => {
      if (offsets === undefined) return this.#commitPositions();
      await (this.#consumer ?? this.#needed([])).commit(offsets);
      return offsets;
    });
  }

  /** What the group has committed: of each partition that it has committed something of. */
  committed(partitions: readonly TopicPartition[]): Promise<readonly OffsetToCommit[]> {
    return this.#inTurn(async () => {
      const consumer = this.#consumer ?? this.#newConsumer();
      try {
        return (await consumer.committed(partitions)).filter(({ offset }) => offset >= 0);
      } finally {
        if (this.#consumer !== consumer) await consumer.close();
      }
    });
  }

  /** Commits, where it does that by itself, and leaves the group. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#consumer?.wakeup();
    await this.#turn.catch(() => {});
    await this.#letGo();
  }

  // ── Inside ──────────────────────────────────────────────────────────────────────────────────────────────────────

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= WAITING_MAX) {
      throw new ProxyError(429, `${WAITING_MAX} requests wait for this consumer instance: wait for their answers.`);
    }
    return this.#behindOthers(work);
  }

  /** One after the other, in the order in which they came. */
  #behindOthers<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const result = this.#turn.then(() => {
      this.#waiting--;
      if (this.#isClosed) throw illegalState('This consumer has already been closed.');
      return work();
    });
    this.#turn = result.catch(() => {});
    return result;
  }

  /** Lets go of what it reads. */
  async #letGo(): Promise<void> {
    const consumer = this.#consumer;
    if (consumer === undefined) return;
    try {
      await this.#commitByItself();
    } finally {
      this.#consumer = undefined;
      this.#subscription = undefined;
      this.#topics = [];
      this.#positions.clear();
      await consumer.close();
    }
  }

  #newConsumer(): Consumer {
    const { client, group, config } = this.#options;
    return client.consumer({
      groupId: group,
      ...(config.autoOffsetReset === undefined ? {} : { autoOffsetReset: config.autoOffsetReset }),
    });
  }

  #join(topics: readonly string[]): void {
    this.#topics = topics;
    this.#consumer = undefined;
    if (topics.length === 0) return;
    const consumer = this.#newConsumer();
    consumer.subscribe(topics, {
      onRevoked: async (partitions) => {
        await this.#commitByItself();
        for (const each of partitions) this.#positions.delete(nameOf(each));
      },
      onLost: (partitions) => {
        for (const each of partitions) this.#positions.delete(nameOf(each));
      },
    });
    this.#consumer = consumer;
  }

  async #topicsOf(subscription: Subscription): Promise<readonly string[]> {
    if ('topics' in subscription) return subscription.topics;
    this.#lookedForTopicsAt = this.#options.environment.now();
    const pattern = patternOf(subscription.pattern);
    const all = await this.#options.client.admin().listTopics();
    return all.filter((topic) => !topic.startsWith('__') && pattern.test(topic));
  }

  /** Joins anew where topics have come or gone that the pattern means. */
  async #lookForTopics(): Promise<void> {
    const subscription = this.#subscription;
    if (subscription === undefined || !('pattern' in subscription)) return;
    const isDue = this.#options.environment.now() - this.#lookedForTopicsAt >= PATTERN_INTERVAL_MS;
    if (!isDue && this.#topics.length > 0) return;
    const topics = await this.#topicsOf(subscription);
    if (topics.join('\n') === this.#topics.join('\n')) return;
    await this.#letGo();
    this.#subscription = subscription;
    this.#join(topics);
  }

  async #commitInTime(): Promise<void> {
    const { environment } = this.#options;
    if (environment.now() - this.#committedAt >= AUTO_COMMIT_INTERVAL_MS) await this.#commitByItself();
  }

  /** What can't be committed is handed out once more, by whoever reads the partition next: no reason to refuse a request. */
  async #commitByItself(): Promise<void> {
    if (!this.config.autoCommit) return;
    const { group, log } = this.#options;
    await this.#commitPositions().catch((error: unknown) => {
      log(`REST proxy: a consumer of ${group} could not commit what it has read: ${messageOf(error)}`);
    });
  }

  async #commitPositions(): Promise<readonly OffsetToCommit[]> {
    this.#committedAt = this.#options.environment.now();
    const offsets = [...this.#positions.values()];
    await this.#consumer?.commit(offsets);
    return offsets;
  }

  #needed(partitions: readonly TopicPartition[]): Consumer {
    const consumer = this.#consumer;
    const foreign = partitions.find((each) => consumer === undefined || !isAssigned(consumer, each));
    if (foreign !== undefined) throw illegalState(`No current assignment for partition ${nameOf(foreign)}`);
    if (consumer === undefined)
      throw illegalState('Consumer is not subscribed to any topics or assigned any partitions');
    return consumer;
  }

  #seek(consumer: Consumer, { topic, partition }: TopicPartition, offset: number): void {
    consumer.seek({ topic, partition }, offset);
    const name = nameOf({ topic, partition });
    if (offset >= 0) this.#positions.set(name, { topic, partition, offset });
    else this.#positions.delete(name);
  }

  async #offsetAt(position: TopicPartition & { readonly timestamp: number }): Promise<number> {
    const [found] = await this.#options.client.admin().listOffsets([position]);
    return found!.offset < 0 ? END : found!.offset;
  }
}

/** What one answer will hold. */
class Page {
  readonly records: string[] = [];
  /** The first record of each partition, and what comes behind the last. */
  readonly firsts = new Map<string, OffsetToCommit>();
  readonly nexts = new Map<string, OffsetToCommit>();
  bytes = 0;
  isFull = false;
  /** Why the record behind those on the page can't be read. */
  failure: ProxyError | undefined;
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** A record larger than an answer comes alone: it would never come otherwise. */
  hasRoomFor(size: number): boolean {
    this.isFull ||= this.records.length > 0 && this.bytes + size > this.#maxBytes;
    return !this.isFull && this.failure === undefined;
  }

  add(json: string, size: number, place: OffsetToCommit): void {
    this.records.push(json);
    this.bytes += size;
    const name = nameOf(place);
    if (!this.firsts.has(name)) this.firsts.set(name, place);
  }
}

function recordJson(topic: string, [key, value]: [string, string], partition: number, offset: number): string {
  return `{"topic":${JSON.stringify(topic)},"key":${key},"value":${value},"partition":${partition},"offset":${offset}}`;
}

function undecodable({ topic, partition, offset }: OffsetToCommit, error: unknown): ProxyError {
  if (error instanceof MillraceError && error.code.startsWith('REGISTRY_')) {
    return new ProxyError(error.retriable ? 50003 : 50002, `Schema Registry: ${error.message}`, error);
  }
  const where = `The record of ${topic}-${partition} at offset ${offset}`;
  const message = `${where} is not of the instance's format: ${messageOf(error)}. Seek behind it to leave it out.`;
  return new ProxyError(50002, message, error);
}

function patternOf(text: string): JavaPattern {
  try {
    return JavaPattern.whole(text);
  } catch (error) {
    throw unprocessable(`topic_pattern is no regular expression: ${messageOf(error)}`);
  }
}

function mixed(): ProxyError {
  return illegalState('Subscription to topics, partitions and pattern are mutually exclusive');
}

function isAssigned(consumer: Consumer, { topic, partition }: TopicPartition): boolean {
  return consumer.assignment().some((each) => each.topic === topic && each.partition === partition);
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
