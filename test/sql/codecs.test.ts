import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DeserializationError, deserialize, MemorySchemas, serialize } from '../../src/serde/index.ts';
import type { CodecColumn } from '../../src/sql/formats/codec.ts';
import { internalSerde } from '../../src/sql/formats/internal.ts';
import { rowSerde } from '../../src/sql/formats/row-serde.ts';
import type { FormatName } from '../../src/sql/formats/all.ts';
import {
  arrayOf,
  BIGINT,
  BOOLEAN,
  BYTES,
  DATE,
  DOUBLE,
  decimalType,
  INTEGER,
  mapOf,
  type SqlType,
  STRING,
  structOf,
  TIME,
  TIMESTAMP,
} from '../../src/sql/types.ts';
import { long } from '../../src/sql/values/bigint.ts';
import { Decimal } from '../../src/util/index.ts';
import { equalValues, type Row, type SqlValue } from '../../src/sql/values/value.ts';

const scalars: readonly (readonly [SqlType, fc.Arbitrary<SqlValue>])[] = [
  [BOOLEAN, fc.boolean()],
  [INTEGER, fc.integer()],
  [BIGINT, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(long)],
  [DOUBLE, fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)],
  [STRING, fc.string({ unit: 'binary' })],
  [BYTES, fc.uint8Array().map((bytes) => Buffer.from(bytes))],
  [decimalType(12, 4), fc.bigInt(-(10n ** 12n) + 1n, 10n ** 12n - 1n).map((unscaled) => new Decimal(unscaled, 4))],
  [DATE, fc.integer({ min: -100_000, max: 100_000 })],
  [TIME, fc.integer({ min: 0, max: 86_399_999 })],
  [TIMESTAMP, fc.integer({ min: 0, max: 4_000_000_000_000 })],
];

const optional = (values: fc.Arbitrary<SqlValue>): fc.Arbitrary<SqlValue> => fc.option(values, { nil: null });

/** Every scalar type once, and collections of them. `nulls`: also nulls everywhere. */
function rows(nested: boolean, nulls: boolean): { columns: CodecColumn[]; values: fc.Arbitrary<Row> } {
  const some = (values: fc.Arbitrary<SqlValue>): fc.Arbitrary<SqlValue> => (nulls ? optional(values) : values);
  const kinds: [SqlType, fc.Arbitrary<SqlValue>][] = scalars.map(([type, values]) => [type, some(values)]);
  if (nested) {
    const [, ints] = scalars[1]!;
    const [, texts] = scalars[4]!;
    const struct = structOf([
      { name: 'A', type: INTEGER },
      { name: 'B', type: STRING },
    ]);
    kinds.push([arrayOf(INTEGER), some(fc.array(some(ints)))]);
    kinds.push([struct, some(fc.tuple(some(ints), some(texts)))]);
    kinds.push([
      mapOf(STRING, BIGINT),
      some(fc.uniqueArray(fc.string({ minLength: 1 })).map((keys) => new Map(keys.map((key, i) => [key, i])))),
    ]);
    kinds.push([arrayOf(struct), some(fc.array(fc.tuple(some(ints), some(texts))))]);
  }
  return {
    columns: kinds.map(([type], i) => ({ name: `C${i}`, type })),
    values: fc.tuple(...kinds.map(([, values]) => values)),
  };
}

