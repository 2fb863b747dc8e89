/**
 * Whoever listens to more than this machine asks who comes: with a login, or with a certificate. A platform that would let in
 * everybody who reaches it does not start, unless it is told that this is meant (`insecure=true`, `millrace start --insecure`).
 */
import { isIP } from 'node:net';
import type { ListenerConfig } from '../broker/index.ts';
import { MillraceError } from '../util/index.ts';
import { parseListener, type SplitSettings } from './settings.ts';

/** What stands before the settings of an HTTP service. */
const SERVICES = {
  'schema.registry.listeners': { settings: 'registry', prefix: 'schema.registry.', own: 'schema.registry.' },
  'ksql.listeners': { settings: 'sqlRest', prefix: 'ksql.', own: 'ksql.' },
  'kafka.rest.listeners': { settings: 'restProxy', prefix: 'kafka.rest.', own: 'kafka.rest.' },
  'connect.listeners': { settings: 'connect', prefix: 'connect.', own: '' },
} as const;

/** Throws `INVALID_CONFIG`, which names all that anybody could use. */
export function checkExposure(settings: SplitSettings, ofBroker: readonly ListenerConfig[]): void {
  if (settings.platform.insecure) return;
  const exposed = [...ofBroker.filter(isOpen).map(nameOf), ...openServices(settings)];
  if (exposed.length === 0) return;
  throw new MillraceError(
    'INVALID_CONFIG',
    `Anybody who reaches this machine could use ${exposed.join(' and ')}: ask for logins or certificates, listen on 127.0.0.1, or say that it is meant with --insecure (insecure=true).`,
  );
}

function nameOf({ name, address }: ListenerConfig): string {
  return `the listener ${name}://${address.host}:${address.port}`;
}

function isOpen({ address, protocol, settings }: ListenerConfig): boolean {
  if (isOfThisMachine(address.host) || protocol.startsWith('SASL')) return false;
  return protocol !== 'SSL' || settings['ssl.client.auth'] !== 'required';
}

function openServices(settings: SplitSettings): string[] {
  return (Object.keys(SERVICES) as (keyof typeof SERVICES)[]).flatMap((listeners) => {
    const text = settings.platform[listeners];
    if (text === '' || isOfThisMachine(parseListener(listeners, text).host)) return [];
    const { settings: part, prefix, own } = SERVICES[listeners];
    const value = (name: string): string => String((settings[part] as Record<string, unknown>)[own + name] ?? 'NONE');
    const asks = value('authentication.method') !== 'NONE' || value('ssl.client.authentication') === 'REQUIRED';
    return asks ? [] : [`${text} ("${prefix}authentication.method")`];
  });
}

/** Loopback addresses (RFC 1122, RFC 4291), and the name of one. */
function isOfThisMachine(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  return isIP(host) === 4 ? host.startsWith('127.') : host === '::1' || /^::ffff:127\./i.test(host);
}
