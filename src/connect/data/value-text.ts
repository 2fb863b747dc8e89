// Values as texts that say their types, as Kafka Connect's `Values` writes and reads them: headers (SimpleHeaderConverter), the
// literals of transformations. Read from the text's own form: `true`, numbers in the smallest type that holds them, times
// (`2020-01-31T12:34:56.789Z`, `2020-01-31`, `12:34:56.789Z`), `["a","b"]`, `{"a":1}`; everything else is a string.
//
// Other than in Kafka: a text of which only the beginning is a value (`10:30`, `1,2`) is a string, not that beginning; so is a
// date that does not exist; `\"` within quotes is read as it was written; and what has no common schema has none.
import { Decimal, isOutOfStack } from '../../util/index.ts';
import { DataError } from './errors.ts';
import { decimalText, numberText } from './java-text.ts';
import type { SchemaAndValue } from './record.ts';
import {
  arrayOf,
  BOOLEAN,
  date,
  decimalOf,
  LOGICAL,
  mapOf,
  primitive,
  type Schema,
  type SchemaType,
  STRING,
  time,
  timestamp,
} from './schema.ts';

const DAY_MS = 86_400_000;
const DATE = date();
const TIME = time();
const TIMESTAMP = timestamp();

// ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** The text of a value. Texts within lists and maps stand in quotes. Throws `DataError` for what no schema has. */
export function valueText(schema: Schema | null, value: unknown, isInside = false): string {
  if (value === null || value === undefined) return 'null';
  switch (typeof value) {
    case 'number':
      return numberText(schema, value);
    case 'string':
      return isInside ? quoted(value) : value;
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'object':
      return objectText(schema, value, isInside);
    default:
      throw new DataError(`Failed to serialize unexpected value type ${typeof value}`);
  }
}

function objectText(schema: Schema | null, value: object, isInside: boolean): string {
  if (value instanceof Uint8Array) {
    const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64');
    return isInside ? `"${text}"` : text;
  }
  if (value instanceof Decimal) return decimalText(value);
  if (value instanceof Date) return instantText(schema, value);
  if (Array.isArray(value)) {
    const element = schema?.type === 'array' ? schema.valueSchema : null;
    return `[${value.map((each) => valueText(element, each, true)).join(',')}]`;
  }
  if (schema?.type === 'struct') {
    const struct = value as Record<string, unknown>;
    return `{${schema.fields.map(({ name, schema: of }) => `${quoted(name)}:${valueText(of, struct[name] ?? of.default, true)}`).join(',')}}`;
  }
  const [keys, values] = schema?.type === 'map' ? [schema.keySchema, schema.valueSchema] : [null, null];
  const entries: [unknown, unknown][] = value instanceof Map ? [...value.entries()] : Object.entries(value);
  return `{${entries.map(([key, each]) => `${valueText(keys, key, true)}:${valueText(values, each, true)}`).join(',')}}`;
}

/** Without a schema, what the value looks like: within the first day a time, at midnight a date. */
export function instantText(schema: Schema | null, value: Date): string {
  const text = value.toISOString();
  const millis = value.getTime();
  const guessed =
    millis >= 0 && millis < DAY_MS ? LOGICAL.time : millis % DAY_MS === 0 ? LOGICAL.date : LOGICAL.timestamp;
  switch (schema?.name ?? guessed) {
    case LOGICAL.time:
      return text.slice(-13);
    case LOGICAL.date:
      return text.slice(0, -14);
    default:
      return text;
  }
}

function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

// ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a text says. */
export function parseValueText(text: string): SchemaAndValue {
  if (text.trim() === '') return { schema: STRING, value: text };
  if (text === 'null') return { schema: null, value: null };
  const reader = new Reader(text);
  try {
    const found = reader.value(false);
    return found !== undefined && reader.isAtEnd ? found : { schema: STRING, value: text };
  } catch (error) {
    if (isOutOfStack(error)) return { schema: STRING, value: text };
    throw error;
  }
}

const NOTHING: SchemaAndValue = { schema: null, value: null };
/** Types of numbers, each with room for those before it. */
const WIDTHS: readonly SchemaType[] = ['int8', 'int16', 'int32', 'int64', 'float32', 'float64'];
const TEMPORAL =
  /(?:\d{4}-\d\d-\d\d(?:T\d\d\\?:\d\d\\?:\d\d\.\d{3}Z)?|\d\d\\?:\d\d\\?:\d\d\.\d{3}Z)(?=\s*(?:[,:\]}]|$))/y;
