// What a client must do with a cluster that lets in only whom it knows: over TLS, by each way to log in, and with sessions that
// end. Runs on Apache Kafka and on our own broker.
import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClientOptions, createClient, recordsOf, securityOptionsOf } from '../../src/client/index.ts';
import { systemEnvironment } from '../../src/util/index.ts';
import type { Certificates } from './certificates.ts';

/** Who may log in by PLAIN and SCRAM; by OAUTHBEARER tokens that nobody has signed let in anybody. */
export const PASSWORDS = { username: 'alice', password: 'alice-secret' };
/** How long sessions last at the listener `shortSessions`. */
export const SESSION_MS = 3000;

/** The addresses (`host:port`) of one broker's listeners. */
export interface SecuredCluster {
  readonly plaintext: string;
  readonly ssl: string;
  /** Wants certificates of clients. */
  readonly mtls: string;
  /** Has a certificate of another host, `kafka.example`. */
  readonly elsewhere: string;
  readonly saslSsl: string;
  readonly saslPlaintext: string;
  readonly shortSessions: string;
  /** The broker's authority, which signs certificates of clients. */
  readonly certificates: Certificates;
  /** Where those are. */
  readonly folder: string;
  close(): Promise<void>;
}

const unsecured = (more = ''): string =>
  `org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="${PASSWORDS.username}"${more};`;

