// Readers of the server's texts alone: dates against JavaScript's own calendar, arrays and hstores against what was written.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../../src/connect/index.ts';
import { parseArray, parseHstore, parsePoint } from '../../../src/connect/connectors/postgres/types/container-text.ts';
import {
  intervalUs,
  isoDate,
  isoInterval,
  isoTime,
  momentMs,
  momentUs,
  parseInterval,
  parseMoment,
  parseTime,
} from '../../../src/connect/connectors/postgres/types/time-text.ts';

describe('times', () => {
  test('are those of the calendar that JavaScript has, before our era, too', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -60_000_000, max: 60_000_000 }),
        fc.integer({ min: 0, max: 86_399_999_999 }),
        (days, dayUs) => {
          const iso = isoDate(days);
          const [sign, digits] = [/^[+-]/.exec(iso)?.[0] ?? '', iso.replace(/^[+-]/, '')];
          const year = Number(`${sign}${digits.split('-')[0]}`);
          const [, month, day] = digits.split('-');
          // As the server writes it: there is no year 0.
          const shown = `${String(year > 0 ? year : 1 - year).padStart(4, '0')}-${month}-${day} ${isoTime(dayUs)}+00${year > 0 ? '' : ' BC'}`;
          expect(parseMoment(shown)).toEqual({ days, dayUs });
          expect(momentUs({ days, dayUs })).toBe(BigInt(days) * 86_400_000_000n + BigInt(dayUs));
          const date = new Date(momentMs({ days, dayUs }));
          expect([date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()]).toEqual([
            year,
            Number(month),
            Number(day),
          ]);
        },
      ),
    );
  });

  test('have offsets, and whole days to carry', () => {
    expect(parseMoment('2024-01-01 00:30:00+02')).toEqual({ days: 19722, dayUs: 81_000_000_000 });
    expect(parseMoment('2024-01-01 23:30:00-05:30')).toEqual({ days: 19724, dayUs: 18_000_000_000 });
    expect(parseTime('24:00:00-15:59:59')).toEqual({ us: 86_400_000_000, offsetUs: -57_599_000_000 });
  });

  test('that are none are refused', () => {
    for (const text of ['', '2024', '2024-1-1', 'x', '2024-01-01T00:00:00'])
      expect(() => parseMoment(text)).toThrow(DataError);
    for (const text of ['', '1 dog', '1 day 2', '1 day  2 days', '00:00'])
      expect(() => parseInterval(text)).toThrow(DataError);
    expect(() => parseTime('1:00')).toThrow(DataError);
  });

  test('have spans', () => {
    expect(parseInterval('1 year 2 mons -3 days +04:05:06.789')).toEqual({ months: 14, days: -3, us: 14_706_789_000 });
    expect(isoInterval(parseInterval('-1 years -2 mons +3 days -00:00:00.5'))).toBe('P-1Y-2M3DT0H0M-0.5S');
    expect(intervalUs(parseInterval('1 mon'))).toBe(2_629_800_000_000n);
    expect(isoInterval(parseInterval('00:00:00'))).toBe('P0Y0M0DT0H0M0S');
  });
});

describe('containers', () => {
  const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
  const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('NULL', '', '{}', ',', '"', '\\'));

  test('arrays are read as they were written, in several dimensions one after the other', () => {
    fc.assert(
      fc.property(fc.array(fc.option(texts)), (elements) => {
        const shown = elements.map((each) => (each === null ? 'NULL' : quoted(each))).join(',');
        expect(parseArray(`{${shown}}`, ',')).toEqual(elements);
        expect(parseArray(`[0:9]={{${shown}},{${shown}}}`, ',')).toEqual([...elements, ...elements]);
      }),
    );
    expect(parseArray('{1,2.5,a\\,b}', ',')).toEqual(['1', '2.5', 'a\\', 'b']);
    expect(parseArray('{(1,2),(3,4);(5,6),(7,8)}', ';')).toEqual(['(1,2),(3,4)', '(5,6),(7,8)']);
  });

  test('hstores are read as they were written', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(texts, fc.option(texts)), { selector: ([key]) => key }), (entries) => {
        const shown = entries
          .map(([key, value]) => `${quoted(key)}=>${value === null ? 'NULL' : quoted(value)}`)
          .join(', ');
        expect([...parseHstore(shown)]).toEqual(entries);
      }),
    );
  });

  test('that are none are refused, and never read for ever', () => {
    for (const text of ['', '1', '{', '{1', '{"1}', '{1}}', '{1} '])
      expect(() => parseArray(text, ',')).toThrow(DataError);
    for (const text of ['a', '"a"', '"a"=>', '"a"=>"b', '"a"=>"b" "c"'])
      expect(() => parseHstore(text)).toThrow(DataError);
    expect(() => parsePoint('(1)')).toThrow(DataError);
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('{', '}', '"', '\\', ',', 'a', '=', '>', ' ', '[') }), (text) => {
        for (const read of [(): unknown => parseArray(text, ','), (): unknown => parseHstore(text)]) {
          try {
            read();
          } catch (error) {
            expect(error).toBeInstanceOf(DataError);
          }
        }
      }),
    );
  });
});
