// What a client is told of TLS and logins, checked when it is made: what goes together, what can't be, and that no message has
// a secret in it.
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type ClientOptions, createClient, securityOptionsOf, securitySettings } from '../../src/client/index.ts';
import { type OauthToken, ownTokens, Tokens } from '../../src/client/oauth-tokens.ts';
import { ManualEnvironment, MillraceError } from '../../src/util/index.ts';

const SECRET = 'the-secret';
const PLAIN = `org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="${SECRET}";`;
const OAUTH = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required';
const TOKEN_URL = 'https://login.example/token';

function refusal(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(MillraceError);
    expect((error as MillraceError).code).toBe('INVALID_CONFIG');
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(SECRET);
    return (error as Error).message;
  }
  throw new Error('it was not refused');
}

const refused = (options: object): string => refusal(() => createClient(options as ClientOptions));

describe('in code', () => {
  const login = { securityProtocol: 'SASL_SSL', saslMechanism: 'PLAIN', saslJaasConfig: PLAIN };

  test('is taken as Kafka has it, and in the short form', async () => {
    const short: ClientOptions[] = [
      { ssl: true },
      { bootstrapServers: 'SASL_SSL://a:1,SASL_SSL://b:2', saslMechanism: 'PLAIN', saslJaasConfig: PLAIN },
      { ssl: true, sasl: { mechanism: 'scram-sha-512', username: 'alice', password: SECRET } },
      { ssl: true, sasl: { mechanism: 'oauthbearer', oauthBearerProvider: () => ({ value: 't' }) } },
      { ...login, sslEndpointIdentificationAlgorithm: '', sslEnabledProtocols: 'TLSv1.3' },
    ];
    for (const options of short) await createClient(options).close();
    expect(short).not.toHaveLength(0);
  });

  test.each<[object, string]>([
    [
      { ...login, securityProtocol: 'SASL' },
      'securityProtocol must be one of "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"',
    ],
    [{ ...login, saslMechanism: 'GSSAPI' }, 'GSSAPI is not supported'],
    [{ ...login, saslMechanism: 'AWS_MSK_IAM' }, 'OAUTHBEARER: in code give sasl:'],
    [{ ...login, saslMechanism: 'MAGIC' }, 'there is no mechanism MAGIC here: use PLAIN, SCRAM-SHA-256'],
    [{ ...login, saslMechanism: undefined }, '"sasl.mechanism" must say how the client logs in'],
    [
      { ...login, saslMechanism: 'SCRAM-SHA-256' },
      'PlainLoginModule is not for SCRAM-SHA-256; that has ScramLoginModule',
    ],
    [{ ...login, saslJaasConfig: undefined }, '"sasl.jaas.config" must say who logs in'],
    [{ ...login, saslJaasConfig: PLAIN.slice(0, -1) }, 'it does not end with a semicolon'],
    [{ ...login, saslJaasConfig: PLAIN.replace('username', 'user') }, 'needs username="…" and password="…"'],
    [{ ...login, saslJaasConfig: Buffer.from(SECRET) }, 'saslJaasConfig must be a text, not a value of type object'],
    [{ ...login, securityProtocol: 'SSL' }, 'nobody does with "security.protocol" SSL: make it SASL_SSL'],
    [{ ...login, bootstrapServers: 'SSL://a:1' }, '"bootstrap.servers" says SSL, and "security.protocol" SASL_SSL'],
    [{ bootstrapServers: 'SSL://a:1,PLAINTEXT://b:1' }, 'all must be of one kind'],
    [{ ...login, ssl: true }, '"ssl" is the short form of "securityProtocol"'],
    [{ sasl: { mechanism: 'PLAIN', username: 'alice', password: SECRET } }, 'whether passwords go over TLS'],
    [{ ssl: true, sasl: { mechanism: 'PLAIN', username: 'alice' } }, 'user name and password must be texts'],
    [{ ssl: true, sasl: { mechanism: 'PLAIN', user: 'alice' } }, 'sasl has no option "user"'],
    [
      { ssl: true, sasl: { mechanism: 'OAUTHBEARER', username: 'a', password: SECRET } },
      'takes an oauthBearerProvider',
    ],
    [
      { ...login, sslTruststoreLocation: '/no/such' },
      'The file /no/such of "ssl.truststore.location" can\'t be read: it does not exist',
    ],
    [{ saslJaasConfg: PLAIN }, 'createClient has no option "saslJaasConfg". Did you mean "saslJaasConfig"?'],
    [{ ...login, saslMechanism: 'OAUTHBEARER', saslJaasConfig: `${OAUTH};` }, 'must say where tokens come from'],
    [
      {
        ...login,
        saslMechanism: 'OAUTHBEARER',
        saslJaasConfig: `${OAUTH};`,
        saslOauthbearerTokenEndpointUrl: TOKEN_URL,
      },
      'must say who asks for tokens',
    ],
    [
      {
        ...login,
        saslMechanism: 'OAUTHBEARER',
        saslJaasConfig: `${OAUTH} clientId="a" clientSecret="${SECRET}";`,
        saslOauthbearerTokenEndpointUrl: 'login.example',
      },
      'is the URL of no provider',
    ],
    [
      { ...login, saslClientCallbackHandlerClass: 'software.amazon.msk.auth.iam.IAMClientCallbackHandler' },
      'is Java’s; in code give sasl',
    ],
  ])('%j is refused', (options, message) => expect(refused(options)).toContain(message));
});

