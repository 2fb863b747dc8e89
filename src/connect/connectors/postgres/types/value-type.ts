// What a column's values become, and the settings that choose it.
import type { Schema } from '../../../data/schema.ts';

/** What a column's values become. */
export interface ValueType {
  /** Not optional, without a default. */
  readonly schema: Schema;
  /** Reads the server's text. Null: the type's schema cannot say it (NaN as a decimal). */
  read(text: string): unknown;
  /** What stands in a row that lacks a value although the column must have one: an old row of which only the key was sent. */
  readonly fallback: unknown;
  /** What stands for a long value that was not changed, and therefore not sent; null where the type has no such value. */
  readonly unavailable: unknown;
  /** Whether a default of the column is put into the schema. */
  readonly tellsDefault: boolean;
}

/** The values of `time.precision.mode`. */
export const TIME_PRECISION_MODES = [
  'adaptive',
  'adaptive_time_microseconds',
  'connect',
  'isostring',
  'microseconds',
  'nanoseconds',
] as const;
/** One of them. */
export type TimePrecisionMode = (typeof TIME_PRECISION_MODES)[number];

/** `decimal.handling.mode`. */
export type DecimalMode = 'precise' | 'string' | 'double';

/** The settings that choose. */
export interface TypeSettings {
  readonly decimals: DecimalMode;
  readonly times: TimePrecisionMode;
  readonly hstores: 'json' | 'map';
  readonly intervals: 'numeric' | 'string';
  readonly binary: 'bytes' | 'base64' | 'base64-url-safe' | 'hex';
  readonly moneyFractionDigits: number;
  readonly placeholder: Buffer;
  readonly includeUnknown: boolean;
}
