// Our own clients of a registry that has TLS, passwords and rules.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpSchemaSourceOptions, HttpSchemaSource } from '../../src/schema-registry/index.ts';
import { avroSerde, deserializeLoading, serialize } from '../../src/serde/index.ts';
import { type Certificates, hasOpenssl, makeCertificates } from '../suites/certificates.ts';
import { openServedRegistry, type ServedRegistry } from './served-registry.ts';

const canRun = hasOpenssl();
if (!canRun) console.log('skipped: there is no openssl to make certificates with (apt-get install openssl)');

describe.skipIf(!canRun)('a secured registry', () => {
  let secured: ServedRegistry;
  let certificates: Certificates;
  let settings: Record<string, string>;
  let url: string;

  beforeAll(async () => {
    secured = await openServedRegistry();
    certificates = makeCertificates(secured.folder);
    const server = certificates.issue('server');
    settings = {
      'ssl.keystore.location': secured.write('store.pem', text(`${server}.key`), text(`${server}.crt`)),
      'authentication.method': 'BASIC',
      'authentication.users.location': secured.write('users', 'anna: s:cret'),
      'acl.location': secured.write('rules', 'anna SUBJECT_WRITE anna-*', 'anna SUBJECT_READ *'),
    };
    url = await secured.serve(settings, true);
  });
  afterAll(() => secured.close());

  const text = (file: string) => readFileSync(file, 'utf8');
  const login = { username: 'anna', password: 's:cret' };
  const source = (options: Partial<HttpSchemaSourceOptions> = login) =>
    new HttpSchemaSource({ url, ca: text(certificates.ca), ...options });
  const failure = (code: string, ...parts: string[]) =>
    expect.objectContaining({ code, message: expect.stringMatching(parts.join('.*')) });

  test('is written and read by a serde with a login', async () => {
    const schema = { type: 'record', name: 'A', fields: [{ name: 'x', type: 'int' }] };
    const writer = avroSerde<object>({ schemas: source(), topic: 'anna-a', schema });
    await writer.prepare();
    const withLogin = url.replace('https://', 'https://anna:s%3Acret@');
    const schemas = source({ url: withLogin, ca: readFileSync(certificates.ca) });
    expect(await deserializeLoading(avroSerde({ schemas, topic: 'anna-a' }), serialize(writer, { x: 1 }))).toEqual({
      x: 1,
    });
  });

  test('says who is not known, and what is not allowed', async () => {
    await expect(source({}).byId(1)).rejects.toEqual(
      failure('REGISTRY_UNAUTHORIZED', 'wants a login: give "username"'),
    );
    await expect(source({ ...login, password: 'no' }).byId(1)).rejects.toEqual(
      failure('REGISTRY_UNAUTHORIZED', 'refuses the user or the password'),
    );
    const other = source().register('other-value', { schemaType: 'AVRO', schema: '"int"' });
    await expect(other).rejects.toEqual(
      failure('REGISTRY_FORBIDDEN', 'does not allow this to anna', 'denied operation Write on Subject: other-value'),
    );
    // It is the application that has to do something about it, not the record.
    const reader = avroSerde({ schemas: source({}), topic: 'anna-a' });
    await expect(deserializeLoading(reader, Buffer.from('000000000102', 'hex'))).rejects.toEqual(
      failure('REGISTRY_UNAUTHORIZED'),
    );
  });

  test('is trusted for its authority’s certificate', async () => {
    await expect(new HttpSchemaSource({ url, ...login }).latest('anna-b')).rejects.toEqual(
      failure('REGISTRY_UNTRUSTED', 'is not trusted', '"ca"', 'NODE_EXTRA_CA_CERTS'),
    );
    // The certificate is for 127.0.0.1 and localhost.
    expect(await source({ ...login, url: url.replace('127.0.0.1', 'localhost') }).latest('anna-b')).toBeUndefined();
    for (const ca of [certificates.ca, '-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----']) {
      expect(() => source({ ca })).toThrow(failure('INVALID_OPTION', 'give the texts of PEM files'));
    }
  });

  test('is shown a certificate', async () => {
    const client = certificates.issue('client');
    const trusting = { 'ssl.truststore.location': certificates.ca, 'ssl.client.authentication': 'REQUIRED' };
    const strict = await secured.serve({ ...settings, ...trusting }, true);
    const shown = { cert: text(`${client}.crt`), key: text(`${client}.key`) };
    expect(await source({ ...login, ...shown, url: strict }).latest('anna-b')).toBeUndefined();
    await expect(source({ ...login, url: strict }).latest('anna-b')).rejects.toEqual(failure('REGISTRY_UNREACHABLE'));
  });
});
