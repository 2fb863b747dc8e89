import { recordsOf } from '../../../src/client/index.ts';
import type { Logs } from '../logs.ts';
import { type Actor, type Host, untilDone } from './actor.ts';

/** Reads a topic and writes it to another, offsets and records in one transaction: what comes out is what went in. */
export class Copier implements Actor {
  readonly name: string;
  readonly isFollower = true;
  readonly #from: string;
  readonly #to: string;

  constructor(name: string, from: string, to: string) {
    this.name = name;
    this.#from = from;
    this.#to = to;
  }

  run(host: Host): Promise<void> {
    return untilDone(host, async () => {
      const consumer = host.client.consumer({
        groupId: 'copiers',
        isolationLevel: 'read_committed',
        autoOffsetReset: 'earliest',
        sessionTimeoutMs: 3000,
        heartbeatIntervalMs: 500,
        rebalanceTimeoutMs: 3000,
        fetchMaxWaitMs: 200,
      });
      const producer = host.client.producer({
        transactionalId: this.name,
        transactionTimeoutMs: 5000,
        deliveryTimeoutMs: 10_000,
        lingerMs: 0,
      });
      try {
        await producer.initTransactions();
        consumer.subscribe([this.#from]);
        for (;;) await this.#copySome(host, consumer, producer);
      } finally {
        await Promise.allSettled([consumer.close(), producer.close()]);
      }
    });
  }

  async #copySome(
    host: Host,
    consumer: ReturnType<Host['client']['consumer']>,
    producer: ReturnType<Host['client']['producer']>,
  ): Promise<void> {
    const fetched = await consumer.poll(500);
    if (fetched.length === 0) return;
    const { memberId, generationId } = consumer.groupMetadata();
    for (const { topic, partition, nextOffset } of fetched) {
      host.process.note(
        `copies ${topic}-${partition} up to ${nextOffset} as ${memberId} in generation ${generationId}`,
      );
    }
    producer.beginTransaction();
    for (const { partition, key, value } of recordsOf(fetched)) {
      producer.enqueue(this.#to, partition, key, value, host.process.environment.now());
    }
    const offsets = fetched.map(({ topic, partition, nextOffset }) => ({ topic, partition, offset: nextOffset }));
    await producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
    if (host.isActive() && host.random.chance(0.1)) {
      await producer.abortTransaction();
      for (const committed of await consumer.committed(fetched))
        consumer.seek(committed, Math.max(0, committed.offset));
    } else await producer.commitTransaction();
    host.process.note('has ended the transaction');
    host.count();
  }

  complaint(logs: Logs): string | undefined {
    for (const [partition, original] of logs.of(this.#from).entries()) {
      const copy = logs.of(this.#to)[partition] ?? [];
      for (const [i, record] of copy.entries()) {
        if (record.value === original[i]?.value) continue;
        const [what] = record.value!.split(' ');
        return `record ${i} of ${this.#to}-${partition} is ${what}, and not what ${this.#from} has there`;
      }
      if (copy.length < original.length)
        return `${this.#to}-${partition} has ${copy.length} of ${original.length} records`;
    }
    return undefined;
  }
}
