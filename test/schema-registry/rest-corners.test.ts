// What clients send by mistake or once in a year, and what the original answers them.
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, openServedRegistry, type ServedRegistry } from './served-registry.ts';

describe('corners of the HTTP interface', () => {
  let secured: ServedRegistry;
  let url: string;

  beforeAll(async () => {
    secured = await openServedRegistry();
    url = await secured.serve();
    await register('a', { schema: '"int"' });
  });
  afterAll(() => secured.close());

  const send = (asked: string, body?: unknown) => call(url, asked, {}, body);
  const answer = async (asked: string, body?: unknown) => (await send(asked, body)).body;
  const register = (subject: string, body: object) =>
    answer(`POST /subjects/${encodeURIComponent(subject)}/versions`, body);

  test.each([
    ['PUT /subjects', 'GET'],
    ['PATCH /subjects/a/versions', 'GET, POST'],
    ['GET /subjects/a', 'POST, DELETE'],
    ['DELETE /subjects/', 'GET'],
    ['OPTIONS /config', 'GET, PUT, DELETE'],
  ])('%s is no method of this path', async (asked, allowed) => {
    const { status, headers, body } = await send(asked);
    expect(status).toBe(405);
    expect(body).toEqual({ error_code: 405, message: 'HTTP 405 Method Not Allowed' });
    expect(headers.get('allow')).toBe(allowed);
  });

  test('HEAD is GET without the body, and a slash at the end means nothing', async () => {
    expect(await send('HEAD /subjects')).toMatchObject({ status: 200, text: '' });
    expect(await answer('GET /subjects/')).toEqual(await answer('GET /subjects'));
    expect(await answer('GET /config/')).toEqual({ compatibilityLevel: 'BACKWARD' });
  });

  test.each([
    '/Subjects',
    '//subjects',
    '/subjects/a/versions/1/2',
    '/schemas/ids/1.0',
    '/schemas/ids/0x1',
    '/schemas/ids/x',
  ])('the path %s does not exist', async (path) => {
    expect(await answer(`GET ${path}`)).toEqual({ error_code: 404, message: 'HTTP 404 Not Found' });
  });

  test.each([
    [undefined, 'application/vnd.schemaregistry.v1+json'],
    ['*/*', 'application/vnd.schemaregistry.v1+json'],
    ['application/json', 'application/json'],
    ['application/json, text/plain, */*', 'application/vnd.schemaregistry.v1+json'],
    ['application/json;q=0.5, application/vnd.schemaregistry+json;q=0.9', 'application/vnd.schemaregistry+json'],
    ['application/json;q=0', undefined],
    ['application/octet-stream', undefined],
  ])('Accept: %s is answered with %s', async (accept, type) => {
    const { status, headers } = await call(url, 'GET /subjects', accept === undefined ? {} : { accept });
    expect(status).toBe(type === undefined ? 406 : 200);
    expect(headers.get('content-type')).toBe(type ?? 'application/vnd.schemaregistry.v1+json');
  });

  test.each([
    [{ schema: { type: 'int' } }],
    [{ schema: 5 }],
    [{ schema: '"int"', schemaType: 5 }],
    [{ schema: '"int"', references: {} }],
    [{ schema: '"int"', metadata: { tags: { x: 'y' } } }],
    [[]],
    ['"int"'],
  ])('the body %j has the wrong types, and is not taken for the schema before', async (body) => {
    expect(await send('POST /subjects/a/versions', body)).toMatchObject({ status: 400, body: { error_code: 400 } });
  });

  test('a body that is missing, or no JSON, or too large is told apart', async () => {
    const post = async (body: string) => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${url}/subjects/a/versions`, { method: 'POST', headers, body });
      return ((await response.json()) as { error_code: number }).error_code;
    };
    expect(await post('')).toBe(422);
    expect(await post('null')).toBe(422);
    expect(await post('{"schema"')).toBe(400);
    expect(await post(JSON.stringify({ schema: ' '.repeat(11 * 1024 * 1024) }))).toBe(413);
    expect(await answer('POST /', {})).toEqual({});
  });

  test.each(['latest', 'LATEST', '%20latest%20', '-1', '1', '+1', '%201'])('%s is a version', async (version) => {
    expect(await answer(`GET /subjects/a/versions/${version}`)).toMatchObject({ version: 1 });
  });

  test.each(['0', '-2', '1.0', '0x1', '1e0', 'abc', '2147483648'])('%s is no version', async (version) => {
    const message = `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`;
    for (const asked of [
      `GET /subjects/a/versions/${version}`,
      `GET /subjects/a/versions/${version}/schema`,
      `GET /subjects/a/versions/${version}/referencedby`,
      `DELETE /subjects/a/versions/${version}`,
    ]) {
      expect(await send(asked)).toMatchObject({ status: 422, body: { error_code: 42202, message } });
    }
  });

  test('every list comes in pages', async () => {
    for (const version of [1, 2, 3]) {
      await register(`page-${version}`, { schema: '"string"' });
      await register('page', {
        schema: `{"type":"record","name":"P${version}","fields":[]}`,
        metadata: { properties: { version: String(version) } },
      });
      await send('PUT /config/page', { compatibility: 'NONE' });
    }
    const { id } = await answer('GET /subjects/page-1/versions/1');
    const lists = [
      '/schemas?subjectPrefix=page-&',
      '/subjects?subjectPrefix=page-&',
      '/subjects/page/versions?',
      `/schemas/ids/${id}/subjects?`,
      `/schemas/ids/${id}/versions?`,
    ];
    for (const path of lists) {
      const all = await answer(`GET ${path}`);
      expect(all).toHaveLength(3);
      const part = (query: string) => answer(`GET ${path}${query}`);
      expect(await part('offset=1&limit=1')).toEqual(all.slice(1, 2));
      expect(await part('offset=-1&limit=-1')).toEqual(all);
      expect(await part('offset=&limit=')).toEqual(all);
      expect(await part('offset=3')).toEqual([]);
      expect(await part('limit=two')).toEqual({ error_code: 404, message: 'HTTP 404 Not Found' });
    }
  });

  test.each([
    'a/b',
    'a b',
    '100%',
    'grüße',
    '日本',
    '..',
    '.',
    '%2e%2e',
    ':x',
    '{"a":\'b\'}',
    '__proto__',
    'constructor',
  ])('a subject can be called %s', async (subject) => {
    const path = encodeURIComponent(subject).replaceAll('.', '%2E');
    // Not through fetch, which resolves dots, however they are written.
    const through = (method: string, rest: string, body?: object) =>
      new Promise<unknown>((resolve, reject) => {
        const headers = { 'content-type': 'application/json' };
        const asked = request(`${url}/`, { method, path: rest, headers }, async (response) => {
          let text = '';
          for await (const chunk of response) text += chunk;
          resolve(JSON.parse(text));
        });
        asked.on('error', reject);
        asked.end(body && JSON.stringify(body));
      });
    const schema = { schema: '"bytes"', metadata: { properties: { [subject]: 'x' }, tags: { [subject]: ['t'] } } };
    expect(await through('POST', `/subjects/${path}/versions`, schema)).toMatchObject({ subject, ...schema });
    expect(await through('GET', `/config/${path}`)).toMatchObject({ error_code: 40408 });
    expect(await through('PUT', `/config/${path}`, { compatibility: 'NONE' })).toEqual({ compatibility: 'NONE' });
    expect(await through('GET', `/config/${path}`)).toEqual({ compatibilityLevel: 'NONE' });
    expect(await through('DELETE', `/subjects/${path}`)).toEqual([1]);
  });

  test.each(['\u0000', 'a\u001fb', 'a\u007f', '\u0085', '__GLOBAL', '__EMPTY', ':.c:__GLOBAL'])(
    'no subject can be called %j',
    async (subject) => {
      const error = { error_code: 42208, message: `The specified subject '${subject}' is not a valid.` };
      expect(await register(subject, { schema: '"int"' })).toEqual(error);
      const path = encodeURIComponent(subject);
      expect(await answer(`PUT /config/${path}`, { compatibility: 'NONE' })).toEqual(error);
      expect(await answer(`PUT /mode/${path}`, { mode: 'READONLY' })).toEqual(error);
    },
  );

  test('members that JavaScript would take for something else are refused, or are what they say', async () => {
    expect(await answer('PUT /config/a', JSON.parse('{"__proto__":{"normalize":true}}'))).toMatchObject({
      error_code: 42201,
    });
    await send('PUT /config/proto', { defaultMetadata: JSON.parse('{"tags":{"__proto__":["one"]}}') });
    const { metadata } = await register('proto', {
      schema: '"int"',
      metadata: JSON.parse('{"tags":{"__proto__":["two"]},"properties":{"__proto__":"x"}}'),
    });
    expect(JSON.stringify(metadata)).toBe('{"tags":{"__proto__":["one","two"]},"properties":{"__proto__":"x"}}');
  });

  test('what is null in metadata is not there, and what has parts is no text', async () => {
    const properties = { a: 1, b: null, c: true, d: 'd' };
    const { metadata } = await register('texts', { schema: '"int"', metadata: { properties } });
    expect(metadata).toEqual({ properties: { a: '1', c: 'true', d: 'd' } });
    for (const value of [[], {}]) {
      const body = { schema: '"int"', metadata: { properties: { a: value } } };
      expect(await register('texts', body)).toMatchObject({ error_code: 400 });
    }
  });

  const noText = { toString: 1, valueOf: 1 };
  test.each<[string, object]>([
    ['PUT /mode/a', { mode: noText }],
    ['PUT /config/a', { compatibility: noText }],
    ['PUT /config/a', { compatibilityPolicy: noText }],
    ['POST /subjects/a/versions', { schema: '"int"', ruleSet: { enableAt: noText } }],
    ['POST /subjects/a/versions', { schema: '"int"', ruleSet: { domainRules: [{ name: 'a', doc: noText }] } }],
    [
      'POST /subjects/a/versions',
      { schema: '"int"', schemaTagsToAdd: [{ schemaEntity: { entityPath: 'a', entityType: noText } }] },
    ],
    ...[
      { type: 'record', name: noText, fields: [] },
      { type: 'record', name: 'R', fields: [{ name: 'a', type: 'int', order: noText }] },
    ].map((schema): [string, object] => ['POST /subjects/none', { schema: JSON.stringify(schema) }]),
  ])('%s %j has an object where there must be a text, which is no error of the server', async (asked, body) => {
    expect([400, 422]).toContain((await send(asked, body)).status);
  });

  test('what JavaScript can make no text of may be where the schema languages do not care', async () => {
    const json = { $schema: noText, required: [noText], dependencies: { a: [noText] } };
    const avro = { type: 'bytes', logicalType: 'decimal', precision: noText, 'confluent:tags': [noText] };
    for (const [schemaType, schema] of Object.entries({ JSON: json, AVRO: { type: 'array', items: avro } })) {
      const subject = `no-text-${schemaType}`;
      expect(await register(subject, { schemaType, schema: JSON.stringify(schema) })).toMatchObject({ version: 1 });
      await send(`PUT /config/${subject}`, { compatibility: 'NONE' });
      await register(subject, { schemaType, schema: schemaType === 'JSON' ? '{}' : '"int"' });
      expect(await send(`GET /subjects/${subject}/diff`)).toMatchObject({ status: 200 });
      expect(await send(`GET /subjects/${subject}/versions/1?findTags=*`)).toMatchObject({ status: 200 });
    }
  });

  test('a context has three spellings in a path', async () => {
    await register(':.spelt:s', { schema: '"int"' });
    for (const context of ['spelt', '.spelt', ':.spelt:', '%3A.spelt%3A']) {
      expect(await answer(`GET /contexts/${context}/subjects`)).toEqual([':.spelt:s']);
      expect(await answer(`GET /contexts/${context}/subjects/s/versions`)).toEqual([1]);
      expect(await answer(`GET /contexts/${context}/v1/metadata/version`)).toHaveProperty('version');
      expect(await answer(`DELETE /contexts/${context}`)).toMatchObject({ error_code: 42211 });
    }
  });

  test('the empty prefix is that of all subjects', async () => {
    expect(await answer('GET /subjects?subjectPrefix=')).toEqual(await answer('GET /subjects'));
    expect(await answer('GET /subjects?subjectPrefix=:.:')).not.toContain(':.spelt:s');
  });

  test('an id is looked for where the subject is', async () => {
    await register('in-default', { schema: '"double"' });
    const { id } = await register(':.far:only-far', { schema: '"float"' });
    const here = await answer(`GET /schemas/ids/${id}`);
    expect(here.schema).not.toBe('"float"');
    const asked = `/schemas/ids/${id}?subject=only-far`;
    expect(await answer(`GET ${asked}`)).toMatchObject({ subject: ':.far:only-far', schema: '"float"' });
    expect(await answer(`GET /schemas/ids/${id}/versions?subject=only-far`)).toEqual([
      { subject: ':.far:only-far', version: 1 },
    ]);
    expect(await answer(`GET /schemas/ids/${id}?subject=nowhere`)).toMatchObject({ schema: here.schema });
  });

  test('a mode is answered as it was asked for', async () => {
    expect(await answer('PUT /mode/echo', { mode: 'readonly' })).toEqual({ mode: 'readonly' });
    expect(await answer('GET /mode/echo')).toEqual({ mode: 'READONLY' });
    expect(await answer('PUT /mode/echo', {})).toMatchObject({ error_code: 42204 });
  });
});
