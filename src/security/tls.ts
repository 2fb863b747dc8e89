// Keys, certificates and whom to trust, as TLS takes them: from keystores and truststores under Kafka's names, for who listens
// and for who connects. What comes from files is read again when they change.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext, getCiphers, type SecureContextOptions, type SecureVersion } from 'node:tls';
import { messageOf, type MillraceError } from '../util/index.ts';
import { Malformed } from './asn1.ts';
import { WrongPassword } from './encryption.ts';
import { FileBacked } from './file-backed.ts';
import { isPem } from './pem.ts';
import { invalid, readSettingFile } from './setting-files.ts';
import type { SslSetting } from './settings.ts';
import { readPem, readStore, type Store } from './store.ts';

/** What was set, and how it is called by those who set it. */
export interface SslSource {
  /** What is missing or empty counts as not set. */
  readonly values: { readonly [K in SslSetting]?: string };
  readonly nameOf: (name: SslSetting) => string;
}

const VERSIONS: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];
const FORMAT_HINT =
  'Stores in PEM, PKCS12 and JKS can be read; others are converted with: keytool -importkeystore -srckeystore … -srcstoretype … -destkeystore store.p12 -deststoretype PKCS12';

/** Whether there is a key of one's own. */
export function hasKey({ values }: SslSource): boolean {
  return isSet(values['ssl.keystore.location']) || isSet(values['ssl.keystore.key']);
}

/** Whether it is said whom to trust; where it is not, Node's own authorities are. */
export function hasTrust({ values }: SslSource): boolean {
  return isSet(values['ssl.truststore.location']) || isSet(values['ssl.truststore.certificates']);
}

/**
 * The context, whose `current` is another object when a file has changed. Throws INVALID_CONFIG, which names the setting and
 * its file, for what can't be read or does not fit together. No message has a password in it, or any of a key.
 */
export function tlsContext(source: SslSource, log: (message: string) => void): FileBacked<SecureContextOptions> {
  const files = (
    [
      'ssl.keystore.location',
      'ssl.keystore.key',
      'ssl.keystore.certificate.chain',
      'ssl.truststore.location',
      'ssl.truststore.certificates',
    ] as const
  )
    .map((name) => source.values[name]?.trim() ?? '')
    .filter((text) => text !== '' && !isPem(text));
  return new FileBacked(files, () => contextOf(source), log);
}

function contextOf(source: SslSource): SecureContextOptions {
  const options: SecureContextOptions = {
    ...identityOf(source),
    ...trustOf(source),
    ...versionsOf(source),
    ...ciphersOf(source),
  };
  try {
    createSecureContext(options);
  } catch (error) {
    throw invalid(
      `The settings "${source.nameOf('ssl.keystore.location')}" … can't be used: ${messageOf(error)}.`,
      error,
    );
  }
  return options;
}

/** The own key and certificate. */
function identityOf(source: SslSource): Pick<SecureContextOptions, 'key' | 'cert'> {
  const { values, nameOf } = source;
  const keyPassword = given(values['ssl.key.password']);
  const passwords = { store: given(values['ssl.keystore.password']), key: keyPassword };
  const inFile = storeOf(source, 'ssl.keystore.location', (bytes) => readStore(bytes, passwords));
  const asKey = storeOf(source, 'ssl.keystore.key', (bytes) => readPem(bytes.toString('utf8'), keyPassword));
  const asChain = storeOf(source, 'ssl.keystore.certificate.chain', (bytes) =>
    readPem(bytes.toString('utf8'), undefined),
  );
  const key = asKey?.key ?? inFile?.key;
  const chain = asChain?.chain ?? (inFile?.chain || asKey?.chain);
  if (inFile === undefined && asKey === undefined && asChain === undefined) return {};
  const where = nameOf(asKey === undefined && inFile !== undefined ? 'ssl.keystore.location' : 'ssl.keystore.key');
  if (key === undefined) throw invalid(`"${where}": there is no private key.`);
  if (chain === undefined || chain === '')
    throw invalid(`"${where}": there is a private key, but no certificate of it.`);
  if (!new X509Certificate(chain).checkPrivateKey(createPrivateKey(key))) {
    throw invalid(`"${where}": the private key is not the one of the first certificate.`);
  }
  return { key, cert: chain };
}

