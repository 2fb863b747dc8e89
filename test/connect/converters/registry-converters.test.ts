// The converters of the Schema Registry: what is written is read as it was, schemas too, and only the first record waits.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../src/connect/api/config-def.ts';
import type { Converter } from '../../../src/connect/api/plugins.ts';
import {
  arrayOf,
  date,
  decimalOf,
  FLOAT64,
  INT32,
  INT64,
  mapOf,
  OPTIONAL_INT32,
  OPTIONAL_STRING,
  primitive,
  type Schema,
  STRING,
  structOf,
  time,
  timestamp,
} from '../../../src/connect/data/schema.ts';
import { Plugins } from '../../../src/connect/plugins/plugins.ts';
import { MemorySchemas } from '../../../src/serde/index.ts';
import { Decimal } from '../../../src/util/index.ts';
import { typedStruct, typedValue } from '../oracle/arbitraries.ts';
import { normal, schemaJson, valueJson } from '../oracle/oracle.ts';

const plugins = new Plugins();
const RUNS = { numRuns: 300 };

async function converterOf(
  name: string,
  schemas: MemorySchemas,
  config: Record<string, string> = {},
): Promise<Converter> {
  const plugin = await plugins.load(name, 'converter');
  return plugin.create(parseConfig(plugin.config, config), config, { isKey: false, schemaSource: () => schemas });
}

async function thereAndBack(converter: Converter, schema: Schema, value: unknown) {
  const bytes = await converter.fromConnect('topic', [], schema, value);
  return converter.toConnect('topic', [], bytes);
}

const names = fc.constantFrom('a', 'b', 'name', 'amount', 'id', 'constructor');

const orders = structOf(
  {
    id: INT64,
    small: primitive('int8'),
    note: OPTIONAL_STRING,
    price: decimalOf(2),
    day: date(),
    at: timestamp(),
    clock: time({ optional: true }),
    tags: arrayOf(STRING),
    counts: mapOf(STRING, INT32),
    byNumber: mapOf(INT32, OPTIONAL_STRING),
    kind: primitive('string', { default: 'plain', doc: 'What it is.', parameters: { length: '10' } }),
    inner: structOf({ x: FLOAT64 }, { name: 'com.example.Inner', optional: true, version: 3 }),
  },
  { name: 'com.example.Order' },
);
const order = {
  id: 9007199254740993n,
  small: -5,
  note: null,
  price: new Decimal(12345n, 2),
  day: new Date('2024-02-29'),
  at: new Date('2024-02-29T12:34:56.789Z'),
  clock: new Date(1000),
  tags: ['a', 'b'],
  counts: new Map([['x', 1]]),
  byNumber: new Map([[7, 'seven']]),
  kind: 'big',
  inner: { x: 1.5 },
};

