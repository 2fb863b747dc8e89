// An aggregate that can take back what it was given, so that it works over tables, too: a row that changes is taken back as it
// was, and added as it is.
import { defineAggregate } from '../../src/sql-api/index.ts';

export const geometricMean = defineAggregate({
  name: 'GEOMETRIC_MEAN',
  description: 'The geometric mean of numbers above 0.',
  args: ['DOUBLE'],
  returns: 'DOUBLE',
  state: 'STRUCT<LOGARITHMS DOUBLE, N BIGINT>',
  initial: () => ({ LOGARITHMS: 0, N: 0n }),
  add: ({ LOGARITHMS, N }, value) => ({ LOGARITHMS: LOGARITHMS + logarithm(value), N: N + 1n }),
  undo: ({ LOGARITHMS, N }, value) => ({ LOGARITHMS: LOGARITHMS - logarithm(value), N: N - 1n }),
  merge: (a, b) => ({ LOGARITHMS: a.LOGARITHMS + b.LOGARITHMS, N: a.N + b.N }),
  result: ({ LOGARITHMS, N }) => (N === 0n ? null : Math.exp(LOGARITHMS / Number(N))),
});

function logarithm(value: number): number {
  if (value <= 0) throw new RangeError(`there is no geometric mean with ${value}`);
  return Math.log(value);
}