describe('what is written is read back', () => {
  test.each<[string, FormatName, { nested: boolean; nulls: boolean }, Record<string, string>]>([
    ['JSON', 'JSON', { nested: true, nulls: true }, {}],
    ['JSON_SR', 'JSON_SR', { nested: true, nulls: true }, {}],
    ['AVRO', 'AVRO', { nested: true, nulls: true }, {}],
    ['PROTOBUF', 'PROTOBUF', { nested: true, nulls: false }, {}],
    [
      'PROTOBUF with optional fields',
      'PROTOBUF',
      { nested: false, nulls: true },
      { nullableRepresentation: 'optional' },
    ],
    ['PROTOBUF with wrappers', 'PROTOBUF', { nested: false, nulls: true }, { nullableRepresentation: 'wrapper' }],
    ['PROTOBUF_NOSR', 'PROTOBUF_NOSR', { nested: true, nulls: false }, {}],
  ])('%s', async (_name, format, { nested, nulls }, properties) => {
    const { columns, values } = rows(nested, nulls);
    const serde = rowSerde({ schemas: new MemorySchemas() }, { format, properties }, columns, {
      topic: 't',
      part: 'value',
    });
    await serde.prepare?.();
    fc.assert(
      fc.property(values, (row) => {
        const back = deserialize(serde, serialize(serde, row))!;
        const changed = columns.filter((_column, i) => !equalValues(back[i]!, row[i]!)).map(({ type }) => type.kind);
        expect(changed).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test('rows inside a query', () => {
    const { columns, values } = rows(true, true);
    const serde = internalSerde(columns);
    fc.assert(
      fc.property(values, (row) => {
        const back = deserialize(serde, serialize(serde, row))!;
        row.forEach((value, i) => expect(equalValues(back[i]!, value)).toBe(true));
      }),
      { numRuns: 60 },
    );
  });
});

describe('JSON', () => {
  const read = (columns: CodecColumn[], text: string): Row | null =>
    deserialize(
      rowSerde({ schemas: undefined }, { format: 'JSON', properties: {} }, columns, { topic: 't', part: 'value' }),
      Buffer.from(text),
    );
  const one = (type: SqlType): CodecColumn[] => [{ name: 'A', type }];

  test.each<[string, SqlType, string, SqlValue]>([
    ['names in any case', INTEGER, '{"a": 1}', 1],
    ['the exact name wins', INTEGER, '{"a": 1, "A": 2}', 2],
    ['a missing field is null', INTEGER, '{}', null],
    ['numbers as text', BIGINT, '{"A": "42"}', 42],
    ['big numbers exactly', BIGINT, '{"A": 9223372036854775807}', 9223372036854775807n],
    ['a number as STRING keeps its digits', STRING, '{"A": 1.50}', '1.50'],
    ['an object as STRING is its text', STRING, '{"A": {"b": 1.0}}', '{"b":1.0}'],
    ['an array as STRING', STRING, '{"A": [1, "x"]}', '[1, x]'],
    ['bytes', BYTES, '{"A": "AQI="}', Buffer.from([1, 2])],
  ])('%s', (_name, type, text, value) => {
    expect(read(one(type), text)).toEqual([value]);
  });

  test.each([
    ['a text for a boolean', BOOLEAN, '{"A": "true"}'],
    ['no JSON', INTEGER, '{"A": 1'],
    ['not an object', INTEGER, '[1]'],
    ['more digits than the decimal holds', decimalType(3, 1), '{"A": 1.25}'],
  ])('refuses %s', (_name, type, text) => {
    expect(() => read(one(type), text)).toThrow(DeserializationError);
  });
});

describe('DELIMITED', () => {
  const columns: CodecColumn[] = [
    { name: 'A', type: STRING },
    { name: 'B', type: INTEGER },
    { name: 'C', type: STRING },
  ];
  const serde = rowSerde({ schemas: undefined }, { format: 'DELIMITED', properties: {} }, columns, {
    topic: 't',
    part: 'value',
  });

  test.each<[Row, string]>([
    [['x', 1, 'y'], 'x,1,y'],
    [[null, null, null], ',,'],
    [['a,b', -1, 'say "hi"'], '"a,b",-1,"say ""hi"""'],
    [['-first', 2, '-last'], '"-first",2,-last'],
    [['', 3, ' blank'], '"",3," blank"'],
  ])('%j', (row, text) => {
    expect(serialize(serde, row)?.toString()).toBe(text);
  });

  test.each(['2147483648', '-2147483649', '99999999999999999999'])('%s is no INTEGER', (number) => {
    expect(() => deserialize(serde, Buffer.from(`a,${number},b`))).toThrow(DeserializationError);
    expect(deserialize(serde, Buffer.from('a,-2147483648,b'))).toEqual(['a', -2147483648, 'b']);
  });

  test('the number of fields must fit', () => {
    expect(() => deserialize(serde, Buffer.from('a,1'))).toThrow('csvFields:2 schemaFields:3');
  });
});
