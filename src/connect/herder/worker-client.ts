// Requests to other workers' REST: those of users that only the leader, or the owner of a task, can carry out, and those that
// workers make of each other, which are signed with the cluster's session key (KIP-507).
import { type HttpAnswer, HttpConnection } from '../../http-client/index.ts';
import { type Environment, messageOf } from '../../util/index.ts';
import { HerderRefusal } from './refusals.ts';
import { signed } from './signatures.ts';
import type { SessionKey } from '../storage/config-state.ts';

export interface WorkerClientOptions {
  /** The certificates (PEM) of other workers, where theirs are of a private authority. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** How long an answer is waited for. */
  readonly timeoutMs: number;
  readonly environment: Environment;
}

export interface WorkerRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** JSON, or nothing. */
  readonly body?: string | undefined;
  /** The user's login, which goes on with what he asks for. */
  readonly authorization?: string | undefined;
  /** Of requests that workers make of each other. */
  readonly key?: SessionKey | undefined;
  readonly algorithm?: string;
}

/** What the other worker answered; errors, too. */
export interface WorkerAnswer {
  readonly status: number;
  readonly text: string;
}

export class WorkerClient {
  readonly #options: WorkerClientOptions;
  readonly #connections = new Map<string, HttpConnection>();

  constructor(options: WorkerClientOptions) {
    this.#options = options;
  }

  /** Rejects with `HerderRefusal` (`internal`) where no answer comes. */
  async ask(url: string, request: WorkerRequest): Promise<WorkerAnswer> {
    const { method, path, body, authorization, key, algorithm = 'HmacSHA256' } = request;
    const abort = new AbortController();
    const cancel = this.#options.environment.after(this.#options.timeoutMs, () => abort.abort(new Error('no answer')));
    try {
      const answer: HttpAnswer = await this.#connection(url).ask({
        method,
        path,
        headers: {
          accept: 'application/json',
          'user-agent': 'kafka-connect',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(authorization === undefined ? {} : { authorization }),
          ...(key === undefined ? {} : signed(key, Buffer.from(body ?? '', 'utf8'), algorithm)),
        },
        body,
        signal: abort.signal,
      });
      return { status: answer.status, text: await answer.text() };
    } catch (cause) {
      throw new HerderRefusal('internal', `IO Error trying to forward REST request: ${messageOf(cause)}`, { cause });
    } finally {
      cancel();
    }
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  #connection(url: string): HttpConnection {
    const { ca, cert, key } = this.#options;
    const connection = this.#connections.get(url) ?? new HttpConnection({ url, ca, cert, key });
    this.#connections.set(url, connection);
    return connection;
  }
}
