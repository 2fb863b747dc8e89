// Protobuf schemas as SQL's columns, and records as rows: what Protobuf has and SQL's statements have not.
import { describe, expect, test } from 'vitest';
import {
  DeserializationError,
  deserialize,
  MemorySchemas,
  protobufSerde,
  SchemaNotLoaded,
  type SchemaReference,
  serialize,
} from '../../src/serde/index.ts';
import type { CodecColumn } from '../../src/sql/formats/codec.ts';
import { protobufColumns } from '../../src/sql/formats/protobuf-schema.ts';
import { protobufPrinter } from '../../src/sql/formats/protobuf.ts';
import { rowSerde } from '../../src/sql/formats/row-serde.ts';
import {
  arrayOf,
  BIGINT,
  DATE,
  DOUBLE,
  INTEGER,
  type SqlType,
  STRING,
  structOf,
  TIMESTAMP,
  typeText,
} from '../../src/sql/types.ts';
import type { Row } from '../../src/sql/values/value.ts';
import { TopologyTestDriver } from '../../src/streams/index.ts';
import { plainEngine } from './support.ts';

const proto3 = (body: string, ...imports: string[]) =>
  `syntax = "proto3"; ${imports.map((path) => `import "${path}"; `).join('')}${body}`;
const proto2 = (body: string) => `syntax = "proto2"; ${body}`;

function columns(schema: string, references: { name: string; schema: string }[] = [], name?: string): CodecColumn[] {
  return [...protobufColumns({ schema, references }, name, (column) => column.toUpperCase())];
}

const told = (found: readonly CodecColumn[]) => found.map(({ name, type }) => `${name} ${typeText(type)}`).join(', ');

/** The row that these columns are read as from bytes in hexadecimal; foreign bytes stand around them. */
async function read(schema: string, hex: string, wanted = columns(schema)): Promise<Row> {
  const schemas = new MemorySchemas();
  schemas.add('t-value', { schemaType: 'PROTOBUF', schema });
  const serde = rowSerde({ schemas }, { format: 'PROTOBUF', properties: {} }, wanted, {
    topic: 't',
    part: 'value',
    readOnly: true,
  });
  const record = Buffer.from(`000000000100${hex.replaceAll(' ', '')}`, 'hex');
  const foreign = Buffer.from('XXXXXXXXXXXXXXXXXXXX');
  const buffer = Buffer.concat([foreign, record, foreign]);
  const decode = () => serde.decode(buffer, foreign.length, foreign.length + record.length);
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof SchemaNotLoaded)) throw error;
    await error.load();
    return decode();
  }
}

