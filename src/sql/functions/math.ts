// Functions of numbers: each in the type of its argument, overflow as Java's.
import { decimalType, type SqlType } from '../types.ts';
import { doubleToLong, type Long, negateLong } from '../values/bigint.ts';
import { ln } from '../values/logarithm.ts';
import { Decimal } from '../../util/index.ts';
import type { SqlValue } from '../values/value.ts';
import { pure, type ScalarFunction, type ScalarOverload, scalar, typed } from './function.ts';

type Real = (value: number) => number;

function real(name: string, description: string, compute: Real): ScalarFunction {
  const overloads = ['INT', 'BIGINT', 'DOUBLE'].map((type) =>
    pure(`${type} -> DOUBLE`, (value: Long) => compute(Number(value))),
  );
  return scalar(name, 'MATHEMATICAL', description, overloads);
}

const sameDecimal = (types: readonly (SqlType | null)[]): SqlType | undefined => types[0] ?? undefined;

function wholeDecimal(types: readonly (SqlType | null)[]): SqlType | undefined {
  const [type] = types;
  return type?.kind === 'DECIMAL' ? decimalType(Math.max(1, type.precision - type.scale), 0) : undefined;
}

/** `2.5` to 3, `-2.5` to -2. */
function roundHalfUp(value: Decimal, places: number): Decimal {
  if (places >= value.scale) return value;
  const unit = 10n ** BigInt(value.scale - places);
  const shifted = value.unscaled * 2n + unit;
  return new Decimal(floorDivide(shifted, unit * 2n), places);
}

