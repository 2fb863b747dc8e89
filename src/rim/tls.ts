// The certificates of an `https` listener, under Kafka's names: PEM texts or files, or a PKCS12 keystore.
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { messageOf } from '../util/index.ts';
import { invalid, readSettingFile } from './setting-files.ts';
import { FileBacked } from './file-backed.ts';
import type { RimSettings } from './settings.ts';

export interface Tls {
  /** Its `current` is another object when a file has changed. */
  readonly certificates: FileBacked<SecureContextOptions>;
  readonly clientAuthentication: 'NONE' | 'REQUESTED' | 'REQUIRED';
}

type SslSetting = Extract<keyof RimSettings['values'], `ssl.${string}`>;

const JKS_MAGIC = 0xfeedfeed;

export function tlsOf({ values, nameOf }: RimSettings, log: (message: string) => void): Tls {
  const name = (short: string) => nameOf(`ssl.${short}` as SslSetting);
  const given = (short: string): string => values[`ssl.${short}` as SslSetting].trim();
  const isPem = given('keystore.type') === 'PEM';
  if (given('keystore.type') === 'JKS') throw jks(name('keystore.type'), given('keystore.location'));
  if (given('truststore.type') === 'JKS') throw jks(name('truststore.type'), given('truststore.location'));
  const hasTexts = isPem && given('keystore.key') !== '' && given('keystore.certificate.chain') !== '';
  if (given('keystore.location') === '' && !hasTexts) {
    throw invalid(
      `The listener is https, which needs a certificate: set "${name('keystore.location')}", or "${name('keystore.key')}" and "${name('keystore.certificate.chain')}".`,
    );
  }

  const files = new Set<string>();
  const fromFile = (short: string): Buffer | undefined => {
    const file = given(short);
    if (file === '') return undefined;
    files.add(file);
    const bytes = readSettingFile(name(short), file);
    if (bytes.length >= 4 && bytes.readUInt32BE(0) === JKS_MAGIC) throw jks(name(short), file);
    return bytes;
  };
  const pem = (short: string): string | undefined =>
    given(short).startsWith('-----BEGIN') ? unfolded(given(short)) : fromFile(short)?.toString('utf8');
  const password = (short: string) => given(short) || undefined;

  const make = (): SecureContextOptions => {
    const ca = [fromFile('truststore.location')?.toString('utf8'), pem('truststore.certificates')].filter(
      (text) => text !== undefined,
    );
    const keystore = fromFile('keystore.location');
    const passphrase = password('key.password') ?? password('keystore.password');
    const options: SecureContextOptions = {
      ...(isPem
        ? { key: pem('keystore.key') ?? String(keystore), cert: pem('keystore.certificate.chain') ?? String(keystore) }
        : { pfx: keystore ?? Buffer.alloc(0) }),
      ...(passphrase === undefined ? {} : { passphrase }),
      ...(ca.length === 0 ? {} : { ca }),
    };
    try {
      createSecureContext(options);
    } catch (error) {
      throw invalid(`The certificate or the key under "${name('')}" can't be used: ${messageOf(error)}.`, error);
    }
    return options;
  };
  const clientAuthentication = given('client.authentication') as Tls['clientAuthentication'];
  const hasTrusted = given('truststore.location') !== '' || given('truststore.certificates') !== '';
  if (clientAuthentication !== 'NONE' && !hasTrusted) {
    throw invalid(
      `With "${name('client.authentication')}" ${clientAuthentication} it must be said whose certificates are trusted: set "${name('truststore.location')}" or "${name('truststore.certificates')}".`,
    );
  }
  // Making them once tells which files they are made of.
  make();
  return { certificates: new FileBacked([...files], make, log), clientAuthentication };
}

/** In a properties file a PEM text stands on one line, with spaces or `\n` for the ends of its lines. */
function unfolded(text: string): string {
  return text.replaceAll(
    /-----BEGIN ([^-]+)-----(.*?)-----END \1-----/gs,
    (_, label: string, body: string) =>
      `-----BEGIN ${label}-----\n${body.replaceAll(/\\n|\s/g, '').replaceAll(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`,
  );
}

function jks(setting: string, file: string): Error {
  const source = file === '' ? 'keystore.jks' : file;
  return invalid(
    `"${setting}": Java's own format of keystores (JKS) can't be read here. Convert it with: keytool -importkeystore -srckeystore ${source} -destkeystore keystore.p12 -deststoretype PKCS12, and set the type to PKCS12; certificates to trust are exported with: keytool -exportcert -rfc, and are PEM.`,
  );
}
