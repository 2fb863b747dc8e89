/**
 * CreateDelegationToken, RenewDelegationToken, ExpireDelegationToken, DescribeDelegationToken: refused as Kafka does that has no
 * `delegation.token.secret.key`: over PLAINTEXT with DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, else with
 * DELEGATION_TOKEN_AUTH_DISABLED.
 *
 * Not done: delegation tokens.
 */
import {
  createDelegationToken,
  describeDelegationToken,
  ErrorCode,
  expireDelegationToken,
  renewDelegationToken,
  respond,
} from '../../protocol/index.ts';
import type { RequestContext } from '../core.ts';
import { ANONYMOUS } from '../security/principal.ts';
import { on } from './handler.ts';

/** Who is nobody in particular can have no tokens. */
function refusalOf({ session }: RequestContext): number {
  return session.principal === ANONYMOUS
    ? ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED
    : ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED;
}

export const handleCreateDelegationToken = on(createDelegationToken, (_, context) =>
  respond(createDelegationToken, { errorCode: refusalOf(context) }),
);

export const handleRenewDelegationToken = on(renewDelegationToken, (_, context) =>
  respond(renewDelegationToken, { errorCode: refusalOf(context) }),
);

export const handleExpireDelegationToken = on(expireDelegationToken, (_, context) =>
  respond(expireDelegationToken, { errorCode: refusalOf(context) }),
);

export const handleDescribeDelegationToken = on(describeDelegationToken, (_, context) =>
  respond(describeDelegationToken, { errorCode: refusalOf(context) }),
);
