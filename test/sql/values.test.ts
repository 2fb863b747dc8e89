import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addLong,
  divideLong,
  long,
  type Long,
  multiplyLong,
  negateLong,
  remainderLong,
  subtractLong,
} from '../../src/sql/values/bigint.ts';
import { dateTimePattern } from '../../src/sql/values/datetime-pattern.ts';
import { Decimal } from '../../src/util/index.ts';
import { parseDate, parseTime, parseTimestamp } from '../../src/sql/values/temporal.ts';
import { doubleText } from '../../src/util/index.ts';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

describe('BIGINT', () => {
  const operations: [string, (a: Long, b: Long) => Long, (a: bigint, b: bigint) => bigint][] = [
    ['+', addLong, (a, b) => a + b],
    ['-', subtractLong, (a, b) => a - b],
    ['*', multiplyLong, (a, b) => a * b],
    ['/', divideLong, (a, b) => a / b],
    ['%', remainderLong, (a, b) => a % b],
  ];

  test.each(operations)('%s is exact and wraps at 64 bits', (_name, apply, exact) => {
    fc.assert(
      fc.property(int64, fc.oneof(int64, fc.bigInt(-1000n, 1000n)), (a, b) => {
        fc.pre(b !== 0n);
        expect(apply(long(a), long(b))).toBe(long(exact(a, b)));
      }),
    );
  });

  test('is a number exactly while it is safe', () => {
    expect(long(2n ** 53n - 1n)).toBe(Number.MAX_SAFE_INTEGER);
    expect(long(2n ** 53n)).toBe(9007199254740992n);
    expect(addLong(Number.MAX_SAFE_INTEGER, 1)).toBe(9007199254740992n);
    expect(subtractLong(9007199254740992n, 1)).toBe(Number.MAX_SAFE_INTEGER);
    expect(negateLong(0)).toBe(0);
  });

  test('division by zero fails', () => {
    expect(() => divideLong(1, 0)).toThrow('by zero');
  });
});

describe('DECIMAL', () => {
  const decimal = fc
    .tuple(fc.bigInt(-(10n ** 20n), 10n ** 20n), fc.integer({ min: 0, max: 12 }))
    .map(([u, s]) => new Decimal(u, s));

  test('text and back', () => {
    fc.assert(
      fc.property(decimal, (value) => {
        const back = Decimal.parse(value.toString());
        expect(back?.unscaled).toBe(value.unscaled);
        expect(back?.scale).toBe(value.scale);
      }),
    );
  });

  test('adding and taking away again gives the same', () => {
    fc.assert(fc.property(decimal, decimal, (a, b) => a.add(b).subtract(b).compare(a) === 0));
  });

  test.each([
    ['2.345', 2, '2.35'],
    ['-2.345', 2, '-2.35'],
    ['2.344', 2, '2.34'],
    ['10', 3, '10.000'],
    ['-0.5', 0, '-1'],
  ])('%s with %i digits is %s', (text, scale, rounded) => {
    expect(Decimal.parse(text)?.rescale(scale).toString()).toBe(rounded);
  });

  test('what does not fit is refused', () => {
    expect(() => Decimal.parse('123.4')?.fit(3, 1)).toThrow('Numeric field overflow');
    expect(Decimal.parse('12.34')?.fit(3, 1).toString()).toBe('12.3');
  });

  test('division rounds half up', () => {
    const divide = (a: string, b: string, scale: number) =>
      Decimal.parse(a)!.divide(Decimal.parse(b)!, scale).toString();
    expect(divide('10', '3', 6)).toBe('3.333333');
    expect(divide('-20', '3', 6)).toBe('-6.666667');
    expect(divide('1', '0.08', 2)).toBe('12.50');
  });
});

describe('DOUBLE as text', () => {
  test.each([
    [1, '1.0'],
    [0.001, '0.001'],
    [0.0001, '1.0E-4'],
    [1e7, '1.0E7'],
    [123456.75, '123456.75'],
    [-0, '-0.0'],
    [Number.NaN, 'NaN'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
    [1.7976931348623157e308, '1.7976931348623157E308'],
  ])('%d', (value, text) => {
    expect(doubleText(value)).toBe(text);
  });
});

describe('dates and times', () => {
  test('ISO texts', () => {
    expect(parseTimestamp('1970-01-02T00:00:01.5Z')).toBe(86_401_500);
    expect(parseTimestamp('1970-01-01T02:00+02:00')).toBe(0);
    expect(parseTimestamp('1971')).toBe(365 * 86_400_000);
    expect(parseTimestamp('1970-02-30T24:00')).toBe(Date.UTC(1970, 2, 1));
    expect(() => parseTimestamp('1970-01-32')).toThrow('Invalid date');
    expect(parseDate('1970-02-01')).toBe(31);
    expect(parseTime('00:01:02.003')).toBe(62_003);
    expect(() => parseDate('2021-02-30')).toThrow('Invalid date');
  });

  test('patterns read what they write', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000_000 }), (ms) => {
        const pattern = dateTimePattern("yyyy-MM-dd'T'HH:mm:ss.SSSXXX");
        expect(pattern.parseTimestamp(pattern.format(ms, 'Asia/Kolkata'), 'UTC')).toBe(ms);
      }),
    );
  });

  test.each([
    ['dd/MM/yy hh:mm a', '05/03/21 01:07 PM', 1_614_949_620_000],
    ['EEE, d MMM yyyy', 'Fri, 5 Mar 2021', 1_614_902_400_000],
    ["yyyyMMdd['T'HHmm]", '20210305', 1_614_902_400_000],
    ["yyyyMMdd['T'HHmm]", '20210305T1307', 1_614_949_620_000],
  ])('%s', (pattern, text, ms) => {
    expect(dateTimePattern(pattern).parseTimestamp(text, 'UTC')).toBe(ms);
  });

  test('a zone shifts what is read', () => {
    expect(dateTimePattern('yyyy-MM-dd HH:mm').parseTimestamp('2021-07-01 12:00', 'Europe/Berlin')).toBe(
      Date.UTC(2021, 6, 1, 10),
    );
  });
});
