import type { Logs } from '../logs.ts';
import { type Actor, assertExpected, type Host, untilDone } from './actor.ts';

/** Writes to a compacted topic: of each key the newest value that was acknowledged is never lost. */
export class Keeper implements Actor {
  readonly name = 'keeper';
  readonly isFollower = false;
  readonly #topic: string;
  readonly #acknowledged = new Map<string, number>();
  #runs = 0;

  constructor(topic: string) {
    this.#topic = topic;
  }

  run(host: Host): Promise<void> {
    return untilDone(host, async () => {
      // What a producer before may have left under way is of other keys.
      const run = ++this.#runs;
      let version = 0;
      const producer = host.client.producer({ lingerMs: 0, deliveryTimeoutMs: 10_000 });
      while (host.isActive()) {
        const key = `${run}/${host.random.below(4)}`;
        const mine = ++version;
        const value = host.random.chance(0.1) ? null : Buffer.from(`${mine} ${'.'.repeat(host.random.below(200))}`);
        await producer.send({ topic: this.#topic, partition: 0, key: Buffer.from(key), value });
        this.#acknowledged.set(key, value === null ? -mine : mine);
        host.count();
        await host.pause(host.random.between(0, 50));
      }
      await producer.close().catch(assertExpected);
    });
  }

  complaint(logs: Logs): string | undefined {
    const newest = new Map<string, number>();
    for (const { key, value, offset } of logs.of(this.#topic).flat()) {
      const version = value === null ? 0 : Number(value.split(' ', 1)[0]);
      const before = newest.get(key!) ?? 0;
      if (value !== null && version <= before) return `key ${key} goes back from ${before} to ${version} at ${offset}`;
      newest.set(key!, version);
    }
    for (const [key, version] of this.#acknowledged) {
      const found = newest.get(key) ?? 0;
      if (version > 0 && found !== 0 && found < version)
        return `key ${key} is ${found}, and ${version} was acknowledged`;
      if (version > 0 && !newest.has(key)) return `key ${key} is gone, and ${version} was acknowledged`;
      if (version < 0 && found !== 0 && found < -version) return `key ${key} is ${found}, and was deleted later`;
    }
    return undefined;
  }
}
