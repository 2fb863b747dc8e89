/**
 * SCRAM (RFC 5802, with SHA-256 and SHA-512: RFC 7677), both sides of it, as Kafka speaks it: without channel binding, and
 * with passwords as they are in UTF-8. RFC 4013's SASLprep is left out because Kafka's own implementation leaves it out: a
 * password that it would change could not log in at the other's.
 *
 * The life of a login: `ScramClient.first` says who wants in, `ScramServer.first` answers with the salt of that user's
 * credential, `ScramClient.final` proves that the password is known, `ScramServer.final` checks that and proves that the
 * credential is known, which `ScramClient.verify` checks. The password itself is never sent, nor kept by the server.
 */
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { type Environment, MillraceError } from '../util/index.ts';

export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-512';

const HASHES = { 'SCRAM-SHA-256': 'sha256', 'SCRAM-SHA-512': 'sha512' } as const;
export const SCRAM_MECHANISMS = Object.keys(HASHES) as readonly ScramMechanism[];
/** Fewer are refused by both sides, as Kafka does. */
export const MIN_SCRAM_ITERATIONS = 4096;
/** More are a server that wants to keep the client busy. */
const MAX_ITERATIONS = 10_000_000;
/** The header of a client that does not bind channels. */
const NO_CHANNEL = 'n,,';
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?$/;

/** What a server keeps of a password: enough to check a login, too little to log in. */
export interface ScramCredential {
  readonly salt: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
  readonly iterations: number;
}

export function isScramMechanism(name: string): name is ScramMechanism {
  return Object.hasOwn(HASHES, name);
}

// ── Keys ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const pbkdf2InThread = promisify(pbkdf2);

/** `Hi(password, salt, iterations)`; takes milliseconds, beside the event loop. */
export function saltedPassword(
  mechanism: ScramMechanism,
  password: string,
  salt: Buffer,
  iterations: number,
): Promise<Buffer> {
  const hash = HASHES[mechanism];
  return pbkdf2InThread(Buffer.from(password, 'utf8'), salt, iterations, keyLength(mechanism), hash);
}

/** What a server keeps of a salted password. */
export function scramCredential(
  mechanism: ScramMechanism,
  salted: Buffer,
  salt: Buffer,
  iterations: number,
): ScramCredential {
  return {
    salt,
    iterations,
    storedKey: digest(mechanism, hmac(mechanism, salted, 'Client Key')),
    serverKey: hmac(mechanism, salted, 'Server Key'),
  };
}

/** Whether somebody who is here has the password of a credential: a login without an exchange. */
export async function isScramPassword(
  mechanism: ScramMechanism,
  credential: ScramCredential,
  password: string,
): Promise<boolean> {
  const { salt, iterations, storedKey } = credential;
  const salted = await saltedPassword(mechanism, password, salt, iterations);
  return isSame(scramCredential(mechanism, salted, salt, iterations).storedKey, storedKey);
}

/** Bytes of a key. */
export function keyLength(mechanism: ScramMechanism): number {
  return mechanism === 'SCRAM-SHA-256' ? 32 : 64;
}

function hmac(mechanism: ScramMechanism, key: Buffer, data: string): Buffer {
  return createHmac(HASHES[mechanism], key).update(data, 'utf8').digest();
}

function digest(mechanism: ScramMechanism, data: Buffer): Buffer {
  return createHash(HASHES[mechanism]).update(data).digest();
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, i) => byte ^ b[i]!));
}

function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

// ── The client ────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ScramLogin {
  readonly mechanism: ScramMechanism;
  readonly username: string;
  readonly password: string;
  /** Printable, without commas, and never used before: `scramNonce`. */
  readonly nonce: string;
  /** Kafka's own: `tokenauth` = `true` for delegation tokens. */
  readonly extensions?: Readonly<Record<string, string>>;
}

/** Each of its steps is taken once, in this order. Throws `SASL_AUTHENTICATION_FAILED`. */
export class ScramClient {
  readonly #login: ScramLogin;
  readonly #firstBare: string;
  #expectedSignature: Buffer | undefined;

