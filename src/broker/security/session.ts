import { PLATFORM, type Principal } from './principal.ts';
import type { SaslLogin } from './sasl-login.ts';

/** Who is at the other end of a connection. */
export interface Session {
  /** Becomes another one when a login succeeds. */
  readonly principal: Principal;
  /** True for the platform's own clients, which may do everything. */
  readonly isPlatform: boolean;
  /** Where clients have to log in over SASL. */
  readonly login: SaslLogin | undefined;
}

/** Of clients within this process. */
export const PLATFORM_SESSION: Session = { principal: PLATFORM, isPlatform: true, login: undefined };

/** Of somebody who does not log in over SASL: nobody in particular, or who a certificate says. */
export function sessionOf(principal: Principal): Session {
  return { principal, isPlatform: false, login: undefined };
}

/** Of somebody who does. */
export function sessionWithLogin(login: SaslLogin): Session {
  return {
    get principal() {
      return login.principal;
    },
    isPlatform: false,
    login,
  };
}
