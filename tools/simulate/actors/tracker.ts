import type { TopicPartition } from '../../../src/client/index.ts';
import type { Logs } from '../logs.ts';
import { type Actor, type Host, untilDone } from './actor.ts';

/** A member of a group that commits what it has read: the group never goes back behind a commit that was confirmed. */
export class Tracker implements Actor {
  readonly name: string;
  readonly isFollower = true;
  readonly #topic: string;
  /** By partition; shared by all members of the group. */
  readonly #confirmed: number[];

  constructor(name: string, topic: string, confirmed: number[]) {
    this.name = name;
    this.#topic = topic;
    this.#confirmed = confirmed;
  }

  run(host: Host): Promise<void> {
    return untilDone(host, async () => {
      const consumer = host.client.consumer({
        groupId: 'trackers',
        autoOffsetReset: 'earliest',
        sessionTimeoutMs: 2000,
        heartbeatIntervalMs: 400,
        rebalanceTimeoutMs: 2000,
        fetchMaxWaitMs: 200,
      });
      const positions: (TopicPartition & { offset: number })[] = [];
      consumer.subscribe([this.#topic]);
      try {
        for (;;) {
          for (const { topic, partition, nextOffset } of await consumer.poll(500)) {
            positions.push({ topic, partition, offset: nextOffset });
          }
          if (positions.length === 0) continue;
          await this.#check(host, consumer);
          await consumer.commit(positions);
          for (const { partition, offset } of positions.splice(0)) {
            this.#confirmed[partition] = Math.max(this.#confirmed[partition]!, offset);
          }
          host.count();
        }
      } finally {
        await consumer.close().catch(() => {});
      }
    });
  }

  async #check(host: Host, consumer: ReturnType<Host['client']['consumer']>): Promise<void> {
    const before = [...this.#confirmed];
    const partitions = before.map((_, partition) => ({ topic: this.#topic, partition }));
    for (const { partition, offset } of await consumer.committed(partitions)) {
      if (offset >= before[partition]!) continue;
      host.fail(`group trackers is at ${offset} in ${this.#topic}-${partition} behind a commit of ${before[partition]}`);
    }
  }

  complaint(logs: Logs): string | undefined {
    for (const [partition, confirmed] of this.#confirmed.entries()) {
      const end = (logs.of(this.#topic)[partition]?.at(-1)?.offset ?? -1) + 1;
      if (confirmed < end) return `group trackers has come to ${confirmed} of ${end} in ${this.#topic}-${partition}`;
    }
    return undefined;
  }
}
