import type { Environment } from '../util/index.ts';

const FIRST_MS = 20;
const LONGEST_MS = 500;

/**
 * How long to wait after so many failures in a row (1 or more): twice as long each time up to half a second, and a fifth more or
 * less by chance, so that those who lost the same broker do not come back all at once.
 */
export function backoffMs(failures: number, environment: Pick<Environment, 'random'>): number {
  const growing = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 16));
  return growing * (0.8 + 0.4 * environment.random());
}
