/**
 * What `produce` reads: lines, JSON (a line per value, or a list), CSV, and what `consume -o jsonl` writes. Each becomes a key,
 * a value and headers, with the line where it stands; what can't be understood comes as its error, in its place.
 */
import { createInterface } from 'node:readline';
import { text as textOfStream } from 'node:stream/consumers';
import { parseDelimited } from '../../serde/index.ts';
import { JsonNumber, type JsonValue, messageOf, MillraceError, parseExactJson } from '../../util/index.ts';
import { usage } from './options.ts';

export const INPUTS = ['lines', 'jsonl', 'json', 'csv', 'records'] as const;
export type Input = (typeof INPUTS)[number];

export interface InputRecord {
  /** Undefined: the input has none. Null: a null key. Texts stay texts, everything else is JSON. */
  readonly key?: JsonValue;
  readonly value: JsonValue;
  /** How the value stands in the input, where it is sent like that: JSON keeps its spaces. */
  readonly text?: string;
  readonly headers?: readonly { readonly key: string; readonly value: string | null }[];
  /** ms since the epoch. */
  readonly timestamp?: number;
}

export type InputEntry = { readonly line: number } & (
  | { readonly record: InputRecord; readonly error?: undefined }
  | { readonly record?: undefined; readonly error: Error }
);

export interface InputOptions {
  readonly input: Input;
  /** Of objects and of rows: the member that is the key, `a.b` inside others. */
  readonly keyField?: string;
  /** Of lines: what stands between the key and the value. */
  readonly keyDelimiter?: string;
  readonly csvDelimiter: string;
  /** Fields of CSV stay texts, also where they look like numbers. */
  readonly csvText?: boolean;
  /** Empty keys and values are null. */
  readonly emptyAsNull?: boolean;
}

/** Where the input comes from, and when to stop taking lines of it. */
export interface InputSource {
  readonly stream: NodeJS.ReadableStream;
  readonly interrupted: Promise<void>;
}

export async function* readInput(source: InputSource, options: InputOptions): AsyncGenerator<InputEntry> {
  const { input, keyField, keyDelimiter } = options;
  if (keyField !== undefined && input !== 'jsonl' && input !== 'json' && input !== 'csv') {
    throw usage(`--key-field is for --input jsonl, json and csv, not ${input}.`);
  }
  if (keyDelimiter !== undefined && input !== 'lines') {
    throw usage(`--key-delimiter is for --input lines, not ${input}.`);
  }
  if (input === 'json') yield* jsonValues(source.stream, options);
  else if (input === 'csv') yield* csvRows(source, options);
  else {
    const understand = LINES[input];
    for await (const [line, text] of linesOf(source)) {
      if (input !== 'lines' && text.trim() === '') continue;
      yield entry(line, () => understand(text, options));
    }
  }
}

const LINES: Readonly<Record<'lines' | 'jsonl' | 'records', (text: string, options: InputOptions) => InputRecord>> = {
  lines: lineRecord,
  jsonl: (text, options) => jsonRecord(parseExactJson(text), text, options),
  records: (text) => wholeRecord(parseExactJson(text)),
};

function entry(line: number, understand: () => InputRecord): InputEntry {
  try {
    return { line, record: understand() };
  } catch (error) {
    return { line, error: error instanceof Error ? error : new Error(String(error)) };
  }
}

async function* linesOf({ stream, interrupted }: InputSource): AsyncGenerator<[line: number, text: string]> {
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  void interrupted.then(() => lines.close());
  let line = 0;
  for await (const text of lines) yield [++line, text];
}

function lineRecord(text: string, { keyDelimiter, emptyAsNull = false }: InputOptions): InputRecord {
  const orNull = (part: string): string | null => (emptyAsNull && part === '' ? null : part);
  if (keyDelimiter === undefined) return { value: orNull(text) };
  const at = text.indexOf(keyDelimiter);
  if (at < 0) throw invalid(`there is no "${keyDelimiter}" between a key and a value`);
  return { key: orNull(text.slice(0, at)), value: orNull(text.slice(at + keyDelimiter.length)) };
}

function jsonRecord(value: JsonValue, text: string | undefined, { keyField }: InputOptions): InputRecord {
  return {
    value,
    ...(text === undefined ? {} : { text: text.trim() }),
    ...(keyField === undefined ? {} : { key: memberOf(value, keyField) }),
  };
}

