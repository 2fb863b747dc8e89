// The memory of the newest batches: so much of it, and what is dropped is free.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { type Chunk, TailCache } from '../../src/broker/log/tail-cache.ts';

const chunkOf = (bytes: number): Chunk => ({ position: 0, buffer: Buffer.alloc(bytes), used: bytes });

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

describe('the tail cache', () => {
  test('drops the oldest chunks first, and none that has to stay', () => {
    const cache = new TailCache(300);
    const dropped: number[] = [];
    const stays = new Set([1]);
    const add = (i: number) => {
      cache.add(chunkOf(100), () => {
        if (stays.has(i)) return false;
        dropped.push(i);
        return true;
      });
    };
    for (const i of [0, 1, 2, 3, 4]) add(i);
    // The second one is not in its file yet: what came behind it waits.
    expect(dropped).toEqual([0]);
    expect(cache.sizeInBytes).toBe(400);
    stays.clear();
    add(5);
    expect(dropped).toEqual([0, 1, 2]);
    expect(cache.sizeInBytes).toBe(300);
  });

  test('does not hold what it dropped', async () => {
    const cache = new TailCache(10 * 1024);
    const all = Array.from({ length: 200 }, () => {
      const chunk = chunkOf(1024);
      cache.add(chunk, () => true);
      return new WeakRef(chunk);
    });
    // What a turn has looked at stays until its end.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    collectGarbage();
    expect(all.filter((chunk) => chunk.deref() !== undefined)).toHaveLength(10);
  });
});
