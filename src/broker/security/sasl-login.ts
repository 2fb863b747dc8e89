/**
 * The login of one connection, as Kafka's broker goes through it. The client may ask for the versions of APIs; then it names a
 * mechanism (SaslHandshake), and then both exchange its messages, in SaslAuthenticate or, after version 0 of the handshake, as
 * they are. Only then anything else is answered. Who logs in again before the session ends has a new one, on the same
 * connection and as the same user (KIP-368). A login that fails is answered after a while, and is the end of the connection.
 */
import { ErrorCode } from '../../protocol/index.ts';
import { type Environment, messageOf } from '../../util/index.ts';
import { type Exchange, type Mechanism, SaslRefusal } from './mechanisms.ts';
import { ANONYMOUS, type Principal, userPrincipal } from './principal.ts';

const API_VERSIONS = 18;
const SASL_HANDSHAKE = 17;
const SASL_AUTHENTICATE = 36;
/** Who logs in again more often is answered that this is not the time. */
const MIN_REAUTHENTICATION_MS = 1000;

export interface SaslAnswer {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly authBytes: Buffer;
  readonly sessionLifetimeMs: number;
}

export interface SaslLoginOptions {
  readonly mechanisms: ReadonlyMap<string, Mechanism>;
  readonly failureDelayMs: number;
  /** The largest request before the first login. */
  readonly maxRequestBytes: number;
  readonly environment: Environment;
  readonly report: (message: string) => void;
}

type State = 'begin' | 'exchange' | 'done' | 'failed';

export class SaslLogin {
  readonly #options: SaslLoginOptions;
  #state: State = 'begin';
  #principal: Principal = ANONYMOUS;
  #mechanism: Mechanism | undefined;
  #exchange: Exchange | undefined;
  #hasHeaders = true;
  /** When the session ends; undefined: never. */
  #endsAt: number | undefined;
  #againAt = Number.NEGATIVE_INFINITY;

  constructor(options: SaslLoginOptions) {
    this.#options = options;
  }

  get maxRequestBytes(): number {
    return this.#options.maxRequestBytes;
  }

  get principal(): Principal {
    return this.#principal;
  }

  /** True until somebody has logged in for the first time. */
  get isUnknown(): boolean {
    return this.#principal === ANONYMOUS;
  }

  /** True when the next answer is the last. */
  get hasFailed(): boolean {
    return this.#state === 'failed';
  }

  /** True where the client's messages come without headers. */
  get expectsToken(): boolean {
    return this.#state === 'exchange' && !this.#hasHeaders;
  }

