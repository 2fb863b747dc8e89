// How requests reach the SQL service and answers leave it: versions of HTTP, TLS, gzip, WebSockets, and rows that are
// acknowledged while more are being sent.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request as request1, type IncomingMessage } from 'node:http';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connect2 } from 'node:http2';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasOpenssl, makeCertificates } from '../suites/certificates.ts';
import { type SqlOverHttp, startSql } from './http.ts';

let sql: SqlOverHttp;

beforeAll(async () => {
  sql = await startSql();
  await sql.ksql(`
    CREATE STREAM s (id INT KEY, name STRING) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');
    CREATE TABLE t AS SELECT id, COUNT(*) AS n FROM s GROUP BY id;
    INSERT INTO s VALUES (1, 'one');
    INSERT INTO s VALUES (2, 'two');`);
});
afterAll(() => sql.stop());

const JSON_BODY = { 'content-type': 'application/json' };

/** The text of an answer of HTTP/2, and its headers. */
async function ask2(session: ClientHttp2Session, headers: Record<string, string>, body = '') {
  const stream = session.request({ ':method': body === '' ? 'GET' : 'POST', ...headers });
  if (body !== '') stream.end(body);
  const [answer] = (await once(stream, 'response')) as [Record<string, string | number>];
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return { headers: answer, status: answer[':status'], text };
}

