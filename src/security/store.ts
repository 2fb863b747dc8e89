// A keystore or a truststore, in whatever format it is: PEM, PKCS12 or JKS, which its first bytes tell.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { codeOf } from '../util/index.ts';
import { Malformed, SEQUENCE } from './asn1.ts';
import { WrongPassword } from './encryption.ts';
import { JKS_MAGIC, readJks } from './jks.ts';
import { isPem, pemBlocks, pemOf } from './pem.ts';
import { readPkcs12 } from './pkcs12.ts';
import type { StoreEntries, StorePasswords } from './store-entries.ts';

/** Of Java's other format of its own, which can hold secret keys. */
const JCEKS_MAGIC = 0xcececece;

/** All as PEM. */
export interface Store {
  /** The private key, not encrypted; of several the first. Undefined: there is none. */
  readonly key: string | undefined;
  /** Its certificate, and those that signed it. Empty: there is none. */
  readonly chain: string;
  /** Whose holders are trusted. Empty: nobody. */
  readonly trusted: string;
}

/** Throws `Malformed` or `WrongPassword`. */
export function readStore(bytes: Buffer, passwords: StorePasswords): Store {
  const magic = bytes.length >= 4 ? bytes.readUInt32BE() : 0;
  if (magic === JCEKS_MAGIC) throw new Malformed('it is in the format JCEKS');
  if (magic === JKS_MAGIC) return asPem(readJks(bytes, passwords));
  if (bytes[0] === SEQUENCE && !isPem(bytes.toString('latin1'))) return asPem(readPkcs12(bytes, passwords));
  return readPem(bytes.toString('utf8'), passwords.key ?? passwords.store);
}

/** Of keys and certificates in one text, or only of one of both. */
export function readPem(text: string, password: string | undefined): Store {
  const blocks = pemBlocks(text);
  const key = blocks.find(({ label }) => label.endsWith('PRIVATE KEY'));
  const certificates = blocks.filter(({ label }) => /^(X509 |TRUSTED )?CERTIFICATE$/.test(label));
  for (const certificate of certificates) checkCertificate(certificate.text);
  const chain = certificates.map((block) => block.text).join('');
  return { key: key === undefined ? undefined : openKey(key.text, password), chain, trusted: chain };
}

function asPem({ keys, trusted }: StoreEntries): Store {
  const certificates = (ders: readonly Buffer[]): string =>
    ders
      .map((der) => pemOf('CERTIFICATE', der))
      .map(checkCertificate)
      .join('');
  const [first] = keys;
  return {
    key: first === undefined ? undefined : openKey(pemOf('PRIVATE KEY', first.key), undefined),
    chain: certificates(first?.chain ?? []),
    trusted: certificates(trusted),
  };
}

function openKey(pem: string, passphrase: string | undefined): string {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (error) {
    if (!pem.includes('ENCRYPTED')) throw new Malformed('its private key can not be read', { cause: error });
    const isMissing = passphrase === undefined || codeOf(error) === 'ERR_MISSING_PASSPHRASE';
    throw new WrongPassword(isMissing ? 'its key is locked with a password' : 'the password does not open its key', {
      cause: error,
    });
  }
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function checkCertificate(pem: string): string {
  try {
    void new X509Certificate(pem);
  } catch (error) {
    throw new Malformed('a certificate in it can not be read', { cause: error });
  }
  return pem;
}