  constructor(login: ScramLogin) {
    this.#login = login;
    const extensions = Object.entries(login.extensions ?? {}).map(([name, value]) => `,${name}=${value}`);
    this.#firstBare = `n=${saslName(login.username)},r=${login.nonce}${extensions.join('')}`;
  }

  first(): Buffer {
    return Buffer.from(NO_CHANNEL + this.#firstBare, 'utf8');
  }

  /** The answer to the server's first message. */
  async final(serverFirst: Buffer): Promise<Buffer> {
    const { mechanism, password, nonce } = this.#login;
    const message = serverFirst.toString('utf8');
    const [r, s, i] = message.split(',');
    const salt =
      s?.startsWith('s=') === true && BASE64.test(s.slice(2)) ? Buffer.from(s.slice(2), 'base64') : undefined;
    if (r?.startsWith('r=') !== true || salt === undefined || !/^i=\d{1,10}$/.test(i ?? '')) {
      throw failed(`The broker's first message of ${mechanism} is malformed.`);
    }
    const iterations = Number(i!.slice(2));
    const isMore = r.startsWith(`r=${nonce}`) && r.length > nonce.length + 2;
    if (!isMore) throw failed(`The broker's nonce does not begin with that of the client.`);
    if (iterations < MIN_SCRAM_ITERATIONS || iterations > MAX_ITERATIONS) {
      throw failed(
        `The broker asks for ${iterations} iterations of ${mechanism}; it must be ${MIN_SCRAM_ITERATIONS} to ${MAX_ITERATIONS}.`,
      );
    }
    const salted = await saltedPassword(mechanism, password, salt, iterations);
    const withoutProof = `c=${Buffer.from(NO_CHANNEL).toString('base64')},${r}`;
    const everything = `${this.#firstBare},${message},${withoutProof}`;
    const clientKey = hmac(mechanism, salted, 'Client Key');
    const { storedKey, serverKey } = scramCredential(mechanism, salted, salt, iterations);
    const proof = xor(clientKey, hmac(mechanism, storedKey, everything));
    this.#expectedSignature = hmac(mechanism, serverKey, everything);
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`, 'utf8');
  }

  /** Looks at the server's last message: one that does not know the user's credential does not get past this. */
  verify(serverFinal: Buffer): void {
    const [field = ''] = serverFinal.toString('utf8').split(',');
    if (field.startsWith('e=')) throw failed(`The broker refuses the login: ${field.slice(2)}.`);
    const isSignature = field.startsWith('v=') && BASE64.test(field.slice(2));
    const signature = Buffer.from(isSignature ? field.slice(2) : '', 'base64');
    if (this.#expectedSignature === undefined || !isSame(signature, this.#expectedSignature)) {
      throw failed('The broker does not prove that it knows the credential: it may not be the one that was meant.');
    }
  }
}

// ── The server ────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ScramChallenge {
  readonly mechanism: ScramMechanism;
  readonly nonce: string;
  /** What is known of a user; undefined for one who is not. */
  readonly credentialOf: (username: string) => ScramCredential | undefined;
}

/** Each of its steps is taken once, in this order. Throws `SASL_AUTHENTICATION_FAILED`. */
export class ScramServer {
  readonly #challenge: ScramChallenge;
  #sofar: { header: string; nonce: string; exchanged: string; credential: ScramCredential } | undefined;
  #username: string | undefined;
  #isComplete = false;

  constructor(challenge: ScramChallenge) {
    this.#challenge = challenge;
  }

  /** Who logged in; undefined until it is proved. */
  get authenticatedUser(): string | undefined {
    return this.#isComplete ? this.#username : undefined;
  }

  /** The answer to the client's first message. */
  first(message: Buffer): Buffer {
    const { header, authorizedAs, username, nonce, bare, extensions } = readClientFirst(message);
    const { mechanism } = this.#challenge;
    if (extensions.get('tokenauth')?.toLowerCase() === 'true') throw failed('There are no delegation tokens.');
    const credential = this.#challenge.credentialOf(username);
    if (credential === undefined) throw failed(`There is no credential of ${mechanism} for the user.`);
    if (authorizedAs !== undefined && authorizedAs !== username) {
      throw failed('The client asks to be authorized as another user than the one who logs in.');
    }
    if (credential.iterations < MIN_SCRAM_ITERATIONS) {
      throw failed(`The credential has fewer than ${MIN_SCRAM_ITERATIONS} iterations.`);
    }
    const both = nonce + this.#challenge.nonce;
    const answer = `r=${both},s=${credential.salt.toString('base64')},i=${credential.iterations}`;
    this.#username = username;
    this.#sofar = { header, nonce: both, exchanged: `${bare},${answer}`, credential };
    return Buffer.from(answer, 'utf8');
  }

  /** Checks the client's proof, and answers with one of its own. */
  final(message: Buffer): Buffer {
    const { mechanism } = this.#challenge;
    const sofar = this.#sofar;
    if (sofar === undefined) throw failed('The last message of SCRAM came first.');
    this.#sofar = undefined;
    const text = message.toString('utf8');
    const proofAt = text.lastIndexOf(',p=');
    const [channel, nonce] = text.split(',');
    const proofText = text.slice(proofAt + 3);
    if (proofAt < 0 || !BASE64.test(proofText) || channel?.startsWith('c=') !== true) {
      throw failed("The client's last message of SCRAM is malformed.");
    }
    if (Buffer.from(channel.slice(2), 'base64').toString('utf8') !== sofar.header) {
      throw failed('The client binds another channel than it said at first.');
    }
    if (nonce !== `r=${sofar.nonce}`) throw failed('The nonce of the last message is not that of the first ones.');
    const { storedKey, serverKey } = sofar.credential;
    const everything = `${sofar.exchanged},${text.slice(0, proofAt)}`;
    const proof = Buffer.from(proofText, 'base64');
    const isProof = proof.length === keyLength(mechanism);
    const clientKey = isProof ? xor(proof, hmac(mechanism, storedKey, everything)) : Buffer.alloc(0);
    if (!isProof || !isSame(digest(mechanism, clientKey), storedKey)) throw failed('The password is wrong.');
    this.#isComplete = true;
    return Buffer.from(`v=${hmac(mechanism, serverKey, everything).toString('base64')}`, 'utf8');
  }
}

/** `gs2-header n=user,r=nonce[,name=value…]`, where the header is `n,,` or `n,a=user,`. */
function readClientFirst(message: Buffer) {
  const text = message.toString('utf8');
  const [flag = '', authzid = '', user = '', nonce = '', ...more] = text.split(',');
  if (flag.startsWith('p=')) throw failed('Channels can not be bound: log in without it.');
  const isWhole =
    (flag === 'n' || flag === 'y') &&
    (authzid === '' || authzid.startsWith('a=')) &&
    user.startsWith('n=') &&
    /^r=[\x21-\x2b\x2d-\x7e]+$/.test(nonce) &&
    more.every((field) => /^[A-Za-z]+=./s.test(field));
  const username = userOf(user.slice(2));
  if (!isWhole || username === undefined) throw failed("The client's first message of SCRAM is malformed.");
  const header = `${flag},${authzid},`;
  return {
    header,
    authorizedAs: authzid === '' ? undefined : (userOf(authzid.slice(2)) ?? ''),
    username,
    nonce: nonce.slice(2),
    bare: text.slice(header.length),
    extensions: new Map(more.map((field) => [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)])),
  };
}

// ── Texts ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A nonce of what the environment says is random. */
export function scramNonce(environment: Environment): string {
  return environment.randomBytes(24).toString('base64url');
}

/** A name as SCRAM writes it, where `,` and `=` have other meanings. */
function saslName(username: string): string {
  return username.replaceAll('=', '=3D').replaceAll(',', '=2C');
}

/** The name that is written so; undefined for what is no name. */
function userOf(written: string): string | undefined {
  if (written === '' || /=(?!2C|3D)/.test(written) || written.includes('\0') || written.includes('\uFFFD')) {
    return undefined;
  }
  return written.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

function failed(message: string): MillraceError {
  return new MillraceError('SASL_AUTHENTICATION_FAILED', message);
}
