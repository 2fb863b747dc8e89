// Exact numbers of databases, as `numeric.mapping` has them.
import { Decimal } from '../../../util/index.ts';
import { DataError } from '../../data/errors.ts';
import { decimalOf, primitive } from '../../data/schema.ts';
import type { Mapping, ResultColumn } from './database.ts';

/** The scale of numbers that have none: as many digits as JDBC drivers say then. */
const ANY_SCALE = 127;
/** So many digits fit 64 bits. */
const LONG_DIGITS = 18;

/** A column of NUMERIC(precision, scale); both undefined: of any. */
export function numericColumn(
  name: string,
  precision: number | undefined,
  scale: number | undefined,
  { numeric }: Mapping,
): ResultColumn {
  const isShort = precision !== undefined && precision <= LONG_DIGITS;
  if (numeric !== 'none' && isShort && (scale ?? 0) === 0) return wholeColumn(name, precision);
  const isDouble = (scale ?? 0) > 0 && ((numeric === 'best_fit' && isShort) || numeric === 'best_fit_eager_double');
  if (isDouble) {
    return { name, schema: primitive('float64', { optional: true }), read: Number };
  }
  const digits = scale ?? ANY_SCALE;
  return { name, schema: decimalOf(digits, { optional: true }), read: (raw) => exact(name, String(raw), digits) };
}

function exact(name: string, text: string, scale: number): Decimal {
  const value = Decimal.parse(text);
  if (value === undefined || value.scale > scale)
    throw new DataError(`column ${name}: ${text} is no number with ${scale} digits behind the point`);
  return value.rescale(scale);
}

function wholeColumn(name: string, precision: number): ResultColumn {
  const type = precision > 9 ? 'int64' : precision > 4 ? 'int32' : precision > 2 ? 'int16' : 'int8';
  return {
    name,
    schema: primitive(type, { optional: true }),
    read: type === 'int64' ? (raw) => BigInt(String(raw)) : Number,
  };
}
