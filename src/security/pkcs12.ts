// Keystores and truststores in PKCS12 (RFC 7292), as Java's keytool and OpenSSL write them. Node reads those with a key in them,
// but not the ones with certificates alone, which are what Java's truststores are.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import {
  childrenOf,
  CONTEXT_0,
  contentOf,
  type Element,
  elementOf,
  identifierOf,
  implicitOctets,
  Malformed,
  OCTET_STRING,
  SEQUENCE,
  SET,
} from './asn1.ts';
import { checkMac, decrypt, WrongPassword } from './encryption.ts';
import type { StorePasswords, StoreEntries } from './store-entries.ts';

const DATA = '1.2.840.113549.1.7.1';
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6';
const BAGS = '1.2.840.113549.1.12.10.1.';
const KEY_BAG = `${BAGS}1`;
const SHROUDED_KEY_BAG = `${BAGS}2`;
const CERTIFICATE_BAG = `${BAGS}3`;
const NESTED_BAG = `${BAGS}6`;
const X509_CERTIFICATE = '1.2.840.113549.1.9.22.1';
const LOCAL_KEY_ID = '1.2.840.113549.1.9.21';
const NESTING_MAX = 8;

interface Bag {
  readonly kind: string;
  readonly value: Element;
  /** What a key and its certificate have in common. */
  readonly localKeyId: string | undefined;
}

interface Certificate {
  readonly der: Buffer;
  readonly x509: X509Certificate;
  readonly localKeyId: string | undefined;
}

/** Throws `Malformed` or `WrongPassword`. Without a password only what is not encrypted is read, unchecked. */
export function readPkcs12(bytes: Buffer, passwords: StorePasswords): StoreEntries {
  const [, authSafe, macData] = childrenOf(elementOf(bytes), SEQUENCE);
  if (authSafe === undefined) throw new Malformed('something is missing in it');
  const content = contentOf(contentInfo(authSafe, DATA), OCTET_STRING);
  if (macData !== undefined && passwords.store !== undefined) checkMac(macData, content, passwords.store);
  const bags = childrenOf(elementOf(content), SEQUENCE).flatMap((info) => bagsOf(safeContents(info, passwords.store)));

  const certificates = bags
    .filter(({ kind }) => kind === CERTIFICATE_BAG)
    .map(({ value, localKeyId }) => certificateOf(value, localKeyId));
  const keys = bags
    .filter(({ kind }) => kind === KEY_BAG || kind === SHROUDED_KEY_BAG)
    .map((bag) => {
      const key = keyOf(bag, passwords);
      const own = certificateOfKey(key, bag.localKeyId, certificates);
      return { key, chain: own === undefined ? [] : chainOf(own, certificates).map(({ der }) => der) };
    });
  const chained = new Set(keys.flatMap(({ chain }) => chain.slice(1)));
  return { keys, trusted: certificates.map(({ der }) => der).filter((der) => !chained.has(der)) };
}

/** What is in a ContentInfo of one type. */
function contentInfo(info: Element, type: string): Element {
  const [identifier, wrapped] = childrenOf(info, SEQUENCE);
  const found = identifierOf(identifier);
  if (found !== type) throw new Malformed(`it holds ${found}, which is not supported: it is protected by no password`);
  const [content] = wrapped === undefined ? [] : childrenOf(wrapped, CONTEXT_0);
  if (content === undefined) throw new Malformed('something is missing in it');
  return content;
}

function safeContents(info: Element, password: string | undefined): Element {
  const [identifier] = childrenOf(info, SEQUENCE);
  if (identifierOf(identifier) !== ENCRYPTED_DATA) return elementOf(contentOf(contentInfo(info, DATA), OCTET_STRING));
  const [, encrypted] = childrenOf(contentInfo(info, ENCRYPTED_DATA), SEQUENCE);
  const [, algorithm, content] = encrypted === undefined ? [] : childrenOf(encrypted, SEQUENCE);
  if (algorithm === undefined) throw new Malformed('something is missing in it');
  if (password === undefined) throw new WrongPassword('it is locked with a password');
  return elementOf(decrypt(algorithm, implicitOctets(content), password));
}

function bagsOf(contents: Element, depth = 0): Bag[] {
  if (depth > NESTING_MAX) throw new Malformed('it nests too deeply');
  return childrenOf(contents, SEQUENCE).flatMap((bag) => {
    const [identifier, wrapped, attributes] = childrenOf(bag, SEQUENCE);
    const [value] = wrapped === undefined ? [] : childrenOf(wrapped, CONTEXT_0);
    if (value === undefined) throw new Malformed('something is missing in it');
    const kind = identifierOf(identifier);
    if (kind === NESTED_BAG) return bagsOf(value, depth + 1);
    return [{ kind, value, localKeyId: attributes === undefined ? undefined : localKeyIdOf(attributes) }];
  });
}

function localKeyIdOf(attributes: Element): string | undefined {
  for (const attribute of childrenOf(attributes, SET)) {
    const [identifier, values] = childrenOf(attribute, SEQUENCE);
    if (identifierOf(identifier) !== LOCAL_KEY_ID || values === undefined) continue;
    return contentOf(childrenOf(values, SET)[0], OCTET_STRING).toString('hex');
  }
  return undefined;
}

function certificateOf(bag: Element, localKeyId: string | undefined): Certificate {
  const [identifier, wrapped] = childrenOf(bag, SEQUENCE);
  if (identifierOf(identifier) !== X509_CERTIFICATE) throw new Malformed('it has a certificate that is not X.509');
  const der = contentOf(wrapped === undefined ? undefined : childrenOf(wrapped, CONTEXT_0)[0], OCTET_STRING);
  try {
    return { der, x509: new X509Certificate(der), localKeyId };
  } catch (error) {
    throw new Malformed('a certificate in it can not be read', { cause: error });
  }
}

/** As PKCS8. */
function keyOf({ kind, value }: Bag, passwords: StorePasswords): Buffer {
  if (kind === KEY_BAG) return value.whole;
  const password = passwords.key ?? passwords.store;
  if (password === undefined) throw new WrongPassword('its key is locked with a password');
  const [algorithm, encrypted] = childrenOf(value, SEQUENCE);
  if (algorithm === undefined) throw new Malformed('something is missing in it');
  return decrypt(algorithm, contentOf(encrypted, OCTET_STRING), password);
}

/** The one that says it is the key's; where none does, the one whose key it is. */
function certificateOfKey(
  pkcs8: Buffer,
  localKeyId: string | undefined,
  certificates: readonly Certificate[],
): Certificate | undefined {
  const named = certificates.find((each) => localKeyId !== undefined && each.localKeyId === localKeyId);
  if (named !== undefined) return named;
  try {
    const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
    return certificates.find(({ x509 }) => x509.checkPrivateKey(key));
  } catch (error) {
    throw new Malformed('its private key can not be read', { cause: error });
  }
}

/** A certificate, and those that it is signed by, as far as they are there. */
function chainOf(own: Certificate, certificates: readonly Certificate[]): Certificate[] {
  const chain = [own];
  for (;;) {
    const { x509 } = chain.at(-1)!;
    const issuer = certificates.find((each) => !chain.includes(each) && x509.checkIssued(each.x509));
    if (issuer === undefined || x509.subject === x509.issuer) return chain;
    chain.push(issuer);
  }
}
