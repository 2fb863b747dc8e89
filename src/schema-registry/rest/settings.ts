import { rimSettingsOf } from '../../rim/settings.ts';
import { type SettingTable, stringSetting, type ValuesOf } from '../../util/index.ts';

/** What the registry's HTTP service is told, under the names of Confluent's registry, with the service's name in front. */
export const registryRestSettings = {
  ...rimSettingsOf('schema.registry.', { 'authentication.realm': 'Schema Registry' }),
  'schema.registry.acl.location': stringSetting(
    '',
    'The file of rules, which turns authorization on: lines of `user operation[,…] subject`. Read again when it changes.',
  ),
  'schema.registry.super.users': stringSetting('', 'Users for whom no rule is needed, separated by semicolons.'),
} as const satisfies SettingTable;

export type RegistryRestSettings = ValuesOf<typeof registryRestSettings>;
