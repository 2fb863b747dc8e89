// The records of cases: what they are as bytes in a topic, and whether those that are there are the expected ones.
import type { DataSource } from '../../src/sql/catalog.ts';
import type { OutputRecord } from '../../src/streams/index.ts';
import type { SpecRecord } from './cases.ts';
import { type Actual, difference } from './compare.ts';
import { type FormatContext, type RecordFormat, recordFormat } from './record-formats.ts';
import { isObject, type Spec } from './spec-json.ts';

export type ReadRecord = Pick<OutputRecord, 'key' | 'value' | 'timestamp' | 'headers'>;

export interface TopicFormats {
  readonly key: RecordFormat;
  readonly value: RecordFormat;
  readonly source: DataSource | undefined;
}

/** How the records of a topic are written, as the stream or table on it says; JSON where there is none. */
export function topicFormats(
  source: DataSource | undefined,
  { topic, ...rest }: Omit<FormatContext, 'subject'> & { readonly topic: string },
): TopicFormats {
  const context = (side: string): FormatContext => ({ ...rest, subject: `${topic}-${side}` });
  if (source === undefined) {
    const value = recordFormat({ format: 'JSON', properties: {} }, [], context('value'));
    return { key: recordFormat({ format: 'KAFKA', properties: {} }, [], context('key')), value, source };
  }
  const values = source.schema.value.filter((column) => column.namespace === 'VALUE');
  return {
    key: recordFormat(source.keyFormat, source.schema.key, context('key')),
    value: recordFormat(source.valueFormat, values, context('value')),
    source,
  };
}

export function encodeInput(
  input: SpecRecord,
  { key, value }: TopicFormats,
): { readonly key: Buffer | null; readonly value: Buffer | null } {
  return { key: windowedKey(key.encode(input.key), input), value: value.encode(input.value) };
}

/** Why a record is not the expected one; undefined when it is. */
export function recordDifference(
  want: SpecRecord,
  got: ReadRecord,
  { key, value, source }: TopicFormats,
): string | undefined {
  let keyBytes = got.key;
  if (source?.window !== undefined && keyBytes !== null) {
    if (want.window === undefined) return 'the key is windowed, but no window is expected';
    const session = source.window.type === 'SESSION';
    const tail = session ? 16 : 8;
    const start = Number(keyBytes.readBigInt64BE(keyBytes.length - 8));
    const end = session ? Number(keyBytes.readBigInt64BE(keyBytes.length - 16)) : start + (source.window.sizeMs ?? 0);
    if (start !== want.window.start || end !== want.window.end || session !== (want.window.type === 'session'))
      return `expected window [${want.window.start}, ${want.window.end}) ${want.window.type}, got [${start}, ${end})`;
    keyBytes = keyBytes.subarray(0, keyBytes.length - tail);
  } else if (want.window !== undefined) {
    return 'the key is not windowed';
  }
  const wrongKey = difference(want.key, single(key, want.key, key.decode(keyBytes)), 'key');
  if (wrongKey !== undefined) return wrongKey;
  const wrongValue = difference(want.value, single(value, want.value, value.decode(got.value)));
  if (wrongValue !== undefined) return wrongValue;
  if (want.timestamp !== undefined && want.timestamp !== got.timestamp)
    return `expected timestamp ${want.timestamp}, got ${got.timestamp}`;
  const headers = want.headers ?? [];
  const same =
    headers.length === got.headers.length &&
    headers.every((header, i) => {
      const found = got.headers[i]!;
      const bytes = found.value === null ? null : Buffer.from(found.value);
      return (
        found.key === header.key &&
        (bytes === null ? header.value === null : header.value !== null && bytes.equals(header.value))
      );
    });
  return same ? undefined : `expected ${headers.length} headers, got ${JSON.stringify(got.headers)}`;
}

/** The value inside a message of one field, where that is what is expected. */
function single(format: RecordFormat, want: Spec, actual: Actual): Actual {
  if (format.wrapsSingle !== true || isObject(want) || !(actual instanceof Map)) return actual;
  return ([...actual.values()][0] as Actual | undefined) ?? null;
}

function windowedKey(key: Buffer | null, input: SpecRecord): Buffer | null {
  const { window } = input;
  if (key === null || window === undefined) return key;
  const tail = Buffer.alloc(window.type === 'session' ? 16 : 8);
  if (window.type === 'session') {
    tail.writeBigInt64BE(BigInt(window.end));
    tail.writeBigInt64BE(BigInt(window.start), 8);
  } else {
    tail.writeBigInt64BE(BigInt(window.start));
  }
  return Buffer.concat([key, tail]);
}
