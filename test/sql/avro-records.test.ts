// Avro records as rows and back, by the schema that they were written with.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AvroCursor, writeAvroLong } from '../../src/schemas/index.ts';
import { avroSerde, deserialize, MemorySchemas, type SchemaReference, serialize } from '../../src/serde/index.ts';
import type { CodecColumn, RowSerde } from '../../src/sql/formats/codec.ts';
import { rowSerde } from '../../src/sql/formats/row-serde.ts';
import {
  arrayOf,
  BIGINT,
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
import type { Row } from '../../src/sql/values/value.ts';
import { ByteWriter, Decimal } from '../../src/util/index.ts';

type Schema = string | readonly Schema[] | { readonly [key: string]: unknown };

const record = (name: string, fields: Record<string, Schema>, rest: object = {}) => ({
  type: 'record',
  name,
  ...rest,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })),
});

const columns = (types: Record<string, SqlType>): CodecColumn[] =>
  Object.entries(types).map(([name, type]) => ({ name, type }));

interface Given {
  readonly references?: readonly SchemaReference[];
  readonly schemas?: MemorySchemas;
  readonly bare?: boolean;
}

/** The serde of columns that are written with a registered schema. */
async function serdeOf(schema: Schema, types: Record<string, SqlType>, given: Given = {}): Promise<RowSerde> {
  const { schemas = new MemorySchemas(), references = [], bare = false } = given;
  schemas.add('t-value', { schemaType: 'AVRO', schema: JSON.stringify(schema), references });
  const properties = { schemaId: String(schemas.newest('t-value')!.id) };
  const info = { format: 'AVRO', properties, wrapping: bare ? 'UNWRAP_SINGLES' : 'WRAP_SINGLES' } as const;
  const serde = rowSerde({ schemas }, info, columns(types), { topic: 't', part: 'value' });
  await serde.prepare?.();
  return serde;
}

const payload = (serde: RowSerde, row: Row): string => serialize(serde, row)!.toString('hex', 5);

function read(serde: RowSerde, hex: string): Row | null {
  return deserialize(serde, Buffer.from(`0000000001${hex}`, 'hex'));
}

describe('a union', () => {
  const a = record('A', { p: 'int' });
  const b = record('B', { q: 'int' });
  const both = structOf([
    { name: 'A', type: structOf([{ name: 'P', type: INTEGER }]) },
    { name: 'B', type: structOf([{ name: 'Q', type: INTEGER }]) },
  ]);

  test.each<[string, Schema, SqlType, string, Row]>([
    ['of records', ['null', a, b], both, '040a', [[null, [5]]]],
    [
      'in an array',
      { type: 'array', items: [a, b] },
      arrayOf(both),
      '04020c000e00',
      [
        [
          [null, [6]],
          [[7], null],
        ],
      ],
    ],
    ['in a map', { type: 'map', values: [a, b] }, mapOf(STRING, both), '02026b020a00', [new Map([['k', [null, [5]]]])]],
    ['that is null', ['null', a, b], both, '00', [null]],
  ])('%s has the branch that was written', async (_name, type, sql, hex, row) => {
    const serde = await serdeOf(record('T', { x: type }), { X: sql });
    expect(read(serde, hex)).toEqual(row);
    expect(payload(serde, row)).toBe(hex);
  });

  test('of numbers keeps them apart', async () => {
    const sql = structOf(['INT', 'LONG', 'FLOAT'].map((name, i) => ({ name, type: [INTEGER, BIGINT, DOUBLE][i]! })));
    const serde = await serdeOf(record('T', { x: ['int', 'long', 'float'] }), { X: sql });
    expect(read(serde, '0206')).toEqual([[null, 3, null]]);
    expect(payload(serde, [[null, null, 1.5]])).toBe('040000c03f');
  });

  test('has no other branches than its own', async () => {
    const serde = await serdeOf(record('T', { x: ['null', a, b] }), { X: both });
    expect(() => read(serde, '060a')).toThrow(/there is no branch or symbol 3/);
  });

  test('is written by the branch that a column is of', async () => {
    const serde = await serdeOf(record('T', { x: ['null', 'string', 'long'] }), { X: BIGINT });
    expect(payload(serde, [7])).toBe('040e');
    expect(payload(serde, [null])).toBe('00');
  });
});

