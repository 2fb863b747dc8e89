// v3's records: streamed in both directions, one by one and as batches, in all types; slow readers, and clients that vanish.
import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConsumerRecord, recordsOf } from '../../src/client/index.ts';
import { jsonObjects } from '../../src/rest-proxy/v3/json-objects.ts';
import { avroSerde, deserializeLoading } from '../../src/serde/index.ts';
import { Proxy } from './support.ts';

let proxy: Proxy;
let cluster: string;
let topics = 0;

beforeAll(async () => {
  proxy = await Proxy.start({ 'kafka.rest.request.max.bytes': '100000', 'auto.create.topics.enable': 'false' });
  cluster = await proxy.platform.client.admin().clusterId();
});
afterAll(() => proxy.stop());

async function newTopic(): Promise<string> {
  const name = `topic-${topics++}`;
  await proxy.platform.client.admin().createTopics([{ name, partitions: 1 }]);
  return name;
}

const pathOf = (topic: string) => `/v3/clusters/${cluster}/topics/${topic}/records`;

/** The answers to records that are sent at once. */
async function post(topic: string, ...records: readonly unknown[]) {
  const body = records.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join('');
  const answer = await fetch(proxy.url + pathOf(topic), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  const text = await answer.text();
  return {
    status: answer.status,
    answers: text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  };
}

async function stored(topic: string, count: number): Promise<ConsumerRecord[]> {
  const consumer = proxy.platform.client.consumer({ autoOffsetReset: 'earliest' });
  consumer.assign([{ topic, partition: 0 }]);
  const found: ConsumerRecord[] = [];
  while (found.length < count) found.push(...recordsOf(await consumer.poll(1000)));
  await consumer.close();
  return found;
}

/** A request that goes on. */
async function streaming(topic: string): Promise<{ asked: ClientRequest; answered: Promise<IncomingMessage> }> {
  const headers = { 'content-type': 'application/json' };
  const asked = request(proxy.url + pathOf(topic), { method: 'POST', headers });
  asked.flushHeaders();
  return { asked, answered: once(asked, 'response').then(([answer]) => answer as IncomingMessage) };
}

describe('a record', () => {
  test('in each type that needs no schema, with headers and a time', async () => {
    const topic = await newTopic();
    const { status, answers } = await post(
      topic,
      {
        partition_id: 0,
        headers: [{ name: 'h', value: 'AP8=' }, { name: 'none' }],
        timestamp: '2021-02-05T19:14:42Z',
        key: { type: 'STRING', data: 'k' },
        value: { type: 'JSON', data: { n: 1 } },
      },
      { key: { type: 'BINARY', data: 'AAE=' }, value: { data: null } },
      '{"value":{"type":"JSON","data":9007199254740993}}',
    );
    expect(status).toBe(200);
    expect(answers[0]).toEqual({
      error_code: 200,
      cluster_id: cluster,
      topic_name: topic,
      partition_id: 0,
      offset: 0,
      timestamp: '2021-02-05T19:14:42.000Z',
      key: { type: 'STRING', size: 1 },
      value: { type: 'JSON', size: 7 },
    });
    expect(answers[1]).toMatchObject({
      offset: 1,
      key: { type: 'BINARY', size: 2 },
      value: { type: 'BINARY', size: 0 },
    });
    const [first, second, third] = await stored(topic, 3);
    expect(first).toMatchObject({ timestamp: Date.parse('2021-02-05T19:14:42Z') });
    expect([first!.key, first!.value].map(String)).toEqual(['k', '{"n":1}']);
    expect(first!.headers).toEqual([
      { key: 'h', value: Buffer.of(0, 255) },
      { key: 'none', value: null },
    ]);
    expect(second).toMatchObject({ key: Buffer.of(0, 1), value: null });
    expect(String(third!.value)).toBe('9007199254740993');
  });

  test('with schemas: as a text, by id, by version, the newest', async () => {
    const topic = await newTopic();
    const schema = JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'n', type: 'long' }] });
    const data = { n: 7 };
    const made = await post(topic, { value: { type: 'AVRO', schema, data } });
    const id = made.answers[0].value.schema_id as number;
    expect(made.answers[0].value).toEqual({ type: 'AVRO', size: 6, subject: `${topic}-value`, schema_id: id });
    const { answers } = await post(
      topic,
      { value: { schema_id: id, data } },
      { value: { schema_version: 1, data } },
      { value: { type: 'AVRO', data } },
      { value: { type: 'AVRO', subject: 'nobody', data } },
      { value: { type: 'PROTOBUF', schema_id: id, data } },
      { value: { schema, data } },
      { value: { schema_id: id, data: { n: 'x' } } },
      { value: { type: 'JSON', schema_id: id, data } },
      { value: { type: 'AVRO', subject_name_strategy: 'RECORD_NAME', schema, data } },
    );
    expect(answers.map(({ error_code }) => error_code)).toEqual([
      ...[200, 200, 200, 42207, 42206, 42206, 42203, 42206, 42206],
    ]);
    expect(answers[1].value).toMatchObject({ schema_id: id, schema_version: 1 });
    const serde = avroSerde({ schemas: proxy.platform.schemas, topic });
    for (const { value } of await stored(topic, 4)) expect(await deserializeLoading(serde, value)).toEqual(data);
  });

  test('that is refused does not keep the others', async () => {
    const topic = await newTopic();
    const { answers } = await post(
      topic,
      { value: { type: 'STRING', data: 'a' } },
      { value: { type: 'STRING', data: 1 } },
      { value: { type: 'BINARY', data: '*' } },
      { value: { type: 'XML', data: 'x' } },
      { partition_id: 9, value: { data: '' } },
      { partition_id: -1 },
      { timestamp: 'now' },
      { unknown: 1 },
      '[1]',
      '{"value":}',
      { value: { type: 'STRING', data: 'b' } },
    );
    expect(answers.map(({ error_code }) => error_code)).toEqual([
      ...[200, 42203, 42203, 42206, 50002, 42206, 422, 422, 422, 400, 200],
    ]);
    expect((await stored(topic, 2)).map(({ value }) => String(value))).toEqual(['a', 'b']);
  });

  test('that has to be the last: too large, or the end is missing', async () => {
    const topic = await newTopic();
    const good = { value: { type: 'STRING', data: 'good' } };
    const large = await post(topic, good, { value: { type: 'STRING', data: 'x'.repeat(200_000) } }, good);
    expect(large.answers).toMatchObject([{ error_code: 200 }, { error_code: 413 }]);
    const open = await post(topic, good, '{"value":');
    expect(open.answers).toMatchObject([{ error_code: 200 }, { error_code: 400 }]);
  });

  test('that ends a stream early does not hold up what is asked next on the connection', async () => {
    const topic = await newTopic();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = async (body: string): Promise<{ text: string; socket: unknown }> => {
      const asked = request(proxy.url + pathOf(topic), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        agent,
      });
      asked.end(body);
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      return { text: String(Buffer.concat(await answer.toArray())), socket: asked.socket };
    };
    try {
      const large = JSON.stringify({ value: { type: 'STRING', data: 'x'.repeat(200_000) } });
      const early = await ask(large + ' '.repeat(3_000_000));
      expect(early.text).toContain('"error_code":413');
      const next = await ask('{"value":{"type":"STRING","data":"next"}}');
      expect(next.text).toContain('"error_code":200');
      expect(next.socket).toBe(early.socket);
    } finally {
      agent.destroy();
    }
  });

  test.each<[string, string, string, number, number]>([
    ['an empty body', 'T', 'application/json', 422, 42206],
    ['another media type', 'T', 'application/vnd.kafka.v2+json', 415, 415],
    ['an unknown topic', 'nothing', 'application/json', 404, 40401],
  ])('%s is refused as a whole', async (_what, name, type, status, errorCode) => {
    const topic = name === 'T' ? await newTopic() : name;
    const answer = await proxy.ask(`POST ${pathOf(topic)}`, { body: name === 'T' ? ' ' : '{}', type });
    expect(answer).toMatchObject({ status, body: { error_code: errorCode } });
  });
});

