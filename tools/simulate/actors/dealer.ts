import type { Logs } from '../logs.ts';
import { type Actor, assertExpected, type Host, untilDone } from './actor.ts';

/** `void`: nobody has ever asked for a commit. */
type Outcome = 'void' | 'asked' | 'committed';

/** Writes several records in each transaction, over all partitions of a topic: all of them are there, or none. */
export class Dealer implements Actor {
  readonly name = 'dealer';
  readonly isFollower = false;
  readonly #topic: string;
  readonly #partitions: number;
  readonly #deals: { outcome: Outcome; size: number }[] = [];

  constructor(topic: string, partitions: number) {
    this.#topic = topic;
    this.#partitions = partitions;
  }

  run(host: Host): Promise<void> {
    return untilDone(host, async () => {
      const producer = host.client.producer({
        transactionalId: this.name,
        transactionTimeoutMs: 5000,
        deliveryTimeoutMs: 10_000,
        lingerMs: 1,
      });
      await producer.initTransactions();
      while (host.isActive()) {
        const deal = { outcome: 'void' as Outcome, size: 1 + host.random.below(5) };
        const id = this.#deals.push(deal) - 1;
        producer.beginTransaction();
        for (let i = 0; i < deal.size; i++) {
          const partition = host.random.below(this.#partitions);
          producer.send({ topic: this.#topic, partition, value: Buffer.from(`${id}/${i}`) }).catch(assertExpected);
          if (host.random.chance(0.3)) await host.pause(host.random.between(0, 40));
        }
        if (host.random.chance(0.7)) {
          deal.outcome = 'asked';
          await producer.commitTransaction();
          deal.outcome = 'committed';
        } else {
          if (host.random.chance(0.5)) await producer.flush();
          await producer.abortTransaction();
        }
        host.count();
        await host.pause(host.random.between(0, 150));
      }
      await producer.close();
    });
  }

  complaint(logs: Logs): string | undefined {
    const seen = new Map<number, Set<number>>();
    for (const record of logs.of(this.#topic).flat()) {
      const [deal, part] = record.value!.split('/').map(Number) as [number, number];
      const parts = seen.get(deal) ?? new Set();
      if (parts.has(part)) return `record ${part} of transaction ${deal} is there twice`;
      seen.set(deal, parts.add(part));
    }
    for (const [id, { outcome, size }] of this.#deals.entries()) {
      const count = seen.get(id)?.size ?? 0;
      if (outcome === 'void' && count > 0)
        return `transaction ${id} was not committed, and ${count} of its records are seen`;
      if (outcome === 'committed' && count < size)
        return `transaction ${id} was committed, and ${size - count} are missing`;
      if (count > 0 && count < size) return `transaction ${id} is there with ${count} of its ${size} records`;
    }
    return undefined;
  }
}
