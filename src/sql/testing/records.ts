// Records as test files write them, in JSON, as the bytes that a topic holds in the format of its stream or table, and back.
// What has columns goes through the format's own serde, as rows that are read from JSON; what is text or JSON is taken as it is.
import { deserialize, deserializeLoading, type Serde, serialize } from '../../serde/index.ts';
import type { Windowed } from '../../streams/index.ts';
import { Decimal, JsonNumber, type JsonValue, MillraceError, parseExactJson } from '../../util/index.ts';
import type { DataSource } from '../catalog.ts';
import { FORMATS } from '../formats/all.ts';
import type { CodecColumn } from '../formats/codec.ts';
import { jsonFormat } from '../formats/json.ts';
import { type FormatEnvironment, keySerde, layoutOf, rowSerde } from '../formats/row-serde.ts';
import type { FormatInfo } from '../formats/traits.ts';
import type { Row } from '../values/value.ts';

/** A record that goes in, or is expected. */
export interface TestRecord {
  readonly topic: string;
  readonly key: JsonValue;
  readonly value: JsonValue;
  readonly timestamp: number | undefined;
  readonly window: { readonly start: number; readonly end: number } | undefined;
}

const MEMBERS = new Set(['topic', 'key', 'value', 'timestamp', 'window']);

/** The records under a member of a test file. Throws `SQL_TEST_FILE`. */
export function recordsIn(text: string, member: string, file: string): TestRecord[] {
  const invalid = (what: string): never => {
    throw new MillraceError('SQL_TEST_FILE', `${file}: ${what}`);
  };
  let parsed: JsonValue;
  try {
    parsed = parseExactJson(text);
  } catch (error) {
    return invalid(`it is no JSON: ${(error as Error).message}`);
  }
  const list = isObject(parsed) ? parsed[member] : undefined;
  if (!Array.isArray(list)) return invalid(`it has no array "${member}"`);
  if (list.length === 0) return invalid(`"${member}" is empty`);
  return list.map((entry, i) => {
    if (!isObject(entry) || typeof entry['topic'] !== 'string')
      return invalid(`${member}[${i}] is no object with a "topic"`);
    const unknown = Object.keys(entry).find((name) => !MEMBERS.has(name));
    if (unknown !== undefined) return invalid(`${member}[${i}] has a member "${unknown}" that records don't have`);
    const { topic, key = null, value = null, timestamp, window } = entry;
    return {
      topic,
      key,
      value,
      timestamp: timestamp instanceof JsonNumber ? Number(timestamp.text) : undefined,
      window: isObject(window)
        ? { start: Number(numberIn(window['start'])), end: Number(numberIn(window['end'])) }
        : undefined,
    };
  });
}

function numberIn(value: JsonValue | undefined): string {
  return value instanceof JsonNumber ? value.text : '';
}

function isObject(value: JsonValue | undefined): value is { [name: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber);
}

/** One side of a topic's records: JSON to bytes, and back. */
export interface Side {
  encode(json: JsonValue, window: TestRecord['window']): Promise<Buffer | null>;
  decode(bytes: Buffer | null): Promise<{ readonly json: JsonValue; readonly window?: TestRecord['window'] }>;
}

/** The sides of a topic's records, as the stream or table on it says; JSON where there is none. */
export function sidesOf(
  env: FormatEnvironment,
  source: DataSource | undefined,
): { readonly key: Side; readonly value: Side } {
  if (source === undefined) return { key: text, value: json };
  const { topic, keyFormat, valueFormat, schema, window } = source;
  const values = schema.value.filter((column) => column.namespace === 'VALUE');
  const key = sideOf(env, keyFormat, schema.key, { topic, part: 'key' }, window);
  return { key, value: sideOf(env, valueFormat, values, { topic, part: 'value' }) };
}

const text: Side = {
  encode: async (value) =>
    value === null ? null : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
  decode: async (bytes) => ({ json: bytes === null ? null : bytes.toString() }),
};

const json: Side = {
  encode: async (value) => (value === null ? null : Buffer.from(JSON.stringify(value))),
  decode: async (bytes) => ({ json: bytes === null ? null : parseExactJson(bytes.toString()) }),
};

function sideOf(
  env: FormatEnvironment,
  info: FormatInfo,
  columns: readonly CodecColumn[],
  place: { readonly topic: string; readonly part: 'key' | 'value' },
  window?: DataSource['window'],
): Side {
  const { isJsonText, holds } = FORMATS[info.format];
  if (columns.length === 0 || (holds === 'flatRows' && window === undefined)) return text;
  if (isJsonText === true && window === undefined) return json;
  const asJson = jsonFormat.serde({ ...layoutOf(info, place.part, columns), properties: {} });
  const inner = rowSerde(env, info, columns, place);
  const serde = keySerde(inner, window) as Serde<Row | Windowed<Row>>;
  return {
    async encode(value, at) {
      if (value === null) return null;
      await serde.prepare?.();
      const row = deserialize(asJson, Buffer.from(JSON.stringify(value)));
      return serialize(serde, window === undefined ? row : { key: row, start: at?.start ?? 0, end: at?.end ?? 0 });
    },
    async decode(bytes) {
      if (bytes === null) return { json: null };
      const read = await deserializeLoading(serde, bytes);
      const { key: row, ...at } = window === undefined ? { key: read as Row | null } : (read as Windowed<Row>);
      const found = serialize(asJson, row);
      const spec = found === null ? null : parseExactJson(found.toString());
      return window === undefined ? { json: spec } : { json: spec, window: at as NonNullable<TestRecord['window']> };
    },
  };
}

/** Why a value is not the expected one; undefined when it is. Numbers are compared by value, members by name. */
export function difference(expected: JsonValue, actual: JsonValue, path: string): string | undefined {
  const differ = (): string => `${path}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`;
  if (expected instanceof JsonNumber && actual instanceof JsonNumber)
    return Decimal.parse(expected.text)!.compare(Decimal.parse(actual.text)!) === 0 ? undefined : differ();
  if (Array.isArray(expected) && Array.isArray(actual)) {
    if (expected.length !== actual.length) return differ();
    return expected
      .map((item, i) => difference(item, actual[i]!, `${path}[${i}]`))
      .find((found) => found !== undefined);
  }
  if (isObject(expected) && isObject(actual)) {
    const names = Object.keys(expected);
    if (names.length !== Object.keys(actual).length) return differ();
    for (const name of names) {
      const found = actual[name] ?? actual[name.toUpperCase()];
      if (found === undefined) return differ();
      const different = difference(expected[name]!, found, `${path}.${name}`);
      if (different !== undefined) return different;
    }
    return undefined;
  }
  return expected === actual ? undefined : differ();
}
