// The conditions of `consume --filter`, and the places of `--offset`.
import { describe, expect, test } from 'vitest';
import { parseFilter } from '../../../src/cli/commands/filter.ts';
import { parsePosition, parseRange } from '../../../src/cli/commands/positions.ts';
import { parseExactJson } from '../../../src/util/index.ts';

const record = {
  topic: 'orders',
  partition: 1,
  offset: 7,
  timestamp: Date.UTC(2026, 0, 31, 12),
  key: 'x',
  value: parseExactJson(
    '{"amount": 12.5, "id": 9007199254740993, "items": [{"sku": "a"}], "odd name": true, "none": null, "text": "10"}',
  ),
  headers: { trace: 'abc' },
};

describe('conditions', () => {
  test.each([
    ['value.amount > 10 AND key = "x"', true],
    ["value.amount > 10 and key = 'y'", false],
    ["key = 'y' OR partition = 1", true],
    ["NOT key = 'y'", true],
    ["NOT (key = 'x' OR key = 'y')", false],
    ["value.items[0].sku = 'a'", true],
    ["value.items[1].sku = 'a'", false],
    ["value['odd name']", true],
    ["value['odd name'] = TRUE", true],
    // Nothing compares with what is not there.
    ['value.none = 1', false],
    ['value.none != 1', false],
    ['NOT value.none = 1', false],
    ['value.none IS NULL', true],
    ['value.missing.deeper IS NULL', true],
    ['value.amount IS NOT NULL', true],
    ['value.none = 1 OR key = "x"', true],
    // All digits.
    ['value.id = 9007199254740993', true],
    ['value.id = 9007199254740992', false],
    ['value.id > 9007199254740992', true],
    // Texts that are numbers, and times.
    ['value.text < 9', false],
    ['value.text = 10', true],
    ["timestamp >= '2026-01-31T12:00' AND timestamp < '2026-02-01'", true],
    ["value.amount = 'much'", false],
    ["value.amount <> 'much'", true],
    ["headers.trace ~ '^a'", true],
    ["headers.trace !~ 'b'", false],
    ["headers.other ~ 'b'", false],
    ["topic IN ('orders', 'returns') AND offset NOT IN (1, 2)", true],
    ['value.none NOT IN (1)', false],
    ["key = 'it''s'", false],
    ['value = value', true],
  ])('%s: %s', (text, expected) => {
    expect(parseFilter(text)(record)).toBe(expected);
  });

  test.each([
    ['amount > 10', 'character 1 of amount > 10: one of topic, partition, offset, timestamp, key, value, headers'],
    ['value.amount >', 'character 15 of value.amount >: a value, or the name of one is expected at the end'],
    ['key = "x', 'character 7'],
    ['key = "x" extra', 'AND, OR or the end is expected, not "extra"'],
    ['key ~ "["', 'character 7'],
    ['(key = 1', '")" is expected at the end'],
    ['key & 1', 'character 5 of key & 1: "& 1" has no meaning here'],
    ['', 'is expected at the end'],
  ])('%s is refused with its place', (text, why) => {
    expect(() => parseFilter(text)).toThrow(why);
  });
});

describe('places', () => {
  test.each([
    ['start', { behindStart: 0 }],
    ['end', { beforeEnd: 0 }],
    ['47', { offset: 47 }],
    ['+2', { behindStart: 2 }],
    ['-3', { beforeEnd: 3 }],
    ['@1700000000000', { timestamp: 1_700_000_000_000 }],
    ['@2026-01-31', { timestamp: Date.UTC(2026, 0, 31) }],
    ['@2026-01-31T12', { timestamp: Date.UTC(2026, 0, 31, 12) }],
    ['@2026-01-31T12:30', { timestamp: Date.UTC(2026, 0, 31, 12, 30) }],
    ['@2026-01-31T12:30:05.250', { timestamp: Date.UTC(2026, 0, 31, 12, 30, 5, 250) }],
    ['@2026-01-31T12:30+02:00', { timestamp: Date.UTC(2026, 0, 31, 10, 30) }],
  ])('%s', (text, expected) => {
    expect(parsePosition('--offset', text)).toEqual(expected);
    expect(parseRange('--offset', text)).toEqual({ from: expected, to: undefined });
    expect(parseRange('--offset', `+1:${text}`)).toEqual({ from: { behindStart: 1 }, to: expected });
    expect(parseRange('--offset', `${text}:end`)).toEqual({ from: expected, to: { beforeEnd: 0 } });
    expect(parseRange('--offset', `:${text}`)).toEqual({ from: { behindStart: 0 }, to: expected });
  });

  test('a second time needs no @', () => {
    expect(parseRange('--offset', '@1700000000000:1700000000001')).toEqual({
      from: { timestamp: 1_700_000_000_000 },
      to: { timestamp: 1_700_000_000_001 },
    });
    expect(parseRange('--offset', '@2026-01-31T12:30:2026-01-31T13:00')).toEqual({
      from: { timestamp: Date.UTC(2026, 0, 31, 12, 30) },
      to: { timestamp: Date.UTC(2026, 0, 31, 13) },
    });
  });

  test('so long ago', () => {
    const before = Date.now();
    const position = parsePosition('--offset', '@-2h') as { timestamp: number };
    expect(position.timestamp).toBeGreaterThanOrEqual(before - 7_200_000);
    expect(position.timestamp).toBeLessThanOrEqual(Date.now() - 7_200_000);
  });

  test.each(['', 'middle', '1:x', '@noon', '1.5', '-'])('"%s" is none', (text) => {
    expect(() => parseRange('--offset', text)).toThrow('is no place in a partition');
  });
});
