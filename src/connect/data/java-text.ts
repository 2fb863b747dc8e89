// Values as texts, as Java's `toString` has them: what StringConverter writes. Bytes, which Java prints as where they are in
// memory, are Base64.
import { Decimal, doubleText, shortestFloat } from '../../util/index.ts';
import type { Schema } from './schema.ts';

/** The text of a value. Without a schema a number that is whole is printed as a whole one. */
export function javaText(schema: Schema | null, value: unknown): string {
  if (value === null || value === undefined) return 'null';
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      return numberText(schema, value);
    case 'object':
      return objectText(schema, value);
    default:
      return String(value);
  }
}

/** A number's text: `1.0` where the schema has floats. */
export function numberText(schema: Schema | null, value: number): string {
  if (schema?.type === 'float32') return doubleText(shortestFloat(value));
  return schema?.type === 'float64' || !Number.isInteger(value) ? doubleText(value) : String(value);
}

function objectText(schema: Schema | null, value: object): string {
  if (value instanceof Decimal) return decimalText(value);
  if (value instanceof Date) return dateText(value);
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64');
  if (Array.isArray(value)) {
    const element = schema?.type === 'array' ? schema.valueSchema : null;
    return `[${value.map((each) => javaText(element, each)).join(', ')}]`;
  }
  if (schema?.type === 'struct') return structText(schema, value as Record<string, unknown>);
  const [keys, values] = schema?.type === 'map' ? [schema.keySchema, schema.valueSchema] : [null, null];
  const entries: [unknown, unknown][] = value instanceof Map ? [...value.entries()] : Object.entries(value);
  return `{${entries.map(([key, each]) => `${javaText(keys, key)}=${javaText(values, each)}`).join(', ')}}`;
}

/** Fields without a value are left out. */
function structText(schema: Schema, struct: Readonly<Record<string, unknown>>): string {
  const fields = schema.fields.filter(({ name }) => struct[name] !== null && struct[name] !== undefined);
  return `Struct{${fields.map(({ name, schema: of }) => `${name}=${javaText(of, struct[name])}`).join(',')}}`;
}

/** As BigDecimal prints it: with an exponent where there are more than six zeros behind the point, or none is enough. */
export function decimalText(value: Decimal): string {
  const digits = (value.unscaled < 0n ? -value.unscaled : value.unscaled).toString();
  const exponent = digits.length - 1 - value.scale;
  if (value.scale >= 0 && exponent >= -6) return value.toString();
  const sign = value.unscaled < 0n ? '-' : '';
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
  return `${sign}${digits[0]}${fraction}E${exponent < 0 ? '' : '+'}${exponent}`;
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Thu Jan 01 00:00:00 UTC 1970` */
function dateText(value: Date): string {
  const time = value.toISOString().slice(-13, -5);
  const day = String(value.getUTCDate()).padStart(2, '0');
  return `${DAYS[value.getUTCDay()]} ${MONTHS[value.getUTCMonth()]} ${day} ${time} UTC ${value.getUTCFullYear()}`;
}
