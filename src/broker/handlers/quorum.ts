/**
 * DescribeQuorum, AddRaftVoter, RemoveRaftVoter, UnregisterBroker: who decides about the cluster's metadata. It is this one node,
 * which keeps them in files (metadata/cluster-metadata.ts) and not in a log that others follow.
 *
 * * DescribeQuorum 0: of `__cluster_metadata`-0 this node is the leader and the only voter; offsets count its changes. 1: times.
 *   2: the directory's id, and nodes: without endpoints, as there are no separate controllers.
 * * Voters can't be added or removed: UNSUPPORTED_VERSION, as Kafka answers without a dynamic quorum. No other broker is
 *   registered (BROKER_ID_NOT_REGISTERED); this one can't be taken out (INVALID_REQUEST).
 */
import {
  addRaftVoter,
  describeQuorum,
  ErrorCode,
  removeRaftVoter,
  type ResponseOf,
  unregisterBroker,
} from '../../protocol/index.ts';
import type { Core } from '../core.ts';
import { on } from './handler.ts';

type QuorumPartition = ResponseOf<typeof describeQuorum>['topics'][number]['partitions'][number];

const METADATA_TOPIC = '__cluster_metadata';
/** The one node was never elected by others. */
const LEADER_EPOCH = 1;

export const handleDescribeQuorum = on(describeQuorum, ({ topics }, { core }) => {
  const described = topics.map(({ topicName, partitions }) => ({
    topicName,
    partitions: partitions.map(({ partitionIndex }) =>
      topicName === METADATA_TOPIC && partitionIndex === 0 ? quorum(core) : notHere(partitionIndex),
    ),
  }));
  const isHere = described.some(({ partitions }) => partitions.some(({ errorCode }) => errorCode === ErrorCode.NONE));
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: '',
    topics: described,
    nodes: isHere ? [{ nodeId: core.settings['node.id'], listeners: [] }] : [],
  };
});

function quorum(core: Core): QuorumPartition {
  const nodeId = core.settings['node.id'];
  const now = core.environment.now();
  const { changes } = core.metadata;
  const replicaDirectoryId = core.directoryId;
  const voter = { replicaId: nodeId, replicaDirectoryId, logEndOffset: changes };
  return {
    partitionIndex: 0,
    errorCode: ErrorCode.NONE,
    errorMessage: '',
    leaderId: nodeId,
    leaderEpoch: LEADER_EPOCH,
    highWatermark: changes,
    currentVoters: [{ ...voter, lastFetchTimestamp: now, lastCaughtUpTimestamp: now }],
    observers: [],
  };
}

function notHere(partitionIndex: number): QuorumPartition {
  return {
    partitionIndex,
    errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    errorMessage: 'This server does not host this topic-partition.',
    leaderId: 0,
    leaderEpoch: 0,
    highWatermark: 0,
    currentVoters: [],
    observers: [],
  };
}

export const handleAddRaftVoter = on(addRaftVoter, ({ clusterId }, { core }) => fixedQuorum(core, clusterId, 'adding'));

export const handleRemoveRaftVoter = on(removeRaftVoter, ({ clusterId }, { core }) =>
  fixedQuorum(core, clusterId, 'removing'),
);

function fixedQuorum(core: Core, clusterId: string | null, what: string) {
  if (clusterId !== null && clusterId !== core.clusterId) {
    const message = `The given id "${clusterId}" doesn't match the cluster id "${core.clusterId}"`;
    return refused(ErrorCode.INCONSISTENT_CLUSTER_ID, message);
  }
  const message = `Cluster doesn't support ${what} voter because it is one node, which has no quorum to vote in`;
  return refused(ErrorCode.UNSUPPORTED_VERSION, message);
}

export const handleUnregisterBroker = on(unregisterBroker, ({ brokerId }, { core }) =>
  brokerId === core.settings['node.id']
    ? refused(ErrorCode.INVALID_REQUEST, `Broker ID ${brokerId} is the only one, and it is running`)
    : refused(ErrorCode.BROKER_ID_NOT_REGISTERED, `Broker ID ${brokerId} is not currently registered`),
);

function refused(errorCode: number, errorMessage: string) {
  return { throttleTimeMs: 0, errorCode, errorMessage };
}
