// Values with a schema as JSON texts, and back: Avro's JSON encoding, Protobuf's JSON mapping, JSON itself.
import { describe, expect, test } from 'vitest';
import {
  avroSerde,
  deserializeLoading,
  MemorySchemas,
  protobufSerde,
  type SchemaType,
  serialize,
  textSerde,
} from '../../src/serde/index.ts';

async function written(language: SchemaType, schema: string, text: string, schemas = new MemorySchemas()) {
  const serde = textSerde(language, { schemas, topic: 't', schema });
  await serde.prepare();
  return { bytes: serialize(serde, text)!, schemas };
}

/** What a console prints of what was typed. */
async function echoed(language: SchemaType, schema: string, text: string): Promise<string | null> {
  const { bytes, schemas } = await written(language, schema, text);
  return deserializeLoading(textSerde(language, { schemas, topic: 't' }), bytes);
}

const record = (...fields: object[]): string => JSON.stringify({ type: 'record', name: 'R', namespace: 'n', fields });

describe('Avro', () => {
  const everything = record(
    { name: 'i', type: 'int' },
    { name: 'l', type: 'long' },
    { name: 'f', type: 'float' },
    { name: 'd', type: 'double' },
    { name: 'b', type: 'boolean' },
    { name: 's', type: 'string' },
    { name: 'y', type: 'bytes' },
    { name: 'x', type: { type: 'fixed', name: 'X', size: 2 } },
    { name: 'e', type: { type: 'enum', name: 'E', symbols: ['A', 'B'] } },
    { name: 'a', type: { type: 'array', items: 'long' } },
    { name: 'm', type: { type: 'map', values: 'int' } },
    { name: 'u', type: ['null', 'string', 'n.E'] },
  );
  const text =
    '{"i":-1,"l":9007199254740993,"f":0.1,"d":1.0,"b":true,"s":"é\\n","y":"\\u0000ÿ","x":"ab","e":"B","a":[1,2],"m":{"k":3},"u":{"n.E":"A"}}';

  test('all types keep what they hold', async () => {
    expect(JSON.parse((await echoed('AVRO', everything, text))!)).toEqual(JSON.parse(text));
    expect(await echoed('AVRO', everything, text)).toBe(text.replace('\\u0000', '\\u0000'));
  });

  test('is what the serde of values reads', async () => {
    const { bytes, schemas } = await written('AVRO', everything, text);
    expect(await deserializeLoading(avroSerde({ schemas, topic: 't' }), bytes)).toMatchObject({
      l: 9007199254740993n,
      f: Math.fround(0.1),
      y: Buffer.from([0, 255]),
      e: 'B',
      a: [1, 2],
      m: { k: 3 },
    });
  });

  test('what is left out has its default, also that of a union', async () => {
    const schema = record(
      { name: 'a', type: 'int', default: 7 },
      { name: 'u', type: ['null', 'string'], default: null },
      { name: 'v', type: ['string', 'null'], default: 'w' },
    );
    expect(await echoed('AVRO', schema, '{}')).toBe('{"a":7,"u":null,"v":{"string":"w"}}');
  });

  test.each([
    ['"string"', '"x"', '"x"'],
    ['"long"', '9223372036854775807', '9223372036854775807'],
    ['"double"', '"NaN"', '"NaN"'],
    ['"double"', '100', '100.0'],
    ['"bytes"', '"\\u00ff"', '"ÿ"'],
    ['["null","string"]', 'null', 'null'],
    ['["null","string"]', '{"string":"x"}', '{"string":"x"}'],
    ['["int","long"]', '{"long":5}', '{"long":5}'],
  ])('%s: %s', async (schema, given, printed) => {
    expect(await echoed('AVRO', schema, given)).toBe(printed);
  });

  test.each([
    ['"int"', '2147483648', 'the value is 2147483648, not int'],
    ['"int"', '1.5', 'the value is 1.5, not int'],
    ['"long"', '9223372036854775808', 'the value is 9223372036854775808, not long'],
    ['"string"', '1', 'the value is 1, not string'],
    ['"bytes"', '"€"', 'the value is "€", not bytes: a text of the characters U+0000 to U+00FF'],
    ['["null","string"]', '"x"', 'the value is "x", not one of null, {"string": …}'],
    [record({ name: 'a', type: 'int' }), '{}', 'a is missing, and has no default'],
    [record({ name: 'a', type: 'int' }), '{"a":1,"b":2}', 'b: the record n.R has no such field'],
    [record({ name: 'a', type: { type: 'array', items: 'int' } }), '{"a":[1,"x"]}', 'a[1] is "x", not int'],
    [record({ name: 'a', type: { type: 'enum', name: 'E', symbols: ['A'] } }), '{"a":"B"}', 'a is "B", not one of A'],
    [
      record({ name: 'a', type: { type: 'fixed', name: 'F', size: 2 } }),
      '{"a":"x"}',
      'a is "x", not the 2 bytes of n.F',
    ],
    ['"int"', '{', 'not valid JSON: '],
  ])('%s refuses %s', async (schema, given, message) => {
    await expect(written('AVRO', schema, given)).rejects.toMatchObject({
      code: 'SERIALIZATION_FAILED',
      message: expect.stringContaining(message) as string,
    });
  });

  test('bytes that are none of the schema are told of', async () => {
    const { bytes, schemas } = await written('AVRO', '"string"', '"long enough"');
    const serde = textSerde('AVRO', { schemas, topic: 't' });
    await expect(deserializeLoading(serde, bytes.subarray(0, 8))).rejects.toMatchObject({
      code: 'DESERIALIZATION_FAILED',
    });
  });
});