function trustOf(source: SslSource): Pick<SecureContextOptions, 'ca'> {
  const { values, nameOf } = source;
  const passwords = { store: given(values['ssl.truststore.password']), key: undefined };
  const stores = (['ssl.truststore.location', 'ssl.truststore.certificates'] as const)
    .map((name) => storeOf(source, name, (bytes) => readStore(bytes, passwords)))
    .filter((store) => store !== undefined);
  if (stores.length === 0) return {};
  const trusted = stores.map((store) => store.trusted).join('');
  if (trusted === '') throw invalid(`"${nameOf('ssl.truststore.location')}": there are no certificates in it.`);
  return { ca: trusted };
}

/** What one setting leads to: a file, or a text in PEM. */
function storeOf(source: SslSource, name: SslSetting, read: (bytes: Buffer) => Store): Store | undefined {
  const text = given(source.values[name]);
  if (text === undefined) return undefined;
  const setting = source.nameOf(name);
  const isText = isPem(text);
  const bytes = isText ? Buffer.from(text) : readSettingFile(setting, text);
  const what = isText ? `The text of "${setting}"` : `The file ${text} of "${setting}"`;
  try {
    return read(bytes);
  } catch (error) {
    throw refusalOf(what, error, source, name);
  }
}

function refusalOf(what: string, error: unknown, { nameOf }: SslSource, name: SslSetting): MillraceError {
  if (error instanceof WrongPassword) {
    const isTrust = name.startsWith('ssl.truststore');
    const passwords: readonly SslSetting[] =
      name === 'ssl.keystore.key'
        ? ['ssl.key.password']
        : isTrust
          ? ['ssl.truststore.password']
          : ['ssl.keystore.password', 'ssl.key.password'];
    return invalid(
      `${what} can't be used: ${error.message} (${passwords.map((each) => `"${nameOf(each)}"`).join(', ')}).`,
    );
  }
  const hint = error instanceof Malformed ? ` ${FORMAT_HINT}.` : '';
  return invalid(`${what} can't be used: ${messageOf(error)}.${hint}`, error);
}

function versionsOf({ values, nameOf }: SslSource): Pick<SecureContextOptions, 'minVersion' | 'maxVersion'> {
  const enabled = listOf(values['ssl.enabled.protocols']);
  for (const name of enabled) {
    if (!VERSIONS.includes(name as SecureVersion)) {
      throw invalid(`"${nameOf('ssl.enabled.protocols')}": ${name} is none of ${VERSIONS.join(', ')}.`);
    }
  }
  const newest = values['ssl.protocol'] === 'TLSv1.2' ? VERSIONS.slice(0, 1) : VERSIONS;
  const versions = enabled.length === 0 ? newest : VERSIONS.filter((version) => enabled.includes(version));
  return { minVersion: versions[0]!, maxVersion: versions.at(-1)! };
}

function ciphersOf({ values, nameOf }: SslSource): Pick<SecureContextOptions, 'ciphers'> {
  const suites = listOf(values['ssl.cipher.suites']);
  if (suites.length === 0) return {};
  const known = getCiphers();
  const names = suites.map((suite) => {
    const name = opensslNameOf(suite);
    if (known.includes(name.toLowerCase())) return name;
    throw invalid(`"${nameOf('ssl.cipher.suites')}": there is no cipher suite ${suite} here.`);
  });
  return { ciphers: names.join(':') };
}

/** `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` is `ECDHE-RSA-AES128-GCM-SHA256` there; those of TLS 1.3 have one name. */
function opensslNameOf(suite: string): string {
  const [, exchange, cipher] = /^TLS_(\w+)_WITH_(\w+)$/.exec(suite) ?? [];
  if (exchange === undefined || cipher === undefined) return suite;
  const short = cipher
    .replace(/^(AES|CAMELLIA|ARIA)_(\d+)/, '$1$2')
    .replace(/_CBC(?=_SHA)/, '')
    .replace(/^CHACHA20_POLY1305_SHA256$/, 'CHACHA20_POLY1305')
    .replace(/_CCM_8$/, '_CCM8');
  return `${exchange === 'RSA' ? '' : `${exchange}_`}${short}`.replaceAll('_', '-');
}

function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function given(text: string | undefined): string | undefined {
  return isSet(text) ? text!.trim() : undefined;
}

function isSet(text: string | undefined): boolean {
  return text !== undefined && text.trim() !== '';
}
