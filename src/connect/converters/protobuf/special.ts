// Messages of a few scalars that together are one value: dates, times and decimals, between their parts and Connect's values.
import { Decimal, signedBytes, signedInteger } from '../../../util/index.ts';
import { DataError } from '../../data/errors.ts';
import { daysOf, millisOf, ofScale } from '../../data/logical.ts';
import { scaleOf, type Schema } from '../../data/schema.ts';
import { DATE_MESSAGE, DECIMAL_MESSAGE, TIME_MESSAGE, TIMESTAMP_MESSAGE } from './names.ts';

/** What a message's fields have, by their names. */
type Parts = Readonly<Record<string, unknown>>;

/** How a message and a value are each other. */
export interface SpecialMessage {
  toParts(value: unknown, schema: Schema): Parts;
  fromParts(parts: Parts, schema: Schema): unknown;
}

const HOUR_MS = 3_600_000;

/** By the message's name. */
export const SPECIAL: Readonly<Record<string, SpecialMessage>> = {
  [TIMESTAMP_MESSAGE]: {
    toParts(value) {
      const ms = dateOf(value).getTime();
      const seconds = Math.floor(ms / 1000);
      return { seconds, nanos: (ms - seconds * 1000) * 1_000_000 };
    },
    fromParts({ seconds, nanos }) {
      const value = new Date(Number(seconds) * 1000 + Math.floor(Number(nanos) / 1_000_000));
      if (Number.isNaN(value.getTime())) throw new DataError(`${String(seconds)} seconds are too far from the epoch`);
      return value;
    },
  },
  [DATE_MESSAGE]: {
    toParts(value) {
      const date = dateOf(value);
      daysOf(date);
      return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
    },
    fromParts({ year, month, day }) {
      const date = new Date(0);
      // Not Date.UTC, which takes the years 0 to 99 for 1900 to 1999.
      date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
      return date;
    },
  },
  [TIME_MESSAGE]: {
    toParts(value) {
      const ms = millisOf(dateOf(value));
      const parts = [Math.floor(ms / HOUR_MS), Math.floor(ms / 60_000) % 60, Math.floor(ms / 1000) % 60];
      return { hours: parts[0], minutes: parts[1], seconds: parts[2], nanos: (ms % 1000) * 1_000_000 };
    },
    fromParts({ hours, minutes, seconds, nanos }) {
      const whole = (Number(hours) * 60 + Number(minutes)) * 60_000 + Number(seconds) * 1000;
      return new Date(whole + Math.floor(Number(nanos) / 1_000_000));
    },
  },
  [DECIMAL_MESSAGE]: {
    toParts(value, schema) {
      if (!(value instanceof Decimal)) throw new DataError(`a ${typeof value} is no decimal`);
      const { unscaled, scale, precision } = ofScale(schema, value);
      return { value: signedBytes(unscaled), precision, scale };
    },
    /** With the schema's scale, where no digit is lost. */
    fromParts({ value, scale }, schema) {
      const decimal = new Decimal(signedInteger(value as Buffer), Number(scale));
      const scaled = decimal.rescale(scaleOf(schema));
      return scaled.compare(decimal) === 0 ? scaled : decimal;
    },
  },
};

function dateOf(value: unknown): Date {
  if (value instanceof Date) return value;
  throw new DataError(`a ${typeof value} is no date`);
}