describe('columns', () => {
  test.each<[string, string, string]>([
    [
      'numbers in octal and hexadecimal',
      proto3('message A { int32 a = 010; string b = 0x1F; }'),
      'A INTEGER, B STRING',
    ],
    [
      'all scalars',
      proto3(`message A { double a = 1; float b = 2; int32 c = 3; int64 d = 4; uint32 e = 5; uint64 f = 6; sint32 g = 7;
        sint64 h = 8; fixed32 i = 9; fixed64 j = 10; sfixed32 k = 11; sfixed64 l = 12; bool m = 13; string n = 14; bytes o = 15; }`),
      'A DOUBLE, B DOUBLE, C INTEGER, D BIGINT, E BIGINT, F BIGINT, G INTEGER, H BIGINT, I BIGINT, J BIGINT, K INTEGER, L BIGINT, M BOOLEAN, N STRING, O BYTES',
    ],
    [
      'Connect’s special messages',
      proto3(
        `message A { google.protobuf.Timestamp a = 1; google.type.Date b = 2; google.type.TimeOfDay c = 3;
           confluent.type.Decimal d = 4 [(confluent.field_meta) = { params: [{ value: "2", key: "scale" }, { key: "precision", value: "9" }] }];
           confluent.type.Decimal e = 5; repeated google.protobuf.Timestamp f = 6;
           map<string, confluent.type.Decimal> g = 7 [(confluent.field_meta).params = { key: "precision" value: "8" }, (confluent.field_meta).params = { key: "scale" value: "3" }]; }`,
        'google/protobuf/timestamp.proto',
        'google/type/date.proto',
        'google/type/timeofday.proto',
        'confluent/meta.proto',
        'confluent/type/decimal.proto',
      ),
      'A TIMESTAMP, B DATE, C TIME, D DECIMAL(9, 2), E DECIMAL(64, 0), F ARRAY<TIMESTAMP>, G MAP<STRING, DECIMAL(8, 3)>',
    ],
    [
      'wrappers',
      proto3(
        'message A { google.protobuf.Int32Value a = 1; google.protobuf.BytesValue b = 2; repeated google.protobuf.StringValue c = 3; }',
        'google/protobuf/wrappers.proto',
      ),
      'A INTEGER, B BYTES, C ARRAY<STRING>',
    ],
    [
      'the other well-known messages, as their fields',
      proto3(
        `message A { google.protobuf.Duration a = 1; google.protobuf.Any b = 2; google.protobuf.Empty c = 3;
           google.protobuf.FieldMask d = 4; google.type.Money e = 5; google.type.LatLng f = 6; google.type.Decimal g = 7;
           google.type.DayOfWeek h = 8; google.type.Interval i = 9; google.protobuf.NullValue j = 10; }`,
        'google/protobuf/duration.proto',
        'google/protobuf/any.proto',
        'google/protobuf/empty.proto',
        'google/protobuf/field_mask.proto',
        'google/protobuf/struct.proto',
        'google/type/money.proto',
        'google/type/latlng.proto',
        'google/type/decimal.proto',
        'google/type/dayofweek.proto',
        'google/type/interval.proto',
      ),
      'A STRUCT<`SECONDS` BIGINT, `NANOS` INTEGER>, B STRUCT<`TYPE_URL` STRING, `VALUE` BYTES>, C STRUCT<>, D STRUCT<`PATHS` ARRAY<STRING>>, E STRUCT<`CURRENCY_CODE` STRING, `UNITS` BIGINT, `NANOS` INTEGER>, F STRUCT<`LATITUDE` DOUBLE, `LONGITUDE` DOUBLE>, G STRUCT<`VALUE` STRING>, H STRING, I STRUCT<`START_TIME` TIMESTAMP, `END_TIME` TIMESTAMP>, J STRING',
    ],
    [
      'groups, extensions and ranges of them',
      proto2(`message A { required int32 a = 1; optional group Inner = 2 { optional string b = 1; repeated group Deep = 2 { optional bool c = 1; } }
        extensions 100 to 199; extend A { optional int32 more = 100; } reserved 5, 7 to 9; reserved "gone"; oneof o { group Other = 10 { optional int32 d = 1; } } }
        extend A { optional string most = 101; }`),
      'A INTEGER, INNER STRUCT<`B` STRING, `DEEP` ARRAY<STRUCT<`C` BOOLEAN>>>, OTHER STRUCT<`D` INTEGER>',
    ],
    [
      'oneofs, with their options, where they stand in the text',
      proto2(
        'message A { optional int32 a = 1; oneof o { option uninterpreted_option = {}; int32 b = 3; string c = 2; } repeated int32 d = 4; }',
      ),
      'A INTEGER, B INTEGER, C STRING, D ARRAY<INTEGER>',
    ],
    [
      'maps with any keys, and Connect’s messages for them',
      proto3(`message A { map<int64, E> a = 1; map<bool, B> b = 2; repeated MyEntry c = 3; repeated OddEntry d = 4; enum E { X = 0; } message B { int32 x = 1; }
        message MyEntry { string key = 1; int32 value = 2; } message OddEntry { B key = 1; int32 value = 2; } }`),
      'A MAP<STRING, STRING>, B MAP<STRING, STRUCT<`X` INTEGER>>, C MAP<STRING, INTEGER>, D ARRAY<STRUCT<`KEY` STRUCT<`X` INTEGER>, `VALUE` INTEGER>>',
    ],
    [
      'names from the innermost scope outwards',
      proto3(`package p.q; message A { message B { string inner = 1; message C { int32 deep = 1; } } B a = 1; .p.q.B b = 2; q.B c = 3; B.C d = 4; p.q.A.B e = 5; }
        message B { int32 outer = 1; }`),
      'A STRUCT<`INNER` STRING>, B STRUCT<`OUTER` INTEGER>, C STRUCT<`OUTER` INTEGER>, D STRUCT<`DEEP` INTEGER>, E STRUCT<`INNER` STRING>',
    ],
    [
      'messages of one’s own with a special name',
      proto3('package google.type; message A { Date a = 1; } message Date { string iso = 1; }'),
      'A STRUCT<`ISO` STRING>',
    ],
  ])('%s', (_what, schema, expected) => {
    expect(told(columns(schema))).toBe(expected);
  });

  test('a descriptor in base64 is the file that it was made of', () => {
    // syntax = "proto3"; message A { int32 a = 1; }
    const bytes = Buffer.from('0a07612e70726f746f220e0a014112090a0161180120012805620670726f746f33', 'hex');
    expect(told(columns(bytes.toString('base64')))).toBe('A INTEGER');
  });

  test('imports are found among the references, also through others, and no other file is seen', () => {
    const references = [
      { name: 'shop/money.proto', schema: proto3('package shop; message Money { int64 cents = 1; }') },
      { name: 'shop/all.proto', schema: 'syntax = "proto3"; import public "shop/money.proto";' },
      { name: 'other.proto', schema: proto3('package other; message Money { string other = 1; }') },
    ];
    const order = (type: string) => proto3(`package shop; message Order { ${type} price = 1; }`, 'shop/all.proto');
    expect(told(columns(order('Money'), references))).toBe('PRICE STRUCT<`CENTS` BIGINT>');
    expect(() => columns(order('other.Money'), references)).toThrow('the type "other.Money" of the field "price"');
    expect(() => columns(order('Money'))).toThrow('the import "shop/all.proto" is not among the references');
  });

  test('the message is the named one, with or without its package', () => {
    const text = proto3('package p; message A { int32 a = 1; message B { int32 b = 1; } } message C { int32 c = 1; }');
    expect(['p.C', 'C', 'A.B', 'p.A.B', 'B', undefined].map((name) => told(columns(text, [], name)))).toEqual(
      ['C', 'C', 'B', 'B', 'B', 'A'].map((name) => `${name} INTEGER`),
    );
    expect(() => columns(text, [], 'D')).toThrow('the Protobuf schema has no message D, only p.A, p.A.B, p.C');
  });

  const struct = ['google/protobuf/struct.proto'] as const;
  const doubling = Array.from({ length: 30 }, (_, i) => `message M${i} { M${i + 1} a = 1; M${i + 1} b = 2; }`);
  test.each<[string, string, string]>([
    ['a message in itself', proto3('message Node { Node left = 1; }'), 'Node contains itself (Node.left)'],
    [
      'messages in each other',
      proto3('package t; message A { B b = 1; } message B { repeated C c = 1; } message C { map<string, B> d = 1; }'),
      'The Protobuf message t.B contains itself (t.B.c → t.C.d), and SQL has no recursive types',
    ],
    [
      'a group in itself',
      proto2('message A { optional group G = 1 { optional G g = 1; } }'),
      'A.G contains itself (A.G.g)',
    ],
    [
      'JSON’s messages',
      proto3('message A { google.protobuf.Struct a = 1; }', ...struct),
      'google.protobuf.Struct contains itself',
    ],
    ['too many fields', proto3(`${doubling.join(' ')} message M30 { int32 x = 1; }`), 'has more than 10000 fields'],
    ['names that are one in SQL', proto3('message A { int32 ab = 1; int32 aB = 2; }'), 'The fields ab and aB'],
    [
      'a decimal that none is',
      proto3(
        'message A { confluent.type.Decimal d = 1 [(confluent.field_meta) = { params: { key: "scale" value: "x" } }]; }',
        'confluent/meta.proto',
        'confluent/type/decimal.proto',
      ),
      'The Protobuf field d is a decimal with',
    ],
    ['no fields', proto3('message A {}'), 'The Protobuf message A has no fields'],
    ['no messages', proto3('enum E { X = 0; }'), 'the Protobuf schema declares no message'],
    ['editions', 'edition = "2023"; message A { int32 a = 1; }', 'editions are not supported'],
    [
      'a type that is not there',
      proto3('message A { Gone a = 1; }'),
      'at 1:32: the type "Gone" of the field "a" is not defined',
    ],
    ['another language', '{"type": "record"}', 'Invalid Protobuf schema at 1:1'],
  ])('are refused for %s', (_what, schema, reason) => {
    expect(() => columns(schema)).toThrow(reason);
  });
});

