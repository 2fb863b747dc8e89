// What tasks write, on its way to the producer: opens a transaction before the first record, and holds back records while
// the transaction before is still being committed, and those of topics whose partition count is not known yet.
import type { Header, Producer } from '../../client/index.ts';
import { ByteWriter, codeOf, MillraceError, partitionForKey } from '../../util/index.ts';
import type { TaskOutput } from '../graph/node.ts';

interface HeldBack {
  readonly topic: string;
  /** -1: to be chosen. */
  readonly partition: number;
  /** Where the key and the value are kept; -1 for null. */
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly timestamp: number;
  readonly headers: readonly Header[] | undefined;
  readonly choose: ((partitions: number) => readonly number[] | undefined) | undefined;
}

export class Outgoing implements TaskOutput {
  readonly hasPartitions = true;
  readonly #producer: Producer;
  readonly #transactional: boolean;
  readonly #partitions = new Map<string, number>();
  readonly #heldBack: HeldBack[] = [];
  /** Keys and values of what is held back. */
  readonly #bytes = new ByteWriter();
  #inTransaction = false;
  #isCommitting = false;
  /** The topic that was written last, and its partition count: nearly always the next one, too. */
  #lastTopic = '';
  #lastCount = 0;

  constructor(producer: Producer, transactional: boolean) {
    this.#producer = producer;
    this.#transactional = transactional;
  }

  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  /** Learns how many partitions topics have. */
  async learn(topics: Iterable<string>): Promise<void> {
    for (const topic of topics) {
      if (!this.#partitions.has(topic)) this.#partitions.set(topic, await this.#countOf(topic));
    }
  }

  async #countOf(topic: string): Promise<number> {
    try {
      return await this.#producer.partitionsFor(topic);
    } catch (error) {
      if (codeOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
      throw new MillraceError(
        'UNKNOWN_SINK_TOPIC',
        `the topology writes to the topic ${topic}, which does not exist; brokers did not make it either`,
        { cause: error },
      );
    }
  }

  partitionsOf(topic: string): number {
    if (topic === this.#lastTopic) return this.#lastCount;
    const count = this.#partitions.get(topic);
    if (count === undefined) return 0;
    this.#lastTopic = topic;
    this.#lastCount = count;
    return count;
  }

  // oxlint-disable-next-line max-params -- called per record: an object would be one more allocation
  send(
    topic: string,
    partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestamp: number,
    headers: readonly Header[] | undefined,
    choose?: (partitions: number) => readonly number[] | undefined,
  ): void {
    // What is behind a record that is held back must not overtake it.
    if (partition < 0 || this.#isCommitting || this.#heldBack.length > 0) {
      const keyStart = this.#keep(key);
      const keyEnd = this.#bytes.position;
      const valueStart = this.#keep(value);
      const valueEnd = this.#bytes.position;
      this.#heldBack.push({ topic, partition, keyStart, keyEnd, valueStart, valueEnd, timestamp, headers, choose });
      return;
    }
    if (!this.#inTransaction) this.begin();
    this.#producer.enqueue(topic, partition, key, value, timestamp, headers);
  }

  /** Records held back. */
  get backlog(): number {
    return this.#heldBack.length;
  }

  get hasOutput(): boolean {
    return this.#inTransaction || this.#heldBack.length > 0;
  }

  begin(): void {
    if (this.#inTransaction) return;
    this.#inTransaction = true;
    if (this.#transactional) this.#producer.beginTransaction();
  }

  /** From here on until `committed`, records are held back: they belong to the next transaction. */
  committing(): void {
    this.#isCommitting = true;
  }

  committed(): void {
    this.#isCommitting = false;
    this.#inTransaction = false;
    const waiting = this.#heldBack.findIndex((record) => record.partition < 0);
    this.#enqueue(this.#heldBack.splice(0, waiting < 0 ? this.#heldBack.length : waiting));
  }

  /** Sends what was held back for want of a partition count. */
  async release(): Promise<void> {
    if (this.#heldBack.length === 0) return;
    const records = this.#heldBack.splice(0);
    await this.learn(new Set(records.map((record) => record.topic)));
    this.#enqueue(records);
  }

  #enqueue(records: readonly HeldBack[]): void {
    if (records.length === 0) return;
    this.begin();
    let unkeyed = 0;
    const { buffer } = this.#bytes;
    for (const record of records) {
      const { topic, partition: chosen, keyStart, valueStart, timestamp, headers } = record;
      const key = keyStart < 0 ? null : buffer.subarray(keyStart, record.keyEnd);
      const value = valueStart < 0 ? null : buffer.subarray(valueStart, record.valueEnd);
      if (chosen >= 0) {
        this.#producer.enqueue(topic, chosen, key, value, timestamp, headers);
        continue;
      }
      const count = this.#partitions.get(topic)!;
      const partitions = record.choose?.(count) ?? [key === null ? unkeyed++ % count : partitionForKey(key, count)];
      for (const partition of partitions) {
        this.#producer.enqueue(topic, partition, key, value, timestamp, headers);
      }
    }
    if (this.#heldBack.length === 0) this.#bytes.reset();
  }

  /** Returns where the bytes begin. */
  #keep(bytes: Uint8Array | null): number {
    if (bytes === null) return -1;
    const start = this.#bytes.position;
    this.#bytes.bytes(bytes);
    return start;
  }
}
