// The proxy over TLS and with logins, in the services' thread, and on a cluster that is somebody else's.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Platform } from '../../src/platform/index.ts';
import { hasOpenssl, makeCertificates } from '../suites/certificates.ts';
import { embedded, Proxy } from './support.ts';

const canRun = hasOpenssl();
if (!canRun) console.log('skipped: there is no openssl to make certificates with (apt-get install openssl)');
const folder = mkdtempSync(join(tmpdir(), 'millrace-rest-secured-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (file: string, text: string): string => {
  writeFileSync(join(folder, file), text);
  return join(folder, file);
};

test('logins: nobody is let in without one', async () => {
  const users = write('users', 'anna: secret\n');
  const proxy = await Proxy.start({
    'kafka.rest.authentication.method': 'BASIC',
    'kafka.rest.authentication.users.location': users,
  });
  const ask = (login?: string) =>
    fetch(`${proxy.url}/topics`, {
      headers: login === undefined ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` },
    });
  const refused = await ask();
  expect(refused.status).toBe(401);
  expect(refused.headers.get('www-authenticate')).toContain('Basic');
  expect(await refused.json()).toMatchObject({ error_code: 401 });
  expect((await ask('anna:wrong')).status).toBe(401);
  expect((await ask('anna:secret')).status).toBe(200);
  await proxy.stop();
});

describe.skipIf(!canRun)('TLS', () => {
  test('links and answers are those of https', async () => {
    const certificates = makeCertificates(folder);
    const server = certificates.issue('server');
    const text = (file: string) => readFileSync(file, 'utf8');
    const proxy = await Proxy.start({
      'kafka.rest.listeners': 'https://127.0.0.1:0',
      'kafka.rest.ssl.keystore.location': write('store.pem', text(`${server}.key`) + text(`${server}.crt`)),
    });
    const body = await new Promise<string>((resolve, reject) => {
      request(`${proxy.url}/v3/clusters`, { ca: text(certificates.ca), agent: false }, (response) => {
        let said = '';
        response.on('data', (chunk) => {
          said += String(chunk);
        });
        response.on('end', () => resolve(said));
      })
        .on('error', reject)
        .end();
    });
    expect(proxy.url).toMatch(/^https:/);
    expect(JSON.parse(body)).toMatchObject({ metadata: { self: `${proxy.url}/v3/clusters` } });
    await proxy.stop();
  });
});

test('on another cluster, in the services’ thread', async () => {
  const cluster = await Proxy.start();
  await using platform = await Platform.start({
    settings: {
      'log.dirs': join(folder, 'other'),
      'bootstrap.servers': cluster.platform.url('broker'),
      'schema.registry.listeners': 'http://127.0.0.1:0',
      'ksql.listeners': 'http://127.0.0.1:0',
      'kafka.rest.listeners': 'http://127.0.0.1:0',
      'service.threads': true,
    },
  });
  const url = platform.url('rest-proxy');
  const said = await fetch(`${url}/topics/there`, {
    method: 'POST',
    headers: { 'content-type': embedded('json') },
    body: '{"records":[{"value":1}]}',
  });
  expect(await said.json()).toMatchObject({ offsets: [{ offset: 0 }] });
  expect((await cluster.ask('GET /topics')).body).toContain('there');
  await platform.stop();
  await cluster.stop();
});

test('settings: the consumers’ also under their own names, and what is misspelt is refused', async () => {
  const start = (settings: Record<string, string>) => Platform.start({ settings: { 'log.dirs': folder, ...settings } });
  await expect(start({ 'consumer.instance.timeout.ms': 'long' })).rejects.toThrow('must be a number');
  await expect(start({ 'kafka.rest.consumer.instance.timeout': '1' })).rejects.toThrow(
    'Did you mean "kafka.rest.consumer.instance.timeout.ms"?',
  );
});
