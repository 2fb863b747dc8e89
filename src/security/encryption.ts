// What is locked with a password in a keystore: opened with the key that the password makes (RFC 8018 for PBES2, RFC 7292 for
// the older ways of PKCS12), and whether the password is right (RFC 7292, section 4; RFC 9579).
import { createDecipheriv, createHmac, hash as hashOf, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import {
  childrenOf,
  contentOf,
  countOf,
  type Element,
  identifierOf,
  Malformed,
  OCTET_STRING,
  SEQUENCE,
} from './asn1.ts';
import { decryptRc2 } from './rc2.ts';

/** A password that does not open what it should. */
export class WrongPassword extends Error {}

const PBES2 = '1.2.840.113549.1.5.13';
const PBKDF2 = '1.2.840.113549.1.5.12';
const PBMAC1 = '1.2.840.113549.1.5.14';
/** More would make a file the way to stop a process. */
const ITERATIONS_MAX = 2_000_000;

const HMACS: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};
const HASHES: Readonly<Record<string, { readonly name: string; readonly bytes: number; readonly block: number }>> = {
  '1.3.14.3.2.26': { name: 'sha1', bytes: 20, block: 64 },
  '2.16.840.1.101.3.4.2.4': { name: 'sha224', bytes: 28, block: 64 },
  '2.16.840.1.101.3.4.2.1': { name: 'sha256', bytes: 32, block: 64 },
  '2.16.840.1.101.3.4.2.2': { name: 'sha384', bytes: 48, block: 128 },
  '2.16.840.1.101.3.4.2.3': { name: 'sha512', bytes: 64, block: 128 },
};
const SHA1 = HASHES['1.3.14.3.2.26']!;
const CIPHERS: Readonly<Record<string, { readonly name: string; readonly keyBytes: number }>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyBytes: 32 },
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', keyBytes: 24 },
};
/** The ways of PKCS12 itself (RFC 7292, appendix C); a number of bits is RC2's. */
const OLD_CIPHERS: Readonly<Record<string, { readonly how: string | number; readonly keyBytes: number }>> = {
  '1.2.840.113549.1.12.1.3': { how: 'des-ede3-cbc', keyBytes: 24 },
  '1.2.840.113549.1.12.1.4': { how: 'des-ede-cbc', keyBytes: 16 },
  '1.2.840.113549.1.12.1.5': { how: 128, keyBytes: 16 },
  '1.2.840.113549.1.12.1.6': { how: 40, keyBytes: 5 },
};

/** What was encrypted as an AlgorithmIdentifier says. Throws `WrongPassword` or `Malformed`. */
export function decrypt(algorithm: Element, encrypted: Buffer, password: string): Buffer {
  const [identifier, parameters] = childrenOf(algorithm, SEQUENCE);
  const name = identifierOf(identifier);
  if (parameters === undefined) throw new Malformed(`it is encrypted with ${name}, without saying how`);
  const old = OLD_CIPHERS[name];
  if (name !== PBES2 && old === undefined) throw new Malformed(`it is encrypted with ${name}, which is not supported`);
  try {
    return old === undefined
      ? decryptPbes2(parameters, encrypted, password)
      : decryptOld(old, parameters, encrypted, password);
  } catch (error) {
    if (error instanceof Malformed && !error.message.includes('does not open')) throw error;
    throw new WrongPassword('the password does not open it', { cause: error });
  }
}

/** Whether content is what was written under this password; `macData` as RFC 7292 has it. Throws `WrongPassword`. */
export function checkMac(macData: Element, content: Buffer, password: string): void {
  const [digestInfo, salt, iterations] = childrenOf(macData, SEQUENCE);
  const [algorithm, digest] = childrenOf(digestInfo!, SEQUENCE);
  const expected = contentOf(digest, OCTET_STRING);
  const [identifier, parameters] = childrenOf(algorithm!, SEQUENCE);
  const name = identifierOf(identifier);
  let mac: Buffer;
  if (name === PBMAC1) {
    const [derivation, scheme] = childrenOf(parameters!, SEQUENCE);
    const hmac = HMACS[identifierOf(childrenOf(scheme!, SEQUENCE)[0])] ?? unsupported(name);
    mac = createHmac(hmac, derivedKey(derivation!, password, 0))
      .update(content)
      .digest();
  } else {
    const hash = HASHES[name] ?? unsupported(name);
    const count = iterations === undefined ? 1 : iterationsOf(iterations);
    const key = oldKey({ hash, purpose: 3, salt: contentOf(salt, OCTET_STRING), count, length: hash.bytes }, password);
    mac = createHmac(hash.name, key).update(content).digest();
  }
  if (mac.length !== expected.length || !timingSafeEqual(mac, expected)) {
    throw new WrongPassword('its password is another one, or the file is damaged');
  }
}

