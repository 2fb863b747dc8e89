// Formats of record files: whatever is written comes back, the same records make the same bytes, and what is broken is refused.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  avroContainer,
  csvFiles,
  type FileBytes,
  gzipped,
  jsonLines,
  parquetFiles,
  rawBytes,
  type RecordFormat,
  textLines,
} from '../../../src/connect/connectors/record-files/index.ts';
import { decimalOf, INT32, INT64, OPTIONAL_STRING, type Schema, STRING, structOf } from '../../../src/connect/index.ts';
import { Decimal } from '../../../src/util/index.ts';
import { typedStruct } from '../oracle/arbitraries.ts';

const MAPPING = { enhanced: false, generalized: false, connectMetaData: true, scrubNames: false };

async function* chunks(bytes: Uint8Array, size = bytes.length || 1): FileBytes {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function written(format: RecordFormat, schema: Schema | null, values: readonly unknown[]): Buffer {
  const writer = format.writer(schema);
  for (const value of values) writer.add(value);
  return writer.finish();
}

async function read(format: RecordFormat, bytes: Uint8Array, size?: number) {
  const records = [];
  for await (const record of format.read(chunks(bytes, size))) records.push(record);
  return records;
}

const withoutBirthNames = fc.constantFrom('a', 'b', 'name', 'amount', 'id', 'constructor');
const sampled = { numRuns: 150 };

/** Nulls where there is a default become it: formats have no null there. */
function defaulted(schema: Schema, value: unknown): unknown {
  if (value === null || value === undefined) return schema.default ?? null;
  if (schema.type === 'array') return (value as unknown[]).map((each) => defaulted(schema.valueSchema, each));
  if (schema.type === 'map')
    return new Map([...(value as Map<unknown, unknown>)].map(([k, v]) => [k, defaulted(schema.valueSchema, v)]));
  if (schema.type !== 'struct') return value;
  const struct = value as Record<string, unknown>;
  return Object.fromEntries(schema.fields.map((field) => [field.name, defaulted(field.schema, struct[field.name])]));
}

const records = typedStruct(2, withoutBirthNames).filter(({ value }) => value !== null);

describe('what is written comes back', () => {
  test.each(['null', 'deflate', 'snappy'] as const)('as Avro, compressed with %s', async (codec) => {
    const format = avroContainer(codec, MAPPING);
    await fc.assert(
      fc.asyncProperty(records, fc.integer({ min: 0, max: 5 }), async ({ schema, value }, count) => {
        const values = Array.from({ length: count }, () => value);
        const bytes = written(format, schema, values);
        expect(written(format, schema, values)).toEqual(bytes);
        const back = await read(format, bytes);
        expect(back.map((record) => record.value)).toEqual(values);
      }),
      sampled,
    );
  });

  test.each(['none', 'snappy', 'gzip'] as const)('as Parquet, compressed with %s', async (codec) => {
    const format = parquetFiles(codec);
    const columns = records.filter(({ schema }) => schema.fields.length > 0);
    await fc.assert(
      fc.asyncProperty(columns, fc.integer({ min: 1, max: 5 }), async ({ schema, value }, count) => {
        const values = Array.from({ length: count }, () => value);
        const bytes = written(format, schema, values);
        expect(written(format, schema, values)).toEqual(bytes);
        const back = await read(format, bytes);
        expect(back.map((record) => record.value)).toEqual(values.map((each) => defaulted(schema, each)));
        for (const record of back) expect(record.schema!.equals(schema)).toBe(true);
      }),
      sampled,
    );
  });

  test('as Parquet, of several row groups and of no record', async () => {
    const schema = structOf({ id: INT64, price: decimalOf(3), note: OPTIONAL_STRING });
    const values = Array.from({ length: 2500 }, (_, i) => ({
      id: BigInt(i) * 2n ** 50n,
      price: new Decimal(BigInt(i) ** 5n * (i % 2 === 0 ? 1n : -1n), 3),
      note: i % 3 === 0 ? null : `n${i}`,
    }));
    const format = parquetFiles('snappy');
    expect((await read(format, written(format, schema, values))).map(({ value }) => value)).toEqual(values);
    expect(await read(format, written(format, schema, []))).toEqual([]);
  });

  test('as lines of JSON, in chunks of any size, with gzip or without', async () => {
    const format = jsonLines('NUMERIC');
    const line = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.string()));
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 20 }), async (values, size) => {
        for (const each of [format, gzipped(format)]) {
          const back = await read(each, written(each, null, values), size);
          expect(back).toEqual(values.map((value) => ({ schema: null, value })));
        }
      }),
      sampled,
    );
  });

  test('as CSV, with nulls told from empty texts', async () => {
    const format = csvFiles();
    const schema = structOf({ a: OPTIONAL_STRING, 'b "c"': OPTIONAL_STRING });
    const cell = fc.option(fc.oneof(fc.string(), fc.constantFrom('', '"', '\n', ',', ' x ', 'ü\r\n')));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ a: cell, 'b "c"': cell })), async (values) => {
        const back = await read(format, written(format, schema, values), 7);
        expect(back.map(({ value }) => value)).toEqual(values);
        for (const record of back) expect(record.schema!.equals(schema)).toBe(true);
      }),
      sampled,
    );
    const alone = structOf({ a: OPTIONAL_STRING });
    const values = [{ a: null }, { a: '' }, { a: 'x' }, { a: null }];
    expect((await read(format, written(format, alone, values))).map(({ value }) => value)).toEqual(values);
  });

  test('as bytes behind which any separator stands, and as lines of text', async () => {
    const separated = rawBytes('.bin', Buffer.from('||'));
    const part = fc.array(fc.integer({ min: 0, max: 100 })).map((numbers) => Buffer.from(numbers));
    await fc.assert(
      fc.asyncProperty(fc.array(part), fc.integer({ min: 1, max: 5 }), async (values, size) => {
        const back = await read(separated, written(separated, null, values), size);
        expect(back.map(({ value }) => value)).toEqual(values);
      }),
      sampled,
    );
    expect((await read(textLines(), Buffer.from('a\r\n\nb'))).map(({ value }) => value)).toEqual(['a', '', 'b']);
  });
});

