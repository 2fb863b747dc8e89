// Words at a steady pace into an application that counts them, and its counts as they come out: what the tests measure by in
// which something dies. Topics have three partitions.
import type { Client } from '../../src/client/index.ts';
import { deferred } from '../../src/util/index.ts';

const WORDS = 20;

/** Writes words at a steady pace until stopped; every one of them is acknowledged. */
export function writeWords(client: Client, topic: string): { stop(): Promise<number> } {
  const producer = client.producer();
  const acknowledged: Promise<unknown>[] = [];
  const timer = setInterval(() => {
    for (let n = 0; n < 8; n++) {
      const word = `w${acknowledged.length % WORDS}`;
      acknowledged.push(producer.send({ topic, key: String(acknowledged.length), value: word }));
    }
  }, 20);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(acknowledged);
      await client.close();
      return acknowledged.length;
    },
  };
}

/** Reads committed counts as they come: each word's must be 1, 2, 3 … The silences are those of single partitions. */
export function follow(client: Client, topic: string) {
  const consumer = client.consumer({ isolationLevel: 'read_committed' });
  consumer.assign([0, 1, 2].map((partition) => ({ topic, partition, offset: 0 })));
  const counts = new Map<string, number>();
  const faults: string[] = [];
  const lastAt = new Map([0, 1, 2].map((partition) => [partition, performance.now()]));
  let isStopped = false;
  /** Resolves when it has been looked for counts the next time, whether there were any or not. */
  let looked = deferred();
  const following = {
    faults,
    longestSilence: 0,
    total: () => [...counts.values()].reduce((sum, count) => sum + count, 0),
    sinceLast: () => performance.now() - Math.min(...lastAt.values()),
    async until(enough: () => boolean) {
      while (!enough()) await looked.promise;
    },
    async stop() {
      isStopped = true;
      await done;
    },
  };
  const done = (async () => {
    while (!isStopped) {
      for (const { partition, cursor } of await consumer.poll(100)) {
        while (cursor.advance()) {
          const word = cursor.bytes.toString('utf8', cursor.keyStart, cursor.keyEnd);
          const count = Number(cursor.bytes.readBigInt64BE(cursor.valueStart));
          if (count !== (counts.get(word) ?? 0) + 1) faults.push(`${word}: ${count} behind ${counts.get(word) ?? 0}`);
          counts.set(word, count);
          const silence = performance.now() - lastAt.get(partition)!;
          following.longestSilence = Math.max(following.longestSilence, silence);
          lastAt.set(partition, performance.now());
        }
      }
      looked.resolve();
      looked = deferred();
    }
    await consumer.close();
  })().catch((error: unknown) => {
    faults.push(String(error));
    looked.promise.catch(() => {});
    looked.reject(error);
  });
  return following;
}
