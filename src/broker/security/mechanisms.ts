/**
 * The ways to log in over SASL that a listener offers: PLAIN (RFC 4616), SCRAM (RFC 5802) and OAUTHBEARER (RFC 7628), each as
 * Kafka does it, with what its settings say about it.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import {
  checkSignedToken,
  checkUnsignedToken,
  isScramMechanism,
  Jwks,
  type LoginModule,
  type ScramMechanism,
  scramNonce,
  ScramServer,
  type TokenRules,
} from '../../security/index.ts';
import { type Environment, messageOf, MillraceError } from '../../util/index.ts';
import type { BrokerSettings } from '../settings.ts';
import type { ListenerConfig } from './listeners.ts';
import type { ScramUsers } from './scram-users.ts';

/** One login under way. */
export interface Exchange {
  /** Answers the client's next message. Throws, or rejects, when it can't be the user that it says. */
  respond(message: Buffer): Buffer | Promise<Buffer>;
  /** Who that was, once it is proved. */
  readonly user: string | undefined;
  /** When the proof is no longer good: milliseconds since the epoch. */
  readonly expiresAt?: number | undefined;
}

export interface Mechanism {
  readonly name: string;
  /** How long a login is good for; 0: for ever. */
  readonly maxReauthMs: number;
  begin(): Exchange;
}

/** A failed login of which the client may be told why: nothing in it tells whether a user exists. */
export class SaslRefusal extends MillraceError {
  constructor(message: string) {
    super('SASL_AUTHENTICATION_FAILED', message);
  }
}

interface MechanismOptions {
  readonly config: ListenerConfig;
  readonly users: ScramUsers;
  readonly environment: Environment;
  readonly report: (message: string) => void;
}

/** The mechanisms of a listener, by name in the order of its setting. Throws `INVALID_CONFIG`. */
export function mechanismsOf(options: MechanismOptions): ReadonlyMap<string, Mechanism> {
  const { name: listener, settings } = options.config;
  const names = settings['sasl.enabled.mechanisms'].split(',').flatMap((each) => each.trim() || []);
  if (names.length === 0) {
    throw invalid(
      `The listener ${listener} has SASL and no mechanism: set "sasl.enabled.mechanisms", for instance to SCRAM-SHA-512.`,
    );
  }
  return new Map(names.map((name) => [name, mechanismOf(name, options)]));
}

function mechanismOf(name: string, options: MechanismOptions): Mechanism {
  const { config, users, environment } = options;
  const maxReauthMs = config.settingsOf(name)['connections.max.reauth.ms'];
  const module = config.loginModuleOf(name);
  if (isScramMechanism(name)) {
    return { name, maxReauthMs, begin: () => scramExchange(name, users, environment) };
  }
  if (name === 'PLAIN') {
    const passwords = passwordsIn(module, config);
    return { name, maxReauthMs, begin: () => new PlainExchange(passwords) };
  }
  if (name === 'OAUTHBEARER') {
    const check = tokenCheck(module, options);
    return { name, maxReauthMs, begin: () => new TokenExchange(check) };
  }
  const known = 'PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER';
  throw invalid(`"sasl.enabled.mechanisms" of the listener ${config.name} has ${name}; there are ${known}.`);
}

// ── SCRAM ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function scramExchange(mechanism: ScramMechanism, users: ScramUsers, environment: Environment): Exchange {
  const server = new ScramServer({
    mechanism,
    nonce: scramNonce(environment),
    credentialOf: (user) => users.credential(mechanism, user),
  });
  let isFirst = true;
  return {
    respond(message) {
      const answer = isFirst ? server.first(message) : server.final(message);
      isFirst = false;
      return answer;
    },
    get user() {
      return server.authenticatedUser;
    },
  };
}

// ── PLAIN ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function passwordsIn(module: LoginModule | undefined, { name }: ListenerConfig): ReadonlyMap<string, string> {
  if (module === undefined) {
    const setting = `listener.name.${name.toLowerCase()}.plain.sasl.jaas.config`;
    const example = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="…";';
    throw invalid(`The listener ${name} has PLAIN and no users: set "${setting}" to ${example}`);
  }
  const USER = 'user_';
  const users = [...module.options].filter(([option]) => option.startsWith(USER));
  return new Map(users.map(([option, password]) => [option.slice(USER.length), password]));
}

/** `[authorization id] NUL user NUL password` */
class PlainExchange implements Exchange {
  readonly #passwords: ReadonlyMap<string, string>;
  user: string | undefined;

  constructor(passwords: ReadonlyMap<string, string>) {
    this.#passwords = passwords;
  }