describe('AvroConverter', () => {
  const avro = 'io.confluent.connect.avro.AvroConverter';

  test('reads what it has written, with its schema', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(typedStruct(2, names), typedValue(2, names)), async ({ schema, value }) => {
        fc.pre(value !== null);
        const read = await thereAndBack(await converterOf(avro, new MemorySchemas()), schema, value);
        // A schema that is read has no place to say that it is optional, or has a default, unless it is in another one.
        expect(normal(schemaJson(read.schema))).toEqual(normal(schemaJson(schema)));
        expect(normal(valueJson(read.schema, read.value))).toEqual(normal(valueJson(schema, value)));
      }),
      RUNS,
    );
  });

  test('a struct has the Avro schema that Confluent gives it', async () => {
    const schemas = new MemorySchemas();
    const read = await thereAndBack(await converterOf(avro, schemas), orders, order);
    expect(read.value).toEqual(order);
    expect(read.schema!.equals(orders)).toBe(true);
    expect(JSON.parse(schemas.newest('topic-value')!.schema)).toEqual({
      type: 'record',
      name: 'Order',
      namespace: 'com.example',
      'connect.name': 'com.example.Order',
      fields: [
        { name: 'id', type: 'long' },
        { name: 'small', type: { type: 'int', 'connect.type': 'int8' } },
        { name: 'note', type: ['null', 'string'], default: null },
        {
          name: 'price',
          type: {
            type: 'bytes',
            scale: 2,
            precision: 64,
            'connect.version': 1,
            'connect.parameters': { scale: '2' },
            'connect.name': 'org.apache.kafka.connect.data.Decimal',
            logicalType: 'decimal',
          },
        },
        {
          name: 'day',
          type: {
            type: 'int',
            'connect.version': 1,
            'connect.name': 'org.apache.kafka.connect.data.Date',
            logicalType: 'date',
          },
        },
        {
          name: 'at',
          type: {
            type: 'long',
            'connect.version': 1,
            'connect.name': 'org.apache.kafka.connect.data.Timestamp',
            logicalType: 'timestamp-millis',
          },
        },
        {
          name: 'clock',
          type: [
            'null',
            {
              type: 'int',
              'connect.version': 1,
              'connect.name': 'org.apache.kafka.connect.data.Time',
              logicalType: 'time-millis',
            },
          ],
          default: null,
        },
        { name: 'tags', type: { type: 'array', items: 'string' } },
        { name: 'counts', type: { type: 'map', values: 'int' } },
        {
          name: 'byNumber',
          type: {
            type: 'array',
            items: {
              type: 'record',
              name: 'MapEntry',
              namespace: 'io.confluent.connect.avro',
              'connect.internal.type': 'MapEntry',
              fields: [
                { name: 'key', type: 'int' },
                { name: 'value', type: ['null', 'string'], default: null },
              ],
            },
          },
        },
        {
          name: 'kind',
          type: {
            type: 'string',
            'connect.doc': 'What it is.',
            'connect.parameters': { length: '10' },
            'connect.default': 'plain',
          },
          default: 'plain',
        },
        {
          name: 'inner',
          type: [
            'null',
            {
              type: 'record',
              name: 'Inner',
              namespace: 'com.example',
              fields: [{ name: 'x', type: 'double' }],
              'connect.version': 3,
              'connect.name': 'com.example.Inner',
            },
          ],
          default: null,
        },
      ],
    });
  });

  test('only the first record of a schema waits', async () => {
    const schemas = new MemorySchemas();
    const converter = await converterOf(avro, schemas);
    const bytes = await converter.fromConnect('topic', [], orders, order);
    expect(converter.fromConnect('topic', [], orders, order)).toEqual(bytes);
    await converter.toConnect('topic', [], bytes);
    expect(converter.toConnect('topic', [], bytes)).toMatchObject({ value: order });
    // An equal schema is the same text, and registered already.
    const again = orders.with({});
    expect(await converter.fromConnect('topic', [], again, order)).toEqual(bytes);
  });

  test("Avro's own schemas: enums, unions, fixed, logical types", async () => {
    const schemas = new MemorySchemas();
    const own = {
      type: 'record',
      name: 'Own',
      doc: 'From elsewhere.',
      fields: [
        { name: 'color', type: { type: 'enum', name: 'Color', symbols: ['RED', 'GREEN'] } },
        {
          name: 'either',
          type: ['null', 'int', { type: 'record', name: 'Pair', fields: [{ name: 'l', type: 'long' }] }],
        },
        { name: 'four', type: { type: 'fixed', name: 'Four', size: 4 } },
        { name: 'when', type: { type: 'long', logicalType: 'timestamp-millis' } },
        { name: 'micros', type: { type: 'long', logicalType: 'timestamp-micros' }, default: 5 },
      ],
    };
    schemas.add('topic-value', { schemaType: 'AVRO', schema: JSON.stringify(own) });
    const latest = {
      'use.latest.version': 'true',
      'auto.register.schemas': 'false',
      'enhanced.avro.schema.support': 'true',
    };
    const converter = await converterOf(avro, schemas, latest);
    const either = structOf(
      { int: OPTIONAL_INT32, Pair: structOf({ l: INT64 }, { name: 'Pair', optional: true }) },
      { name: 'io.confluent.connect.avro.Union', optional: true },
    );
    const color = {
      'io.confluent.connect.avro.Enum': 'Color',
      'io.confluent.connect.avro.Enum.RED': 'RED',
      'io.confluent.connect.avro.Enum.GREEN': 'GREEN',
    };
    const schema = structOf(
      {
        color: primitive('string', { parameters: color }),
        either,
        four: primitive('bytes', { name: 'Four', parameters: { 'connect.fixed.size': '4' } }),
        when: timestamp(),
        micros: primitive('int64', { default: 5n }),
      },
      { name: 'Own', doc: 'From elsewhere.' },
    );
    const value = {
      color: 'GREEN',
      either: { Pair: { l: 5n } },
      four: Buffer.from([1, 2, 3, 4]),
      when: new Date(5),
      micros: 7n,
    };
    const read = await thereAndBack(converter, schema, value);
    expect(read.value).toEqual(value);
    expect(schemaJson(read.schema)).toEqual(schemaJson(schema));
    const withoutMicros = structOf({ color: STRING, either, four: primitive('bytes'), when: timestamp() });
    const { micros, ...rest } = value;
    expect(micros).toBe(7n);
    expect((await thereAndBack(converter, withoutMicros, rest)).value).toEqual({ ...rest, micros: 5n });
  });

  test('what cannot be written is refused with its place', async () => {
    const converter = await converterOf(avro, new MemorySchemas());
    const write = async (schema: Schema | null, value: unknown) => converter.fromConnect('topic', [], schema, value);
    await expect(write(orders, { ...order, small: 'x' })).rejects.toThrow(
      'value.small must be INT8, and is "x" (string)',
    );
    await expect(write(null, { a: 1 })).rejects.toThrow('Avro needs a schema, and a value for topic topic has none');
    await expect(write(structOf({ 'a-b': INT32 }), { 'a-b': 1 })).rejects.toThrow(
      'Avro does not allow the name "a-b": set scrub.invalid.names=true, or rename it',
    );
    const [one, other] = [structOf({ x: INT32 }, { name: 'N' }), structOf({ y: INT32 }, { name: 'N' })];
    await expect(write(structOf({ one, other }), {})).rejects.toThrow('two different structs are named N');
    const scrubbing = await converterOf(avro, new MemorySchemas(), { 'scrub.invalid.names': 'true' });
    expect((await thereAndBack(scrubbing, structOf({ 'a-b': INT32 }), { 'a-b': 1 })).value).toEqual({ a_b: 1 });
  });

  test('bytes that are none are refused, and null is a tombstone', async () => {
    const converter = await converterOf(avro, new MemorySchemas());
    expect(await converter.fromConnect('topic', [], orders, null)).toBeNull();
    expect(await converter.toConnect('topic', [], null)).toEqual({ schema: null, value: null });
    expect(() => converter.toConnect('topic', [], Buffer.from('{"a":1}'))).toThrow(
      'Failed to deserialize Avro data from topic topic: the first byte is 123, not 0',
    );
    await expect(Promise.resolve(converter.toConnect('topic', [], Buffer.from([0, 0, 0, 0, 9, 1])))).rejects.toThrow(
      'there is no schema with the id 9',
    );
  });

  test('without registration a schema has to be there, and subjects are named as asked for', async () => {
    const schemas = new MemorySchemas();
    const config = { 'auto.register.schemas': 'false' };
    const converter = await converterOf(avro, schemas, config);
    await expect(converter.fromConnect('topic', [], orders, order)).rejects.toThrow(
      'the schema is not registered under the subject topic-value',
    );
    const strategy = { 'value.subject.name.strategy': 'io.confluent.kafka.serializers.subject.RecordNameStrategy' };
    await thereAndBack(await converterOf(avro, schemas, strategy), orders, order);
    expect(schemas.newest('com.example.Order')).toBeDefined();
  });
});

