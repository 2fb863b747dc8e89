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
    const { micros: _left, ...rest } = value;
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
