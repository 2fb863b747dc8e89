// The registry of what the broker answers. ApiVersions is derived from it: an API is offered when it has a handler.
import { handleApiVersions } from './api-versions.ts';
import { handleDescribeCluster, handleDescribeLogDirs } from './cluster.ts';
import {
  handleAlterConfigs,
  handleDescribeConfigs,
  handleIncrementalAlterConfigs,
  handleListConfigResources,
} from './configs.ts';
import { handleUpdateFeatures } from './features.ts';
import { handleConsumerGroupDescribe, handleConsumerGroupHeartbeat } from './consumer-groups.ts';
import { handleFetch } from './fetch.ts';
import {
  handleDeleteGroups,
  handleDescribeGroups,
  handleFindCoordinator,
  handleHeartbeat,
  handleJoinGroup,
  handleLeaveGroup,
  handleListGroups,
  handleSyncGroup,
} from './groups.ts';
import type { Handler } from './handler.ts';
import { handleListOffsets, handleOffsetForLeaderEpoch } from './list-offsets.ts';
import { handleDescribeTopicPartitions, handleMetadata } from './metadata.ts';
import { handleOffsetCommit, handleOffsetDelete, handleOffsetFetch } from './offsets.ts';
import { handleProduce } from './produce.ts';
import { handleAddRaftVoter, handleDescribeQuorum, handleRemoveRaftVoter, handleUnregisterBroker } from './quorum.ts';
import {
  handleAlterPartitionReassignments,
  handleAlterReplicaLogDirs,
  handleElectLeaders,
  handleListPartitionReassignments,
} from './replicas.ts';
import { handleSaslAuthenticate, handleSaslHandshake } from './sasl.ts';
import { handleAlterUserScramCredentials, handleDescribeUserScramCredentials } from './scram.ts';
import { handleCreatePartitions, handleCreateTopics, handleDeleteRecords, handleDeleteTopics } from './topics.ts';
import { handleShareAcknowledge, handleShareFetch } from './share-fetch.ts';
import {
  handleAlterShareGroupOffsets,
  handleDeleteShareGroupOffsets,
  handleDescribeShareGroupOffsets,
  handleShareGroupDescribe,
  handleShareGroupHeartbeat,
} from './share-groups.ts';
import {
  handleAddOffsetsToTxn,
  handleAddPartitionsToTxn,
  handleDescribeProducers,
  handleDescribeTransactions,
  handleEndTxn,
  handleInitProducerId,
  handleListTransactions,
  handleTxnOffsetCommit,
  handleWriteTxnMarkers,
} from './transactions.ts';

export const handlers: readonly Handler[] = [
  handleProduce,
  handleFetch,
  handleListOffsets,
  handleMetadata,
  handleOffsetCommit,
  handleOffsetFetch,
  handleFindCoordinator,
  handleJoinGroup,
  handleHeartbeat,
  handleLeaveGroup,
  handleSyncGroup,
  handleDescribeGroups,
  handleListGroups,
  handleSaslHandshake,
  handleApiVersions(() => handlers),
  handleCreateTopics,
  handleDeleteTopics,
  handleDeleteRecords,
  handleInitProducerId,
  handleOffsetForLeaderEpoch,
  handleAddPartitionsToTxn,
  handleAddOffsetsToTxn,
  handleEndTxn,
  handleTxnOffsetCommit,
  handleDescribeConfigs,
  handleAlterConfigs,
  handleDescribeLogDirs,
  handleSaslAuthenticate,
  handleCreatePartitions,
  handleDeleteGroups,
  handleIncrementalAlterConfigs,
  handleListConfigResources,
  handleOffsetDelete,
  handleDescribeUserScramCredentials,
  handleAlterUserScramCredentials,
  handleDescribeCluster,
  handleDescribeProducers,
  handleDescribeTransactions,
  handleListTransactions,
  handleConsumerGroupHeartbeat,
  handleConsumerGroupDescribe,
  handleShareGroupHeartbeat,
  handleShareGroupDescribe,
  handleShareFetch,
  handleShareAcknowledge,
  handleDescribeShareGroupOffsets,
  handleAlterShareGroupOffsets,
  handleDeleteShareGroupOffsets,
  handleDescribeTopicPartitions,
  handleWriteTxnMarkers,
  handleAlterReplicaLogDirs,
  handleElectLeaders,
  handleAlterPartitionReassignments,
  handleListPartitionReassignments,
  handleDescribeQuorum,
  handleUpdateFeatures,
  handleUnregisterBroker,
  handleAddRaftVoter,
  handleRemoveRaftVoter,
];

const byKey = new Map(handlers.map((handler) => [handler.api.key, handler]));

export function handlerOf(apiKey: number): Handler | undefined {
  return byKey.get(apiKey);
}
