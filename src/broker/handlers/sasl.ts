/**
 * SaslHandshake and SaslAuthenticate: logging in, on listeners whose clients have to.
 *
 * * SaslHandshake 0: the mechanism, behind which its messages come without headers. 1: behind it they come in SaslAuthenticate.
 *   UNSUPPORTED_SASL_MECHANISM lists those that there are.
 * * SaslAuthenticate 0: the mechanism's messages. 1: how long the session lasts (KIP-368).
 * * In which state what is allowed: security/sasl-login.ts. Where nobody logs in, or has already: ILLEGAL_SASL_STATE.
 *
 * Not done: GSSAPI; delegation tokens.
 */
import { ErrorCode, saslAuthenticate, saslHandshake } from '../../protocol/index.ts';
import { on } from './handler.ts';

export const handleSaslHandshake = on(saslHandshake, ({ mechanism }, { session, version, hold }) => {
  if (session.login === undefined) return { errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [] };
  const answer = session.login.handshake(mechanism, version >= 1);
  // What is behind a failed one is for nobody.
  return answer instanceof Promise && hold !== undefined ? answer.finally(hold()) : answer;
});

export const handleSaslAuthenticate = on(saslAuthenticate, ({ authBytes }, { session, hold }) => {
  if (session.login === undefined) {
    const errorMessage = 'SaslAuthenticate request received after successful authentication';
    return { errorCode: ErrorCode.ILLEGAL_SASL_STATE, errorMessage, authBytes: Buffer.alloc(0), sessionLifetimeMs: 0 };
  }
  const answer = session.login.authenticate(authBytes);
  // What is behind it is for who has logged in.
  return hold === undefined ? answer : answer.finally(hold());
});
