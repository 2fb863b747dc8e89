// A platform under faults, from seeds: the ones that found something, and as many more as a run of the tests has time for.
import { expect, test } from 'vitest';
import { simulate } from '../../tools/simulate/simulation.ts';

const SEEDS = 200;
/** Beyond them, those that have found something. */
const FOUND = [4357];
/** Of these seeds, each operation of the disk fails whose number is divided by one of these. */
const EVERY = { seeds: [1, 2], numbers: [12, 21, 34, 42, 55] };

test(`${SEEDS} seeds leave nothing lost, doubled, torn or gone back`, { timeout: 600_000 }, async () => {
  const failures: string[] = [];
  let crashes = 0;
  let operations = 0;
  for (const seed of [...Array.from({ length: SEEDS }, (_, i) => i + 1), ...FOUND]) {
    const outcome = await simulate(seed);
    crashes += outcome.crashes;
    operations += outcome.operations;
    if (outcome.failure !== undefined) failures.push(`seed ${seed}: ${outcome.failure}`);
  }
  expect(failures).toEqual([]);
  // A simulation in which nothing happens must not pass.
  expect(crashes).toBeGreaterThan(SEEDS);
  expect(operations).toBeGreaterThan(50 * SEEDS);
});

test('every so many-th operation of the disk fails, and nothing is lost', { timeout: 600_000 }, async () => {
  const failures: string[] = [];
  for (const seed of EVERY.seeds) {
    for (const every of EVERY.numbers) {
      const { failure } = await simulate(seed, { every });
      if (failure !== undefined) failures.push(`seed ${seed}, every ${every}: ${failure}`);
    }
  }
  expect(failures).toEqual([]);
});