  /** Why a request may not be carried out now, which is the end of the connection; undefined: it may. */
  refusalOf(apiKey: number): string | undefined {
    switch (this.#state) {
      case 'begin':
        if (apiKey === API_VERSIONS || apiKey === SASL_HANDSHAKE) return undefined;
        return `API ${apiKey} was asked for before a login: is the client set up for SASL?`;
      case 'exchange':
        return apiKey === SASL_AUTHENTICATE ? undefined : `API ${apiKey} was asked for during a login`;
      case 'done':
        if (apiKey === SASL_HANDSHAKE || this.#endsAt === undefined) return undefined;
        return this.#options.environment.now() > this.#endsAt ? 'the session ended without a new login' : undefined;
      case 'failed':
        return 'the login failed';
    }
  }

  /** The client names a mechanism. `hasHeaders`: what follows comes in SaslAuthenticate. */
  handshake(
    name: string,
    hasHeaders: boolean,
  ):
    | { readonly errorCode: number; readonly mechanisms: string[] }
    | Promise<{ readonly errorCode: number; readonly mechanisms: string[] }> {
    const mechanisms = [...this.#options.mechanisms.keys()];
    const now = this.#options.environment.now();
    const isAgain = this.#state === 'done';
    if (isAgain && (this.#endsAt === undefined || now < this.#againAt)) {
      return { errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [] };
    }
    const mechanism = this.#options.mechanisms.get(name);
    if (mechanism === undefined) {
      return this.#failed(
        { errorCode: ErrorCode.UNSUPPORTED_SASL_MECHANISM, mechanisms },
        `unsupported mechanism ${name}`,
      );
    }
    this.#hasHeaders = hasHeaders;
    this.#againAt = now + MIN_REAUTHENTICATION_MS;
    this.#exchange =
      isAgain && mechanism !== this.#mechanism ? otherMechanism(name, this.#mechanism!.name) : mechanism.begin();
    this.#mechanism = mechanism;
    this.#state = 'exchange';
    return { errorCode: ErrorCode.NONE, mechanisms };
  }

  /** The client's next message. */
  async authenticate(message: Buffer): Promise<SaslAnswer> {
    if (this.#state !== 'exchange') {
      const errorMessage =
        this.#state === 'done'
          ? 'SaslAuthenticate request received after successful authentication'
          : 'SaslAuthenticate request received before SaslHandshake';
      return refused(ErrorCode.ILLEGAL_SASL_STATE, errorMessage);
    }
    const exchange = this.#exchange!;
    try {
      const authBytes = await exchange.respond(message);
      if (exchange.user === undefined) return { ...ACCEPTED, authBytes };
      this.#becomes(userPrincipal(exchange.user));
      return { ...ACCEPTED, authBytes, sessionLifetimeMs: this.#newSession(exchange.expiresAt) };
    } catch (error) {
      const what = this.isUnknown ? 'authentication' : 're-authentication';
      // What others are told must not say whether there is such a user.
      const hidden = `Authentication failed during ${what} due to invalid credentials with SASL mechanism ${this.#mechanism!.name}`;
      const told = error instanceof SaslRefusal ? error.message : hidden;
      return this.#failed(refused(ErrorCode.SASL_AUTHENTICATION_FAILED, told), messageOf(error));
    }
  }

  #becomes(principal: Principal): void {
    if (!this.isUnknown && principal !== this.#principal) {
      throw new SaslRefusal(
        `Cannot change principals during re-authentication from ${withDot(this.#principal)}: ${withDot(principal)}`,
      );
    }
    this.#principal = principal;
    this.#state = 'done';
    this.#exchange = undefined;
  }

  /** How long it lasts, in milliseconds; 0: for ever. */
  #newSession(expiresAt: number | undefined): number {
    const now = this.#options.environment.now();
    const { maxReauthMs } = this.#mechanism!;
    const lifetimes = [
      ...(maxReauthMs > 0 ? [maxReauthMs] : []),
      ...(expiresAt === undefined ? [] : [Math.max(0, expiresAt - now)]),
    ];
    if (lifetimes.length === 0) return 0;
    const lifetime = Math.min(...lifetimes);
    this.#endsAt = now + lifetime;
    return lifetime;
  }

  /** The last answer, which has to be waited for: guessing should take long. */
  #failed<T>(answer: T, reason: string): Promise<T> {
    this.#state = 'failed';
    this.#exchange = undefined;
    this.#options.report(`login failed: ${reason}`);
    return new Promise((resolve) => {
      this.#options.environment.after(this.#options.failureDelayMs, () => resolve(answer));
    });
  }
}

const ACCEPTED: SaslAnswer = {
  errorCode: ErrorCode.NONE,
  errorMessage: null,
  authBytes: Buffer.alloc(0),
  sessionLifetimeMs: 0,
};

function refused(errorCode: number, errorMessage: string): SaslAnswer {
  return { ...ACCEPTED, errorCode, errorMessage };
}

/** A new login over another mechanism than the one before is refused at its first message. */
function otherMechanism(asked: string, before: string): Exchange {
  return {
    user: undefined,
    respond() {
      throw new SaslRefusal(
        `SASL mechanism '${asked}' requested by client is not supported for re-authentication of mechanism '${before}'`,
      );
    },
  };
}

function withDot(principal: Principal): string {
  return principal.replace(':', '.');
}