describe('a stream', () => {
  test('is answered record by record while it goes on', async () => {
    const topic = await newTopic();
    const { asked, answered } = await streaming(topic);
    asked.write('{"value":{"type":"STRING","data":"}{\\"');
    asked.write('ä1"}}  {"value"');
    const answer = await answered;
    const [first] = (await once(answer, 'data')) as [Buffer];
    expect(JSON.parse(String(first))).toMatchObject({ error_code: 200, offset: 0 });
    asked.write(':{"type":"STRING","data":"2"}}\n\n');
    const [second] = (await once(answer, 'data')) as [Buffer];
    expect(JSON.parse(String(second))).toMatchObject({ error_code: 200, offset: 1 });
    asked.end();
    answer.resume();
    await once(answer, 'end');
    expect((await stored(topic, 2)).map(({ value }) => String(value))).toEqual(['}{"ä1', '2']);
  });

  test('keeps the order of its records, and of its answers', async () => {
    const topic = await newTopic();
    const records = Array.from({ length: 5000 }, (_, i) => ({ value: { type: 'JSON', data: i } }));
    const { answers } = await post(topic, ...records);
    expect(answers.map(({ offset }) => offset)).toEqual(records.map((_, i) => i));
    expect((await stored(topic, 5000)).map(({ value }) => Number(value))).toEqual(records.map((_, i) => i));
  });

  test('whose client vanishes leaves nothing behind: what was sent is stored, the rest is not', async () => {
    const topic = await newTopic();
    const { asked, answered } = await streaming(topic);
    asked.on('error', () => {});
    asked.write('{"value":{"type":"STRING","data":"whole"}}{"value":{"type":"STR');
    const answer = await answered;
    answer.on('error', () => {});
    await once(answer, 'data');
    asked.destroy();
    const { answers } = await post(topic, { value: { type: 'STRING', data: 'next' } });
    expect(answers).toMatchObject([{ error_code: 200, offset: 1 }]);
    expect((await stored(topic, 2)).map(({ value }) => String(value))).toEqual(['whole', 'next']);
  });
});

