// Every API that is declared.
export {
  AclOperation,
  AclPatternType,
  AclPermission,
  AclResourceType,
  createAcls,
  deleteAcls,
  describeAcls,
} from './acls.ts';
export { apiVersions } from './api-versions.ts';
export { describeCluster, describeLogDirs } from './cluster.ts';
export {
  alterConfigs,
  ConfigOperation,
  ConfigSource,
  ConfigType,
  describeConfigs,
  incrementalAlterConfigs,
  listConfigResources,
  ResourceType,
} from './configs.ts';
export { consumerGroupDescribe, consumerGroupHeartbeat, MemberEpoch, MemberType } from './consumer-groups.ts';
export { FeatureUpgradeType, updateFeatures } from './features.ts';
export {
  createDelegationToken,
  describeDelegationToken,
  expireDelegationToken,
  renewDelegationToken,
} from './delegation-tokens.ts';
export { fetch } from './fetch.ts';
export {
  CoordinatorType,
  deleteGroups,
  describeGroups,
  findCoordinator,
  heartbeat,
  joinGroup,
  leaveGroup,
  listGroups,
  syncGroup,
} from './groups.ts';
export {
  EARLIEST_LOCAL_TIMESTAMP,
  EARLIEST_PENDING_UPLOAD_TIMESTAMP,
  EARLIEST_TIMESTAMP,
  LATEST_TIERED_TIMESTAMP,
  LATEST_TIMESTAMP,
  listOffsets,
  MAX_TIMESTAMP,
  offsetForLeaderEpoch,
} from './list-offsets.ts';
export { describeTopicPartitions, metadata } from './metadata.ts';
export { offsetCommit, offsetDelete, offsetFetch } from './offsets.ts';
export { produce } from './produce.ts';
export { alterClientQuotas, describeClientQuotas, QuotaMatchType } from './quotas.ts';
export { addRaftVoter, describeQuorum, removeRaftVoter, unregisterBroker } from './quorum.ts';
export {
  alterPartitionReassignments,
  alterReplicaLogDirs,
  electLeaders,
  ElectionType,
  listPartitionReassignments,
} from './replicas.ts';
export { saslAuthenticate, saslHandshake } from './sasl.ts';
export { alterUserScramCredentials, describeUserScramCredentials, ScramMechanismType } from './scram.ts';
export { AcknowledgeType, shareAcknowledge, ShareAcquireMode, shareFetch } from './share-fetch.ts';
export {
  alterShareGroupOffsets,
  deleteShareGroupOffsets,
  describeShareGroupOffsets,
  shareGroupDescribe,
  shareGroupHeartbeat,
} from './share-groups.ts';
export { OPERATIONS_NOT_ASKED } from './shared.ts';
export { getTelemetrySubscriptions, pushTelemetry } from './telemetry.ts';
export {
  streamsGroupDescribe,
  streamsGroupHeartbeat,
  StreamsStatus,
  TopologyDescriptionStatus,
} from './streams-groups.ts';
export { createPartitions, createTopics, deleteRecords, deleteTopics } from './topics.ts';
export {
  addOffsetsToTxn,
  addPartitionsToTxn,
  describeProducers,
  describeTransactions,
  endTxn,
  initProducerId,
  listTransactions,
  txnOffsetCommit,
  writeTxnMarkers,
} from './transactions.ts';
