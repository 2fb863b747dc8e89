// A registry over HTTP, as a source of schemas: answers as JSON, and what went wrong in words.
import { ConnectionFailure, HttpConnection, type HttpConnectionOptions } from '../../http-client/index.ts';
import { MillraceError } from '../../util/index.ts';
import { RegistryError } from '../errors.ts';
import { asSourceError } from './in-process.ts';

/** The URL may end in `/contexts/.name`. */
export type HttpSchemaSourceOptions = HttpConnectionOptions;

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';

/** As long as Confluent's clients wait. */
const TIMEOUT_MS = 60_000;

export class RegistryConnection {
  readonly #connection: HttpConnection;

  constructor(options: HttpSchemaSourceOptions) {
    this.#connection = new HttpConnection(options);
  }

  /** Without the login. */
  get url(): string {
    return this.#connection.url;
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
    const headers = { accept: CONTENT_TYPE, ...(body === undefined ? {} : { 'content-type': CONTENT_TYPE }) };
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const answer = await this.#connection.ask({ method, path, headers, body, signal });
      return { status: answer.status, text: await answer.text() };
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): MillraceError {
    const { reason, isUntrusted } =
      error instanceof ConnectionFailure ? error : { reason: `not within ${TIMEOUT_MS} ms`, isUntrusted: false };
    return isUntrusted
      ? new MillraceError(
          'REGISTRY_UNTRUSTED',
          `the certificate of the schema registry at ${this.url} is not trusted (${reason}): give the certificate of its authority as "ca", or start Node with NODE_EXTRA_CA_CERTS`,
          { cause: error },
        )
      : new MillraceError('REGISTRY_UNREACHABLE', `the schema registry at ${this.url} does not answer (${reason})`, {
          retriable: true,
          cause: error,
        });
  }

  #refusal(status: 401 | 403, message: unknown): MillraceError {
    const registry = `the schema registry at ${this.url}`;
    if (status === 403) {
      const who = this.#connection.username === '' ? 'those without a login' : this.#connection.username;
      const why = typeof message === 'string' ? ` (${message})` : '';
      return new MillraceError(
        'REGISTRY_FORBIDDEN',
        `${registry} does not allow this to ${who}${why}: have it permitted, or log in as somebody else`,
      );
    }
    const what = this.#connection.isAnonymous ? 'wants a login' : 'refuses the user or the password';
    return new MillraceError('REGISTRY_UNAUTHORIZED', `${registry} ${what}: give "username" and "password"`);
  }
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
