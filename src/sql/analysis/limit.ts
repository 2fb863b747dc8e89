import { refuse } from '../errors.ts';

/** Refuses what is no number of rows. `what` is limited: `Pull queries`, `Push queries`, `PRINT`. */
export function checkLimit(limit: number | undefined, what: string): void {
  if (limit === undefined) return;
  if (limit < 0) refuse(`${what} don't support negative integers in the LIMIT clause.`);
  if (!Number.isInteger(limit) || limit > 0x7fffffff)
    refuse('Failed to prepare statement: Value must be integer for command: LIMIT');
}
