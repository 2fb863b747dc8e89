// Consumers that live in the proxy: the life of an instance, what it reads, what it commits, and what becomes of it when its
// client is gone. Time is told to go on where it matters.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MemorySchemas } from '../../src/serde/index.ts';
import { restProxyServer } from '../../src/rest-proxy/index.ts';
import { restProxySettings } from '../../src/rest-proxy/settings.ts';
import { ManualEnvironment, readSettings } from '../../src/util/index.ts';
import { Instance } from './instance.ts';
import { embedded, Proxy, V2 } from './support.ts';

let proxy: Proxy;
let topics = 0;

beforeAll(async () => {
  proxy = await Proxy.start({ 'consumer.instances.max': '3' });
});
afterAll(() => proxy.stop());

/** A topic of its own with these values in it, as JSON; all in partition 0. */
async function topicOf(values: readonly unknown[], partitions = 1): Promise<string> {
  const topic = `topic-${topics++}`;
  await proxy.platform.client.admin().createTopics([{ name: topic, partitions }]);
  if (values.length > 0) await append(topic, values);
  return topic;
}

async function append(topic: string, values: readonly unknown[], type = embedded('json')): Promise<void> {
  const records = values.map((value) => ({ value, partition: 0 }));
  expect((await proxy.ask(`POST /topics/${topic}`, { body: { records }, type })).status).toBe(200);
}

let instances: Instance[] = [];
async function instance(group: string, config?: Record<string, unknown>): Promise<Instance> {
  const made = await Instance.create(proxy, group, config);
  instances.push(made);
  return made;
}
beforeEach(() => {
  instances = [];
});
afterEach(async () => {
  for (const each of instances) await each.delete();
});

describe('an instance', () => {
  test('has a name, given or made up, once in its group', async () => {
    const named = await instance('names', { name: 'mine' });
    expect(named.path).toBe('/consumers/names/instances/mine');
    const again = await proxy.ask('POST /consumers/names', { body: { name: 'mine' } });
    expect(again).toMatchObject({ status: 409, body: { error_code: 40902 } });
    const other = await instance('others', { name: 'mine' });
    expect((await other.delete()).status).toBe(204);
    expect((await instance('names')).path).toMatch(/\/rest-consumer-[0-9a-f-]{36}$/);
    expect(await proxy.ask('DELETE /consumers/names/instances/nobody')).toMatchObject({
      status: 404,
      body: { error_code: 40403, message: 'Consumer instance not found.' },
    });
  });

  test.each([
    [{ format: 'xml' }, 422, 42204],
    [{ 'auto.offset.reset': 'middle' }, 422, 42204],
    [{ 'fetch.min.bytes': -2 }, 400, 40001],
    [{ 'consumer.request.timeout.ms': 0 }, 400, 40001],
    [{ 'auto.commit.enable': 'perhaps' }, 422, 422],
    [{ unknown: 1 }, 422, 422],
  ])('with %j is refused', async (body, status, errorCode) => {
    expect(await proxy.ask('POST /consumers/refused', { body })).toMatchObject({
      status,
      body: { error_code: errorCode },
    });
  });

  test('is one of so many', async () => {
    for (let i = 0; i < 3; i++) await instance('crowd');
    expect(await proxy.ask('POST /consumers/crowd', { body: {} })).toMatchObject({
      status: 429,
      body: { message: expect.stringContaining('consumer.instances.max') },
    });
  });
});

