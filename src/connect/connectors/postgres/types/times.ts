// Dates and times as `time.precision.mode` has them: counted in the unit that holds a column's precision, in Connect's own
// types, or written in ISO 8601.
import {
  date as connectDate,
  time as connectTime,
  timestamp as connectTimestamp,
  type Schema,
} from '../../../data/schema.ts';
import * as semantic from '../../debezium/semantic-types.ts';
import {
  intervalUs,
  isInfinite,
  isoDate,
  isoInterval,
  isoTime,
  type Moment,
  momentMs,
  momentUs,
  parseInterval,
  parseMoment,
  parseTime,
  utcTimeUs,
} from './time-text.ts';
import type { TimePrecisionMode, TypeSettings, ValueType } from './value-type.ts';

/** How a kind of column is told. */
interface Form {
  readonly schema: Schema;
  read(text: string): unknown;
  readonly fallback: unknown;
}

/** Types of dates, times and intervals; undefined: it is none. */
export function timeType(name: string, modifier: number, settings: TypeSettings): ValueType | undefined {
  const form = formOf(name, modifier < 0 ? 6 : modifier, settings);
  if (form === undefined) return undefined;
  return { ...form, unavailable: null, tellsDefault: name !== 'timetz' };
}

function formOf(name: string, digits: number, settings: TypeSettings): Form | undefined {
  const mode = settings.times;
  switch (name) {
    case 'date':
      return dateForm(mode);
    case 'time':
      return timeForm(mode, digits);
    case 'timestamp':
      return timestampForm(mode, digits);
    case 'timetz':
      return { schema: semantic.zonedTime(), read: zonedTime, fallback: '00:00:00Z' };
    case 'timestamptz':
      return {
        schema: semantic.zonedTimestamp(),
        read: (text) => zonedTimestamp(text, digits),
        fallback: '1970-01-01T00:00:00Z',
      };
    case 'interval':
      if (settings.intervals === 'string')
        return { schema: semantic.interval(), read: (text) => isoInterval(parseInterval(text)), fallback: '' };
      return { schema: semantic.microDuration(), read: (text) => intervalUs(parseInterval(text)), fallback: 0n };
    default:
      return undefined;
  }
}

function zonedTime(text: string): string {
  const { us, offsetUs } = parseTime(text);
  return `${isoTime(utcTimeUs(us, offsetUs))}Z`;
}

function zonedTimestamp(text: string, digits: number): string {
  if (isInfinite(text)) return text;
  const { days, dayUs } = parseMoment(text);
  return `${isoDate(days)}T${isoTime(dayUs, digits)}Z`;
}

/** What stands for the two ends of time where only a number can. */
const INT32_ENDS = { infinity: 0x7fffffff, '-infinity': -0x80000000 } as const;
/** PostgreSQL's JDBC driver, and Debezium, have these milliseconds for them. */
const INFINITE_MS = { infinity: 9_223_372_036_825_200n, '-infinity': -9_223_372_036_832_400n } as const;
/** The same in microseconds. */
const INFINITE_US = { infinity: 9_223_372_036_825_200_000n, '-infinity': -9_223_372_036_832_400_000n } as const;
const INT64_ENDS = { infinity: 2n ** 63n - 1n, '-infinity': -(2n ** 63n) } as const;

/** Nanoseconds since 1970; null before 1677 and behind 2262, where they are not to be counted in 64 bits. */
function momentNs(moment: Moment): bigint | null {
  const ns = momentUs(moment) * 1000n;
  return BigInt.asIntN(64, ns) === ns ? ns : null;
}

function dateForm(mode: TimePrecisionMode): Form {
  if (mode === 'connect') {
    // JavaScript's dates end before PostgreSQL's do.
    const read = (text: string): Date => dateOf(isInfinite(text) ? INFINITE_DAYS[text] : momentMs(parseMoment(text)));
    return { schema: connectDate(), read, fallback: dateOf(0) };
  }
  if (mode === 'isostring') {
    const read = (text: string): string => (isInfinite(text) ? text : `${isoDate(parseMoment(text).days)}Z`);
    return { schema: semantic.isoDate(), read, fallback: '1970-01-01Z' };
  }
  const read = (text: string): number => (isInfinite(text) ? INT32_ENDS[text] : parseMoment(text).days);
  return { schema: semantic.date(), read, fallback: 0 };
}

function timeForm(mode: TimePrecisionMode, digits: number): Form {
  const us = (text: string): number => parseTime(text).us;
  const ms = (text: string): number => Math.floor(us(text) / 1000);
  if (mode === 'connect') return { schema: connectTime(), read: (text) => dateOf(ms(text)), fallback: dateOf(0) };
  if (mode === 'isostring')
    return { schema: semantic.isoTime(), read: (text) => `${isoTime(utcTimeUs(us(text), 0))}Z`, fallback: '00:00:00Z' };
  if (mode === 'nanoseconds')
    return { schema: semantic.nanoTime(), read: (text) => BigInt(us(text)) * 1000n, fallback: 0n };
  if (mode === 'adaptive' && digits <= 3) return { schema: semantic.time(), read: ms, fallback: 0 };
  return { schema: semantic.microTime(), read: (text) => BigInt(us(text)), fallback: 0n };
}

function timestampForm(mode: TimePrecisionMode, digits: number): Form {
  const orEnd =
    <T>(ends: Readonly<Record<'infinity' | '-infinity', T>>, read: (moment: Moment) => T | null) =>
    (text: string): T | null =>
      isInfinite(text) ? ends[text] : read(parseMoment(text));
  const ends = { infinity: dateOf(LAST_MS), '-infinity': dateOf(-LAST_MS) };
  if (mode === 'connect')
    return { schema: connectTimestamp(), read: orEnd(ends, (moment) => dateOf(momentMs(moment))), fallback: dateOf(0) };
  if (mode === 'isostring') {
    const read = (text: string): string => {
      if (isInfinite(text)) return text;
      const { days, dayUs } = parseMoment(text);
      return `${isoDate(days)}T${isoTime(dayUs)}Z`;
    };
    return { schema: semantic.isoTimestamp(), read, fallback: '1970-01-01T00:00:00Z' };
  }
  if (mode === 'nanoseconds')
    return { schema: semantic.nanoTimestamp(), read: orEnd(INT64_ENDS, momentNs), fallback: 0n };
  if (mode !== 'microseconds' && digits <= 3)
    return {
      schema: semantic.timestamp(),
      read: orEnd(INFINITE_MS, (moment) => BigInt(momentMs(moment))),
      fallback: 0n,
    };
  return { schema: semantic.microTimestamp(), read: orEnd(INFINITE_US, momentUs), fallback: 0n };
}

/** How far JavaScript's dates go, in milliseconds around 1970. */
const LAST_MS = 8_640_000_000_000_000;
const INFINITE_DAYS = { infinity: LAST_MS, '-infinity': -LAST_MS } as const;

/** A date of JavaScript's; what lies beyond its ends is at its end. */
function dateOf(ms: number): Date {
  return new Date(Math.min(LAST_MS, Math.max(-LAST_MS, ms)));
}
