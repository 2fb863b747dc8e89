// org.apache.kafka.connect.transforms.MaskField: fields with nothing in them (0, false, an empty text), or with a replacement.
import { Decimal } from '../../util/index.ts';
import { defineConfig, nonEmpty, nonEmptyList } from '../api/config-def.ts';
import { DataError } from '../data/errors.ts';
import { LOGICAL, scaleOf, type Schema } from '../data/schema.ts';
import {
  type Apply,
  fieldReader,
  javaClass,
  kafkaTransformations,
  memberOf,
  REPLACE_NULL,
  requireMap,
  requireStruct,
} from './side.ts';

const PURPOSE = 'mask fields';

const config = defineConfig({
  fields: { type: 'LIST', importance: 'HIGH', doc: 'The fields to mask.', validator: nonEmptyList },
  replacement: {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'What stands in the fields instead: a number for numbers, a text that is not empty for texts.',
    validator: nonEmpty,
  },
  ...REPLACE_NULL,
});

/** The transformations. */
export const maskField = kafkaTransformations({ name: 'MaskField', config }, (settings, side): Apply => {
  const names = new Set(settings.fields);
  const { replacement } = settings;
  const read = fieldReader(settings['replace.null.with.default']);
  const mask = (schema: Schema | null, value: unknown): unknown => {
    if (value === null || value === undefined) return null;
    return replacement === null ? nothing(schema, value) : replaced(schema, value, replacement);
  };
  return (record) => {
    const { schema, value } = side.of(record);
    if (value === null || value === undefined) return record;
    if (schema === null) {
      const changed: Record<string, unknown> = { ...requireMap(value, PURPOSE) };
      for (const name of names) changed[name] = mask(null, memberOf(changed, name));
      return side.put(record, null, changed);
    }
    const struct = requireStruct(schema, value, PURPOSE);
    const changed: Record<string, unknown> = {};
    for (const { name, schema: of } of schema.fields) {
      const field = read(struct, name, of);
      changed[name] = names.has(name) ? mask(of, field) : field;
    }
    return side.put(record, schema, changed);
  };
});

/** The value of a type that says nothing. */
function nothing(schema: Schema | null, value: unknown): unknown {
  switch (typeof value) {
    case 'boolean':
      return false;
    case 'number':
      return 0;
    case 'bigint':
      return 0n;
    case 'string':
      return '';
    default:
  }
  if (Array.isArray(value)) return [];
  if (value instanceof Date) return new Date(0);
  if (value instanceof Decimal) return new Decimal(0n, schema?.name === LOGICAL.decimal ? scaleOf(schema) : 0);
  if (value instanceof Map) return new Map();
  if (schema === null && !(value instanceof Uint8Array)) return {};
  throw new DataError(`Cannot mask value of type: class ${javaClass(schema, value)}`);
}

const BITS: Readonly<Record<string, number>> = { int8: 8, int16: 16, int32: 32, int64: 64 };

function replaced(schema: Schema | null, value: unknown, replacement: string): unknown {
  if (typeof value === 'string') return replacement;
  const number = numberLike(schema, value, replacement);
  if (number === undefined)
    throw new DataError(`Cannot mask value of type class ${javaClass(schema, value)} with custom replacement.`);
  if (number === null) throw new DataError(`Unable to convert ${replacement} (class java.lang.String) to number`);
  return number;
}

/** The replacement as a number of the value's type; null when it is none, undefined when the value is no number. */
function numberLike(schema: Schema | null, value: unknown, replacement: string): unknown {
  if (value instanceof Decimal) {
    const decimal = Decimal.parse(replacement) ?? null;
    if (decimal === null || schema?.name !== LOGICAL.decimal) return decimal;
    const scaled = decimal.rescale(scaleOf(schema));
    return scaled.compare(decimal) === 0 ? scaled : null;
  }
  if (typeof value !== 'number' && typeof value !== 'bigint') return undefined;
  const isFloat =
    schema === null ? typeof value === 'number' && !Number.isInteger(value) : schema.type.startsWith('float');
  if (isFloat) {
    const float = replacement.trim() === '' ? Number.NaN : Number(replacement);
    return Number.isNaN(float) ? null : schema?.type === 'float32' ? Math.fround(float) : float;
  }
  const whole = /^[+-]?\d+$/.test(replacement) ? BigInt(replacement.replace('+', '')) : undefined;
  const bits = BITS[schema?.type ?? 'int64'] ?? 64;
  if (whole === undefined || BigInt.asIntN(bits, whole) !== whole) return null;
  const isBig = schema === null ? !Number.isSafeInteger(Number(whole)) : schema.type === 'int64';
  return isBig ? whole : Number(whole);
}
