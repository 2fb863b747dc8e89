import { dateTimePattern } from '../values/datetime-pattern.ts';
import { DAY_MS, zoneOffsetAt } from '../values/zones.ts';
import type { SqlValue } from '../values/value.ts';
import { pure, type ScalarFunction, type ScalarOverload, scalar } from './function.ts';

const UNIT_MS: Record<string, number> = {
  DAYS: DAY_MS,
  HOURS: 3_600_000,
  MINUTES: 60_000,
  SECONDS: 1000,
  MILLISECONDS: 1,
};

export const systemZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

const floorMod = (value: number, by: number): number => ((value % by) + by) % by;

function shift(name: string, shownAs: string, type: 'DATE' | 'TIME' | 'TIMESTAMP', sign: 1 | -1): ScalarFunction {
  const compute: Record<typeof type, (value: number, ms: number) => number> = {
    DATE: (value, ms) => Math.floor((value * DAY_MS + ms) / DAY_MS),
    TIME: (value, ms) => floorMod(value + ms, DAY_MS),
    TIMESTAMP: (value, ms) => value + ms,
  };
  const words = sign > 0 ? 'later' : 'earlier';
  const overload: ScalarOverload = pure(
    `UNIT, INT, ${type} -> ${type}`,
    (unit: string, interval: number, value: number) => compute[type](value, sign * interval * UNIT_MS[unit]!),
  );
  return scalar(name, 'DATE / TIME', `A ${type} that is an interval ${words}.`, [overload], shownAs);
}

function convertZone(timestamp: number, from: string, to: string): number {
  return timestamp + zoneOffsetAt(to, timestamp) - zoneOffsetAt(from, timestamp);
}

function parseTimestamp(text: string, pattern: string, zone: string): SqlValue {
  return dateTimePattern(pattern).parseTimestamp(text, zone);
}

const parseTime = (text: string, pattern: string): SqlValue => dateTimePattern(pattern).parseTime(text);

const formatTime = (time: number, pattern: string): string => dateTimePattern(pattern).formatTime(time);

const formatDate = (days: number, pattern: string): string => dateTimePattern(pattern).formatDate(days);

const format = (ms: number, pattern: string, zone: string): string => dateTimePattern(pattern).format(ms, zone);

export const dateTimeFunctions: readonly ScalarFunction[] = [
  scalar('CONVERT_TZ', 'DATE / TIME', 'A timestamp moved from one time zone to another.', [
    pure('TIMESTAMP, STRING, STRING -> TIMESTAMP', convertZone),
  ]),
  shift('DATEADD', 'dateadd', 'DATE', 1),
  shift('DATESUB', 'datesub', 'DATE', -1),
  shift('TIMEADD', 'timeadd', 'TIME', 1),
  shift('TIMESUB', 'timesub', 'TIME', -1),
  shift('TIMESTAMPADD', 'timestampadd', 'TIMESTAMP', 1),
  shift('TIMESTAMPSUB', 'timestampsub', 'TIMESTAMP', -1),
  scalar('DATETOSTRING', 'DATE / TIME', 'Epoch days as text in a pattern (deprecated).', [
    pure('INT, STRING -> STRING', formatDate),
  ]),
  scalar('FORMAT_DATE', 'DATE / TIME', 'A date as text in a pattern.', [pure('DATE, STRING -> STRING', formatDate)]),
  scalar('FORMAT_TIME', 'DATE / TIME', 'A time as text in a pattern.', [pure('TIME, STRING -> STRING', formatTime)]),
  scalar('FORMAT_TIMESTAMP', 'DATE / TIME', 'A timestamp as text in a pattern.', [
    pure('TIMESTAMP, STRING -> STRING', (ms: number, pattern: string) => format(ms, pattern, 'UTC')),
    pure('TIMESTAMP, STRING, STRING -> STRING', format),
  ]),
  scalar('FROM_DAYS', 'DATE / TIME', 'The date of epoch days.', [pure('INT -> DATE', (days: number) => days)]),
  scalar('FROM_UNIXTIME', 'DATE / TIME', 'The timestamp of epoch milliseconds.', [
    pure('BIGINT -> TIMESTAMP', (ms: number) => ms),
  ]),
  scalar('PARSE_TIME', 'DATE / TIME', 'The time that a text in a pattern says.', [
    pure('STRING, STRING -> TIME', parseTime),
  ]),
  scalar('PARSE_TIMESTAMP', 'DATE / TIME', 'The timestamp that a text in a pattern says.', [
    pure('STRING, STRING -> TIMESTAMP', (text: string, pattern: string) => parseTimestamp(text, pattern, 'UTC')),
    pure('STRING, STRING, STRING -> TIMESTAMP', parseTimestamp),
  ]),
  scalar('STRINGTODATE', 'DATE / TIME', 'The epoch days that a text in a pattern says (deprecated).', [
    pure('STRING, STRING -> INT', (text: string, pattern: string) => dateTimePattern(pattern).parseDate(text)),
  ]),
  scalar('STRINGTOTIMESTAMP', 'DATE / TIME', 'The epoch milliseconds that a text in a pattern says (deprecated).', [
    pure('STRING, STRING -> BIGINT', (text: string, pattern: string) => parseTimestamp(text, pattern, systemZone())),
    pure('STRING, STRING, STRING -> BIGINT', parseTimestamp),
  ]),
  scalar('TIMESTAMPTOSTRING', 'DATE / TIME', 'Epoch milliseconds as text in a pattern (deprecated).', [
    pure('BIGINT, STRING -> STRING', (ms: number, pattern: string) => format(Number(ms), pattern, systemZone())),
    pure('BIGINT, STRING, STRING -> STRING', (ms: number, pattern: string, zone: string) =>
      format(Number(ms), pattern, zone),
    ),
  ]),
];
