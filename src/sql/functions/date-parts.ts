// The parts of dates and times as numbers, as SQL has them elsewhere (ksqlDB has them as patterns of text only). Timestamps, and
// epoch milliseconds like ROWTIME, are in UTC unless a time zone is named.
import { DAY_MS, zoneOffsetAt } from '../values/zones.ts';
import { pure, type ScalarFunction, scalar } from './function.ts';

/** A part of a day: the time since midnight, in ms. */
type OfTime = (ms: number) => number;
/** A part of a date, as a calendar has it. */
type OfDate = (date: Date) => number;

const floorMod = (value: number, by: number): number => ((value % by) + by) % by;

function ofTime(name: string, description: string, part: OfTime): ScalarFunction {
  const at = (ms: number, zone: string): number => part(floorMod(ms + zoneOffsetAt(zone, ms), DAY_MS));
  return scalar(name, 'DATE / TIME', description, [
    pure('TIME -> INT', part),
    pure('TIMESTAMP -> INT', (ms: number) => part(floorMod(ms, DAY_MS))),
    pure('TIMESTAMP, STRING -> INT', at),
    pure('BIGINT -> INT', (ms: number | bigint) => part(floorMod(Number(ms), DAY_MS))),
  ]);
}

function ofDate(name: string, description: string, part: OfDate): ScalarFunction {
  const at = (ms: number, zone: string): number => part(new Date(ms + zoneOffsetAt(zone, ms)));
  return scalar(name, 'DATE / TIME', description, [
    pure('DATE -> INT', (days: number) => part(new Date(days * DAY_MS))),
    pure('TIMESTAMP -> INT', (ms: number) => part(new Date(ms))),
    pure('TIMESTAMP, STRING -> INT', at),
    pure('BIGINT -> INT', (ms: number | bigint) => part(new Date(Number(ms)))),
  ]);
}

/** Monday is 1, Sunday 7. */
const dayOfWeek: OfDate = (date) => date.getUTCDay() || 7;

const dayOfYear: OfDate = (date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS) + 1;

/** The week of ISO 8601: it belongs to the year that has its Thursday. */
const week: OfDate = (date) => {
  const thursday = new Date(date.getTime() + (4 - dayOfWeek(date)) * DAY_MS);
  return Math.floor((dayOfYear(thursday) - 1) / 7) + 1;
};

export const datePartFunctions: readonly ScalarFunction[] = [
  ofDate('YEAR', 'The year.', (date) => date.getUTCFullYear()),
  ofDate('QUARTER', 'The quarter of the year, from 1.', (date) => Math.floor(date.getUTCMonth() / 3) + 1),
  ofDate('MONTH', 'The month of the year, from 1.', (date) => date.getUTCMonth() + 1),
  ofDate('WEEK', 'The week of the year as ISO 8601 counts them, from 1.', week),
  ofDate('DAY', 'The day of the month, from 1.', (date) => date.getUTCDate()),
  ofDate('DAYOFYEAR', 'The day of the year, from 1.', dayOfYear),
  ofDate('DAYOFWEEK', 'The day of the week: Monday is 1, Sunday 7.', dayOfWeek),
  ofTime('HOUR', 'The hour of the day, from 0.', (ms) => Math.floor(ms / 3_600_000)),
  ofTime('MINUTE', 'The minute of the hour, from 0.', (ms) => Math.floor(ms / 60_000) % 60),
  ofTime('SECOND', 'The second of the minute, from 0.', (ms) => Math.floor(ms / 1000) % 60),
];
