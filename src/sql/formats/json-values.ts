// What parsed JSON means as values of SQL types. Numbers are what their text says, whether it was read exactly or not.
import { parseBase64 } from '../values/text-values.ts';
import { DeserializationError } from '../../serde/index.ts';
import { Decimal, JsonNumber, parseExactJson } from '../../util/index.ts';
import { containsType, type SqlType, type StructType, typeText } from '../types.ts';
import { type Long, long, longToInt, parseLong } from '../values/bigint.ts';
import type { SqlValue } from '../values/value.ts';
import type { Reader } from './codec.ts';
import { JsonKeys } from './json-keys.ts';
import { branchOf, isUnion, namesBranch } from './json-unions.ts';

/**
 * What `read` makes of a JSON text. `JSON.parse` parses what a double can hold; only texts with more digits, or readers that
 * need a number's text, get it from the exact parser.
 */
export function readText<T>(text: string, exact: boolean, read: (parsed: unknown) => T): T {
  if (exact || LONG_NUMBER.test(text)) return read(parseExactJson(text));
  try {
    return read(JSON.parse(text));
  } catch (error) {
    if (error === needsExact) return read(parseExactJson(text));
    throw error;
  }
}

/** Texts that may have more digits than a double keeps. */
const LONG_NUMBER = /\d[\d.]{15}/;

/** Thrown when a value can only be read from the exact text. */
const needsExact = new Error('this value needs the text of its number');

/** True for types whose values need the text of their numbers. */
export function needsNumberTexts(type: SqlType): boolean {
  return containsType(type, (inner) => inner.kind === 'DECIMAL');
}

/** The values of an object's fields. A name that occurs goes before its other cases, of which the last counts. */
export function readFields(object: Record<string, unknown>, keys: JsonKeys, readers: readonly Reader[]): SqlValue[] {
  const found: unknown[] = readers.map(() => null);
  for (const key of Object.keys(object)) {
    const exact = keys.exact(key);
    if (exact >= 0) found[exact] = object[key];
    const folded = keys.folded(key);
    if (folded >= 0 && !Object.hasOwn(object, keys.names[folded]!)) found[folded] = object[key];
  }
  return found.map((value, i) => (value === null ? null : readers[i]!(value)));
}

export function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (value instanceof JsonNumber) return 'a number';
  return value !== null && typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function wrongType(value: unknown, type: SqlType): never {
  throw new DeserializationError(`Can't convert type. sourceType: ${kindOf(value)}, requiredType: ${typeText(type)}`);
}

/** Reads parsed values of a type. */
export function reader(type: SqlType): Reader {
  switch (type.kind) {
    case 'BOOLEAN':
      return (value) => (typeof value === 'boolean' ? value : wrongType(value, type));
    case 'INTEGER':
    case 'DATE':
    case 'TIME':
      return (value) => {
        const integer = integerOf(value);
        return integer === undefined ? wrongType(value, type) : longToInt(integer);
      };
    case 'BIGINT':
    case 'TIMESTAMP':
      return (value) => integerOf(value) ?? wrongType(value, type);
    case 'DOUBLE':
      return (value) => {
        if (typeof value === 'number') return value;
        const text = value instanceof JsonNumber ? value.text : typeof value === 'string' ? value.trim() : undefined;
        const number = text === undefined || text === '' ? Number.NaN : Number(text);
        return Number.isNaN(number) && text !== 'NaN' ? wrongType(value, type) : number;
      };
    case 'DECIMAL':
      return (value) => {
        const text = value instanceof JsonNumber ? value.text : typeof value === 'string' ? value.trim() : undefined;
        const decimal = text === undefined ? undefined : Decimal.parse(text);
        return decimal === undefined ? wrongType(value, type) : exactFit(decimal, type.precision, type.scale);
      };
    case 'STRING':
      return (value) => {
        if (typeof value === 'string') return value;
        if (typeof value === 'boolean') return String(value);
        return textOf(value);
      };
    case 'BYTES':
      return (value) => (typeof value === 'string' ? parseBase64(value) : undefined) ?? wrongType(value, type);
    case 'ARRAY': {
      const item = reader(type.item);
      return (value) => {
        if (!Array.isArray(value)) return wrongType(value, type);
        return value.map((element: unknown) => (element === null ? null : item(element)));
      };
    }
    case 'MAP': {
      const item = reader(type.value);
      return (value) => {
        if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof JsonNumber)
          return wrongType(value, type);
        const map = new Map<SqlValue, SqlValue>();
        for (const [key, element] of Object.entries(value)) map.set(key, element === null ? null : item(element));
        return map;
      };
    }
    case 'STRUCT': {
      const keys = new JsonKeys(type.fields.map((field) => field.name));
      const readers = type.fields.map((field) => reader(field.type));
      const isOfBranches = isUnion(type);
      return (value) => {
        if (isOfBranches && !namesBranch(value)) return readBranch(type, readers, value);
        if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof JsonNumber)
          return wrongType(value, type);
        return readFields(value as Record<string, unknown>, keys, readers);
      };
    }
  }
}

function readBranch(type: StructType, readers: readonly Reader[], value: unknown): SqlValue {
  const at = branchOf(type.fields, value);
  return at < 0 ? wrongType(value, type) : readers.map((read, i) => (i === at ? read(value) : null));
}

/** A decimal in its column's scale; digits are never cut off. */
export function exactFit(value: Decimal, precision: number, scale: number): Decimal {
  const fitted = value.fit(precision, scale);
  if (fitted.compare(value) !== 0)
    throw new DeserializationError(`${value.toString()} has more digits than DECIMAL(${precision}, ${scale}) holds`);
  return fitted;
}

/** A number without its fraction, in 64 bits; of texts only integers that fit. */
function integerOf(value: unknown): Long | undefined {
  if (typeof value === 'string') return parseLong(value.trim());
  if (typeof value === 'number') {
    const whole = Math.trunc(value) + 0;
    if (!Number.isSafeInteger(whole)) throw needsExact;
    return whole;
  }
  if (!(value instanceof JsonNumber)) return undefined;
  const decimal = Decimal.parse(value.text);
  // Multiples of ten to the 64th have nothing in their lower 64 bits; of other exponents beyond measure nothing is left.
  return decimal === undefined || decimal.scale < -64 ? 0 : long(decimal.truncate());
}

/** What is not text, read into a STRING: its JSON text; arrays in the form `[a, b]`. */
function textOf(value: unknown): string {
  if (value instanceof JsonNumber) return value.text;
  if (typeof value === 'number') throw needsExact;
  if (Array.isArray(value)) return `[${value.map((item: unknown) => itemText(item)).join(', ')}]`;
  if (hasPlainNumber(value)) throw needsExact;
  return JSON.stringify(value);
}

function itemText(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : textOf(value);
}

function hasPlainNumber(value: unknown): boolean {
  if (typeof value === 'number') return true;
  return value !== null && typeof value === 'object' && Object.values(value).some(hasPlainNumber);
}
