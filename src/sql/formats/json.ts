// JSON texts as records: an object of the columns, or the only column's value.
import { DeserializationError } from '../../serde/index.ts';
import { type ByteWriter, doubleText, faultOf, JsonNumber } from '../../util/index.ts';
import type { Column } from '../schema.ts';
import type { SqlType } from '../types.ts';
import { type Row, type SqlValue } from '../values/value.ts';
import type { CodecColumn, RowSerde } from './codec.ts';
import { hasOddMap, type PlainFormat } from './format.ts';
import { JsonFields } from './json-fields.ts';
import { JsonKeys } from './json-keys.ts';
import { isUnion } from './json-unions.ts';
import { kindOf, needsNumberTexts, reader, readFields, readText } from './json-values.ts';
import { printableText } from './printable.ts';
import { noJsonCounts, type Reading } from './reading.ts';

export const jsonFormat: PlainFormat = {
  holds: 'rows',
  wraps: ['WRAP_SINGLES', 'UNWRAP_SINGLES'],
  properties: [],
  isJsonText: true,
  refusal: jsonRefusal,
  serde: ({ columns, bare }, reading) => jsonSerde(columns, bare, reading),
  recognize(bytes) {
    const text = printableText(bytes);
    return text !== undefined && /^\s*[[{]/.test(text) && isJson(text) ? { label: 'JSON', text } : undefined;
  },
};

export function jsonRefusal(columns: readonly Column[]): string | undefined {
  return hasOddMap(columns) ? 'JSON only supports MAP types with STRING keys' : undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** JSON records, compiled for their columns. Columns that nobody wants are null in the rows that are read. */
export function jsonSerde(
  columns: readonly CodecColumn[],
  unwrapped: boolean,
  { wanted, counts = noJsonCounts() }: Reading = {},
): RowSerde {
  const writers = columns.map(({ type }) => writer(type));
  const labels = columns.map(({ name }, i) => `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`);
  const fields = new JsonFields(
    columns,
    columns.flatMap(({ name }, i) => (wanted === undefined || wanted.has(name) ? [{ column: i, at: i }] : [])),
  );
  const asWhole = wholeDecoder(columns, unwrapped);

  return {
    name: 'JSON',
    encode(row, out) {
      out.utf8(unwrapped ? writers[0]!(row[0]!) : writeFields(row));
    },
    decode(bytes, start, end) {
      if (!unwrapped) {
        const row: SqlValue[] = columns.map(() => null);
        if (fields.read(bytes, start, end, row)) {
          counts.fromBytes++;
          return row;
        }
      }
      counts.asWhole++;
      return asWhole(bytes, start, end);
    },
  } satisfies RowSerde & { encode(row: Row, out: ByteWriter): void };

  function writeFields(row: Row): string {
    let text = '';
    for (let i = 0; i < labels.length; i++) text += labels[i]! + writers[i]!(row[i]!);
    return text === '' ? '{}' : `${text}}`;
  }
}

/** The ordinary way: the whole record is parsed. It says what is wrong with a record, and has the last word on every one. */
export function wholeDecoder(columns: readonly CodecColumn[], unwrapped: boolean): RowSerde['decode'] {
  const exact = columns.some(({ type }) => needsNumberTexts(type));
  const readers = columns.map(({ type }) => reader(type));
  const keys = new JsonKeys(columns.map(({ name }) => name));

  const toRow = (parsed: unknown): Row => {
    if (parsed === null) return null as unknown as Row;
    if (unwrapped) return [readers[0]!(parsed)];
    if (typeof parsed !== 'object' || Array.isArray(parsed) || parsed instanceof JsonNumber)
      throw new DeserializationError(`expected a JSON object, got ${kindOf(parsed)}`);
    return readFields(parsed as Record<string, unknown>, keys, readers);
  };

  return (bytes, start, end) => {
    try {
      return readText(bytes.toString('utf8', start, end), exact, toRow);
    } catch (error) {
      if (error instanceof DeserializationError) throw error;
      throw new DeserializationError(`the record is not valid JSON: ${faultOf(error)}`, error);
    }
  };
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
      if (isUnion(type)) return (value) => branchText(value as readonly SqlValue[], writers);
      const labels = type.fields.map((field) => `${JSON.stringify(field.name)}:`);
      return (value) =>
        `{${(value as readonly SqlValue[]).map((item, i) => labels[i]! + writers[i]!(item)).join(',')}}`;
    }
    default:
      return String;
  }
}

/** A union is written as the branch that is set. */
function branchText(values: readonly SqlValue[], writers: readonly ((value: SqlValue) => string)[]): string {
  const at = values.findIndex((value) => value !== null);
  return at < 0 ? 'null' : writers[at]!(values[at]!);
}
