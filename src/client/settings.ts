// What a client is told, under Kafka's names: where its cluster is, and how its connections are secured. This table is the only
// place that has those names. In code they are in
// camel case (`sasl.mechanism` is `saslMechanism`), in files and on command lines as they stand here.
import { endpointIdentification, JAVA_SSL_SETTINGS, sslSettings } from '../security/settings.ts';
import {
  booleanSetting,
  doubleSetting,
  intSetting,
  MillraceError,
  type Option,
  parseSetting,
  secretSetting,
  type Setting,
  type SettingTable,
  type SettingValue,
  stringSetting,
  type ValuesOf,
} from '../util/index.ts';

export const SECURITY_PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const;
export type SecurityProtocol = (typeof SECURITY_PROTOCOLS)[number];

/** Kafka's settings of clients about security, as a table that is read as all settings are. */
export const securitySettings = {
  'security.protocol': stringSetting(
    'PLAINTEXT',
    'How brokers are spoken to: whether over TLS (`SSL`), and whether with a login (`SASL_`).',
    SECURITY_PROTOCOLS,
  ),
  ...sslSettings,
  'ssl.endpoint.identification.algorithm': endpointIdentification,
  'sasl.mechanism': stringSetting(
    '',
    'How the client logs in: `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` or `OAUTHBEARER`.',
  ),
  'sasl.jaas.config': secretSetting(
    'Who logs in, in the form of Java’s JAAS: `org.apache.kafka.common.security.plain.PlainLoginModule required username="…" password="…";`.',
  ),
  'sasl.oauthbearer.token.endpoint.url': stringSetting(
    '',
    'Where tokens come from: the `https:` URL of an identity provider, or the `file:` URL of a file with a token.',
  ),
  'sasl.oauthbearer.client.credentials.client.id': stringSetting('', 'The name that tokens are asked for with.'),
  'sasl.oauthbearer.client.credentials.client.secret': secretSetting('The secret that tokens are asked for with.'),
  'sasl.oauthbearer.scope': stringSetting('', 'What tokens are asked for to be good for.'),
  'sasl.oauthbearer.header.urlencode': booleanSetting(
    false,
    'Whether name and secret are encoded for URLs before they go into the request’s header (RFC 6749, 2.3.1).',
  ),
  'sasl.login.connect.timeout.ms': intSetting(10_000, 'How long to wait for a connection to the provider.', 1),
  'sasl.login.read.timeout.ms': intSetting(10_000, 'How long to wait for the provider’s answer.', 1),
  'sasl.login.refresh.window.factor': doubleSetting(
    0.8,
    'The part of a token’s life after which the next connection asks for another one.',
    0.5,
    1,
  ),
  'sasl.login.callback.handler.class': stringSetting('', 'Of Java’s; those of OAUTHBEARER are taken for what they do.'),
  'sasl.client.callback.handler.class': stringSetting('', 'Of Java’s; none is taken.'),
} as const satisfies SettingTable;

export type SecuritySetting = keyof typeof securitySettings;
export type SecurityValues = ValuesOf<typeof securitySettings>;

