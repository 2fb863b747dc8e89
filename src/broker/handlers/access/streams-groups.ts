// Access to streams groups: members may read in the group, and see the topics of their topology. Whether internal topics may be made is
// asked where they are made (../streams-groups.ts).
import {
  AclOperation,
  AclResourceType,
  ErrorCode,
  OPERATIONS_NOT_ASKED,
  respond,
  type ResponseOf,
  streamsGroupDescribe,
  streamsGroupHeartbeat,
} from '../../../protocol/index.ts';
import { type Access, accessRule, type AccessRule } from './access.ts';

const { READ, DESCRIBE } = AclOperation;
const { TOPIC, GROUP } = AclResourceType;

const toTakePart = accessRule(streamsGroupHeartbeat, function* (request, access) {
  const refused = (errorCode: number) => ({ answer: respond(streamsGroupHeartbeat, { errorCode }) });
  if (!access.may(READ, GROUP, request.groupId)) return refused(ErrorCode.GROUP_AUTHORIZATION_FAILED);
  const names = topicsOf(request.topology?.subtopologies);
  const { denied } = yield* access.split([...names], (name) => access.may(DESCRIBE, TOPIC, name));
  return denied.length === 0 ? { request } : refused(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
});

interface NamesTopics {
  readonly sourceTopics: readonly string[];
  readonly repartitionSinkTopics: readonly string[];
  readonly repartitionSourceTopics: readonly { readonly name: string }[];
  readonly stateChangelogTopics: readonly { readonly name: string }[];
}

function topicsOf(subtopologies: readonly NamesTopics[] | null | undefined): Set<string> {
  const names = (subtopologies ?? []).flatMap((each) => [
    ...each.sourceTopics,
    ...each.repartitionSinkTopics,
    ...[...each.repartitionSourceTopics, ...each.stateChangelogTopics].map(({ name }) => name),
  ]);
  return new Set(names);
}

type Described = ResponseOf<typeof streamsGroupDescribe>['groups'][number];

const toDescribe = accessRule(streamsGroupDescribe, function* (request, access) {
  const { allowed, denied } = yield* access.split(request.groupIds, (groupId) => access.may(DESCRIBE, GROUP, groupId));
  const { groups: refused } = respond(streamsGroupDescribe, {
    groups: denied.map((groupId) => ({ groupId, errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED })),
  });
  return {
    request: { ...request, groupIds: allowed },
    *finish(response) {
      const groups = yield* access.each(response.groups, (group) =>
        visible(group, access, request.includeAuthorizedOperations),
      );
      return { ...response, groups: [...groups, ...refused] };
    },
  };
});

/** A group with a topic that may not be seen is not shown at all: its topology would tell of it. */
function visible(group: Described, access: Access, asksForOperations: boolean): Described {
  if (group.errorCode !== ErrorCode.NONE) return { ...group, authorizedOperations: OPERATIONS_NOT_ASKED };
  const names = topicsOf(group.topology?.subtopologies);
  if (![...names].every((name) => access.may(DESCRIBE, TOPIC, name))) {
    const { groups } = respond(streamsGroupDescribe, {
      groups: [
        {
          groupId: group.groupId,
          errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED,
          errorMessage: 'The group has described topic(s) that the client is not authorized to describe.',
        },
      ],
    });
    return groups[0]!;
  }
  return asksForOperations ? { ...group, authorizedOperations: access.operationsOn(GROUP, group.groupId) } : group;
}

export const streamsGroupRules: readonly AccessRule[] = [toTakePart, toDescribe];
