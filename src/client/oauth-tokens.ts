// Tokens for OAUTHBEARER: where they come from, and how long one is used. A token is asked for when a connection needs it, and
// kept until most of its life is over; connections that need one at the same time wait for the same one.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { hasKey, invalid, type SslSetting, tlsContext } from '../security/index.ts';
import { codeOf, type Environment, messageOf, MillraceError } from '../util/index.ts';
import type { SecurityValues } from './settings.ts';

/** A token, as a function of the application's hands it out. */
export interface OauthToken {
  /** The token itself: what stands behind `Bearer`. */
  readonly value: string;
  /** Until when it may be used, milliseconds since the epoch. Default: what it says itself, if it is a JWT that says it. */
  readonly expiresAtMs?: number;
  /** What brokers are told with it (KIP-342): on Confluent Cloud `logicalCluster` and `identityPoolId`. */
  readonly extensions?: Readonly<Record<string, string>>;
}

/** Whoever makes tokens. */
export interface TokenSource {
  /** Who the token is for, for messages: never the token. */
  readonly holder: string;
  fetch(): Promise<OauthToken>;
}

/** Hands out the same token until its life is nearly over. */
export class Tokens {
  readonly holder: string;
  readonly #source: TokenSource;
  readonly #environment: Environment;
  readonly #refreshFactor: number;
  #token: OauthToken | undefined;
  #refreshAt = 0;
  #asking: Promise<OauthToken> | undefined;

  constructor(source: TokenSource, refreshFactor: number, environment: Environment) {
    this.holder = source.holder;
    this.#source = source;
    this.#environment = environment;
    this.#refreshFactor = refreshFactor;
  }