describe('rows', () => {
  test('numbers in octal are the fields’ numbers', async () => {
    expect(await read(proto3('message A { int32 a = 010; }'), '4007')).toEqual([7]);
  });

  test('absence is the default, null, or refused', async () => {
    const schema =
      proto2(`message A { optional int32 a = 1; optional int32 b = 2 [default = -5]; optional string c = 3 [default = "x\\303\\274"];
      optional E d = 4 [default = TWO]; optional bool e = 5 [default = true]; optional double f = 6 [default = -inf]; optional int64 g = 7 [default = 0x7fffffffffffffff];
      optional bytes h = 8 [default = "\\001"]; repeated int32 i = 9; optional E j = 10; enum E { ONE = 1; TWO = 2; } }`);
    const big = 2n ** 63n - 1n;
    expect(await read(schema, '')).toEqual([null, -5, 'xü', 'TWO', true, -Infinity, big, Buffer.from([1]), [], null]);
    const open = proto3(
      'message A { int32 a = 1; optional int32 b = 2; E c = 3; A.B d = 4; oneof o { string e = 5; } string f = 6; enum E { X = 0; } message B { int32 x = 1; } }',
    );
    expect(await read(open, '')).toEqual([0, null, 'X', null, null, '']);
    const strict = proto2('message A { required int32 a = 1; }');
    await expect(read(strict, '')).rejects.toThrow('the field "a" of A is required, but missing');
    expect(await read(strict, '0800')).toEqual([0]);
  });

  test('enums are their constants’ names, the first of several, and numbers that have none', async () => {
    const schema = proto3(
      'message A { repeated E e = 1; enum E { option allow_alias = true; ZERO = 0; NIL = 0; NEG = -1; } }',
    );
    expect(await read(schema, '0a0c 00 ffffffffffffffffff01 07')).toEqual([['ZERO', 'NEG', '7']]);
  });

  test('groups, packed and unpacked lists, maps with their keys as texts', async () => {
    const schema =
      proto2(`message A { repeated group G = 1 { optional int32 a = 1; optional group H = 2 { optional string b = 3; } }
      repeated sint32 c = 2; map<sint64, bool> d = 3; map<bool, string> e = 4; }`);
    const groups = '0b 0805 13 1a0178 14 0c 0b 0c';
    expect(await read(schema, `${groups} 1001 12020304 1002 1a040801 1001 1a00 22050801 120179`)).toEqual([
      [
        [5, ['x']],
        [null, null],
      ],
      [-1, -2, 2, 1],
      new Map([
        ['-1', true],
        ['0', false],
      ]),
      new Map([['true', 'y']]),
    ]);
  });

  test('of a oneof the last field counts, also where it has no column', async () => {
    const schema = proto3('message A { oneof o { int32 a = 1; string b = 100; bool c = 3; } int32 d = 4; }');
    expect(await read(schema, '0801 a2060178 2005')).toEqual([null, 'x', null, 5]);
    expect(await read(schema, 'a2060178 0801')).toEqual([1, null, null, 0]);
    const wanted = ['A', 'D'].map((name) => ({ name, type: INTEGER }));
    expect(await read(schema, '0801 2005 1801', wanted)).toEqual([null, 5]);
    expect(await read(schema, '1801 0801', wanted)).toEqual([1, 0]);
  });

  test('wrappers tell nothing from zero', async () => {
    const schema = proto3(
      'message A { google.protobuf.Int64Value a = 1; google.protobuf.Int64Value b = 2; }',
      'google/protobuf/wrappers.proto',
    );
    expect(await read(schema, '0a00')).toEqual([0, null]);
  });

  test('columns that are declared find their fields in a recursive message, too', async () => {
    const schema = proto3('message Node { int32 id = 1; Node next = 2; }');
    const next = structOf([{ name: 'ID', type: BIGINT }]);
    const wanted = [
      { name: 'ID', type: STRING },
      { name: 'NEXT', type: next },
    ];
    expect(await read(schema, '0801 1206 0802 12020803', wanted)).toEqual(['1', [2]]);
  });

  test.each<[string, string, SqlType, string]>([
    ['a text', 'string', INTEGER, "the Protobuf type of string can't be read as INTEGER"],
    ['bytes', 'bytes', STRING, "the Protobuf type of bytes can't be read as STRING"],
    ['a double', 'double', BIGINT, "the Protobuf type of double can't be read as BIGINT"],
    ['a list', 'repeated int32', INTEGER, "the Protobuf type of the repeated field a can't be read as INTEGER"],
    ['a message', 'google.protobuf.Timestamp', DATE, "the message google.protobuf.Timestamp can't be read as DATE"],
  ])('%s is not read as what it is not', async (_what, type, to, reason) => {
    const schema = proto3(`message A { ${type} a = 1; }`, 'google/protobuf/timestamp.proto');
    await expect(read(schema, '', [{ name: 'A', type: to }])).rejects.toThrow(reason);
  });

  const special = proto3(
    'message A { string s = 1; google.protobuf.Timestamp t = 2; google.type.Date d = 3; google.type.TimeOfDay o = 4; confluent.type.Decimal n = 5; }',
    'google/protobuf/timestamp.proto',
    'google/type/date.proto',
    'google/type/timeofday.proto',
    'confluent/type/decimal.proto',
  );
  test.each([
    ['a text that claims the next record’s bytes', '0a0a616263', 'a length is 10, but the message around it has 3'],
    ['a message that claims them', '120a0801', 'a length is 10, but the message around it has 2'],
    ['an unknown field that claims them', '7a7f61', 'a length is 127, but the message around it has 1'],
    ['another wire type', '0801', 'the field "s" of A has the wire type 0, but string has 2'],
    ['field number 0', '0001', 'there is no field number 0'],
    ['messages in an unknown group without end', `${'7b'.repeat(120)}`, 'deeper than 100 levels'],
    ['a time far beyond all calendars', '120a 08ffffffffffffffff7f', 'google.protobuf.Timestamp'],
    ['a day that is none', '1a07 08e80f 1002 181e', 'a google.type.Date of a Protobuf record has 2024-2-30'],
    ['a time of day that is none', '22020819', 'a google.type.TimeOfDay of a Protobuf record has 25:0:0'],
    ['a decimal with a billion zeros', '2a09 0a0101 188094ebdc03', 'a confluent.type.Decimal of a Protobuf record has'],
  ])('refuse %s', async (_what, hex, reason) => {
    const row = read(special, hex);
    await expect(row).rejects.toThrow(reason);
    await expect(row).rejects.toBeInstanceOf(DeserializationError);
  });

  test('dates of the first century are those of the first century', async () => {
    expect((await read(special, '1a06 0863 1001 1801'))[2]).toBe(Date.parse('0099-01-01') / 86_400_000);
  });

  test('a Timestamp may be read as its fields', async () => {
    const fields = structOf([{ name: 'NANOS', type: BIGINT }]);
    expect(await read(special, '12021007', [{ name: 'T', type: fields }])).toEqual([[7]]);
    expect(await read(special, '12020801', [{ name: 'T', type: TIMESTAMP }])).toEqual([1000]);
  });
});