function truncate(value: Decimal, places: number): Decimal {
  if (places >= value.scale) return value;
  return new Decimal(value.unscaled / 10n ** BigInt(value.scale - places), places);
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

function onDouble(cut: (value: Decimal, places: number) => Decimal): (value: number, places: number) => number {
  return (value, places) => (Number.isFinite(value) ? cut(Decimal.ofDouble(value), places).toNumber() : value);
}

function rounding(
  name: string,
  description: string,
  whole: Real,
  cut: (value: Decimal, places: number) => Decimal,
): ScalarFunction {
  return scalar(name, 'MATHEMATICAL', description, [
    pure('BIGINT -> BIGINT', (value: Long) => value),
    pure('INT -> BIGINT', (value: number) => value),
    pure('DOUBLE -> BIGINT', (value: number) => doubleToLong(whole(value))),
    pure('DOUBLE, INT -> DOUBLE', onDouble(cut)),
    pure('DECIMAL -> ?', (value: Decimal) => cut(value, 0).rescale(0), wholeDecimal),
    pure('DECIMAL, INT -> ?', (value: Decimal, places: number) => cut(value, places).rescale(value.scale), sameDecimal),
  ]);
}

function stepwise(name: string, description: string, compute: Real, up: boolean): ScalarFunction {
  const step = (value: Decimal): Decimal => {
    const unit = 10n ** BigInt(Math.max(0, value.scale));
    const floor = floorDivide(value.unscaled, unit);
    const exact = floor * unit === value.unscaled;
    return new Decimal((up && !exact ? floor + 1n : floor) * unit, value.scale);
  };
  return scalar(name, 'MATHEMATICAL', description, [
    pure('INT -> INT', (value: number) => value),
    pure('BIGINT -> BIGINT', (value: Long) => value),
    pure('DOUBLE -> DOUBLE', compute),
    pure('DECIMAL -> ?', step, sameDecimal),
  ]);
}

const pairs = (compute: (a: number, b: number) => number): ScalarOverload[] =>
  ['INT', 'BIGINT', 'DOUBLE'].map((type) =>
    pure(`${type}, ${type} -> DOUBLE`, (a: Long, b: Long) => compute(Number(a), Number(b))),
  );

function logarithm(base: number, value: number): number {
  return base <= 0 || base === 1 ? Number.NaN : ln(value) / ln(base);
}

export const mathFunctions: readonly ScalarFunction[] = [
  scalar('ABS', 'MATHEMATICAL', 'The absolute value.', [
    pure('INT -> INT', (value: number) => Math.abs(value) | 0),
    pure('BIGINT -> BIGINT', (value: Long) => (value < 0 ? negateLong(value) : value)),
    pure('DOUBLE -> DOUBLE', Math.abs),
    pure('DECIMAL -> ?', (value: Decimal) => value.abs(), sameDecimal),
  ]),
  real('ACOS', 'The inverse cosine.', Math.acos),
  real('ASIN', 'The inverse sine.', Math.asin),
  real('ATAN', 'The inverse tangent.', Math.atan),
  scalar('ATAN2', 'MATHEMATICAL', 'The angle of the point (x, y), given as y and x.', pairs(Math.atan2)),
  real('CBRT', 'The cube root.', Math.cbrt),
  stepwise('CEIL', 'The smallest whole number that is not smaller.', Math.ceil, true),
  real('COS', 'The cosine.', Math.cos),
  real('COSH', 'The hyperbolic cosine.', Math.cosh),
  real('COT', 'The cotangent.', (value) => 1 / Math.tan(value)),
  real('DEGREES', 'Radians to degrees.', (value) => (value * 180) / Math.PI),
  real('EXP', 'e raised to a power.', Math.exp),
  stepwise('FLOOR', 'The largest whole number that is not larger.', Math.floor, false),
  real('LN', 'The natural logarithm.', ln),
  scalar(
    'LOG',
    'MATHEMATICAL',
    'The logarithm: of one argument the natural one, of two the second to the base of the first.',
    [
      ...['INT', 'BIGINT', 'DOUBLE'].map((type) => pure(`${type} -> DOUBLE`, (value: Long) => ln(Number(value)))),
      ...pairs(logarithm),
    ],
  ),
  scalar('PI', 'MATHEMATICAL', 'The ratio of a circle to its diameter.', [pure('-> DOUBLE', () => Math.PI)]),
  scalar(
    'POWER',
    'MATHEMATICAL',
    'A number raised to a power.',
    pairs((base, exponent) => base ** exponent),
  ),
  real('RADIANS', 'Degrees to radians.', (value) => (value / 180) * Math.PI),
  rounding('ROUND', 'The nearest number with so many digits; halves go up.', Math.round, roundHalfUp),
  scalar(
    'SIGN',
    'MATHEMATICAL',
    '-1, 0 or 1 by the sign of a number.',
    ['INT', 'BIGINT', 'DOUBLE'].map((type) =>
      pure(`${type} -> INT`, (value: Long) => (value > 0 ? 1 : value < 0 ? -1 : 0)),
    ),
  ),
  real('SIN', 'The sine.', Math.sin),
  real('SINH', 'The hyperbolic sine.', Math.sinh),
  real('SQRT', 'The square root.', Math.sqrt),
  real('TAN', 'The tangent.', Math.tan),
  real('TANH', 'The hyperbolic tangent.', Math.tanh),
  rounding('TRUNC', 'The number with the digits behind so many cut off.', Math.trunc, truncate),
  scalar('GREATEST', 'CONDITIONAL', 'The largest of several values; nulls are ignored.', extremes(1), 'greatest'),
  scalar('LEAST', 'CONDITIONAL', 'The smallest of several values; nulls are ignored.', extremes(-1), 'least'),
];

function extremes(wanted: 1 | -1): ScalarOverload[] {
  const choose =
    (compare: (a: SqlValue, b: SqlValue) => number) =>
    (...values: SqlValue[]) =>
      values.reduce((best, value) => {
        if (value === null || best === null) return value ?? best;
        return compare(value, best) * wanted > 0 ? value : best;
      }, null);
  const plain = (a: SqlValue, b: SqlValue): number => (a! < b! ? -1 : a! > b! ? 1 : 0);
  const types = ['INT', 'BIGINT', 'DOUBLE', 'STRING', 'DATE', 'TIME', 'TIMESTAMP'];
  return [
    ...types.map((type) => typed(`${type}, ${type}... -> ${type}`, () => choose(plain), { takesNulls: true })),
    typed('BYTES, BYTES... -> BYTES', () => choose((a, b) => Buffer.compare(a as Buffer, b as Buffer)), {
      takesNulls: true,
    }),
    typed(
      'DECIMAL, DECIMAL... -> ?',
      // The one that is chosen keeps its own scale.
      () => choose((a, b) => (a as Decimal).compare(b as Decimal)),
      { takesNulls: true, resultType: widestDecimal },
    ),
  ];
}

function widestDecimal(types: readonly (SqlType | null)[]): SqlType | undefined {
  let scale = 0;
  let digits = 1;
  for (const type of types) {
    if (type?.kind !== 'DECIMAL') continue;
    scale = Math.max(scale, type.scale);
    digits = Math.max(digits, type.precision - type.scale);
  }
  return decimalType(digits + scale, scale);
}
