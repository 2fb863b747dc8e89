// What the platform itself is told: where data lives and where services listen. All other settings are those of its
// parts, under their own names, and are handed on to them.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { brokerSettings } from '../broker/settings.ts';
import { clientOptionsOf, type ClusterOptions, isSecuritySetting, securitySettings } from '../client/settings.ts';
import { type RestProxySettings, restProxySettings } from '../rest-proxy/settings.ts';
import { registrySettings } from '../schema-registry/settings.ts';
import { isProperty, sqlRestSettings } from '../sql/settings.ts';
import {
  booleanSetting,
  codeOf,
  type GivenSettings,
  MillraceError,
  propertiesIn,
  readSettings,
  settingNamed,
  type SettingTable,
  type SettingValue,
  stringSetting,
  type ValuesOf,
} from '../util/index.ts';

export const platformSettings = {
  'log.dirs': stringSetting('./millrace-data', 'The data directory: logs, state, everything that must not be lost.'),
  listeners: stringSetting(
    'PLAINTEXT://127.0.0.1:9092',
    'Where the broker listens for Kafka clients: one address, or several with a name for each, separated by commas.',
  ),
  'bootstrap.servers': stringSetting(
    '',
    'Brokers of an Apache Kafka cluster: the Schema Registry, SQL and the REST proxy run on that, and no broker is started here.',
  ),
  'schema.registry.listeners': stringSetting('http://127.0.0.1:8081', 'Where the Schema Registry listens.'),
  'kafka.rest.listeners': stringSetting(
    '',
    'Where the REST proxy listens: `http://127.0.0.1:8082`, if `millrace start` is not told otherwise. Empty: there is none.',
  ),
  'connect.listeners': stringSetting(
    '',
    'Where Kafka Connect listens: `http://127.0.0.1:8083`, if `millrace start` is not told otherwise. Empty: there is none. All other settings of a worker have `connect.` before their names.',
  ),
  'service.threads': booleanSetting(
    false,
    'Run the Schema Registry, SQL and the REST proxy in a thread of their own, Connect in another one, and queries in further ones (`ksql.streams.num.stream.threads`), so that the broker answers whatever they do. `millrace start` does, unless it is told not to.',
  ),
  'ksql.listeners': stringSetting('http://127.0.0.1:8088', 'Where SQL over HTTP listens.'),
} as const satisfies SettingTable;

/** What stands before the settings of one of the broker's listeners. */
const OF_LISTENER = 'listener.name.';
/** What stands before the settings of a worker of Connect. */
const CONNECT = 'connect.';

/** What stands before the settings of clients in the files of the services' originals, the longest first. */
const ACCESS_PREFIXES = ['kafka.rest.client.', 'kafkastore.', 'ksql.streams.', 'client.', ''];

export type PlatformSettings = ValuesOf<typeof platformSettings>;

export interface SplitSettings {
  readonly platform: PlatformSettings;
  /** The cluster that all runs on, and how to get in; undefined: a broker is started here. */
  readonly cluster: ClusterOptions | undefined;
  readonly broker: GivenSettings;
  readonly registry: GivenSettings;
  readonly restProxy: RestProxySettings;
  /** Of a worker of Connect, without what stands before them here. */
  readonly connect: GivenSettings;
  readonly sql: GivenSettings;
  readonly sqlRest: GivenSettings;
}

/** Gives every setting to the part that owns it. A name that nobody owns is refused, with a suggestion. */
export function splitSettings(given: GivenSettings): SplitSettings {
  const platform: Record<string, string | number | boolean> = {};
  const broker: Record<string, string | number | boolean> = {};
  const registry: Record<string, string | number | boolean> = {};
  const restProxy: Record<string, string | number | boolean> = {};
  const connect: Record<string, string | number | boolean> = {};
  const sql: Record<string, string | number | boolean> = {};
  const sqlRest: Record<string, string | number | boolean> = {};
  const isElsewhere = String(given['bootstrap.servers'] ?? '').trim() !== '';
  const access = new AccessSettings();
  for (const [name, value] of Object.entries(given)) {
    // The original's own spelling, where no other service has that setting.
    const ofRegistry = name.startsWith('authentication.') ? `schema.registry.${name}` : name;
    if (Object.hasOwn(platformSettings, name)) platform[name] = value;
    else if (isElsewhere && access.takes(name, value)) continue;
    else if (!isElsewhere && isForElsewhere(name)) {
      throw new MillraceError(
        'INVALID_CONFIG',
        `"${name}" says how to get in to a cluster that is elsewhere: name that by "bootstrap.servers", or leave it out.`,
      );
    } else if (Object.hasOwn(sqlRestSettings, name)) sqlRest[name] = value;
    else if (name.startsWith('ksql.')) sql[name] = value;
    else if (name.startsWith(OF_LISTENER)) broker[name] = value;
    else if (name.startsWith(CONNECT)) connect[name.slice(CONNECT.length)] = value;
    else if (Object.hasOwn(registrySettings, ofRegistry)) registry[ofRegistry] = value;
    else if (restProxyName(name) !== undefined) restProxy[restProxyName(name)!] = value;
    else {
      const known = { ...platformSettings, ...registrySettings, ...restProxySettings, ...brokerSettings };
      const meant = `schema.registry.${name}`;
      if (Object.hasOwn(registrySettings, meant) && !Object.hasOwn(known, name)) {
        throw new MillraceError('INVALID_CONFIG', `Which service is "${name}" for? The registry's is "${meant}".`);
      }
      settingNamed(known, name);
      broker[name] = value;
    }
  }
  const [unused] = ['listeners' in platform ? 'listeners' : [], Object.keys(broker)].flat();
  if (unused !== undefined && String(platform['bootstrap.servers'] ?? '') !== '') {
    throw new MillraceError(
      'INVALID_CONFIG',
      `"${unused}" is for the broker, and with "bootstrap.servers" none is started here: leave out one of them.`,
    );
  }
  const own = readSettings(platformSettings, platform);
  return {
    // Whole from the start: the directory that a relative path begins in may be removed, and Node never comes back from making
    // one in what is no more.
    platform: { ...own, 'log.dirs': resolve(own['log.dirs']) },
    cluster: isElsewhere ? { bootstrapServers: own['bootstrap.servers'], ...access.options() } : undefined,
    broker,
    registry,
    restProxy: readSettings(restProxySettings, restProxy),
    connect,
    sql,
    sqlRest,
  };
}

