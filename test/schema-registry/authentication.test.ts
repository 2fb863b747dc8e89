import { createHash, scryptSync } from 'node:crypto';
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { basic, call, openServedRegistry, type ServedRegistry } from './served-registry.ts';

const md5 = (text: string) => createHash('md5').update(text).digest('hex');
function scrypt(text: string): string {
  const salt = Buffer.from('0123456789abcdef');
  return `scrypt:1024:8:1:${salt.toString('base64')}:${scryptSync(text, salt, 32, { N: 1024 }).toString('base64')}`;
}

describe('Basic authentication', () => {
  let secured: ServedRegistry;
  let url: string;
  let users: string;

  beforeAll(async () => {
    secured = await openServedRegistry();
    users = secured.write(
      'users',
      '# who may come in',
      'plain: secret,developer,admin',
      '',
      `hashed : MD5:${md5('secret2')} , developer`,
      `salted:${scrypt('a:b€')}`,
    );
    url = await secured.serve({
      'authentication.method': 'BASIC',
      'authentication.realm': 'The "Registry"',
      'authentication.users.location': users,
    });
  });
  afterAll(() => secured.close());

  test.each([
    ['nobody', {}],
    ['a wrong password', basic('plain', 'wrong')],
    ['a password that only begins right', basic('plain', 'secre')],
    ['another user’s password', basic('hashed', 'secret')],
    ['the hash itself', basic('hashed', `MD5:${md5('secret2')}`)],
    ['a wrong salted password', basic('salted', 'a:b')],
    ['an unknown user', basic('who', 'secret')],
    ['no colon', { authorization: `Basic ${Buffer.from('plain').toString('base64')}` }],
    ['no base64', { authorization: 'Basic $$$' }],
    ['another scheme', { authorization: 'Bearer plain' }],
  ])('%s is not let in', async (_who, headers: Record<string, string>) => {
    for (const request of [
      'GET /subjects',
      'GET /',
      'GET /metrics',
      'GET /no/such/path',
      'POST /subjects/s/versions',
    ]) {
      const answer = await call(url, request, headers);
      expect(answer.body).toEqual({ error_code: 401, message: 'Unauthorized' });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Basic realm="The Registry", charset="UTF-8"');
      expect(answer.headers.get('content-type')).toBe('application/vnd.schemaregistry.v1+json');
    }
  });

  test.each([
    ['plain', 'secret'],
    ['hashed', 'secret2'],
    ['salted', 'a:b€'],
  ])('%s is let in with the right password, again and again', async (user, password) => {
    for (let i = 0; i < 2; i++) expect((await call(url, 'GET /subjects', basic(user, password))).status).toBe(200);
    expect((await call(url, 'GET /no/such/path', basic(user, password))).body).toMatchObject({ error_code: 404 });
  });

  test('only users with one of the roles that are asked for are let in', async () => {
    const strict = await secured.serve({
      'authentication.method': 'BASIC',
      'authentication.users.location': users,
      'authentication.roles': 'admin, operator',
    });
    expect((await call(strict, 'GET /subjects', basic('plain', 'secret'))).status).toBe(200);
    const refused = await call(strict, 'GET /subjects', basic('hashed', 'secret2'));
    expect(refused.status).toBe(403);
    expect(refused.body).toEqual({ error_code: 403, message: 'Forbidden' });
    expect(refused.headers.get('www-authenticate')).toBeNull();
  });

  test('a changed file counts at once; what can’t be read changes nothing', async () => {
    const file = secured.write('changing', 'anna: one');
    const changing = await secured.serve({
      'authentication.method': 'BASIC',
      'authentication.users.location': file,
    });
    const status = async (password: string) => (await call(changing, 'GET /', basic('anna', password))).status;
    expect([await status('one'), await status('second')]).toEqual([200, 401]);
    secured.write('changing', 'anna: second');
    expect([await status('one'), await status('second')]).toEqual([401, 200]);
    secured.write('changing', 'anna second, and nothing that could be read');
    expect(await status('second')).toBe(200);
    expect(secured.log.at(-1)).toMatch(/changing, line 1: .* stays in force/);
    rmSync(file);
    expect(await status('second')).toBe(200);
  });

  test.each([
    [['a: b', 'nonsense'], 'line 2: this is not "user: password,role,…"'],
    [['# c', '', 'a: b', 'a: c'], 'line 4: the user a is there twice'],
    [['a: MD5:12'], 'line 1: behind MD5:'],
    [['a: OBF:1v2j'], 'line 1: OBF: is not supported'],
    [['a: CRYPT:ab'], 'line 1: CRYPT: is not supported'],
    [['a: scrypt:16384:8:1:xx'], 'line 1: behind scrypt:'],
    [['a: scrypt:1000:8:1:AAAA:AAAAAAAAAAAAAAAAAAAAAA=='], 'line 1: scrypt:1000:8:1 is out of bounds'],
    [['a: scrypt:1073741824:8:1:AAAA:AAAAAAAAAAAAAAAAAAAAAA=='], 'is out of bounds'],
  ])('the file %j is refused', async (lines, reason) => {
    const settings = {
      'authentication.method': 'BASIC',
      'authentication.users.location': secured.write('bad', ...lines),
    };
    await expect(secured.serve(settings)).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining(reason),
    });
  });

  test('a method without its file, and a file that is not there, are refused', async () => {
    await expect(secured.serve({ 'authentication.method': 'BASIC' })).rejects.toMatchObject({
      message: expect.stringContaining('set "schema.registry.authentication.users.location"'),
    });
    const settings = { 'authentication.method': 'BASIC', 'authentication.users.location': '/no/such/file' };
    await expect(secured.serve(settings)).rejects.toMatchObject({
      message: expect.stringContaining('/no/such/file'),
    });
  });
});
