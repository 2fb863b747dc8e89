import { expect, test } from 'vitest';
import { ln } from '../../src/sql/values/logarithm.ts';

test('the natural logarithm is rounded as Java rounds it', () => {
  // What java.lang.Math.log says.
  const known: [number, number][] = [
    [2, 0.6931471805599453],
    [3, 1.0986122886681098],
    [10, 2.302585092994046],
    [0.5, -0.6931471805599453],
    [1, 0],
    [1.0000000000000002, 2.2204460492503128e-16],
    [0.9999999999999999, -1.1102230246251565e-16],
    [Number.MIN_VALUE, -744.4400719213812],
    [Number.MAX_VALUE, 709.782712893384],
    [Math.E, 1],
    [0, Number.NEGATIVE_INFINITY],
    [-1, Number.NaN],
    [Number.NaN, Number.NaN],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ];
  expect(known.map(([x]) => ln(x))).toEqual(known.map(([, expected]) => expected));
});