describe('what cannot be is refused', () => {
  const person = structOf({ id: INT32, name: STRING });

  test.each([
    ['Avro', avroContainer('null', MAPPING)],
    ['Parquet', parquetFiles('snappy')],
    ['CSV', csvFiles()],
  ])('a record of another kind, by %s, and the file is as it was', async (_name, format) => {
    const writer = format.writer(person);
    writer.add({ id: 1, name: 'a' });
    expect(() => writer.add({ id: 2, name: 7 })).toThrow(/string|must be STRING/);
    expect(() => writer.add(null)).toThrow(/null|missing/);
    writer.add({ id: 3, name: 'c' });
    expect(writer.finish()).toEqual(
      written(format, person, [
        { id: 1, name: 'a' },
        { id: 3, name: 'c' },
      ]),
    );
    expect(() => format.writer(null)).toThrow(/schema/);
  });

  test.each([
    ['Avro', avroContainer('snappy', MAPPING)],
    ['Parquet', parquetFiles('gzip')],
    ['gzip', gzipped(jsonLines())],
  ])('a file that is cut off, of %s', async (_name, format) => {
    const whole = written(format, person, [{ id: 1, name: 'a'.repeat(100) }]);
    await expect(read(format, whole.subarray(0, whole.length - 5))).rejects.toThrow(/file/);
    await expect(read(format, Buffer.from('something else'))).rejects.toThrow(/file/);
  });

  test('a line that is no JSON, and rows of other lengths', async () => {
    await expect(read(jsonLines(), Buffer.from('1\n{\n'))).rejects.toThrow(/line 2 is no JSON/);
    await expect(read(csvFiles(), Buffer.from('a,b\n1\n'))).rejects.toThrow(/no CSV/);
  });
});
