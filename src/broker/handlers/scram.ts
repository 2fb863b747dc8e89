/**
 * DescribeUserScramCredentials and AlterUserScramCredentials (KIP-554): who may log in with SCRAM.
 *
 * * Described are mechanisms and iterations, of all users or of those named; never what is kept of a password.
 * * A user is changed once in a request (DUPLICATE_RESOURCE), with 4,096 to 16,384 iterations (UNACCEPTABLE_CREDENTIAL); one to
 *   delete must be there (RESOURCE_NOT_FOUND). All that can be changed is changed with one write, and in force at once.
 */
import {
  alterUserScramCredentials,
  describeUserScramCredentials,
  ErrorCode,
  type ErrorName,
  type RequestOf,
  ScramMechanismType,
} from '../../protocol/index.ts';
import {
  MIN_SCRAM_ITERATIONS,
  type ScramCredential,
  scramCredential,
  type ScramMechanism,
} from '../../security/index.ts';
import { messageOf, MillraceError } from '../../util/index.ts';
import type { ScramUsers } from '../security/scram-users.ts';
import { attempt, repeated } from './attempt.ts';
import { errorCodeOf } from './error-code.ts';
import { on } from './handler.ts';

const MAX_ITERATIONS = 16_384;

type Changes = RequestOf<typeof alterUserScramCredentials>;
interface Change {
  readonly user: string;
  readonly mechanism: ScramMechanism;
  readonly credential: ScramCredential | undefined;
}

export const handleDescribeUserScramCredentials = on(describeUserScramCredentials, (request, { core }) => {
  const users = core.scramUsers;
  const named = request.users?.map(({ name }) => name) ?? [];
  const twice = repeated(named);
  const describe = (user: string) => {
    const { error } = attempt(() => checkDescribed(users, user, twice));
    return {
      user,
      ...outcome(error),
      credentialInfos:
        error === undefined
          ? users.mechanismsOf(user).map((mechanism) => ({
              mechanism: numberOf(mechanism),
              iterations: users.credential(mechanism, user)!.iterations,
            }))
          : [],
    };
  };
  const results = [...new Set(named.length > 0 ? named : users.users())].map(describe);
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, results };
});

function checkDescribed(users: ScramUsers, user: string, twice: ReadonlySet<string>): void {
  if (twice.has(user)) {
    const message = `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`;
    throw refusal('DUPLICATE_RESOURCE', message);
  }
  if (users.mechanismsOf(user).length > 0) return;
  throw refusal('RESOURCE_NOT_FOUND', `Attempt to describe a user credential that does not exist: ${user}`);
}

export const handleAlterUserScramCredentials = on(alterUserScramCredentials, (request, { core }) => {
  const names = [...request.deletions, ...request.upsertions].map(({ name }) => name);
  const twice = repeated(names);
  const planned = new Map(
    [...new Set(names)].map((user) => [user, attempt(() => planOf(core.scramUsers, request, user, twice))]),
  );
  const changes = [...planned.values()].flatMap(({ value }) => (value === undefined ? [] : [value]));
  const { error: failure } = attempt(() => {
    if (changes.length > 0) core.scramUsers.change(changes);
  });
  const results = [...planned].map(([user, { error = failure }]) => ({ user, ...outcome(error) }));
  return { throttleTimeMs: 0, results };
});

function planOf(
  users: ScramUsers,
  { deletions, upsertions }: Changes,
  user: string,
  twice: ReadonlySet<string>,
): Change {
  if (twice.has(user)) {
    throw refusal('DUPLICATE_RESOURCE', 'A user credential cannot be altered twice in the same request');
  }
  const deletion = deletions.find(({ name }) => name === user);
  const upsertion = upsertions.find(({ name }) => name === user);
  const number = (deletion ?? upsertion)!.mechanism;
  if (user === '') throw refusal('UNACCEPTABLE_CREDENTIAL', 'Username must not be empty');
  const mechanism = mechanismOf(number);
  if (mechanism === undefined) throw refusal('UNSUPPORTED_SASL_MECHANISM', 'Unknown SCRAM mechanism');
  if (upsertion === undefined) {
    if (users.credential(mechanism, user) !== undefined) return { user, mechanism, credential: undefined };
    throw refusal('RESOURCE_NOT_FOUND', 'Attempt to delete a user credential that does not exist');
  }
  const { salt, saltedPassword, iterations } = upsertion;
  if (iterations < MIN_SCRAM_ITERATIONS) throw refusal('UNACCEPTABLE_CREDENTIAL', 'Too few iterations');
  if (iterations > MAX_ITERATIONS) throw refusal('UNACCEPTABLE_CREDENTIAL', 'Too many iterations');
  return { user, mechanism, credential: scramCredential(mechanism, saltedPassword, Buffer.from(salt), iterations) };
}

function mechanismOf(number: number): ScramMechanism | undefined {
  if (number === ScramMechanismType.SCRAM_SHA_256) return 'SCRAM-SHA-256';
  return number === ScramMechanismType.SCRAM_SHA_512 ? 'SCRAM-SHA-512' : undefined;
}

function numberOf(mechanism: ScramMechanism): number {
  return mechanism === 'SCRAM-SHA-256' ? ScramMechanismType.SCRAM_SHA_256 : ScramMechanismType.SCRAM_SHA_512;
}

function outcome(error: unknown): { readonly errorCode: number; readonly errorMessage: string | null } {
  return error === undefined
    ? { errorCode: ErrorCode.NONE, errorMessage: null }
    : { errorCode: errorCodeOf(error), errorMessage: messageOf(error) };
}

function refusal(code: ErrorName, message: string): MillraceError {
  return new MillraceError(code, message);
}
