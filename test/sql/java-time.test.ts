// Dates and times beside java.time: random patterns, times and zones are written and read by both.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dateTimePattern } from '../../src/sql/values/datetime-pattern.ts';
import { regionIds } from '../../src/sql/values/zones.ts';

const hasJava = spawnSync('java', ['--version']).status === 0;
if (!hasJava) console.log('skipped: the comparison with java.time, because there is no Java');

type What = 'format' | 'formatDate' | 'formatTime' | 'parseTimestamp' | 'parseDate' | 'parseTime';

interface Case {
  readonly what: What;
  readonly pattern: string;
  readonly zone: string;
  readonly input: string;
}

// Zones whose rules the platform's data and that of Java 17 have in common, of every kind.
const ZONES = [
  ...['UTC', 'GMT', 'Z', '+05:30', '-03', '+1', 'UTC+3', 'GMT-02:30', 'Etc/GMT+5', 'America/New_York', 'Europe/Berlin'],
  ...['America/Los_Angeles', 'Europe/London', 'Asia/Kolkata', 'Asia/Tokyo', 'Australia/Lord_Howe', 'America/Sao_Paulo'],
  ...['Europe/Istanbul', 'Pacific/Apia', 'America/Havana', 'Asia/Kathmandu', 'America/St_Johns', 'Africa/Cairo'],
  ...['Pacific/Auckland', 'PST', 'utc', 'Mars/Olympus', 'CET', 'EST5EDT', 'Asia/Shanghai'],
];

const date = [
  'yyyy',
  'uuuu',
  'yy',
  'y',
  'u',
  'G',
  'GGGG',
  'GGGGG',
  'M',
  'MM',
  'MMM',
  'MMMM',
  'MMMMM',
  'LLL',
  'd',
  'dd',
];
const week = [
  'D',
  'DD',
  'DDD',
  'E',
  'EEEE',
  'EEEEE',
  'e',
  'ee',
  'eee',
  'c',
  'cccc',
  'Q',
  'QQQ',
  'QQQQ',
  'q',
  'w',
  'ww',
];
const more = ['W', 'Y', 'YY', 'YYYY', 'YYYYY', 'F', 'g', 'yyyyy', 'MMMMMM', 'ddd', 'cc', 'FF', 'www'];
const time = [
  'H',
  'HH',
  'h',
  'hh',
  'K',
  'k',
  'kk',
  'm',
  'mm',
  's',
  'ss',
  'S',
  'SSS',
  'SSSSSS',
  'a',
  'A',
  'n',
  'N',
  'HHH',
];
const zone = ['X', 'XX', 'XXX', 'XXXX', 'XXXXX', 'x', 'xx', 'xxx', 'Z', 'ZZZZ', 'ZZZZZ', 'O', 'OOOO', 'VV', 'V', 'OO'];
const names = ['z', 'zzz', 'zzzz', 'v', 'vvvv', 'zzzzz'];
const between = ['-', ' ', '/', ':', '.', ',', "'T'", "'o''clock'", "''", '', '', '', 'é', '{', "'"];

const letters = fc.oneof(
  { arbitrary: fc.constantFrom(...date), weight: 4 },
  { arbitrary: fc.constantFrom(...time), weight: 4 },
  { arbitrary: fc.constantFrom(...week, ...more), weight: 2 },
  { arbitrary: fc.constantFrom(...zone, ...names), weight: 1 },
  { arbitrary: fc.constantFrom('ppH', 'pppd', 'ppppMMM', 'p', 'ppX', 'j', 'pppppuuuu'), weight: 1 },
);
const run = fc
  .array(fc.tuple(letters, fc.constantFrom(...between)), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.flat().join(''));
const usual = fc
  .tuple(
    fc.constantFrom(
      'yyyy-MM-dd',
      'yyyyMMdd',
      'uuuu-MM-dd',
      'd MMM yyyy',
      'EEE, dd MMM yy',
      'yyyy-DDD',
      "YYYY-'W'ww-e",
      'MM/dd',
      'yyyy',
      'yyyy MMM W E',
      'dd.MM.yyyy G',
      'g',
    ),
    fc.constantFrom(' ', "'T'", ''),
    fc.constantFrom(
      'HH:mm:ss',
      'HHmmss',
      'HH:mm',
      'hh:mm a',
      'KK:mm:ss a',
      'kk:mm',
      'HH:mm:ss.SSS',
      'HHmmssSSS',
      '',
      'HH[:mm[:ss]]',
      'A',
      'N',
      'mm:ss',
      'h',
      'a',
    ),
    fc.constantFrom('', '', ' z', ' zzzz', 'XXX', ' VV', ' O', 'xx', '[XXX]', "['['VV']']", ' v'),
  )
  .map((parts) => parts.join(''));
const pattern = fc.oneof(
  usual,
  run,
  fc.tuple(run, run).map(([a, b]) => `${a}[${b}]`),
);
const epochMs = fc.oneof(
  fc.integer({ min: Date.UTC(1972, 0), max: Date.UTC(2024, 0) }),
  fc.integer({ min: 0, max: 1500 }).map((hours) => Date.UTC(2021, 2, 1) + hours * 1_800_000),
  fc.integer({ min: Date.UTC(-200, 0), max: Date.UTC(9999, 0) }).map((ms) => Math.floor(ms / DAY) * DAY),
);
const DAY = 86_400_000;

