/** Text to dates and times, in the forms that casts and literals accept. */

import { lengthOfMonth } from './datetime-fields.ts';
import { DAY_MS } from './zones.ts';

const DATE = /^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$/;
const TIMESTAMP =
  /^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T ](\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?)?)?)?)?(Z|[+-]\d{2}:?\d{2})?$/;
const TIME = /^(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?$/;

/**
 * Milliseconds since the epoch of an ISO text; missing parts are the smallest, a missing zone is UTC. As everywhere where timestamps
 * are read, a day behind the end of its month is the last, and 24:00 the next day's beginning.
 */
export function parseTimestamp(text: string): number {
  const match = TIMESTAMP.exec(text.trim());
  if (match === null) throw new RangeError(`Failed to parse timestamp '${text}'`);
  const [, year, month = '1', day = '1', hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = match;
  const last = lengthOfMonth(Number(year), Number(month));
  const ms = utc(Number(year), Number(month), Number(day) > 31 ? Number(day) : Math.min(Number(day), last), text);
  const isMidnight = Number(hour) === 24 && Number(minute) === 0 && Number(second) === 0 && Number(fraction) === 0;
  const time = isMidnight ? DAY_MS : timeOf(Number(hour), Number(minute), Number(second), fraction, text);
  return ms + time - zoneOffset(zone);
}

/** Days since the epoch. */
export function parseDate(text: string): number {
  const match = DATE.exec(text.trim());
  if (match === null) return Math.floor(parseTimestamp(text) / DAY_MS);
  const [, year, month = '1', day = '1'] = match;
  return utc(Number(year), Number(month), Number(day), text) / DAY_MS;
}

/** Milliseconds of the day. */
export function parseTime(text: string): number {
  const match = TIME.exec(text.trim());
  if (match === null) throw new RangeError(`Failed to parse time '${text}'`);
  const [, hour, minute, second = '0', fraction = ''] = match;
  return timeOf(Number(hour), Number(minute), Number(second), fraction, text);
}

function zoneOffset(zone: string): number {
  if (zone === 'Z') return 0;
  const digits = zone.replace(':', '');
  const minutes = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5));
  return (digits.startsWith('-') ? -1 : 1) * minutes * 60_000;
}

/** Refuses a day that the calendar does not have. */
export function utc(year: number, month: number, day: number, text: string): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) throw new RangeError(`Invalid date in '${text}'`);
  return date.getTime();
}

function timeOf(hour: number, minute: number, second: number, fraction: string, text: string): number {
  if (hour > 23 || minute > 59 || second > 59) throw new RangeError(`Invalid time in '${text}'`);
  return ((hour * 60 + minute) * 60 + second) * 1000 + Number(fraction.padEnd(3, '0').slice(0, 3));
}
