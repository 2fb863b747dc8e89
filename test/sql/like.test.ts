import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { likeMatcher } from '../../src/sql/values/like.ts';

describe('LIKE', () => {
  test.each([
    ['abc', 'abc', true],
    ['abc', 'ab', false],
    ['', '', true],
    ['', '%', true],
    ['', '_', false],
    ['a😀b', 'a_b', true],
    ['😀', '__', false],
    ['a\nb', 'a%b', true],
    ['aba', 'ab%ba', false],
    ['abab', '%ab', true],
    ['a.b', 'a.b', true],
    ['axb', 'a.b', false],
    ['100%', '100!%', true],
    ['1000', '100!%', false],
    ['a_b', 'a!_b', true],
    ['axb', 'a!_b', false],
    ['a!', 'a!', true],
    ['a!b', 'a!!b', true],
  ])('%j LIKE %j is %j', (text, pattern, expected) => {
    expect(likeMatcher(pattern, '!')(text)).toBe(expected);
  });

  test('without an escape character, every character but % and _ stands for itself', () => {
    expect(likeMatcher('a\\%', undefined)('a\\bc')).toBe(true);
  });

  test('is what a regular expression says', () => {
    const text = (chars: string) => fc.string({ unit: fc.constantFrom(...chars), maxLength: 12 });
    fc.assert(
      fc.property(text('ab\n'), text('ab%_'), (value, pattern) => {
        const regex = new RegExp(`^${pattern.replaceAll('%', '.*').replaceAll('_', '.')}$`, 's');
        expect(likeMatcher(pattern, undefined)(value)).toBe(regex.test(value));
      }),
    );
  });

  test('a hostile pattern takes no longer than text times pattern', () => {
    expect(likeMatcher(`${'%a'.repeat(50)}%c`, undefined)(`${'a'.repeat(100_000)}b`)).toBe(false);
    expect(likeMatcher(`${'%_a'.repeat(50)}%c`, undefined)(`${'a'.repeat(100_000)}b`)).toBe(false);
  });
});
