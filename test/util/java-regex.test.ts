import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JavaPattern, PatternSyntaxError } from '../../src/util/java-regex/index.ts';

const found = (pattern: string, text: string) => JavaPattern.of(pattern).exec(text)?.groups[0];

describe("Java's regular expressions", () => {
  test.each([
    [String.raw`\p{Alpha}+`, '12abc', 'abc'],
    [String.raw`[a-z&&[^b]]+`, 'bac', 'ac'],
    [String.raw`[a-z&&[^aeiou]&&[^x-z]]+`, 'axyzbcd', 'bcd'],
    [String.raw`[\w&&\D]+`, '12ab', 'ab'],
    [String.raw`a++b`, 'aaab', 'aaab'],
    [String.raw`(?>a+)ab`, 'aaab', undefined],
    [String.raw`(?i)é`, 'É', undefined],
    [String.raw`(?iu)é`, 'É', 'É'],
    [String.raw`(?i)K`, '\u212a', undefined],
    [String.raw`(?iu)k`, '\u212a', '\u212a'],
    [String.raw`a(?i)b|c`, 'C', 'C'],
    [String.raw`(?:a(?i)b)c`, 'aBC', undefined],
    [String.raw`(?x) a \  b # a comment`, 'a b', 'a b'],
    [String.raw`(?s).`, '\n', '\n'],
    [String.raw`.`, '\u0085', undefined],
    [String.raw`(?d).`, '\r', '\r'],
    [String.raw`a$`, 'a\n', 'a'],
    [String.raw`a\z`, 'a\n', undefined],
    [String.raw`(?m)^b$`, 'a\r\nb\r\nc', 'b'],
    [String.raw`(?m)^$`, 'a\n', undefined],
    [String.raw`\Qa.b\E+`, 'a.bb', 'a.bb'],
    [String.raw`\bé\b`, 'a é b', 'é'],
    [String.raw`\bé`, 'aé', undefined],
    [String.raw`\x{1F600}`, '😀', '😀'],
    [String.raw`\uD83D\uDE00`, '😀', '😀'],
    [String.raw`[😀-😂]+`, 'a😁', '😁'],
    [String.raw`\0101`, 'A', 'A'],
    [String.raw`\cA`, '\u0001', '\u0001'],
    [String.raw`[]a]+`, 'b]a', ']a'],
    [String.raw`[a-]+`, '-a', '-a'],
    [String.raw`}]`, '}]', '}]'],
    [String.raw`\R`, '\r\n', '\r\n'],
    [String.raw`\h+`, 'a \t\u3000', ' \t\u3000'],
    [String.raw`(?U)\w+`, 'é', 'é'],
    [String.raw`\w+`, 'é', undefined],
    [String.raw`\p{IsGreek}\p{script=Latin}\p{gc=Nd}`, 'αa١', 'αa١'],
    [String.raw`\P{L}`, 'a1', '1'],
    [String.raw`\pL`, '1a', 'a'],
    [String.raw`(a)\1`, 'aa', 'aa'],
    [String.raw`(?<x>a)\k<x>`, 'aa', 'aa'],
    [String.raw`\1(a)`, 'a', undefined],
    [String.raw`(a|ab)(c|bcd)`, 'abcd', 'abcd'],
    [String.raw`(?<=a)b(?!c)`, 'abc ab', 'b'],
    [String.raw`\G\d`, '1a2', '1'],
    ['', 'a', ''],
  ])('%s in %j is %j', (pattern, text, expected) => {
    expect(found(pattern, text)).toBe(expected);
  });

  test.each([
    ['x{', 'Illegal repetition near index 1'],
    ['*a', "Dangling meta character '*' near index 0"],
    ['a**', 'Dangling meta character'],
    ['(a', 'Unclosed group'],
    ['a)', "Unmatched closing ')'"],
    ['[a', 'Unclosed character class'],
    ['[b-a]', 'Illegal character range'],
    ['\\y', 'Illegal/unsupported escape sequence'],
    ['\\', 'nothing behind the backslash'],
    ['\\p{Nonsense}', 'Unknown character property name {Nonsense}'],
    ['\\p{InGreek}', 'Unknown character property name {InGreek}'],
    ['\\p{constructor}', 'Unknown character property name {constructor}'],
    ['(?y)a', 'Unknown inline modifier'],
    ['(?<a>b)(?<a>c)', 'already defined'],
    ['\\k<no>', 'no group of this name'],
    ['\\X', '\\X is not supported'],
    ['a\\G', 'at the beginning of a pattern only'],
    ['('.repeat(1000), 'More than 200 groups in each other'],
    ['['.repeat(1000), 'More than 200 groups in each other'],
  ])('%s is refused', (pattern, problem) => {
    expect(() => JavaPattern.of(pattern)).toThrow(PatternSyntaxError);
    expect(() => JavaPattern.of(pattern)).toThrow(problem);
  });

  test('a group keeps what it matched in an earlier turn', () => {
    expect(JavaPattern.of('(?:(a)|b)+').exec('ab')?.groups).toEqual(['ab', 'a']);
  });

  test('places are those of UTF-16, and matching goes on from anywhere', () => {
    expect(JavaPattern.of('b').exec('😀b')).toEqual({ start: 2, end: 3, groups: ['b'] });
    expect([...JavaPattern.of('a?').matches('ba')].map((match) => match.start)).toEqual([0, 1, 2]);
    expect(JavaPattern.of('^a').exec('aa', 1)).toBeUndefined();
  });

  test('whole texts', () => {
    expect(JavaPattern.whole('a|ab').test('ab')).toBe(true);
    expect(JavaPattern.whole('a').test('a\n')).toBe(false);
    expect(JavaPattern.whole('(?x)a # comment').test('a')).toBe(true);
  });

  // Each of these takes an engine that goes back for ever: 2ⁿ or n⁴ steps.
  test.each([
    ['^(a+)+$', `${'a'.repeat(10_000)}!`, undefined],
    ['(a|a)*b', 'a'.repeat(10_000), undefined],
    ['(.*a){12}', 'a'.repeat(5000), 5000],
    ['a.*a.*a.*a.*c', 'a'.repeat(5000), undefined],
    ['(\\w+\\s?)*!$', 'word '.repeat(2000), undefined],
    ['(?:x+x+)+y', 'x'.repeat(10_000), undefined],
  ])('%s takes a step per character', (pattern, text, end) => {
    expect(JavaPattern.of(pattern).exec(text)?.end).toBe(end);
  });

  test.each(['(?=(a+)+$)', '^(a+)+\\1$', '(?<!b)(a*)*c'])('%s is stopped by the watchdog', (pattern) => {
    expect(() => JavaPattern.of(pattern).exec(`${'a'.repeat(40)}!`)).toThrow(
      expect.objectContaining({ code: 'REGEX_TAKES_TOO_LONG' }),
    );
  });
});