type CamelCase<S extends string> = S extends `${infer Head}.${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;

/**
 * How connections are secured: Kafka's settings of clients (`security.protocol`, `ssl.…`, `sasl.…`) in camel case. Each has
 * the type and the default of docs/reference/settings.md.
 */
export type SecurityOptions = {
  readonly [K in SecuritySetting as CamelCase<K>]?: SecurityValues[K];
};

/** Where a cluster is, and how to get in: plain data, which may come from a file, and go to another thread. */
export interface ClusterOptions extends SecurityOptions {
  /** `host:port`, several separated by commas. Default `127.0.0.1:9092`. */
  readonly bootstrapServers?: string;
  /** What the client calls itself to brokers. */
  readonly clientId?: string;
  /** How old what is known about topics may become before it is asked for again, ms. Default 300 000. */
  readonly metadataMaxAgeMs?: number;
}

const clusterSettings = {
  'bootstrap.servers': stringSetting('', 'The brokers to ask first.'),
  'client.id': stringSetting('', 'What the client calls itself to brokers.'),
  'metadata.max.age.ms': intSetting(300_000, 'How old what is known about topics may become.', 0),
} as const satisfies SettingTable;

/** What Java's clients are told besides and nobody else needs. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  ...JAVA_SSL_SETTINGS,
  'sasl.kerberos.kinit.cmd',
  'sasl.kerberos.min.time.before.relogin',
  'sasl.kerberos.service.name',
  'sasl.kerberos.ticket.renew.jitter',
  'sasl.kerberos.ticket.renew.window.factor',
  'sasl.login.refresh.buffer.seconds',
  'sasl.login.refresh.min.period.seconds',
  'sasl.login.refresh.window.jitter',
  'sasl.login.retry.backoff.max.ms',
  'sasl.login.retry.backoff.ms',
  'sasl.oauthbearer.clock.skew.seconds',
  'sasl.oauthbearer.scope.claim.name',
  'sasl.oauthbearer.sub.claim.name',
]);

/** What can't be done here, with what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  'ssl.engine.factory.class': 'Java’s classes can’t be loaded: name the stores by ssl.keystore.… and ssl.truststore.…',
  'security.providers': 'Java’s classes can’t be loaded: TLS is Node’s own',
  'sasl.login.class': 'Java’s classes can’t be loaded: name the login by sasl.mechanism and sasl.jaas.config',
  'sasl.oauthbearer.jwt.retriever.class': 'Java’s classes can’t be loaded: give sasl.oauthbearer.token.endpoint.url',
  'sasl.oauthbearer.jwt.validator.class': 'Java’s classes can’t be loaded: tokens are looked at by brokers',
  'sasl.oauthbearer.jwks.endpoint.url': 'clients don’t check tokens: leave it out, it is a setting of brokers',
};

const names = Object.keys(securitySettings) as SecuritySetting[];
const nameByCamel: ReadonlyMap<string, SecuritySetting> = new Map(names.map((name) => [camelOf(name), name]));

/** Whether a setting of Kafka's clients is about how connections are secured. */
export function isSecuritySetting(name: string): boolean {
  return /^(security|ssl|sasl)\./.test(name);
}

/**
 * Of a client's settings under Kafka's names those about security, as options of `createClient`. Throws INVALID_CONFIG for a
 * value that can't be, and for what can't be done here; `prefix` is what stands before the names where they were written.
 */
export function securityOptionsOf(given: Readonly<Record<string, SettingValue>>, prefix = ''): SecurityOptions {
  const options: Record<string, SettingValue> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!isSecuritySetting(name) || WITHOUT_EFFECT.has(name)) continue;
    const refusal = REFUSED[name] ?? (name.startsWith('sasl.oauthbearer.assertion.') ? ASSERTIONS : undefined);
    if (refusal !== undefined) throw new MillraceError('INVALID_CONFIG', `"${prefix}${name}": ${refusal}.`);
    if (!Object.hasOwn(securitySettings, name)) {
      throw new MillraceError(
        'INVALID_CONFIG',
        `Unknown setting "${prefix}${name}": Kafka's clients have none of that name.`,
      );
    }
    options[camelOf(name)] = parseSetting(prefix + name, securitySettings[name as SecuritySetting], String(value));
  }
  return options;
}

/**
 * Of a client's settings under Kafka's names those that say where the cluster is, and how to get in, as options of
 * `createClient`; those of producers and consumers are left alone. Throws as `securityOptionsOf` does.
 */
export function clientOptionsOf(given: Readonly<Record<string, SettingValue>>, prefix = ''): ClusterOptions {
  const options: Record<string, SettingValue> = {};
  for (const [name, setting] of Object.entries(clusterSettings)) {
    const value = given[name];
    if (value !== undefined) options[camelOf(name)] = parseSetting(prefix + name, setting, String(value));
  }
  return { ...options, ...securityOptionsOf(given, prefix) };
}

const ASSERTIONS = 'assertions are not supported: use a client’s name and secret, or a token function of your own';

/** Kafka's names and values for what was given in camel case, with the defaults of what was not. */
export function securityValuesOf(options: SecurityOptions): SecurityValues {
  const given = options as Readonly<Record<string, SettingValue | undefined>>;
  return Object.fromEntries(
    names.map((name) => [name, given[camelOf(name)] ?? securitySettings[name].default]),
  ) as SecurityValues;
}

/** Options of a client among others, and the others. */
export function splitSecurity<T extends SecurityOptions>(
  options: T,
): { readonly security: SecurityOptions; readonly others: Omit<T, keyof SecurityOptions> } {
  const isOne = ([name]: readonly [string, unknown]): boolean => nameByCamel.has(name);
  const entries = Object.entries(options);
  return {
    security: Object.fromEntries(entries.filter(isOne)),
    others: Object.fromEntries(entries.filter((entry) => !isOne(entry))) as Omit<T, keyof SecurityOptions>,
  };
}

/** What `createClient` takes of them, in camel case. */
export const securityOptions: Readonly<Record<string, Option>> = Object.fromEntries(
  [...nameByCamel].map(([camel, name]) => [camel, optionOf(securitySettings[name])]),
);

function optionOf(setting: Setting<unknown>): Option {
  const { oneOf, kind, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = setting;
  if (oneOf !== undefined) {
    return {
      accepts: (value) => oneOf.includes(value as string),
      wanted: `one of ${oneOf.map((one) => `"${one}"`).join(', ')}`,
    };
  }
  if (kind === 'string')
    return { accepts: (value) => typeof value === 'string', wanted: 'a text', isSecret: setting.isSecret === true };
  if (kind === 'boolean') return { accepts: (value) => typeof value === 'boolean', wanted: 'true or false' };
  const isWhole = kind !== 'double';
  return {
    accepts: (value) =>
      typeof value === 'number' && value >= min && value <= max && (!isWhole || Number.isSafeInteger(value)),
    wanted: `a ${isWhole ? 'whole ' : ''}number of ${min} or more`,
  };
}

function camelOf(name: string): string {
  return name.replaceAll(/\.(.)/g, (_, letter: string) => letter.toUpperCase());
}
