// Functions with OVER: what rows beside the one at hand have. They are steps of a query (`plan/over.ts`, `plan/rank.ts`), so there is
// nothing to call here; what they take and give is declared as with other functions.
import { signature } from './signature.ts';
import type { WindowFunction } from './function.ts';

const over = (name: string, description: string, signatures: readonly string[]): WindowFunction => ({
  kind: 'window',
  name,
  category: 'WINDOW',
  description,
  overloads: signatures.map((text) => ({ signature: signature(text) })),
});

export const windowFunctions: readonly WindowFunction[] = [
  over('LAG', 'The value that an earlier row of the partition had.', ['T -> T', 'T, INT -> T', 'T, INT, T -> T']),
  over('LEAD', 'The value that a later row of the partition has: a row is given out when that has come.', [
    'T -> T',
    'T, INT -> T',
  ]),
  over('ROW_NUMBER', 'Which row of its partition a row is, in an order.', ['-> BIGINT']),
];
