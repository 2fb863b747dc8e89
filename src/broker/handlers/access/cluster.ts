// Access to the cluster as a whole, to configs, and to access itself.
import {
  AclOperation,
  AclResourceType,
  addRaftVoter,
  alterClientQuotas,
  alterConfigs,
  alterPartitionReassignments,
  alterReplicaLogDirs,
  alterUserScramCredentials,
  type AnyApi,
  apiVersions,
  createAcls,
  createDelegationToken,
  deleteAcls,
  describeAcls,
  describeClientQuotas,
  describeCluster,
  describeConfigs,
  describeDelegationToken,
  describeLogDirs,
  describeQuorum,
  describeUserScramCredentials,
  electLeaders,
  ErrorCode,
  expireDelegationToken,
  getTelemetrySubscriptions,
  incrementalAlterConfigs,
  listConfigResources,
  listPartitionReassignments,
  pushTelemetry,
  removeRaftVoter,
  renewDelegationToken,
  ResourceType,
  respond,
  saslAuthenticate,
  saslHandshake,
  unregisterBroker,
  updateFeatures,
  writeTxnMarkers,
} from '../../../protocol/index.ts';
import { type Access, accessRule, type AccessRule, ofCluster, open } from './access.ts';

const { ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS } = AclOperation;
const NO_CLUSTER: number = ErrorCode.CLUSTER_AUTHORIZATION_FAILED;
const refused = { errorCode: NO_CLUSTER, errorMessage: 'Cluster authorization failed.' };

// ── Configs ───────────────────────────────────────────────────────────────────────────────────────────────────────

interface Configured {
  readonly resourceType: number;
  readonly resourceName: string;
}

/** What a type of configs belongs to, for access rules; others belong to the cluster. */
const OWNERS: ReadonlyMap<number, { readonly type: number; readonly errorCode: number }> = new Map([
  [ResourceType.topic, { type: AclResourceType.TOPIC, errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED }],
  [ResourceType.group, { type: AclResourceType.GROUP, errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED }],
]);
const CONFIGURABLE: readonly number[] = Object.values(ResourceType);

function mayConfigure(access: Access, operation: number, { resourceType, resourceName }: Configured): boolean {
  // A type that there isn't is for the handler to refuse.
  if (!CONFIGURABLE.includes(resourceType)) return true;
  const owner = OWNERS.get(resourceType);
  return owner === undefined ? access.mayCluster(operation) : access.may(operation, owner.type, resourceName);
}

function notConfigured({ resourceType, resourceName }: Configured) {
  const errorCode = OWNERS.get(resourceType)?.errorCode ?? NO_CLUSTER;
  return { resourceType, resourceName, errorCode, errorMessage: null };
}

const toDescribeConfigs = accessRule(describeConfigs, function* (request, access) {
  const may = (resource: Configured): boolean => mayConfigure(access, DESCRIBE_CONFIGS, resource);
  const { allowed, denied } = yield* access.split(request.resources, may);
  if (denied.length === 0) return { request };
  return {
    request: { ...request, resources: allowed },
    finish(response) {
      const results = denied.map((resource) => ({ ...notConfigured(resource), configs: [] }));
      return { ...response, results: [...response.results, ...results] };
    },
  };
});

const toAlterConfigs = accessRule(alterConfigs, function* (request, access) {
  const may = (resource: Configured): boolean => mayConfigure(access, ALTER_CONFIGS, resource);
  const { allowed, denied } = yield* access.split(request.resources, may);
  if (denied.length === 0) return { request };
  return {
    request: { ...request, resources: allowed },
    finish(response) {
      return { ...response, responses: [...response.responses, ...denied.map(notConfigured)] };
    },
  };
});

const toAlterIncrementally = accessRule(incrementalAlterConfigs, function* (request, access) {
  const may = (resource: Configured): boolean => mayConfigure(access, ALTER_CONFIGS, resource);
  const { allowed, denied } = yield* access.split(request.resources, may);
  if (denied.length === 0) return { request };
  return {
    request: { ...request, resources: allowed },
    finish(response) {
      return { ...response, responses: [...response.responses, ...denied.map(notConfigured)] };
    },
  };
});

// ── Brokers, replicas, features ───────────────────────────────────────────────────────────────────────────────────