describe('what is read', () => {
  test('by subscription, in the format of the instance', async () => {
    const topic = await topicOf([{ a: 1 }]);
    const consumer = await instance('subscribers');
    expect((await consumer.read()).body).toMatchObject({ error_code: 40903 });
    await consumer.does('POST', '/subscription', { topics: [topic] });
    expect((await consumer.ask('GET', '/subscription')).body).toEqual({ topics: [topic] });
    expect(await consumer.values(1)).toEqual([{ a: 1 }]);
    await append(topic, ['{"n":9007199254740993}'.length]);
    const { type, body } = await consumer.read();
    expect(type).toBe(embedded('json'));
    expect(body).toEqual([{ topic, key: null, value: 22, partition: 0, offset: 1 }]);
    expect((await consumer.ask('GET', '/assignments/')).body).toEqual({ partitions: [{ topic, partition: 0 }] });
    await consumer.does('DELETE', '/subscription');
    expect((await consumer.ask('GET', '/subscription')).body).toEqual({ topics: [] });
  });

  test('only as its own format', async () => {
    const topic = await topicOf(['x']);
    const consumer = await instance('formats', { format: 'binary' });
    await consumer.does('POST', '/assignments', { partitions: [{ topic, partition: 0 }] });
    const wrong = await proxy.ask(`GET ${consumer.path}/records`, { accept: embedded('json') });
    expect(wrong).toMatchObject({ status: 406, body: { error_code: 40601 } });
    expect(await consumer.values(1)).toEqual([Buffer.from('"x"').toString('base64')]);
  });

  test('by a pattern, also topics that come later', async () => {
    const topic = await topicOf(['first']);
    const consumer = await instance('patterns');
    await consumer.does('POST', '/subscription', { topic_pattern: `${topic}(-more)?` });
    expect(await consumer.values(1)).toEqual(['first']);
    expect((await consumer.ask('POST', '/subscription', { topic_pattern: '(' })).body).toMatchObject({
      error_code: 422,
    });
  });

  test('by assignment, and from where it is sought to', async () => {
    const topic = await topicOf([0, 1, 2, 3]);
    const consumer = await instance('assigned');
    const partitions = [{ topic, partition: 0 }];
    await consumer.does('POST', '/assignments', { partitions });
    expect((await consumer.ask('POST', '/subscription', { topics: [topic] })).body).toMatchObject({
      error_code: 40903,
    });
    expect((await consumer.ask('GET', '/assignments')).body).toEqual({ partitions });
    expect(await consumer.values(4)).toEqual([0, 1, 2, 3]);
    await consumer.does('POST', '/positions/beginning', { partitions });
    expect(await consumer.values(4)).toEqual([0, 1, 2, 3]);
    await consumer.does('POST', '/positions', { offsets: [{ topic, partition: 0, offset: 2 }] });
    expect(await consumer.values(2)).toEqual([2, 3]);
    await consumer.does('POST', '/positions/end', { partitions });
    expect((await consumer.read('?timeout=50')).body).toEqual([]);
    await consumer.does('POST', '/positions', {
      timestamps: [{ topic, partition: 0, timestamp: '2020-01-01T00:00:00Z' }],
    });
    expect(await consumer.values(4)).toEqual([0, 1, 2, 3]);
    const foreign = { offsets: [{ topic, partition: 1, offset: 0 }] };
    expect((await consumer.ask('POST', '/positions', foreign)).body).toMatchObject({ error_code: 40903 });
  });

  test('as much as there is room for, and nothing twice', async () => {
    const topic = await topicOf(['a'.repeat(50), 'b'.repeat(50), 'c'.repeat(500), 'd']);
    const consumer = await instance('room');
    await consumer.does('POST', '/assignments', { partitions: [{ topic, partition: 0 }] });
    const lengths: number[][] = [];
    while (lengths.flat().length < 4) {
      const { body } = await consumer.read('?max_bytes=120');
      lengths.push(body.map(({ value }: { value: string }) => value.length) as number[]);
    }
    expect(lengths).toEqual([[50, 50], [500], [1]]);
  });

  test('up to what is not of the format, which is named until it is left out', async () => {
    const topic = await topicOf(['good']);
    await append(topic, [Buffer.from('{').toString('base64')], embedded('binary'));
    await append(topic, ['behind']);
    const consumer = await instance('broken');
    await consumer.does('POST', '/assignments', { partitions: [{ topic, partition: 0 }] });
    expect(await consumer.values(1)).toEqual(['good']);
    for (let i = 0; i < 2; i++) {
      expect(await consumer.read()).toMatchObject({
        status: 500,
        body: { error_code: 50002, message: expect.stringContaining(`${topic}-0 at offset 1`) },
      });
    }
    await consumer.does('POST', '/positions', { offsets: [{ topic, partition: 0, offset: 2 }] });
    expect(await consumer.values(1)).toEqual(['behind']);
  });
});

test('instances of a group share its partitions, and one takes over what another leaves', async () => {
  const topic = await topicOf([], 2);
  const [one, other] = [await instance('shared'), await instance('shared')];
  for (const each of [one, other]) await each.does('POST', '/subscription', { topics: [topic] });
  const assigned = async (each: Instance): Promise<number> =>
    ((await each.ask('GET', '/assignments')).body as { partitions: unknown[] }).partitions.length;
  const both = () => Promise.all([one, other].map((each) => each.read('?timeout=200')));
  do await both();
  while ((await assigned(one)) !== 1 || (await assigned(other)) !== 1);
  expect((await proxy.ask(`HEAD ${one.path}/records`)).status).toBe(404);
  expect((await other.delete()).status).toBe(204);
  do await one.read('?timeout=200');
  while ((await assigned(one)) !== 2);
});

