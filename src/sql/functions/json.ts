// Functions of texts that hold JSON. Numbers keep their digits; what is no JSON is null.
import { doubleText, JsonNumber, type JsonValue, parseExactJson, parseJsonPrefix } from '../../util/index.ts';
import type { SqlType } from '../types.ts';
import { dateText, type SqlValue, timestampText } from '../values/value.ts';
import { nullable, pure, type ScalarFunction, scalar, typed } from './function.ts';

type Text = string | null;
type JsonObject = { [name: string]: JsonValue };

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber);
}

/** A plain step may hold every letter and digit of Unicode, in brackets too. */
const PATH = /\.([\p{L}\p{Nd}_:@]+)|\[(\d+)\]|\["([^"]*)"\]|\['([^']*)'\]|\[([\p{L}\p{Nd}_:@]+)\]/uy;

function pathOf(path: string): (string | number)[] {
  if (!path.startsWith('$')) throw new RangeError(`Invalid JSON path: ${path}`);
  const steps: (string | number)[] = [];
  PATH.lastIndex = 1;
  while (PATH.lastIndex < path.length) {
    const match = PATH.exec(path);
    if (match === null) throw new RangeError(`Invalid JSON path: ${path}`);
    steps.push(match[2] === undefined ? (match[1] ?? match[3] ?? match[4] ?? match[5] ?? '') : Number(match[2]));
  }
  return steps;
}

function extract(text: string, path: string): SqlValue {
  let value: JsonValue | undefined = parseJsonPrefix(text);
  for (const step of pathOf(path)) {
    if (typeof step === 'number') value = Array.isArray(value) ? value[step] : undefined;
    else value = isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
    if (value === undefined) return null;
  }
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isJson(text: Text): boolean {
  if (text === null || text.trim() === '') return false;
  try {
    parseExactJson(text);
    return true;
  } catch {
    return false;
  }
}

function contains([, type]: readonly SqlType[]): (text: string, value: SqlValue) => SqlValue {
  return (text, value) => {
    let parsed: JsonValue;
    try {
      parsed = parseExactJson(text);
    } catch {
      return false;
    }
    if (!Array.isArray(parsed)) return false;
    return parsed.some((item) => {
      if (value === null) return item === null;
      if (!(item instanceof JsonNumber)) return item === value;
      const integral = item.isInteger;
      if (type?.kind === 'DOUBLE') return !integral && Number(item.text) === value;
      return integral && (type?.kind === 'INTEGER' || type?.kind === 'BIGINT') && item.text === String(value);
    });
  };
}

function concat(...texts: Text[]): SqlValue {
  if (texts.length === 0 || texts.includes(null)) return null;
  const values = texts.map((text) => parseExactJson(text!));
  if (values.every(isObject)) return JSON.stringify(Object.assign({}, ...(values as JsonObject[])));
  return JSON.stringify(values.flatMap((value) => (Array.isArray(value) ? value : [value])));
}

function textOrJson(value: JsonValue): SqlValue {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A value as JSON, members in the order of their names. */
function toJson(type: SqlType, value: SqlValue): string {
  if (value === null) return 'null';
  switch (type.kind) {
    case 'STRING':
      return JSON.stringify(value);
    case 'DOUBLE':
      return Number.isFinite(value) ? doubleText(value as number) : `"${String(value)}"`;
    case 'BYTES':
      return JSON.stringify((value as Buffer).toString('base64'));
    case 'DATE':
      return JSON.stringify(dateText(value as number));
    case 'TIME':
      return JSON.stringify(
        timestampText(value as number)
          .slice(11)
          .replace(/\.000$/, ''),
      );
    case 'TIMESTAMP':
      return JSON.stringify(timestampText(value as number));
    case 'ARRAY':
      return `[${(value as readonly SqlValue[]).map((item) => toJson(type.item, item)).join(',')}]`;
    case 'MAP': {
      const entries = [...(value as ReadonlyMap<SqlValue, SqlValue>)].map(([key, item]): [string, string] => [
        String(key),
        toJson(type.value, item),
      ]);
      return members(entries);
    }
    case 'STRUCT':
      return members(
        type.fields.map((field, i): [string, string] => [
          field.name,
          toJson(field.type, (value as readonly SqlValue[])[i]!),
        ]),
      );
    default:
      return String(value);
  }
}

function members(entries: [string, string][]): string {
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${sorted.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
}

export const jsonFunctions: readonly ScalarFunction[] = [
  scalar('EXTRACTJSONFIELD', 'JSON', 'The value at a path of a JSON text.', [
    pure('STRING, STRING -> STRING', extract),
  ]),
  scalar('IS_JSON_STRING', 'JSON', 'Whether a text is JSON.', [nullable('STRING -> BOOLEAN', isJson)]),
  scalar('JSON_ARRAY_CONTAINS', 'JSON', 'Whether a JSON array has an element.', [
    typed(
      'STRING, ANY -> BOOLEAN',
      (types) => {
        const test = contains(types);
        return (text: Text, value: SqlValue) => (text === null ? false : test(text, value));
      },
      { takesNulls: true },
    ),
  ]),
  scalar('JSON_ARRAY_LENGTH', 'JSON', 'How many elements a JSON array has.', [
    pure('STRING -> INT', (text: string) => {
      const parsed = parseExactJson(text);
      return Array.isArray(parsed) ? parsed.length : null;
    }),
  ]),
  scalar('JSON_CONCAT', 'JSON', 'JSON objects merged, or everything as one array.', [
    nullable('STRING... -> STRING', concat),
  ]),
  scalar('JSON_ITEMS', 'JSON', 'The elements of a JSON array as JSON texts.', [
    pure('STRING -> ARRAY<STRING>', (text: string) => {
      const parsed = parseExactJson(text);
      if (!Array.isArray(parsed)) throw new RangeError('JSON_ITEMS needs a JSON array');
      return parsed.map((item) => JSON.stringify(item));
    }),
  ]),
  scalar('JSON_KEYS', 'JSON', 'The names of the members of a JSON object.', [
    pure('STRING -> ARRAY<STRING>', (text: string) => {
      const parsed = parseExactJson(text);
      return isObject(parsed) ? Object.keys(parsed) : null;
    }),
  ]),
  scalar('JSON_RECORDS', 'JSON', 'The members of a JSON object as a map.', [
    pure('STRING -> MAP<STRING, STRING>', (text: string) => {
      const parsed = parseExactJson(text);
      if (!isObject(parsed)) return null;
      return new Map(Object.entries(parsed).map(([name, value]) => [name, textOrJson(value)]));
    }),
  ]),
  scalar('TO_JSON_STRING', 'JSON', 'A value as JSON text.', [
    typed(
      'ANY -> STRING',
      ([type]) =>
        (value: SqlValue) =>
          toJson(type!, value),
      { takesNulls: true },
    ),
  ]),
];