describe('JsonSchemaConverter', () => {
  const json = 'io.confluent.connect.json.JsonSchemaConverter';

  test.each(['BASE64', 'NUMERIC'])('reads what it has written, with its schema (decimals: %s)', async (format) => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(typedStruct(2, names), typedValue(2, names)), async ({ schema, value }) => {
        fc.pre(value !== null);
        const converter = await converterOf(json, new MemorySchemas(), { 'decimal.format': format });
        const read = await thereAndBack(converter, schema, value).catch((error: Error) => {
          fc.pre(!error.message.includes('has more digits than a number of a JSON Schema can have'));
          throw error;
        });
        expect(normal(schemaJson(read.schema))).toEqual(normal(schemaJson(schema)));
        // A null that has a default is that default.
        const again = await thereAndBack(converter, schema, read.value);
        expect(normal(valueJson(again.schema, again.value))).toEqual(normal(valueJson(read.schema, read.value)));
      }),
      RUNS,
    );
  });

  test('a struct has the JSON Schema that Confluent gives it', async () => {
    const schemas = new MemorySchemas();
    const read = await thereAndBack(await converterOf(json, schemas), orders, order);
    expect(read.value).toEqual(order);
    expect(schemaJson(read.schema)).toEqual(schemaJson(orders));
    const { title, type, properties } = JSON.parse(schemas.newest('topic-value')!.schema) as Record<string, never>;
    expect({ title, type }).toEqual({ title: 'com.example.Order', type: 'object' });
    expect(properties).toMatchObject({
      id: { type: 'integer', 'connect.type': 'int64', 'connect.index': 0 },
      note: { oneOf: [{ type: 'null' }, { type: 'string' }], 'connect.index': 2 },
      price: {
        type: 'string',
        title: 'org.apache.kafka.connect.data.Decimal',
        'connect.version': 1,
        'connect.type': 'bytes',
        'connect.parameters': { scale: '2' },
      },
      counts: { type: 'object', 'connect.type': 'map', additionalProperties: { type: 'integer' } },
      byNumber: { type: 'array', 'connect.type': 'map', items: { type: 'object', properties: { key: {}, value: {} } } },
      kind: { type: 'string', default: 'plain', description: 'What it is.' },
    });
  });

  test('schemas of others: references, enums, unions, what is not required', async () => {
    const schemas = new MemorySchemas();
    const own = {
      type: 'object',
      required: ['color'],
      properties: {
        color: { enum: ['RED', 'GREEN'] },
        size: { $ref: '#/definitions/size' },
        either: { oneOf: [{ type: 'integer' }, { type: 'string' }] },
      },
      definitions: { size: { type: 'object', properties: { w: { type: 'number' } } } },
    };
    const id = schemas.add('topic-value', { schemaType: 'JSON', schema: JSON.stringify(own) });
    const converter = await converterOf(json, schemas, { 'use.optional.for.nonrequired': 'true' });
    const text = JSON.stringify({ color: 'RED', size: { w: 1.5 }, either: 'x' });
    const bytes = Buffer.concat([Buffer.from([0, 0, 0, 0, id]), Buffer.from(text)]);
    const { schema, value } = await converter.toConnect('topic', [], bytes);
    const field = 'io.confluent.connect.json.OneOf.field.1';
    expect(value).toEqual({ color: 'RED', size: { w: 1.5 }, either: { [field]: 'x' } });
    expect(schema!.fields.map(({ name, schema: of }) => [name, of.type, of.optional])).toEqual([
      ['color', 'string', false],
      ['size', 'struct', true],
      ['either', 'struct', true],
    ]);
    const written = await converter.fromConnect('other', [], schema, value);
    expect(Buffer.from(written!).subarray(5).toString()).toBe(text);
  });
});

