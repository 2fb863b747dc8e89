import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { registryRoutes } from '../../src/schema-registry/rest/routes.ts';
import { basic, call, openServedRegistry, type ServedRegistry } from './served-registry.ts';

const record = (name: string) => `{"type":"record","name":"${name}","fields":[]}`;

describe('authorization by subject', () => {
  let secured: ServedRegistry;
  let url: string;
  let guid: string;

  beforeAll(async () => {
    secured = await openServedRegistry();
    const { registry } = secured;
    await registry.register('orders-value', { schema: record('Shared') });
    guid = (await registry.register('orders-key', { schema: '"string"' })).guid;
    await registry.register('payments-value', { schema: record('Secret') });
    await registry.register('payments-shared', { schema: record('Shared') });
    await registry.register(':.hr:people-value', { schema: record('Person') });
    await registry.setConfig('payments-value', { compatibilityLevel: 'NONE' });
    await registry.setConfig('nick', { alias: 'payments-value' });
    const users = ['root', 'reader', 'writer', 'keeper', 'hr', 'lister', 'nobody', 'sly'];
    url = await secured.serve({
      'authentication.method': 'BASIC',
      'authentication.users.location': secured.write('users', ...users.map((user) => `${user}: ${user}`)),
      'acl.location': secured.write(
        'rules',
        '# user operation subject',
        'reader SUBJECT_READ orders-*',
        'writer SUBJECT_READ,SUBJECT_WRITE orders-value',
        'writer SUBJECT_WRITE people-*',
        'keeper * orders-*',
        'keeper GLOBAL_COMPATIBILITY_READ,GLOBAL_COMPATIBILITY_WRITE',
        'hr SUBJECT_READ :.hr:*',
        'lister GLOBAL_READ',
        'sly * nick',
        'sly * sly',
        'sly SUBJECT_COMPATIBILITY_WRITE *',
      ),
      'super.users': 'root; other',
    });
  });
  afterAll(() => secured.close());

  const as = (user: string, request: string, body?: unknown) => call(url, request, basic(user, user), body);
  const status = async (user: string, request: string, body?: unknown) => (await as(user, request, body)).status;

  test('every route refuses who has no rule, or lists nothing, or tells nothing', async () => {
    const routes = Object.entries(registryRoutes(secured.registry, { clusterId: '', version: '' }));
    expect(routes.length).toBeGreaterThan(40);
    for (const [route, { needs }] of routes) {
      const request = route
        .replace(':subject', 'payments-value')
        .replace(':version', '1')
        .replace(':id', '1')
        .replace(':guid', guid)
        .replace(':context', '.hr')
        .replace(/:\w+/g, 'x');
      const answer = await as('nobody', request, request.startsWith('GET') ? undefined : {});
      const isEmpty = answer.text === (request === 'GET /contexts' ? '["."]' : '[]');
      const said = answer.body.error_code === 40301 ? 'denied' : isEmpty ? 'empty' : `${answer.status}`;
      const expected = needs === 'NOTHING' ? /^(200|empty)$/ : needs === 'LISTING' ? /^empty$/ : /^denied$/;
      expect({ request, said }).toEqual({ request, said: expect.stringMatching(expected) });
      expect(answer.text).not.toMatch(/orders|people|Secret|Shared|Person/);
    }
  });

  test('a denial has the original’s words', async () => {
    const answer = await as('reader', 'GET /subjects/payments-value/versions');
    expect(answer.status).toBe(403);
    expect(answer.body).toEqual({
      error_code: 40301,
      message: 'User is denied operation Read on Subject: payments-value',
    });
    expect((await as('reader', 'GET /config')).body.message).toBe(
      'User is denied operation ReadCompatibility on Subject: __GLOBAL',
    );
  });

  test('super users need no rule', async () => {
    expect(await status('root', 'GET /subjects/payments-value/versions')).toBe(200);
    expect((await as('root', 'GET /subjects')).body).toHaveLength(5);
    expect(await status('root', 'GET /config')).toBe(200);
  });

  test('lists show what may be read', async () => {
    expect((await as('reader', 'GET /subjects')).body).toEqual(['orders-key', 'orders-value']);
    expect((await as('writer', 'GET /subjects')).body).toEqual(['orders-value']);
    expect((await as('reader', 'GET /subjects?limit=1&offset=1')).body).toEqual(['orders-value']);
    expect((await as('lister', 'GET /subjects?subjectPrefix=:*:')).body).toHaveLength(5);
    expect(await status('lister', 'GET /subjects/orders-value/versions')).toBe(403);
    const schemas = (await as('reader', 'GET /schemas')).body as { subject: string }[];
    expect(schemas.map(({ subject }) => subject)).toEqual(['orders-key', 'orders-value']);
    expect((await as('reader', 'GET /contexts')).body).toEqual(['.']);
    expect((await as('hr', 'GET /contexts')).body).toEqual(['.', '.hr']);
    expect((await as('hr', 'GET /subjects?subjectPrefix=:*:')).body).toEqual([':.hr:people-value']);
  });

  test('a schema may be read by who may read one of its subjects', async () => {
    const shared = secured.registry.version('orders-value', '1');
    const secret = secured.registry.version('payments-value', '1');
    for (const path of [`ids/${shared.id}`, `ids/${shared.id}/schema`, `guids/${shared.guid}`]) {
      expect((await as('reader', `GET /schemas/${path}`)).text).toContain('Shared');
    }
    expect((await as('reader', `GET /schemas/ids/${shared.id}?subject=payments-shared`)).body.subject).toBe(
      'orders-value',
    );
    expect((await as('reader', `GET /schemas/ids/${shared.id}/subjects`)).body).toEqual(['orders-value']);
    expect((await as('reader', `GET /schemas/ids/${shared.id}/versions`)).body).toEqual([
      { subject: 'orders-value', version: 1 },
    ]);
    for (const path of [`ids/${secret.id}`, `ids/${secret.id}/schema`, `guids/${secret.guid}`]) {
      expect((await as('reader', `GET /schemas/${path}`)).body).toMatchObject({ error_code: 40301 });
    }
    expect((await as('reader', `GET /schemas/ids/${secret.id}/subjects`)).body).toEqual([]);
    expect((await as('reader', `GET /schemas/guids/${secret.guid}/ids`)).body).toEqual([]);
    expect((await as('hr', 'GET /schemas/ids/1?subject=:.hr:')).text).toContain('Person');
    expect(await status('reader', 'GET /schemas/ids/1?subject=:.hr:')).toBe(403);
    expect((await as('reader', 'GET /schemas/ids/4711')).body).toMatchObject({ error_code: 40403 });
  });

  test('operations are told apart', async () => {
    const schema = { schema: record('Shared') };
    expect(await status('reader', 'POST /subjects/orders-value', schema)).toBe(200);
    expect(await status('reader', 'POST /subjects/orders-value/versions', schema)).toBe(403);
    expect(await status('reader', 'POST /compatibility/subjects/orders-value/versions', schema)).toBe(403);
    expect(await status('writer', 'POST /subjects/orders-value/versions', schema)).toBe(200);
    expect(await status('writer', 'POST /compatibility/subjects/orders-value/versions/1', schema)).toBe(200);
    expect(await status('writer', 'POST /subjects/orders-new/versions', schema)).toBe(403);
    expect(await status('writer', 'DELETE /subjects/orders-value')).toBe(403);
    expect(await status('writer', 'PUT /config/orders-value', { compatibility: 'FULL' })).toBe(403);
    expect(await status('keeper', 'PUT /config/orders-value', { compatibility: 'FULL' })).toBe(200);
    expect(await status('keeper', 'GET /mode/orders-value?defaultToGlobal=true')).toBe(200);
    expect(await status('keeper', 'PUT /config', { compatibility: 'BACKWARD' })).toBe(200);
    expect(await status('keeper', 'POST /subjects/orders-gone/versions', schema)).toBe(200);
    expect(await status('keeper', 'DELETE /subjects/orders-gone')).toBe(200);
    expect(await status('keeper', 'PUT /config/payments-value', { compatibility: 'FULL' })).toBe(403);
    expect(await status('hr', 'GET /contexts/.hr/subjects/people-value/versions')).toBe(200);
  });

  test('an alias does not lead around a rule', async () => {
    expect(await status('sly', 'GET /subjects/nick/versions')).toBe(403);
    expect(await status('sly', 'POST /subjects/nick/versions', { schema: record('Secret') })).toBe(403);
    expect(await status('sly', 'PUT /config/sly', { alias: 'payments-value' })).toBe(403);
    expect(await status('sly', 'PUT /config/sly', { compatibility: 'FULL' })).toBe(200);
    expect(await status('root', 'GET /subjects/nick/versions')).toBe(200);
  });

  test('nor do other contexts, or other spellings of what holds for everything', async () => {
    // Reading looks for a subject in other contexts when the default one does not have it.
    expect(await status('hr', 'GET /subjects/people-value/versions')).toBe(200);
    expect(await status('reader', 'GET /subjects/people-value/versions')).toBe(403);
    // What registering would do is told by comparing with what is found there.
    const schema = { schema: record('Person') };
    expect(await status('writer', 'POST /subjects/people-value/versions?dryRun=true', schema)).toBe(403);
    expect(await status('writer', 'POST /subjects/people-other/versions?dryRun=true', schema)).toBe(200);
    expect(await status('writer', 'POST /compatibility/subjects/people-value/versions', schema)).toBe(403);
    for (const scope of [':.:', ':.__GLOBAL:']) {
      expect(await status('sly', `PUT /config/${scope}`, { compatibility: 'NONE' })).toBe(403);
      expect(await status('keeper', `PUT /config/${scope}`, { compatibility: 'BACKWARD' })).not.toBe(403);
    }
  });

  test('nor do other methods and other spellings of a path', async () => {
    for (const path of [
      '/subjects/payments-value/versions',
      '/subjects/payments-value/versions/',
      '/subjects/:.:payments-value/versions/latest',
      '/subjects/payments%2Dvalue/versions/1/schema',
      '/contexts/:.:/subjects/payments-value/versions',
      '/contexts/.hr/subjects/people-value/versions',
      '/contexts/hr/subjects/people-value/versions/',
      '/contexts/.x/subjects/:.hr:people-value/versions',
      '/contexts/:.hr:/schemas/ids/1',
      '/schemas/ids/1?subject=people-value',
      '/schemas/ids/1?subject=:.hr:',
      '/config/payments-value/',
      '/config/',
      '/mode/',
    ]) {
      for (const method of ['GET', 'HEAD']) {
        expect(`${path} ${await status('sly', `${method} ${path}`)}`).toBe(`${path} 403`);
      }
    }
    expect(await status('sly', 'PUT /config/', { compatibility: 'NONE' })).toBe(403);
    expect(await status('sly', 'PUT /contexts/:.:/config/', { compatibility: 'NONE' })).toBe(403);
    for (const path of ['//subjects/payments-value/versions', '/Subjects/payments-value/versions']) {
      expect(await status('sly', `GET ${path}`)).toBe(404);
    }
    expect(await status('sly', 'GET /subjects/payments%252Dvalue/versions')).toBe(403);
  });

  test('a schema can’t be read by referring to it', async () => {
    const references = [{ name: 'Secret', subject: 'payments-value', version: 1 }];
    const body = { schema: '{"type":"array","items":"Secret"}', references };
    for (const path of ['subjects/sly/versions', 'subjects/sly', 'compatibility/subjects/sly/versions']) {
      expect((await as('sly', `POST /${path}`, body)).body).toEqual({
        error_code: 40301,
        message: 'User is denied operation Read on Subject: payments-value',
      });
    }
  });

  test('rules for everybody count for who does not log in, and changed rules at once', async () => {
    const rules = secured.write('open', '* SUBJECT_READ orders-*');
    const open = await secured.serve({ 'acl.location': rules });
    const seen = async () => (await call(open, 'GET /subjects')).body;
    expect(await seen()).toContain('orders-value');
    secured.write('open', 'ANONYMOUS SUBJECT_READ payments-value');
    expect(await seen()).toEqual(['payments-value']);
  });

  test.each([
    ['reader', 'line 1: this is not "user operation[,…] subject"'],
    ['reader SUBJECT_READ a b', 'line 1: this is not'],
    ['reader READ orders', 'line 1: READ is not an operation on subjects; these are SUBJECT_READ'],
    ['reader SUBJECT_READ', 'SUBJECT_READ is not an operation without a subject'],
    ['reader GLOBAL_READ orders', 'GLOBAL_READ is not an operation on subjects'],
    ['reader SUBJECT_READ *-value', 'a * stands for the rest of a subject'],
  ])('the rule "%s" is refused', async (rule, reason) => {
    await expect(secured.serve({ 'acl.location': secured.write('bad', rule) })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining(reason),
    });
  });
});
