// Those who write while the server is killed. Each keeps a book of what it was told, which the checker holds against what
// is there in the end. A value is `writer:number`, so that every record says whose it is and which.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Client } from '../../src/client/index.ts';
import { Kafka, logLevel, type Producer as KafkaJsClient } from 'kafkajs';

export const TOPICS = {
  own: 'torture-own',
  kafkajs: 'torture-kafkajs',
  librdkafka: 'torture-librdkafka',
  transactions: 'torture-transactions',
  copied: 'torture-copied',
  numbers: 'torture-numbers',
  compacted: 'torture-compacted',
} as const;

export interface Workload {
  readonly name: string;
  /** Works until it is stopped; what a killed server refuses or leaves open is part of the work. */
  run(): Promise<void>;
  stop(): void;
}

/** Waits a little after what a dead server refused. */
const aMoment = () =>
  new Promise((resolve) => {
    setTimeout(resolve, 50);
  });

/** Millrace's idempotent producer: in order, each acknowledged record once. */
export class OwnProducer implements Workload {
  readonly name = 'own client';
  /** By partition, in the order in which they were handed over. */
  readonly acknowledged: string[][];
  readonly #client: Client;
  #isStopped = false;

  constructor(client: Client, partitions: number) {
    this.#client = client;
    this.acknowledged = Array.from({ length: partitions }, () => []);
  }

  async run(): Promise<void> {
    await Promise.all(this.acknowledged.map((book, partition) => this.#writeTo(partition, book)));
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #writeTo(partition: number, book: string[]): Promise<void> {
    let producer = this.#client.producer({ lingerMs: 1 });
    for (let number = 0; !this.#isStopped; ) {
      const values = Array.from({ length: 20 }, () => `own-${partition}:${number++}`);
      const sent = await Promise.allSettled(
        values.map((value) => producer.send({ topic: TOPICS.own, partition, value: Buffer.from(value) })),
      );
      book.push(...values.filter((_, i) => sent[i]!.status === 'fulfilled'));
      if (sent.every(({ status }) => status === 'fulfilled')) continue;
      // What was not acknowledged may be there or not: a new producer goes on behind it.
      await producer.close().catch(() => {});
      await aMoment();
      producer = this.#client.producer({ lingerMs: 1 });
    }
    await producer.close().catch(() => {});
  }
}

/** kafkajs: what it says was sent is there. It may send twice by itself, with another sequence after an error. */
export class KafkaJsProducer implements Workload {
  readonly name = 'kafkajs';
  readonly acknowledged = new Set<string>();
  readonly #kafka: Kafka;
  #isStopped = false;

  constructor(bootstrap: string) {
    this.#kafka = new Kafka({
      brokers: [bootstrap],
      logLevel: logLevel.NOTHING,
      retry: { retries: 3, initialRetryTime: 50, maxRetryTime: 500 },
    });
  }

  async run(): Promise<void> {
    let producer: KafkaJsClient | undefined;
    for (let number = 0; !this.#isStopped; ) {
      const values = Array.from({ length: 10 }, () => `kafkajs:${number++}`);
      try {
        if (producer === undefined) {
          producer = this.#kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
          await producer.connect();
        }
        await producer.send({ topic: TOPICS.kafkajs, acks: -1, messages: values.map((value) => ({ value })) });
        for (const value of values) this.acknowledged.add(value);
      } catch {
        // After an error it takes a number again that may have been used: a fresh one starts over.
        await producer?.disconnect().catch(() => {});
        producer = undefined;
        await aMoment();
      }
    }
    await producer?.disconnect().catch(() => {});
  }

  stop(): void {
    this.#isStopped = true;
  }
}

/** librdkafka through kcat: what a call that ended well was given is there, once. */
export class LibrdkafkaProducer implements Workload {
  readonly name = 'librdkafka';
  readonly acknowledged = new Set<string>();
  readonly #bootstrap: string;
  #isStopped = false;

  constructor(bootstrap: string) {
    this.#bootstrap = bootstrap;
  }

