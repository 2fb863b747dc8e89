// Requests to a service: with what says who we are, tried again where that may help. What cannot be helped is a `ConnectError` that has
// the status and the beginning of the answer.
import type { Environment } from '../../../util/index.ts';
import { messageOf } from '../../../util/index.ts';
import { ConnectError, RetriableError } from '../../data/errors.ts';
import { type HttpConfig, statusCodes } from './settings.ts';

/** A request. */
export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  /** The same at other servers, for further attempts. */
  readonly otherUrls?: readonly string[];
  readonly body?: string;
  readonly contentType?: string;
}

/** What came back; the status is one of success. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** An answer that says that the request cannot be done. */
export class StatusError extends ConnectError {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** How much of an answer an error has. */
const SHOWN_LENGTH = 300;
/** A token is had anew so long before it ends. */
const TOKEN_MARGIN_MS = 10_000;
const TOKEN_LIFE_SECONDS = 300;
const LONGEST_WAIT_MS = 60_000;

export class Requests {
  readonly #config: HttpConfig;
  readonly #environment: Environment;
  readonly #isRetried: (status: number) => boolean;
  #token: { readonly text: string; readonly until: number } | undefined;

  constructor(config: HttpConfig, environment: Environment) {
    this.#config = config;
    this.#environment = environment;
    this.#isRetried = statusCodes(config['retry.on.status.codes']);
  }

  /** Rejects with `RetriableError` when trying again did not help, or the signal came first; with `StatusError` when it can't. */
  async send(request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse> {
    const { 'max.retries': retries, 'retry.backoff.ms': backoffMs } = this.#config;
    const urls = [request.url, ...(request.otherUrls ?? [])];
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#once({ ...request, url: urls[attempt % urls.length]! }, signal);
      } catch (error) {
        if (!(error instanceof RetriableError) || attempt >= retries || signal?.aborted === true) throw error;
        const usual = Math.min(backoffMs * 2 ** attempt, LONGEST_WAIT_MS);
        await this.#wait(error instanceof LaterError ? Math.min(error.afterMs, LONGEST_WAIT_MS) : usual, signal);
      }
    }
  }

  async #once({ method, url, body, contentType }: HttpRequest, signal: AbortSignal | undefined): Promise<HttpResponse> {
    const headers = new Headers(await this.#headers(signal));
    if (body !== undefined && !headers.has('content-type'))
      headers.set('content-type', contentType ?? 'application/json');
    const {
      status,
      headers: answered,
      text,
    } = await this.#fetch(url, { method, headers, ...(body === undefined ? {} : { body }) }, signal);
    if (status < 400) return { status, headers: answered, text };
    // The token may have been taken back.
    if (status === 401 && this.#token !== undefined) {
      this.#token = undefined;
      throw new RetriableError(`${method} ${url} answered 401: the token is not taken any more`);
    }
    const message = `${method} ${url} answered ${status}: ${text.slice(0, SHOWN_LENGTH)}`;
    if (!this.#isRetried(status)) throw new StatusError(status, message);
    const after = Number(answered.get('retry-after') ?? Number.NaN);
    throw Number.isFinite(after) ? new LaterError(message, after * 1000) : new RetriableError(message);
  }

  async #fetch(url: string, init: RequestInit, signal: AbortSignal | undefined): Promise<HttpResponse> {
    const late = new AbortController();
    const timeoutMs = this.#config['http.request.timeout.ms'];
    const cancel = this.#environment.after(timeoutMs, () => late.abort(new Error(`no answer within ${timeoutMs} ms`)));
    const signals = signal === undefined ? [late.signal] : [late.signal, signal];
    try {
      const response = await fetch(url, { ...init, signal: AbortSignal.any(signals) });
      return { status: response.status, headers: response.headers, text: await response.text() };
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      throw new RetriableError(`${init.method ?? 'GET'} ${url} was not answered: ${messageOf(cause)}`, error);
    } finally {
      cancel();
    }
  }

  async #headers(signal: AbortSignal | undefined): Promise<[string, string][]> {
    const { headers, 'header.separator': separator } = this.#config;
    const given = headers
      .split(separator)
      .filter((header) => header.trim() !== '')
      .map((header): [string, string] => {
        const at = header.indexOf(':');
        if (at < 1) throw new ConnectError(`headers: "${header}" is no header: write name:value`);
        return [header.slice(0, at).trim(), header.slice(at + 1).trim()];
      });
    return [...given, ...(await this.#identity(signal))];
  }

  async #identity(signal: AbortSignal | undefined): Promise<[string, string][]> {
    const config = this.#config;
    switch (config['auth.type'].toLowerCase()) {
      case 'basic':
        return [['authorization', basic(config['connection.user'], config['connection.password']?.reveal() ?? '')]];
      case 'bearer':
        return [['authorization', `Bearer ${config['bearer.token']?.reveal() ?? ''}`]];
      case 'api-key':
        return [[config['api.key.name'], config['api.key.value']?.reveal() ?? '']];
      case 'oauth2':
        return [['authorization', `Bearer ${await this.#accessToken(signal)}`]];
      default:
        return [];
    }
  }

  /** RFC 6749 §4.4: the token of a client that acts for itself. */
  async #accessToken(signal: AbortSignal | undefined): Promise<string> {
    const now = this.#environment.now();
    if (this.#token !== undefined && this.#token.until > now) return this.#token.text;
    const config = this.#config;
    const url = config['oauth2.token.url'];
    const [id, secret] = [config['oauth2.client.id'], config['oauth2.client.secret']?.reveal() ?? ''];
    const inBody = config['oauth2.client.auth.mode'] === 'url';
    const scope = config['oauth2.client.scope'];
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      ...(scope === '' ? {} : { scope }),
      ...(inBody ? { client_id: id, client_secret: secret } : {}),
    });
    const headers = new Headers({ 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' });
    if (!inBody) headers.set('authorization', basic(encodeURIComponent(id), encodeURIComponent(secret)));
    const answer = await this.#fetch(url, { method: 'POST', headers, body: form.toString() }, signal);
    if (answer.status >= 500) throw new RetriableError(`${url} gave no token: status ${answer.status}`);
    const found = answer.status < 300 ? tokenIn(answer.text, config['oauth2.token.property']) : undefined;
    if (found === undefined)
      throw new ConnectError(`${url} gave no token: status ${answer.status}: ${answer.text.slice(0, SHOWN_LENGTH)}`);
    this.#token = { text: found.text, until: now + found.seconds * 1000 - TOKEN_MARGIN_MS };
    return found.text;
  }

  #wait(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#environment.after(delayMs, resolve);
      signal?.addEventListener('abort', () => {
        cancel();
        resolve();
      });
    });
  }
}

/** The service has said when. */
class LaterError extends RetriableError {
  readonly afterMs: number;
  constructor(message: string, afterMs: number) {
    super(message);
    this.afterMs = afterMs;
  }
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function tokenIn(text: string, property: string): { readonly text: string; readonly seconds: number } | undefined {
  try {
    const answer = JSON.parse(text) as Record<string, unknown>;
    const token = answer[property];
    const seconds = Number(answer['expires_in'] ?? TOKEN_LIFE_SECONDS);
    return typeof token === 'string' ? { text: token, seconds } : undefined;
  } catch {
    return undefined;
  }
}