describe('what is written', () => {
  /** Rows of these columns under a schema that is there already. */
  async function write(schema: string, wanted: readonly CodecColumn[], row: Row): Promise<string> {
    const schemas = new MemorySchemas();
    schemas.add('t-value', { schemaType: 'PROTOBUF', schema });
    const serde = rowSerde({ schemas }, { format: 'PROTOBUF', properties: { schemaId: '1' } }, wanted, {
      topic: 't',
      part: 'value',
    });
    await serde.prepare?.();
    return serialize(serde, row)!.toString('hex', 6);
  }

  test('groups and large texts', async () => {
    const group = structOf([{ name: 'B', type: STRING }]);
    const schema = proto2('message A { optional group G = 3 { optional string b = 1; } }');
    expect(await write(schema, [{ name: 'G', type: group }], [['x'.repeat(200)]])).toBe(
      `1b0ac801${'78'.repeat(200)}1c`,
    );
  });

  test('lists are packed where the schema says so', async () => {
    const body = 'message A { repeated int32 A = 1; repeated sint64 B = 2 [packed = false]; repeated string C = 3; }';
    const wanted = [INTEGER, BIGINT, STRING].map((item, i) => ({ name: 'ABC'[i]!, type: arrayOf(item) }));
    expect(
      await write(proto3(body), wanted, [
        [1, 300],
        [-1, 0],
        ['x', null],
      ]),
    ).toBe('0a0301ac02100110001a01781a00');
    expect(await write(proto3(body), wanted, [[], [], []])).toBe('');
    const old = 'message A { repeated int32 A = 1; repeated double B = 2 [packed = true]; }';
    const doubles = [INTEGER, DOUBLE].map((item, i) => ({ name: 'AB'[i]!, type: arrayOf(item) }));
    expect(await write(proto2(old), doubles, [[1, 2], [0]])).toBe(`080108021208${'00'.repeat(8)}`);
  });

  test.each<[string, string, SqlType, Row, string]>([
    [
      'a number that is too large',
      'message A { optional int32 a = 1; }',
      BIGINT,
      [2 ** 31],
      '2147483648 of the Protobuf field a does not fit int32',
    ],
    [
      'a negative one',
      'message A { optional uint32 a = 1; }',
      INTEGER,
      [-1],
      '-1 of the Protobuf field a does not fit uint32',
    ],
    [
      'no constant',
      'message A { optional E a = 1; enum E { X = 0; } }',
      STRING,
      ['Y'],
      'the enum A.E has no such value',
    ],
    ['a null that is required', 'message A { required int32 a = 1; }', INTEGER, [null], 'a is required, but null'],
    [
      'a required field without a column',
      'message A { optional int32 a = 1; required int32 b = 2; }',
      INTEGER,
      [1],
      'the field b of the Protobuf message A is required',
    ],
    [
      'a column without a field',
      'message A { optional int32 b = 1; }',
      INTEGER,
      [1],
      'the Protobuf message A has no field for the column A',
    ],
    [
      'a text for a number',
      'message A { optional int32 a = 1; }',
      STRING,
      ['1'],
      "a STRING can't be written as the Protobuf type of int32",
    ],
  ])('is never %s', async (_what, body, type, row, reason) => {
    await expect(write(proto2(body), [{ name: 'A', type }], row)).rejects.toThrow(reason);
  });
});

