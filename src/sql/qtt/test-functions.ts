import type { SqlFunction } from '../functions/function.ts';

/** Functions that only the cases know. */
export function testFunctions(): SqlFunction[] {
  return [];
}