  async run(): Promise<void> {
    const settings = ['enable.idempotence=true', 'message.timeout.ms=60000', 'reconnect.backoff.max.ms=500'];
    for (let number = 0; !this.#isStopped; ) {
      const values = Array.from({ length: 200 }, () => `librdkafka:${number++}`);
      const options = [
        '-P',
        '-b',
        this.#bootstrap,
        '-t',
        TOPICS.librdkafka,
        ...settings.flatMap((each) => ['-X', each]),
      ];
      const kcat = spawn('kcat', options, { stdio: ['pipe', 'ignore', 'ignore'] });
      const ended = once(kcat, 'exit');
      kcat.stdin.on('error', () => {});
      kcat.stdin.end(`${values.join('\n')}\n`);
      const [code] = (await ended) as [number | null];
      if (code === 0) for (const value of values) this.acknowledged.add(value);
      else await aMoment();
    }
  }

  stop(): void {
    this.#isStopped = true;
  }
}

/** Transactions over all partitions: whole or not at all, as they were told to end. */
export class Transactions implements Workload {
  readonly name = 'transactions';
  readonly committed: string[][] = [];
  readonly aborted: string[][] = [];
  /** Their end was not answered: all of their records are there, or none. */
  readonly unknown: string[][] = [];
  readonly #client: Client;
  readonly #partitions: number;
  #isStopped = false;

  constructor(client: Client, partitions: number) {
    this.#client = client;
    this.#partitions = partitions;
  }

  async run(): Promise<void> {
    for (let number = 0; !this.#isStopped; ) {
      const producer = this.#client.producer({ transactionalId: 'torture', transactionTimeoutMs: 10_000 });
      try {
        await producer.initTransactions();
        while (!this.#isStopped) {
          const values = Array.from({ length: 9 }, () => `transaction:${number++}`);
          let isEnding = false;
          const isAbort = number % 4 === 0;
          try {
            producer.beginTransaction();
            await Promise.all(
              values.map((value, i) =>
                producer.send({
                  topic: TOPICS.transactions,
                  partition: i % this.#partitions,
                  value: Buffer.from(value),
                }),
              ),
            );
            isEnding = true;
            await (isAbort ? producer.abortTransaction() : producer.commitTransaction());
            (isAbort ? this.aborted : this.committed).push(values);
          } catch (error) {
            // Who was never told to commit is not committed: the next one with this id sees to that.
            (isEnding && !isAbort ? this.unknown : this.aborted).push(values);
            throw error;
          }
        }
      } catch {
        await aMoment();
      }
      await producer.close().catch(() => {});
    }
  }

  stop(): void {
    this.#isStopped = true;
  }
}

/** What SQL counts, and what compaction leaves: keys with numbers that only grow. */
export class KeyedProducer implements Workload {
  readonly name: string;
  /** By key, the numbers that were acknowledged, in order. */
  readonly acknowledged = new Map<string, number[]>();
  /** Whether a number that was not acknowledged may be there. */
  readonly unknown = new Map<string, number[]>();
  readonly #client: Client;
  readonly #topic: string;
  readonly #keys: number;
  #isStopped = false;

  constructor(client: Client, topic: string, keys: number) {
    this.name = topic;
    this.#client = client;
    this.#topic = topic;
    this.#keys = keys;
  }

  async run(): Promise<void> {
    let producer = this.#client.producer({ lingerMs: 1 });
    for (let number = 0; !this.#isStopped; ) {
      const records = Array.from({ length: 20 }, () => ({ key: `k${number % this.#keys}`, number: number++ }));
      const sent = await Promise.allSettled(
        records.map(({ key, number: v }) =>
          producer.send({ topic: this.#topic, key: Buffer.from(key), value: Buffer.from(JSON.stringify({ v })) }),
        ),
      );
      records.forEach(({ key, number: v }, i) => {
        const book = sent[i]!.status === 'fulfilled' ? this.acknowledged : this.unknown;
        book.set(key, [...(book.get(key) ?? []), v]);
      });
      if (sent.every(({ status }) => status === 'fulfilled')) continue;
      await producer.close().catch(() => {});
      await aMoment();
      producer = this.#client.producer({ lingerMs: 1 });
    }
    await producer.close().catch(() => {});
  }

  stop(): void {
    this.#isStopped = true;
  }
}
