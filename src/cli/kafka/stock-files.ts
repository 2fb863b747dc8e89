/**
 * The originals' files of properties, as they ship and as people have changed them, become settings of the platform: the same
 * name may mean another thing in another program's file (`listeners` is the registry's in the registry's file), and what has no meaning here is told of and passed over. What no program has is left for the platform to refuse.
 */
import { knowsSetting, readPropertiesFile } from '../../platform/index.ts';
import { createClient, isSecuritySetting } from '../../client/index.ts';
import { codeOf } from '../../util/index.ts';
import { isForeign, type Program } from './foreign-settings.ts';

/** What stands in front of a program's settings in the platform's, by what is tried first. */
const PREFIXES: Readonly<Record<Program, readonly string[]>> = {
  kafka: [''],
  'schema-registry': ['schema.registry.'],
  ksql: ['ksql.', 'ksql.streams.'],
  'kafka-rest': ['kafka.rest.'],
};

/** Where a program's brokers are named. */
const BROKERS: Readonly<Partial<Record<Program, string>>> = {
  'schema-registry': 'kafkastore.bootstrap.servers',
  ksql: 'bootstrap.servers',
  'kafka-rest': 'bootstrap.servers',
};

/** What stands before the settings of a program's clients in its file, by what is in force first. */
const CLIENTS: Readonly<Partial<Record<Program, readonly string[]>>> = {
  'schema-registry': ['kafkastore.'],
  ksql: ['ksql.streams.', ''],
  'kafka-rest': ['client.', 'admin.', 'producer.', 'consumer.'],
};

/** Old names, and what they are called today. */
const RENAMED: Readonly<Record<string, string>> = { 'broker.id': 'node.id' };

export interface StockSettings {
  readonly settings: Readonly<Record<string, string>>;
  /** What there is to tell. */
  readonly notices: readonly string[];
}

/** The settings in a file of one of the programs, with those in force instead of what it says. */
export async function stockSettings(
  program: Program,
  file: string | undefined,
  overrides: readonly (readonly [string, string])[],
): Promise<StockSettings> {
  const given = { ...(file === undefined ? {} : readPropertiesFile(file)), ...Object.fromEntries(overrides) };
  const settings: Record<string, string> = {};
  const notices: string[] = [];
  const passedOver: string[] = [];
  const access = accessIn(program, given);
  for (const [name, value] of Object.entries(given)) {
    if (name === BROKERS[program]) Object.assign(settings, await brokersAt(value, access));
    else if (!isOfClients(program, name)) {
      const own = PREFIXES[program].map((prefix) => RENAMED[name] ?? `${prefix}${name}`).find(knowsSetting);
      const isPassedOver = own === undefined ? isForeign(program, name) : isForeignOfListener(name);
      if (isPassedOver) passedOver.push(name);
      else settings[own ?? name] = value;
    }
  }
  if (settings['bootstrap.servers'] !== undefined) Object.assign(settings, access);
  if (passedOver.length > 0) notices.push(`Passed over, as they have no meaning here: ${passedOver.join(', ')}.`);
  return { settings, notices };
}

/** How the program's clients get in to its brokers, under Kafka's own names. */
function accessIn(program: Program, given: Readonly<Record<string, string>>): Record<string, string> {
  const access: Record<string, string> = {};
  for (const prefix of CLIENTS[program]?.toReversed() ?? []) {
    for (const [name, value] of Object.entries(given)) {
      if (name.startsWith(prefix) && isSecuritySetting(name.slice(prefix.length)))
        access[name.slice(prefix.length)] = value;
    }
  }
  // ksqlDB's listeners have the same names: where brokers are not spoken to over TLS, these are theirs alone.
  const isOverTls = access['security.protocol']?.endsWith('SSL') === true;
  return isOverTls ? access : Object.fromEntries(Object.entries(access).filter(([name]) => !name.startsWith('ssl.')));
}

/** Whether a setting is of the program's clients, and of nothing else. */
function isOfClients(program: Program, name: string): boolean {
  return (CLIENTS[program] ?? []).some((prefix) => {
    if (!name.startsWith(prefix) || !isSecuritySetting(name.slice(prefix.length))) return false;
    return prefix !== '' || !name.startsWith('ssl.');
  });
}

/** Whether a file is Apache Kafka's own: it has settings that a broker has there and nothing has here. */
export function isKafkaFile(file: string): boolean {
  return Object.keys(readPropertiesFile(file)).some((name) => !knowsSetting(name) && isForeign('kafka', name));
}

/** `listener.name.<listener>.[<mechanism>.]…`: what is one listener's, and has no meaning here for any. */
function isForeignOfListener(name: string): boolean {
  const [, setting] = /^listener\.name\.[^.]+\.(.+)$/.exec(name) ?? [];
  if (setting === undefined) return false;
  const ofMechanism = setting.replace(/^(plain|scram-sha-\d+|oauthbearer|gssapi)\./i, '');
  return !knowsSetting(ofMechanism) && isForeign('kafka', ofMechanism);
}

/**
 * Brokers on this machine that nobody answers for are the platform's own: the originals' files name the broker that is to
 * be started beside them. All others are a cluster that is there.
 */
async function brokersAt(text: string, access: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const isSecured = /\b(?:SSL|SASL_PLAINTEXT|SASL_SSL):\/\//.test(text);
  if (isSecured || (access['security.protocol'] ?? 'PLAINTEXT') !== 'PLAINTEXT') return { 'bootstrap.servers': text };
  const brokers = text
    .split(',')
    .map((each) => each.trim().replace(/^[A-Z_]+:\/\//, ''))
    .join(',');
  const isHere = /^(localhost|127\.0\.0\.1):\d+$/.test(brokers);
  if (!isHere || (await isAnswered(brokers))) return { 'bootstrap.servers': brokers };
  return { listeners: `PLAINTEXT://${brokers}` };
}

async function isAnswered(bootstrapServers: string): Promise<boolean> {
  const client = createClient({ bootstrapServers });
  try {
    await client.admin().clusterId();
    return true;
  } catch (error) {
    if (codeOf(error) === 'CONNECTION_FAILED') return false;
    throw error;
  } finally {
    await client.close();
  }
}