function memberOf(value: JsonValue, path: string): JsonValue {
  let found: JsonValue = value;
  for (const name of path.split('.')) {
    const isObject = typeof found === 'object' && found !== null && !(found instanceof JsonNumber);
    if (!isObject || !Object.hasOwn(found as object, name)) throw invalid(`there is no member ${path} for the key`);
    found = (found as Record<string, JsonValue>)[name]!;
  }
  return found;
}

/** An object as `consume -o jsonl` writes it. Topic, partition and offset are those of another place: they are passed over. */
function wholeRecord(parsed: JsonValue): InputRecord {
  if (typeof parsed !== 'object' || parsed === null || parsed instanceof JsonNumber || Array.isArray(parsed)) {
    throw invalid('it is no object with key and value');
  }
  const known = ['key', 'value', 'headers', 'timestamp', 'topic', 'partition', 'offset'];
  const unknown = Object.keys(parsed).filter((name) => !known.includes(name));
  if (unknown.length > 0) throw invalid(`a record has no ${unknown.join(', ')}: it has ${known.join(', ')}`);
  const { key, value, headers, timestamp } = parsed;
  if (value === undefined) throw invalid('there is no value');
  const isTime = timestamp === undefined || (timestamp instanceof JsonNumber && timestamp.isInteger);
  if (!isTime) throw invalid('the timestamp is no whole number of milliseconds');
  return {
    value,
    ...(key === undefined ? {} : { key }),
    ...(headers === undefined ? {} : { headers: headersIn(headers) }),
    ...(timestamp === undefined ? {} : { timestamp: Number((timestamp as JsonNumber).text) }),
  };
}

function headersIn(given: JsonValue): { key: string; value: string | null }[] {
  const wrong = invalid('headers are a list of {"name", "value"}');
  if (!Array.isArray(given)) throw wrong;
  return given.map((header) => {
    const { name, value } = (header ?? {}) as Record<string, unknown>;
    if (typeof name !== 'string' || (value !== null && typeof value !== 'string')) throw wrong;
    return { key: name, value };
  });
}

/** A list of values, or one. Where they stand is counted by values, not by lines. */
async function* jsonValues(stream: NodeJS.ReadableStream, options: InputOptions): AsyncGenerator<InputEntry> {
  const text = await textOfStream(stream);
  if (text.trim() === '') return;
  let parsed: JsonValue;
  try {
    parsed = parseExactJson(text);
  } catch (error) {
    yield { line: 1, error: invalid(`the input is no JSON: ${messageOf(error)}`) };
    return;
  }
  const values = Array.isArray(parsed) ? parsed : [parsed];
  for (const [i, value] of values.entries()) yield entry(i + 1, () => jsonRecord(value, undefined, options));
}

/** Rows as objects, named by the first one. A field in quotes may go over several lines. */
async function* csvRows(source: InputSource, options: InputOptions): AsyncGenerator<InputEntry> {
  const { csvDelimiter } = options;
  let names: readonly string[] | undefined;
  let open: { readonly line: number; readonly text: string } | undefined;
  for await (const [number, part] of linesOf(source)) {
    const { line, text } =
      open === undefined ? { line: number, text: part } : { ...open, text: `${open.text}\n${part}` };
    const isOpen = (text.match(/"/g)?.length ?? 0) % 2 === 1;
    open = isOpen ? { line, text } : undefined;
    if (isOpen || (text === '' && names !== undefined)) continue;
    if (names !== undefined) {
      const heading = names;
      yield entry(line, () =>
        jsonRecord(rowOf(heading, parseDelimited(text, csvDelimiter), options), undefined, options),
      );
      continue;
    }
    names = parseDelimited(text.replace(/^\ufeff/, ''), csvDelimiter).map((name) => name ?? '');
    const twice = names.find((name, i) => name === '' || names!.indexOf(name) !== i);
    if (twice !== undefined) throw invalid(`line ${line}: the first row has to name each column, once: "${twice}"`);
  }
  if (open !== undefined) yield { line: open.line, error: invalid('a quote is never closed') };
}

function rowOf(names: readonly string[], fields: readonly (string | null)[], { csvText }: InputOptions): JsonValue {
  if (fields.length !== names.length) throw invalid(`${fields.length} fields, where the first row has ${names.length}`);
  return Object.fromEntries(names.map((name, i) => [name, csvText === true ? fields[i]! : typed(fields[i]!)]));
}

/** What a field says, where it says it as JSON does: `007` and `1,5` are texts. */
function typed(field: string | null): JsonValue {
  if (field === 'true' || field === 'false') return field === 'true';
  if (field !== null && /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(field)) return new JsonNumber(field);
  return field;
}

function invalid(why: string): MillraceError {
  return new MillraceError('INVALID_INPUT', why);
}
