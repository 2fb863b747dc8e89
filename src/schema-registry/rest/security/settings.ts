import { type SettingTable, stringSetting, type ValuesOf } from '../../../util/index.ts';

/** What the registry's HTTP service is told, under the names of Confluent's registry, with the service's name in front. */
export const registryRestSettings = {
  'schema.registry.authentication.method': stringSetting('NONE', 'How users say who they are.', ['NONE', 'BASIC']),
  'schema.registry.authentication.realm': stringSetting('Schema Registry', 'What users are told they log in to.'),
  'schema.registry.authentication.roles': stringSetting(
    '*',
    'Only users who have one of these roles are let in; `*`: all who have a password.',
  ),
  'schema.registry.authentication.users.location': stringSetting(
    '',
    'The file of passwords: lines of `user: password,role,…`, the password as it is, as `MD5:…` or as `scrypt:…`. Read again when it changes.',
  ),
  'schema.registry.acl.location': stringSetting(
    '',
    'The file of rules, which turns authorization on: lines of `user operation[,…] subject`. Read again when it changes.',
  ),
  'schema.registry.super.users': stringSetting('', 'Users for whom no rule is needed, separated by semicolons.'),
  'schema.registry.ssl.keystore.type': stringSetting('PEM', 'The format of the keystore.', ['PEM', 'PKCS12', 'JKS']),
  'schema.registry.ssl.keystore.location': stringSetting(
    '',
    'The file with the private key and the certificate of an `https` listener. Read again when it changes.',
  ),
  'schema.registry.ssl.keystore.password': stringSetting('', 'The password of a PKCS12 keystore.'),
  'schema.registry.ssl.keystore.key': stringSetting('', 'The private key: a PEM text, or a file of one.'),
  'schema.registry.ssl.keystore.certificate.chain': stringSetting(
    '',
    'The certificate and those that signed it: a PEM text, or a file of one.',
  ),
  'schema.registry.ssl.key.password': stringSetting('', 'The password of an encrypted private key.'),
  'schema.registry.ssl.truststore.type': stringSetting('PEM', 'The format of the truststore.', ['PEM', 'JKS']),
  'schema.registry.ssl.truststore.location': stringSetting(
    '',
    'The file of certificates that clients’ must be signed by.',
  ),
  'schema.registry.ssl.truststore.certificates': stringSetting('', 'The same as a PEM text, or another file of one.'),
  'schema.registry.ssl.client.authentication': stringSetting('NONE', 'Whether clients must have certificates.', [
    'NONE',
    'REQUESTED',
    'REQUIRED',
  ]),
} as const satisfies SettingTable;

export type RegistryRestSettings = ValuesOf<typeof registryRestSettings>;