function accessPrefixOf(name: string): string | undefined {
  return ACCESS_PREFIXES.find((prefix) => name.startsWith(prefix) && isSecuritySetting(name.slice(prefix.length)));
}

/** Whether a setting makes sense for a cluster that is elsewhere only. */
function isForElsewhere(name: string): boolean {
  const prefix = accessPrefixOf(name);
  if (prefix !== '') return prefix !== undefined;
  return Object.hasOwn(securitySettings, name) && !Object.hasOwn(brokerSettings, name);
}

/**
 * How to get in to a cluster that is elsewhere: as the services' originals call it, and as Kafka does. All of a platform's services
 * get in as the same user.
 */
class AccessSettings {
  readonly #given = new Map<string, { readonly name: string; readonly value: SettingValue }>();

  /** Whether it is such a setting. Throws when another service's is said to be something else. */
  takes(name: string, value: SettingValue): boolean {
    const prefix = accessPrefixOf(name);
    if (prefix === undefined) return false;
    const bare = name.slice(prefix.length);
    const before = this.#given.get(bare);
    if (before !== undefined && String(before.value) !== String(value)) {
      throw new MillraceError(
        'INVALID_CONFIG',
        `"${before.name}" and "${name}" say different things: all services here get in to the cluster in the same way.`,
      );
    }
    this.#given.set(bare, { name, value });
    return true;
  }

  options(): ClusterOptions {
    return Object.assign(
      {},
      ...[...this.#given].map(([bare, { name, value }]) =>
        clientOptionsOf({ [bare]: value }, name.slice(0, name.length - bare.length)),
      ),
    ) as ClusterOptions;
  }
}

/** The full name of a setting of the REST proxy; those of its consumers have the original's own spelling, too. */
function restProxyName(name: string): string | undefined {
  const full = name.startsWith('consumer.') ? `kafka.rest.${name}` : name;
  return Object.hasOwn(restProxySettings, full) ? full : undefined;
}

/** Throws when a name is nobody's, or a value of the platform's own or of the broker's can't be one. */
export function checkSettings(given: GivenSettings): void {
  const { broker } = splitSettings(given);
  const ofAll = Object.entries(broker).filter(([name]) => !name.startsWith(OF_LISTENER));
  readSettings(brokerSettings, Object.fromEntries(ofAll));
}

/** Whether some part of the platform has a setting of this name. */
export function knowsSetting(name: string): boolean {
  const tables = [platformSettings, registrySettings, brokerSettings, sqlRestSettings];
  if (name.startsWith(OF_LISTENER)) return true;
  return tables.some((table) => Object.hasOwn(table, name)) || (name.startsWith('ksql.') && isProperty(name));
}

/** Reads a `.properties` file: `key=value` lines, `#` and `!` comments, a backslash at the end continues a line. */
export function readPropertiesFile(file: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const reason = codeOf(error) === 'ENOENT' ? 'it does not exist' : String(codeOf(error));
    throw new MillraceError('CONFIG_UNREADABLE', `The configuration file ${file} can't be read: ${reason}.`, {
      cause: error,
    });
  }
  const properties: Record<string, string> = {};
  for (const { key, value, line, hasSeparator } of propertiesIn(text)) {
    if (!hasSeparator)
      throw new MillraceError('INVALID_CONFIG', `${file}, line ${line}: "${key}" is not a key=value pair.`);
    properties[key] = value;
  }
  return properties;
}

/** `MILLRACE_NUM_PARTITIONS=3` is `num.partitions=3`. Variables of other purposes are left alone. */
export function settingsFromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const notSettings = new Set([
    'MILLRACE_HOME',
    'MILLRACE_BOOTSTRAP_SERVER',
    'MILLRACE_CLIENT_CONFIG',
    'MILLRACE_CONNECT_URL',
  ]);
  const settings: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('MILLRACE_') || notSettings.has(name) || value === undefined) continue;
    settings[name.slice('MILLRACE_'.length).toLowerCase().replaceAll('_', '.')] = value;
  }
  return settings;
}

/** `PLAINTEXT://host:port`, `http://host:port`, or `host:port`. An empty host means every address. */
export function parseListener(
  name: keyof PlatformSettings,
  text: string,
): { host: string; port: number; isTls: boolean } {
  const match = /^(?:([A-Za-z_]+):\/\/)?(\[[0-9a-fA-F:]+\]|[^:/]*):(\d{1,5})\/?$/.exec(text.trim());
  if (match === null || Number(match[3]) > 65535) {
    throw new MillraceError(
      'INVALID_CONFIG',
      `Invalid value "${text}" for "${name}": it must be like ${platformSettings[name].default || 'http://127.0.0.1:8082'}.`,
    );
  }
  const scheme = match[1]?.toUpperCase() ?? '';
  const isTls = scheme === 'HTTPS' || scheme === 'SSL';
  return { host: match[2]!.replace(/^\[|\]$/g, '') || '0.0.0.0', port: Number(match[3]), isTls };
}
