// The registry of what the broker answers. ApiVersions is derived from it: an API is offered when it has a handler.
import { withAccess } from './access/rules.ts';
import { handleCreateAcls, handleDeleteAcls, handleDescribeAcls } from './acls.ts';
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
import {
  handleCreateDelegationToken,
  handleDescribeDelegationToken,
  handleExpireDelegationToken,
  handleRenewDelegationToken,
} from './delegation-tokens.ts';
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
import { withMutationQuota } from './mutation-quota.ts';
import { handleProduce } from './produce.ts';
import { handleAlterClientQuotas, handleDescribeClientQuotas } from './quotas.ts';
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
import { handleGetTelemetrySubscriptions, handlePushTelemetry } from './telemetry.ts';
import { handleStreamsGroupDescribe, handleStreamsGroupHeartbeat } from './streams-groups.ts';
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

const all: readonly Handler[] = [
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
  handleApiVersions(() => all),
  handleCreateTopics,
  handleDeleteTopics,
  handleDeleteRecords,
  handleInitProducerId,
  handleOffsetForLeaderEpoch,
  handleAddPartitionsToTxn,
  handleAddOffsetsToTxn,
  handleEndTxn,
  handleTxnOffsetCommit,
  handleDescribeAcls,
  handleCreateAcls,
  handleDeleteAcls,
  handleDescribeConfigs,
  handleAlterConfigs,
  handleDescribeLogDirs,
  handleSaslAuthenticate,
  handleCreatePartitions,
  handleCreateDelegationToken,
  handleRenewDelegationToken,
  handleExpireDelegationToken,
  handleDescribeDelegationToken,
  handleDeleteGroups,
  handleIncrementalAlterConfigs,
  handleListConfigResources,
  handleOffsetDelete,
  handleDescribeClientQuotas,
  handleAlterClientQuotas,
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
  handleGetTelemetrySubscriptions,
  handlePushTelemetry,
  handleStreamsGroupHeartbeat,
  handleStreamsGroupDescribe,
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

/** Each behind its access rule, and what a client may have it change. */
export const handlers: readonly Handler[] = all.map((handler) => withAccess(withMutationQuota(handler)));

const byKey = new Map(handlers.map((handler) => [handler.api.key, handler]));

export function handlerOf(apiKey: number): Handler | undefined {
  return byKey.get(apiKey);
}
