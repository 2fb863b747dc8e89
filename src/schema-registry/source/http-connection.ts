// A registry over HTTP: requests with a login, answers as JSON, and what went wrong in words. It is Node's own `https` that
// asks, as `fetch` can't be told whose certificates to trust.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { Agent as PlainAgent, type IncomingMessage, request as plainRequest } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { text as textOf } from 'node:stream/consumers';
import { codeOf, messageOf, MillraceError } from '../../util/index.ts';
import { RegistryError } from '../errors.ts';
import { asSourceError } from './in-process.ts';

export interface HttpSchemaSourceOptions {
  /** `http://host:8081` or `https://…`; may hold `user:password@`, and end in `/contexts/.name`. */
  readonly url: string;
  /** For basic authentication. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /**
   * The certificates (PEM) to trust, of a private authority: these and no others. Default: those that Node trusts, which are
   * well-known authorities and the file that `NODE_EXTRA_CA_CERTS` names.
   */
  readonly ca?: string | Buffer | undefined;
  /** The certificate and its key (PEM) to show to a registry that asks for one. */
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
}

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';

/** As long as Confluent's clients wait. */
const TIMEOUT_MS = 60_000;

export class RegistryConnection {
  /** Without the login. */
  readonly url: string;
  readonly #username: string;
  readonly #authorization: string | undefined;
  readonly #agent: PlainAgent;

  constructor(options: HttpSchemaSourceOptions) {
    const url = new URL(options.url);
    this.#username = options.username ?? decodeURIComponent(url.username);
    const password = options.password ?? decodeURIComponent(url.password);
    url.username = '';
    url.password = '';
    this.url = url.href.replace(/\/+$/, '');
    const isAnonymous = this.#username === '' && password === '';
    this.#authorization = isAnonymous
      ? undefined
      : `Basic ${Buffer.from(`${this.#username}:${password}`).toString('base64')}`;
    this.#agent = url.protocol === 'https:' ? tlsAgent(options) : new PlainAgent({ keepAlive: true });
  }

  /** The answer to a request, undefined for a 404. Rejects as `SchemaSource` does. */
  async ask(method: string, path: string, body?: object): Promise<Record<string, unknown> | undefined> {
    const { status, text } = await this.#send(method, path, body === undefined ? undefined : JSON.stringify(body));
    if (status === 404) return undefined;
    const answer = parsed(text);
    if (status === 401 || status === 403) throw this.#refusal(status, answer?.['message']);
    if (answer === undefined) {
      const what = `${this.url} answers with something else than JSON (HTTP ${status}): is it a schema registry?`;
      throw new MillraceError('REGISTRY_FAILED', what);
    }
    if (status >= 300) throw asSourceError(new RegistryError(Number(answer['error_code']), String(answer['message'])));
    return answer;
  }

  async #send(method: string, path: string, body?: string): Promise<{ status: number; text: string }> {
    const headers: Record<string, string> = { accept: CONTENT_TYPE };
    if (body !== undefined) headers['content-type'] = CONTENT_TYPE;
    if (this.#authorization !== undefined) headers['authorization'] = this.#authorization;
    const options = { method, headers, agent: this.#agent, signal: AbortSignal.timeout(TIMEOUT_MS) };
    const request = this.#agent instanceof TlsAgent ? tlsRequest : plainRequest;
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        request(this.url + path, options, resolve)
          .on('error', reject)
          .end(body);
      });
      return { status: response.statusCode!, text: await textOf(response) };
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): MillraceError {
    const code = codeOf(error) ?? messageOf(error);
    const isUntrusted = /^(?!ERR_SSL).*CERT|^UNABLE_TO_/.test(code);
    return isUntrusted
      ? new MillraceError(
          'REGISTRY_UNTRUSTED',
          `the certificate of the schema registry at ${this.url} is not trusted (${code}): give the certificate of its authority as "ca", or start Node with NODE_EXTRA_CA_CERTS`,
          { cause: error },
        )
      : new MillraceError('REGISTRY_UNREACHABLE', `the schema registry at ${this.url} does not answer (${code})`, {
          retriable: true,
          cause: error,
        });
  }

  #refusal(status: 401 | 403, message: unknown): MillraceError {
    const registry = `the schema registry at ${this.url}`;
    if (status === 403) {
      const who = this.#username === '' ? 'those without a login' : this.#username;
      const why = typeof message === 'string' ? ` (${message})` : '';
      return new MillraceError(
        'REGISTRY_FORBIDDEN',
        `${registry} does not allow this to ${who}${why}: have it permitted, or log in as somebody else`,
      );
    }
    const what = this.#authorization === undefined ? 'wants a login' : 'refuses the user or the password';
    return new MillraceError('REGISTRY_UNAUTHORIZED', `${registry} ${what}: give "username" and "password"`);
  }
}

function tlsAgent({ ca, cert, key }: HttpSchemaSourceOptions): TlsAgent {
  if (ca === undefined && cert === undefined && key === undefined) return new TlsAgent({ keepAlive: true });
  const given = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  try {
    // TLS is content with certificates that are none, and would trust nobody.
    for (const certificate of [ca, cert]) if (certificate !== undefined) void new X509Certificate(certificate);
    if (key !== undefined) createPrivateKey(key);
    return new TlsAgent({ keepAlive: true, ...given });
  } catch (error) {
    throw new MillraceError(
      'INVALID_OPTION',
      `the certificates for the schema registry can't be used (${messageOf(error)}): give the texts of PEM files`,
      { cause: error },
    );
  }
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