const TOKEN = /[^\s:,{}[\]"](?:[^:,{}[\]"]*[^\s:,{}[\]"])?/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/sy;
const SPACE = /\s*/y;

/** Undefined: there is no value here. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    this.#match(SPACE);
    return this.#at === this.#text.length;
  }

  /** Texts in quotes, and nulls, are values only inside of others. */
  value(isInside: boolean): SchemaAndValue | undefined {
    this.#match(SPACE);
    if (this.#takes('[')) return this.#array();
    if (this.#takes('{')) return this.#map();
    const text = isInside ? this.#match(QUOTED)?.[1]?.replace(/\\([\\"])/g, '$1') : undefined;
    if (text !== undefined) return temporal(text) ?? { schema: STRING, value: text };
    const instant = this.#match(TEMPORAL)?.[0];
    if (instant !== undefined) return temporal(instant.replaceAll('\\', ''));
    const token = this.#match(TOKEN)?.[0];
    if (token === 'null') return isInside ? NOTHING : undefined;
    if (token === 'true' || token === 'false') return { schema: BOOLEAN, value: token === 'true' };
    return token === undefined ? undefined : numberOf(token);
  }

  #array(): SchemaAndValue | undefined {
    const elements: SchemaAndValue[] = [];
    while (!this.#takes(']')) {
      const element = this.value(true);
      if (element === undefined || !this.#goesOn(']')) return undefined;
      elements.push(element);
    }
    if (hasSomeNulls(elements)) return undefined;
    const schema = commonSchema(elements);
    const value = elements.map((element) => widened(element, schema));
    return { schema: schema === null ? null : arrayOf(schema), value };
  }

  #map(): SchemaAndValue | undefined {
    const keys: SchemaAndValue[] = [];
    const values: SchemaAndValue[] = [];
    while (!this.#takes('}')) {
      const key = this.value(true);
      if (key === undefined || key.value === null || !this.#takes(':')) return undefined;
      const value = this.value(true);
      if (value === undefined || !this.#goesOn('}')) return undefined;
      keys.push(key);
      values.push(value);
    }
    if (hasSomeNulls(values)) return undefined;
    const [keySchema, valueSchema] = [commonSchema(keys), commonSchema(values)];
    const schema = keySchema === null || valueSchema === null ? null : mapOf(keySchema, valueSchema);
    const entries = keys.map((key, i) => [widened(key, keySchema), widened(values[i]!, valueSchema)] as const);
    return { schema, value: new Map(entries) };
  }

  /** Behind an element: a comma, or the end, which is left where it is. */
  #goesOn(end: string): boolean {
    if (this.#takes(',')) return true;
    return this.#text[this.#at] === end;
  }

  #takes(delimiter: string): boolean {
    this.#match(SPACE);
    if (this.#text[this.#at] !== delimiter) return false;
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text) ?? undefined;
    if (found !== undefined) this.#at = pattern.lastIndex;
    return found;
  }
}

function temporal(text: string): SchemaAndValue | undefined {
  if (/^\d\d:\d\d:\d\d\.\d{3}Z$/.test(text)) return instantOf(`1970-01-01T${text}`, text, TIME);
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return instantOf(`${text}T00:00:00.000Z`, text, DATE);
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text) ? instantOf(text, text, TIMESTAMP) : undefined;
}

/** Undefined where there is no such day or time. */
function instantOf(iso: string, text: string, schema: Schema): SchemaAndValue | undefined {
  const value = new Date(iso);
  return !Number.isNaN(value.getTime()) && instantText(schema, value) === text ? { schema, value } : undefined;
}

const INTEGERS = WIDTHS.slice(0, 4).map((type, i) => ({
  schema: primitive(type as 'int8'),
  min: -(2n ** BigInt(8 * 2 ** i - 1)),
}));
const FLOAT32 = primitive('float32');
const FLOAT64 = primitive('float64');
const MAX_LONG_DIGITS = 20;

function numberOf(token: string): SchemaAndValue | undefined {
  const decimal = /^[+-]?\d|^[+-]\./.test(token) ? Decimal.parse(token) : undefined;
  if (decimal === undefined) return undefined;
  const whole = wholeOf(decimal);
  const integer = whole === undefined ? undefined : INTEGERS.find(({ min }) => whole >= min && whole < -min);
  if (integer !== undefined)
    return { schema: integer.schema, value: integer.schema.type === 'int64' ? whole : Number(whole) };
  const value = Number(token);
  if (decimal.scale !== 0 && Number.isFinite(Math.fround(value))) return { schema: FLOAT32, value: Math.fround(value) };
  if (decimal.scale !== 0 && Number.isFinite(value)) return { schema: FLOAT64, value };
  return { schema: decimalOf(decimal.scale), value: decimal };
}

/** Undefined where there is something behind the point, or more digits than any integer has. */
function wholeOf(decimal: Decimal): bigint | undefined {
  if (decimal.unscaled === 0n) return 0n;
  if (decimal.precision - decimal.scale > MAX_LONG_DIGITS || decimal.precision <= decimal.scale) return undefined;
  const whole = decimal.rescale(0);
  return whole.compare(decimal) === 0 ? whole.unscaled : undefined;
}

function hasSomeNulls(elements: readonly SchemaAndValue[]): boolean {
  return elements.some(({ value }) => value === null) && elements.some(({ value }) => value !== null);
}

/** The schema that all have, or the widest of their numbers'; null where there is none. */
function commonSchema(elements: readonly SchemaAndValue[]): Schema | null {
  const [first, ...rest] = elements.map(({ schema }) => schema);
  let common = first ?? null;
  for (const schema of rest) {
    if (common === null || schema === null) return null;
    if (!common.equals(schema)) {
      const [a, b] = [widthOf(common), widthOf(schema)];
      if (a < 0 || b < 0) return null;
      common = a < b ? schema : common;
    }
  }
  return common;
}

const widthOf = ({ type, name }: Schema): number => (name === undefined ? WIDTHS.indexOf(type) : -1);

function widened({ value }: SchemaAndValue, schema: Schema | null): unknown {
  if (typeof value === 'number' && schema?.type === 'int64') return BigInt(value);
  if (typeof value === 'bigint' && schema?.type.startsWith('float') === true) return Number(value);
  return value;
}
