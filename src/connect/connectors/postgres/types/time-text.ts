// Dates, times and intervals, read from what the server writes (DateStyle ISO, IntervalStyle postgres, TimeZone UTC) and
// written in ISO 8601. Days and microseconds are counted in the proleptic Gregorian calendar, as the server counts them.
import { DataError } from '../../../data/errors.ts';

const DAY_US = 86_400_000_000;

/** A point in time: whole days since 1970, and microseconds of the day; or one of the two ends of time. */
export interface Moment {
  readonly days: number;
  readonly dayUs: number;
}

/** `infinity` and `-infinity`, which dates and timestamps may be. */
export type Infinite = 'infinity' | '-infinity';

/** Whether the text is one of the two ends of time. */
export function isInfinite(text: string): text is Infinite {
  return text === 'infinity' || text === '-infinity';
}

const MOMENT =
  /^(\d{4,})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?(?:([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?)?( BC)?$/;

/** Reads a date, or a timestamp with or without an offset. */
export function parseMoment(text: string): Moment {
  const match = MOMENT.exec(text);
  if (match === null) throw new DataError(`${JSON.stringify(text)} is no date that PostgreSQL writes`);
  const year = match[12] === undefined ? Number(match[1]) : 1 - Number(match[1]);
  const days = daysFromCivil(year, Number(match[2]), Number(match[3]));
  if (match[4] === undefined) return { days, dayUs: 0 };
  const dayUs = timeUs(match[4], match[5]!, match[6]!, match[7]) - offsetUs(match[8], match[9], match[10], match[11]);
  return dayUs >= 0 && dayUs < DAY_US ? { days, dayUs } : carried(days, dayUs);
}

function carried(days: number, dayUs: number): Moment {
  const more = Math.floor(dayUs / DAY_US);
  return { days: days + more, dayUs: dayUs - more * DAY_US };
}

/** Microseconds since 1970; exact. */
export function momentUs({ days, dayUs }: Moment): bigint {
  const us = days * DAY_US + dayUs;
  return Number.isSafeInteger(us) ? BigInt(us) : BigInt(days) * BigInt(DAY_US) + BigInt(dayUs);
}

/** Milliseconds since 1970, rounded down. */
export function momentMs({ days, dayUs }: Moment): number {
  return days * 86_400_000 + Math.floor(dayUs / 1000);
}

const TIME = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?)?$/;

/** Reads a time of day, 00:00 to 24:00: microseconds, and how far its zone is ahead of UTC. */
export function parseTime(text: string): { readonly us: number; readonly offsetUs: number } {
  const match = TIME.exec(text);
  if (match === null) throw new DataError(`${JSON.stringify(text)} is no time that PostgreSQL writes`);
  const [, hours, minutes, seconds, fraction, sign, ...offset] = match;
  return {
    us: timeUs(hours!, minutes!, seconds!, fraction),
    offsetUs: offsetUs(sign, offset[0], offset[1], offset[2]),
  };
}

function timeUs(hours: string, minutes: string, seconds: string, fraction: string | undefined): number {
  const us = fraction === undefined ? 0 : Number(fraction.padEnd(6, '0'));
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000_000 + us;
}

function offsetUs(sign: string | undefined, hours = '0', minutes = '0', seconds = '0'): number {
  if (sign === undefined) return 0;
  return (sign === '-' ? -1 : 1) * timeUs(hours, minutes, seconds, undefined);
}

/** Days since 1970 of a date of the proleptic Gregorian calendar; year 0 is 1 BC. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return (
    era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
  );
}

function civilFromDays(days: number): { year: number; month: number; day: number } {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return { year, month, day: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1 };
}

/** `2024-02-29`; years of more than four digits with a sign, years before our era as 0 and below. */
export function isoDate(days: number): string {
  const { year, month, day } = civilFromDays(days);
  const digits = String(Math.abs(year)).padStart(4, '0');
  const sign = year < 0 ? '-' : digits.length > 4 ? '+' : '';
  return `${sign}${digits}-${two(month)}-${two(day)}`;
}

/** `10:34:56.789012`. `digits` of the fraction: so many, or as many as say something. */
export function isoTime(us: number, digits?: number): string {
  const seconds = Math.floor(us / 1_000_000);
  const fraction = String(us - seconds * 1_000_000).padStart(6, '0');
  const shown = digits === undefined ? fraction.replace(/0+$/, '') : fraction.slice(0, digits);
  const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return shown === '' ? clock : `${clock}.${shown}`;
}

/** The time of day that it is in UTC when it is `us` in a zone so far ahead of it. */
export function utcTimeUs(us: number, ahead: number): number {
  const shifted = (us - ahead) % DAY_US;
  return shifted < 0 ? shifted + DAY_US : shifted;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

/** A span of time, in the three units that PostgreSQL keeps apart. */
export interface Interval {
  readonly months: number;
  readonly days: number;
  readonly us: number;
}

const PART = String.raw`([+-]?\d+) (year|mon|day)s?|([+-]?)(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?`;
const INTERVAL = new RegExp(`^(?:${PART})(?: (?:${PART}))*$`);
const INTERVAL_PART = new RegExp(PART, 'g');

/** Reads `1 year 2 mons -3 days 04:05:06.789`. */
export function parseInterval(text: string): Interval {
  if (!INTERVAL.test(text)) throw new DataError(`${JSON.stringify(text)} is no interval that PostgreSQL writes`);
  let [months, days, us] = [0, 0, 0];
  for (const match of text.matchAll(INTERVAL_PART)) {
    const count = Number(match[1]);
    if (match[2] === 'year') months += count * 12;
    else if (match[2] === 'mon') months += count;
    else if (match[2] === 'day') days += count;
    else us += (match[3] === '-' ? -1 : 1) * timeUs(match[4]!, match[5]!, match[6]!, match[7]);
  }
  return { months, days, us };
}

/** A month counted as a twelfth of 365.25 days. */
const MONTH_US = (365.25 / 12) * DAY_US;

/** Its length in microseconds, with months of an average length. */
export function intervalUs({ months, days, us }: Interval): bigint {
  return BigInt(months) * BigInt(MONTH_US) + BigInt(days) * BigInt(DAY_US) + BigInt(us);
}

/** `P1Y2M3DT4H5M6.789S`, every unit with a sign of its own. */
export function isoInterval({ months, days, us }: Interval): string {
  const [years, restMonths] = [Math.trunc(months / 12), months % 12];
  const seconds = Math.trunc(us / 1_000_000);
  const fraction = String(Math.abs(us - seconds * 1_000_000))
    .padStart(6, '0')
    .replace(/0+$/, '');
  const [hours, minutes, rest] = [Math.trunc(seconds / 3600), Math.trunc(seconds / 60) % 60, seconds % 60];
  const sign = us < 0 && rest === 0 && fraction !== '' ? '-' : '';
  const part = (value: number): string => String(value === 0 ? 0 : value);
  return `P${part(years)}Y${part(restMonths)}M${part(days)}DT${part(hours)}H${part(minutes)}M${sign}${part(rest)}${fraction === '' ? '' : `.${fraction}`}S`;
}