describe('HTTP/2', () => {
  test('is spoken with who begins with it, on the port of HTTP/1.1', async () => {
    const session = connect2(sql.url);
    const info = await ask2(session, { ':path': '/info' });
    expect(info).toMatchObject({ status: 200 });
    expect(JSON.parse(info.text)).toHaveProperty('KsqlServerInfo');
    const rows = await ask2(
      session,
      { ':path': '/query-stream', ...JSON_BODY },
      JSON.stringify({ sql: 'SELECT * FROM s;' }),
    );
    expect(rows.text.trim().split('\n').slice(1)).toEqual(['[1,"one"]', '[2,"two"]']);
    const refused = await ask2(session, { ':path': '/ksql', ...JSON_BODY }, '{}');
    expect(refused).toMatchObject({ status: 400 });
    session.close();
    expect((await fetch(`${sql.url}/info`)).status).toBe(200);
  });

  test('a push query ends with its stream', async () => {
    const session = connect2(sql.url);
    const stream = session.request({ ':method': 'POST', ':path': '/query-stream', ...JSON_BODY });
    stream.end(JSON.stringify({ sql: 'SELECT * FROM s EMIT CHANGES;' }));
    const [metadata] = (await linesOf(stream).next()).value!.split('\n');
    const { queryId } = JSON.parse(metadata!) as { queryId: string };
    stream.close();
    await expect
      .poll(
        async () =>
          (await ask2(session, { ':path': '/close-query', ...JSON_BODY }, JSON.stringify({ queryId }))).status,
      )
      .toBe(400);
    session.close();
  });

  test('a page of the web is no more welcome in it', async () => {
    const session = connect2(sql.url);
    expect(await ask2(session, { ':path': '/info', origin: 'http://evil.example' })).toMatchObject({ status: 403 });
    session.close();
    const rebound = connect2(sql.url);
    expect(await ask2(rebound, { ':path': '/info', ':authority': 'evil.example' })).toMatchObject({ status: 403 });
    rebound.close();
  });

  test.each([
    ['one byte after the other', 1],
    ['in the middle of the preface', 5],
  ])('requests that come %s are understood', async (_how, size) => {
    const { hostname, port } = new URL(sql.url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    const request = 'PUT /info HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';
    for (let i = 0; i < request.length; i += size) {
      await new Promise<void>((resolve) => socket.write(request.slice(i, i + size), () => resolve()));
    }
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
  });

  test('an offer to upgrade to it is passed over', async () => {
    const answer = await get('/info', {
      upgrade: 'h2c',
      connection: 'Upgrade, HTTP2-Settings',
      'http2-settings': 'AAMAAABk',
    });
    expect(answer.statusCode).toBe(200);
    answer.destroy();
  });
});

describe.skipIf(!hasOpenssl())('TLS', () => {
  let folder: string;
  let secured: SqlOverHttp;
  let ca: Buffer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-sql-tls-'));
    const certificates = makeCertificates(folder);
    const server = certificates.issue('server');
    ca = readFileSync(certificates.ca);
    secured = await startSql({
      'ksql.listeners': 'https://localhost:0',
      'ksql.ssl.keystore.key': `${server}.key`,
      'ksql.ssl.keystore.certificate.chain': `${server}.crt`,
    });
  });
  afterAll(async () => {
    await secured.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('both versions are spoken over it', async () => {
    expect(secured.url).toMatch(/^https:/);
    const session = connect2(secured.url, { ca });
    expect(await ask2(session, { ':path': '/info' })).toMatchObject({ status: 200 });
    session.close();
    const { request } = await import('node:https');
    const [answer] = (await once(request(`${secured.url}/info`, { ca, agent: false }).end(), 'response')) as [
      IncomingMessage,
    ];
    expect(answer).toMatchObject({ statusCode: 200, httpVersion: '1.1' });
    answer.destroy();
  });
});

/** The answer to a GET as it comes. */
async function get(path: string, headers: Record<string, string>): Promise<IncomingMessage> {
  const [answer] = (await once(request1(sql.url + path, { headers, agent: false }).end(), 'response')) as [
    IncomingMessage,
  ];
  return answer;
}

async function post(path: string, headers: Record<string, string>, body: object): Promise<IncomingMessage> {
  const asked = request1(sql.url + path, { method: 'POST', headers: { ...JSON_BODY, ...headers }, agent: false });
  const [answer] = (await once(asked.end(JSON.stringify(body)), 'response')) as [IncomingMessage];
  return answer;
}

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

describe('gzip', () => {
  test('long answers, for who takes it', async () => {
    const zipped = await post('/ksql', { 'accept-encoding': 'gzip, deflate' }, { ksql: 'SHOW FUNCTIONS;' });
    expect(zipped.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' });
    const text = await textOf(zipped.pipe(createGunzip()));
    const plain = await post('/ksql', { 'accept-encoding': 'gzip;q=0' }, { ksql: 'SHOW FUNCTIONS;' });
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(await textOf(plain)).toBe(text);
    const short = await get('/info', { 'accept-encoding': 'gzip' });
    expect(short.headers['content-encoding']).toBeUndefined();
    short.destroy();
  });

  test('rows can be read as they come', async () => {
    const answer = await post('/query-stream', { 'accept-encoding': 'gzip' }, { sql: 'SELECT * FROM s EMIT CHANGES;' });
    expect(answer.headers['content-encoding']).toBe('gzip');
    const lines = linesOf(answer.pipe(createGunzip()));
    const read = [];
    for (let i = 0; i < 3; i++) read.push((await lines.next()).value);
    expect(read.slice(1)).toEqual(['[1,"one"]', '[2,"two"]']);
    answer.destroy();
  });
});

async function* linesOf(stream: Readable): AsyncGenerator<string> {
  // A client that goes away in the middle is no error here.
  stream.on('error', () => {});
  for await (const line of createInterface({ input: stream })) yield line;
}

interface Frames {
  readonly frames: unknown[];
  readonly code: number;
  readonly reason: string;
}

/** All that comes over a WebSocket until it is closed; `closeBehind` closes it behind so many frames. */
async function overSocket(request: object | string, closeBehind?: number): Promise<Frames> {
  const text = typeof request === 'string' ? request : `request=${encodeURIComponent(JSON.stringify(request))}`;
  const socket = new WebSocket(`${sql.url.replace('http', 'ws')}/ws/query?${text}`);
  const frames: unknown[] = [];
  socket.addEventListener('message', ({ data }) => {
    frames.push(JSON.parse(String(data)));
    if (frames.length === closeBehind) socket.close(1000, 'enough');
  });
  return new Promise((resolve) => {
    socket.addEventListener('close', ({ code, reason }) => resolve({ frames, code, reason }));
  });
}

describe('/ws/query', () => {
  test('a pull query: its schema, its rows, and the end', async () => {
    await expect.poll(async () => (await overSocket({ ksql: 'SELECT * FROM t WHERE id = 1;' })).frames.length).toBe(2);
    expect(await overSocket({ ksql: 'SELECT * FROM t WHERE id = 1;' })).toEqual({
      frames: [
        [
          { name: 'ID', schema: { type: 'INTEGER', fields: null, memberSchema: null }, type: 'KEY' },
          { name: 'N', schema: { type: 'BIGINT', fields: null, memberSchema: null } },
        ],
        { row: { columns: [1, 1] } },
      ],
      code: 1000,
      reason: 'done',
    });
  });

  test('a push query to its limit, and one that the client closes', async () => {
    const limited = await overSocket({ ksql: 'SELECT name FROM s EMIT CHANGES LIMIT 2;' });
    expect(limited.frames.slice(1)).toEqual([{ row: { columns: ['one'] } }, { row: { columns: ['two'] } }]);
    expect(limited).toMatchObject({ code: 1000, reason: 'done' });
    expect(await overSocket({ ksql: 'SELECT name FROM s EMIT CHANGES;' }, 3)).toMatchObject({ reason: 'enough' });
    await expect
      .poll(async () => await (await fetch(`${sql.url}/metrics`)).text())
      .toContain('ksql_transient_queries 0');
  });

  test('variables and properties come with the request', async () => {
    const answer = await overSocket({
      ksql: 'SELECT ${column} FROM s EMIT CHANGES LIMIT 1;',
      streamsProperties: { 'auto.offset.reset': 'earliest' },
      sessionVariables: { column: 'name' },
    });
    expect(answer.frames[1]).toEqual({ row: { columns: ['one'] } });
  });

  test('PRINT', async () => {
    const { frames } = await overSocket({ ksql: 'PRINT s FROM BEGINNING LIMIT 1;' });
    expect(frames.at(-1)).toMatch(/key: 1, value: \{"NAME":"one"\}/);
  });

  test.each([
    ['', 'Error parsing request: missing request parameter'],
    [{ ksql: 'SHOW STREAMS;' }, 'Statement type `show` not supported for this resource'],
    [{ ksql: 'SELECT * FROM nowhere;' }, 'NOWHERE does not exist.'],
    [{}, "Invalid JSON in request: Missing required creator property 'ksql'"],
    ['version=2', 'Received invalid api version: 2'],
  ])('%j is closed with why', async (request, reason) => {
    const closed = await overSocket(request);
    expect(closed).toMatchObject({ frames: [], code: 1003 });
    expect(closed.reason).toContain(reason);
  });

  test('a long reason is cut', async () => {
    const { reason } = await overSocket({ ksql: `SELECT * FROM ${'ä'.repeat(100)};` });
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
    expect(reason).toMatch(/\.\.\.$/);
  });

  test('is not for pages of the web, and not for plain requests', async () => {
    const answer = await get('/ws/query', {
      origin: 'http://evil.example',
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    });
    expect(answer.statusCode).toBe(403);
    answer.destroy();
    expect((await fetch(`${sql.url}/ws/query`)).status).toBe(404);
  });
});

describe('/inserts-stream', () => {
  const open = (headers: Record<string, string> = {}): { stream: ClientHttp2Stream; session: ClientHttp2Session } => {
    const session = connect2(sql.url);
    const type = 'application/vnd.ksqlapi.delimited.v1';
    return {
      session,
      stream: session.request({ ':method': 'POST', ':path': '/inserts-stream', 'content-type': type, ...headers }),
    };
  };

  test('rows are acknowledged while more are being sent', async () => {
    const { stream, session } = open();
    const acks = linesOf(stream);
    const next = async (): Promise<unknown> => JSON.parse((await acks.next()).value!);
    stream.write('{"target": "s"}\n{"id": 10, "name": "ten"}\n');
    expect(await next()).toEqual({ status: 'ok', seq: 0 });
    stream.write('{"id": 11, "na');
    stream.write('me": "eleven"}\n{"nothing": 1}\n');
    expect(await next()).toEqual({ status: 'ok', seq: 1 });
    expect(await next()).toMatchObject({ status: 'error', seq: 2, error_code: 40000 });
    stream.end('{"id": 12, "name": "twelve"}');
    expect(await next()).toEqual({ status: 'ok', seq: 3 });
    expect((await acks.next()).done).toBe(true);
    session.close();
    expect(await sql.rows('SELECT id FROM s WHERE id >= 10;')).toEqual([[10], [11], [12]]);
  });

  test('acknowledgements as one array', async () => {
    const { stream, session } = open({ accept: 'application/json' });
    stream.end('{"target": "s"}\n{"id": 20}\nno json\n{"id": 21}\n');
    expect(JSON.parse(await textOf(stream))).toMatchObject([
      { status: 'ok', seq: 0 },
      { status: 'error', seq: 1 },
      { status: 'ok', seq: 2 },
    ]);
    session.close();
  });

  test('rows keep all digits, and arrays and maps may be empty or hold nulls only', async () => {
    const columns =
      'b BIGINT, d DECIMAL(20, 2), f DOUBLE, i INT, l ARRAY<INT>, m MAP<STRING, BIGINT>, n ARRAY<ARRAY<STRING>>';
    await sql.ksql(`CREATE STREAM exact (${columns}) WITH (KAFKA_TOPIC='exact', PARTITIONS=1, VALUE_FORMAT='JSON');`);
    const { stream, session } = open();
    const rows = [
      '{"b": 9007199254740993, "d": 123456789012345678.91, "f": 1, "i": 1e3, "l": [], "m": {}, "n": [[]]}',
      '{"b": -9223372036854775808, "l": [null, null], "m": {"a": null, "b": 9007199254740995}, "n": []}',
      '{"b": 9223372036854775808}',
      '{"i": 3000000000}',
      '[1]',
      '{"l": ["7"], "i": 7}',
    ];
    stream.end(`{"target": "exact"}\n${rows.join('\n')}\n`);
    const answers = (await textOf(stream))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { status: string; message?: string });
    session.close();
    expect(answers.map(({ status }) => status)).toEqual(['ok', 'ok', 'error', 'error', 'error', 'ok']);
    expect(answers[2]!.message).toContain('BIGINT');
    expect(answers[4]!.message).toBe('A row is a JSON object.');
    const response = await fetch(`${sql.url}/query`, {
      method: 'POST',
      headers: JSON_BODY,
      body: '{"ksql": "SELECT * FROM exact;"}',
    });
    const text = await response.text();
    expect(text).toContain('[9007199254740993,123456789012345678.91,1.0,1000,[],{},[[]]]');
    expect(text).toContain('[-9223372036854775808,null,null,null,[null,null],{"a":null,"b":9007199254740995},[]]');
    expect(text).toContain('[null,null,null,7,[7],null,null]');
  });

  test('many rows are stored in their order', async () => {
    await sql.ksql("CREATE STREAM many (i INT) WITH (KAFKA_TOPIC='many', PARTITIONS=1, VALUE_FORMAT='JSON');");
    const { stream, session } = open();
    const numbers = Array.from({ length: 2500 }, (_, i) => i);
    Readable.from(['{"target": "many"}\n', ...numbers.map((i) => `{"i": ${i}}\n`)]).pipe(stream);
    expect((await textOf(stream)).trim().split('\n')).toEqual(numbers.map((seq) => `{"status":"ok","seq":${seq}}`));
    session.close();
    expect(await sql.rows('SELECT i FROM many;')).toEqual(numbers.map((i) => [i]));
  });

  test('a request without a target is refused', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = async (body: string): Promise<{ status: number; socket: unknown }> => {
      const asked = request1(`${sql.url}/inserts-stream`, { method: 'POST', headers: JSON_BODY, agent });
      asked.end(body);
      const [said] = (await once(asked, 'response')) as [IncomingMessage];
      await said.toArray();
      return { status: said.statusCode!, socket: asked.socket };
    };
    // What is not read of a body that was refused early does not hold up what is asked next on the connection.
    const early = await ask(`{"id": 1}\n${' '.repeat(3_000_000)}`);
    expect(await ask('{"id": 1}')).toEqual({ status: 400, socket: early.socket });
    agent.destroy();
    const answer = await fetch(`${sql.url}/inserts-stream`, { method: 'POST', headers: JSON_BODY, body: '{"id": 1}' });
    expect(answer.status).toBe(400);
  });
});