describe('names', () => {
  test('mean what they mean in their namespace', async () => {
    const schema = record('T', {
      x: record('B', { a: 'int' }, { namespace: 'com.a' }),
      y: record('B', { b: 'string' }, { namespace: 'com.b' }),
      z: record('C', { v: 'B' }, { namespace: 'com.a' }),
    });
    const z = structOf([{ name: 'V', type: structOf([{ name: 'A', type: INTEGER }]) }]);
    expect(read(await serdeOf(schema, { Z: z }), '02026204')).toEqual([[[2]]]);
    const schemas = new MemorySchemas();
    const plain = avroSerde<unknown>({ schemas, topic: 't', schema });
    await plain.prepare();
    const value = { x: { a: 1 }, y: { b: 'b' }, z: { v: { a: 2 } } };
    expect(serialize(plain, value)!.toString('hex', 5)).toBe('02026204');
  });

  test('of other subjects are read and written', async () => {
    const schemas = new MemorySchemas();
    const money = record('Money', { cents: 'long' }, { namespace: 'shop' });
    schemas.add('money', { schemaType: 'AVRO', schema: JSON.stringify(money) });
    const references = [{ name: 'shop.Money', subject: 'money', version: 1 }];
    const price = structOf([{ name: 'CENTS', type: BIGINT }]);
    const schema = record('T', { price: 'Money' }, { namespace: 'shop' });
    const serde = await serdeOf(schema, { PRICE: price }, { schemas, references });
    expect(payload(serde, [[5]])).toBe('0a');
    expect(deserialize(serde, serialize(serde, [[5]]))).toEqual([[5]]);
  });

  test('that a field had before still find it', async () => {
    const schema = { type: 'record', name: 'T', fields: [{ name: 'now', type: 'int', aliases: ['then'] }] };
    expect(read(await serdeOf(schema, { THEN: INTEGER }), '04')).toEqual([2]);
  });
});

test.each<[string, Schema, SqlType, string, Row[number]]>([
  [
    'decimal',
    { type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 },
    decimalType(6, 2),
    '04ff38',
    new Decimal(-200n, 2),
  ],
  [
    'decimal in a fixed',
    { type: 'fixed', name: 'F', size: 4, logicalType: 'decimal', precision: 6, scale: 2 },
    decimalType(6, 2),
    'ffffff38',
    new Decimal(-200n, 2),
  ],
  ['date', { type: 'int', logicalType: 'date' }, DATE, '04', 2],
  ['time-millis', { type: 'int', logicalType: 'time-millis' }, TIME, '04', 2],
  ['time-micros', { type: 'long', logicalType: 'time-micros' }, TIME, 'a01f', 2],
  ['timestamp-millis', { type: 'long', logicalType: 'timestamp-millis' }, TIMESTAMP, '04', 2],
  ['timestamp-micros', { type: 'long', logicalType: 'timestamp-micros' }, TIMESTAMP, 'a01f', 2],
  ['timestamp-micros before 1970', { type: 'long', logicalType: 'timestamp-micros' }, TIMESTAMP, '9f1f', -2],
  ['timestamp-nanos', { type: 'long', logicalType: 'timestamp-nanos' }, TIMESTAMP, '8092f401', 2],
  ['local-timestamp-millis', { type: 'long', logicalType: 'local-timestamp-millis' }, TIMESTAMP, '04', 2],
  ['local-timestamp-micros', { type: 'long', logicalType: 'local-timestamp-micros' }, TIMESTAMP, 'a01f', 2],
  ['uuid', { type: 'string', logicalType: 'uuid' }, STRING, '046162', 'ab'],
  ['enum', { type: 'enum', name: 'E', symbols: ['A', 'B'] }, STRING, '02', 'B'],
  ['fixed', { type: 'fixed', name: 'F', size: 2 }, BYTES, 'cafe', Buffer.from('cafe', 'hex')],
  [
    'entries',
    { type: 'array', items: record('MapEntry', { key: 'string', value: ['null', 'int'] }) },
    mapOf(STRING, INTEGER),
    '02026b020400',
    new Map([['k', 2]]),
  ],
  ['the largest long', 'long', BIGINT, 'feffffffffffffffff01', 9223372036854775807n],
  ['the smallest long', 'long', BIGINT, 'ffffffffffffffffff01', -9223372036854775808n],
])('%s', async (name, type, sql, hex, value) => {
  const serde = await serdeOf(record('T', { x: type }), { X: sql });
  expect(read(serde, hex)).toEqual([value]);
  if (name !== 'timestamp-micros before 1970') expect(payload(serde, [value])).toBe(hex);
});

