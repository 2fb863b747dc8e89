// Memory that is used again: never by two at a time.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BufferPool } from '../../src/util/index.ts';

describe('a pool of buffers', () => {
  test('gives out again what was given back, and only then', () => {
    const pool = new BufferPool(1024 * 1024);
    const first = pool.take(5000);
    const second = pool.take(5000);
    expect(second.buffer).not.toBe(first.buffer);
    pool.lend(first.subarray(100, 200));
    pool.give(first);
    expect(pool.take(8192).buffer).not.toBe(first.buffer);
    pool.give(first.subarray(0, 1));
    const again = pool.take(8192);
    expect(again.buffer).toBe(first.buffer);
    expect(again.length).toBe(8192);
  });

  test('keeps no more than it may, and nothing that is not its own', () => {
    const pool = new BufferPool(10_000);
    const taken = [pool.take(8192), pool.take(8192)];
    for (const buffer of taken) pool.give(buffer);
    expect(pool.freeBytes).toBe(8192);
    pool.give(Buffer.alloc(8192));
    pool.give(pool.take(10));
    expect(pool.freeBytes).toBe(8192);
    // Once is enough.
    pool.give(taken[0]!);
    expect(pool.freeBytes).toBe(8192);
  });

  test('never has two holders of the same bytes', () => {
    const step = fc.record({ takes: fc.integer({ min: 1, max: 70_000 }), gives: fc.array(fc.nat(20)) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pool = new BufferPool(200_000);
        const held: { view: Buffer; mark: number }[] = [];
        steps.forEach(({ takes, gives }, mark) => {
          const view = pool.take(takes).fill(mark);
          held.push({ view, mark });
          if (mark % 3 === 0) {
            pool.lend(view);
            held.push({ view: view.subarray(takes >> 1), mark });
          }
          for (const i of gives) if (i < held.length) pool.give(held.splice(i, 1)[0]!.view);
          for (const { view: bytes, mark: expected } of held)
            expect(bytes.every((byte) => byte === expected)).toBe(true);
        });
      }),
    );
  });
});
