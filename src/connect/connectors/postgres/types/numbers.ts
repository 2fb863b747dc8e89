// Exact numbers: `numeric` and `money`, as decimals, texts or doubles.
import { Decimal, signedBytes } from '../../../../util/index.ts';
import { DataError } from '../../../data/errors.ts';
import { decimalOf, FLOAT64, type Schema, STRING } from '../../../data/schema.ts';
import { variableScaleDecimal } from '../../debezium/semantic-types.ts';
import type { DecimalMode, ValueType } from './value-type.ts';

/** What Debezium calls the numbers that are none. */
const SPECIAL: Readonly<Record<string, string>> = {
  NaN: 'NAN',
  Infinity: 'POSITIVE_INFINITY',
  '-Infinity': 'NEGATIVE_INFINITY',
};
const PRECISION = 'connect.decimal.precision';

/** `numeric`, with a precision and a scale or without. */
export function decimalType(modifier: number, mode: DecimalMode): ValueType {
  if (mode === 'string') return textual((text) => SPECIAL[text] ?? text);
  if (mode === 'double') return numeric(FLOAT64, Number, 0, true);
  if (modifier < 4) {
    const read = (text: string): unknown => (text in SPECIAL ? null : variable(text));
    return numeric(variableScaleDecimal(), read, variable('0'), false);
  }
  const [precision, scale] = [((modifier - 4) >> 16) & 0xffff, (((modifier - 4) & 0x7ff) ^ 1024) - 1024];
  const schema = decimalOf(scale, { parameters: { [PRECISION]: String(precision) } });
  const read = (text: string): unknown => (text in SPECIAL ? null : parse(text).rescale(scale));
  return numeric(schema, read, new Decimal(0n, scale), true);
}

/** `money`, which the server writes as `-$1,234.56` (lc_monetary is C). */
export function moneyType(fractionDigits: number, mode: DecimalMode): ValueType {
  const plainText = (text: string): string => text.replace(/[$,]/g, '');
  if (mode === 'string') return { ...textual(plainText), tellsDefault: false };
  if (mode === 'double') return numeric(FLOAT64, (text) => Number(plainText(text)), 0, false);
  const read = (text: string): unknown => parse(plainText(text)).rescale(fractionDigits);
  return numeric(decimalOf(fractionDigits), read, new Decimal(0n, fractionDigits), false);
}

function parse(text: string): Decimal {
  const decimal = Decimal.parse(text);
  if (decimal === undefined) throw new DataError(`${JSON.stringify(text)} is no number that PostgreSQL writes`);
  return decimal;
}

/** Without the zeros at the end of its fraction, as Debezium has it. */
function variable(text: string): { scale: number; value: Buffer } {
  const { scale, unscaled } = parse(text.includes('.') ? text.replace(/\.?0+$/, '') : text);
  return { scale, value: signedBytes(unscaled) };
}

function textual(read: (text: string) => string): ValueType {
  return { schema: STRING, read, fallback: '', unavailable: null, tellsDefault: true };
}

function numeric(schema: Schema, read: (text: string) => unknown, fallback: unknown, tellsDefault: boolean): ValueType {
  return { schema, read, fallback, unavailable: null, tellsDefault };
}