test('a statement reads and writes under schemas that refer to others', async () => {
  const schemas = new MemorySchemas();
  const money = proto3(
    'package shop; message Money { int64 cents = 1; google.type.Date day = 2; }',
    'google/type/date.proto',
  );
  schemas.add('money', { schemaType: 'PROTOBUF', schema: money });
  const references: SchemaReference[] = [{ name: 'shop/money.proto', subject: 'money', version: 1 }];
  const order = proto3('package shop; message Order { int64 id = 1; Money price = 2; }', 'shop/money.proto');
  schemas.add('orders-value', { schemaType: 'PROTOBUF', schema: order, references });
  const serde = protobufSerde<object>({ schemas, topic: 'orders', schema: order, references });
  await serde.prepare();
  const id = schemas.newest('orders-value')!.id;

  const { engine, queries } = plainEngine({}, schemas);
  await engine.execute(`
    CREATE STREAM orders WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='PROTOBUF', PARTITIONS=1);
    CREATE STREAM copies WITH (VALUE_FORMAT='PROTOBUF', VALUE_SCHEMA_ID=${id}) AS
      SELECT id AS \`id\`, STRUCT(\`cents\` := price->cents, \`day\` := price->day) AS \`price\` FROM orders;`);
  const { value } = engine.catalog.source('ORDERS')!.schema;
  expect(told(value)).toBe('ID BIGINT, PRICE STRUCT<`CENTS` BIGINT, `DAY` DATE>');
  const [query] = queries.values();
  await query!.topology.prepare();
  const driver = new TopologyTestDriver(query!.topology);
  const record = { id: 5, price: { cents: -7, day: { year: 1970, month: 1, day: 3 } } };
  await driver.pipeLoading('orders', null, serialize(serde, record)!, 0, []);
  const [copy] = driver.read('COPIES');
  expect(deserialize(serde, copy!.value)).toEqual(record);
});

test('a recursive message is printed as columns are refused: by its name, without end of the stack', () => {
  const print = protobufPrinter({ schema: proto3('message A { A a = 1; }'), references: [] });
  expect(() => print(Buffer.from('000000000100', 'hex'))).toThrow('The Protobuf message A contains itself');
});
