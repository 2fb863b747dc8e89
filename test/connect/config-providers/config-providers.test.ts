import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigProviders } from '../../../src/connect/config-providers/config-providers.ts';
import { parseProperties } from '../../../src/util/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-providers-'));
afterAll(() => rmSync(folder, { recursive: true }));
const [inside, outside] = [join(folder, 'inside'), join(folder, 'outside')];
mkdirSync(inside);
mkdirSync(outside);
writeFileSync(join(inside, 'db.properties'), '# login\nuser = anna\npassword=s:e=c\n');
writeFileSync(join(inside, 'token'), 'abc\n');
writeFileSync(join(outside, 'db.properties'), 'user=eve\n');
symlinkSync(join(outside, 'db.properties'), join(inside, 'link.properties'));

const PACKAGE = 'org.apache.kafka.common.config.provider';
const worker = {
  'config.providers': 'file, dir,env',
  'config.providers.file.class': `${PACKAGE}.FileConfigProvider`,
  'config.providers.dir.class': `${PACKAGE}.DirectoryConfigProvider`,
  'config.providers.env.class': `${PACKAGE}.EnvVarConfigProvider`,
};
const allowed = {
  'config.providers.file.param.allowed.paths': inside,
  'config.providers.dir.param.allowed.paths': inside,
};
const variables = { DB_USER: 'otto', OTHER: 'x' };
const resolve = (config: Record<string, string>, more: Record<string, string> = {}) =>
  new ConfigProviders({ ...worker, ...more }, variables).resolveWithSecrets(config);

describe('providers of settings', () => {
  test('give values of files, folders and the environment, and what is theirs is known', async () => {
    const { config, secrets } = await resolve({
      url: `jdbc:x?user=\${file:${inside}/db.properties:user}&password=\${file:${inside}/db.properties:password}`,
      token: `\${dir:${inside}:token}`,
      user: '${env:DB_USER}',
      plain: 'nothing ${here}',
    });
    expect(config).toEqual({
      url: 'jdbc:x?user=anna&password=s:e=c',
      token: 'abc\n',
      user: 'otto',
      plain: 'nothing ${here}',
    });
    expect([...secrets]).toEqual(['url', 'token', 'user']);
  });

  test('what nobody has stays as it is', async () => {
    const given = {
      a: '${vault:/x:y}',
      b: `\${file:${inside}/db.properties:none}`,
      c: '${env:NONE}',
      d: '${env:DB_USER',
    };
    expect(await resolve(given)).toEqual({ config: given, secrets: new Set() });
  });

  test('a value that looks like a variable is not looked up again', async () => {
    const providers = new ConfigProviders(worker, { A: '${env:B}', B: 'b' });
    expect(await providers.resolve({ x: '${env:A}' })).toEqual({ x: '${env:B}' });
  });

  test.each([
    [{ x: `\${file:${outside}/db.properties:user}` }, 'is not allowed to be accessed'],
    [{ x: `\${file:${inside}/../outside/db.properties:user}` }, 'is not allowed to be accessed'],
    [{ x: `\${file:${inside}/link.properties:user}` }, 'is not allowed to be accessed'],
    [{ x: `\${dir:${outside}:db.properties}` }, 'is not allowed to be accessed'],
    [{ x: `\${dir:${inside}:link.properties}` }, 'is not allowed to be accessed'],
    [{ x: `\${file:${inside}/none:user}` }, 'Could not read properties from file'],
    [{ x: '${env:path:NAME}' }, 'EnvVarConfigProvider has no paths'],
  ])('%j is refused', async (config, problem) => {
    await expect(resolve(config, allowed)).rejects.toThrow(problem);
  });

  test('only variables that are allowed', async () => {
    const pattern = { 'config.providers.env.param.allowlist.pattern': 'DB_.*' };
    expect((await resolve({ a: '${env:DB_USER}', b: '${env:OTHER}' }, pattern)).config).toEqual({
      a: 'otto',
      b: '${env:OTHER}',
    });
  });

  test.each([
    [{ 'config.providers': 'x' }, 'Missing required configuration "config.providers.x.class"'],
    [{ 'config.providers': 'x', 'config.providers.x.class': 'a.B' }, 'Class a.B could not be found'],
    [{ ...worker, 'config.providers.file.param.allowed.paths': 'relative' }, 'Path relative is not absolute'],
  ])('a worker with %j is refused', (config, problem) => {
    expect(() => new ConfigProviders(config)).toThrow(problem);
  });
});

test('properties as Java reads them', () => {
  const text = '! no\na=1\n  b : two words \nc\\ d=x\\\n   y\n\ne\nf\\=g=\\u00e9\\t.\nh=a\\\\\ni=2\r\nj = = k\n';
  expect([...parseProperties(text)]).toEqual([
    ['a', '1'],
    ['b', 'two words '],
    ['c d', 'xy'],
    ['e', ''],
    ['f=g', 'é\t.'],
    ['h', 'a\\'],
    ['i', '2'],
    ['j', '= k'],
  ]);
});
