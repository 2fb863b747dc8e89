import { DeserializationError } from '../../../serde/index.ts';
import { type ByteWriter, messageOf } from '../../../util/index.ts';
import { containsType, type SqlType, typeText } from '../../types.ts';
import { long, parseLong } from '../../values/bigint.ts';
import { Decimal } from '../../values/decimal.ts';
import { doubleText, type Row, type SqlValue } from '../../values/value.ts';
import type { CodecColumn, Reader, RowSerde } from './codec.ts';
import { JsonNumber, type JsonValue, parseExactJson, printExactJson } from './json-text.ts';

/**
 * JSON records, compiled for their columns. `JSON.parse` reads what a double can hold; only texts with more digits, or
 * columns that need a number's text, are read by the exact parser.
 */
export function jsonSerde(columns: readonly CodecColumn[], unwrapped: boolean): RowSerde {
  const exact = columns.some(({ type }) => containsType(type, (inner) => inner.kind === 'DECIMAL'));
  const readers = columns.map(({ type }) => reader(type));
  const writers = columns.map(({ type }) => writer(type));
  const names = columns.map(({ name }) => name);
  const labels = columns.map(({ name }, i) => `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`);

  const toRow = (parsed: unknown): Row => {
    if (parsed === null) return null as unknown as Row;
    if (unwrapped) return [readers[0]!(parsed)];
    if (typeof parsed !== 'object' || Array.isArray(parsed) || parsed instanceof JsonNumber)
      throw new DeserializationError(`expected a JSON object, got ${kindOf(parsed)}`);
    return readFields(parsed as Record<string, unknown>, names, readers);
  };

  return {
    name: 'JSON',
    encode(row, out) {
      out.utf8(unwrapped ? writers[0]!(row[0]!) : writeFields(row));
    },
    decode(bytes, start, end) {
      const text = bytes.toString('utf8', start, end);
      try {
        if (exact || LONG_NUMBER.test(text)) return toRow(parseExactJson(text));
        return toRow(JSON.parse(text));
      } catch (error) {
        if (error === needsExact) return toRow(parseExactJson(text));
        if (error instanceof DeserializationError) throw error;
        throw new DeserializationError(`the record is not valid JSON: ${messageOf(error)}`, error);
      }
    },
  } satisfies RowSerde & { encode(row: Row, out: ByteWriter): void };

  function writeFields(row: Row): string {
    let text = '';
    for (let i = 0; i < labels.length; i++) text += labels[i]! + writers[i]!(row[i]!);
    return text === '' ? '{}' : `${text}}`;
  }
}

/** More digits than a double keeps. */
const LONG_NUMBER = /\d{16}/;

/** Thrown when a value can only be read from the exact text. */
const needsExact = new Error('this value needs the text of its number');

/** The values of an object's fields: by exact name, else by the name in upper case. */
function readFields(object: Record<string, unknown>, names: readonly string[], readers: readonly Reader[]): SqlValue[] {
  const values: SqlValue[] = [];
  let folded: Map<string, unknown> | undefined;
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    let value = object[name];
    if (value === undefined) {
      folded ??= new Map(Object.entries(object).map(([key, item]) => [key.toUpperCase(), item]));
      value = folded.get(name);
    }
    values.push(value === undefined || value === null ? null : readers[i]!(value));
  }
  return values;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (value instanceof JsonNumber) return 'a number';
  return value !== null && typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function wrongType(value: unknown, type: SqlType): never {
  throw new DeserializationError(`Can't convert type. sourceType: ${kindOf(value)}, requiredType: ${typeText(type)}`);
}

function reader(type: SqlType): Reader {
  switch (type.kind) {
    case 'BOOLEAN':
      return (value) => (typeof value === 'boolean' ? value : wrongType(value, type));
    case 'INTEGER':
    case 'DATE':
    case 'TIME':
      return (value) => {
        if (typeof value === 'number') return Math.trunc(value) | 0;
        const number = integerOf(value);
        return number === undefined ? wrongType(value, type) : Number(number) | 0;
      };
    case 'BIGINT':
    case 'TIMESTAMP':
      return (value) => {
        if (typeof value === 'number') return Math.trunc(value);
        return integerOf(value) ?? wrongType(value, type);
      };
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
      return (value) => (typeof value === 'string' ? Buffer.from(value, 'base64') : wrongType(value, type));
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
      const names = type.fields.map((field) => field.name);
      const readers = type.fields.map((field) => reader(field.type));
      return (value) => {
        if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof JsonNumber)
          return wrongType(value, type);
        return readFields(value as Record<string, unknown>, names, readers);
      };
    }
  }
}

/** A decimal in its column's scale; digits are never cut off. */
export function exactFit(value: Decimal, precision: number, scale: number): Decimal {
  const fitted = value.fit(precision, scale);
  if (fitted.compare(value) !== 0)
    throw new DeserializationError(`${value.toString()} has more digits than DECIMAL(${precision}, ${scale}) holds`);
  return fitted;
}

function integerOf(value: unknown): number | bigint | undefined {
  const text = value instanceof JsonNumber ? value.text : typeof value === 'string' ? value.trim() : undefined;
  if (text === undefined) return undefined;
  const whole = parseLong(text);
  if (whole !== undefined || typeof value === 'string') return whole;
  const decimal = Decimal.parse(text);
  return decimal === undefined ? undefined : long(decimal.truncate());
}

/** What is not text, read into a STRING: its JSON text; arrays in the form `[a, b]`. */
function textOf(value: unknown): string {
  if (value instanceof JsonNumber) return value.text;
  if (typeof value === 'number') throw needsExact;
  if (Array.isArray(value)) return `[${value.map((item: unknown) => itemText(item)).join(', ')}]`;
  if (hasPlainNumber(value)) throw needsExact;
  return printExactJson(value as JsonValue);
}

function itemText(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : textOf(value);
}

function hasPlainNumber(value: unknown): boolean {
  if (typeof value === 'number') return true;
  return value !== null && typeof value === 'object' && Object.values(value).some(hasPlainNumber);
}

/** Prints values of a type as JSON text, every digit kept. */
export function writer(type: SqlType): (value: SqlValue) => string {
  const inner = nonNullWriter(type);
  return (value) => (value === null ? 'null' : inner(value));
}

function nonNullWriter(type: SqlType): (value: SqlValue) => string {
  switch (type.kind) {
    case 'DOUBLE':
      return (value) => (Number.isFinite(value) ? doubleText(value as number) : `"${String(value)}"`);
    case 'STRING':
      return (value) => JSON.stringify(value);
    case 'BYTES':
      return (value) => `"${(value as Buffer).toString('base64')}"`;
    case 'ARRAY': {
      const item = writer(type.item);
      return (value) => `[${(value as readonly SqlValue[]).map(item).join(',')}]`;
    }
    case 'MAP': {
      const item = writer(type.value);
      return (value) => {
        const parts: string[] = [];
        for (const [key, element] of value as ReadonlyMap<SqlValue, SqlValue>)
          parts.push(`${JSON.stringify(String(key))}:${item(element)}`);
        return `{${parts.join(',')}}`;
      };
    }
    case 'STRUCT': {
      const writers = type.fields.map((field) => writer(field.type));
      const labels = type.fields.map((field) => `${JSON.stringify(field.name)}:`);
      return (value) =>
        `{${(value as readonly SqlValue[]).map((item, i) => labels[i]! + writers[i]!(item)).join(',')}}`;
    }
    default:
      return String;
  }
}
