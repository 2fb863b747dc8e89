// Access to share groups (KIP-932): members may read in the group and from the topics that they name.
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
const { GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED } = ErrorCode;

/** By its id; one that nothing has is for the handler to say. */
function mayRead({ topicId }: { readonly topicId: string }, access: Access): boolean {
  const topic = access.context.core.topics.byId(topicId);
  return topic === undefined || access.may(READ, TOPIC, topic.name);
}

const toTakePart = accessRule(shareGroupHeartbeat, function* (request, access) {
  const refused = (errorCode: number) => ({ answer: respond(shareGroupHeartbeat, { errorCode }) });
  if (!access.may(READ, GROUP, request.groupId)) return refused(GROUP_AUTHORIZATION_FAILED);
  const may = (name: string): boolean => access.may(DESCRIBE, TOPIC, name);
  const { denied } = yield* access.split(request.subscribedTopicNames ?? [], may);
  return denied.length === 0 ? { request } : refused(TOPIC_AUTHORIZATION_FAILED);
});

type Described = ResponseOf<typeof shareGroupDescribe>['groups'][number];

const toDescribe = accessRule(shareGroupDescribe, function* (request, access) {
  const { allowed, denied } = yield* access.split(request.groupIds, (groupId) => access.may(DESCRIBE, GROUP, groupId));
  const { groups: refused } = respond(shareGroupDescribe, {
    groups: denied.map((groupId) => ({ groupId, errorCode: GROUP_AUTHORIZATION_FAILED })),
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
  const names = [...new Set(assigned.map(({ topicName }) => topicName))];
  if (!names.every((name) => access.may(DESCRIBE, TOPIC, name))) {
    const { groupId } = group;
    return respond(shareGroupDescribe, { groups: [{ groupId, errorCode: TOPIC_AUTHORIZATION_FAILED }] }).groups[0]!;
  }
  return asksForOperations ? { ...group, authorizedOperations: access.operationsOn(GROUP, group.groupId) } : group;
}

type Fetched = ResponseOf<typeof shareFetch>['responses'][number];

/** What a session follows may have been forbidden since: it is looked at when it is answered. */
const toFetch = accessRule(shareFetch, function* (request, access) {
  if (!access.may(READ, GROUP, request.groupId ?? '')) {
    return { answer: respond(shareFetch, { errorCode: GROUP_AUTHORIZATION_FAILED }) };
  }
  const { allowed, denied } = yield* access.split(request.topics, (topic) => mayRead(topic, access));
  const { responses: refused } = respond(shareFetch, {
    responses: denied.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: TOPIC_AUTHORIZATION_FAILED })),
    })),
  });
  return {
    request: { ...request, topics: allowed },
    *finish(response) {
      const responses = yield* access.each(response.responses, (topic) =>
        mayRead(topic, access) ? topic : withoutRecords(topic),
      );
      return { ...response, responses: [...responses, ...refused] };
    },
  };
});

function withoutRecords({ topicId, partitions }: Fetched): Fetched {
  const denied = partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: TOPIC_AUTHORIZATION_FAILED }));
  return respond(shareFetch, { responses: [{ topicId, partitions: denied }] }).responses[0]!;
}

const toAcknowledge = accessRule(shareAcknowledge, function* (request, access) {
  if (!access.may(READ, GROUP, request.groupId ?? '')) {
    return { answer: respond(shareAcknowledge, { errorCode: GROUP_AUTHORIZATION_FAILED }) };
  }
  const { allowed, denied } = yield* access.split(request.topics, (topic) => mayRead(topic, access));
  const { responses: refused } = respond(shareAcknowledge, {
    responses: denied.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: TOPIC_AUTHORIZATION_FAILED })),
    })),
  });
  return {
    request: { ...request, topics: allowed },
    finish: (response) => ({ ...response, responses: [...response.responses, ...refused] }),
  };
});

const toDescribeOffsets = accessRule(describeShareGroupOffsets, function* (request, access) {
  const may = ({ groupId }: { readonly groupId: string }): boolean => access.may(DESCRIBE, GROUP, groupId);
  const { allowed, denied } = yield* access.split(request.groups, may);
  const mayTopic = ({ topicName }: { readonly topicName: string }): boolean => access.may(DESCRIBE, TOPIC, topicName);
  const groups = [];
  const hidden = new Map<string, readonly { readonly topicName: string; readonly partitions: readonly number[] }[]>();
  for (const group of allowed) {
    if (group.topics === null) groups.push(group);
    else {
      const split = yield* access.split(group.topics, mayTopic);
      hidden.set(group.groupId, split.denied);
      groups.push({ ...group, topics: split.allowed });
    }
  }
  return {
    request: { ...request, groups },
    *finish(response) {
      const seen = [];
      for (const group of response.groups) {
        // Where all are asked for, those that may not be seen are left out.
        const topics = yield* access.only(group.topics, ({ topicName }) =>
          access.mayQuietly(DESCRIBE, TOPIC, topicName),
        );
        const refused = (hidden.get(group.groupId) ?? []).map(({ topicName, partitions }) => ({
          topicName,
          partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode: TOPIC_AUTHORIZATION_FAILED })),
        }));
        const told = respond(describeShareGroupOffsets, { groups: [{ topics: refused }] }).groups[0]!.topics;
        seen.push({ ...group, topics: [...topics, ...told] });
      }
      const groupsDenied = denied.map(({ groupId }) => ({ groupId, errorCode: GROUP_AUTHORIZATION_FAILED }));
      const { groups: refused } = respond(describeShareGroupOffsets, { groups: groupsDenied });
      return { ...response, groups: [...seen, ...refused] };
    },
  };
});

const toAlterOffsets = accessRule(alterShareGroupOffsets, function* (request, access) {
  if (!access.may(READ, GROUP, request.groupId)) {
    return { answer: respond(alterShareGroupOffsets, { errorCode: GROUP_AUTHORIZATION_FAILED }) };
  }
  const may = ({ topicName }: { readonly topicName: string }): boolean => access.may(READ, TOPIC, topicName);
  const { allowed, denied } = yield* access.split(request.topics, may);
  const { responses: refused } = respond(alterShareGroupOffsets, {
    responses: denied.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: TOPIC_AUTHORIZATION_FAILED })),
    })),
  });
  return {
    request: { ...request, topics: allowed },
    finish: (response) => ({ ...response, responses: [...response.responses, ...refused] }),
  };
});

const toDeleteOffsets = accessRule(deleteShareGroupOffsets, function* (request, access) {
  if (!access.may(DELETE, GROUP, request.groupId)) {
    return { answer: respond(deleteShareGroupOffsets, { errorCode: GROUP_AUTHORIZATION_FAILED }) };
  }
  const may = ({ topicName }: { readonly topicName: string }): boolean => access.may(READ, TOPIC, topicName);
  const { allowed, denied } = yield* access.split(request.topics, may);
  const { responses: refused } = respond(deleteShareGroupOffsets, {
    responses: denied.map(({ topicName }) => ({ topicName, errorCode: TOPIC_AUTHORIZATION_FAILED })),
  });
  return {
    request: { ...request, topics: allowed },
    finish: (response) => ({ ...response, responses: [...response.responses, ...refused] }),
  };
});

export const shareGroupRules: readonly AccessRule[] = [
  toTakePart,
  toDescribe,
  toFetch,
  toAcknowledge,
  toDescribeOffsets,
  toAlterOffsets,
  toDeleteOffsets,
];
