import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  JsonNumber,
  parseExactJson,
  parseJson,
  parseJsonPrefix,
  plainNumber,
  printJson,
} from '../../src/util/index.ts';

const parsed = (text: string, parse: (text: string) => unknown): unknown => {
  try {
    return { value: parse(text) };
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError);
    return 'refused';
  }
};

test('accepts what JSON.parse accepts, and reads it as that does', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    '0',
    '-',
    '1',
    '.',
    'e',
    'null',
    'true',
    ' ',
    '\n',
    '\u0001',
    '"a"',
    '__proto__',
  );
  const space = fc.constantFrom(undefined, 1, '\t');
  const texts = fc.oneof(
    fc.tuple(fc.json(), space).map(([text, indent]) => JSON.stringify(JSON.parse(text), null, indent)),
    fc.array(pieces, { maxLength: 12 }).map((some) => some.join('')),
    fc.tuple(fc.json(), fc.nat(), fc.nat(3), pieces).map(([text, at, cut, put]) => {
      const start = at % (text.length + 1);
      return text.slice(0, start) + put + text.slice(start + cut);
    }),
  );
  fc.assert(
    fc.property(texts, (text) => {
      expect(parsed(text, (given) => parseJson(given, Number))).toEqual(parsed(text, JSON.parse));
    }),
    { numRuns: 3000 },
  );
});

test.each(['1.50', '-0', '0.0', '9007199254740993', '1E400', '12345678901234567890.12345e-7'])(
  '%s keeps its text',
  (text) => {
    expect(parseExactJson(text)).toEqual(new JsonNumber(text));
    expect(JSON.stringify(parseExactJson(`{"a":[${text}]}`))).toBe(`{"a":[${text}]}`);
  },
);

test.each([
  ['{"a":1} and more', { a: new JsonNumber('1') }],
  ['[1] 2', [new JsonNumber('1')]],
  [' "a"b', 'a'],
  ['5 6', new JsonNumber('5')],
])('the value at the beginning of %s', (text, value) => {
  expect(parseJsonPrefix(text)).toEqual(value);
  expect(() => parseExactJson(text)).toThrow(SyntaxError);
});

test('bigints are numbers, in what is printed', () => {
  expect(printJson({ a: 2n ** 64n, b: [1] })).toBe('{"a":18446744073709551616,"b":[1]}');
  expect(printJson(undefined)).toBeUndefined();
});

test.each([
  ['1.5e3', '1500'],
  ['-25e-4', '-0.0025'],
  ['1.50', '1.50'],
  ['0.5e1', '5'],
  ['1e9999', '1e9999'],
])('%s without an exponent is %s', (text, plain) => {
  expect(plainNumber(text)).toBe(plain);
});