  /** Rejects when there is no token to be had, and none that is still good. */
  async current(): Promise<OauthToken> {
    if (this.#token !== undefined && this.#environment.now() < this.#refreshAt) return this.#token;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<OauthToken> {
    const askedAt = this.#environment.now();
    try {
      this.#token = checked(await this.#source.fetch());
    } catch (error) {
      const isStillGood = this.#token !== undefined && this.#environment.now() < (expiryOf(this.#token) ?? 0);
      if (!isStillGood) throw error;
      return this.#token!;
    }
    // One that does not say how long it lives is asked for anew by each connection.
    const expiry = expiryOf(this.#token) ?? askedAt;
    this.#refreshAt = askedAt + (expiry - askedAt) * this.#refreshFactor;
    return this.#token;
  }
}

/** Refuses what would break the message that it goes into (RFC 7628, 3.1). */
function checked(token: unknown): OauthToken {
  const { value, extensions = {} } = (token ?? {}) as OauthToken;
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
    throw new MillraceError(
      'SASL_AUTHENTICATION_FAILED',
      'What should be a token has none in "value", or one that can’t be sent.',
    );
  }
  for (const [name, text] of Object.entries(extensions)) {
    if (!/^[A-Za-z]+$/.test(name) || name === 'auth' || !/^[\x20-\x7e\t\r\n]+$/.test(text)) {
      throw new MillraceError(
        'SASL_AUTHENTICATION_FAILED',
        `The extension "${name}" of a token can't be sent: names are letters, and values are printable.`,
      );
    }
  }
  return token as OauthToken;
}

/** Milliseconds since the epoch; of a JWT (RFC 7519) its `exp`. Undefined: nobody says. */
function expiryOf({ value, expiresAtMs }: OauthToken): number | undefined {
  if (expiresAtMs !== undefined) return expiresAtMs;
  const { exp } = claimsOf(value);
  return typeof exp === 'number' ? exp * 1000 : undefined;
}

function claimsOf(token: string): Readonly<Record<string, unknown>> {
  const [, claims, ...rest] = token.split('.');
  if (claims === undefined || rest.length !== 1) return {};
  try {
    const parsed: unknown = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8'));
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

// ── Sources ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Of a function of the application. */
export function ownTokens(provider: () => Promise<OauthToken> | OauthToken): TokenSource {
  return {
    holder: 'the holder of the application’s token',
    async fetch() {
      try {
        return await provider();
      } catch (error) {
        throw new MillraceError('TOKEN_UNAVAILABLE', `The function that gives tokens failed: ${messageOf(error)}.`, {
          retriable: true,
          cause: error,
        });
      }
    },
  };
}

const UNSECURED = 'unsecuredLogin';

/** Of tokens that nobody has signed: what `unsecuredLoginStringClaim_sub="…"` and the like say is in them. For tests only. */
export function unsecuredTokens(options: ReadonlyMap<string, string>, environment: Environment): TokenSource {
  const named = (kind: string): [string, string][] =>
    [...options]
      .filter(([name]) => name.startsWith(`${UNSECURED}${kind}_`))
      .map(([name, value]) => [name.slice(UNSECURED.length + kind.length + 1), value]);
  const principal = options.get('unsecuredLoginPrincipalClaimName') ?? 'sub';
  const lifetimeSeconds = Number(options.get('unsecuredLoginLifetimeSeconds') ?? 3600);
  const numbers = named('NumberClaim').map(([name, value]) => [name, Number(value)] as const);
  if (![lifetimeSeconds, ...numbers.map(([, value]) => value)].every(Number.isFinite)) {
    throw invalid('"sasl.jaas.config": a number of an unsecured token is none.');
  }
  const texts = named('StringClaim');
  const holder = texts.find(([name]) => name === principal)?.[1];
  if (holder === undefined)
    throw invalid(`"sasl.jaas.config": say whose token it is: unsecuredLoginStringClaim_${principal}="…".`);
  // The first character of a list is what divides it.
  const lists = named('ListClaim').map(([name, value]) => [name, value.slice(1).split(value.slice(0, 1))] as const);
  return {
    holder: `the user ${holder}`,
    async fetch() {
      const nowSeconds = environment.now() / 1000;
      const times = { iat: nowSeconds, exp: nowSeconds + lifetimeSeconds };
      const claims = { ...times, ...Object.fromEntries([...texts, ...numbers, ...lists]) };
      const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64url');
      return { value: `${part({ alg: 'none' })}.${part(claims)}.`, extensions: Object.fromEntries(named('Extension')) };
    },
  };
}

/** Of a file that somebody else keeps fresh. */
export function tokensInFile(url: string, extensions: OauthToken['extensions']): TokenSource {
  const file = fileURLToPath(url);
  return {
    holder: `the holder of the token in ${file}`,
    async fetch() {
      try {
        return { value: (await readFile(file, 'utf8')).trim(), ...(extensions === undefined ? {} : { extensions }) };
      } catch (error) {
        throw new MillraceError(
          'TOKEN_UNAVAILABLE',
          `The file with the token, ${file}, can't be read (${codeOf(error)}).`,
          {
            retriable: true,
          },
        );
      }
    },
  };
}

/** What an identity provider is asked with (RFC 6749, 4.4). */
export interface ClientCredentials {
  readonly id: string;
  readonly secret: string;
  readonly scope: string;
  readonly extensions: OauthToken['extensions'];
  /** `ssl.…` among the options of `sasl.jaas.config`: whom to trust at the provider, as in Kafka. */
  readonly ssl: Readonly<Record<string, string>>;
}

/** Of an identity provider. */
export function tokensOfProvider(
  values: SecurityValues,
  credentials: ClientCredentials,
  environment: Environment,
): TokenSource {
  const { id, secret, scope, extensions, ssl } = credentials;
  const url = URL.parse(values['sasl.oauthbearer.token.endpoint.url']);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw invalid(
      '"sasl.oauthbearer.token.endpoint.url" is the URL of no provider: it is like https://login.example/oauth2/token.',
    );
  }
  const encoded = (text: string): string =>
    values['sasl.oauthbearer.header.urlencode'] ? encodeURIComponent(text).replaceAll('%20', '+') : text;
  const authorization = `Basic ${Buffer.from(`${encoded(id)}:${encoded(secret)}`).toString('base64')}`;
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === '' ? {} : { scope }) }).toString();
  const timeoutMs = values['sasl.login.connect.timeout.ms'] + values['sasl.login.read.timeout.ms'];
  const request = {
    method: 'POST',
    path: url.search,
    headers: { authorization, 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body,
  };
  const source = {
    values: ssl as { readonly [K in SslSetting]?: string },
    nameOf: (name: SslSetting) => `sasl.jaas.config: ${name}`,
  };
  const context =
    Object.keys(ssl).length === 0 ? undefined : tlsContext(source, (message) => process.emitWarning(message));
  return {
    holder: `the client ${id}`,
    async fetch() {
      const { HttpConnection } = await import('../http-client/index.ts');
      const { ca, cert, key } = context?.current ?? {};
      const trust = ca === undefined ? {} : { ca: String(ca) };
      const identity = hasKey(source) ? { cert: String(cert), key: String(key) } : {};
      const late = new AbortController();
      const stopWaiting = environment.after(timeoutMs, () => late.abort(new Error('its provider does not answer')));
      const connection = new HttpConnection({ url: url.origin + url.pathname, ...trust, ...identity });
      try {
        const answer = await connection.ask({ ...request, signal: late.signal });
        return {
          ...tokenOf(url, answer.status, await answer.text()),
          ...(extensions === undefined ? {} : { extensions }),
        };
      } catch (error) {
        if (error instanceof MillraceError && error.code !== 'HTTP_UNREACHABLE') throw error;
        throw new MillraceError('TOKEN_UNAVAILABLE', `There is no token for ${id}: ${messageOf(error)}.`, {
          retriable: true,
        });
      } finally {
        stopWaiting();
        connection.close();
      }
    },
  };
}

function tokenOf(url: URL, status: number, text: string): OauthToken {
  let body: { readonly access_token?: unknown; readonly error?: unknown; readonly error_description?: unknown } = {};
  try {
    body = (JSON.parse(text) ?? {}) as typeof body;
  } catch {
    // What is no JSON has no token in it.
  }
  const where = url.origin + url.pathname;
  if (status === 200 && typeof body.access_token === 'string') return { value: body.access_token };
  if (status >= 500 || status === 429) {
    throw new MillraceError('TOKEN_UNAVAILABLE', `${where} gives no token for now: it answers ${status}.`, {
      retriable: true,
    });
  }
  const words = [body.error, body.error_description].filter((word) => typeof word === 'string').join(': ');
  const why =
    status === 200 ? 'its answer has no access_token' : `it answers ${status}${words === '' ? '' : ` (${words})`}`;
  throw new MillraceError(
    'SASL_AUTHENTICATION_FAILED',
    `${where} gives no token: ${why}. Look at client id, secret and scope.`,
  );
}
