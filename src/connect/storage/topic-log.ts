// A compacted topic as the log of what all workers know: read from its beginning, followed while the worker runs, written to by
// whoever has something to say. What is known is what was read, never what was only written.
import {
  type Client,
  type Consumer,
  type ConsumerRecord,
  type Producer,
  recordsOf,
  type TopicPartition,
} from '../../client/index.ts';
import { codeOf, type Deferred, deferred, type Environment, messageOf } from '../../util/index.ts';
import { ConfigError, ConnectError } from '../data/errors.ts';

export interface TopicLogOptions {
  readonly client: Client;
  readonly topic: string;
  /** Of the topic, where it has to be made. */
  readonly partitions: number;
  /** Of the topic, where it has to be made; -1: the broker's default. */
  readonly replicationFactor: number;
  /** Further configs of the topic, where it has to be made. */
  readonly topicConfigs?: Readonly<Record<string, string>>;
  /** Whether records of transactions that are open or aborted are left out. */
  readonly isolation?: 'read_uncommitted' | 'read_committed';
  readonly environment: Environment;
  readonly log: (message: string) => void;
}

const POLL_MS = 100;
/** Behind a failed poll. */
const BACKOFF_MS = 1000;
const END_TIMEOUT_MS = 60_000;

export class TopicLog {
  readonly topic: string;
  readonly #options: TopicLogOptions;
  readonly #apply: (record: ConsumerRecord) => void;
  readonly #consumer: Consumer;
  readonly #producer: Producer;
  readonly #partitions: readonly TopicPartition[];
  readonly #waiting = new Set<{ readonly ends: ReadonlyMap<number, number>; readonly done: Deferred }>();
  #isRunning = true;
  #reading: Promise<void> = Promise.resolve();

  private constructor(options: TopicLogOptions, partitions: number, apply: (record: ConsumerRecord) => void) {
    this.topic = options.topic;
    this.#options = options;
    this.#apply = apply;
    const isolationLevel = options.isolation ?? 'read_uncommitted';
    this.#consumer = options.client.consumer({ autoOffsetReset: 'earliest', isolationLevel, fetchMaxWaitMs: POLL_MS });
    this.#producer = options.client.producer({ lingerMs: 0 });
    this.#partitions = Array.from({ length: partitions }, (_, partition) => ({ topic: options.topic, partition }));
  }

  /**
   * Makes the topic if it is not there, and resolves when everything in it has been applied. Rejects with `ConfigError` where the
   * topic is there and is not compacted, or has not the partitions that it must have (`exactPartitions`).
   */
  static async open(
    options: TopicLogOptions,
    apply: (record: ConsumerRecord) => void,
    exactPartitions = false,
  ): Promise<TopicLog> {
    const partitions = await topicWith(options, exactPartitions);
    const log = new TopicLog(options, partitions, apply);
    log.#consumer.assign(log.#partitions.map((partition) => ({ ...partition, offset: -2 })));
    log.#reading = log.#read();
    await log.readToEnd();
    return log;
  }

  /** Resolves when everything has been applied that was written before this call, by whomever. */
  async readToEnd(): Promise<void> {
    const { client, isolation, environment } = this.#options;
    const asked = this.#partitions.map((partition) => ({ ...partition, timestamp: -1 }));
    const ends = await client.admin().listOffsets(asked, isolation);
    const waiting = {
      ends: new Map(ends.map(({ partition, offset }) => [partition, offset])),
      done: deferred(),
    };
    if (this.#hasReached(waiting.ends)) return;
    this.#waiting.add(waiting);
    const cancel = environment.after(END_TIMEOUT_MS, () =>
      waiting.done.reject(new ConnectError(`the end of topic ${this.topic} was not reached in ${END_TIMEOUT_MS} ms`)),
    );
    try {
      await waiting.done.promise;
    } finally {
      cancel();
      this.#waiting.delete(waiting);
    }
  }

  /** Resolves when the record is acknowledged; it is applied when it is read back. */
  async write(key: string | Buffer, value: string | Buffer | null): Promise<void> {
    await this.#producer.send({ topic: this.topic, key, value });
  }

  async close(): Promise<void> {
    this.#isRunning = false;
    this.#consumer.wakeup();
    await this.#reading;
    for (const { done } of this.#waiting) done.reject(new ConnectError(`topic ${this.topic} is not read any more`));
    await Promise.all([this.#consumer.close(), this.#producer.close()]);
  }

  #hasReached(ends: ReadonlyMap<number, number>): boolean {
    return this.#partitions.every((partition) => {
      const end = ends.get(partition.partition) ?? 0;
      return end <= 0 || this.#consumer.position(partition) >= end;
    });
  }

  async #read(): Promise<void> {
    const { environment, log } = this.#options;
    while (this.#isRunning) {
      try {
        for (const record of recordsOf(await this.#consumer.poll(POLL_MS))) this.#applyOrPassOver(record);
        for (const waiting of this.#waiting) if (this.#hasReached(waiting.ends)) waiting.done.resolve();
      } catch (error) {
        if (!this.#isRunning) return;
        log(`topic ${this.topic} cannot be read, which is tried again: ${messageOf(error)}`);
        await new Promise<void>((resolve) => void environment.after(BACKOFF_MS, resolve));
      }
    }
  }

  /** One record that nobody understands must not take the worker away. */
  #applyOrPassOver(record: ConsumerRecord): void {
    try {
      this.#apply(record);
    } catch (error) {
      const { topic, partition, offset } = record;
      this.#options.log(`the record at offset ${offset} of ${topic}-${partition} is passed over: ${messageOf(error)}`);
    }
  }
}

/** How many partitions the topic has, which is made where it is not there. */
async function topicWith(options: TopicLogOptions, exactPartitions: boolean): Promise<number> {
  const { client, topic, partitions, replicationFactor, topicConfigs = {} } = options;
  const admin = client.admin();
  try {
    const replication = replicationFactor < 0 ? {} : { replicationFactor };
    const configs = { ...topicConfigs, 'cleanup.policy': 'compact' };
    await admin.createTopics([{ name: topic, partitions, ...replication, configs }]);
    return partitions;
  } catch (error) {
    if (codeOf(error) !== 'TOPIC_ALREADY_EXISTS') throw error;
  }
  const configs = await admin.topicConfigs(topic);
  const policy = configs.find(({ name }) => name === 'cleanup.policy')?.value;
  if (policy !== undefined && policy !== null && policy !== 'compact')
    throw new ConfigError(
      `Topic '${topic}' is required to have 'cleanup.policy=compact' so that nothing Connect knows is lost, and has 'cleanup.policy=${policy}'`,
    );
  const found = (await admin.describeTopics([topic])).get(topic)?.partitions.length ?? 0;
  if (exactPartitions && found !== partitions)
    throw new ConfigError(
      `Topic '${topic}' must have ${partitions} partition${partitions === 1 ? '' : 's'}, not ${found}`,
    );
  return found;
}
