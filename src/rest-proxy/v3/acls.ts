// v3: access rules. A cluster without an authorizer has none, and says so.
import type { AccessRule, AccessRuleFilter } from '../../client/index.ts';
import type { QueryParameter } from '../../rim/index.ts';
import { codeOf } from '../../util/index.ts';
import { Answer, queryText, type Routes } from '../call.ts';
import { listOf, membersOf, type Members, textOf } from '../entities.ts';
import { ProxyError, unprocessable } from '../errors.ts';
import { bodyOf, type ClusterCall, type ClusterRoutes, listOfResources, urlOf } from './resources.ts';

const RESOURCE_TYPES = ['TOPIC', 'GROUP', 'CLUSTER', 'TRANSACTIONAL_ID', 'DELEGATION_TOKEN', 'USER'] as const;
const PATTERN_TYPES = ['LITERAL', 'PREFIXED'] as const;
const PERMISSIONS = ['ALLOW', 'DENY'] as const;
const OPERATIONS = [
  ...(['ALL', 'READ', 'WRITE', 'CREATE', 'DELETE', 'ALTER', 'DESCRIBE', 'CLUSTER_ACTION'] as const),
  ...(['DESCRIBE_CONFIGS', 'ALTER_CONFIGS', 'IDEMPOTENT_WRITE', 'CREATE_TOKENS', 'DESCRIBE_TOKENS'] as const),
  'TWO_PHASE_COMMIT' as const,
];
const RULE = [
  ...['resource_type', 'resource_name', 'pattern_type', 'principal', 'host', 'operation', 'permission'],
  // Where rules are copied from an answer.
  ...['kind', 'metadata', 'cluster_id'],
];

const filter = (description: string): QueryParameter => ({ type: 'string', description });
/** What a query does not say matches everything. */
const FILTER: Readonly<Record<string, QueryParameter>> = {
  resource_type: filter('What the rule is about: `TOPIC`, `GROUP`, …'),
  resource_name: filter('The name that it is about.'),
  pattern_type: filter('`LITERAL`, `PREFIXED`, or `MATCH` for all that hold for the name.'),
  principal: filter('Whom it is for: `User:alice`.'),
  host: filter('Where they come from.'),
  operation: filter('What they do: `READ`, `WRITE`, …'),
  permission: filter('`ALLOW` or `DENY`.'),
};

export function aclRoutes(cluster: ClusterRoutes): Routes {
  return cluster.declare({
    'GET /acls': {
      summary: 'The access rules that match.',
      query: FILTER,
      answer: async (at) => {
        const rules = await asked(at.admin.describeAcls(filterOf(at)));
        return listOfResources(
          at,
          'Acl',
          [['acls']],
          rules.map((rule) => aclEntity(at, rule)),
        );
      },
    },
    'POST /acls': {
      summary: 'Adds an access rule.',
      body: RULE,
      status: 201,
      answer: async (at) => {
        await asked(at.admin.createAcls([ruleOf(bodyOf(at, RULE))]));
        return new Answer(201, undefined);
      },
    },
    'POST /acls::batch': {
      summary: 'Adds access rules.',
      body: ['data'],
      status: 201,
      answer: async (at) => {
        const rules = listOf(bodyOf(at, ['data']), 'data').map((each) => ruleOf(membersOf(each, RULE, 'A rule')));
        await asked(at.admin.createAcls(rules));
        return new Answer(201, undefined);
      },
    },
    'DELETE /acls': {
      summary: 'Deletes the access rules that match, and answers them.',
      query: FILTER,
      answer: async (at) => {
        const deleted = await asked(at.admin.deleteAcls([filterOf(at)]));
        return { data: deleted.flat().map((rule) => aclEntity(at, rule)) };
      },
    },
  });
}

/** A broker that does not know the question has no rules either. */
async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (codeOf(error) === 'UNSUPPORTED_VERSION') throw new ProxyError(40002, 'No Authorizer is configured.', error);
    throw error;
  }
}

function ruleOf(members: Members): AccessRule {
  const constant = <T extends string>(name: string, all: readonly T[]) => oneOf(textOf(members, name), name, all);
  return {
    resourceType: constant('resource_type', RESOURCE_TYPES),
    resourceName: textOf(members, 'resource_name'),
    patternType: constant('pattern_type', PATTERN_TYPES),
    principal: textOf(members, 'principal'),
    host: textOf(members, 'host'),
    operation: constant('operation', OPERATIONS),
    permission: constant('permission', PERMISSIONS),
  };
}

function filterOf({ call }: ClusterCall): AccessRuleFilter {
  const constant = <T extends string>(name: string, key: string, all: readonly T[]) => {
    const value = queryText(call, name);
    return value === undefined ? {} : { [key]: oneOf(value, name, all) };
  };
  const text = (name: string, key: string) => {
    const value = queryText(call, name);
    return value === undefined ? {} : { [key]: value };
  };
  return {
    ...constant('resource_type', 'resourceType', ['ANY', ...RESOURCE_TYPES]),
    ...text('resource_name', 'resourceName'),
    ...constant('pattern_type', 'patternType', ['ANY', 'MATCH', ...PATTERN_TYPES]),
    ...text('principal', 'principal'),
    ...text('host', 'host'),
    ...constant('operation', 'operation', ['ANY', ...OPERATIONS]),
    ...constant('permission', 'permission', ['ANY', ...PERMISSIONS]),
  };
}

function oneOf<T extends string>(text: string, name: string, all: readonly T[]): T {
  const found = all.find((each) => each === text.toUpperCase());
  if (found === undefined) throw unprocessable(`${name} is ${text}: it is one of ${all.join(', ')}`);
  return found;
}

function aclEntity(at: ClusterCall, rule: AccessRule): object {
  const members = {
    resource_type: rule.resourceType,
    resource_name: rule.resourceName,
    pattern_type: rule.patternType,
    principal: rule.principal,
    host: rule.host,
    operation: rule.operation,
    permission: rule.permission,
  };
  const self = `${urlOf(at, [['acls']])}?${new URLSearchParams(members).toString()}`;
  return { kind: 'KafkaAcl', metadata: { self }, cluster_id: at.clusterId, ...members };
}
