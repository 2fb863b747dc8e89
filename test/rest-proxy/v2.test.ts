// v2 over a real broker: what there is, and records in, in the formats that need no schema.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordsOf } from '../../src/client/index.ts';
import { embedded, Proxy, V2 } from './support.ts';

let proxy: Proxy;

beforeAll(async () => {
  proxy = await Proxy.start({ 'auto.create.topics.enable': 'false' });
  const admin = proxy.platform.client.admin();
  await admin.createTopics([
    { name: 'plants', partitions: 3 },
    { name: 'numbers', partitions: 1, configs: { 'retention.ms': '60000' } },
    { name: 'small', partitions: 1, configs: { 'max.message.bytes': '500' } },
  ]);
});
afterAll(() => proxy.stop());

/** Keys and values of a topic, in the order of its one partition. */
async function stored(topic: string, count: number): Promise<(readonly [string | null, string | null])[]> {
  const consumer = proxy.platform.client.consumer({ autoOffsetReset: 'earliest' });
  const partitions = (await proxy.platform.client.admin().describeTopics([topic])).get(topic)!.partitions;
  consumer.assign(partitions.map(({ partition }) => ({ topic, partition })));
  const found: (readonly [string | null, string | null])[] = [];
  while (found.length < count) {
    for (const { key, value } of recordsOf(await consumer.poll(1000)))
      found.push([key?.toString() ?? null, value?.toString() ?? null]);
  }
  await consumer.close();
  return found;
}

describe('what there is', () => {
  test('the root, brokers and topics', async () => {
    expect(await proxy.ask('GET /')).toMatchObject({ status: 200, text: '{}' });
    expect((await proxy.ask('GET /brokers')).body).toEqual({ brokers: [1] });
    const topics = await proxy.ask('GET /topics');
    expect(topics).toMatchObject({ status: 200, type: V2 });
    expect(topics.body).toEqual(expect.arrayContaining(['numbers', 'plants']));
  });

  test('a topic with its configs and partitions', async () => {
    const { body } = await proxy.ask('GET /topics/numbers');
    expect(body).toMatchObject({ name: 'numbers', configs: { 'retention.ms': '60000', 'cleanup.policy': 'delete' } });
    const partition = { partition: 0, leader: 1, replicas: [{ broker: 1, leader: true, in_sync: true }] };
    expect(body.partitions).toEqual([partition]);
    expect((await proxy.ask('GET /topics/numbers/partitions')).body).toEqual([partition]);
    expect((await proxy.ask('GET /topics/numbers/partitions/0')).body).toEqual(partition);
    expect((await proxy.ask('GET /topics/plants/partitions/2/offsets')).body).toEqual({
      beginning_offset: 0,
      end_offset: 0,
    });
  });

  test.each([
    ['GET /topics/nothing', 404, 40401, 'Topic not found.'],
    ['GET /topics/nothing/partitions', 404, 40401, 'Topic not found.'],
    ['GET /topics/numbers/partitions/1', 404, 40402, 'Partition not found.'],
    ['GET /topics/numbers/partitions/x/offsets', 404, 40402, 'Partition not found.'],
    ['GET /nowhere', 404, 404, 'HTTP 404 Not Found'],
    ['DELETE /brokers', 405, 405, 'HTTP 405 Method Not Allowed'],
  ])('%s is refused', async (what, status, errorCode, message) => {
    const said = await proxy.ask(what);
    expect(said).toMatchObject({ status, type: V2, body: { error_code: errorCode, message } });
  });

  test('media types are agreed upon', async () => {
    expect(await proxy.ask('GET /topics', { accept: 'application/json' })).toMatchObject({
      status: 200,
      type: 'application/json',
    });
    expect(await proxy.ask('GET /topics', { accept: 'text/html, */*; q=0.1' })).toMatchObject({
      status: 200,
      type: V2,
    });
    expect((await proxy.ask('GET /topics', { accept: 'text/html' })).body).toMatchObject({ error_code: 406 });
  });
});

const DEEP = `{"records":[{"value":${'['.repeat(100_000)}${']'.repeat(100_000)}}]}`;