describe('what is committed', () => {
  const committed = async (consumer: Instance, topic: string): Promise<unknown> => {
    const body = JSON.stringify({ partitions: [{ topic, partition: 0 }] });
    const answer = await getWithBody(`${proxy.url}${consumer.path}/offsets`, body);
    return (JSON.parse(answer) as { offsets: unknown[] }).offsets;
  };

  test('everything that was read, or what is named: the group goes on behind it', async () => {
    const topic = await topicOf([0, 1, 2]);
    const consumer = await instance('by-hand', { 'auto.commit.enable': 'false' });
    await consumer.does('POST', '/assignments', { partitions: [{ topic, partition: 0 }] });
    expect(await consumer.values(3)).toEqual([0, 1, 2]);
    expect((await consumer.ask('POST', '/offsets', '')).body).toEqual([
      { topic, partition: 0, consumed: 3, committed: 3 },
    ]);
    expect(await committed(consumer, topic)).toEqual([{ topic, partition: 0, offset: 3, metadata: '' }]);
    const offsets = [{ topic, partition: 0, offset: 0, metadata: 'first' }];
    expect(await consumer.ask('POST', '/offsets', { offsets })).toMatchObject({ status: 200 });
    expect(await committed(consumer, topic)).toEqual([{ topic, partition: 0, offset: 1, metadata: 'first' }]);
    const next = await instance('by-hand', { 'auto.commit.enable': false });
    await next.does('POST', '/assignments', { partitions: [{ topic, partition: 0 }] });
    expect(await next.values(2)).toEqual([1, 2]);
    await next.delete();
    expect(await committed(consumer, topic)).toMatchObject([{ offset: 1 }]);
  });

  test('by itself, when it is deleted', async () => {
    const topic = await topicOf([0, 1]);
    const consumer = await instance('by-itself');
    await consumer.does('POST', '/subscription', { topics: [topic] });
    expect(await consumer.values(2)).toEqual([0, 1]);
    expect((await consumer.delete()).status).toBe(204);
    expect(await proxy.platform.client.admin().committedOffsets('by-itself')).toMatchObject([{ topic, offset: 2 }]);
    expect((await consumer.read()).body).toMatchObject({ error_code: 40403 });
  });

  test('nothing that a client did not get: it is handed out again', async () => {
    const topic = await topicOf([]);
    // More than the buffers between the two hold.
    const values = Array.from({ length: 12 }, () => randomBytes(450_000).toString('hex'));
    await append(topic, values);
    const consumer = await instance('vanishing', { 'fetch.min.bytes': 10_000_000 });
    await consumer.does('POST', '/assignments', { partitions: [{ topic, partition: 0 }] });
    const client = new AbortController();
    const answer = await fetch(`${proxy.url}${consumer.path}/records?timeout=10000`, {
      headers: { accept: embedded('json'), 'accept-encoding': 'identity' },
      signal: client.signal,
    });
    await answer.body!.getReader().read();
    client.abort();
    expect(await consumer.values(12)).toEqual(values);
  });
});

/** What `fetch` does not do. */
async function getWithBody(url: string, body: string): Promise<string> {
  const headers = { 'content-type': V2, 'content-length': Buffer.byteLength(body) };
  const asked = request(url, { headers }).end(body);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return text(answer);
}

test('an instance that nobody asks for is closed, and has committed', async () => {
  const environment = new ManualEnvironment();
  const { client } = proxy.platform;
  const server = restProxyServer({
    client,
    schemas: new MemorySchemas(),
    settings: readSettings(restProxySettings, { 'kafka.rest.consumer.instance.timeout.ms': '1000' }),
    environment,
  });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const made = await fetch(`${url}/consumers/idle`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"name":"i","format":"json"}',
  });
  expect(made.status).toBe(200);
  const subscription = () => fetch(`${url}/consumers/idle/instances/i/subscription`).then(({ status }) => status);
  environment.advance(900);
  expect(await subscription()).toBe(200);
  environment.advance(900);
  expect(await subscription()).toBe(200);
  environment.advance(1000);
  expect(await subscription()).toBe(404);
  await server.close();
});
