// What stands for the values of logical types on the wire: days, milliseconds, the bytes of unscaled numbers.
import { Decimal, signedBytes, signedInteger } from '../../util/index.ts';
import { DataError } from './errors.ts';
import { scaleOf, type Schema } from './schema.ts';

const DAY_MS = 86_400_000;

/** Days since the epoch of a Date's value. Throws `DataError` when it is not a midnight. */
export function daysOf(value: Date): number {
  const days = value.getTime() / DAY_MS;
  if (!Number.isInteger(days))
    throw new DataError('Kafka Connect Date type should not have any time fields set to non-zero values.');
  return days;
}

/** The Date's value of so many days since the epoch. */
export const dateOfDays = (days: number): Date => new Date(days * DAY_MS);

/** Milliseconds of the day of a Time's value. Throws `DataError` when it is not of the first of January 1970. */
export function millisOf(value: Date): number {
  const millis = value.getTime();
  if (!(millis >= 0 && millis <= DAY_MS))
    throw new DataError('Kafka Connect Time type should not have any date fields set to non-zero values.');
  return millis;
}

/** The bytes of a decimal's unscaled number. Throws `DataError` when its scale is not the schema's. */
export function decimalBytes(schema: Schema, value: Decimal): Buffer {
  return signedBytes(ofScale(schema, value).unscaled);
}

/** The same number, once it is sure that its scale is the schema's. */
export function ofScale(schema: Schema, value: Decimal): Decimal {
  const scale = scaleOf(schema);
  if (value.scale !== scale)
    throw new DataError(
      `Decimal value has mismatching scale for given Decimal schema. Schema has scale ${scale}, value has scale ${value.scale}.`,
    );
  return value;
}

/** The decimal whose unscaled number has these bytes. */
export function decimalOfBytes(schema: Schema, bytes: Uint8Array): Decimal {
  return new Decimal(signedInteger(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)), scaleOf(schema));
}