describe('records in', () => {
  const post = (topic: string, body: unknown, type = embedded('json')) =>
    proxy.ask(`POST /topics/${topic}`, { body, type });

  test('JSON as it stands: large numbers, decimals, nulls', async () => {
    const text = '{"id":9007199254740993,"price":1.10,"tiny":1e-30,"name":"Ärger","none":null}';
    const { status, type, body } = await post(
      'numbers',
      `{"records":[{"key":"k","value":${text}},{"key":null,"value":null},{"value":"text"}]}`,
    );
    expect({ status, type }).toEqual({ status: 200, type: V2 });
    expect(body).toEqual({
      offsets: [0, 1, 2].map((offset) => ({ partition: 0, offset, error_code: null, error: null })),
      key_schema_id: null,
      value_schema_id: null,
    });
    expect(await stored('numbers', 3)).toEqual([
      ['"k"', text],
      [null, null],
      [null, '"text"'],
    ]);
  });

  test('binary, also by the general types', async () => {
    const records = [{ key: 'a2V5', value: 'AP8=' }];
    for (const type of [embedded('binary'), V2, 'application/json']) {
      expect((await post('plants', { records }, type)).status).toBe(200);
    }
    expect(await stored('plants', 3)).toEqual(Array.from({ length: 3 }, () => ['key', '\u0000\ufffd']));
  });

  test('to a partition, by the record or by the path', async () => {
    const one = await post('plants', {
      records: [
        { value: 1, partition: 2 },
        { value: 2, partition: 1 },
      ],
    });
    expect(one.body.offsets.map((each: { partition: number }) => each.partition)).toEqual([2, 1]);
    const path = await proxy.ask('POST /topics/plants/partitions/0', {
      body: { records: [{ value: 1 }] },
      type: embedded('json'),
    });
    expect(path.body.offsets).toMatchObject([{ partition: 0, error_code: null }]);
  });

  test('what fails at the broker is said record by record', async () => {
    const { status, body } = await post('small', {
      records: [{ value: 'x'.repeat(2000) }, { value: 'y' }, { value: 1, partition: 9 }],
    });
    expect(status).toBe(200);
    expect(body.offsets).toEqual([
      {
        partition: null,
        offset: null,
        error_code: 50002,
        error: expect.stringContaining('max.message.bytes of the topic is 500'),
      },
      { partition: 0, offset: 0, error_code: null, error: null },
      { partition: null, offset: null, error_code: 50002, error: expect.stringContaining('not in the range [0...1)') },
    ]);
  });

  test.each<[string, string, unknown, string, number, number]>([
    ['no JSON', 'numbers', '{', embedded('json'), 400, 400],
    ['no object', 'numbers', '[]', embedded('json'), 422, 422],
    ['no records', 'numbers', {}, embedded('json'), 422, 422],
    ['an empty list', 'numbers', { records: [] }, embedded('json'), 422, 422],
    ['a record that is none', 'numbers', { records: [1] }, embedded('json'), 422, 422],
    ['an unknown member', 'numbers', { records: [{ vlue: 1 }] }, embedded('json'), 422, 422],
    ['a negative partition', 'numbers', { records: [{ value: 1, partition: -1 }] }, embedded('json'), 422, 422],
    ['what is not base64', 'numbers', { records: [{ value: '*' }] }, embedded('binary'), 422, 42203],
    ['half a byte of base64', 'numbers', { records: [{ value: 'A' }] }, embedded('binary'), 422, 42203],
    ['an object as bytes', 'numbers', { records: [{ value: {} }] }, embedded('binary'), 422, 42203],
    ['what nests without an end', 'numbers', DEEP, embedded('json'), 422, 42203],
    ['another media type', 'numbers', { records: [] }, 'text/plain', 415, 415],
    ['an unknown topic', 'nothing', { records: [{ value: 1 }] }, embedded('json'), 404, 40401],
    ['an unknown partition', 'numbers/partitions/4', { records: [{ value: 1 }] }, embedded('json'), 404, 40402],
  ])('%s is refused', async (_what, topic, body, type, status, errorCode) => {
    const said = await post(topic, body, type);
    expect(said).toMatchObject({ status, body: { error_code: errorCode, message: expect.any(String) } });
  });

  test('what is refused has stored nothing', async () => {
    const before = (await proxy.ask('GET /topics/numbers/partitions/0/offsets')).body;
    await post('numbers', { records: [{ value: 'AAAA' }, { value: '*' }] }, embedded('binary'));
    expect((await proxy.ask('GET /topics/numbers/partitions/0/offsets')).body).toEqual(before);
  });
});
