// Keystores and truststores as the tools write them that people have: keytool of Java, and openssl.
import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Malformed } from '../../src/security/asn1.ts';
import { WrongPassword } from '../../src/security/encryption.ts';
import { readStore, type Store } from '../../src/security/store.ts';
import { tlsContext, type SslSetting } from '../../src/security/index.ts';
import { type Certificates, hasOpenssl, makeCertificates } from '../suites/certificates.ts';

const missing = !hasOpenssl()
  ? 'there is no openssl (apt-get install openssl)'
  : spawnSync('keytool', ['-help']).status !== 0
    ? 'there is no keytool (apt-get install default-jre-headless)'
    : undefined;
if (missing !== undefined) console.log(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)('stores', () => {
  let folder: string;
  let certificates: Certificates;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-stores-'));
    certificates = makeCertificates(folder);
    certificates.issue('server');
    const common = ['pkcs12', '-export', '-inkey', 'server.key', '-in', 'server.crt', '-certfile', 'ca.crt'];
    certificates.openssl(...common, '-name', 'server', '-out', 'openssl.p12', '-passout', 'pass:sesame');
    certificates.openssl(
      ...common,
      '-out',
      'open.p12',
      '-keypbe',
      'NONE',
      '-certpbe',
      'NONE',
      '-nomac',
      '-passout',
      'pass:',
    );
    certificates.openssl(
      ...common,
      '-out',
      'old.p12',
      '-descert',
      '-keypbe',
      'PBE-SHA1-3DES',
      '-macalg',
      'sha1',
      '-passout',
      'pass:sesame',
    );
    certificates.openssl(
      ...common,
      '-out',
      'aes128.p12',
      '-certpbe',
      'AES-128-CBC',
      '-keypbe',
      'AES-192-CBC',
      '-macalg',
      'sha512',
      '-passout',
      'pass:sesame',
    );
    const to = (store: string, type: string, ...more: string[]): void =>
      keytool(
        ...more,
        '-importkeystore',
        '-srckeystore',
        'openssl.p12',
        '-srcstorepass',
        'sesame',
        '-destkeystore',
        store,
        '-deststoretype',
        type,
        '-deststorepass',
        'sesame',
      );
    to('java.p12', 'PKCS12');
    to('java8.p12', 'PKCS12', '-J-Dkeystore.pkcs12.legacy');
    to('java.jks', 'JKS');
    to('java.jceks', 'JCEKS');
    keytool('-keypasswd', '-keystore', 'java.jks', '-storepass', 'sesame', '-alias', 'server', '-new', 'another');
    for (const [store, type, ...more] of [
      ['trust.p12', 'PKCS12'],
      ['trust8.p12', 'PKCS12', '-J-Dkeystore.pkcs12.legacy'],
      ['trust.jks', 'JKS'],
    ] as const) {
      for (const name of ['ca', 'server']) {
        keytool(
          ...more,
          '-importcert',
          '-noprompt',
          '-alias',
          name,
          '-file',
          `${name}.crt`,
          '-keystore',
          store,
          '-storetype',
          type,
          '-storepass',
          'sesame',
        );
      }
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const keytool = (...args: string[]): void => {
    execFileSync('keytool', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const bytesOf = (file: string) => readFileSync(join(folder, file));
  const read = (file: string, store: string | null = 'sesame', key?: string) =>
    readStore(bytesOf(file), { store: store ?? undefined, key });
  const subjectsOf = (pem: string) =>
    (pem.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g) ?? []).map((one) => new X509Certificate(one).subject);
  const publicKeyOf = (pem: string) => createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' }).toString('hex');
  const expectIdentity = (found: Store) => {
    expect(publicKeyOf(found.key!)).toBe(publicKeyOf(bytesOf('server.key').toString()));
    expect(subjectsOf(found.chain)).toEqual(['CN=server', 'CN=Millrace Test CA']);
  };

  test.each(['openssl.p12', 'old.p12', 'aes128.p12', 'java.p12', 'java8.p12'])(
    'the key of %s, and its chain',
    (file) => {
      expectIdentity(read(file));
      expect(() => read(file, 'wrong')).toThrow(WrongPassword);
      expect(() => read(file, null)).toThrow(WrongPassword);
    },
  );

  test('a store without a password', () => expectIdentity(read('open.p12', null)));

  test('the key of Java’s own format, with a password of its own', () => {
    expectIdentity(read('java.jks', 'sesame', 'another'));
    expect(() => read('java.jks')).toThrow(WrongPassword);
    expect(() => read('java.jks', 'wrong', 'another')).toThrow(WrongPassword);
    expect(() => read('java.jceks')).toThrow(/JCEKS/);
  });

  test.each(['trust.p12', 'trust8.p12', 'trust.jks'])('the certificates of %s', (file) => {
    const found = read(file);
    expect(subjectsOf(found.trusted).sort()).toEqual(['CN=Millrace Test CA', 'CN=server']);
    expect(found.key).toBeUndefined();
    expect(() => read(file, 'wrong')).toThrow(WrongPassword);
  });

  test('Java reads certificates of its own format without a password, and so do we', () => {
    expect(subjectsOf(read('trust.jks', null).trusted)).toHaveLength(2);
  });

  test('passwords beyond ASCII', () => {
    const args = ['pkcs12', '-export', '-inkey', 'server.key', '-in', 'server.crt', '-certfile', 'ca.crt'];
    certificates.openssl(...args, '-out', 'umlaut.p12', '-passout', 'pass:Schlüssel€');
    expectIdentity(read('umlaut.p12', 'Schlüssel€'));
  });

  test('damaged stores are refused, whatever is damaged', () => {
    const stores = ['open.p12', 'trust.jks', 'java.jks', 'server.crt', 'server.key'].map(bytesOf);
    fc.assert(
      fc.property(
        fc.constantFrom(...stores),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        (whole, changes, cut) => {
          const bytes = Buffer.from(whole.subarray(0, cut % 3 === 0 ? cut % whole.length : whole.length));
          if (bytes.length > 0) for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
          expectRefusedOrRead(bytes, { store: undefined, key: 'another' });
        },
      ),
      { numRuns: 3000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => expectRefusedOrRead(Buffer.from(bytes))));
  });

  test('what is opened with a password is refused when it is damaged', () => {
    const stores = ['java.p12', 'old.p12', 'trust8.p12', 'aes128.p12'].map(bytesOf);
    const damage = fc.tuple(fc.constantFrom(...stores), fc.nat(), fc.nat(7));
    fc.assert(
      fc.property(damage, ([whole, at, bit]) => {
        const bytes = Buffer.from(whole);
        bytes[at % bytes.length]! ^= 1 << bit;
        expectRefusedOrRead(bytes, { store: 'sesame', key: undefined });
      }),
      { numRuns: 60 },
    );
  });

  const expectRefusedOrRead = (
    bytes: Buffer,
    passwords = { store: undefined as string | undefined, key: undefined as string | undefined },
  ): void => {
    try {
      readStore(bytes, passwords);
    } catch (error) {
      if (!(error instanceof Malformed || error instanceof WrongPassword)) throw error;
    }
  };

  describe('as TLS takes them', () => {
    const contextOf = (values: { [K in SslSetting]?: string }, log: string[] = []) =>
      tlsContext({ values, nameOf: (name) => name }, (message) => log.push(message));
    const refusal = (message: string | RegExp) =>
      expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringMatching(message) });
    const path = (file: string) => join(folder, file);

    test('versions and suites, under their standard names', () => {
      expect(contextOf({}).current).toEqual({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' });
      expect(contextOf({ 'ssl.protocol': 'TLSv1.2' }).current).toMatchObject({ maxVersion: 'TLSv1.2' });
      expect(contextOf({ 'ssl.enabled.protocols': 'TLSv1.3' }).current).toMatchObject({ minVersion: 'TLSv1.3' });
      const suites =
        'TLS_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_RSA_WITH_AES_128_CBC_SHA,TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256';
      expect(contextOf({ 'ssl.cipher.suites': suites }).current.ciphers).toBe(
        'TLS_AES_256_GCM_SHA384:ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA:ECDHE-ECDSA-CHACHA20-POLY1305',
      );
      expect(() => contextOf({ 'ssl.cipher.suites': 'TLS_NULL_WITH_NULL_NULL' })).toThrow(
        refusal('no cipher suite TLS_NULL'),
      );
      expect(() => contextOf({ 'ssl.enabled.protocols': 'SSLv3' })).toThrow(refusal('SSLv3 is none of'));
    });

    test('what does not fit together is told with the setting, and without the password', () => {
      const given = { 'ssl.keystore.location': path('java.p12'), 'ssl.keystore.password': 'not-the-word' };
      const thrown = (values: { [K in SslSetting]?: string }): string => {
        try {
          contextOf(values);
        } catch (error) {
          return `${String(error)} ${String((error as Error).cause)}`;
        }
        return '';
      };
      expect(thrown(given)).toMatch(
        /java\.p12 of "ssl\.keystore\.location" can't be used: .*\("ssl\.keystore\.password"/,
      );
      expect(thrown(given)).not.toContain('not-the-word');
      certificates.issue('stranger');
      const key = { 'ssl.keystore.key': path('stranger.key'), 'ssl.keystore.certificate.chain': path('server.crt') };
      expect(() => contextOf(key)).toThrow(refusal('not the one of the first certificate'));
      expect(() => contextOf({ 'ssl.keystore.key': path('server.key') })).toThrow(refusal('no certificate'));
      expect(() => contextOf({ 'ssl.truststore.location': path('server.key') })).toThrow(
        refusal('no certificates in it'),
      );
      expect(() => contextOf({ 'ssl.truststore.location': path('java.jceks') })).toThrow(
        refusal('keytool -importkeystore'),
      );
      writeFileSync(path('text'), 'hello');
      expect(() => contextOf({ 'ssl.truststore.location': path('text') })).toThrow(
        refusal('neither a key nor a certificate'),
      );
    });

    test('texts on one line', () => {
      const line = (file: string) => bytesOf(file).toString().trim().replaceAll('\n', '\\n');
      const { cert, key, ca } = contextOf({
        'ssl.keystore.key': line('server.key'),
        'ssl.keystore.certificate.chain': line('server.crt') + line('ca.crt'),
        'ssl.truststore.certificates': line('ca.crt'),
      }).current;
      expect(subjectsOf(String(cert))).toEqual(['CN=server', 'CN=Millrace Test CA']);
      expect(publicKeyOf(String(key))).toBe(publicKeyOf(bytesOf('server.key').toString()));
      expect(subjectsOf(String(ca))).toEqual(['CN=Millrace Test CA']);
    });

    test('a store that changes is read again; a broken one is not', () => {
      const log: string[] = [];
      writeFileSync(path('changing.jks'), bytesOf('trust.jks'));
      const context = contextOf({ 'ssl.truststore.location': path('changing.jks') }, log);
      const before = context.current;
      expect(context.current).toBe(before);
      writeFileSync(path('changing.jks'), 'half a file');
      expect(context.current).toBe(before);
      expect(log.at(-1)).toContain('stays in force');
      writeFileSync(path('changing.jks'), bytesOf('ca.crt'));
      expect(subjectsOf(String(context.current.ca))).toEqual(['CN=Millrace Test CA']);
    });
  });
});
