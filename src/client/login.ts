// Who a client is: the mechanisms by which it logs in, from what it was told.
import {
  invalid,
  isScramMechanism,
  type LoginModule,
  parseJaasConfig,
  ScramClient,
  SCRAM_MECHANISMS,
  scramNonce,
} from '../security/index.ts';
import { type Environment, MillraceError } from '../util/index.ts';
import {
  type OauthToken,
  ownTokens,
  Tokens,
  tokensInFile,
  tokensOfProvider,
  type TokenSource,
  unsecuredTokens,
} from './oauth-tokens.ts';
import type { SecurityValues } from './settings.ts';

/** A way to log in. */
export interface Login {
  readonly mechanism: string;
  /** For messages. */
  readonly user: string;
  /** What is sent, one message after the other; each `yield` is given the broker's answer. */
  messages(): AsyncGenerator<Buffer, void, Buffer>;
}

/** The short form: who logs in, as kafkajs has it. */
export type SaslOptions =
  | {
      /** In capital or small letters. */
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  | {
      /** In capital or small letters. */
      readonly mechanism: 'OAUTHBEARER' | 'oauthbearer';
      /** Called when a connection needs a token, and the one before is nearly over. */
      readonly oauthBearerProvider: () => Promise<OauthToken> | OauthToken;
    };

const MECHANISMS = ['PLAIN', ...SCRAM_MECHANISMS, 'OAUTHBEARER'];
/** The login modules by the end of their names, and what they are for. */
const MODULES: Readonly<Record<string, readonly string[]>> = {
  PlainLoginModule: ['PLAIN'],
  ScramLoginModule: SCRAM_MECHANISMS,
  OAuthBearerLoginModule: ['OAUTHBEARER'],
};
const OWN_TOKENS =
  'in code give sasl: { mechanism: "OAUTHBEARER", oauthBearerProvider: async () => ({ value, expiresAtMs }) }, a function that signs tokens';

/** Throws INVALID_CONFIG; no message has a password in it. */
export function loginOf(values: SecurityValues, short: SaslOptions | undefined, environment: Environment): Login {
  if (short !== undefined) return loginOfShort(values, short, environment);
  const mechanism = values['sasl.mechanism'];
  checkMechanism(mechanism);
  const text = values['sasl.jaas.config'];
  const handler = values['sasl.client.callback.handler.class'];
  if (handler !== '') throw invalid(`"sasl.client.callback.handler.class": ${handler} is Java’s; ${OWN_TOKENS}.`);
  if (mechanism === 'OAUTHBEARER') return oauthLogin(tokenSourceOf(values, text, environment), values, environment);
  if (text === '') throw invalid(`With ${mechanism}, "sasl.jaas.config" must say who logs in.`);
  const module = moduleFor(mechanism, text);
  const username = module.options.get('username');
  const password = module.options.get('password');
  if (username === undefined || password === undefined) {
    throw invalid('"sasl.jaas.config": the login module needs username="…" and password="…".');
  }
  const isDelegation = module.options.get('tokenauth')?.toLowerCase() === 'true';
  return passwordLogin({ mechanism, username, password, isDelegation }, environment);
}

function loginOfShort(values: SecurityValues, short: SaslOptions, environment: Environment): Login {
  const mechanism = short.mechanism.toUpperCase();
  checkMechanism(mechanism);
  if ('oauthBearerProvider' in short) {
    if (mechanism !== 'OAUTHBEARER') throw invalid(`sasl: ${mechanism} takes a username and a password, no function.`);
    return oauthLogin(ownTokens(short.oauthBearerProvider), values, environment);
  }
  if (mechanism === 'OAUTHBEARER') throw invalid('sasl: OAUTHBEARER takes an oauthBearerProvider, no username.');
  const { username, password } = short;
  return passwordLogin({ mechanism, username, password, isDelegation: false }, environment);
}

function checkMechanism(mechanism: string): void {
  if (MECHANISMS.includes(mechanism)) return;
  const known = `use ${MECHANISMS.join(', ')}`;
  if (mechanism === '') throw invalid(`"sasl.mechanism" must say how the client logs in: ${known}.`);
  if (mechanism === 'GSSAPI') {
    throw invalid(`"sasl.mechanism": GSSAPI is not supported, for it needs Kerberos' own library: ${known}.`);
  }
  if (mechanism === 'AWS_MSK_IAM') {
    throw invalid(
      `"sasl.mechanism": AWS_MSK_IAM is of a library for Java; MSK takes the same identity by OAUTHBEARER: ${OWN_TOKENS}.`,
    );
  }
  throw invalid(`"sasl.mechanism": there is no mechanism ${mechanism} here: ${known}.`);
}

function moduleFor(mechanism: string, text: string): LoginModule {
  const module = parseJaasConfig('sasl.jaas.config', text);
  const short = module.className.slice(module.className.lastIndexOf('.') + 1);
  if (MODULES[short]?.includes(mechanism) !== true) {
    const wanted = Object.keys(MODULES).find((name) => MODULES[name]!.includes(mechanism));
    throw invalid(`"sasl.jaas.config": ${module.className} is not for ${mechanism}; that has ${wanted}.`);
  }
  return module;
}

function passwordLogin(
  who: {
    readonly mechanism: string;
    readonly username: string;
    readonly password: string;
    readonly isDelegation: boolean;
  },
  environment: Environment,
): Login {
  const { mechanism, username, password, isDelegation } = who;
  for (const text of [username, password]) {
    if (typeof text !== 'string' || text === '' || text.includes('\0')) {
      throw invalid(`With ${mechanism}, user name and password must be texts that are not empty.`);
    }
  }
  const user = `the user ${username}`;
  if (!isScramMechanism(mechanism)) {
    return {
      mechanism,
      user,
      // RFC 4616: as whom to act, who logs in, the password.
      async *messages() {
        yield Buffer.from(`\0${username}\0${password}`);
      },
    };
  }
  return {
    mechanism,
    user,
    async *messages() {
      const extensions = isDelegation ? { extensions: { tokenauth: 'true' } } : {};
      const client = new ScramClient({ mechanism, username, password, nonce: scramNonce(environment), ...extensions });
      const proof = await client.final(yield client.first());
      client.verify(yield proof);
    },
  };
}

// ── OAUTHBEARER ───────────────────────────────────────────────────────────────────────────────────────────────────

/** What tells a broker that has refused a token that it was understood (RFC 7628, 3.2.3). */
const UNDERSTOOD = Buffer.from('\x01');

function oauthLogin(source: TokenSource, values: SecurityValues, environment: Environment): Login {
  const tokens = new Tokens(source, values['sasl.login.refresh.window.factor'], environment);
  return {
    mechanism: 'OAUTHBEARER',
    user: tokens.holder,
    // RFC 7628, 3.1; extensions by KIP-342.
    async *messages() {
      const { value, extensions = {} } = await tokens.current();
      const pairs = [`auth=Bearer ${value}`, ...Object.entries(extensions).map(([name, text]) => `${name}=${text}`)];
      const answer = yield Buffer.from(`n,,\x01${pairs.join('\x01')}\x01\x01`);
      if (answer.length === 0) return;
      yield UNDERSTOOD;
      throw new MillraceError('SASL_AUTHENTICATION_FAILED', `The broker refuses the token: ${statusOf(answer)}.`);
    },
  };
}

function statusOf(answer: Buffer): string {
  try {
    const { status } = JSON.parse(answer.toString('utf8')) as { readonly status?: unknown };
    if (typeof status === 'string') return status;
  } catch {
    // It says nothing that could be passed on.
  }
  return 'it does not say why';
}

const HANDLERS =
  /^org\.apache\.kafka\.common\.security\.oauthbearer\.(secured\.|internals\.(secured\.|unsecured\.)?)?OAuthBearer(Unsecured)?LoginCallbackHandler$/;

function tokenSourceOf(values: SecurityValues, text: string, environment: Environment): TokenSource {
  const handler = values['sasl.login.callback.handler.class'];
  if (handler !== '' && !HANDLERS.test(handler)) {
    throw invalid(`"sasl.login.callback.handler.class": ${handler} is Java’s; ${OWN_TOKENS}.`);
  }
  const options = text === '' ? new Map<string, string>() : moduleFor('OAUTHBEARER', text).options;
  const url = values['sasl.oauthbearer.token.endpoint.url'];
  if (url === '') {
    if ([...options.keys()].some((name) => name.startsWith('unsecuredLogin')))
      return unsecuredTokens(options, environment);
    throw invalid(
      `With OAUTHBEARER, "sasl.oauthbearer.token.endpoint.url" must say where tokens come from; ${OWN_TOKENS}.`,
    );
  }
  const extensions = Object.fromEntries(withPrefix(options, 'extension_'));
  if (url.startsWith('file:')) return tokensInFile(url, extensions);
  const id = values['sasl.oauthbearer.client.credentials.client.id'] || (options.get('clientId') ?? '');
  const secret = values['sasl.oauthbearer.client.credentials.client.secret'] || (options.get('clientSecret') ?? '');
  if (id === '' || secret === '') {
    throw invalid(
      'With OAUTHBEARER, "sasl.oauthbearer.client.credentials.client.id" and "sasl.oauthbearer.client.credentials.client.secret" must say who asks for tokens, or clientId="…" and clientSecret="…" in "sasl.jaas.config".',
    );
  }
  const ssl = Object.fromEntries([...options].filter(([name]) => name.startsWith('ssl.')));
  const credentials = {
    id,
    secret,
    scope: values['sasl.oauthbearer.scope'] || (options.get('scope') ?? ''),
    extensions,
    ssl,
  };
  return tokensOfProvider(values, credentials, environment);
}

function withPrefix(options: ReadonlyMap<string, string>, prefix: string): [string, string][] {
  return [...options]
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, value]) => [name.slice(prefix.length), value]);
}