describe('in a file', () => {
  test('has Kafka’s names, of which those about security are taken', () => {
    const given = {
      'security.protocol': 'SASL_SSL',
      'sasl.mechanism': 'PLAIN',
      acks: 'all',
      'ssl.provider': 'SunJSSE',
      'sasl.oauthbearer.header.urlencode': 'true',
    };
    expect(securityOptionsOf(given)).toEqual({
      securityProtocol: 'SASL_SSL',
      saslMechanism: 'PLAIN',
      saslOauthbearerHeaderUrlencode: true,
    });
    // Each of the table's names has one in camel case.
    const all = Object.fromEntries(Object.entries(securitySettings).map(([name, setting]) => [name, setting.default]));
    expect(Object.keys(securityOptionsOf(all))).toHaveLength(Object.keys(securitySettings).length);
    expect(() => createClient(securityOptionsOf(all))).not.toThrow();
  });

  test.each<[Record<string, string>, string]>([
    [{ 'security.protocol': 'TLS' }, 'Invalid value "TLS" for "consumer.security.protocol"'],
    [{ 'ssl.keystore.locatoin': 'x' }, 'Unknown setting "consumer.ssl.keystore.locatoin"'],
    [{ 'ssl.engine.factory.class': 'a.b.C' }, 'Java’s classes can’t be loaded'],
    [{ 'sasl.oauthbearer.assertion.file': 'x' }, 'assertions are not supported'],
  ])('%j is refused', (given, message) =>
    expect(refusal(() => securityOptionsOf(given, 'consumer.'))).toContain(message),
  );
});

describe('tokens', () => {
  const jwt = (exp: number): string => `e30.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.`;
  const tokensOf = (make: () => OauthToken, environment: ManualEnvironment) =>
    new Tokens(ownTokens(make), 0.8, environment);

  test('are used for most of their lives, and made once for all who wait', async () => {
    const environment = new ManualEnvironment(1_000_000);
    let made = 0;
    const tokens = tokensOf(() => ({ value: jwt(1000 + 100 * ++made) }), environment);
    const [first, second] = await Promise.all([tokens.current(), tokens.current()]);
    expect(first).toBe(second);
    environment.advance(79_000);
    expect(await tokens.current()).toBe(first);
    environment.advance(2_000);
    expect(await tokens.current()).not.toBe(first);
    expect(made).toBe(2);
  });

  test('that are still good are used when there is no other', async () => {
    const environment = new ManualEnvironment();
    let isDown = false;
    const tokens = tokensOf(() => {
      if (isDown) throw new Error('down');
      return { value: 'opaque', expiresAtMs: 100_000 };
    }, environment);
    const first = await tokens.current();
    isDown = true;
    environment.advance(99_000);
    expect(await tokens.current()).toBe(first);
    environment.advance(1_000);
    await expect(tokens.current()).rejects.toMatchObject({ code: 'TOKEN_UNAVAILABLE', retriable: true });
  });

  test('that do not say how long they live are made for each connection', async () => {
    let made = 0;
    const tokens = tokensOf(() => ({ value: `t${++made}` }), new ManualEnvironment());
    expect([await tokens.current(), await tokens.current()]).toEqual([{ value: 't1' }, { value: 't2' }]);
  });

  test.each<[OauthToken, string]>([
    [{ value: '' }, 'has none in "value"'],
    [{ value: `${SECRET}\x01` }, 'one that can’t be sent'],
    [{ value: 't', extensions: { auth: 'x' } }, 'The extension "auth"'],
    [{ value: 't', extensions: { id: `${SECRET}\x01` } }, 'The extension "id"'],
  ])('like %j are refused', async (token, message) => {
    const error: unknown = await tokensOf(() => token, new ManualEnvironment())
      .current()
      .catch((thrown: unknown) => thrown);
    expect(String(error)).toContain(message);
    expect(inspect(error)).not.toContain(SECRET);
  });
});
