// Access rules of a cluster, as administrators see and change them: each call is one API.
import {
  AclOperation,
  AclPatternType,
  AclPermission,
  AclResourceType,
  create,
  createAcls as createAclsApi,
  deleteAcls as deleteAclsApi,
  describeAcls as describeAclsApi,
  ErrorCode,
  errorFor,
  type Transport,
} from '../protocol/index.ts';
import type { AccessRule, AccessRuleFilter } from './client.ts';

/** A code that is newer than this client has no name. */
function nameOf<T extends string>(codes: Readonly<Record<T, number>>, code: number): T | 'UNKNOWN' {
  return (Object.keys(codes) as T[]).find((name) => codes[name] === code) ?? 'UNKNOWN';
}

/** Rejects with the first refusal: SECURITY_DISABLED where brokers have no rules. */
export async function createAcls(transport: Transport, rules: readonly AccessRule[]): Promise<void> {
  const creations = rules.map((rule) => ({
    resourceType: AclResourceType[rule.resourceType],
    resourceName: rule.resourceName,
    resourcePatternType: AclPatternType[rule.patternType],
    principal: rule.principal,
    host: rule.host,
    operation: AclOperation[rule.operation],
    permissionType: AclPermission[rule.permission],
  }));
  const { results } = await transport.request(createAclsApi, create(createAclsApi, { creations }));
  for (const { errorCode, errorMessage } of results) {
    if (errorCode !== ErrorCode.NONE) throw errorFor(errorCode, 'making an access rule', errorMessage);
  }
}

export async function describeAcls(transport: Transport, filter: AccessRuleFilter): Promise<AccessRule[]> {
  const answer = await transport.request(describeAclsApi, create(describeAclsApi, encoded(filter)));
  if (answer.errorCode !== ErrorCode.NONE) {
    throw errorFor(answer.errorCode, 'listing access rules', answer.errorMessage);
  }
  return answer.resources.flatMap(({ acls, ...resource }) => acls.map((acl) => ruleOf({ ...resource, ...acl })));
}

/** What was deleted, by filter; rejects with the first refusal. */
export async function deleteAcls(
  transport: Transport,
  filters: readonly AccessRuleFilter[],
): Promise<(readonly AccessRule[])[]> {
  const request = create(deleteAclsApi, { filters: filters.map(encoded) });
  const { filterResults } = await transport.request(deleteAclsApi, request);
  return filterResults.map(({ matchingAcls, ...whole }) => {
    for (const { errorCode, errorMessage } of [whole, ...matchingAcls]) {
      if (errorCode !== ErrorCode.NONE) throw errorFor(errorCode, 'deleting an access rule', errorMessage);
    }
    return matchingAcls.map(ruleOf);
  });
}

function encoded(filter: AccessRuleFilter) {
  return {
    resourceTypeFilter: AclResourceType[filter.resourceType ?? 'ANY'],
    resourceNameFilter: filter.resourceName ?? null,
    patternTypeFilter: AclPatternType[filter.patternType ?? 'ANY'],
    principalFilter: filter.principal ?? null,
    hostFilter: filter.host ?? null,
    operation: AclOperation[filter.operation ?? 'ANY'],
    permissionType: AclPermission[filter.permission ?? 'ANY'],
  };
}

function ruleOf(wire: {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly patternType: number;
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly permissionType: number;
}): AccessRule {
  return {
    resourceType: nameOf(AclResourceType, wire.resourceType),
    resourceName: wire.resourceName,
    patternType: nameOf(AclPatternType, wire.patternType),
    principal: wire.principal,
    host: wire.host,
    operation: nameOf(AclOperation, wire.operation),
    permission: nameOf(AclPermission, wire.permissionType),
  } as AccessRule;
}
