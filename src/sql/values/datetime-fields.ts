// The fields of dates and times in the ISO calendar: their ranges, and what they are for a day and a time of the day. Weeks
// are those of English: they begin on Sunday, and the first of a year is the one with 1 January.
import { DAY_MS } from './zones.ts';

export const FIELD_RANGES = {
  ERA: [0, 1],
  YEAR: [-999_999_999, 999_999_999],
  YEAR_OF_ERA: [1, 1_000_000_000],
  QUARTER: [1, 4],
  MONTH: [1, 12],
  DAY: [1, 31],
  DAY_OF_YEAR: [1, 366],
  DAY_OF_WEEK: [1, 7],
  /** The days of a month in rows of seven. */
  ALIGNED_DAY: [1, 7],
  MODIFIED_JULIAN_DAY: [-365_243_219_162 + 40_587, 365_241_780_471 + 40_587],
  WEEK_BASED_YEAR: [-999_999_999, 999_999_999],
  WEEK: [1, 53],
  WEEK_OF_MONTH: [0, 6],
  /** Sunday is the first. */
  LOCAL_DAY_OF_WEEK: [1, 7],
  AM_PM: [0, 1],
  HOUR: [0, 23],
  CLOCK_HOUR: [1, 24],
  HOUR_OF_AM_PM: [0, 11],
  CLOCK_HOUR_OF_AM_PM: [1, 12],
  MINUTE: [0, 59],
  SECOND: [0, 59],
  NANO: [0, 999_999_999],
  MILLI_OF_DAY: [0, DAY_MS - 1],
  NANO_OF_DAY: [0, DAY_MS * 1e6 - 1],
  OFFSET: [-64_800, 64_800],
} as const satisfies Record<string, readonly [number, number]>;

export type Field = keyof typeof FIELD_RANGES;

export const DATE_FIELDS: ReadonlySet<Field> = new Set<Field>([
  'ERA',
  'YEAR',
  'YEAR_OF_ERA',
  'MONTH',
  'DAY',
  'DAY_OF_YEAR',
  'DAY_OF_WEEK',
  'ALIGNED_DAY',
]);

/** Refuses a value that a field never has. */
export function checked(field: Field, value: number): number {
  const [low, high] = FIELD_RANGES[field];
  if (value >= low && value <= high) return value;
  throw new RangeError(`Invalid value for ${nameOf(field)} (valid values ${low} - ${high}): ${value}`);
}

/** `DayOfMonth` and the like, as java.time says it. */
export function nameOf(field: Field): string {
  const names: Partial<Record<Field, string>> = {
    MONTH: 'MonthOfYear',
    DAY: 'DayOfMonth',
    HOUR: 'HourOfDay',
    CLOCK_HOUR: 'ClockHourOfDay',
    HOUR_OF_AM_PM: 'HourOfAmPm',
    CLOCK_HOUR_OF_AM_PM: 'ClockHourOfAmPm',
    AM_PM: 'AmPmOfDay',
    MINUTE: 'MinuteOfHour',
    SECOND: 'SecondOfMinute',
    NANO: 'NanoOfSecond',
    OFFSET: 'OffsetSeconds',
  };
  return names[field] ?? field.toLowerCase().replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase());
}

// ── Days and dates ──────────────────────────────────────────────────────────────────────────────────────────────────

export interface CalendarDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

export const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

export const lengthOfMonth = (year: number, month: number): number =>
  month === 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;

/** Days from 1970-01-01, of every year that java.time has. Years are counted from March, so that leap days come last. */
export function daysOf(year: number, month: number, day: number): number {
  const fromMarch = (month + 9) % 12;
  const y = month <= 2 ? year - 1 : year;
  const leapDays = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return 365 * y + leapDays + Math.floor((fromMarch * 306 + 5) / 10) + day - 1 - 719_468;
}

