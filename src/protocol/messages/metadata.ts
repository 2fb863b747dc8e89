import { defineApi } from '../api.ts';
import { array, bool, int16, int32, string, struct, uuid } from '../schema.ts';
import { OPERATIONS_NOT_ASKED } from './shared.ts';

/** Brokers, topics and who leads their partitions. `topics` null asks for all of them; in version 0 an empty list does. */
export const metadata = defineApi({
  key: 3,
  name: 'Metadata',
  versions: [0, 13],
  flexibleFrom: 9,
  request: {
    topics: array({
      topicId: uuid().since(10).ignorable(),
      name: string().nullable(10),
    }).nullable(1),
    allowAutoTopicCreation: bool().since(4).default(true).ignorable(),
    includeClusterAuthorizedOperations: bool().since(8).until(10),
    includeTopicAuthorizedOperations: bool().since(8),
  },
  response: {
    throttleTimeMs: int32().since(3).ignorable(),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string().since(1).nullable(1).ignorable(),
    }),
    clusterId: string().since(2).nullable(2).ignorable(),
    controllerId: int32().since(1).default(-1).ignorable(),
    topics: array({
      errorCode: int16(),
      name: string().nullable(12),
      topicId: uuid().since(10).ignorable(),
      isInternal: bool().since(1).ignorable(),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32().since(7).default(-1).ignorable(),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        offlineReplicas: array(int32()).since(5).ignorable(),
      }),
      topicAuthorizedOperations: int32().since(8).default(OPERATIONS_NOT_ASKED),
    }),
    clusterAuthorizedOperations: int32().since(8).until(10).default(OPERATIONS_NOT_ASKED),
    errorCode: int16().since(13).ignorable(),
  },
});

/** Topics page by page, for admin tools with many partitions. */
export const describeTopicPartitions = defineApi({
  key: 75,
  name: 'DescribeTopicPartitions',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    topics: array({ name: string() }),
    responsePartitionLimit: int32().default(2000),
    cursor: cursor(),
  },
  response: {
    throttleTimeMs: int32().ignorable(),
    topics: array({
      errorCode: int16(),
      name: string().nullable(),
      topicId: uuid().ignorable(),
      isInternal: bool().ignorable(),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32().default(-1).ignorable(),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        eligibleLeaderReplicas: array(int32()).nullable(),
        lastKnownElr: array(int32()).nullable(),
        offlineReplicas: array(int32()).ignorable(),
      }),
      topicAuthorizedOperations: int32().default(OPERATIONS_NOT_ASKED),
    }),
    nextCursor: cursor(),
  },
});

function cursor() {
  return struct({ topicName: string(), partitionIndex: int32() }).nullable();
}