  respond(message: Buffer): Buffer {
    const parts = message.toString('utf8').split('\0');
    const [authorizedAs = '', user = '', password = ''] = parts;
    if (parts.length !== 3 || user === '' || password === '') {
      throw new MillraceError('SASL_AUTHENTICATION_FAILED', 'the message of PLAIN is malformed');
    }
    const expected = this.#passwords.get(user);
    // Compared for who does not exist, too: it should take as long.
    const isRight = timingSafeEqual(sha256(password), sha256(expected ?? '')) && expected !== undefined;
    if (!isRight) throw new SaslRefusal('Authentication failed: Invalid username or password');
    if (authorizedAs !== '' && authorizedAs !== user) {
      throw new SaslRefusal(
        'Authentication failed: Client requested an authorization id that is different from username',
      );
    }
    this.user = user;
    return Buffer.alloc(0);
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

// ── OAUTHBEARER ───────────────────────────────────────────────────────────────────────────────────────────────────

type TokenCheck = (token: string) => Promise<{ readonly user: string; readonly expiresAt: number }>;

const SIGNED = 'OAuthBearerValidatorCallbackHandler';
const UNSIGNED = 'OAuthBearerUnsecuredValidatorCallbackHandler';

/** What a listener takes for a good token: signed ones where it is told where the keys are. */
function tokenCheck(module: LoginModule | undefined, options: MechanismOptions): TokenCheck {
  const { config, environment, report } = options;
  const settings = config.settingsOf('OAUTHBEARER');
  const url = settings['sasl.oauthbearer.jwks.endpoint.url'].trim();
  const handler = settings['sasl.server.callback.handler.class'].trim().split('.').at(-1)!;
  if (!['', SIGNED, UNSIGNED].includes(handler)) {
    throw invalid(
      `"sasl.server.callback.handler.class" of ${config.name} is ${handler}; there are ${SIGNED} and ${UNSIGNED}.`,
    );
  }
  if (handler === SIGNED && url === '') {
    throw invalid(
      `The listener ${config.name} takes signed tokens: set "sasl.oauthbearer.jwks.endpoint.url" to where their keys are.`,
    );
  }
  if (url === '' || handler === UNSIGNED) {
    report(
      `the listener ${config.name} takes tokens that nobody signed, so that anybody can be anyone: for development only`,
    );
    const rules = unsignedRules(module);
    return async (token) => checkUnsignedToken(token, rules, environment);
  }
  const keys = new Jwks('sasl.oauthbearer.jwks.endpoint.url', {
    url,
    refreshMs: settings['sasl.oauthbearer.jwks.endpoint.refresh.ms'],
    retryMs: settings['sasl.oauthbearer.jwks.endpoint.retry.backoff.ms'],
    retryMaxMs: settings['sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms'],
    environment,
  });
  const rules = signedRules(settings);
  return (token) => checkSignedToken(token, keys, rules, environment);
}

function signedRules(settings: BrokerSettings): TokenRules {
  return {
    userClaim: settings['sasl.oauthbearer.sub.claim.name'],
    scopeClaim: settings['sasl.oauthbearer.scope.claim.name'],
    requiredScopes: [],
    audiences: settings['sasl.oauthbearer.expected.audience'].split(',').flatMap((each) => each.trim() || []),
    issuer: settings['sasl.oauthbearer.expected.issuer'].trim() || undefined,
    clockSkewMs: settings['sasl.oauthbearer.clock.skew.seconds'] * 1000,
  };
}

/** From the options of Kafka's login module. */
function unsignedRules(module: LoginModule | undefined): TokenRules {
  const option = (name: string): string => module?.options.get(`unsecuredValidator${name}`)?.trim() ?? '';
  const skew = Number(option('AllowableClockSkewMs'));
  if (!Number.isInteger(skew) || skew < 0) {
    throw invalid('unsecuredValidatorAllowableClockSkewMs must be a number of milliseconds.');
  }
  return {
    userClaim: option('PrincipalClaimName') || 'sub',
    scopeClaim: option('ScopeClaimName') || 'scope',
    requiredScopes: option('RequiredScope').split(/\s+/).filter(Boolean),
    audiences: [],
    issuer: undefined,
    clockSkewMs: skew,
  };
}

/** `n,[a=user],` ^A `auth=Bearer token` ^A … ^A; a bad token is answered with JSON, which the client acknowledges with ^A. */
class TokenExchange implements Exchange {
  readonly #check: TokenCheck;
  #failure: string | undefined;
  user: string | undefined;
  expiresAt: number | undefined;

  constructor(check: TokenCheck) {
    this.#check = check;
  }

  async respond(message: Buffer): Promise<Buffer> {
    if (this.#failure !== undefined) throw new SaslRefusal(this.#failure);
    const text = message.toString('utf8');
    const [header = '', ...pairs] = text.split('\x01');
    const [flag, authzid = ''] = header.split(',');
    const auth = pairs.find((pair) => pair.startsWith('auth='));
    const [, token] = /^auth=bearer +([\w.-]+)$/i.exec(auth ?? '') ?? [];
    if (flag !== 'n' || !text.endsWith('\x01\x01') || token === undefined) {
      throw new MillraceError('SASL_AUTHENTICATION_FAILED', 'the message of OAUTHBEARER is malformed');
    }
    let bearer: Awaited<ReturnType<TokenCheck>>;
    try {
      bearer = await this.#check(token);
    } catch (error) {
      const isScope = /scope/.test(messageOf(error));
      this.#failure = `{"status":"${isScope ? 'insufficient_scope' : 'invalid_token'}"}`;
      return Buffer.from(this.#failure);
    }
    if (authzid !== '' && authzid !== `a=${bearer.user}`) {
      throw new SaslRefusal(
        "Authentication failed: Client requested an authorization id that is different from the token's principal name",
      );
    }
    this.user = bearer.user;
    this.expiresAt = bearer.expiresAt;
    return Buffer.alloc(0);
  }
}

function invalid(message: string): MillraceError {
  return new MillraceError('INVALID_CONFIG', message);
}
