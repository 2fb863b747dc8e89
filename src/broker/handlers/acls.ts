/**
 * DescribeAcls, CreateAcls, DeleteAcls: the access rules, where an authorizer is set (`authorizer.class.name`); else SECURITY_DISABLED.
 *
 * * 1: patterns of names: literal, with `*` for all, and prefixed. Filters match any of them, exactly one, or (MATCH) those that
 *   are about a name. 3: users as resources.
 * * What is created is checked rule by rule, and what may be is made with one write; a rule that is there already is no error.
 *   The cluster has the name `kafka-cluster`. Changes are in force when they are answered.
 */
import {
  AclOperation,
  AclPatternType,
  AclPermission,
  AclResourceType,
  createAcls,
  deleteAcls,
  describeAcls,
  ErrorCode,
  type RequestOf,
} from '../../protocol/index.ts';
import { messageOf, MillraceError, Pace } from '../../util/index.ts';
import type { StoredAcl } from '../metadata/cluster-metadata.ts';
import { WILDCARD } from '../security/authorizer.ts';
import { CLUSTER_NAME } from './access/access.ts';
import { attempt } from './attempt.ts';
import { errorCodeOf } from './error-code.ts';
import { inStepsOn } from './handler.ts';

type Filter = RequestOf<typeof describeAcls>;
type Creation = RequestOf<typeof createAcls>['creations'][number];

const DISABLED = { errorCode: ErrorCode.SECURITY_DISABLED as number, errorMessage: 'No Authorizer is configured.' };

export const handleDescribeAcls = inStepsOn(describeAcls, function* (request, { core }) {
  if (core.authorizer === undefined) return { throttleTimeMs: 0, ...DISABLED, resources: [] };
  const { error } = attempt(() => checkFilter(request));
  if (error !== undefined) return { throttleTimeMs: 0, ...refused(error), resources: [] };
  const pace = new Pace();
  const isWanted = yield* pace.map(core.metadata.current.acls, (acl) => matches(request, acl));
  const found = core.metadata.current.acls.filter((_, i) => isWanted[i]);
  const byResource = Map.groupBy(found, (acl) => `${acl.resourceType}/${acl.patternType}/${acl.resourceName}`);
  const resources = yield* pace.map([...byResource.values()], (acls) => {
    const { resourceType, resourceName, patternType } = acls[0]!;
    return { resourceType, resourceName, patternType, acls };
  });
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, resources };
});

export const handleCreateAcls = inStepsOn(createAcls, function* ({ creations }, { core }) {
  if (core.authorizer === undefined) return { throttleTimeMs: 0, results: creations.map(() => DISABLED) };
  const pace = new Pace();
  const checked = yield* pace.map(creations, (creation) => attempt(() => aclOf(creation)));
  const { error: failure } = attempt(() => {
    const known = new Map(core.metadata.current.acls.map((acl) => [keyOf(acl), acl]));
    const before = known.size;
    for (const { value: acl } of checked) if (acl !== undefined) known.set(keyOf(acl), acl);
    if (known.size > before) core.metadata.change({ acls: [...known.values()] });
  });
  const results = yield* pace.map(checked, ({ error = failure }) => refused(error));
  return { throttleTimeMs: 0, results };
});

export const handleDeleteAcls = inStepsOn(deleteAcls, function* ({ filters }, { core }) {
  if (core.authorizer === undefined) {
    return { throttleTimeMs: 0, filterResults: filters.map(() => ({ ...DISABLED, matchingAcls: [] })) };
  }
  const pace = new Pace();
  const found = yield* pace.map(filters, (filter) =>
    attempt(() => {
      checkFilter(filter);
      return core.metadata.current.acls.filter((acl) => matches(filter, acl));
    }),
  );
  const doomed = new Set(found.flatMap(({ value = [] }) => value.map(keyOf)));
  const { error: failure } = attempt(() => {
    const acls = core.metadata.current.acls.filter((acl) => !doomed.has(keyOf(acl)));
    if (doomed.size > 0) core.metadata.change({ acls });
  });
  const filterResults = yield* pace.map(found, ({ value = [], error = failure }) => ({
    ...refused(error),
    matchingAcls: error === undefined ? value.map((acl) => ({ ...acl, errorCode: 0, errorMessage: null })) : [],
  }));
  return { throttleTimeMs: 0, filterResults };
});

