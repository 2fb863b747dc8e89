// Hostile requests by structure, a bounded number of them; `npm run fuzz` sends as many as one likes.
import { expect, test } from 'vitest';
import { fuzz } from '../../tools/fuzz/fuzz.ts';
import { seeded } from './support.ts';

const FRAMES = 30_000;

test('no request brings the broker down, waits for ever or gets an answer that can not be read', {
  timeout: 120_000,
}, async () => {
  const outcome = await fuzz({ frames: FRAMES, random: seeded(5) });
  expect(outcome.problems).toEqual([]);
  // Handlers were reached, and all of them.
  expect(outcome.answers).toBeGreaterThan(FRAMES * 0.9);
  expect(Math.min(...outcome.byApi.values())).toBeGreaterThan(100);
  expect(outcome.byApi.size).toBeGreaterThan(30);
});
