// Which offsets of the source became which of the target, as far as has been told: every so many records, and wherever the distance
// between both changes. Between two that are told an offset is translated to right behind the earlier one: a consumer that goes on
// there may read some records again, and misses none.
import type { Client, Producer } from '../../../client/index.ts';
import { codeOf } from '../../../util/index.ts';
import { ConnectError } from '../../data/errors.ts';
import { TopicReader } from './topic-reader.ts';
import { type OffsetSync, readSync, writeSync } from './records.ts';

/** Tells syncs. */
export class OffsetSyncWriter {
  readonly #producer: Producer;
  readonly #topic: string;
  readonly #lagMax: number;
  readonly #last = new Map<string, OffsetSync>();
  #failure: unknown;

  private constructor(producer: Producer, topic: string, lagMax: number) {
    this.#producer = producer;
    this.#topic = topic;
    this.#lagMax = lagMax;
  }

  /** `lagMax`: how many records may lie between two syncs (`offset.lag.max`). */
  static async open(
    client: Client,
    topic: string,
    { lagMax, replicationFactor }: { lagMax: number; replicationFactor: number },
  ): Promise<OffsetSyncWriter> {
    await ensureCompacted(client, topic, replicationFactor);
    return new OffsetSyncWriter(client.producer({ lingerMs: 20 }), topic, lagMax);
  }

  /** A record has arrived. */
  tell(sync: OffsetSync): void {
    const name = `${sync.topic}-${sync.partition}`;
    const last = this.#last.get(name);
    const isExpected = last !== undefined && sync.upstream - last.upstream === sync.downstream - last.downstream;
    if (isExpected && sync.upstream - last.upstream < this.#lagMax) return;
    this.#last.set(name, sync);
    const { key, value } = writeSync(sync);
    this.#producer.send({ topic: this.#topic, partition: 0, key, value }).catch((error: unknown) => {
      this.#failure ??= error;
    });
  }

  /** Resolves when everything that was told is safe. */
  async flush(): Promise<void> {
    await this.#producer.flush();
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw new ConnectError(`${this.#topic} cannot be written`, { cause: failure });
  }

  async close(): Promise<void> {
    await this.#producer.close();
  }
}

/** How many syncs are kept of a partition: the newest, and ever fewer of the older ones. */
const KEPT_MAX = 64;

/** Knows syncs, and translates by them. */
export class OffsetSyncs {
  readonly #reader: TopicReader;
  /** By partition, oldest first. */
  readonly #syncs = new Map<string, OffsetSync[]>();

  private constructor(reader: TopicReader) {
    this.#reader = reader;
  }

  static async open(client: Client, topic: string, replicationFactor: number): Promise<OffsetSyncs> {
    await ensureCompacted(client, topic, replicationFactor);
    return new OffsetSyncs(new TopicReader(client, topic));
  }

  /** Reads what has been told since. */
  async refresh(): Promise<void> {
    for (const { key, value } of await this.#reader.news())
      if (key !== null && value !== null) this.#take(readSync(key, value));
  }

  /** Undefined: nothing is known that lies before it. */
  translate(topic: string, partition: number, upstream: number): number | undefined {
    const syncs = this.#syncs.get(`${topic}-${partition}`) ?? [];
    const before = syncs.findLast((sync) => sync.upstream <= upstream);
    if (before === undefined) return undefined;
    return before.downstream + (upstream === before.upstream ? 0 : 1);
  }

  async close(): Promise<void> {
    await this.#reader.close();
  }

  #take(sync: OffsetSync): void {
    const name = `${sync.topic}-${sync.partition}`;
    // A task that reads again what it has read makes what was said of later records wrong.
    const syncs = (this.#syncs.get(name) ?? []).filter(
      (known) => known.upstream < sync.upstream && known.downstream < sync.downstream,
    );
    syncs.push(sync);
    this.#syncs.set(name, syncs.length <= KEPT_MAX ? syncs : thinned(syncs));
  }
}

/** Every other one of the older half. */
function thinned(syncs: readonly OffsetSync[]): OffsetSync[] {
  const half = syncs.length >> 1;
  return syncs.filter((_sync, i) => i >= half || i % 2 === 0);
}

async function ensureCompacted(client: Client, topic: string, replicationFactor: number): Promise<void> {
  const admin = client.admin();
  const brokers = (await admin.brokers()).length;
  try {
    await admin.createTopics([
      {
        name: topic,
        partitions: 1,
        replicationFactor: Math.min(replicationFactor, brokers),
        configs: { 'cleanup.policy': 'compact' },
      },
    ]);
  } catch (error) {
    if (codeOf(error) !== 'TOPIC_ALREADY_EXISTS') throw error;
  }
}