export function dateOf(days: number): CalendarDate {
  const fromZero = days + 719_468;
  const era = Math.floor(fromZero / 146_097);
  const dayOfEra = fromZero - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1,
  };
}

const floorMod = (value: number, by: number): number => ((value % by) + by) % by;

/** Monday is 1. */
export const dayOfWeek = (days: number): number => floorMod(days + 3, 7) + 1;

/** Sunday is 1. */
export const localDayOfWeek = (days: number): number => floorMod(days + 4, 7) + 1;

/** How many days after a week's first day the first whole week of a month or year begins, seen from one of its days. */
export function weekOffset(day: number, localDay: number): number {
  const start = floorMod(day - localDay, 7);
  return start === 0 ? 0 : 7 - start;
}

export const weekOf = (offset: number, day: number): number => Math.floor((7 + offset + day - 1) / 7);

export function weekOfMonth(days: number): number {
  const { day } = dateOf(days);
  return weekOf(weekOffset(day, localDayOfWeek(days)), day);
}

/** The number of the week that begins the next year. */
export function weeksOf(year: number, offset: number): number {
  return weekOf(offset, (isLeap(year) ? 366 : 365) + 1);
}

function weekOfYear(days: number): { year: number; week: number } {
  const { year } = dateOf(days);
  const dayOfYear = days - daysOf(year, 1, 1) + 1;
  const offset = weekOffset(dayOfYear, localDayOfWeek(days));
  const week = weekOf(offset, dayOfYear);
  const next = weeksOf(year, offset);
  return week >= next ? { year: year + 1, week: week - next + 1 } : { year, week };
}

// ── What a day and a time have ──────────────────────────────────────────────────────────────────────────────────────

/** A field of a day since the epoch; undefined if it is none of days. */
export function fieldOfDate(field: Field, days: number): number | undefined {
  const { year, month, day } = dateOf(days);
  switch (field) {
    case 'ERA':
      return year > 0 ? 1 : 0;
    case 'YEAR':
      return year;
    case 'YEAR_OF_ERA':
      return year > 0 ? year : 1 - year;
    case 'QUARTER':
      return Math.ceil(month / 3);
    case 'MONTH':
      return month;
    case 'DAY':
      return day;
    case 'DAY_OF_YEAR':
      return days - daysOf(year, 1, 1) + 1;
    case 'DAY_OF_WEEK':
      return dayOfWeek(days);
    case 'ALIGNED_DAY':
      return ((day - 1) % 7) + 1;
    case 'MODIFIED_JULIAN_DAY':
      return days + 40_587;
    case 'WEEK_BASED_YEAR':
      return weekOfYear(days).year;
    case 'WEEK':
      return weekOfYear(days).week;
    case 'WEEK_OF_MONTH':
      return weekOfMonth(days);
    case 'LOCAL_DAY_OF_WEEK':
      return localDayOfWeek(days);
    default:
      return undefined;
  }
}

/** A field of a time of the day in nanoseconds; undefined if it is none of times. */
export function fieldOfTime(field: Field, nanos: number): number | undefined {
  const seconds = Math.floor(nanos / 1e9);
  const hour = Math.floor(seconds / 3600);
  switch (field) {
    case 'AM_PM':
      return hour < 12 ? 0 : 1;
    case 'HOUR':
      return hour;
    case 'CLOCK_HOUR':
      return hour === 0 ? 24 : hour;
    case 'HOUR_OF_AM_PM':
      return hour % 12;
    case 'CLOCK_HOUR_OF_AM_PM':
      return hour % 12 === 0 ? 12 : hour % 12;
    case 'MINUTE':
      return Math.floor(seconds / 60) % 60;
    case 'SECOND':
      return seconds % 60;
    case 'NANO':
      return nanos % 1e9;
    case 'MILLI_OF_DAY':
      return Math.floor(nanos / 1e6);
    case 'NANO_OF_DAY':
      return nanos;
    default:
      return undefined;
  }
}
