import type { AnyApi, Api, BrokerAddress, Transport } from '../protocol/index.ts';
import { deferred, MillraceError } from '../util/index.ts';
import { type Core, type RequestContext, unknownSoftware } from './core.ts';
import { finalizedLevels } from './features.ts';
import { IN_PROCESS_HOST } from './groups/group-member.ts';
import { handlerOf } from './handlers/index.ts';
import { platformSession, type Session } from './security/session.ts';

/**
 * A connection from within the process: requests and answers are passed as objects, in the newest version, without
 * being encoded. Buffers in an answer are views of the broker's memory; a receiver must not write to them.
 */
export class InProcessTransport implements Transport {
  readonly closed: Promise<void>;
  readonly #core: Core;
  readonly #session: Session;
  readonly #endpoint: () => BrokerAddress;
  readonly #clientId: string;
  readonly #closed = deferred();
  readonly #onClose = new Set<() => void>();
  readonly #software = unknownSoftware();
  readonly #waiting = new Set<() => void>();
  #isClosed = false;

  constructor(core: Core, clientId: string, endpoint: () => BrokerAddress) {
    this.#core = core;
    this.#session = platformSession(core.scramUsers, core.environment);
    this.#clientId = clientId;
    this.#endpoint = endpoint;
    this.closed = this.#closed.promise;
  }

  get features(): ReadonlyMap<string, number> {
    return finalizedLevels(this.#core.metadata);
  }

  request<Req, Res>(api: Api<Req, Res>, body: Req): Promise<Res> {
    if (this.#isClosed) return Promise.reject(connectionLost());
    const handler = handlerOf(api.key);
    if (handler === undefined) {
      return Promise.reject(new MillraceError('UNSUPPORTED_VERSION', `The broker does not speak ${api.name}.`));
    }
    const context: RequestContext = {
      core: this.#core,
      version: api.maxVersion,
      clientId: this.#clientId,
      clientHost: IN_PROCESS_HOST,
      clientPort: 0,
      software: this.#software,
      session: this.#session,
      endpoint: this.#endpoint(),
      onClose: this.#onClose,
    };
    try {
      const answer = handler.handle(body, context) as Res | Promise<Res>;
      return answer instanceof Promise ? this.#pending(answer) : Promise.resolve(answer);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  versionOf(api: AnyApi): number | undefined {
    return handlerOf(api.key) === undefined ? undefined : api.maxVersion;
  }

  close(): void {
    this.#isClosed = true;
    for (const lost of this.#waiting) lost();
    for (const callback of this.#onClose) callback();
    this.#onClose.clear();
    this.#closed.resolve();
  }

  /** An answer that still waits when the connection closes never comes. */
  #pending<Res>(answer: Promise<Res>): Promise<Res> {
    return new Promise((resolve, reject) => {
      const lost = (): void => reject(connectionLost());
      this.#waiting.add(lost);
      answer.then(resolve, reject).finally(() => this.#waiting.delete(lost));
    });
  }
}

function connectionLost(): MillraceError {
  return new MillraceError('CONNECTION_LOST', 'The connection to the broker is closed.', { retriable: true });
}
