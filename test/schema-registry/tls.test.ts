import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Platform } from '../../src/platform/index.ts';
import { type Certificates, hasOpenssl, makeCertificates } from '../suites/certificates.ts';
import { openServedRegistry, type ServedRegistry } from './served-registry.ts';

const canRun = hasOpenssl();
if (!canRun) console.log('skipped: there is no openssl to make certificates with (apt-get install openssl)');

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly certificate: PeerCertificate;
}

describe.skipIf(!canRun)('TLS', () => {
  let secured: ServedRegistry;
  let certificates: Certificates;
  let server: string;
  let client: string;

  beforeAll(async () => {
    secured = await openServedRegistry();
    certificates = makeCertificates(secured.folder);
    server = certificates.issue('server');
    client = certificates.issue('client');
  });
  afterAll(() => secured.close());

  const text = (file: string) => readFileSync(file, 'utf8');
  const pemStore = () => secured.write('store.pem', text(`${server}.key`), text(`${server}.crt`));
  const ask = (url: string, more: object = {}) =>
    new Promise<Answer>((resolve, reject) => {
      const options = { ca: text(certificates.ca), agent: false, ...more };
      request(`${url}/subjects`, options, (response) => {
        const certificate = (response.socket as TLSSocket).getPeerCertificate();
        let body = '';
        response.on('data', (chunk) => {
          body += String(chunk);
        });
        response.on('end', () => resolve({ status: response.statusCode!, text: body, certificate }));
      })
        .on('error', reject)
        .end();
    });
  const refusal = (message: string) =>
    expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining(message) });

  test('with a PEM keystore of key and certificate', async () => {
    const url = await secured.serve({ 'ssl.keystore.location': pemStore() }, true);
    expect(url).toMatch(/^https:/);
    expect(await ask(url)).toMatchObject({ status: 200, text: '[]', certificate: { subject: { CN: 'server' } } });
    await expect(ask(url, { ca: [] })).rejects.toThrow(/certificate/);
    await expect(fetch(url.replace('https', 'http'))).rejects.toThrow('fetch failed');
  });

  test('with key and chain as files, and as texts on one line', async () => {
    const files = { 'ssl.keystore.key': `${server}.key`, 'ssl.keystore.certificate.chain': `${server}.crt` };
    expect(await ask(await secured.serve(files, true))).toMatchObject({ status: 200 });
    const folded = (file: string, end: string) => text(file).trim().replaceAll('\n', end);
    for (const end of [' ', '\\n']) {
      const texts = {
        'ssl.keystore.key': folded(`${server}.key`, end),
        'ssl.keystore.certificate.chain': folded(`${server}.crt`, end),
      };
      expect(await ask(await secured.serve(texts, true))).toMatchObject({ status: 200 });
    }
  });

  test('with an encrypted key', async () => {
    certificates.openssl('pkcs8', '-topk8', '-in', 'server.key', '-out', 'locked.key', '-passout', 'pass:sesame');
    const settings = {
      'ssl.keystore.key': join(secured.folder, 'locked.key'),
      'ssl.keystore.certificate.chain': `${server}.crt`,
    };
    expect(await ask(await secured.serve({ ...settings, 'ssl.key.password': 'sesame' }, true))).toMatchObject({
      status: 200,
    });
    await expect(secured.serve({ ...settings, 'ssl.key.password': 'no' }, true)).rejects.toEqual(
      refusal("can't be used"),
    );
  });

  test('with a PKCS12 keystore', async () => {
    const export12 = ['pkcs12', '-export', '-out', 'store.p12', '-passout', 'pass:sesame'];
    certificates.openssl(...export12, '-inkey', 'server.key', '-in', 'server.crt');
    const settings = { 'ssl.keystore.type': 'PKCS12', 'ssl.keystore.location': join(secured.folder, 'store.p12') };
    expect(await ask(await secured.serve({ ...settings, 'ssl.keystore.password': 'sesame' }, true))).toMatchObject({
      status: 200,
    });
    await expect(secured.serve({ ...settings, 'ssl.keystore.password': 'no' }, true)).rejects.toEqual(
      refusal("can't be used"),
    );
  });

  test('a new certificate is shown to the next connection; a broken one is not', async () => {
    const file = pemStore();
    const url = await secured.serve({ 'ssl.keystore.location': file }, true);
    expect((await ask(url)).certificate.subject.CN).toBe('server');
    const renewed = certificates.issue('renewed');
    writeFileSync(file, text(`${renewed}.key`) + text(`${renewed}.crt`));
    expect((await ask(url)).certificate.subject.CN).toBe('renewed');
    writeFileSync(file, 'half a file');
    expect((await ask(url)).certificate.subject.CN).toBe('renewed');
    expect(secured.log.at(-1)).toContain('stays in force');
  });

  test.each(['REQUIRED', 'REQUESTED'])('certificates of clients, %s', async (clientAuthentication) => {
    const settings = {
      'ssl.keystore.location': pemStore(),
      'ssl.truststore.location': certificates.ca,
      'ssl.client.authentication': clientAuthentication,
    };
    const url = await secured.serve(settings, true);
    expect(await ask(url, { key: text(`${client}.key`), cert: text(`${client}.crt`) })).toMatchObject({ status: 200 });
    const strangers = mkdtempSync(join(tmpdir(), 'millrace-strangers-'));
    const stranger = makeCertificates(strangers).issue('client');
    await expect(ask(url, { key: text(`${stranger}.key`), cert: text(`${stranger}.crt`) })).rejects.toThrow(
      /ECONNRESET|hang up|alert/,
    );
    rmSync(strangers, { recursive: true });
    if (clientAuthentication === 'REQUESTED') expect(await ask(url)).toMatchObject({ status: 200 });
    else await expect(ask(url)).rejects.toThrow(/ECONNRESET|hang up|alert/);
  });

  test('what can’t be is refused, with what to do', async () => {
    await expect(secured.serve({}, true)).rejects.toEqual(refusal('is https, which needs a certificate'));
    const cut = join(secured.folder, 'cut.jks');
    writeFileSync(cut, Buffer.from('feedfeed00000002', 'hex'));
    await expect(secured.serve({ 'ssl.keystore.location': cut }, true)).rejects.toEqual(refusal('keytool'));
    await expect(secured.serve({ 'ssl.keystore.location': '/no/such.pem' }, true)).rejects.toEqual(
      refusal('The file /no/such.pem of "schema.registry.ssl.keystore.location" can\'t be read: it does not exist'),
    );
    const settings = { 'ssl.keystore.location': pemStore(), 'ssl.client.authentication': 'REQUIRED' };
    await expect(secured.serve(settings, true)).rejects.toEqual(refusal('whose certificates are trusted'));
  });

  test('the platform’s registry listens on https, with users and rules', async () => {
    const settings = {
      'log.dirs': join(secured.folder, 'platform'),
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'ksql.listeners': 'http://127.0.0.1:0',
      'schema.registry.listeners': 'https://127.0.0.1:0',
      'schema.registry.ssl.keystore.location': pemStore(),
      'authentication.method': 'BASIC',
      'schema.registry.authentication.users.location': secured.write('users', 'anna: secret'),
      'schema.registry.acl.location': secured.write('rules', 'anna SUBJECT_READ *'),
    };
    await using platform = await Platform.start({ settings });
    const url = platform.url('schema-registry');
    expect(url).toMatch(/^https:/);
    expect(await ask(url)).toMatchObject({ status: 401 });
    expect(await ask(url, { auth: 'anna:secret' })).toMatchObject({ status: 200, text: '[]' });
    await platform.stop();
    await expect(
      Platform.start({ settings: { ...settings, 'schema.registry.ssl.keystore.locatin': 'x' } }),
    ).rejects.toThrow('Did you mean "schema.registry.ssl.keystore.location"?');
    await expect(
      Platform.start({ settings: { ...settings, 'ksql.listeners': 'https://127.0.0.1:0' } }),
    ).rejects.toThrow('set "ksql.ssl.keystore.location"');
  });
});
