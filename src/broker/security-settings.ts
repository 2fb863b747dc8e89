/**
 * The settings that say who may connect, how, and what then is allowed, under Kafka's names. With `listener.name.<listener>.`
 * in front, one of them is for that listener only (`security/listeners.ts`).
 */
import { sslSettings } from '../security/index.ts';
import {
  booleanSetting as bool,
  intSetting as int,
  longSetting as long,
  secretSetting as secret,
  type Setting,
  stringSetting as text,
} from '../util/index.ts';

const INT_MAX = 0x7fffffff;

export const securitySettings = {
  'listener.security.protocol.map': text(
    'PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT',
    'How each listener is secured: its name, and PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.',
  ),
  'inter.broker.listener.name': text(
    '',
    'The listener for other brokers: checked, and otherwise without a meaning, as there are none.',
  ),
  'security.inter.broker.protocol': text('PLAINTEXT', 'For Kafka’s files; there are no other brokers.'),
  'sasl.mechanism.inter.broker.protocol': text('GSSAPI', 'For Kafka’s files; there are no other brokers.'),
  'controller.listener.names': text(
    'CONTROLLER',
    'Listeners of Kafka’s controllers: nothing listens there, as the broker is its own controller.',
  ),

  'sasl.enabled.mechanisms': text(
    '',
    'How clients may log in to listeners with SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, separated by commas.',
  ),
  'sasl.jaas.config': secret(
    'With `listener.name.<listener>.<mechanism>.` in front: the login module of a mechanism. PLAIN has its users in it, as `user_<name>="<password>"`.',
  ),
  'sasl.server.callback.handler.class': text(
    '',
    'With `listener.name.<listener>.oauthbearer.` in front: which of Kafka’s classes checks tokens; only their names are known here.',
  ),
  'sasl.server.max.receive.size': int(524_288, 'The largest request of a client that has not logged in.', 1),
  'connections.max.reauth.ms': long(
    0,
    'How long a login is good for: a client that has not logged in again by then is closed at its next request. 0: for ever.',
    0,
  ),
  'connection.failed.authentication.delay.ms': int(100, 'How long a failed login waits for its answer.', 0),
  'max.connections.per.ip': int(INT_MAX, 'Connections from one address; more are refused.', 0),
  'max.connections.per.ip.overrides': text(
    '',
    'Addresses that may have more or fewer, as `127.0.0.1:200`, separated by commas.',
  ),

  'sasl.oauthbearer.jwks.endpoint.url': text(
    '',
    'Where the keys are that tokens are signed with (JWKS): `https://…`, `http://…` or `file:///…`.',
  ),
  'sasl.oauthbearer.jwks.endpoint.refresh.ms': long(3_600_000, 'How often these keys are read again.', 1),
  'sasl.oauthbearer.jwks.endpoint.retry.backoff.ms': long(
    100,
    'How long an unsuccessful reading of keys is waited with before the next one.',
    1,
  ),
  'sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms': long(10_000, 'The longest such wait.', 1),
  'sasl.oauthbearer.expected.audience': text(
    '',
    'Names, separated by commas, of which a token’s `aud` must have one; empty: any.',
  ),
  'sasl.oauthbearer.expected.issuer': text('', 'What a token’s `iss` must be; empty: any.'),
  'sasl.oauthbearer.clock.skew.seconds': int(30, 'How wrong the clocks of those who issue tokens may be.', 0),
  'sasl.oauthbearer.scope.claim.name': text('scope', 'The claim of a token that has its scopes.'),
  'sasl.oauthbearer.sub.claim.name': text('sub', 'The claim of a token that has the name of the user.'),

  ...sslSettings,
  'ssl.client.auth': text('none', 'Whether clients of listeners with TLS have certificates.', [
    'none',
    'requested',
    'required',
  ]),
  'ssl.principal.mapping.rules': text(
    'DEFAULT',
    'How the name in a client’s certificate becomes a user: `RULE:pattern/replacement/[LU]`, separated by commas; DEFAULT: as it is.',
  ),

  'authorizer.class.name': text(
    '',
    'With `org.apache.kafka.metadata.authorizer.StandardAuthorizer` access rules (ACLs) are in force; empty: everybody may do everything.',
    [
      '',
      'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'kafka.security.authorizer.AclAuthorizer',
      'io.confluent.kafka.security.authorizer.ConfluentServerAuthorizer',
    ],
  ),
  'super.users': text('', 'Who may do everything, as `User:alice;User:CN=bob,O=Example`.'),
  'allow.everyone.if.no.acl.found': bool(false, 'Whether everybody may do what no access rule is about.'),
} as const satisfies Record<string, Setting<unknown>>;
