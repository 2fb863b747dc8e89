// Access to share groups: members may read in the group, see the topics that they name, and read those that they fetch from; where a
// group is may be seen by whoever may see the group and its topics.
import {
  AclOperation,
  AclResourceType,
  alterShareGroupOffsets,
  deleteShareGroupOffsets,
  describeShareGroupOffsets,
  ErrorCode,
  OPERATIONS_NOT_ASKED,
  respond,
  type ResponseOf,
  shareAcknowledge,
  shareFetch,
  shareGroupDescribe,
  shareGroupHeartbeat,
} from '../../../protocol/index.ts';
import { type Access, accessRule, type AccessRule } from './access.ts';

const { READ, DESCRIBE, DELETE } = AclOperation;
const { TOPIC, GROUP } = AclResourceType;
const NOT_THE_GROUP = { errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED };
const NOT_THE_TOPIC = { errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED };

const toTakePart = accessRule(shareGroupHeartbeat, function* (request, access) {
  if (!access.may(READ, GROUP, request.groupId)) return { answer: respond(shareGroupHeartbeat, NOT_THE_GROUP) };
  const may = (name: string): boolean => access.may(DESCRIBE, TOPIC, name);
  const { denied } = yield* access.split(request.subscribedTopicNames ?? [], may);
  return denied.length === 0 ? { request } : { answer: respond(shareGroupHeartbeat, NOT_THE_TOPIC) };
});

/** Which partitions are read is a matter of the session: topics are looked at where they are fetched from. */
const toFetch = accessRule(shareFetch, (request, access) =>
  access.may(READ, GROUP, request.groupId ?? '') ? { request } : { answer: respond(shareFetch, NOT_THE_GROUP) },
);

const toAcknowledge = accessRule(shareAcknowledge, (request, access) =>
  access.may(READ, GROUP, request.groupId ?? '') ? { request } : { answer: respond(shareAcknowledge, NOT_THE_GROUP) },
);

type Described = ResponseOf<typeof shareGroupDescribe>['groups'][number];

const toDescribe = accessRule(shareGroupDescribe, function* (request, access) {
  const { allowed, denied } = yield* access.split(request.groupIds, (groupId) => access.may(DESCRIBE, GROUP, groupId));
  const { groups: refused } = respond(shareGroupDescribe, {
    groups: denied.map((groupId) => ({ groupId, ...NOT_THE_GROUP })),
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
  const assigned = group.members.flatMap(({ assignment }) => assignment.topicPartitions);
  const names = new Set(assigned.map(({ topicName }) => topicName));
  if (![...names].every((name) => access.may(DESCRIBE, TOPIC, name))) {
    const errorMessage = 'The group has described topic(s) that the client is not authorized to describe.';
    return respond(shareGroupDescribe, { groups: [{ groupId: group.groupId, ...NOT_THE_TOPIC, errorMessage }] })
      .groups[0]!;
  }
  return asksForOperations ? { ...group, authorizedOperations: access.operationsOn(GROUP, group.groupId) } : group;
}

const toSeeOffsets = accessRule(describeShareGroupOffsets, function* (request, access) {
  const { allowed, denied } = yield* access.split(request.groups, ({ groupId }) =>
    access.may(DESCRIBE, GROUP, groupId),
  );
  const { groups: refused } = respond(describeShareGroupOffsets, {
    groups: denied.map(({ groupId }) => ({ groupId, ...NOT_THE_GROUP })),
  });
  const asksForAll = new Set(allowed.filter(({ topics }) => topics === null).map(({ groupId }) => groupId));
  return {
    request: { ...request, groups: allowed },
    *finish(response) {
      const groups = yield* access.each(response.groups, (group) => ({
        ...group,
        topics: group.topics.flatMap((topic) => {
          // Of all topics those are left out that may not be seen; those that were named are refused.
          if (asksForAll.has(group.groupId)) return access.mayQuietly(DESCRIBE, TOPIC, topic.topicName) ? [topic] : [];
          if (access.may(DESCRIBE, TOPIC, topic.topicName)) return [topic];
          const partitions = topic.partitions.map((each) => ({ ...each, startOffset: -1, lag: -1, ...NOT_THE_TOPIC }));
          return [{ ...topic, partitions }];
        }),
      }));
      return { ...response, groups: [...groups, ...refused] };
    },
  };
});

const toAlterOffsets = accessRule(alterShareGroupOffsets, function* (request, access) {
  if (!access.may(READ, GROUP, request.groupId)) return { answer: respond(alterShareGroupOffsets, NOT_THE_GROUP) };
  const may = ({ topicName }: { readonly topicName: string }): boolean => access.may(READ, TOPIC, topicName);
  const { allowed, denied } = yield* access.split(request.topics, may);
  const { responses: refused } = respond(alterShareGroupOffsets, {
    responses: denied.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, ...NOT_THE_TOPIC })),
    })),
  });
  return {
    request: { ...request, topics: allowed },
    finish: (response) => ({ ...response, responses: [...response.responses, ...refused] }),
  };
});

const toDeleteOffsets = accessRule(deleteShareGroupOffsets, function* (request, access) {
  if (!access.may(DELETE, GROUP, request.groupId)) return { answer: respond(deleteShareGroupOffsets, NOT_THE_GROUP) };
  const may = ({ topicName }: { readonly topicName: string }): boolean => access.may(READ, TOPIC, topicName);
  const { allowed, denied } = yield* access.split(request.topics, may);
  const { responses: refused } = respond(deleteShareGroupOffsets, {
    responses: denied.map(({ topicName }) => ({ topicName, ...NOT_THE_TOPIC })),
  });
  return {
    request: { ...request, topics: allowed },
    finish: (response) => ({ ...response, responses: [...response.responses, ...refused] }),
  };
});

export const shareGroupRules: readonly AccessRule[] = [
  toTakePart,
  toFetch,
  toAcknowledge,
  toDescribe,
  toSeeOffsets,
  toAlterOffsets,
  toDeleteOffsets,
];
