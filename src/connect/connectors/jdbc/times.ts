// Times of databases: texts such as `2026-03-01 12:34:56.123456`, in some zone, as nanoseconds since the epoch and back. Dates of
// JavaScript have milliseconds only; offsets must have all that a column has, or rows would come again, or never.
import { DataError } from '../../data/errors.ts';
import { date, primitive, type Schema, time, timestamp } from '../../data/schema.ts';
import { fromWall, toWall } from '../../data/time-zones.ts';
import type { ResultColumn, TimestampGranularity } from './database.ts';

const NANOS_PER_MS = 1_000_000n;
const NANOS_PER_SECOND = 1_000_000_000n;

/** Nanoseconds since the epoch. `zone` counts where the text names none. Throws `DataError`. */
export function parseTimestamp(text: string, zone: string): bigint {
  const match =
    /^(\d{4,6})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?\s*(Z|[+-]\d\d(?::?\d\d)?(?::\d\d)?)?( BC)?$/.exec(
      text.trim(),
    );
  if (match === null || match[9] !== undefined) throw new DataError(`"${text}" is no time that a record can hold`);
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = ''] = match;
  const wall = Date.UTC(+year!, +month! - 1, +day!, +hour, +minute, +second);
  const ms = match[8] === undefined ? fromWall(wall, zone) : wall - offsetOf(match[8]);
  return BigInt(ms) * NANOS_PER_MS + BigInt(fraction.padEnd(9, '0'));
}

/** `2026-03-01 12:34:56.123456789` as it is in a zone. */
export function printTimestamp(nanos: bigint, zone: string, digits: number): string {
  const seconds = nanos / NANOS_PER_SECOND - (nanos % NANOS_PER_SECOND < 0n ? 1n : 0n);
  const wall = new Date(toWall(Number(seconds) * 1000, zone));
  const fraction = String(nanos - seconds * NANOS_PER_SECOND)
    .padStart(9, '0')
    .slice(0, digits);
  return `${wall.toISOString().slice(0, 19).replace('T', ' ')}${digits === 0 ? '' : `.${fraction}`}`;
}

/** The same with the zone's offset behind it, which columns with a zone look at and those without do not: `…+01:00`. */
export function printZoned(nanos: bigint, zone: string, digits: number): string {
  const ms = floorMs(nanos);
  const minutes = Math.round((toWall(ms, zone) - ms) / 60_000);
  const [hours, rest] = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${printTimestamp(nanos, zone, digits)}${minutes < 0 ? '-' : '+'}${two(hours)}:${two(rest)}`;
}

/** A column of timestamps, as `timestamp.granularity` has them. */
export function timestampColumn(name: string, granularity: TimestampGranularity, zone: string): ResultColumn {
  const nanos = (raw: unknown): bigint => parseTimestamp(String(raw), zone);
  const [schema, ofNanos] = GRANULARITIES[granularity];
  return { name, schema, nanos, read: (raw) => ofNanos(nanos(raw)) };
}

const text = primitive('string', { optional: true });
const long = primitive('int64', { optional: true });
const GRANULARITIES: Readonly<Record<TimestampGranularity, readonly [Schema, (nanos: bigint) => unknown]>> = {
  connect_logical: [timestamp({ optional: true }), (nanos) => new Date(floorMs(nanos))],
  micros_long: [long, (nanos) => nanos / 1000n],
  micros_string: [text, (nanos) => String(nanos / 1000n)],
  micros_iso_datetime_string: [text, (nanos) => printTimestamp(nanos, 'UTC', 6).replace(' ', 'T')],
  nanos_long: [long, (nanos) => nanos],
  nanos_string: [text, (nanos) => String(nanos)],
  nanos_iso_datetime_string: [text, (nanos) => printTimestamp(nanos, 'UTC', 9).replace(' ', 'T')],
};

/** Milliseconds since the epoch. */
export function floorMs(nanos: bigint): number {
  return Number(nanos / NANOS_PER_MS) - (nanos % NANOS_PER_MS < 0n ? 1 : 0);
}

/** A column of days. */
export function dateColumn(name: string): ResultColumn {
  return {
    name,
    schema: date({ optional: true }),
    nanos: (raw) => parseTimestamp(String(raw), 'UTC'),
    read: (raw) => new Date(floorMs(parseTimestamp(String(raw), 'UTC'))),
  };
}

/** A column of times of day. */
export function timeColumn(name: string): ResultColumn {
  return {
    name,
    schema: time({ optional: true }),
    read: (raw) => new Date(floorMs(parseTimestamp(`1970-01-01 ${String(raw)}`, 'UTC'))),
  };
}

function offsetOf(zone: string): number {
  if (zone === 'Z') return 0;
  const match = /^([+-])(\d\d):?(\d\d)?(?::(\d\d))?$/.exec(zone)!;
  const [, sign, hours, minutes = '0', seconds = '0'] = match;
  return (sign === '-' ? -1 : 1) * (+hours! * 3_600_000 + +minutes * 60_000 + +seconds * 1000);
}
