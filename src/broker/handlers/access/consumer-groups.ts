// Access to groups in the consumer protocol: members may read in the group, and see the topics that they name.
import {
  AclOperation,
  AclResourceType,
  consumerGroupDescribe,
  consumerGroupHeartbeat,
  ErrorCode,
  OPERATIONS_NOT_ASKED,
  respond,
  type ResponseOf,
} from '../../../protocol/index.ts';
import { type Access, accessRule, type AccessRule } from './access.ts';

const { READ, DESCRIBE } = AclOperation;
const { TOPIC, GROUP } = AclResourceType;

const toTakePart = accessRule(consumerGroupHeartbeat, function* (request, access) {
  const refused = (errorCode: number) => ({ answer: respond(consumerGroupHeartbeat, { errorCode }) });
  if (!access.may(READ, GROUP, request.groupId)) return refused(ErrorCode.GROUP_AUTHORIZATION_FAILED);
  const may = (name: string): boolean => access.may(DESCRIBE, TOPIC, name);
  const { denied } = yield* access.split(request.subscribedTopicNames ?? [], may);
  return denied.length === 0 ? { request } : refused(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
});

type Described = ResponseOf<typeof consumerGroupDescribe>['groups'][number];

const toDescribe = accessRule(consumerGroupDescribe, function* (request, access) {
  const { allowed, denied } = yield* access.split(request.groupIds, (groupId) => access.may(DESCRIBE, GROUP, groupId));
  const { groups: refused } = respond(consumerGroupDescribe, {
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

/** A group with a topic that may not be seen is not shown at all: its members would tell of it. */
function visible(group: Described, access: Access, asksForOperations: boolean): Described {
  if (group.errorCode !== ErrorCode.NONE) return { ...group, authorizedOperations: OPERATIONS_NOT_ASKED };
  const assigned = group.members.flatMap(({ assignment, targetAssignment }) => [
    ...assignment.topicPartitions,
    ...targetAssignment.topicPartitions,
  ]);
  const names = [...new Set(assigned.map(({ topicName }) => topicName))];
  if (!names.every((name) => access.may(DESCRIBE, TOPIC, name))) {
    const { groups } = respond(consumerGroupDescribe, {
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

export const consumerGroupRules: readonly AccessRule[] = [toTakePart, toDescribe];