function written(count: number, seed: number): Case[] {
  const what = fc.constantFrom<What>('format', 'format', 'formatDate', 'formatTime');
  return fc
    .sample(fc.tuple(what, pattern, fc.constantFrom(...ZONES), epochMs), { numRuns: count, seed })
    .map(([kind, p, z, ms]) => {
      const days = Math.floor(ms / DAY);
      const input = kind === 'format' ? ms : kind === 'formatDate' ? days : ms - days * DAY;
      return { what: kind, pattern: p, zone: z, input: String(input) };
    });
}

/** Texts that were written by a pattern, and some of them changed. */
function read(count: number, seed: number): Case[] {
  const what = fc.constantFrom<What>('parseTimestamp', 'parseTimestamp', 'parseDate', 'parseTime');
  const change = fc.tuple(
    fc.constantFrom('keep', 'keep', 'digit', 'digit', 'cut', 'case', 'insert'),
    fc.nat(),
    fc.constantFrom(...'0123459 +-Z'),
  );
  const inputs = fc.tuple(what, pattern, fc.constantFrom(...ZONES), fc.constantFrom(...ZONES), epochMs, change);
  return fc.sample(inputs, { numRuns: count, seed }).flatMap(([kind, p, from, z, ms, [how, place, by]]) => {
    let text: string;
    try {
      text = dateTimePattern(p).format(ms, from);
    } catch {
      text = '2021-02-03';
    }
    const at = place % (text.length + 1);
    const digit = [...text.matchAll(/\d/g)].map((match) => match.index);
    const on = digit.length === 0 ? at : digit[place % digit.length]!;
    const changed = {
      keep: text,
      digit: text.slice(0, on) + by + text.slice(on + 1),
      cut: text.slice(0, at),
      case: text.toLowerCase(),
      insert: text.slice(0, at) + by + text.slice(at),
    }[how as 'keep'];
    return [{ what: kind, pattern: p, zone: z, input: changed }];
  });
}

const utf16 = (text: string): string =>
  Array.from({ length: text.length }, (_, i) => text.charCodeAt(i).toString(16).padStart(4, '0')).join('');

function javas(cases: readonly Case[]): string[] {
  const { stdout, stderr } = spawnSync('java', [join(import.meta.dirname, 'JavaTimeOracle.java')], {
    input: cases
      .map((each) => {
        const input = each.what.startsWith('format') ? each.input : utf16(each.input);
        return `${[each.what, utf16(each.pattern), each.zone, input].join('\t')}\n`;
      })
      .join(''),
    encoding: 'utf8',
    maxBuffer: 1e8,
  });
  expect(stderr).toBe('');
  return stdout.split('\n').slice(0, -1);
}

function ours({ what, pattern: text, zone: id, input }: Case): string {
  try {
    const compiled = dateTimePattern(text);
    switch (what) {
      case 'format':
        return compiled.format(Number(input), id);
      case 'formatDate':
        return compiled.formatDate(Number(input));
      case 'formatTime':
        return compiled.formatTime(Number(input));
      case 'parseTimestamp':
        return String(compiled.parseTimestamp(input, id));
      case 'parseDate':
        return String(compiled.parseDate(input));
      case 'parseTime':
        return String(compiled.parseTime(input));
    }
  } catch (error) {
    if (error instanceof RangeError) return 'refused';
    throw error;
  }
}

function differences(cases: readonly Case[]): unknown[] {
  const answers = javas(cases);
  expect(answers).toHaveLength(cases.length);
  return cases
    .map((each, i) => ({ ...each, java: inRange(each.what, answers[i]!), ours: ours(each) }))
    .filter(({ java, ours: own }) => java !== own);
}

/** Times that are no exact numbers are refused: no record has them. */
const inRange = (what: What, answer: string): string =>
  what === 'parseTimestamp' && answer !== 'refused' && !Number.isSafeInteger(Number(answer)) ? 'refused' : answer;

describe.skipIf(!hasJava)('beside java.time', () => {
  test('dates and times are written alike', () => {
    expect(differences(written(6000, 17))).toEqual([]);
  });

  // The platform's data is newer than Java 17's, which has no Coyhaique, and has Casey and Windhoek at other standard times.
  const zones = [...regionIds()].filter((id) => !/Coyhaique|Casey|Windhoek/.test(id));

  test('every zone has the same names and offsets', () => {
    const cases = zones.flatMap((id) =>
      ['z', 'zzzz', 'v', 'vvvv', 'XXXXX', 'VV'].flatMap((letters) =>
        [Date.UTC(1985, 0, 20), Date.UTC(2019, 0, 20), Date.UTC(2019, 6, 20), Date.UTC(2022, 4, 8)].map(
          (ms): Case => ({ what: 'format', pattern: letters, zone: id, input: String(ms) }),
        ),
      ),
    );
    expect(differences(cases)).toEqual([]);
  });

  test('every name of a zone is read alike', () => {
    const cases = zones.flatMap((id) =>
      ['z', 'zzzz', 'VV'].flatMap((letters) =>
        [0, 181].map((day): Case => {
          const pattern = `yyyy-MM-dd HH:mm ${letters}`;
          const input = dateTimePattern(pattern).format((day + 18_270) * DAY, id);
          return { what: 'parseTimestamp', pattern, zone: 'UTC', input };
        }),
      ),
    );
    expect(differences(cases)).toEqual([]);
  });

  test('parts of the day are written alike', () => {
    const cases = Array.from({ length: 96 }, (_, i): Case[] =>
      ['B', 'BBBB', 'BBBBB'].map((pattern) => ({
        what: 'formatTime',
        pattern,
        zone: 'UTC',
        input: String(i * 900_000),
      })),
    );
    expect(differences(cases.flat())).toEqual([]);
  });

  test('dates and times are read alike', () => {
    expect(differences(read(8000, 18))).toEqual([]);
  });
});
