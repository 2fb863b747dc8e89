// A service over HTTP: requests with a login, over TLS where the address says so, answers as they come. It is Node's own
// `http` and `https` that ask: `fetch` can't be told whose certificates to trust, and gives up a stream that says nothing
// for five minutes, as a query without new results does.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Agent as PlainAgent, IncomingMessage } from 'node:http';
import type { Agent as TlsAgent } from 'node:https';
import { text as textOf } from 'node:stream/consumers';
import { codeOf, messageOf, MillraceError, nodeHttp } from '../util/index.ts';

export interface HttpConnectionOptions {
  /** `http://host:port` or `https://…`; may hold `user:password@` and a path that all requests begin with. */
  readonly url: string;
  /** For basic authentication. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /**
   * The certificates (PEM) to trust, of a private authority: these and no others. Default: those that Node trusts, which are
   * well-known authorities and the file that `NODE_EXTRA_CA_CERTS` names.
   */
  readonly ca?: string | Buffer | undefined;
  /** The certificate and its key (PEM) to show to a service that asks for one. */
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
}

export interface HttpRequest {
  readonly method: string;
  /** Behind the connection's URL. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Ends the request, and the reading of its answer. */
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  /** Of several with one name the first; undefined: there is none. */
  header(name: string): string | undefined;
  /** Read as fast as whoever takes them, no faster. */
  readonly chunks: AsyncIterable<Buffer>;
  /** All of the body. */
  text(): Promise<string>;
}

/** No answer came. */
export class ConnectionFailure extends MillraceError {
  override readonly name = 'ConnectionFailure';
  /** The code that Node has for it, or its words. */
  readonly reason: string;
  /** The other side's certificate is not one of those that are trusted. */
  readonly isUntrusted: boolean;

  constructor(url: string, cause: unknown) {
    const reason = codeOf(cause) ?? messageOf(cause);
    super('HTTP_UNREACHABLE', `${url} does not answer (${reason})`, { retriable: true, cause });
    this.reason = reason;
    this.isUntrusted = /^(?!ERR_SSL).*CERT|^UNABLE_TO_/.test(reason);
  }
}

export class HttpConnection {
  /** Without the login. */
  readonly url: string;
  readonly username: string;
  /** Whether there is a login. */
  readonly isAnonymous: boolean;
  readonly #authorization: string | undefined;
  readonly #agent: PlainAgent;

  /** Throws `INVALID_OPTION` for an address that is none, and for certificates that can't be used. */
  constructor(options: HttpConnectionOptions) {
    const url = URL.parse(options.url);
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw new MillraceError(
        'INVALID_OPTION',
        `"${options.url}" is not the URL of a service: write http://host:port.`,
      );
    }
    this.username = options.username ?? decodeURIComponent(url.username);
    const password = options.password ?? decodeURIComponent(url.password);
    this.url = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
    this.isAnonymous = this.username === '' && password === '';
    this.#authorization = this.isAnonymous
      ? undefined
      : `Basic ${Buffer.from(`${this.username}:${password}`).toString('base64')}`;
    this.#agent = url.protocol === 'https:' ? tlsAgent(options) : new nodeHttp.http.Agent({ keepAlive: true });
  }

  /** Resolves with the beginning of the answer, whatever its status is. Rejects with a `ConnectionFailure`, or as `signal` says. */
  async ask({ method, path, headers = {}, body, signal }: HttpRequest): Promise<HttpAnswer> {
    signal?.throwIfAborted();
    const options = {
      method,
      agent: this.#agent,
      headers: { ...headers, ...(this.#authorization === undefined ? {} : { authorization: this.#authorization }) },
      ...(signal === undefined ? {} : { signal }),
    };
    const request = this.#agent instanceof nodeHttp.https.Agent ? nodeHttp.https.request : nodeHttp.http.request;
    const failed = (cause: unknown): unknown =>
      signal?.aborted === true ? (signal.reason as unknown) : new ConnectionFailure(this.url, cause);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(this.url + path, options, resolve)
        .on('error', (error) => reject(failed(error)))
        .end(body);
    });
    return {
      status: response.statusCode!,
      header: (name) => [response.headers[name]].flat()[0],
      chunks: chunksOf(response, failed),
      text: () =>
        textOf(response).catch((error: unknown) => {
          throw failed(error);
        }),
    };
  }

  /** Ends the connections that nobody uses, and those that are in use, too. */
  close(): void {
    this.#agent.destroy();
  }
}

async function* chunksOf(response: IncomingMessage, failed: (cause: unknown) => unknown): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of response) yield chunk as Buffer;
  } catch (error) {
    throw failed(error);
  }
}

function tlsAgent({ ca, cert, key }: HttpConnectionOptions): TlsAgent {
  if (ca === undefined && cert === undefined && key === undefined) return new nodeHttp.https.Agent({ keepAlive: true });
  const given = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  try {
    // TLS is content with certificates that are none, and would trust nobody.
    for (const certificate of [ca, cert]) if (certificate !== undefined) void new X509Certificate(certificate);
    if (key !== undefined) createPrivateKey(key);
    return new nodeHttp.https.Agent({ keepAlive: true, ...given });
  } catch (error) {
    throw new MillraceError(
      'INVALID_OPTION',
      `the certificates for the service can't be used (${messageOf(error)}): give the texts of PEM files`,
      { cause: error },
    );
  }
}