describe('ProtobufConverter', () => {
  const protobuf = 'io.confluent.connect.protobuf.ProtobufConverter';
  const line = structOf({ sku: STRING, count: primitive('int16') }, { name: 'com.example.Line' });
  const kind = {
    'io.confluent.connect.protobuf.Enum': 'Kind',
    'io.confluent.connect.protobuf.Enum.SMALL': '0',
    'io.confluent.connect.protobuf.Enum.LARGE': '1',
  };
  const fields = (optional: boolean) => ({
    id: primitive('int64', { optional }),
    note: primitive('string', { optional }),
    price: decimalOf(2, { optional }),
    day: date({ optional }),
    at: timestamp({ optional }),
    clock: time({ optional }),
    ratio: primitive('float32', { optional }),
    raw: primitive('bytes', { optional }),
    is: primitive('boolean', { optional }),
  });
  const value = {
    id: -9007199254740993n,
    note: 'n',
    price: new Decimal(-12345n, 2),
    day: new Date('1969-12-31'),
    at: new Date('1969-12-31T12:34:56.789Z'),
    clock: new Date(3_723_004),
    ratio: 0.5,
    raw: Buffer.from([1, 2]),
    is: true,
    lines: [{ sku: 'a', count: -3 }],
    counts: new Map([['x', 1]]),
    byNumber: new Map([[7n, { sku: 'b', count: 2 }]]),
    kind: 'LARGE',
  };
  const rest = {
    lines: arrayOf(line),
    counts: mapOf(STRING, INT32),
    byNumber: mapOf(INT64, line),
    kind: primitive('string', { parameters: kind }),
  };

  test('a struct is a message, and is read as it was', async () => {
    const schemas = new MemorySchemas();
    const config = { 'optional.for.nullables': 'true' };
    const schema = structOf({ ...fields(false), ...rest }, { name: 'com.example.Order' });
    const read = await thereAndBack(await converterOf(protobuf, schemas, config), schema, value);
    expect(read.value).toEqual(value);
    // The messages in a message are named by it.
    expect(read.schema!.name).toBe('com.example.Order');
    expect(read.schema!.fields.map((field) => [field.name, field.schema.type, field.schema.optional])).toEqual(
      schema.fields.map((field) => [field.name, field.schema.type, field.schema.optional]),
    );
    expect(read.schema!.field('price')!.schema.equals(decimalOf(2))).toBe(true);
    expect(read.schema!.field('lines')!.schema.valueSchema.field('count')!.schema.type).toBe('int16');
    expect(schemas.newest('topic-value')!.schema.split('\n').slice(0, 13)).toEqual([
      'syntax = "proto3";',
      'package com.example;',
      'import "confluent/meta.proto";',
      'import "confluent/type/decimal.proto";',
      'import "google/protobuf/timestamp.proto";',
      'import "google/type/date.proto";',
      'import "google/type/timeofday.proto";',
      'message Order {',
      '  int64 id = 1;',
      '  string note = 2;',
      '  confluent.type.Decimal price = 3 [(confluent.field_meta) = { params: [{ key: "precision", value: "64" }, { key: "scale", value: "2" }] }];',
      '  google.type.Date day = 4;',
      '  google.protobuf.Timestamp at = 5;',
    ]);
  });

  test.each([{ 'optional.for.nullables': 'true' }, { 'wrapper.for.nullables': 'true' }])(
    'nulls stay nulls with %j',
    async (config) => {
      const schema = structOf(fields(true), { name: 'com.example.Order' });
      const nulls = Object.fromEntries(Object.keys(fields(true)).map((name) => [name, null]));
      const converter = await converterOf(protobuf, new MemorySchemas(), config);
      expect((await thereAndBack(converter, schema, nulls)).value).toEqual(nulls);
      const some = { ...nulls, note: '', id: 0n, at: new Date(0) };
      expect((await thereAndBack(converter, schema, some)).value).toEqual(some);
    },
  );

  test('else a null scalar is what absence means', async () => {
    const schema = structOf({ id: primitive('int64', { optional: true }), at: timestamp({ optional: true }) });
    const converter = await converterOf(protobuf, new MemorySchemas());
    const read = await thereAndBack(converter, schema, { id: null, at: null });
    expect(read.value).toEqual({ id: 0n, at: null });
  });

  test("others' schemas: oneofs, other messages of a file", async () => {
    const schemas = new MemorySchemas();
    const proto =
      'syntax = "proto3"; message A { int32 x = 1; } message B { oneof either { string s = 1; A a = 2; } uint32 u = 3; }';
    const id = schemas.add('topic-value', { schemaType: 'PROTOBUF', schema: proto });
    const converter = await converterOf(protobuf, schemas, { 'optional.for.nullables': 'true' });
    // The message [1] of the file: a string s, and a u of 2^32 - 1.
    const bytes = Buffer.from([0, 0, 0, 0, id, 2, 2, 0x0a, 1, 0x68, 0x18, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    const read = await converter.toConnect('topic', [], bytes);
    expect(read.value).toEqual({ either_0: { s: 'h' }, u: 4294967295n });
    const written = await converter.fromConnect('other', [], read.schema, read.value);
    expect((await converter.toConnect('other', [], written)).value).toEqual(read.value);
  });

  test.each([
    [STRING, 'x', 'Protobuf needs a struct, and this is a STRING'],
    [structOf({ a: arrayOf(arrayOf(INT32)) }), { a: [] }, 'Protobuf has no arrays in lists, which the field a has'],
    [structOf({ a: mapOf(FLOAT64, INT32) }), { a: new Map() }, 'Protobuf has no maps whose keys are float64s'],
    [
      structOf({ a: arrayOf(OPTIONAL_INT32) }),
      { a: [null] },
      'the field a has a list with nulls, which Protobuf has not',
    ],
    [structOf({ 'a-b': INT32 }), { 'a-b': 1 }, 'Protobuf does not allow the name "a-b"'],
    [structOf({ a: INT32 }), { a: 'x' }, 'value.a must be INT32, and is "x" (string)'],
  ])('refuses %#', async (schema, given, problem) => {
    const converter = await converterOf(protobuf, new MemorySchemas());
    await expect((async () => converter.fromConnect('topic', [], schema, given))()).rejects.toThrow(problem);
  });
});
