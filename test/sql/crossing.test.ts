// What goes from thread to thread comes out as it went in.
import { describe, expect, test } from 'vitest';
import { Decimal } from '../../src/util/index.ts';
import { fromPort, toPort } from '../../src/sql/values/crossing.ts';
import { fc, test as property } from '../streams/property.ts';

const across = (value: unknown): unknown => fromPort(structuredClone(toPort(value)));

describe('values between threads', () => {
  const { values } = fc.letrec<{ value: unknown; values: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, undefined, true, Number.NaN, -0, Number.POSITIVE_INFINITY),
      fc.integer(),
      fc.double(),
      fc.bigInt(),
      fc.string(),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.tuple(fc.bigInt(), fc.nat(38)).map(([unscaled, scale]) => new Decimal(unscaled, scale)),
      fc.array(tie('value')),
      fc.array(fc.tuple(fc.string(), tie('value'))).map((entries) => new Map(entries)),
      fc.dictionary(fc.string(), tie('value')).map((object) => ({ ...object })),
    ),
    values: fc.array(tie('value')),
  }));

  test('are what they were, nested as they may be', () => {
    property(values, (value) => {
      expect(across(value)).toStrictEqual(value);
    });
  });

  test('decimals and bytes can do what they could', () => {
    const [decimal, bytes] = across([new Decimal(-12345n, 2), Buffer.from('abc').subarray(1)]) as [Decimal, Buffer];
    expect(decimal.toString()).toBe('-123.45');
    expect([bytes.toString(), bytes.buffer.byteLength]).toEqual(['bc', 2]);
  });
});
