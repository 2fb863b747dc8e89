/**
 * The users that the broker keeps, for services that ask their own visitors who they are: whether somebody has a password is
 * tried out by a login with SCRAM (`scram.ts`), on a connection from within the process, which is good for nothing else. Right
 * ones are remembered for a while, as visitors bring theirs with each request.
 */
import { createHmac } from 'node:crypto';
import { create, saslAuthenticate, saslHandshake, type Transport } from '../protocol/index.ts';
import type { CheckPassword } from '../rim/index.ts';
import { SCRAM_MECHANISMS, ScramClient, type ScramMechanism, scramNonce } from '../security/index.ts';
import { codeOf, type Environment, MillraceError } from '../util/index.ts';

/** A password that was changed or removed lets nobody in after this. */
const REMEMBERED_MS = 10_000;
const MAX_REMEMBERED = 1000;

/** `dial` opens a connection to the broker from within the process. */
export function brokerUsers(dial: () => Promise<Transport>, environment: Environment): CheckPassword {
  const secret = environment.randomBytes(32);
  /** When each stops being remembered, by what the secret makes of a user and password. */
  const remembered = new Map<string, number>();
  return async (name, password) => {
    const key = createHmac('sha256', secret)
      .update(JSON.stringify([name, password]))
      .digest('base64');
    if ((remembered.get(key) ?? 0) > environment.now()) return true;
    for (const mechanism of SCRAM_MECHANISMS.toReversed()) {
      if (!(await isRight(dial, { mechanism, username: name, password, nonce: scramNonce(environment) }))) continue;
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(key, environment.now() + REMEMBERED_MS);
      return true;
    }
    return false;
  };
}

async function isRight(
  dial: () => Promise<Transport>,
  login: { mechanism: ScramMechanism; username: string; password: string; nonce: string },
): Promise<boolean> {
  const transport = await dial();
  try {
    await transport.request(saslHandshake, create(saslHandshake, { mechanism: login.mechanism }));
    const client = new ScramClient(login);
    const answer = async (authBytes: Buffer): Promise<Buffer> => {
      const response = await transport.request(saslAuthenticate, create(saslAuthenticate, { authBytes }));
      if (response.errorCode !== 0) throw new MillraceError('SASL_AUTHENTICATION_FAILED', response.errorMessage ?? '');
      return response.authBytes;
    };
    client.verify(await answer(await client.final(await answer(client.first()))));
    return true;
  } catch (error) {
    if (codeOf(error) === 'SASL_AUTHENTICATION_FAILED') return false;
    throw error;
  } finally {
    transport.close();
  }
}
