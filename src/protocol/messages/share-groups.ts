// Share groups (KIP-932): membership, and where a group is in its partitions. Versions before 1 were never stable.
import { defineApi } from '../api.ts';
import { array, bool, int16, int32, int64, string, struct, uuid } from '../schema.ts';
import { OPERATIONS_NOT_ASKED } from './shared.ts';

/** Joins (epoch 0), stays in, and leaves (-1); several members may be given the same partition. */
export const shareGroupHeartbeat = defineApi({
  key: 76,
  name: 'ShareGroupHeartbeat',
  versions: [1, 1],
  flexibleFrom: 0,
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    rackId: string().nullable(),
    subscribedTopicNames: array(string()).nullable(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string().nullable(),
    memberId: string().nullable(),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    assignment: struct({ topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }) }).nullable(),
  },
});

export const shareGroupDescribe = defineApi({
  key: 77,
  name: 'ShareGroupDescribe',
  versions: [1, 1],
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
        rackId: string().nullable(),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        assignment: struct({
          topicPartitions: array({ topicId: uuid(), topicName: string(), partitions: array(int32()) }),
        }),
      }),
      authorizedOperations: int32().default(OPERATIONS_NOT_ASKED),
    }),
  },
});

/** Up to where all records are done with; `topics` null asks for all partitions. 1: how many are not (KIP-1226). */
export const describeShareGroupOffsets = defineApi({
  key: 90,
  name: 'DescribeShareGroupOffsets',
  versions: [0, 1],
  flexibleFrom: 0,
  request: {
    groups: array({
      groupId: string(),
      topics: array({ topicName: string(), partitions: array(int32()) }).nullable(),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    groups: array({
      groupId: string(),
      topics: array({
        topicName: string(),
        topicId: uuid(),
        partitions: array({
          partitionIndex: int32(),
          startOffset: int64(),
          leaderEpoch: int32(),
          lag: int64().since(1).default(-1).ignorable(),
          errorCode: int16(),
          errorMessage: string().nullable(),
        }),
      }),
      errorCode: int16(),
      errorMessage: string().nullable(),
    }),
  },
});

/** Has a group without members begin elsewhere. */
export const alterShareGroupOffsets = defineApi({
  key: 91,
  name: 'AlterShareGroupOffsets',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    groupId: string(),
    topics: array({
      topicName: string(),
      partitions: array({ partitionIndex: int32(), startOffset: int64() }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string().nullable(),
    responses: array({
      topicName: string(),
      topicId: uuid(),
      partitions: array({ partitionIndex: int32(), errorCode: int16(), errorMessage: string().nullable() }),
    }),
  },
});

/** Has a group without members forget that it has ever read some topics. */
export const deleteShareGroupOffsets = defineApi({
  key: 92,
  name: 'DeleteShareGroupOffsets',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    groupId: string(),
    topics: array({ topicName: string() }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string().nullable(),
    responses: array({
      topicName: string(),
      topicId: uuid(),
      errorCode: int16(),
      errorMessage: string().nullable(),
    }),
  },
});
