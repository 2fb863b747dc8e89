// Encrypted connections of connectors whose drivers make them: certificates are checked, against the authorities of Node.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { redisSink } from '../../src/connect/connectors/redis/index.ts';
import { smtpSink } from '../../src/connect/connectors/smtp/index.ts';
import { Transport } from '../../src/connect/connectors/smtp/transport.ts';
import { parseConfig } from '../../src/connect/index.ts';
import { freePort } from './support/postgres.ts';
import { redisMissing, startRedis } from './support/redis.ts';
import { MailServer } from './support/smtp.ts';
import { afterwards } from './support/worker.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!hasOpenssl) console.warn('skipped: openssl is not installed');

describe.skipIf(!hasOpenssl)('encrypted connections', () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-tls-'));
  const authorities = getCACertificates('default');
  const [keyFile, certificateFile] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  if (hasOpenssl)
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost'],
        ...['-addext', 'subjectAltName=DNS:localhost', '-keyout', keyFile, '-out', certificateFile],
      ],
      { stdio: 'ignore' },
    );
  const read = (file: string): string => (hasOpenssl ? readFileSync(file, 'utf8') : '');
  const identity = { key: read(keyFile), cert: read(certificateFile) };
  const trustIt = (): void => setDefaultCACertificates([...authorities, identity.cert]);
  beforeEach(() => setDefaultCACertificates(authorities));
  afterAll(() => {
    setDefaultCACertificates(authorities);
    rmSync(directory, { recursive: true, force: true });
  });

  test.skipIf(redisMissing !== undefined)('to Redis', async () => {
    const port = await freePort();
    const tls = ['--tls-port', String(port), '--tls-cert-file', certificateFile, '--tls-key-file', keyFile];
    const redis = await startRedis([...tls, '--tls-ca-cert-file', certificateFile, '--tls-auth-clients', 'no']);
    afterwards(() => redis.stop());
    const problems = async (host: string) => {
      const settings = { ...redis.settings, 'redis.hosts': `${host}:${port}`, 'redis.ssl.enabled': 'true' };
      return (await redisSink.validate!(parseConfig(redisSink.config, settings))).map(({ message }) => message).join();
    };
    expect(await problems('localhost')).toMatch(/self-signed certificate/);
    trustIt();
    expect(await problems('localhost')).toBe('');
    expect(await problems('127.0.0.1')).toMatch(/does not match certificate/);
  });

  test.each([
    ['from their beginning', true],
    ['where the server offers it', false],
  ])('to mail servers, %s', async (_when, isSecure) => {
    const server = new MailServer(identity, isSecure);
    await server.listen();
    afterwards(() => server.close());
    const config = parseConfig(smtpSink.config, {
      ...{ 'smtp.host': 'localhost', 'smtp.port': String(server.port), 'smtp.secure': String(isSecure) },
      ...{ 'smtp.user': 'me', 'smtp.password': 'secret', 'mail.from': 'a@example.com', 'mail.to': 'b@example.com' },
    });
    expect((await smtpSink.validate!(config)).map(({ message }) => message).join()).toMatch(/self-signed certificate/);
    trustIt();
    expect(await smtpSink.validate!(config)).toEqual([]);
    const transport = new Transport(config);
    await transport.send({ from: 'a@example.com', to: 'b@example.com', subject: 's', messageId: '<1@x>', text: 't' });
    await transport.close();
    expect([server.taken.length, server.isEncrypted]).toEqual([1, true]);
  });
});
