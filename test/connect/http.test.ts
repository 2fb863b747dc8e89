// The HTTP connectors against a real server, which answers as it is told.
import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { httpSink, httpSource, webhookSource } from '../../src/connect/connectors/http/index.ts';
import { INT32, OPTIONAL_STRING, parseConfig, STRING, structOf } from '../../src/connect/index.ts';
import { emitting } from './jdbc/suite.ts';
import { afterwards, openCluster, openWorker, recordsIn, until, valuesIn } from './support/worker.ts';

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A server that remembers what it was asked, and answers with what `answer` says. */
async function serve(
  answer: (asked: Asked, count: number) => { status?: number; body?: string; headers?: Record<string, string> },
) {
  const asked: Asked[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = {
        method: request.method!,
        url: request.url!,
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      };
      asked.push(one);
      const { status = 200, body = '', headers = {} } = answer(one, asked.length);
      response.writeHead(status, headers).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function start(plugins: Parameters<typeof openWorker>[1]) {
  const client = (await openCluster()).connect();
  const opened = await openWorker(client, plugins);
  const run = async (config: Record<string, string>): Promise<void> => {
    await opened.worker.startTask({ connector: config['name']!, task: 0 }, config, config, 'STARTED');
  };
  return { client, run, ...opened };
}

const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';
const emit = { name: 'emit', 'connector.class': 'test.Emitting', 'value.converter': JSON_CONVERTER };
const sink = {
  name: 'out',
  'connector.class': 'HttpSink',
  topics: 'in',
  'retry.backoff.ms': '1',
  'value.converter': JSON_CONVERTER,
};
const person = structOf({ id: INT32, name: STRING, note: OPTIONAL_STRING });
const of = (id: number, name: string) => ({
  keySchema: STRING,
  key: `k${id}`,
  valueSchema: person,
  value: { id, name, note: null },
});

describe('the sink', () => {
  test('sends each record to the URL that it makes, and deletes what has no value', async () => {
    const server = await serve(() => ({}));
    const { run, heard } = await start([
      httpSink,
      emitting([of(1, 'a/b'), of(2, 'ü'), { keySchema: STRING, key: 'k1', valueSchema: null, value: null }]),
    ]);
    await run(emit);
    await run({
      ...sink,
      'http.api.url': `${server.url}/people/\${key}`,
      'request.method': 'put',
      'behavior.on.null.values': 'delete',
      headers: 'X-One: 1|X-Two: 2',
    });
    await until('three', () => server.asked.length === 3 || heard.stateOf('out-0') === 'FAILED');
    expect(server.asked.map(({ method, url, body }) => [method, url, body])).toEqual([
      ['PUT', '/people/k1', '{"id":1,"name":"a/b","note":null}'],
      ['PUT', '/people/k2', '{"id":2,"name":"ü","note":null}'],
      ['DELETE', '/people/k1', ''],
    ]);
    expect(server.asked[0]!.headers).toMatchObject({ 'x-one': '1', 'x-two': '2' });
  });

  test('puts several records into a body, and tries again what may be taken later, with a token that is had once', async () => {
    const server = await serve(({ url, headers, body }, count) => {
      if (url === '/token') {
        expect([headers.authorization, body]).toEqual([
          `Basic ${Buffer.from('me:secret').toString('base64')}`,
          'grant_type=client_credentials&scope=all',
        ]);
        return { body: '{"access_token":"t1","expires_in":3600}' };
      }
      return count < 4 ? { status: 503, headers: { 'retry-after': '0' } } : {};
    });
    const { run } = await start([httpSink, emitting([1, 2, 3, 4, 5].map((id) => of(id, 'x')))]);
    await run(emit);
    await run({
      ...sink,
      'http.api.url': `${server.url}/bulk`,
      'batch.max.size': '3',
      'batch.json.as.array': 'true',
      'request.body.format': 'json',
      'auth.type': 'oauth2',
      'oauth2.token.url': `${server.url}/token`,
      'oauth2.client.id': 'me',
      'oauth2.client.secret': 'secret',
      'oauth2.client.scope': 'all',
    });
    const ids = (): number[] =>
      server.asked.slice(3).flatMap(({ body }) => (JSON.parse(body) as { id: number }[]).map(({ id }) => id));
    await until('five', () => server.asked.length > 4 && ids().length === 5);
    expect(ids()).toEqual([1, 2, 3, 4, 5]);
    expect(server.asked.filter(({ url }) => url === '/token')).toHaveLength(1);
    expect(server.asked.at(-1)!.headers).toMatchObject({
      authorization: 'Bearer t1',
      'content-type': 'application/json',
    });
  });

  test('reports what is refused for ever, and goes on', async () => {
    const server = await serve(({ body }) => (body.includes('bad') ? { status: 422, body: 'no such thing' } : {}));
    const { client, run, heard } = await start([httpSink, emitting([of(1, 'good'), of(2, 'bad'), of(3, 'good')])]);
    await run(emit);
    const config = { ...sink, 'http.api.url': server.url };
    await run({ ...config, name: 'strict' });
    await heard.is('strict-0', 'FAILED');
    expect(heard.traces.get('strict-0')).toContain('answered 422: no such thing');
    await run({ ...config, 'errors.tolerance': 'all', 'errors.deadletterqueue.topic.name': 'dead' });
    await until('the letter', async () => (await recordsIn(client, 'dead')).length === 1);
    await until('the third', () => server.asked.some(({ body }) => body.includes('"id":3')));
    expect(server.asked.filter(({ body }) => body.includes('bad'))).toHaveLength(2);
  });

  test('refuses settings that cannot be', () => {
    const check = (more: Record<string, string>) =>
      parseConfig(httpSink.config, { 'http.api.url': 'http://x', ...more });
    expect(() => check({ 'http.api.url': 'x' })).toThrow(/begin with http/);
    expect(() => check({ 'retry.on.status.codes': '5xx' })).toThrow(/"5xx" is no status code/);
    expect(httpSink.validate!(check({ 'auth.type': 'oauth2' }))).toHaveLength(3);
  });
});

describe('the source', () => {
  const source = {
    name: 'pages',
    'connector.class': 'HttpSource',
    'request.interval.ms': '20',
    'retry.backoff.ms': '1',
  };

  test('asks for page after page, and goes on behind the last one when it is started again', async () => {
    const all = Array.from({ length: 7 }, (_, i) => ({ id: i, big: 9007199254740993n }));
    const server = await serve(({ url }) => {
      const offset = Number(new URL(url, 'http://x').searchParams.get('after'));
      const data = all.filter(({ id }) => id > offset).slice(0, 3);
      return { body: `{"data":[${data.map(({ id, big }) => `{"id":${id},"big":${big}}`).join()}]}` };
    });
    const { client, run, worker } = await start([httpSource]);
    const config = {
      ...source,
      url: `${server.url}/\${entityName}`,
      'entity.names': 'users',
      'topic.name.pattern': 'http-${entityName}',
      'http.offset.mode': 'CHAINING',
      'http.request.parameters': 'after=${offset}',
      'http.initial.offset': '-1',
      'http.response.data.json.pointer': '/data',
      'http.offset.json.pointer': '/id',
    };
    await run(config);
    await until('seven', async () => (await valuesIn(client, 'http-users')).length === 7);
    expect((await valuesIn(client, 'http-users'))[3]).toBe('{"id":3,"big":9007199254740993}');
    await worker.stopTasks([{ connector: 'pages', task: 0 }]);
    all.push({ id: 7, big: 1n });
    await run(config);
    await until('eight', async () => (await valuesIn(client, 'http-users')).length === 8);
    expect(server.asked[0]!.url).toBe('/users?after=-1');
    expect(server.asked.at(-1)!.url).toMatch(/\/users\?after=[67]/);
  });

  test('follows what answers say comes next', async () => {
    const server = await serve(({ url }) => {
      const page = Number(new URL(url, 'http://x').searchParams.get('page') ?? '1');
      const next = page < 3 ? `"http://${'127.0.0.1'}:${port()}/list?page=${page + 1}"` : 'null';
      return { body: `{"items":["p${page}"],"next":${next}}` };
    });
    const port = (): string => new URL(server.url).port;
    const { client, run } = await start([httpSource]);
    await run({
      ...source,
      url: `${server.url}/list`,
      'entity.names': 'list',
      'http.offset.mode': 'CURSOR_PAGINATION',
      'http.response.data.json.pointer': '/items',
      'http.next.page.json.pointer': '/next',
    });
    await until('three', async () => (await valuesIn(client, 'list')).length >= 3);
    expect((await valuesIn(client, 'list')).slice(0, 3)).toEqual(['p1', 'p2', 'p3']);
  });
});

describe('webhooks', () => {
  test('are answered when they are safe, and refused when they are not signed, too large, or not sent as they should be', async () => {
    const { client, run, log } = await start([webhookSource]);
    await run({
      name: 'hook',
      'connector.class': 'WebhookSource',
      topic: 'hooks.${path}',
      'webhook.port': '0',
      'webhook.path': '/in/',
      'webhook.secret': 'secret',
      'webhook.max.body.bytes': '100',
      'webhook.key.header': 'x-id',
    });
    const said = (): string | undefined => log.find((line) => line.startsWith('waiting for requests on'));
    await until('the port', said);
    const url = said()!.replace('waiting for requests on ', '');
    const send = async (path: string, body: string, headers: Record<string, string> = {}) => {
      const signature = createHmac('sha256', 'secret').update(body).digest('hex');
      return (
        await fetch(url + path, {
          method: 'POST',
          body,
          headers: { 'x-hub-signature-256': `sha256=${signature}`, ...headers },
        })
      ).status;
    };
    expect(await send('/in/shop/orders', '{"a":1}', { 'x-id': '7' })).toBe(200);
    expect(await send('/in/shop/orders', '{"a":1}', { 'x-hub-signature-256': 'sha256=00' })).toBe(401);
    expect(await send('/in/shop/orders', 'x'.repeat(101))).toBe(413);
    expect(await send('/elsewhere', 'x')).toBe(404);
    expect((await fetch(`${url}/in/`)).status).toBe(405);
    const [record, ...others] = await recordsIn(client, 'hooks.shop.orders');
    expect(others).toEqual([]);
    expect([record!.key?.toString(), record!.value?.toString()]).toEqual(['7', '{"a":1}']);
    expect(record!.headers.map(({ key }) => key)).toContain('path');
  });
});
