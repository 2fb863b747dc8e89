// What every HTTP service is told about who may talk to it, under the names of Confluent's REST services; each service has
// them with its own name in front (`schema.registry.`, `ksql.`).
import { sslSettings } from '../security/settings.ts';
import { type Setting, type SettingTable, stringSetting, type ValuesOf } from '../util/index.ts';

export const rimSettings = {
  'authentication.method': stringSetting('NONE', 'How users say who they are.', ['NONE', 'BASIC']),
  'authentication.realm': stringSetting('Millrace', 'What users are told they log in to.'),
  'authentication.roles': stringSetting(
    '*',
    'Only users who have one of these roles are let in; `*`: all who have a password.',
  ),
  'authentication.users.location': stringSetting(
    '',
    'The file of passwords: lines of `user: password,role,…`, the password as it is, as `MD5:…` or as `scrypt:…`. Read again when it changes.',
  ),
  'access.control.allow.origin': stringSetting(
    '',
    'Web pages that may send requests, as origins (`https://console.example`) separated by commas; `*`: all. Others are refused.',
  ),
  'allowed.hosts': stringSetting(
    '',
    'Names, separated by commas, under which the service is reached through its loopback address besides `localhost`: those of a proxy on this machine. `*`: any.',
  ),
  ...sslSettings,
  'ssl.client.authentication': stringSetting('NONE', 'Whether clients must have certificates.', [
    'NONE',
    'REQUESTED',
    'REQUIRED',
  ]),
} as const satisfies SettingTable;

type Name = keyof typeof rimSettings;

/** The settings of one service, with its name in front; some with another default. */
export function rimSettingsOf<P extends string>(
  prefix: P,
  defaults: Partial<Record<Name, string>> = {},
): { readonly [K in Name as `${P}${K}`]: Setting<string> } {
  const entries = Object.entries(rimSettings).map(([name, setting]) => [
    `${prefix}${name}`,
    { ...setting, default: defaults[name as Name] ?? setting.default },
  ]);
  return Object.fromEntries(entries) as { readonly [K in Name as `${P}${K}`]: Setting<string> };
}

/** What a service was told, and how it calls that. */
export interface RimSettings {
  readonly values: ValuesOf<typeof rimSettings>;
  /** The full name of a setting, for those who have to change it. */
  readonly nameOf: (name: Name) => string;
}

export function readRimSettings(prefix: string, values: Readonly<Record<string, unknown>>): RimSettings {
  const own = Object.keys(rimSettings).map((name) => [name, String(values[`${prefix}${name}`])]);
  return {
    values: Object.fromEntries(own) as ValuesOf<typeof rimSettings>,
    nameOf: (name) => `${prefix}${name}`,
  };
}