function decryptPbes2(parameters: Element, encrypted: Buffer, password: string): Buffer {
  const [derivation, scheme] = childrenOf(parameters, SEQUENCE);
  const [identifier, iv] = childrenOf(scheme!, SEQUENCE);
  const cipher = CIPHERS[identifierOf(identifier)] ?? unsupported(identifierOf(identifier));
  return decipher(
    cipher.name,
    derivedKey(derivation!, password, cipher.keyBytes),
    contentOf(iv, OCTET_STRING),
    encrypted,
  );
}

/** PBKDF2 as an AlgorithmIdentifier describes it; of the length that it says, or the default. */
function derivedKey(derivation: Element, password: string, defaultBytes: number): Buffer {
  const [identifier, parameters] = childrenOf(derivation, SEQUENCE);
  if (identifierOf(identifier) !== PBKDF2) unsupported(identifierOf(identifier));
  const [salt, count, ...rest] = childrenOf(parameters!, SEQUENCE);
  const prf = rest.find(({ tag }) => tag === SEQUENCE);
  const length = rest.find(({ tag }) => tag !== SEQUENCE);
  const hmac = prf === undefined ? 'sha1' : identifierOf(childrenOf(prf)[0]);
  const bytes = length === undefined ? defaultBytes : countOf(length);
  if (bytes < 1 || bytes > 1024) throw new Malformed('the length of a key in it is out of bounds');
  const digest = prf === undefined ? hmac : (HMACS[hmac] ?? unsupported(hmac));
  return pbkdf2Sync(password, contentOf(salt, OCTET_STRING), iterationsOf(count), bytes, digest);
}

function decryptOld(
  { how, keyBytes }: { readonly how: string | number; readonly keyBytes: number },
  parameters: Element,
  encrypted: Buffer,
  password: string,
): Buffer {
  const [salt, iterations] = childrenOf(parameters, SEQUENCE);
  const from = { hash: SHA1, salt: contentOf(salt, OCTET_STRING), count: iterationsOf(iterations) };
  const key = oldKey({ ...from, purpose: 1, length: keyBytes }, password);
  const iv = oldKey({ ...from, purpose: 2, length: 8 }, password);
  return typeof how === 'number' ? decryptRc2(key, iv, how, encrypted) : decipher(how, key, iv, encrypted);
}

/** RFC 7292, appendix B: `purpose` 1 makes a key, 2 an initialization vector, 3 the key of a MAC. */
function oldKey(
  from: {
    readonly hash: (typeof HASHES)[string];
    readonly purpose: 1 | 2 | 3;
    readonly salt: Buffer;
    readonly count: number;
    readonly length: number;
  },
  password: string,
): Buffer {
  const { hash, purpose, salt, count, length } = from;
  const { block } = hash;
  const repeated = (bytes: Buffer): Buffer =>
    bytes.length === 0 ? bytes : Buffer.alloc(Math.ceil(bytes.length / block) * block, bytes);
  const input = Buffer.concat([repeated(salt), repeated(Buffer.from(`${password}\0`, 'utf16le').swap16())]);
  const diversifier = Buffer.alloc(block, purpose);
  const parts: Buffer[] = [];
  for (let made = 0; made < length; made += hash.bytes) {
    let digest = hashOf(hash.name, Buffer.concat([diversifier, input]), 'buffer');
    for (let i = 1; i < count; i++) digest = hashOf(hash.name, digest, 'buffer');
    parts.push(digest);
    addToBlocks(input, Buffer.alloc(block, digest));
  }
  return Buffer.concat(parts).subarray(0, length);
}

/** Each block of the input becomes block + addend + 1, as one large number. */
function addToBlocks(input: Buffer, addend: Buffer): void {
  for (let at = 0; at < input.length; at += addend.length) {
    let carry = 1;
    for (let i = addend.length - 1; i >= 0; i--) {
      carry += input[at + i]! + addend[i]!;
      input[at + i] = carry & 0xff;
      carry >>= 8;
    }
  }
}

function decipher(name: string, key: Buffer, iv: Buffer, encrypted: Buffer): Buffer {
  const opened = createDecipheriv(name, key, iv);
  return Buffer.concat([opened.update(encrypted), opened.final()]);
}

function iterationsOf(element: Element | undefined): number {
  const count = countOf(element);
  if (count < 1 || count > ITERATIONS_MAX) throw new Malformed('a number of iterations in it is out of bounds');
  return count;
}

function unsupported(identifier: string): never {
  throw new Malformed(`it is made with ${identifier}, which is not supported`);
}