const toDescribeCluster = accessRule(describeCluster, (request, access) => {
  return {
    request,
    finish(response) {
      if (!request.includeClusterAuthorizedOperations) return response;
      return { ...response, clusterAuthorizedOperations: access.operationsOnCluster() };
    },
  };
});

const toWriteMarkers = accessRule(writeTxnMarkers, (request, access) => {
  if (access.mayClusterQuietly(ALTER) || access.mayCluster(CLUSTER_ACTION)) return { request };
  const markers = request.markers.map(({ producerId, topics }) => ({
    producerId,
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode: NO_CLUSTER })),
    })),
  }));
  return { answer: { markers } };
});

const toElectLeaders = ofCluster(electLeaders, ALTER, ({ topicPartitions }) =>
  respond(electLeaders, {
    errorCode: NO_CLUSTER,
    replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({ partitionId, errorCode: NO_CLUSTER })),
    })),
  }),
);

const toMoveReplicas = ofCluster(alterReplicaLogDirs, ALTER, ({ dirs }) =>
  respond(alterReplicaLogDirs, {
    results: dirs.flatMap(({ topics }) =>
      topics.map(({ name, partitions }) => ({
        topicName: name,
        partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode: NO_CLUSTER })),
      })),
    ),
  }),
);

const toReassign = ofCluster(alterPartitionReassignments, ALTER, ({ topics }) =>
  respond(alterPartitionReassignments, {
    ...refused,
    responses: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, ...refused })),
    })),
  }),
);

const toAlterScramUsers = ofCluster(alterUserScramCredentials, ALTER, ({ deletions, upsertions }) =>
  respond(alterUserScramCredentials, {
    results: [...new Set([...deletions, ...upsertions].map(({ name }) => name))].map((user) => ({ user, ...refused })),
  }),
);

export const clusterRules: readonly AccessRule[] = [
  // What is asked for before anybody knows who asks.
  ...([apiVersions, saslHandshake, saslAuthenticate, getTelemetrySubscriptions, pushTelemetry] as AnyApi[]).map(open),
  toDescribeConfigs,
  toAlterConfigs,
  toAlterIncrementally,
  ofCluster(listConfigResources, DESCRIBE_CONFIGS, () => respond(listConfigResources, { errorCode: NO_CLUSTER })),
  toDescribeCluster,
  ofCluster(describeLogDirs, DESCRIBE, () => respond(describeLogDirs, { errorCode: NO_CLUSTER })),
  toWriteMarkers,
  toElectLeaders,
  toMoveReplicas,
  toReassign,
  ofCluster(listPartitionReassignments, DESCRIBE, () => respond(listPartitionReassignments, refused)),
  ofCluster(describeQuorum, DESCRIBE, () => respond(describeQuorum, refused)),
  ofCluster(updateFeatures, ALTER, () => respond(updateFeatures, refused)),
  ofCluster(unregisterBroker, ALTER, () => respond(unregisterBroker, refused)),
  ofCluster(addRaftVoter, ALTER, () => respond(addRaftVoter, refused)),
  ofCluster(removeRaftVoter, ALTER, () => respond(removeRaftVoter, refused)),
  ofCluster(describeUserScramCredentials, DESCRIBE, () => respond(describeUserScramCredentials, refused)),
  ofCluster(describeClientQuotas, DESCRIBE_CONFIGS, () => respond(describeClientQuotas, { ...refused, entries: null })),
  ofCluster(alterClientQuotas, ALTER_CONFIGS, ({ entries }) =>
    respond(alterClientQuotas, { entries: entries.map(({ entity }) => ({ entity, ...refused })) }),
  ),
  toAlterScramUsers,
  ofCluster(describeAcls, DESCRIBE, () => respond(describeAcls, refused)),
  ofCluster(createAcls, ALTER, ({ creations }) => respond(createAcls, { results: creations.map(() => refused) })),
  ofCluster(deleteAcls, ALTER, ({ filters }) => respond(deleteAcls, { filterResults: filters.map(() => refused) })),
  // Nobody has any.
  ...([createDelegationToken, renewDelegationToken, expireDelegationToken, describeDelegationToken] as AnyApi[]).map(
    open,
  ),
];