export function securedClientSuite(name: string, open: () => Promise<SecuredCluster>): void {
  describe(`the client ${name}, secured`, () => {
    let cluster: SecuredCluster;
    let trust: ClientOptions;
    beforeAll(async () => {
      cluster = await open();
      trust = { sslTruststoreType: 'PEM', sslTruststoreLocation: cluster.certificates.ca };
    }, 120_000);
    afterAll(() => cluster?.close());

    /** Writes records and reads them back, over connections for everything that a client has connections for. */
    async function expectRoundTrip(options: ClientOptions): Promise<void> {
      const client = createClient(options);
      try {
        const topic = `t-${randomUUID()}`;
        await client.admin().createTopics([{ name: topic, partitions: 1 }]);
        const producer = client.producer({ transactionalId: topic });
        await producer.initTransactions();
        producer.beginTransaction();
        await producer.send({ topic, value: 'secured' });
        await producer.commitTransaction();
        const consumer = client.consumer({
          groupId: topic,
          autoOffsetReset: 'earliest',
          isolationLevel: 'read_committed',
        });
        consumer.subscribe([topic]);
        const values: string[] = [];
        while (values.length === 0)
          values.push(...[...recordsOf(await consumer.poll(1000))].map(({ value }) => String(value)));
        expect(values).toEqual(['secured']);
      } finally {
        await client.close();
      }
    }

    /** What the client says; it must not take longer than a few seconds, and have no secret in it. */
    async function refusal(
      options: ClientOptions,
      secret: string = PASSWORDS.password,
    ): Promise<Error & { code: string; retriable: boolean }> {
      const client = createClient(options);
      const begin = performance.now();
      try {
        await client.admin().listTopics();
      } catch (error) {
        expect(performance.now() - begin).toBeLessThan(5000);
        expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(secret);
        return error as Error & { code: string; retriable: boolean };
      } finally {
        await client.close();
      }
      throw new Error('it was let in');
    }

    test('over TLS', () => expectRoundTrip({ bootstrapServers: cluster.ssl, securityProtocol: 'SSL', ...trust }));

    test('with a certificate of its own, from PEM, PKCS12 and Java’s stores', async () => {
      const path = cluster.certificates.issue('client');
      const pem = { sslKeystoreType: 'PEM', sslKeystoreKey: `${path}.key`, sslKeystoreCertificateChain: `${path}.crt` };
      const options = { bootstrapServers: cluster.mtls, securityProtocol: 'SSL', ...trust };
      await expectRoundTrip({ ...options, ...pem });
      const store = { sslKeystoreLocation: join(cluster.folder, 'client.p12'), sslKeystorePassword: 'sesame' };
      cluster.certificates.openssl(
        'pkcs12',
        '-export',
        '-inkey',
        'client.key',
        '-in',
        'client.crt',
        '-out',
        'client.p12',
        '-passout',
        'pass:sesame',
      );
      await expectRoundTrip({ ...options, sslKeystoreType: 'PKCS12', ...store });
      if (spawnSync('keytool', ['-help']).status !== 0) return;
      const keytool = (...args: string[]): void => {
        execFileSync('keytool', args, { cwd: cluster.folder, stdio: 'ignore' });
      };
      keytool(
        '-importcert',
        '-noprompt',
        '-alias',
        'ca',
        '-file',
        'ca.crt',
        '-keystore',
        'trust.jks',
        '-storetype',
        'JKS',
        '-storepass',
        'sesame',
      );
      const java = {
        sslTruststoreType: 'JKS',
        sslTruststoreLocation: join(cluster.folder, 'trust.jks'),
        sslTruststorePassword: 'sesame',
      };
      await expectRoundTrip({ ...options, ...java, ...store });
    });

    test.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)('by %s', async (mechanism) => {
      const module = mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule';
      const { username, password } = PASSWORDS;
      const properties = {
        'security.protocol': 'SASL_SSL',
        'sasl.mechanism': mechanism,
        'sasl.jaas.config': `org.apache.kafka.common.security.${module} required username="${username}" password="${password}";`,
        'ssl.truststore.location': cluster.certificates.ca,
        'ssl.truststore.type': 'PEM',
      };
      await expectRoundTrip({ bootstrapServers: cluster.saslSsl, ...securityOptionsOf(properties) });
      await expectRoundTrip({ bootstrapServers: cluster.saslPlaintext, ssl: false, sasl: { mechanism, ...PASSWORDS } });
      const wrong = await refusal(
        {
          bootstrapServers: cluster.saslSsl,
          ssl: true,
          sasl: { mechanism, username, password: 'not the secret' },
          ...trust,
        },
        'not the secret',
      );
      expect(wrong).toMatchObject({ code: 'SASL_AUTHENTICATION_FAILED', retriable: false });
      expect(wrong.message).toContain(
        `the broker at ${cluster.saslSsl} and the user alice did not come together by ${mechanism}: `,
      );
    });

    test('by OAUTHBEARER, with tokens that nobody signed', async () => {
      const options = {
        bootstrapServers: cluster.saslSsl,
        securityProtocol: 'SASL_SSL',
        ...trust,
        saslMechanism: 'OAUTHBEARER',
      };
      await expectRoundTrip({ ...options, saslJaasConfig: unsecured() });
      const wrong = await refusal({ ...options, saslJaasConfig: unsecured(' unsecuredLoginNumberClaim_exp="1"') });
      expect(wrong).toMatchObject({ code: 'SASL_AUTHENTICATION_FAILED', retriable: false });
      expect(wrong.message).toMatch(/the user alice did not come together by OAUTHBEARER/);
    });

    test('by OAUTHBEARER, with tokens of the application’s own function', async () => {
      let calls = 0;
      const oauthBearerProvider = async () => {
        calls++;
        return { value: tokenOf('alice'), extensions: { logicalCluster: 'lkc-1' } };
      };
      const options = { bootstrapServers: cluster.saslPlaintext, ssl: false };
      await expectRoundTrip({ ...options, sasl: { mechanism: 'oauthbearer', oauthBearerProvider } });
      expect(calls).toBe(1);
      const broken = () => Promise.reject(new Error('no credentials of the cloud'));
      const wrong = await refusal({ ...options, sasl: { mechanism: 'OAUTHBEARER', oauthBearerProvider: broken } });
      expect(wrong.message).toContain('The function that gives tokens failed: no credentials of the cloud');
    });

    test('by OAUTHBEARER, with tokens of an identity provider', async () => {
      const provider = await identityProvider();
      const options = {
        bootstrapServers: cluster.saslSsl,
        securityProtocol: 'SASL_SSL',
        saslMechanism: 'OAUTHBEARER',
        saslOauthbearerTokenEndpointUrl: provider.url,
        ...trust,
      };
      try {
        const jaas = (secret: string): string =>
          `org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId="app" clientSecret="${secret}" scope="kafka" extension_logicalCluster="lkc-1" extension_identityPoolId="pool-1";`;
        await expectRoundTrip({ ...options, saslJaasConfig: jaas(provider.secret) });
        const newer = {
          saslOauthbearerClientCredentialsClientId: 'app',
          saslOauthbearerClientCredentialsClientSecret: provider.secret,
          saslOauthbearerScope: 'kafka',
        };
        await expectRoundTrip({ ...options, ...newer });
        const wrong = await refusal({ ...options, saslJaasConfig: jaas('wrong-secret') }, 'wrong-secret');
        expect(wrong).toMatchObject({ code: 'SASL_AUTHENTICATION_FAILED', retriable: false });
        expect(wrong.message).toContain(
          `${provider.url} gives no token: it answers 401 (invalid_client: who is that?)`,
        );
      } finally {
        await provider.close();
      }
    });

    test('by OAUTHBEARER, with the token in a file', async () => {
      const file = join(cluster.folder, 'token');
      writeFileSync(file, `${tokenOf('alice')}\n`);
      await expectRoundTrip({
        bootstrapServers: cluster.saslPlaintext,
        securityProtocol: 'SASL_PLAINTEXT',
        saslMechanism: 'OAUTHBEARER',
        saslOauthbearerTokenEndpointUrl: `file://${file}`,
      });
    });

    test.each(['PLAIN', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const)(
      'logs in again by %s, on the same connections, before its session ends',
      async (mechanism) => {
        let tokens = 0;
        const oauthBearerProvider = () => {
          tokens++;
          return { value: tokenOf('alice', SESSION_MS / 1000) };
        };
        const client = createClient({
          bootstrapServers: cluster.shortSessions,
          ssl: true,
          ...trust,
          sasl: mechanism === 'OAUTHBEARER' ? { mechanism, oauthBearerProvider } : { mechanism, ...PASSWORDS },
        });
        try {
          const topic = `t-${randomUUID()}`;
          await client.admin().createTopics([{ name: topic, partitions: 1 }]);
          const producer = client.producer({ lingerMs: 0 });
          const consumer = client.consumer({ groupId: topic, autoOffsetReset: 'earliest' });
          consumer.subscribe([topic]);
          const sent: string[] = [];
          const got: string[] = [];
          const end = performance.now() + 3.2 * SESSION_MS;
          while (performance.now() < end) {
            sent.push(String(sent.length));
            // All at once, so that requests are on their way while others wait for the login.
            const sends = [producer.send({ topic, value: sent.at(-1)! }), client.admin().listTopics()];
            got.push(...[...recordsOf(await consumer.poll(50))].map(({ value }) => String(value)));
            await Promise.all(sends);
          }
          while (got.length < sent.length)
            got.push(...[...recordsOf(await consumer.poll(1000))].map(({ value }) => String(value)));
          expect(got).toEqual(sent);
          if (mechanism === 'OAUTHBEARER') expect(tokens).toBeGreaterThan(2);
        } finally {
          await client.close();
        }
      },
      60_000,
    );

    test('says what is wrong with TLS', async () => {
      const at = (address: string, more: ClientOptions = {}) =>
        refusal({ bootstrapServers: address, securityProtocol: 'SSL', ...more });
      const stores = async (...names: string[]) =>
        Promise.all(names.map((file) => readFileSync(join(cluster.folder, file), 'utf8')));
      const untrusted = await at(cluster.ssl);
      expect(untrusted).toMatchObject({ code: 'TLS_FAILED', retriable: false });
      expect(untrusted.message).toContain(
        `the certificate of the broker at ${cluster.ssl} is signed by nobody who is trusted here`,
      );
      const elsewhere = await at(cluster.elsewhere, trust);
      expect(elsewhere.message).toContain('is not for this host, it has DNS:kafka.example');
      await expectAnswers({
        bootstrapServers: cluster.elsewhere,
        securityProtocol: 'SSL',
        ...trust,
        sslEndpointIdentificationAlgorithm: '',
      });
      const uncertified = await at(cluster.mtls, trust);
      expect(uncertified.message).toMatch(/wants? a certificate of its clients/);
      const [key, chain] = await stores('elsewhere.key', 'elsewhere.crt');
      await expectAnswers({
        bootstrapServers: cluster.mtls,
        securityProtocol: 'SSL',
        ...trust,
        sslKeystoreKey: key!,
        sslKeystoreCertificateChain: chain!,
      });
    });

    async function expectAnswers(options: ClientOptions): Promise<void> {
      const client = createClient(options);
      // The address that the broker tells of its listener has another certificate's host all the same.
      await client.admin().listTopics();
      await client.close();
    }

    test('recognises who speaks otherwise', async () => {
      const clear = await refusal({ bootstrapServers: cluster.plaintext, securityProtocol: 'SSL', ...trust });
      expect(clear).toMatchObject({ code: 'TLS_FAILED', retriable: false });
      expect(clear.message).toContain(`the broker at ${cluster.plaintext} does not speak TLS`);
      const encrypted = await refusal({ bootstrapServers: cluster.ssl });
      expect(encrypted).toMatchObject({ code: 'TLS_FAILED', retriable: false });
      expect(encrypted.message).toContain(`the broker at ${cluster.ssl} speaks TLS`);
      const login = await refusal({ bootstrapServers: cluster.saslPlaintext });
      expect(login).toMatchObject({ code: 'SASL_AUTHENTICATION_FAILED', retriable: false });
      expect(login.message).toMatch(/wants a login \(.*PLAIN.*\): set security\.protocol/);
      const none = await refusal({
        bootstrapServers: cluster.plaintext,
        ssl: false,
        sasl: { mechanism: 'PLAIN', ...PASSWORDS },
      });
      expect(none.code).toMatch(/ILLEGAL_SASL_STATE|UNSUPPORTED_VERSION/);
    });
  });
}

/** A token that nobody has signed. */
function tokenOf(user: string, lifeSeconds = 3600): string {
  const now = systemEnvironment.now();
  const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64url');
  const times = { iat: now / 1000, exp: now / 1000 + lifeSeconds };
  return `${part({ alg: 'none' })}.${part({ sub: user, ...times })}.`;
}

/** Hands out tokens to the client `app`, which has a secret. */
async function identityProvider(): Promise<{ readonly url: string; readonly secret: string; close(): Promise<void> }> {
  const secret = 'app=secret';
  const bodyOf = async (request: IncomingMessage): Promise<string> => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    return body;
  };
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const isKnown = request.headers.authorization === `Basic ${Buffer.from(`app:${secret}`).toString('base64')}`;
      const isAsked = body === 'grant_type=client_credentials&scope=kafka' && request.method === 'POST';
      response.writeHead(isKnown && isAsked ? 200 : 401, { 'content-type': 'application/json' });
      const refusal = { error: 'invalid_client', error_description: 'who is that?' };
      response.end(
        JSON.stringify(isKnown && isAsked ? { access_token: tokenOf('app'), token_type: 'Bearer' } : refusal),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    secret,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
