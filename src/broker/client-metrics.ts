// Which clients are asked for which of their metrics, and how often (KIP-714): configs of the resource type CLIENT_METRICS.
import { RE2JS } from 're2js';
import {
  intSetting,
  messageOf,
  MillraceError,
  parseSetting,
  type Setting,
  settingNamed,
  stringSetting,
} from '../util/index.ts';

export const clientMetricsConfigs = {
  'interval.ms': intSetting(300_000, 'How often a client sends them.', 100, 3_600_000),
  match: {
    ...stringSetting('', 'The clients: `property=pattern`, separated by commas, all of which match; empty for all.'),
    kind: 'list',
  },
  metrics: {
    ...stringSetting('', 'Prefixes of names of metrics, separated by commas; `*` for all, empty for none.'),
    kind: 'list',
  },
} as const satisfies Record<string, Setting<unknown>>;

/** What a client can be told by. */
const PROPERTIES = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
] as const;
export type ClientProperty = (typeof PROPERTIES)[number];

/** Refuses what can't be, with INVALID_REQUEST or INVALID_CONFIG. */
export function checkClientMetrics(configs: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(configs)) {
    try {
      parseSetting(name, settingNamed(clientMetricsConfigs, name, 'client metrics configuration'), value);
    } catch (error) {
      throw new MillraceError('INVALID_REQUEST', messageOf(error));
    }
    if (name === 'match') parseMatch(value);
  }
}

/** The pattern that each property named in `match` must be one of as a whole. Throws INVALID_CONFIG. */
export function parseMatch(match: string): ReadonlyMap<ClientProperty, RE2JS> {
  return new Map(listed(match).map(parsePattern));
}

/** The items of a list in a config. */
export function listed(value: string): readonly string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}

function parsePattern(text: string): [ClientProperty, RE2JS] {
  const [property = '', pattern, ...more] = text.split('=').map((part) => part.trim());
  const compiled = pattern === undefined || more.length > 0 ? undefined : compile(pattern);
  if (isProperty(property) && compiled !== undefined) return [property, compiled];
  const rule = `it is one of ${PROPERTIES.join(', ')}, '=', and a pattern`;
  throw new MillraceError('INVALID_CONFIG', `Illegal client matching pattern: ${text}; ${rule}.`);
}

function isProperty(text: string): text is ClientProperty {
  return (PROPERTIES as readonly string[]).includes(text);
}

function compile(pattern: string): RE2JS | undefined {
  try {
    return RE2JS.compile(pattern);
  } catch {
    return undefined;
  }
}
