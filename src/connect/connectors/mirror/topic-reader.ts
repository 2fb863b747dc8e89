// One partition of a topic, read again and again from where it was left to its end.
import { type Client, type Consumer, type ConsumerRecord, recordsOf } from '../../../client/index.ts';

export class TopicReader {
  readonly #client: Client;
  readonly #consumer: Consumer;
  readonly #partition: { readonly topic: string; readonly partition: number };

  constructor(client: Client, topic: string) {
    this.#client = client;
    this.#partition = { topic, partition: 0 };
    this.#consumer = client.consumer({ autoOffsetReset: 'earliest', fetchMaxWaitMs: 100 });
    this.#consumer.assign([{ ...this.#partition, offset: -2 }]);
  }

  /** What came since the last call. */
  async news(): Promise<ConsumerRecord[]> {
    const [end] = await this.#client.admin().listOffsets([{ ...this.#partition, timestamp: -1 }]);
    const records: ConsumerRecord[] = [];
    while (end!.offset > 0 && this.#consumer.position(this.#partition) < end!.offset)
      records.push(...recordsOf(await this.#consumer.poll(1000)));
    return records;
  }

  async close(): Promise<void> {
    await this.#consumer.close();
  }
}
