/**
 * Where the broker listens and how that is secured, from Kafka's settings: `listeners` with a name for each, the security
 * protocol that a name stands for, what clients are told to connect to, and settings that are one listener's own.
 */
import type { BrokerAddress } from '../../protocol/index.ts';
import { type LoginModule, parseJaasConfig } from '../../security/index.ts';
import { type GivenSettings, MillraceError } from '../../util/index.ts';
import { securitySettings } from '../security-settings.ts';
import { type BrokerSettings, readBrokerSettings } from '../settings.ts';

export const SECURITY_PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const;
export type SecurityProtocol = (typeof SECURITY_PROTOCOLS)[number];

export interface ListenerConfig {
  /** In capital letters, as Kafka writes them. */
  readonly name: string;
  readonly protocol: SecurityProtocol;
  readonly address: BrokerAddress;
  /** What clients are told to connect to; undefined: the address itself. */
  readonly advertised: BrokerAddress | undefined;
  /** The broker's, with those of this listener over them. */
  readonly settings: BrokerSettings;
  /** The same with those of one mechanism of SASL over them. */
  readonly settingsOf: (mechanism: string) => BrokerSettings;
  readonly loginModuleOf: (mechanism: string) => LoginModule | undefined;
}

const PREFIX = 'listener.name.';
const ENTRY = /^(?:([A-Za-z][\w-]*):\/\/)?(\[[0-9a-fA-F:.]+\]|[^:/\s]*):(\d{1,5})\/?$/;
/** What a listener may have for itself; the others are the whole broker's. */
const OF_LISTENERS = /^(ssl\.|sasl\.|connections\.max\.|connection\.failed\.|max\.connections)/;

export function isListenerSetting(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** A listener without any security, as programs open that have their own broker. */
export function plainListener(address: BrokerAddress, given: GivenSettings): ListenerConfig {
  return listenerOf('PLAINTEXT', address, given, addressesIn('advertised.listeners', given['advertised.listeners']));
}

/** The listeners for clients, in their order. Throws `INVALID_CONFIG`. */
export function readListeners(text: string, given: GivenSettings): ListenerConfig[] {
  const { settings } = layered(given, []);
  const controllers = namesIn(settings['controller.listener.names']);
  const advertised = addressesIn('advertised.listeners', given['advertised.listeners']);
  const entries = addressesIn('listeners', text).filter(({ name }) => !controllers.includes(name));
  if (entries.length === 0)
    throw invalid('"listeners" has no listener for clients: it is like PLAINTEXT://127.0.0.1:9092');
  const names = entries.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw invalid(`"listeners" has ${twice} twice: each listener has a name of its own`);
  const nobodys = advertised.find(
    ({ isNamed, name }) => isNamed && !names.includes(name) && !controllers.includes(name),
  );
  if (nobodys !== undefined)
    throw invalid(`"advertised.listeners" has ${nobodys.name}, which is not among "listeners"`);
  const between = settings['inter.broker.listener.name'].toUpperCase();
  if (between !== '' && !names.includes(between)) {
    throw invalid(`"inter.broker.listener.name" is ${between}, which is not among "listeners"`);
  }
  checkOverrides(given, [...names, ...controllers]);
  return entries.map(({ name, address }) => listenerOf(name, address, given, advertised));
}

function listenerOf(
  name: string,
  address: BrokerAddress,
  given: GivenSettings,
  advertised: readonly NamedAddress[],
): ListenerConfig {
  const { settings } = layered(given, [name]);
  const protocol = protocolOf(name, settings['listener.security.protocol.map']);
  const ownAddress = advertised.find((each) => (each.isNamed ? each.name === name : advertised.length === 1));
  return {
    name,
    protocol,
    address,
    advertised: ownAddress?.address,
    settings,
    settingsOf: (mechanism) => layered(given, [name, mechanism]).settings,
    loginModuleOf(mechanism) {
      const setting = `${PREFIX}${name.toLowerCase()}.${mechanism.toLowerCase()}.sasl.jaas.config`;
      const value = valueOf(given, setting);
      return value === undefined ? undefined : parseJaasConfig(setting, String(value));
    },
  };
}

function protocolOf(name: string, map: string): SecurityProtocol {
  const protocols = new Map<string, string>();
  for (const entry of map.split(',').map((each) => each.trim())) {
    const [, listener, protocol] = /^([\w-]+)\s*:\s*(\w+)$/.exec(entry) ?? [];
    const known = SECURITY_PROTOCOLS.find((each) => each === protocol?.toUpperCase());
    if (listener === undefined || known === undefined) {
      throw invalid(
        `"listener.security.protocol.map" has "${entry}": it is a listener's name, a colon and one of ${SECURITY_PROTOCOLS.join(', ')}`,
      );
    }
    protocols.set(listener.toUpperCase(), known);
  }
  // A map that leaves a protocol's own name out still leaves it its meaning.
  const found = protocols.get(name) ?? name;
  const protocol = SECURITY_PROTOCOLS.find((each) => each === found);
  if (protocol !== undefined) return protocol;
  throw invalid(`the listener ${name} has no security protocol: say which in "listener.security.protocol.map"`);
}

// ── Settings of one listener ──────────────────────────────────────────────────────────────────────────────────────

/** The settings of the broker, with those of a listener and of a mechanism in it over them. */
function layered(
  given: GivenSettings,
  [listener, mechanism]: readonly string[],
): { readonly settings: BrokerSettings } {
  const merged: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(given)) if (!isListenerSetting(name)) merged[name] = value;
  const prefixes = listener === undefined ? [] : [`${PREFIX}${listener.toLowerCase()}.`];
  if (mechanism !== undefined) prefixes.push(`${prefixes[0]}${mechanism.toLowerCase()}.`);
  for (const prefix of prefixes) {
    for (const [name, value] of Object.entries(given)) {
      const rest = name.slice(prefix.length);
      if (name.toLowerCase().startsWith(prefix) && Object.hasOwn(securitySettings, rest)) merged[rest] = value;
    }
  }
  return { settings: readBrokerSettings(merged) };
}

