import { describe, expect, test } from 'vitest';
import { AssertionError, ManualEnvironment, randomUuid, systemEnvironment } from '../../src/util/index.ts';

describe('timers', () => {
  test('that wait longer than a timer of Node can do not fire at once', async () => {
    const fired: number[] = [];
    const cancel = [2 ** 31, Number.MAX_SAFE_INTEGER, 2 ** 63, Number.POSITIVE_INFINITY].map((delayMs) =>
      systemEnvironment.after(delayMs, () => fired.push(delayMs)),
    );
    await new Promise<void>((resolve) => {
      systemEnvironment.after(20, resolve);
    });
    for (const each of cancel) each();
    expect(fired).toEqual([]);
  });

  test('that would have had to fire before they were set are a mistake', () => {
    for (const environment of [systemEnvironment, new ManualEnvironment()]) {
      expect(() => environment.after(-1, () => {})).toThrow(AssertionError);
      expect(() => environment.after(Number.NaN, () => {})).toThrow(AssertionError);
    }
  });
});

test('UUIDs are version 4 ones, and of the random bytes', () => {
  const environment = { ...systemEnvironment, randomBytes: (length: number) => Buffer.alloc(length, 0xff) };
  expect(randomUuid(environment)).toBe('ffffffff-ffff-4fff-bfff-ffffffffffff');
  expect(randomUuid(systemEnvironment)).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
});