describe('what is written', () => {
  const field = (type: Schema, rest: object = {}) => ({
    type: 'record',
    name: 'T',
    fields: [
      { name: 'x', type, ...rest },
      { name: 'y', type: 'int' },
    ],
  });

  test.each<[string, Schema, unknown, string]>([
    ['a text', 'string', 'ab', '046162'],
    ['bytes', 'bytes', 'ÿ', '02ff'],
    ['a long', 'long', 5, '0a'],
    ['a double', 'double', 1, '000000000000f03f'],
    ['an array', { type: 'array', items: 'int' }, [1, 2], '04020400'],
    ['a map', { type: 'map', values: 'boolean' }, { k: true }, '02026b0100'],
    ['a branch', ['string', 'null'], 'a', '000261'],
    ['a record', record('R', { a: 'int' }), { a: 3 }, '06'],
    ['a symbol', { type: 'enum', name: 'E', symbols: ['A', 'B'] }, 'B', '02'],
  ])('has the default of a field without a column: %s', async (_name, type, value, hex) => {
    expect(payload(await serdeOf(field(type, { default: value }), { Y: INTEGER }), [1])).toBe(`${hex}02`);
  });

  test.each<[string, Schema, SqlType, Row[number], RegExp]>([
    ['a null', 'string', STRING, null, /x is null, not string/],
    ['a long as an int', 'int', BIGINT, 2 ** 40, /x is 1099511627776, not int/],
    ['a fraction as a long', 'long', DOUBLE, 1.5, /x is 1.5, not long/],
    ['no symbol', { type: 'enum', name: 'E', symbols: ['A'] }, STRING, 'B', /x is "B", not E/],
    ['a text as a number', 'int', STRING, 'a', /x is STRING, not int/],
    ['too few bytes', { type: 'fixed', name: 'F', size: 2 }, BYTES, Buffer.of(1), /x is 1 bytes, not F/],
    [
      'too long a decimal',
      { type: 'fixed', name: 'F', size: 1, logicalType: 'decimal', precision: 2 },
      decimalType(4, 0),
      new Decimal(999n, 0),
      /x is a decimal of more than 1 bytes/,
    ],
  ])('names what does not fit: %s', async (_name, type, sql, value, sentence) => {
    const serde = await serdeOf(field(type), { X: sql, Y: INTEGER });
    expect(() => serialize(serde, [value, 1])).toThrow(sentence);
  });

  test('names a field that no column is for', async () => {
    const serde = await serdeOf(field('string'), { Y: INTEGER });
    expect(() => serialize(serde, [1])).toThrow(/x is null, not string/);
  });
});

describe('bytes', () => {
  test('that are the whole value have no length', async () => {
    const serde = await serdeOf('bytes', { ROWVAL: BYTES }, { bare: true });
    expect(payload(serde, [Buffer.from('cafe', 'hex')])).toBe('cafe');
    expect(read(serde, 'cafe')).toEqual([Buffer.from('cafe', 'hex')]);
  });

  test('of the neighbour are never read', async () => {
    const type = record('T', {
      a: 'string',
      b: 'bytes',
      c: 'double',
      d: { type: 'fixed', name: 'F', size: 3 },
      e: { type: 'array', items: 'long' },
    });
    const types = { A: STRING, B: BYTES, C: DOUBLE, D: BYTES, E: arrayOf(BIGINT) };
    const serde = await serdeOf(type, types);
    const skipping = await serdeOf(type, { Z: INTEGER });
    const whole = serialize(serde, ['abc', Buffer.from('xyz'), 1.5, Buffer.from('123'), [1, 300, 2 ** 40]])!;
    for (let end = 5; end < whole.length; end++) {
      const bytes = Buffer.concat([whole.subarray(0, end), Buffer.alloc(40, 0x04)]);
      for (const reader of [serde, skipping]) {
        expect(() => reader.decode(bytes, 0, end)).toThrow(/can't be read with its Avro schema|bytes/);
      }
    }
    expect(() => deserialize(serde, Buffer.concat([whole, Buffer.of(0)]))).toThrow(/1 bytes are left over/);
  });

  test.each([
    ['a string that is longer than all memory', 'string', STRING, 'feffffffffffffffff01'],
    ['a string of less than nothing', 'string', STRING, '01'],
    ['more items than bytes', { type: 'array', items: 'null' }, arrayOf(INTEGER), 'feffffffff0f'],
    ['a long of more than 64 bits', 'long', BIGINT, 'ffffffffffffffffff7f'],
    ['an int of more than 32 bits', 'int', INTEGER, 'ffffffffff01'],
  ] as const)('that lie are refused: %s', async (_name, type, sql, hex) => {
    const serde = await serdeOf(record('T', { x: type }), { X: sql });
    expect(() => read(serde, hex)).toThrow(/can't be read with its Avro schema/);
    expect(() => serde.decode(Buffer.from(`0000000001${hex}${'02'.repeat(80)}`, 'hex'), 0, 5 + hex.length / 2)).toThrow(
      /Avro schema/,
    );
  });

  test('of records in each other without an end are refused', async () => {
    const type = record('T', { x: 'int', n: record('N', { n: ['null', 'N'] }) });
    const serde = await serdeOf(type, { X: INTEGER });
    expect(() => read(serde, `02${'02'.repeat(200_000)}`)).toThrow(/nests too deeply/);
  });
});

test('longs of all lengths', () => {
  const longs = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  fc.assert(
    fc.property(fc.tuple(longs, fc.nat(63)), ([value, bits]) => {
      const long = value >> BigInt(bits);
      const out = new ByteWriter();
      writeAvroLong(long, out);
      const cursor = new AvroCursor(Buffer.concat([out.copy(), Buffer.of(0xff)]), 0, out.position);
      expect(BigInt(cursor.long())).toBe(long);
      cursor.finish();
      if (!Number.isSafeInteger(Number(long))) return;
      const again = new ByteWriter();
      writeAvroLong(Number(long), again);
      expect(again.copy()).toEqual(out.copy());
    }),
    { numRuns: 2000 },
  );
});
