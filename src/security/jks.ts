// Java's own keystores (JKS), as Java wrote them by default up to version 8:
//   magic, version, number of entries, entries, SHA-1 of the password, a salt and all before it
// Texts are counted in bytes (two), byte strings too (four), all big-endian. A key is locked with the password by a way of its own.
import { createHash, timingSafeEqual } from 'node:crypto';
import { childrenOf, contentOf, elementOf, identifierOf, Malformed, OCTET_STRING, SEQUENCE } from './asn1.ts';
import { WrongPassword } from './encryption.ts';
import type { StoreEntries, StorePasswords } from './store-entries.ts';

export const JKS_MAGIC = 0xfeedfeed;
const VERSIONS = [1, 2];
const KEY_ENTRY = 1;
const CERTIFICATE_ENTRY = 2;
const DATE_BYTES = 8;
const SHA1_BYTES = 20;
const SALT = 'Mighty Aphrodite';
/** "Proprietary, by JavaSoft": how keys are locked. */
const KEY_PROTECTOR = '1.3.6.1.4.1.42.2.17.1.1';

/** Throws `Malformed` or `WrongPassword`. Without a password certificates are read unchecked, as Java does. */
export function readJks(bytes: Buffer, passwords: StorePasswords): StoreEntries {
  const content = bytes.subarray(0, -SHA1_BYTES);
  if (passwords.store !== undefined) {
    const digest = createHash('sha1').update(utf16(passwords.store)).update(SALT).update(content).digest();
    const expected = bytes.subarray(-SHA1_BYTES);
    if (expected.length !== SHA1_BYTES || !timingSafeEqual(digest, expected)) {
      throw new WrongPassword('its password is another one, or the file is damaged');
    }
  }
  const reader = new JksReader(content);
  reader.number();
  const version = reader.number();
  if (!VERSIONS.includes(version)) throw new Malformed(`it is of version ${version}`);
  const keys: { key: Buffer; chain: readonly Buffer[] }[] = [];
  const trusted: Buffer[] = [];
  const certificate = (): Buffer => {
    if (version === 2) reader.text();
    return reader.bytes(reader.number());
  };
  for (let left = reader.number(); left > 0; left--) {
    const kind = reader.number();
    reader.text();
    reader.bytes(DATE_BYTES);
    if (kind === CERTIFICATE_ENTRY) {
      trusted.push(certificate());
      continue;
    }
    if (kind !== KEY_ENTRY) throw new Malformed(`it has an entry of kind ${kind}`);
    const locked = reader.bytes(reader.number());
    const chain: Buffer[] = [];
    for (let links = reader.number(); links > 0; links--) chain.push(certificate());
    keys.push({ key: unlocked(locked, passwords.key ?? passwords.store), chain });
    trusted.push(...chain.slice(0, 1));
  }
  return { keys, trusted };
}

/** EncryptedPrivateKeyInfo around a salt, the key and a digest; the key is mixed with SHA-1 of password and what came before. */
function unlocked(locked: Buffer, password: string | undefined): Buffer {
  const [algorithm, encrypted] = childrenOf(elementOf(locked), SEQUENCE);
  const protector = algorithm === undefined ? '' : identifierOf(childrenOf(algorithm, SEQUENCE)[0]);
  if (protector !== KEY_PROTECTOR) throw new Malformed(`its key is locked with ${protector}`);
  if (password === undefined) throw new WrongPassword('its key is locked with a password');
  const bytes = contentOf(encrypted, OCTET_STRING);
  if (bytes.length <= 2 * SHA1_BYTES) throw new Malformed('its key is cut');
  const secret = utf16(password);
  const key = Buffer.from(bytes.subarray(SHA1_BYTES, -SHA1_BYTES));
  let digest = bytes.subarray(0, SHA1_BYTES);
  for (let at = 0; at < key.length; at++) {
    if (at % SHA1_BYTES === 0) digest = createHash('sha1').update(secret).update(digest).digest();
    key[at]! ^= digest[at % SHA1_BYTES]!;
  }
  const check = createHash('sha1').update(secret).update(key).digest();
  if (!timingSafeEqual(check, bytes.subarray(-SHA1_BYTES)))
    throw new WrongPassword('the password does not open its key');
  return key;
}

function utf16(password: string): Buffer {
  return Buffer.from(password, 'utf16le').swap16();
}

class JksReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  number(): number {
    return this.bytes(4).readUInt32BE();
  }

  text(): string {
    return this.bytes(this.bytes(2).readUInt16BE()).toString('utf8');
  }

  bytes(count: number): Buffer {
    const end = this.#at + count;
    if (end > this.#bytes.length) throw new Malformed('it ends in the middle');
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }
}
