import type { Environment } from '../../util/index.ts';
import { scramMechanisms } from './mechanisms.ts';
import { PLATFORM, type Principal } from './principal.ts';
import { SaslLogin } from './sasl-login.ts';
import type { ScramUsers } from './scram-users.ts';

/** Who is at the other end of a connection. */
export interface Session {
  /** Becomes another one when a login succeeds. */
  readonly principal: Principal;
  /** True for the platform's own clients, which may do everything. */
  readonly isPlatform: boolean;
  /** Where clients have to log in over SASL. */
  readonly login: SaslLogin | undefined;
  /** Where the platform's own clients try whether somebody who comes to them has the right password. */
  readonly trial: SaslLogin | undefined;
}

/** Of clients within this process. */
export function platformSession(users: ScramUsers, environment: Environment): Session {
  const trial = new SaslLogin({
    mechanisms: scramMechanisms(users, environment),
    failureDelayMs: 0,
    maxRequestBytes: Number.POSITIVE_INFINITY,
    environment,
    // The service that asks tells who was not let in.
    report: () => {},
  });
  return { principal: PLATFORM, isPlatform: true, login: undefined, trial };
}

/** Of somebody who does not log in over SASL: nobody in particular, or who a certificate says. */
export function sessionOf(principal: Principal): Session {
  return { principal, isPlatform: false, login: undefined, trial: undefined };
}

/** Of somebody who does. */
export function sessionWithLogin(login: SaslLogin): Session {
  return {
    get principal() {
      return login.principal;
    },
    isPlatform: false,
    login,
    trial: undefined,
  };
}
