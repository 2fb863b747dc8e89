import type { TopicPartition } from '../../../src/client/index.ts';
import { type Actor, type Host, untilDone } from './actor.ts';

const GROUP = 'trackers';

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
        groupId: GROUP,
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
      host.fail(
        `group ${GROUP} is at ${offset} in ${this.#topic}-${partition} behind a commit of ${before[partition]}`,
      );
    }
  }

  complaint(): undefined {
    return undefined;
  }

  /** The group has come to the end, whoever was told so. */
  async audit(host: Host): Promise<string | undefined> {
    const admin = host.client.admin();
    const committed = await admin.committedOffsets(GROUP);
    const ends = await admin.listOffsets(
      this.#confirmed.map((_, partition) => ({ topic: this.#topic, partition, timestamp: -1 })),
    );
    for (const { partition, offset: end } of ends) {
      const where = `${this.#topic}-${partition}`;
      const offset = committed.find((entry) => entry.partition === partition)?.offset ?? -1;
      const confirmed = this.#confirmed[partition]!;
      if (offset < confirmed) return `group ${GROUP} is at ${offset} in ${where} behind a commit of ${confirmed}`;
      if (end > 0 && offset !== end) return `group ${GROUP} has come to ${offset} of ${end} in ${where}`;
    }
    return undefined;
  }
}
