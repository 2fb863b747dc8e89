// What shows that a request is from a worker of the same cluster (KIP-507): a message authentication code of its body, with a key
// that the leader makes and puts into the config topic.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Environment } from '../../util/index.ts';
import type { SessionKey } from '../storage/config-state.ts';
import type { SignedRequest } from './herder.ts';
import { HerderRefusal, invalid } from './refusals.ts';

/** By Java's names; the length of keys in bytes, as Java makes them. */
const ALGORITHMS: Readonly<Record<string, { readonly digest: string; readonly keyBytes: number }>> = {
  HmacSHA1: { digest: 'sha1', keyBytes: 64 },
  HmacSHA224: { digest: 'sha224', keyBytes: 28 },
  HmacSHA256: { digest: 'sha256', keyBytes: 32 },
  HmacSHA384: { digest: 'sha384', keyBytes: 48 },
  HmacSHA512: { digest: 'sha512', keyBytes: 64 },
};

/** The names of the algorithms that there are. */
export const SIGNATURE_ALGORITHMS: readonly string[] = Object.keys(ALGORITHMS);

/** How long a key of an algorithm is, in bytes, unless it is said in bits. */
export function keyLength(algorithm: string, bits?: number): number {
  return bits === undefined ? ALGORITHMS[algorithm]!.keyBytes : Math.ceil(bits / 8);
}

/** A new key. */
export function newSessionKey(environment: Environment, algorithm: string, length: number): SessionKey {
  return { key: environment.randomBytes(length), algorithm, createdAt: environment.now() };
}

/** The headers of a signed request. */
export function signed({ key }: SessionKey, body: Buffer, algorithm: string): Record<string, string> {
  return {
    'X-Connect-Authorization': mac(algorithm, key, body).toString('base64'),
    'X-Connect-Request-Signature-Algorithm': algorithm,
  };
}

/** Throws `HerderRefusal` where a request is not from a worker of this cluster. */
export function checkSignature(
  { body, signature, algorithm }: SignedRequest,
  key: SessionKey | undefined,
  accepted: readonly string[],
): void {
  if (signature === undefined || algorithm === undefined) throw invalid('Internal request missing required signature');
  if (!SIGNATURE_ALGORITHMS.includes(algorithm)) throw invalid(`Algorithm ${algorithm} not available`);
  if (!accepted.includes(algorithm)) {
    throw invalid(
      `This worker does not support the '${algorithm}' key signing algorithm used by other workers. This worker is currently configured to use: [${accepted.join(', ')}]. Check that all workers' configuration files permit the same set of signature algorithms, and correct any misconfigured worker and restart it.`,
    );
  }
  if (key === undefined) {
    throw new HerderRefusal(
      'starting',
      'This worker is still starting up and has not been able to read a session key from the config topic yet',
    );
  }
  const [given, right] = [Buffer.from(signature, 'base64'), mac(algorithm, key.key, body)];
  if (given.length !== right.length || !timingSafeEqual(given, right))
    throw new HerderRefusal('forbidden', 'Internal request contained invalid signature.');
}

function mac(algorithm: string, key: Buffer, body: Buffer): Buffer {
  return createHmac(ALGORITHMS[algorithm]!.digest, key).update(body).digest();
}
