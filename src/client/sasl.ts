// Logging in to a broker (KIP-43, KIP-152), and doing so again on the same connection before the session ends that the broker
// gave (KIP-368). There is no timer for that: the first request behind most of a session waits until the next one has begun,
// as do all behind it, and brokers look at sessions only when something is asked of them.
import {
  type AnyApi,
  type Api,
  type BrokerAddress,
  create,
  ErrorCode,
  errorName,
  saslAuthenticate,
  saslHandshake,
  type Transport,
} from '../protocol/index.ts';
import { codeOf, type Environment, messageOf, MillraceError } from '../util/index.ts';
import type { Login } from './login.ts';

/** After which part of a session the next one begins: somewhere between, so that not all connections do it at once. */
const REAUTHENTICATE_FROM = 0.85;
const REAUTHENTICATE_TO = 0.95;

/**
 * Logs in, and answers how long the session lasts, ms; 0: for ever. Rejects with SASL_AUTHENTICATION_FAILED, which says who,
 * how and where, with UNSUPPORTED_SASL_MECHANISM, or with what became of the connection.
 */
export async function logIn(transport: Transport, login: Login, address: BrokerAddress): Promise<number> {
  const { mechanism, user } = login;
  const broker = `the broker at ${address.host}:${address.port}`;
  const { errorCode, mechanisms } = await transport.request(saslHandshake, create(saslHandshake, { mechanism }));
  if (errorCode !== ErrorCode.NONE) {
    const offered = mechanisms.length === 0 ? '' : ` It has: ${mechanisms.join(', ')} (sasl.mechanism).`;
    throw new MillraceError(errorName(errorCode), `SASL: ${broker} does not take ${mechanism}.${offered}`);
  }
  const refused = (why: string, cause?: unknown): MillraceError =>
    new MillraceError(
      'SASL_AUTHENTICATION_FAILED',
      `SASL: ${broker} and ${user} did not come together by ${mechanism}: ${why}`,
      {
        cause,
      },
    );
  const messages = login.messages();
  let sessionMs = 0;
  try {
    let next = await messages.next();
    while (next.done !== true) {
      const answer = await transport.request(saslAuthenticate, create(saslAuthenticate, { authBytes: next.value }));
      if (answer.errorCode !== ErrorCode.NONE) {
        const words = answer.errorMessage ?? errorName(answer.errorCode);
        // What the mechanism itself knows better is told by it.
        if (answer.errorCode === ErrorCode.SASL_AUTHENTICATION_FAILED) throw refused(words);
        throw new MillraceError(
          errorName(answer.errorCode),
          `SASL: ${broker} refuses ${user} by ${mechanism}: ${words}`,
        );
      }
      sessionMs = answer.sessionLifetimeMs;
      next = await messages.next(answer.authBytes);
    }
  } catch (error) {
    if (codeOf(error) !== 'SASL_AUTHENTICATION_FAILED' || messageOf(error).startsWith('SASL: ')) throw error;
    throw refused(messageOf(error), error);
  } finally {
    await messages.return();
  }
  return sessionMs;
}

/** A request that waits. */
interface Held {
  readonly go: () => void;
  readonly fail: (error: unknown) => void;
}

/** A connection whose session is over some time. */
export class SessionTransport implements Transport {
  readonly #transport: Transport;
  readonly #logIn: () => Promise<number>;
  readonly #environment: Environment;
  #renewAt = Number.POSITIVE_INFINITY;
  /** Requests that wait until there is a new session. Undefined: none is being made. */
  #held: Held[] | undefined;

  /** `sessionMs` as `logIn` answered it, which does the same again on this connection. */
  constructor(transport: Transport, sessionMs: number, again: () => Promise<number>, environment: Environment) {
    this.#transport = transport;
    this.#logIn = again;
    this.#environment = environment;
    this.#began(sessionMs);
  }

  get features(): ReadonlyMap<string, number> {
    return this.#transport.features;
  }

  get closed(): Promise<void> {
    return this.#transport.closed;
  }

  versionOf(api: AnyApi): number | undefined {
    return this.#transport.versionOf(api);
  }

  request<Req, Res>(api: Api<Req, Res>, body: Req): Promise<Res> {
    if (this.#held === undefined) {
      if (this.#environment.now() < this.#renewAt) return this.#transport.request(api, body);
      this.#held = [];
      void this.#renew(this.#held);
    }
    const held = this.#held;
    return new Promise((resolve, reject) => {
      held.push({ go: () => this.#transport.request(api, body).then(resolve, reject), fail: reject });
    });
  }

  close(): void {
    this.#transport.close();
  }

  #began(sessionMs: number): void {
    const part = REAUTHENTICATE_FROM + (REAUTHENTICATE_TO - REAUTHENTICATE_FROM) * this.#environment.random();
    this.#renewAt = sessionMs > 0 ? this.#environment.now() + sessionMs * part : Number.POSITIVE_INFINITY;
  }

  async #renew(held: readonly Held[]): Promise<void> {
    try {
      this.#began(await this.#logIn());
    } catch (error) {
      // Whoever comes now finds the connection closed, and makes another one.
      this.#transport.close();
      this.#held = undefined;
      for (const { fail } of held) fail(error);
      return;
    }
    // In their order, and before anything that comes behind them.
    for (const { go } of held) go();
    this.#held = undefined;
  }
}
