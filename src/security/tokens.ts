/**
 * Bearer tokens (OAuth 2, JWT: RFC 7519), of which a broker wants to know who has one and until when: signed ones, against
 * the keys of who issues them; and, for development, ones that nobody signed, as Kafka's own default takes them.
 */
import { constants, verify, type VerifyKeyObjectInput } from 'node:crypto';
import { type Clock, MillraceError } from '../util/index.ts';
import type { Jwks, PublicKey } from './jwks.ts';

/** What a good token says. */
export interface Bearer {
  readonly user: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export interface TokenRules {
  /** The claim with the name of the user. */
  readonly userClaim: string;
  readonly scopeClaim: string;
  readonly requiredScopes: readonly string[];
  /** Of which a token must be for one; none: it does not matter. */
  readonly audiences: readonly string[];
  readonly issuer: string | undefined;
  readonly clockSkewMs: number;
}

type Claims = Readonly<Record<string, unknown>>;

interface Algorithm {
  readonly hash: string | null;
  readonly keyType: string;
  readonly options: Omit<VerifyKeyObjectInput, 'key'>;
}

const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
/** Those with two keys: one whose key is known to the checker only would be checked with what everybody knows. */
const ALGORITHMS: Readonly<Record<string, Algorithm>> = {
  RS256: { hash: 'sha256', keyType: 'rsa', options: {} },
  RS384: { hash: 'sha384', keyType: 'rsa', options: {} },
  RS512: { hash: 'sha512', keyType: 'rsa', options: {} },
  PS256: { hash: 'sha256', keyType: 'rsa', options: pss },
  PS384: { hash: 'sha384', keyType: 'rsa', options: pss },
  PS512: { hash: 'sha512', keyType: 'rsa', options: pss },
  ES256: { hash: 'sha256', keyType: 'ec', options: { dsaEncoding: 'ieee-p1363' } },
  ES384: { hash: 'sha384', keyType: 'ec', options: { dsaEncoding: 'ieee-p1363' } },
  ES512: { hash: 'sha512', keyType: 'ec', options: { dsaEncoding: 'ieee-p1363' } },
  EdDSA: { hash: null, keyType: 'ed25519', options: {} },
};

/** Who has a token that one of the keys signed. Rejects with `SASL_AUTHENTICATION_FAILED`. */
export async function checkSignedToken(token: string, keys: Jwks, rules: TokenRules, clock: Clock): Promise<Bearer> {
  const { header, claims, signed, signature } = partsOf(token);
  const algorithm = Object.hasOwn(ALGORITHMS, String(header['alg'])) ? ALGORITHMS[String(header['alg'])] : undefined;
  if (algorithm === undefined) throw bad(`it is signed with ${String(header['alg'])}, which is not accepted`);
  const keyId = typeof header['kid'] === 'string' ? header['kid'] : undefined;
  const candidates = await keys.candidates(keyId);
  const isSigner = ({ key, algorithm: only }: PublicKey): boolean =>
    key.asymmetricKeyType === algorithm.keyType &&
    (only === undefined || only === header['alg']) &&
    verify(algorithm.hash, signed, { key, ...algorithm.options }, signature);
  if (!candidates.some(isSigner)) throw bad('none of the known keys signed it');
  return bearerOf(claims, rules, clock);
}

/** Who says to be whom, without a proof: for development. Throws `SASL_AUTHENTICATION_FAILED`. */
export function checkUnsignedToken(token: string, rules: TokenRules, clock: Clock): Bearer {
  const { header, claims, signature } = partsOf(token);
  if (header['alg'] !== 'none' || signature.length > 0) throw bad('only tokens without a signature are taken here');
  return bearerOf(claims, rules, clock);
}

function bearerOf(claims: Claims, rules: TokenRules, clock: Clock): Bearer {
  const now = clock.now();
  const user = claims[rules.userClaim];
  if (typeof user !== 'string' || user.trim() === '') throw bad(`the claim ${rules.userClaim} names nobody`);
  const expiresAt = timeIn(claims, 'exp');
  if (expiresAt === undefined) throw bad('it has no end (exp)');
  if (now - rules.clockSkewMs >= expiresAt) throw bad('it has expired');
  const issuedAt = timeIn(claims, 'iat') ?? Number.NEGATIVE_INFINITY;
  const begin = Math.max(timeIn(claims, 'nbf') ?? Number.NEGATIVE_INFINITY, issuedAt);
  if (begin > now + rules.clockSkewMs) throw bad('it is not good yet');
  if (begin >= expiresAt) throw bad('it ends before it begins');
  if (rules.issuer !== undefined && claims['iss'] !== rules.issuer) throw bad('somebody else issued it');
  const audiences = listIn(claims['aud'], /$^/);
  if (rules.audiences.length > 0 && !rules.audiences.some((each) => audiences.includes(each))) {
    throw bad('it is for somebody else');
  }
  const scopes = listIn(claims[rules.scopeClaim], / +/);
  const missing = rules.requiredScopes.find((scope) => !scopes.includes(scope));
  if (missing !== undefined) throw bad(`it lacks the scope ${missing}`);
  return { user, expiresAt };
}

function partsOf(token: string) {
  const [head = '', body = '', signature = '', ...more] = token.split('.');
  if (token.split('.').length !== 3 || more.length > 0) throw bad('it does not have three parts');
  return {
    header: objectIn(head),
    claims: objectIn(body),
    signed: Buffer.from(`${head}.${body}`, 'ascii'),
    signature: Buffer.from(signature, 'base64url'),
  };
}

function objectIn(base64: string): Claims {
  try {
    const value: unknown = JSON.parse(Buffer.from(base64, 'base64url').toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Claims;
  } catch {
    // The same as any other thing that is no object.
  }
  throw bad('a part of it is no JSON object');
}

function timeIn(claims: Claims, name: string): number | undefined {
  const seconds = claims[name];
  if (seconds === undefined || seconds === null) return undefined;
  if (typeof seconds !== 'number' || !Number.isFinite(seconds)) throw bad(`${name} is no time`);
  return seconds * 1000;
}

/** A text or a list of them. */
function listIn(claim: unknown, separator: RegExp): string[] {
  if (typeof claim === 'string') return claim.split(separator);
  return Array.isArray(claim) ? claim.filter((each) => typeof each === 'string') : [];
}

function bad(why: string): MillraceError {
  return new MillraceError('SASL_AUTHENTICATION_FAILED', `The token is not accepted: ${why}.`);
}
