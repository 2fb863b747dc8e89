import { type SettingTable, stringSetting, type ValuesOf } from '../util/index.ts';
import { COMPATIBILITY_LEVELS } from './compatibility-levels.ts';
import { registryRestSettings } from './rest/settings.ts';

/** What the registry is told, under the names of Confluent's. */
export const registrySettings = {
  'kafkastore.topic': stringSetting('_schemas', 'The topic that schemas are kept in.'),
  'schema.compatibility.level': stringSetting(
    'backward',
    'The compatibility of subjects that say nothing themselves, until `PUT /config` says it.',
    COMPATIBILITY_LEVELS.map((level) => level.toLowerCase()),
  ),
  ...registryRestSettings,
} as const satisfies SettingTable;

export type RegistrySettings = ValuesOf<typeof registrySettings>;