const hasJava = spawnSync('java', ['--version']).status === 0;
if (!hasJava) console.log('skipped: the comparison with java.util.regex, because there is no Java');

describe.skipIf(!hasJava)('beside java.util.regex', () => {
  const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '*+', '?+', '{2,3}?');
  const atom = fc.constantFrom(
    ...[
      'a',
      'b',
      'A',
      '.',
      '\\d',
      '\\w',
      '\\s',
      '\\W',
      '[abc]',
      '[^a]',
      '[a-c&&[^b]]',
      '[\\w&&[^b-z]]',
      '[^ab[c]]',
      'é',
    ],
    ...[
      '\\p{Alpha}',
      '\\p{L}',
      '\\P{Lu}',
      '\\R',
      '\\h',
      '\\Q.*\\E',
      '[]a]',
      '[a-]',
      '[\\d-a]',
      '\\x41',
      '\\u0062',
      ' ',
    ],
  );
  const place = fc.constantFrom(
    '^',
    '$',
    '\\b',
    '\\B',
    '\\Z',
    '\\z',
    '\\A',
    '(?=b)',
    '(?!a)',
    '(?<=a)',
    '(?<!b)',
    '(?i)',
  );
  const { pattern } = fc.letrec<{ pattern: string; part: string }>((tie) => ({
    part: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.tuple(atom, quantifier).map((both) => both.join('')),
      place,
      fc.array(fc.tuple(atom, quantifier), { maxLength: 3 }).map((body) => `(?>${body.flat().join('')})`),
      fc.tuple(tie('pattern'), fc.constantFrom('', '?')).map(([body, suffix]) => `(${body})${suffix}`),
      fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(?:${a}|${b})`),
      fc
        .tuple(fc.constantFrom('?i:', '?m:', '?s:', '?x:', '?iu:', '?U:'), tie('pattern'))
        .map(([flags, body]) => `(${flags}${body})`),
    ),
    pattern: fc.array(tie('part'), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')),
  }));
  const text = fc.string({ unit: fc.constantFrom(...'abcAB1 \n\réÉx_ß\t'), maxLength: 9 });

  test('finds the same matches and groups', () => {
    const cases = fc.sample(fc.tuple(pattern, text), { numRuns: 2000, seed: 17 });
    const { stdout, stderr } = spawnSync('java', ['test/util/JavaRegexOracle.java'], {
      input: cases.map(([p, t]) => `${utf16(p)}\t${utf16(t)}\n`).join(''),
      encoding: 'utf8',
      maxBuffer: 1e8,
    });
    expect(stderr).toBe('');
    const answers = stdout.split('\n').slice(0, -1);
    expect(answers).toHaveLength(cases.length);
    const others = cases
      .map(([p, t], i) => ({ pattern: p, text: t, java: inText(answers[i]!, t), ours: ours(p, t) }))
      .filter(({ java, ours: own }) => java !== own);
    expect(others).toEqual([]);
  });
});

function utf16(text: string): string {
  return Array.from({ length: text.length }, (_, i) => text.charCodeAt(i).toString(16).padStart(4, '0')).join('');
}

/** The oracle's places of groups as the texts that stand there. */
function inText(answer: string, text: string): string {
  return answer.replace(/,(-?\d+)-(-?\d+)/g, (_, start, end) => `,${start === '-1' ? '×' : text.slice(+start, +end)}`);
}

function ours(pattern: string, text: string): string {
  try {
    return [...JavaPattern.of(pattern).matches(text)]
      .map(({ start, end, groups }) => `;${[`${start}-${end}`, ...groups.slice(1).map((g) => g ?? '×')].join(',')}`)
      .join('');
  } catch (error) {
    if (error instanceof PatternSyntaxError) return 'refused';
    throw error;
  }
}
