import { recordsOf } from '../../../src/client/index.ts';
import type { Isolation, Logs } from '../logs.ts';
import { type Actor, type Host, untilDone } from './actor.ts';

/** Reads along: what anybody has ever seen at an offset stays there, whatever happens to the machine. */
export class Watcher implements Actor {
  readonly name: string;
  readonly isFollower = true;
  readonly #topic: string;
  readonly #isolation: Isolation;
  readonly #seen: Map<number, string>[];

  constructor(topic: string, partitions: number, isolation: Isolation) {
    this.name = `watcher of ${topic}, ${isolation}`;
    this.#topic = topic;
    this.#isolation = isolation;
    this.#seen = Array.from({ length: partitions }, () => new Map());
  }

  run(host: Host): Promise<void> {
    return untilDone(host, async () => {
      const consumer = host.client.consumer({ isolationLevel: this.#isolation, fetchMaxWaitMs: 300 });
      try {
        consumer.assign(this.#seen.map((_, partition) => ({ topic: this.#topic, partition, offset: -2 })));
        for (;;) {
          for (const { partition, offset, value } of recordsOf(await consumer.poll(1000))) {
            const before = this.#seen[partition]!.get(offset);
            const now = value!.toString('latin1');
            if (before !== undefined && before !== now) {
              host.fail(
                `${this.name} saw ${short(before)} at offset ${offset} of ${partition}, and later ${short(now)}`,
              );
            }
            this.#seen[partition]!.set(offset, now);
          }
        }
      } finally {
        await consumer.close();
      }
    });
  }

  complaint(logs: Logs): string | undefined {
    for (const [partition, seen] of this.#seen.entries()) {
      const records = new Map(
        logs.of(this.#topic, this.#isolation)[partition]?.map(({ offset, value }) => [offset, value]),
      );
      for (const [offset, value] of seen) {
        const now = records.get(offset);
        if (now === value) continue;
        const what = now === undefined ? 'nothing' : short(now!);
        return `${this.name} saw ${short(value)} at offset ${offset} of ${partition}, where there is ${what} now`;
      }
    }
    return undefined;
  }
}

function short(value: string): string {
  return value.split(' ', 1)[0]!;
}
