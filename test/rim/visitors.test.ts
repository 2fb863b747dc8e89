// Who is let in: a platform on this machine answers its users, and no page of the web that they happen to look at.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Platform } from '../../src/platform/index.ts';

const JSON_TYPE = 'application/json';

let directory: string;
let platform: Platform;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-rim-'));
  writeFileSync(join(directory, 'users'), 'ann: secret,reader\n');
  platform = await Platform.start({
    settings: {
      'log.dirs': join(directory, 'data'),
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'schema.registry.listeners': 'http://127.0.0.1:0',
      'ksql.listeners': 'http://127.0.0.1:0',
      'schema.registry.allowed.hosts': 'registry.example',
      'schema.registry.access.control.allow.origin': 'https://console.example',
      'ksql.authentication.method': 'BASIC',
      'ksql.authentication.users.location': join(directory, 'users'),
    },
  });
});
afterAll(async () => {
  await platform.stop();
  rmSync(directory, { recursive: true });
});

/** `fetch` sets `Host` and `Content-Type` itself, and this is about both. */
function send(
  service: 'sql' | 'schema-registry',
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<{ readonly status: number; readonly text: string; readonly headers: NodeJS.Dict<string | string[]> }> {
  const url = new URL(path, platform.url(service));
  return new Promise((resolve, reject) => {
    const call = request(url, { method: body === undefined ? 'GET' : 'POST', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode!, text, headers: response.headers }));
    });
    call.on('error', reject);
    call.end(body);
  });
}

const login = { authorization: `Basic ${Buffer.from('ann:secret').toString('base64')}` };
const statement = JSON.stringify({ ksql: 'SHOW STREAMS;' });

describe('the host', () => {
  const status = async (host: string) => (await send('schema-registry', '/subjects', { host })).status;

  test.each([
    'localhost',
    'localhost:8081',
    '127.0.0.1:1',
    '[::1]:8081',
    '10.0.0.7',
    'a.localhost',
    'Registry.Example',
  ])('%s is this service', async (host) => expect(await status(host)).toBe(200));
  test.each(['evil.example', 'evil.example:8081', 'localhost.evil.example', '127.0.0.1.evil.example', 'a b'])(
    '%j is not',
    async (host) => expect(await status(host)).toBe(403),
  );

  test('is refused with what to do, in the form of the service', async () => {
    const registry = await send('schema-registry', '/subjects', { host: 'evil.example' });
    expect(JSON.parse(registry.text)).toEqual({
      error_code: 403,
      message: expect.stringContaining('schema.registry.allowed.hosts'),
    });
    const sql = await send('sql', '/info', { host: 'evil.example' });
    expect(JSON.parse(sql.text)).toMatchObject({
      error_code: 40300,
      message: expect.stringContaining('ksql.allowed.hosts'),
    });
  });
});

describe('the page that asks', () => {
  const status = async (origin: string) =>
    (await send('schema-registry', '/subjects', { origin, host: 'localhost:8081' })).status;

  test('is let in when it is our own, or one that was named', async () => {
    expect(await status('http://localhost:8081')).toBe(200);
    expect(await status('https://console.example')).toBe(200);
  });
  test('is told that it may read the answer, if it was named', async () => {
    const headers = { origin: 'https://console.example', host: 'localhost:8081' };
    expect((await send('schema-registry', '/subjects', headers)).headers['access-control-allow-origin']).toBe(
      headers.origin,
    );
    const preflight = await send('schema-registry', '/subjects', {
      ...headers,
      'access-control-request-method': 'POST',
    });
    expect([preflight.status, preflight.headers['access-control-allow-headers']]).toEqual([
      204,
      expect.stringContaining('content-type'),
    ]);
  });
  test.each(['http://evil.example', 'http://localhost:3000', 'null', 'https://console.example.evil', '%%'])(
    '%s is refused',
    async (origin) => expect(await status(origin)).toBe(403),
  );
});

describe('a body', () => {
  test.each([undefined, 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'x/y'])(
    'of type %s is refused: a page could send it without being asked',
    async (type) => {
      const headers = { ...login, ...(type === undefined ? {} : { 'content-type': type }) };
      const sql = await send('sql', '/ksql', headers, statement);
      expect([sql.status, (JSON.parse(sql.text) as { message: string }).message]).toEqual([
        415,
        expect.stringContaining('Content-Type: application/json'),
      ]);
      expect((await send('schema-registry', '/subjects/x/versions', headers, '{"schema":"\\"int\\""}')).status).toBe(
        415,
      );
    },
  );

  test('of a type that the service takes is read', async () => {
    for (const type of [JSON_TYPE, `${JSON_TYPE}; charset=utf-8`, 'application/vnd.ksql.v1+json']) {
      expect((await send('sql', '/ksql', { ...login, 'content-type': type }, statement)).status).toBe(200);
    }
  });
});

test('SQL asks who it is, where it is told to', async () => {
  const headers = { 'content-type': JSON_TYPE };
  const refused = await send('sql', '/ksql', headers, statement);
  expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, 'Basic realm="KSQL", charset="UTF-8"']);
  expect((await send('sql', '/ksql', { ...headers, ...login }, statement)).status).toBe(200);
});

describe('HEAD', () => {
  test('is answered as GET, without a body', async () => {
    const subjects = new URL('/subjects', platform.url('schema-registry'));
    const [get, head] = await Promise.all(['GET', 'HEAD'].map((method) => fetch(subjects, { method })));
    expect(await get!.text()).toBe('[]');
    expect({ status: head!.status, text: await head!.text(), length: head!.headers.get('content-length') }).toEqual({
      status: 200,
      text: '',
      length: '2',
    });
    const missing = await fetch(new URL('/nowhere', platform.url('schema-registry')), { method: 'HEAD' });
    expect({ status: missing.status, text: await missing.text() }).toEqual({ status: 404, text: '' });
  });

  test('over HTTP/2, too', async () => {
    const session = connect(platform.url('schema-registry'));
    const stream = session.request({ ':method': 'HEAD', ':path': '/subjects' });
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(headers).toMatchObject({ ':status': 200, 'content-length': '2' });
    expect((await stream.toArray()).length).toBe(0);
    session.close();
  });
});