/** What stands behind a listener's name must be a setting that a listener may have, or a mechanism may. */
function checkOverrides(given: GivenSettings, listeners: readonly string[]): void {
  for (const name of Object.keys(given).filter(isListenerSetting)) {
    const rest = name.slice(PREFIX.length);
    const listener = listeners.find((each) => rest.toLowerCase().startsWith(`${each.toLowerCase()}.`));
    if (listener === undefined) throw invalid(`"${name}" is for a listener that is not among "listeners"`);
    const setting = rest
      .slice(listener.length + 1)
      .replace(/^(plain|scram-sha-256|scram-sha-512|oauthbearer|gssapi)\./i, '');
    const isKnown = Object.hasOwn(securitySettings, setting) || setting === 'max.connections';
    if (!isKnown || !OF_LISTENERS.test(setting)) throw invalid(`"${name}": a listener has no setting "${setting}"`);
  }
}

function valueOf(given: GivenSettings, wanted: string): string | number | boolean | undefined {
  return Object.entries(given).find(([name]) => name.toLowerCase() === wanted)?.[1];
}

// ── Addresses ─────────────────────────────────────────────────────────────────────────────────────────────────────

interface NamedAddress {
  readonly name: string;
  /** False where only `host:port` stands. */
  readonly isNamed: boolean;
  readonly address: BrokerAddress;
}

/** `NAME://host:port` or `host:port`, separated by commas. An empty host means every address. */
function addressesIn(setting: string, value: string | number | boolean | undefined): NamedAddress[] {
  return namesIn(String(value ?? ''), false).map((entry) => {
    const [, name, host, port] = ENTRY.exec(entry) ?? [];
    if (host === undefined || Number(port) > 65_535) {
      throw invalid(`"${setting}" has "${entry}": it is like PLAINTEXT://127.0.0.1:9092`);
    }
    return {
      name: (name ?? 'PLAINTEXT').toUpperCase(),
      isNamed: name !== undefined,
      address: { host: host.replace(/^\[|\]$/g, '') || '0.0.0.0', port: Number(port) },
    };
  });
}

function namesIn(text: string, areNames = true): string[] {
  return text
    .split(',')
    .map((each) => (areNames ? each.trim().toUpperCase() : each.trim()))
    .filter((each) => each !== '');
}

function invalid(message: string): MillraceError {
  return new MillraceError('INVALID_CONFIG', `${message.charAt(0).toUpperCase()}${message.slice(1)}.`);
}
