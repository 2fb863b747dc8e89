// One line of CSV per record, without a header and without a line's end.
import { DeserializationError } from '../../serde/index.ts';
import { Decimal, doubleText, messageOf } from '../../util/index.ts';
import { StatementError } from '../errors.ts';
import { quoteName } from '../parser/print.ts';
import type { SqlType } from '../types.ts';
import { parseLong } from '../values/bigint.ts';
import { parseBase64 } from '../values/text-values.ts';
import { type SqlValue } from '../values/value.ts';
import type { CodecColumn, RowSerde } from './codec.ts';
import type { PlainFormat } from './format.ts';
import { exactFit } from './json-values.ts';
import type { FormatProperty } from './properties.ts';

const DELIMITER: FormatProperty = {
  name: 'delimiter',
  clauses: (side) => [`${side}_DELIMITER`],
  checkClause: checkDelimiter,
};

const NESTED = new Set(['ARRAY', 'MAP', 'STRUCT']);

export const delimitedFormat: PlainFormat = {
  holds: 'flatRows',
  wraps: ['UNWRAP_SINGLES'],
  properties: [DELIMITER],
  refusal(columns) {
    const odd = columns.find(({ type }) => NESTED.has(type.kind));
    return odd && `The 'DELIMITED' format does not support type '${odd.type.kind}', column: ${quoteName(odd.name)}`;
  },
  serde: ({ columns, properties }) => delimitedSerde(columns, properties['delimiter']),
};

function checkDelimiter(delimiter: string, clause: string): void {
  const example = "\nExample valid value: ';'";
  const fail = (what: string): never => {
    throw new StatementError(`Failed to prepare statement: Configuration ${clause} is invalid: ${what}${example}`);
  };
  if (delimiter.trim() === '')
    fail(
      "Delimiter cannot be empty, if you meant to have a tab or space for delimiter, please use the special values 'TAB' or 'SPACE'",
    );
  if (delimiter.length !== 1 && delimiter !== 'TAB' && delimiter !== 'SPACE')
    fail(`Invalid delimiter value: '${delimiter}'. Delimiter must be a single character or TAB,SPACE`);
}

function delimitedSerde(columns: readonly CodecColumn[], delimiterName: string | undefined): RowSerde {
  const delimiter = delimiterName === 'TAB' ? '\t' : delimiterName === 'SPACE' ? ' ' : (delimiterName ?? ',');
  const readers = columns.map(({ type }) => fieldReader(type));
  const writers = columns.map(({ type }) => fieldWriter(type));
  return {
    name: 'DELIMITED',
    encode(row, out) {
      let line = '';
      for (let i = 0; i < writers.length; i++) {
        if (i > 0) line += delimiter;
        const value = row[i]!;
        if (value !== null) line += quoted(writers[i]!(value), i === 0, delimiter);
      }
      out.utf8(line);
    },
    decode(bytes, start, end) {
      const fields = parseLine(bytes.toString('utf8', start, end), delimiter);
      if (fields.length !== columns.length)
        throw new DeserializationError(
          `Unexpected field count, csvFields:${fields.length} schemaFields:${columns.length}`,
        );
      return fields.map((field, i) => {
        if (field === '') return null;
        try {
          return readers[i]!(field);
        } catch (error) {
          throw new DeserializationError(`Column ${columns[i]!.name}: ${messageOf(error)}`, error);
        }
      });
    },
  };
}

/** A field needs quotes when it could be misread; the first one of a line is watched more closely. */
function quoted(field: string, first: boolean, delimiter: string): string {
  if (field === '') return first ? '""' : '';
  const start = field.charCodeAt(0);
  const needs =
    field.includes(delimiter) ||
    /["\r\n]/.test(field) ||
    start <= 35 ||
    field.charCodeAt(field.length - 1) <= 32 ||
    (first && !/^[0-9A-Za-z]/.test(field));
  return needs ? `"${field.replaceAll('"', '""')}"` : field;
}

/** The fields of the first record: CR LF, LF and CR each end one, and empty lines are none. */
function parseLine(text: string, delimiter: string): string[] {
  const fields: string[] = [];
  const isEnd = (place: number): boolean => place >= text.length || text[place] === '\n' || text[place] === '\r';
  let at = 0;
  while (at < text.length && isEnd(at)) at++;
  for (;;) {
    if (text[at] === '"') {
      const [field, end] = quotedField(text, at);
      fields.push(field);
      at = end;
    } else {
      let end = at;
      while (!isEnd(end) && text[end] !== delimiter) end++;
      fields.push(text.slice(at, end));
      at = end;
    }
    if (isEnd(at)) return fields;
    if (text[at] !== delimiter) throw new DeserializationError('text after the end of a quoted field');
    at++;
  }
}

/** A quoted field's text, and the place behind it. */
function quotedField(text: string, from: number): [string, number] {
  let field = '';
  let at = from + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) throw new DeserializationError('a quoted field has no end');
    field += text.slice(at, quote);
    at = quote + 1;
    if (text[at] !== '"') return [field, at];
    field += '"';
    at++;
  }
}

function fieldReader(type: SqlType): (field: string) => SqlValue {
  switch (type.kind) {
    case 'BOOLEAN':
      return (field) => field.trim().toLowerCase() === 'true';
    case 'INTEGER':
    case 'DATE':
    case 'TIME':
      return (field) => {
        const value = parseLong(field.trim());
        return typeof value === 'number' && (value | 0) === value ? value : fail(field, type);
      };
    case 'BIGINT':
    case 'TIMESTAMP':
      return (field) => parseLong(field.trim()) ?? fail(field, type);
    case 'DOUBLE':
      return (field) => {
        const number = field.trim() === '' ? Number.NaN : Number(field);
        return Number.isNaN(number) && field.trim() !== 'NaN' ? fail(field, type) : number;
      };
    case 'DECIMAL':
      return (field) => {
        const decimal = Decimal.parse(field.trim());
        return decimal === undefined ? fail(field, type) : exactFit(decimal, type.precision, type.scale);
      };
    case 'BYTES':
      return (field) => parseBase64(field) ?? fail(field, type);
    default:
      return (field) => field;
  }
}

function fail(field: string, type: SqlType): never {
  throw new DeserializationError(`'${field}' is no ${type.kind}`);
}

function fieldWriter(type: SqlType): (value: SqlValue) => string {
  switch (type.kind) {
    case 'DOUBLE':
      return (value) => doubleText(value as number);
    case 'BYTES':
      return (value) => (value as Buffer).toString('base64');
    default:
      return String;
  }
}
