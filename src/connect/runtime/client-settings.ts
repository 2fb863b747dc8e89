// What a connector's settings and the worker's say to the clients beneath them: `producer.…` and `consumer.…` of the worker,
// `producer.override.…` and `consumer.override.…` of a connector, where the worker's policy lets it.
import {
  type ConsumerSettings,
  isSecuritySetting,
  type ProducerSettings,
  type SecurityOptions,
  securityOptionsOf,
} from '../../client/index.ts';
import { type RawConfig, withPrefix } from '../api/config-def.ts';
import { ConfigError } from '../data/errors.ts';

/** `connector.client.config.override.policy`. */
export type OverridePolicy = 'All' | 'None' | 'Principal';

type Read = (text: string, name: string) => string | number | boolean;

const text: Read = (given) => given.trim();
const number: Read = (given, name) => {
  const value = Number(given);
  if (given.trim() === '' || !Number.isSafeInteger(value))
    throw new ConfigError(`Invalid value ${given} for configuration ${name}: Not a number`);
  return value;
};
const flag: Read = (given, name) => {
  if (given !== 'true' && given !== 'false')
    throw new ConfigError(
      `Invalid value ${given} for configuration ${name}: Expected value to be either true or false`,
    );
  return given === 'true';
};
const acks: Read = (given, name) => (given === 'all' ? 'all' : number(given, name));

/** Kafka's names for what our producer can be told. */
const PRODUCER: Readonly<Record<string, readonly [keyof ProducerSettings, Read]>> = {
  acks: ['acks', acks],
  'compression.type': ['compressionType', text],
  'linger.ms': ['lingerMs', number],
  'batch.size': ['batchSize', number],
  'enable.idempotence': ['enableIdempotence', flag],
  'transaction.timeout.ms': ['transactionTimeoutMs', number],
  'delivery.timeout.ms': ['deliveryTimeoutMs', number],
  'max.block.ms': ['maxBlockMs', number],
  'max.request.size': ['maxRequestSize', number],
};

/** Kafka's names for what our consumer can be told. */
const CONSUMER: Readonly<Record<string, readonly [keyof ConsumerSettings, Read]>> = {
  'group.id': ['groupId', text],
  'group.instance.id': ['groupInstanceId', text],
  'client.id': ['clientId', text],
  'auto.offset.reset': ['autoOffsetReset', text],
  'isolation.level': ['isolationLevel', text],
  'session.timeout.ms': ['sessionTimeoutMs', number],
  'heartbeat.interval.ms': ['heartbeatIntervalMs', number],
  'max.poll.interval.ms': ['rebalanceTimeoutMs', number],
  'max.partition.fetch.bytes': ['maxPartitionFetchBytes', number],
  'fetch.max.bytes': ['fetchMaxBytes', number],
  'fetch.max.wait.ms': ['fetchMaxWaitMs', number],
  'fetch.min.bytes': ['fetchMinBytes', number],
  'check.crcs': ['checkCrcs', flag],
};

export type ClientKind = 'producer' | 'consumer' | 'admin';

/** What a connector may say of its clients where the policy is `Principal`: as whom they get in. */
const PRINCIPAL = ['security.protocol', 'sasl.mechanism', 'sasl.jaas.config'];

/** The settings of a connector's producers, and what is said in vain. */
export function producerSettings(worker: RawConfig, connector: RawConfig, policy: OverridePolicy): ProducerSettings {
  return { ...read(PRODUCER, 'producer.', worker), ...overrides(PRODUCER, 'producer.override.', connector, policy) };
}

/** The settings of a sink's consumers. */
export function consumerSettings(worker: RawConfig, connector: RawConfig, policy: OverridePolicy): ConsumerSettings {
  return { ...read(CONSUMER, 'consumer.', worker), ...overrides(CONSUMER, 'consumer.override.', connector, policy) };
}

/**
 * How clients of one kind get in to the cluster, where the worker's settings or a connector's have them do so otherwise than the
 * worker; empty: they don't.
 */
export function accessOf(
  kind: ClientKind,
  worker: RawConfig,
  connector: RawConfig,
  policy: OverridePolicy,
): SecurityOptions {
  const override = `${kind}.override.`;
  checkPolicy(override, connector, policy);
  const given = Object.entries(withPrefix(`${kind}.`, worker)).filter(([name]) => !name.startsWith('override.'));
  // What the worker itself has is no difference.
  const others = given.filter(([name, value]) => worker[name] !== value);
  return {
    ...securityOptionsOf(Object.fromEntries(others), `${kind}.`),
    ...securityOptionsOf(withPrefix(override, connector), override),
  };
}

/** Refuses settings of clients that a connector may not have. */
function checkPolicy(prefix: string, connector: RawConfig, policy: OverridePolicy): void {
  const names = Object.keys(withPrefix(prefix, connector));
  const refused = names.find((name) => policy === 'None' || (policy === 'Principal' && !PRINCIPAL.includes(name)));
  if (refused !== undefined)
    throw new ConfigError(
      `The '${policy}' policy does not allow '${prefix}${refused}' to be overridden in the connector configuration.`,
    );
}

function overrides(
  table: typeof PRODUCER | typeof CONSUMER,
  prefix: string,
  connector: RawConfig,
  policy: OverridePolicy,
) {
  checkPolicy(prefix, connector, policy);
  return read(table, prefix, connector);
}

function read<T extends typeof PRODUCER | typeof CONSUMER>(table: T, prefix: string, given: RawConfig) {
  const found: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(withPrefix(prefix, given))) {
    if (name.startsWith('override.')) continue;
    const known = table[name];
    if (known !== undefined) found[known[0]] = known[1](value, prefix + name);
    else if (isSecuritySetting(name)) continue;
    else if (prefix.includes('override') && name === 'bootstrap.servers')
      throw new ConfigError(`${prefix}${name}: connectors write and read on the cluster of their worker`);
  }
  return found;
}

const METADATA_AGE = 'metadata.max.age.ms';
const USUAL_METADATA_AGE_MS = 10_000;

/** How old what a sink knows of topics may become, ms. Kafka's default is five minutes, in which a new topic goes unseen. */
export function metadataAgeOf(worker: RawConfig, connector: RawConfig): number {
  const given = connector[`consumer.override.${METADATA_AGE}`] ?? worker[`consumer.${METADATA_AGE}`];
  return given === undefined ? USUAL_METADATA_AGE_MS : Number(number(given, METADATA_AGE));
}

/** The consumer group of a sink. */
export function groupOf(connector: string): string {
  return `connect-${connector}`;
}
