// Records with schemas: JSON in, Avro, JSON Schema and Protobuf in the log in Confluent's wire format, and JSON out again.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordsOf } from '../../src/client/index.ts';
import { avroSerde, deserializeLoading } from '../../src/serde/index.ts';
import { Instance } from './instance.ts';
import { embedded, Proxy } from './support.ts';

let proxy: Proxy;
let topics = 0;

beforeAll(async () => {
  proxy = await Proxy.start();
});
afterAll(() => proxy.stop());

async function newTopic(): Promise<string> {
  const name = `topic-${topics++}`;
  await proxy.platform.client.admin().createTopics([{ name, partitions: 1 }]);
  return name;
}

const post = (topic: string, format: string, body: unknown) =>
  proxy.ask(`POST /topics/${topic}`, { body, type: embedded(format) });

/** The JSON of a topic's records, as a consumer of this format gets it. */
async function read(topic: string, format: string, count: number): Promise<string[]> {
  const consumer = await Instance.create(proxy, `of-${topic}`, { format });
  await consumer.does('POST', '/assignments', { partitions: [{ topic, partition: 0 }] });
  const found: string[] = [];
  while (found.length < count) {
    const { status, text } = await consumer.read();
    expect({ status, text: status === 200 ? '' : text }).toEqual({ status: 200, text: '' });
    found.push(...[...text.matchAll(/"value":(.*?),"partition":0/g)].map(([, value]) => value!));
  }
  await consumer.delete();
  return found;
}

const ORDER = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'note', type: ['null', 'string'] },
    { name: 'size', type: [{ type: 'enum', name: 'Size', symbols: ['S', 'L'] }, 'int'] },
    { name: 'raw', type: 'bytes' },
    { name: 'tags', type: { type: 'map', values: { type: 'array', items: 'double' } } },
  ],
};

describe('Avro', () => {
  const order = (id: string) =>
    `{"id":${id},"note":{"string":"ä"},"size":{"shop.Size":"L"},"raw":"\\u00ff\\u0000","tags":{"a":[1.5,"NaN"],"b":[]}}`;

  test('goes in as its JSON encoding, to the last digit, and comes out as that', async () => {
    const topic = await newTopic();
    const texts = [order('1'), order('9223372036854775807'), order('-9007199254740993'), 'null'];
    const said = await post(
      topic,
      'avro',
      `{"key_schema":"\\"string\\"","value_schema":${JSON.stringify(JSON.stringify(ORDER))},"records":[${texts
        .map((text) => `{"key":"k","value":${text}}`)
        .join(',')}]}`,
    );
    expect(said).toMatchObject({ status: 200 });
    const { value_schema_id: id, key_schema_id: keyId } = said.body;
    expect(await proxy.platform.schemas.latest(`${topic}-value`)).toMatchObject({ id, schemaType: 'AVRO' });
    expect(await proxy.platform.schemas.latest(`${topic}-key`)).toMatchObject({ id: keyId });
    expect(said.body.offsets.map(({ offset }: { offset: number }) => offset)).toEqual([0, 1, 2, 3]);
    // An escape of JSON need not be one.
    expect(await read(topic, 'avro', 4)).toEqual(texts.map((text) => text.replace('\\u00ff', 'ÿ')));

    const byId = await post(topic, 'avro', {
      value_schema_id: id,
      records: [{ value: { ...JSON.parse(order('7')), note: null } }],
    });
    expect(byId.body).toMatchObject({ value_schema_id: id, key_schema_id: null });
    const consumer = proxy.platform.client.consumer({ autoOffsetReset: 'earliest' });
    consumer.assign([{ topic, partition: 0, offset: 4 }]);
    const [record] = [...recordsOf(await consumer.poll(10_000))];
    await consumer.close();
    expect(
      await deserializeLoading(avroSerde({ schemas: proxy.platform.schemas, topic }), record!.value),
    ).toMatchObject({
      id: 7,
      note: null,
      raw: Buffer.of(255, 0),
    });
  });

  const schema = JSON.stringify(ORDER);
  test.each<[string, object, number, string]>([
    ['values without a schema', { records: [{ value: 1 }] }, 42202, 'value schema'],
    ['keys without a schema', { value_schema: '"int"', records: [{ key: 1, value: 1 }] }, 42201, 'key schema'],
    ['a schema that is none', { value_schema: '{', records: [{ value: 1 }] }, 42205, 'Invalid schema'],
    ['an id that there is not', { value_schema_id: 4711, records: [{ value: 1 }] }, 42207, '4711'],
    ['a value of another type', { value_schema: '"int"', records: [{ value: 'x' }] }, 42203, 'not int'],
    ['an int that is too large', { value_schema: '"int"', records: [{ value: 2 ** 31 }] }, 42203, 'not int'],
    ['a field that is missing', { value_schema: schema, records: [{ value: { id: 1 } }] }, 42203, 'note is missing'],
    ['a union without its branch', { value_schema: '["null","int"]', records: [{ value: 1 }] }, 42203, '{"int": …}'],
    [
      'a field that there is not',
      { value_schema: schema, records: [{ value: { no: 1 } }] },
      42203,
      'no: the record shop.Order has no such field',
    ],
  ])('%s is refused', async (_what, body, errorCode, words) => {
    const said = await post(await newTopic(), 'avro', body);
    expect(said).toMatchObject({ status: 422, body: { error_code: errorCode } });
    expect(said.body.message).toContain(words);
  });

  test('a schema that does not go with those before it is refused', async () => {
    const topic = await newTopic();
    expect((await post(topic, 'avro', { value_schema: '"int"', records: [{ value: 1 }] })).status).toBe(200);
    const said = await post(topic, 'avro', { value_schema: '"string"', records: [{ value: 'x' }] });
    expect(said.body).toMatchObject({ error_code: 42207, message: expect.stringContaining('incompatible') });
  });

  test('a record without a schema stops the reader there, with its name', async () => {
    const topic = await newTopic();
    await post(topic, 'json', { records: [{ key: 'no Avro', value: 'either' }] });
    const consumer = await Instance.create(proxy, 'foreign', { format: 'avro' });
    await consumer.does('POST', '/assignments', { partitions: [{ topic, partition: 0 }] });
    const said = await consumer.read('?timeout=10000');
    expect(said.body).toMatchObject({ error_code: 50002, message: expect.stringContaining(`${topic}-0 at offset 0`) });
    await consumer.delete();
  });
});