// ── What may be ───────────────────────────────────────────────────────────────────────────────────────────────────

/** A rule as it is kept; throws what a client is told. */
function aclOf({ resourcePatternType: patternType, ...creation }: Creation): StoredAcl {
  const { resourceType, resourceName, principal, host, operation, permissionType } = creation;
  const isOf = (numbers: Readonly<Record<string, number>>, number: number): boolean =>
    Object.entries(numbers).some(([name, known]) => known === number && name !== 'ANY' && name !== 'MATCH');
  if (!isOf(AclResourceType, resourceType)) throw invalid(`Invalid resourceType ${resourceType}`);
  if (!isOf(AclPatternType, patternType)) throw invalid(`Invalid patternType ${patternType}`);
  if (!isOf(AclOperation, operation)) throw invalid(`Invalid operation ${operation}`);
  if (!isOf(AclPermission, permissionType)) throw invalid(`Invalid permissionType ${permissionType}`);
  if (resourceType === AclResourceType.CLUSTER && resourceName !== CLUSTER_NAME) {
    throw invalid(`The only valid name for the CLUSTER resource is ${CLUSTER_NAME}`);
  }
  if (resourceName === '') throw invalid('Invalid empty resource name');
  if (!/^[^:]+:./s.test(principal)) {
    throw invalid(`Could not parse principal from \`${principal}\`: it is a type, a colon and a name, as User:alice`);
  }
  if (host === '') throw invalid('Invalid empty host');
  return { resourceType, resourceName, patternType, principal, host, operation, permissionType };
}

function keyOf(acl: StoredAcl): string {
  const { resourceType, resourceName, patternType, principal, host, operation, permissionType } = acl;
  return JSON.stringify([resourceType, resourceName, patternType, principal, host, operation, permissionType]);
}

// ── Filters ───────────────────────────────────────────────────────────────────────────────────────────────────────

function checkFilter(filter: Filter): void {
  const isOf = (numbers: Readonly<Record<string, number>>, number: number): boolean =>
    Object.values(numbers).includes(number);
  if (!isOf(AclResourceType, filter.resourceTypeFilter) || !isOf(AclPatternType, filter.patternTypeFilter)) {
    throw invalid('Unknown patternFilter.');
  }
  if (!isOf(AclOperation, filter.operation) || !isOf(AclPermission, filter.permissionType)) {
    throw invalid('Unknown entryFilter.');
  }
}

function matches(filter: Filter, acl: StoredAcl): boolean {
  return (
    isAny(filter.resourceTypeFilter, acl.resourceType, AclResourceType.ANY) &&
    matchesName(filter, acl) &&
    (filter.principalFilter === null || filter.principalFilter === acl.principal) &&
    (filter.hostFilter === null || filter.hostFilter === acl.host) &&
    isAny(filter.operation, acl.operation, AclOperation.ANY) &&
    isAny(filter.permissionType, acl.permissionType, AclPermission.ANY)
  );
}

function isAny(wanted: number, found: number, any: number): boolean {
  return wanted === any || wanted === found;
}

function matchesName({ resourceNameFilter: name, patternTypeFilter: type }: Filter, acl: StoredAcl): boolean {
  if (type !== AclPatternType.ANY && type !== AclPatternType.MATCH && type !== acl.patternType) return false;
  if (name === null) return true;
  if (type !== AclPatternType.MATCH) return name === acl.resourceName;
  // Those that are about the name.
  if (acl.patternType === AclPatternType.PREFIXED) return name.startsWith(acl.resourceName);
  return name === acl.resourceName || acl.resourceName === WILDCARD;
}

function refused(error: unknown): { readonly errorCode: number; readonly errorMessage: string | null } {
  if (error === undefined) return { errorCode: ErrorCode.NONE, errorMessage: null };
  return { errorCode: errorCodeOf(error), errorMessage: messageOf(error) };
}

function invalid(message: string): MillraceError {
  return new MillraceError('INVALID_REQUEST', message);
}
