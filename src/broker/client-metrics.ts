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
const PROPERTIES: ReadonlySet<string> = new Set([
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
]);

/** Refuses what can't be, with INVALID_REQUEST or INVALID_CONFIG. */
export function checkClientMetrics(configs: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(configs)) {
    try {
      parseSetting(name, settingNamed(clientMetricsConfigs, name, 'client metrics configuration'), value);
    } catch (error) {
      throw new MillraceError('INVALID_REQUEST', messageOf(error));
    }
    if (name === 'match') value.split(',').filter(Boolean).forEach(checkMatch);
  }
}

function checkMatch(text: string): void {
  const [property = '', pattern] = text.split('=', 2).map((part) => part.trim());
  const isKnown = PROPERTIES.has(property) && pattern !== undefined && isPattern(pattern);
  if (isKnown) return;
  const rule = `it is one of ${[...PROPERTIES].join(', ')}, '=', and a pattern`;
  throw new MillraceError('INVALID_CONFIG', `Illegal client matching pattern: ${text}; ${rule}.`);
}

function isPattern(text: string): boolean {
  try {
    RE2JS.compile(text);
    return true;
  } catch {
    return false;
  }
}
