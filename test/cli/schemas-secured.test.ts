// `millrace schemas` with a registry that has TLS, passwords and rules.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certificates, hasOpenssl, makeCertificates } from '../suites/certificates.ts';
import { openServedRegistry, type ServedRegistry } from '../schema-registry/served-registry.ts';
import { Millrace, type Outcome } from './support.ts';

const canRun = hasOpenssl();
if (!canRun) console.log('skipped: there is no openssl to make certificates with (apt-get install openssl)');

describe.skipIf(!canRun)('millrace schemas with a secured registry', () => {
  let secured: ServedRegistry;
  let certificates: Certificates;
  let url: string;

  beforeAll(async () => {
    secured = await openServedRegistry();
    certificates = makeCertificates(secured.folder);
    const server = certificates.issue('server');
    const text = (end: string) => readFileSync(`${server}.${end}`, 'utf8');
    const settings = {
      'ssl.keystore.location': secured.write('store.pem', text('key'), text('crt')),
      'authentication.method': 'BASIC',
      'authentication.users.location': secured.write('users', 'anna: secret'),
      'acl.location': secured.write('rules', 'anna SUBJECT_WRITE anna-*', 'anna SUBJECT_READ *'),
    };
    url = await secured.serve(settings, true);
  });
  afterAll(() => secured.close());

  const run = (args: string[], env: Record<string, string> = {}): Promise<Outcome> =>
    new Millrace(['schemas', ...args], { env: { SCHEMA_REGISTRY_URL: url, ...env } }).ended;

  test('trusts the certificate’s authority, and logs in', async () => {
    const schema = secured.write('schema.avsc', '"int"');
    const login = ['--user', 'anna:secret'];
    expect(await run(['register', 'anna-a', schema, ...login, '--ca', certificates.ca])).toMatchObject({
      stdout: 'Registered as version 1 of anna-a, id 1\n',
      stderr: '',
    });
    expect(await run(['get', 'anna-a', ...login], { NODE_EXTRA_CA_CERTS: certificates.ca })).toMatchObject({ code: 0 });
    expect((await run(['list', ...login])).stderr).toMatch(
      /is not trusted \(.*\): give that of its authority with --ca/,
    );
    expect((await run(['list', '--ca', schema])).stderr).toContain(`--ca ${schema} can't be used`);
    expect((await run(['register', 'b', schema, ...login, '--ca', certificates.ca])).stderr).toBe(
      `millrace: The registry at ${url} does not allow this to the user: User is denied operation Write on Subject: b\n`,
    );
  });
});
