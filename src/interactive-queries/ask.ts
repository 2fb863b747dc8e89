// How one instance asks another over HTTP: a query goes there, and the lines of its answer come back as they are read.
import type { AskInstance, HostInfo } from '../streams/index.ts';
import { codeOf, messageOf, MillraceError } from '../util/index.ts';
import { LINES, QUERY_PATH } from './rest.ts';

/** How other instances are asked. */
export interface AskOverHttpOptions {
  /** Asks over TLS. Whose certificates are trusted says Node (`NODE_EXTRA_CA_CERTS`). Default false. */
  readonly isTls?: boolean;
  /** For basic authentication. */
  readonly username?: string;
  /** For basic authentication. */
  readonly password?: string;
}

/** For `KafkaStreams.remoteQueries`. */
export function askOverHttp({ isTls = false, username = '', password = '' }: AskOverHttpOptions = {}): AskInstance {
  const login = `${username}:${password}`;
  const headers: Record<string, string> = {
    accept: LINES,
    'content-type': 'application/json',
    ...(login === ':' ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` }),
  };
  return async function* ask({ host, port }: HostInfo, body, signal) {
    const url = `${isTls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}${QUERY_PATH}`;
    try {
      const answer = await fetch(url, { method: 'POST', headers, body, signal });
      if (!answer.ok) throw refusalOf(url, answer.status, await answer.text());
      yield* linesOf(answer.body!);
    } catch (error) {
      if (error instanceof MillraceError) throw error;
      const cause = error instanceof TypeError && error.cause !== undefined ? error.cause : error;
      const message = `the instance at ${url} does not answer (${codeOf(cause) ?? messageOf(cause)})`;
      throw new MillraceError('INSTANCE_UNREACHABLE', message, { retriable: true, cause });
    }
  };
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
}

/** What an instance refuses; where it can't answer yet, it may be asked again. */
function refusalOf(url: string, status: number, text: string): MillraceError {
  let said: { readonly error?: { readonly code?: unknown; readonly message?: unknown } } = {};
  try {
    said = JSON.parse(text) as typeof said;
  } catch {
    // Somebody else answers there.
  }
  const { code = 'INSTANCE_UNREACHABLE', message = `HTTP ${status}` } = said.error ?? {};
  return new MillraceError(String(code), `the instance at ${url} refuses the query: ${String(message)}`, {
    retriable: status >= 500,
  });
}
