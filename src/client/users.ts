// Users of a cluster, as administrators see and change them: their SCRAM credentials and what they may use of brokers. Each call
// is one API.
import {
  alterClientQuotas as alterClientQuotasApi,
  alterUserScramCredentials as alterScramApi,
  create,
  describeClientQuotas as describeClientQuotasApi,
  describeUserScramCredentials as describeScramApi,
  ErrorCode,
  errorFor,
  QuotaMatchType,
  ScramMechanismType,
  type Transport,
} from '../protocol/index.ts';
import { saltedPassword, type ScramMechanism } from '../security/index.ts';
import type { Environment } from '../util/index.ts';
import type { QuotaChange, QuotaEntity, ClientQuota, ScramCredentialInfo, ScramUpsertion } from './client.ts';

const MECHANISMS: Readonly<Record<ScramMechanism, number>> = {
  'SCRAM-SHA-256': ScramMechanismType.SCRAM_SHA_256,
  'SCRAM-SHA-512': ScramMechanismType.SCRAM_SHA_512,
};
const DEFAULT_ITERATIONS = 4096;
const SALT_BYTES = 32;

/** Of all users, or of those named; a user that has none is left out. */
export async function describeScram(
  transport: Transport,
  users: readonly string[] | null,
): Promise<ScramCredentialInfo[]> {
  const request = create(describeScramApi, { users: users?.map((name) => ({ name })) ?? null });
  const { errorCode, errorMessage, results } = await transport.request(describeScramApi, request);
  if (errorCode !== ErrorCode.NONE) throw errorFor(errorCode, 'describing credentials', errorMessage);
  return results.flatMap((result) => {
    if (result.errorCode === ErrorCode.RESOURCE_NOT_FOUND) return [];
    if (result.errorCode !== ErrorCode.NONE) {
      throw errorFor(result.errorCode, `describing the credentials of ${result.user}`, result.errorMessage);
    }
    return result.credentialInfos.map(({ mechanism, iterations }) => ({
      user: result.user,
      mechanism: nameOf(mechanism),
      iterations,
    }));
  });
}

/** The password is salted here; brokers never see it. Rejects with the first refusal. */
export async function alterScram(
  transport: Transport,
  upserted: readonly ScramUpsertion[],
  deleted: readonly { readonly user: string; readonly mechanism: ScramMechanism }[],
  environment: Environment,
): Promise<void> {
  const upsertions = await Promise.all(
    upserted.map(async ({ user, mechanism, password, iterations = DEFAULT_ITERATIONS }) => {
      const salt = environment.randomBytes(SALT_BYTES);
      const salted = await saltedPassword(mechanism, password, salt, iterations);
      return { name: user, mechanism: MECHANISMS[mechanism], iterations, salt, saltedPassword: salted };
    }),
  );
  const deletions = deleted.map(({ user, mechanism }) => ({ name: user, mechanism: MECHANISMS[mechanism] }));
  const { results } = await transport.request(alterScramApi, create(alterScramApi, { upsertions, deletions }));
  for (const { user, errorCode, errorMessage } of results) {
    if (errorCode !== ErrorCode.NONE) throw errorFor(errorCode, `changing the credentials of ${user}`, errorMessage);
  }
}

function nameOf(type: number): ScramMechanism {
  const found = (Object.keys(MECHANISMS) as ScramMechanism[]).find((name) => MECHANISMS[name] === type);
  return found ?? (`SCRAM-${type}` as ScramMechanism);
}

/** Of entities with exactly these parts (a name, null for the default, undefined for any); none: all that there are. */
export async function describeQuotas(
  transport: Transport,
  entity: Readonly<Partial<Record<keyof QuotaEntity, string | null | undefined>>>,
): Promise<ClientQuota[]> {
  const components = Object.entries(entity).map(([entityType, name]) => ({
    entityType,
    matchType: name === undefined ? QuotaMatchType.any : name === null ? QuotaMatchType.default : QuotaMatchType.exact,
    match: name ?? null,
  }));
  const request = create(describeClientQuotasApi, { components, strict: components.length > 0 });
  const { errorCode, errorMessage, entries } = await transport.request(describeClientQuotasApi, request);
  if (errorCode !== ErrorCode.NONE) throw errorFor(errorCode, 'describing quotas', errorMessage);
  return (entries ?? []).map(({ entity: parts, values }) => ({
    entity: Object.fromEntries(parts.map(({ entityType, entityName }) => [entityType, entityName])) as QuotaEntity,
    limits: Object.fromEntries(values.map(({ key, value }) => [key, value])),
  }));
}

/** Rejects with the first refusal. */
export async function alterQuotas(transport: Transport, changes: readonly QuotaChange[]): Promise<void> {
  const wanted = changes.map(({ entity, set }) => ({
    entity: Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName })),
    ops: Object.entries(set).map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
  }));
  const request = create(alterClientQuotasApi, { entries: wanted });
  const { entries } = await transport.request(alterClientQuotasApi, request);
  for (const { errorCode, errorMessage } of entries) {
    if (errorCode !== ErrorCode.NONE) throw errorFor(errorCode, 'changing quotas', errorMessage);
  }
}
