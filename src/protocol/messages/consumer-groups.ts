// Groups in the consumer protocol (KIP-848): the broker assigns, and members learn it from heartbeats.
import { defineApi } from '../api.ts';
import { array, bool, int16, int32, int8, string, struct, uuid } from '../schema.ts';
import { OPERATIONS_NOT_ASKED } from './shared.ts';

/** Epochs that mean something other than how far a member has come. */
export const MemberEpoch = {
  /** Joins, or joins again. */
  join: 0,
  /** Leaves for good. */
  leave: -1,
  /** A static member goes, and means to come back. */
  leaveForNow: -2,
} as const;

const topicPartitions = { topicId: uuid(), partitions: array(int32()) };

/** Joins, stays in, and leaves; carries what has changed on either side. From version 1 on members choose their ids themselves. */
export const consumerGroupHeartbeat = defineApi({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  versions: [0, 1],
  flexibleFrom: 0,
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    instanceId: string().nullable(),
    rackId: string().nullable(),
    rebalanceTimeoutMs: int32().default(-1),
    subscribedTopicNames: array(string()).nullable(),
    subscribedTopicRegex: string().since(1).nullable(1),
    serverAssignor: string().nullable(),
    topicPartitions: array(topicPartitions).nullable(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string().nullable(),
    memberId: string().nullable(),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    assignment: struct({ topicPartitions: array(topicPartitions) }).nullable(),
  },
});

const describedAssignment = struct({
  topicPartitions: array({ topicId: uuid(), topicName: string(), partitions: array(int32()) }),
});

/** Whether a member of a consumer group speaks the consumer protocol itself. */
export const MemberType = { unknown: -1, classic: 0, consumer: 1 } as const;

export const consumerGroupDescribe = defineApi({
  key: 69,
  name: 'ConsumerGroupDescribe',
  versions: [0, 1],
  flexibleFrom: 0,
  request: {
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    groups: array({
      errorCode: int16(),
      errorMessage: string().nullable(),
      groupId: string(),
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      assignorName: string(),
      members: array({
        memberId: string(),
        instanceId: string().nullable(),
        rackId: string().nullable(),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        subscribedTopicRegex: string().nullable(),
        assignment: describedAssignment,
        targetAssignment: describedAssignment,
        memberType: int8().since(1).default(MemberType.unknown).ignorable(),
      }),
      authorizedOperations: int32().default(OPERATIONS_NOT_ASKED),
    }),
  },
});
