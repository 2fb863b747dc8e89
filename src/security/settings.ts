// What TLS is told, under Kafka's names: whoever listens or connects has these, some with a name in front.
import { type Setting, type SettingTable, secretSetting, stringSetting } from '../util/index.ts';

const formats = ['PEM', 'PKCS12', 'JKS'];

export const sslSettings = {
  'ssl.keystore.type': stringSetting(
    'JKS',
    'The format of the keystore. Each of the three is told by its bytes, whatever stands here.',
    formats,
  ),
  'ssl.keystore.location': stringSetting(
    '',
    'The file with the own private key and its certificate. Read again when it changes.',
  ),
  'ssl.keystore.password': secretSetting('The password of a keystore in PKCS12 or JKS.'),
  'ssl.keystore.key': secretSetting('The private key in PEM: the text, or a file of it.'),
  'ssl.keystore.certificate.chain': stringSetting(
    '',
    'The certificate and those that signed it, in PEM: the text, or a file of it.',
  ),
  'ssl.key.password': secretSetting('The password of the private key, where it has one of its own.'),
  'ssl.truststore.type': stringSetting(
    'JKS',
    'The format of the truststore. Each of the three is told by its bytes, whatever stands here.',
    formats,
  ),
  'ssl.truststore.location': stringSetting(
    '',
    'The file of certificates that those of the other side must be signed by. Read again when it changes.',
  ),
  'ssl.truststore.password': secretSetting('The password of a truststore in PKCS12 or JKS.'),
  'ssl.truststore.certificates': stringSetting('', 'The same in PEM: the text, or a file of it.'),
  'ssl.protocol': stringSetting('TLSv1.3', 'The newest version of TLS, where `ssl.enabled.protocols` is not set.', [
    'TLS',
    'TLSv1.2',
    'TLSv1.3',
  ]),
  'ssl.enabled.protocols': stringSetting('', 'The versions of TLS, separated by commas. Empty: `TLSv1.2,TLSv1.3`.'),
  'ssl.cipher.suites': stringSetting(
    '',
    'The cipher suites, separated by commas, under their standard names. Empty: those that Node has by default.',
  ),
} as const satisfies SettingTable;

export type SslSetting = keyof typeof sslSettings;

/** Of those who connect: whether the certificate must be the host's. */
export const endpointIdentification: Setting<string> = stringSetting(
  'https',
  '`https`: the other side’s certificate must have the name of its host. Empty: it need not.',
  ['https', ''],
);

/** What Java's TLS is told and nobody else needs: accepted without effect. */
export const JAVA_SSL_SETTINGS: readonly string[] = [
  'ssl.provider',
  'ssl.secure.random.implementation',
  'ssl.keymanager.algorithm',
  'ssl.trustmanager.algorithm',
];
