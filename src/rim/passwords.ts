// The file of users in the format that the original's login module reads: `user: password,role,…`. A password stands there
// as it is, or as something that only tells whether a given one is right.
import { createHash, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { invalid, linesOf } from '../security/index.ts';

export interface User {
  readonly name: string;
  readonly roles: readonly string[];
  /** Takes the same time for a wrong password as for the right one. */
  readonly isPassword: (given: string) => Promise<boolean>;
}

/** More would make logging in a way to stop the server. */
const SCRYPT_MEMORY_MAX = 256 * 1024 * 1024;
const derivedKey = promisify<string, Buffer, number, object, Buffer>(scrypt);

/** Throws `INVALID_CONFIG`. `setting` names the file. */
export function readUsers(setting: string, file: string): ReadonlyMap<string, User> {
  const users = new Map<string, User>();
  for (const { number, text } of linesOf(setting, file)) {
    const where = `${file}, line ${number}`;
    const [, name, rest] = /^([^\s:]+)\s*:\s*(\S.*)$/.exec(text) ?? [];
    if (name === undefined || rest === undefined) throw invalid(`${where}: this is not "user: password,role,…".`);
    if (users.has(name)) throw invalid(`${where}: the user ${name} is there twice.`);
    const [password, ...roles] = rest.split(',').map((part) => part.trim());
    users.set(name, { name, roles, isPassword: checkOf(password!, where) });
  }
  return users;
}

function checkOf(password: string, where: string): User['isPassword'] {
  const [, kind, value = ''] = /^(MD5|CRYPT|OBF|scrypt):(.*)$/.exec(password) ?? [];
  switch (kind) {
    case undefined:
      return async (given) => timingSafeEqual(digest('sha256', given), digest('sha256', password));
    case 'MD5':
      if (!/^[0-9a-f]{32}$/i.test(value)) throw invalid(`${where}: behind MD5: there are 32 hexadecimal digits.`);
      return async (given) => timingSafeEqual(digest('md5', given), Buffer.from(value, 'hex'));
    case 'scrypt':
      return scryptCheck(value, where);
    default:
      throw invalid(`${where}: ${kind}: is not supported; write the password as scrypt:, as MD5: or as it is.`);
  }
}

/** `N:r:p:salt:key`, the last two in base64. */
function scryptCheck(value: string, where: string): User['isPassword'] {
  const base64 = '[A-Za-z0-9+/]+=*';
  const match = new RegExp(`^(\\d+):(\\d+):(\\d+):(${base64}):(${base64})$`).exec(value);
  if (match === null) throw invalid(`${where}: behind scrypt: there is N:r:p:salt:key, salt and key in base64.`);
  const [N, r, p] = match.slice(1, 4).map(Number) as [number, number, number];
  const key = Buffer.from(match[5]!, 'base64');
  if (N < 2 || (N & (N - 1)) !== 0 || r < 1 || p < 1 || p > 16 || 128 * N * r > SCRYPT_MEMORY_MAX || key.length < 16) {
    throw invalid(`${where}: scrypt:${N}:${r}:${p} is out of bounds.`);
  }
  const salt = Buffer.from(match[4]!, 'base64');
  const options = { N, r, p, maxmem: 2 * SCRYPT_MEMORY_MAX };
  return async (given) => timingSafeEqual(await derivedKey(given, salt, key.length, options), key);
}

function digest(algorithm: 'md5' | 'sha256', text: string): Buffer {
  return createHash(algorithm).update(text).digest();
}