test('clients that vanish while more is on its way than may be leave the proxy as it was', async () => {
  const topic = await newTopic();
  const many = '{"value":{"type":"STRING","data":"x"}}'.repeat(20_000);
  for (let i = 0; i < 5; i++) {
    const { asked, answered } = await streaming(topic);
    asked.on('error', () => {});
    asked.write(many);
    const answer = await answered;
    answer.on('error', () => {});
    // It reads no further than this.
    await once(answer, 'readable');
    asked.destroy();
  }
  const { answers } = await post(topic, { value: { type: 'STRING', data: 'last' } });
  expect(answers).toMatchObject([{ error_code: 200 }]);
});

describe('a batch', () => {
  const batch = (topic: string, body: unknown) =>
    proxy.ask(`POST ${pathOf(topic)}:batch`, { body, type: 'application/json' });

  test('says of each entry what became of it', async () => {
    const topic = await newTopic();
    const said = await batch(topic, {
      entries: [
        { id: 'a', value: { type: 'STRING', data: 'x' } },
        { id: 'b', value: { type: 'STRING', data: 1 } },
        { id: 'c', value: { type: 'STRING', data: 'y' } },
      ],
    });
    expect(said.status).toBe(207);
    expect(said.body).toMatchObject({
      successes: [
        { id: 'a', topic_name: topic, partition_id: 0, offset: 0, value: { type: 'STRING', size: 1 } },
        { id: 'c', offset: 1 },
      ],
      failures: [{ id: 'b', error_code: 42203 }],
    });
  });

  test.each<[string, unknown]>([
    ['no body', ''],
    ['no entries', { entries: [] }],
    ['two of the same id', { entries: [{ id: 'a' }, { id: 'a' }] }],
    ['an id that is none', { entries: [{ id: 'a b' }] }],
    ['too many', { entries: Array.from({ length: 1001 }, (_, i) => ({ id: String(i) })) }],
  ])('%s is refused', async (_what, body) => {
    expect(await batch(await newTopic(), body)).toMatchObject({ status: 422, body: { error_code: 42208 } });
  });
});

test('objects are cut out of a body wherever its parts end', async () => {
  const text = '{"a":"}{\\"\\\\","b":[{}]} {"ä":{}}\n\n{"c":1}[2]{"d"';
  const bytes = Buffer.from(text);
  for (let size = 1; size <= bytes.length; size++) {
    const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
    const found = await Array.fromAsync(jsonObjects(parts as unknown as AsyncIterable<Uint8Array>, 1000));
    expect(found).toEqual(['{"a":"}{\\"\\\\","b":[{}]}', '{"ä":{}}', '{"c":1}', '[2]', '{"d"']);
  }
});
