// The way of records to the broker: one producer for all requests, whose batches they share.
import type { Client, Header, Producer, RecordMetadata } from '../client/index.ts';
import { codeOf, messageOf } from '../util/index.ts';
import { partitionNotFound, recordFailure, type RecordFailure, topicNotFound } from './errors.ts';

/** A topic that is not there is waited for so long: it may just be made. */
const MISSING_MS = 3000;

export interface RecordToSend {
  readonly partition: number | undefined;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp?: number | undefined;
  readonly headers?: readonly Header[] | undefined;
}

export type Outcome = { readonly stored: RecordMetadata } | { readonly failure: RecordFailure };

export class Producing {
  readonly #client: Client;
  #producer: Producer | undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  /** The number of a topic's partitions; 40401 for a topic that neither is there nor is made by being written to. */
  async partitionsOf(topic: string): Promise<number> {
    try {
      return await this.#open().partitionsFor(topic);
    } catch (error) {
      throw codeOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION' ? topicNotFound() : error;
    }
  }

  async checkPartition(topic: string, partition: number | undefined): Promise<void> {
    if (partition === undefined || partition >= (await this.partitionsOf(topic))) throw partitionNotFound();
  }

  /** Resolves when the record is stored, or with what it was refused with. */
  async send(topic: string, partitions: number, record: RecordToSend): Promise<Outcome> {
    const { partition, key, value, timestamp, headers } = record;
    if (partition !== undefined && partition >= partitions) {
      const range = `[0...${partitions})`;
      const message = `Invalid partition given with record: ${partition} is not in the range ${range}.`;
      return { failure: { errorCode: 50002, message } };
    }
    try {
      const stored = await this.#open().send({
        topic,
        key,
        value,
        ...(partition === undefined ? {} : { partition }),
        ...(timestamp === undefined ? {} : { timestamp }),
        ...(headers === undefined ? {} : { headers }),
      });
      return { stored };
    } catch (error) {
      return { failure: recordFailure(error) };
    }
  }

  /** What was taken is sent; nobody waits for it any more. */
  async close(log: (message: string) => void): Promise<void> {
    await this.#producer?.close().catch((error: unknown) => log(`REST proxy: ${messageOf(error)}`));
  }

  #open(): Producer {
    this.#producer ??= this.#client.producer({ maxBlockMs: MISSING_MS });
    return this.#producer;
  }
}
