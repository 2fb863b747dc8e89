// Streams groups (KIP-1071): applications of Kafka Streams whose topology the broker knows and whose tasks it assigns.
import { defineApi } from '../api.ts';
import { array, bool, int16, int32, int64, int8, string, struct, uint16 } from '../schema.ts';
import { OPERATIONS_NOT_ASKED } from './shared.ts';

/** What keeps a group, or a member of it, from running. */
export const StreamsStatus = {
  staleTopology: 0,
  missingSourceTopics: 1,
  incorrectlyPartitionedTopics: 2,
  missingInternalTopics: 3,
  shutdownApplication: 4,
  assignmentDelayed: 5,
} as const;

/** Whether a description of the topology (KIP-1331) is in an answer. */
export const TopologyDescriptionStatus = { notRequested: 0, notStored: 1, error: 2, available: 3 } as const;

const keyValue = { key: string(), value: string() };
const endpoint = struct({ host: string(), port: uint16() });
const taskIds = array({ subtopologyId: string(), partitions: array(int32()) });
const taskOffsets = array({ subtopologyId: string(), partition: int32(), offset: int64() });
const topicInfos = array({
  name: string(),
  partitions: int32(),
  replicationFactor: int16(),
  topicConfigs: array(keyValue),
});
const topicPartitions = array({ topic: string(), partitions: array(int32()) });

/** Joins, stays in, and leaves; carries what has changed on either side. Version 1 asks for descriptions of topologies. */
export const streamsGroupHeartbeat = defineApi({
  key: 88,
  name: 'StreamsGroupHeartbeat',
  versions: [0, 1],
  flexibleFrom: 0,
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    endpointInformationEpoch: int32(),
    instanceId: string().nullable(),
    rackId: string().nullable(),
    rebalanceTimeoutMs: int32().default(-1),
    topology: struct({
      epoch: int32(),
      subtopologies: array({
        subtopologyId: string(),
        sourceTopics: array(string()),
        sourceTopicRegex: array(string()),
        stateChangelogTopics: topicInfos,
        repartitionSinkTopics: array(string()),
        repartitionSourceTopics: topicInfos,
        copartitionGroups: array({
          sourceTopics: array(int16()),
          sourceTopicRegex: array(int16()),
          repartitionSourceTopics: array(int16()),
        }),
      }),
    }).nullable(),
    activeTasks: taskIds.nullable(),
    standbyTasks: taskIds.nullable(),
    warmupTasks: taskIds.nullable(),
    processId: string().nullable(),
    userEndpoint: endpoint.nullable(),
    clientTags: array(keyValue).nullable(),
    taskOffsets: taskOffsets.nullable(),
    taskEndOffsets: taskOffsets.nullable(),
    shutdownApplication: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string().nullable(),
    memberId: string(),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    acceptableRecoveryLagLegacy: int32().until(0),
    taskOffsetIntervalMs: int32(),
    acceptableRecoveryLag: int64().since(1).default(-1).ignorable(),
    status: array({ statusCode: int8(), statusDetail: string() }).nullable(),
    activeTasks: taskIds.nullable(),
    standbyTasks: taskIds.nullable(),
    warmupTasks: taskIds.nullable(),
    topologyDescriptionRequired: bool().since(1).ignorable(),
    endpointInformationEpoch: int32(),
    partitionsByUserEndpoint: array({
      userEndpoint: endpoint,
      activePartitions: topicPartitions,
      standbyPartitions: topicPartitions,
    }).nullable(),
  },
});

const assignment = struct({ activeTasks: taskIds, standbyTasks: taskIds, warmupTasks: taskIds });
const node = {
  name: string(),
  nodeType: int8(),
  sourceTopics: array(string()),
  sinkTopic: string().nullable(),
  stores: array(string()),
  successors: array(string()),
};

export const streamsGroupDescribe = defineApi({
  key: 89,
  name: 'StreamsGroupDescribe',
  versions: [0, 1],
  flexibleFrom: 0,
  request: {
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
    includeTopologyDescription: bool().since(1),
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
      topology: struct({
        epoch: int32(),
        subtopologies: array({
          subtopologyId: string(),
          sourceTopics: array(string()),
          repartitionSinkTopics: array(string()),
          stateChangelogTopics: topicInfos,
          repartitionSourceTopics: topicInfos,
        }).nullable(),
      }).nullable(),
      members: array({
        memberId: string(),
        memberEpoch: int32(),
        instanceId: string().nullable(),
        rackId: string().nullable(),
        clientId: string(),
        clientHost: string(),
        topologyEpoch: int32(),
        processId: string(),
        userEndpoint: endpoint.nullable(),
        clientTags: array(keyValue),
        taskOffsets,
        taskEndOffsets: taskOffsets,
        assignment,
        targetAssignment: assignment,
        isClassic: bool(),
      }),
      authorizedOperations: int32().default(OPERATIONS_NOT_ASKED),
      topologyDescription: struct({
        subtopologies: array({ subtopologyId: string(), nodes: array(node) }),
        globalStores: array({ source: struct(node), processor: struct(node) }),
      })
        .since(1)
        .nullable(1),
      topologyDescriptionStatus: int8().since(1).default(TopologyDescriptionStatus.notRequested),
      assignorName: string().since(1).nullable(1).ignorable(),
    }),
  },
});