describe('what servers ask', () => {
  test('which properties there are', async () => {
    for (const name of ['ksql.streams.auto.offset.reset', 'auto.offset.reset', 'ksql.query.pull.max.qps']) {
      const answer = await fetch(`${sql.url}/is_valid_property/${name}`);
      expect([answer.status, await answer.json()]).toEqual([200, true]);
    }
    const refused = await fetch(`${sql.url}/is_valid_property/nothing`);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error_code: 40000, message: 'Unknown property: nothing' });
  });

  test('who is there, and has what', async () => {
    const heard = await post('/heartbeat', {}, { hostInfo: { host: 'other', port: 8088 }, timestamp: 1 });
    expect(JSON.parse(await textOf(heard))).toEqual({ isOk: true });
    const hostStoreLags = { stateStoreLags: {}, updateTimeMs: 5 };
    expect((await post('/lag', {}, { ksqlHost: { host: 'other', port: 8088 }, hostStoreLags })).statusCode).toBe(200);
    const { clusterStatus } = (await (await fetch(`${sql.url}/clusterStatus`)).json()) as {
      clusterStatus: Record<string, { activeStandbyPerQuery: object }>;
    };
    expect(clusterStatus).toMatchObject({ 'other:8088': { hostAlive: true, hostStoreLags } });
    expect(clusterStatus[new URL(sql.url).host]).toMatchObject({
      hostAlive: true,
      activeStandbyPerQuery: { CTAS_T_0: { activePartitions: [{ topic: 's', partition: 0 }], standByStores: [] } },
    });
    expect((await post('/heartbeat', {}, {})).statusCode).toBe(400);
  });
});