test('JSON Schema: large integers, and what does not fit is refused', async () => {
  const topic = await newTopic();
  const value_schema = JSON.stringify({ type: 'object', properties: { n: { type: 'integer' } } });
  const text = `{"value_schema":${JSON.stringify(value_schema)},"records":[{"value":{"n":9007199254740993}},{"value":{"n":1}}]}`;
  expect((await post(topic, 'jsonschema', text)).status).toBe(200);
  expect(await read(topic, 'jsonschema', 2)).toEqual(['{"n":9007199254740993}', '{"n":1}']);
  const misfit = await post(topic, 'jsonschema', { value_schema, records: [{ value: { n: 'x' } }] });
  expect(misfit.body).toMatchObject({ error_code: 42203 });
});

describe('Protobuf', () => {
  const value_schema = `
    syntax = "proto3";
    package shop;
    import "google/protobuf/timestamp.proto";
    import "google/protobuf/duration.proto";
    import "google/protobuf/wrappers.proto";
    import "google/protobuf/struct.proto";
    message Order {
      int64 order_id = 1;
      bytes raw = 2;
      Size size = 3;
      repeated Line lines = 4;
      map<string, double> prices = 5;
      google.protobuf.Timestamp made_at = 6;
      google.protobuf.Duration took = 7;
      google.protobuf.Int64Value weight = 8;
      google.protobuf.Struct more = 9;
      oneof how { string card = 10; uint32 cash = 11; }
      message Line { string name = 1; }
      enum Size { SMALL = 0; LARGE = 1; }
    }`;

  test('goes in as its JSON, in both spellings of names, and comes out in that of JSON', async () => {
    const topic = await newTopic();
    const value = {
      orderId: '9223372036854775807',
      raw: '/wA=',
      size: 'LARGE',
      lines: [{ name: 'tea' }, {}],
      prices: { a: 1.5, b: 'NaN' },
      made_at: '2026-01-31T13:00:00.25+01:00',
      took: '-1.500s',
      weight: '12',
      more: { list: [1, 'x', null, { deep: true }] },
      cash: 7,
    };
    const said = await post(topic, 'protobuf', { value_schema, records: [{ value }, { value: { order_id: 1 } }] });
    expect(said).toMatchObject({ status: 200 });
    const [first, second] = (await read(topic, 'protobuf', 2)).map((text) => JSON.parse(text) as unknown);
    expect(first).toEqual({
      ...{ ...value, made_at: undefined, lines: [{ name: 'tea' }, { name: '' }] },
      ...{ madeAt: '2026-01-31T12:00:00.250Z', took: '-1.500s' },
    });
    expect(second).toEqual({ orderId: '1', raw: '', size: 'SMALL', lines: [], prices: {} });
  });

  test.each<[string, unknown, string]>([
    ['an unknown field', { no: 1 }, 'no: the message shop.Order has no such field'],
    ['a long that is none', { order_id: 'x' }, 'order_id'],
    ['bytes that are no base64', { raw: '*' }, 'raw is "*", not bytes in base64'],
    ['a constant that there is not', { size: 'HUGE' }, 'size'],
    ['a time that is none', { made_at: 'now' }, 'made_at is "now"'],
    ['two of a oneof', { card: 'x', cash: 1 }, 'only one field of how can be'],
  ])('%s is refused', async (_what, value, words) => {
    const said = await post(await newTopic(), 'protobuf', { value_schema, records: [{ value }] });
    expect(said.body).toMatchObject({ error_code: 42203 });
    expect(said.body.message).toContain(words);
  });

  test('what nests without an end is refused', async () => {
    const more = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
    const body = `{"value_schema":${JSON.stringify(value_schema)},"records":[{"value":{"more":${more}}}]}`;
    expect((await post(await newTopic(), 'protobuf', body)).body).toMatchObject({
      error_code: 42203,
      message: expect.stringContaining('nests too deeply'),
    });
  });
});