describe('Protobuf', () => {
  const proto = `syntax = "proto3";
    import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto";
    import "google/protobuf/wrappers.proto"; import "google/protobuf/struct.proto";
    message M {
      int32 small_number = 1; int64 big = 2; bytes raw = 3; Kind kind = 4; repeated string names = 5;
      map<string, int64> counts = 6; M inner = 7; optional bool flag = 8; double ratio = 9; string other = 10 [json_name = "another"];
      google.protobuf.Timestamp at = 11; google.protobuf.Duration took = 12; google.protobuf.Int64Value wrapped = 13;
      google.protobuf.Struct any = 14;
      enum Kind { NONE = 0; SOME = 1; }
    }`;
  const empty = (more: string): string =>
    `{"smallNumber":0,"big":"0","raw":"","kind":"NONE","names":[],"counts":{},"ratio":0,"another":""${more}}`;

  test('names are in camel case, 64 bits texts, bytes base64, and what is absent has its default', async () => {
    expect(await echoed('PROTOBUF', proto, '{}')).toBe(empty(''));
    const text =
      '{"smallNumber":1,"big":"9223372036854775807","raw":"AAE=","kind":"SOME","names":["a","b"],"counts":{"k":"5"},' +
      `"inner":${empty('')},"flag":false,"ratio":0.5,"another":"x"}`;
    expect(await echoed('PROTOBUF', proto, text)).toBe(text);
    // The names of the file, and numbers, are read as well; null is absence.
    const other = '{"small_number":"1","big":5,"kind":1,"other":"x","inner":null,"ratio":"NaN"}';
    expect(JSON.parse((await echoed('PROTOBUF', proto, other))!)).toMatchObject({
      smallNumber: 1,
      big: '5',
      kind: 'SOME',
      another: 'x',
      ratio: 'NaN',
    });
  });

  test('is what the serde of values reads', async () => {
    const { bytes, schemas } = await written('PROTOBUF', proto, '{"smallNumber":1,"names":["a"],"counts":{"k":"5"}}');
    const value = await deserializeLoading(protobufSerde({ schemas, topic: 't' }), bytes);
    expect(value).toMatchObject({ small_number: 1, names: ['a'], counts: { k: 5 } });
  });

  test.each([
    ['at', '"2026-01-31T12:00:00.500Z"'],
    ['at', '"1969-12-31T23:59:59.000000001Z"'],
    ['took', '"-1.500s"'],
    ['took', '"3s"'],
    ['wrapped', '"5"'],
    ['any', '{"a":[1,"x",null,{"b":true}]}'],
  ])('the well-known type of %s: %s', async (name, text) => {
    const printed = await echoed('PROTOBUF', proto, `{"${name}":${text}}`);
    expect(printed).toBe(empty(`,"${name}":${text}`));
  });

  test.each([
    ['{"nope":1}', 'nope: the message M has no such field'],
    ['{"smallNumber":"x"}', 'smallNumber is "x", not int32'],
    ['{"smallNumber":2147483648}', 'small_number'],
    ['{"kind":"OTHER"}', 'kind'],
    ['{"raw":"é"}', 'raw is "é", not bytes in base64'],
    ['{"names":"a"}', 'names is "a", not an array'],
    ['{"inner":{"counts":[]}}', 'inner.counts is of another kind, not an object'],
    ['{"at":"yesterday"}', 'at is "yesterday", not a time like 2026-01-31T12:00:00.5Z'],
    ['[]', 'the value is of another kind, not a M'],
  ])('refuses %s', async (text, message) => {
    await expect(written('PROTOBUF', proto, text)).rejects.toMatchObject({
      code: 'SERIALIZATION_FAILED',
      message: expect.stringContaining(message) as string,
    });
  });
});

describe('JSON Schema', () => {
  const schema = '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}';

  test('keeps all digits, and checks', async () => {
    expect(await echoed('JSON', schema, '{ "n": 9007199254740993, "more": [1.5] }')).toBe(
      '{"n":9007199254740993,"more":[1.5]}',
    );
    await expect(written('JSON', schema, '{}')).rejects.toThrow("must have required property 'n'");
  });
});
