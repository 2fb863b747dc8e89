// The records of streams groups in `__consumer_offsets`, in Kafka's format (KIP-1071): membership, the topology, and tasks by role.
import {
  array,
  type ByteReader,
  int16,
  int32,
  int64,
  int8,
  string,
  struct,
  uint16,
  type Value,
} from '../../protocol/index.ts';
import { RecordKind, type RecordLayout } from './record-kind.ts';

const ofGroup = { groupId: string() };
const ofMember = { groupId: string(), memberId: string() };
const keyValue = { key: string(), value: string() };
const tasks = array({ subtopologyId: string(), partitions: array(int32()) });
const ownedTasks = array({
  subtopologyId: string(),
  partitions: array(int32()),
  assignmentEpochs: array(int32()).tagged(0).nullable(),
});
const topicInfos = array({
  name: string(),
  partitions: int32(),
  replicationFactor: int16(),
  topicConfigs: array(keyValue),
});

export const streamsGroupMetadata = new RecordKind(17, {
  key: ofGroup,
  value: {
    epoch: int32(),
    metadataHash: int64(),
    validatedTopologyEpoch: int32().tagged(0).default(-1),
    lastAssignmentConfigs: array(keyValue).tagged(1).nullable(),
    storedDescriptionTopologyEpoch: int32().tagged(2).default(-1),
    failedDescriptionTopologyEpoch: int32().tagged(3).default(-1),
  },
});
export const streamsGroupMemberMetadata = new RecordKind(19, {
  key: ofMember,
  value: {
    instanceId: string().nullable(),
    rackId: string().nullable(),
    clientId: string(),
    clientHost: string(),
    rebalanceTimeoutMs: int32().default(-1),
    topologyEpoch: int32(),
    processId: string(),
    userEndpoint: struct({ host: string(), port: uint16() }).nullable(),
    clientTags: array(keyValue),
  },
});
export const streamsGroupTargetAssignmentMetadata = new RecordKind(20, {
  key: ofGroup,
  value: { assignmentEpoch: int32(), assignmentTimestamp: int64().tagged(0) },
});
export const streamsGroupTargetAssignmentMember = new RecordKind(21, {
  key: ofMember,
  value: { activeTasks: tasks, standbyTasks: tasks, warmupTasks: tasks },
});
export const streamsGroupCurrentMemberAssignment = new RecordKind(22, {
  key: ofMember,
  value: {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    activeTasks: ownedTasks,
    standbyTasks: ownedTasks,
    warmupTasks: ownedTasks,
    activeTasksPendingRevocation: ownedTasks,
    standbyTasksPendingRevocation: ownedTasks,
    warmupTasksPendingRevocation: ownedTasks,
  },
});
export const streamsGroupTopology = new RecordKind(23, {
  key: ofGroup,
  value: {
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
  },
});

const KINDS = [
  streamsGroupMetadata,
  streamsGroupMemberMetadata,
  streamsGroupTargetAssignmentMetadata,
  streamsGroupTargetAssignmentMember,
  streamsGroupCurrentMemberAssignment,
  streamsGroupTopology,
] as const;

/** By the number that keys begin with. */
export const STREAMS_GROUP_LAYOUTS: Readonly<Record<number, RecordLayout>> = Object.fromEntries(
  KINDS.map((kind) => [kind.type, kind]),
);

export type StreamsDescription = Value<(typeof streamsGroupMemberMetadata)['value']>;
export type StreamsTopology = Value<(typeof streamsGroupTopology)['value']>;
export type StoredTasks = Value<(typeof streamsGroupTargetAssignmentMember)['value']>;
export type StoredTaskOwnership = Value<(typeof streamsGroupCurrentMemberAssignment)['value']>;

/** A streams group as its records have it. */
export interface StoredStreamsGroup {
  epoch: number;
  metadataHash: number;
  assignmentEpoch: number;
  topology: StreamsTopology | undefined;
  readonly members: Map<string, StreamsDescription>;
  readonly targets: Map<string, StoredTasks>;
  readonly owned: Map<string, StoredTaskOwnership>;
}

/** Takes over one record; false for kinds that are not of streams groups. Groups go with the tombstone of their metadata. */
export function replayStreamsRecord(
  groups: Map<string, StoredStreamsGroup>,
  type: number,
  from: ByteReader,
  bytes: Buffer | null,
): boolean {
  const kind = KINDS.find((each) => each.type === type);
  if (kind === undefined) return false;
  const { groupId, memberId = '' } = kind.readKey(from) as { readonly groupId: string; readonly memberId?: string };
  if (bytes === null) {
    const group = groups.get(groupId);
    if (kind === streamsGroupMetadata) groups.delete(groupId);
    else if (kind === streamsGroupMemberMetadata) group?.members.delete(memberId);
    else if (kind === streamsGroupTargetAssignmentMember) group?.targets.delete(memberId);
    else if (kind === streamsGroupCurrentMemberAssignment) group?.owned.delete(memberId);
    else if (kind === streamsGroupTopology && group !== undefined) group.topology = undefined;
    return true;
  }
  const group = groupIn(groups, groupId);
  switch (kind) {
    case streamsGroupMetadata:
    case streamsGroupTargetAssignmentMetadata:
      Object.assign(group, kind.readValue(bytes));
      break;
    case streamsGroupMemberMetadata:
      put(group.members, memberId, kind.readValue(bytes));
      break;
    case streamsGroupTargetAssignmentMember:
      put(group.targets, memberId, kind.readValue(bytes));
      break;
    case streamsGroupCurrentMemberAssignment:
      put(group.owned, memberId, kind.readValue(bytes));
      break;
    case streamsGroupTopology:
      group.topology = kind.readValue(bytes);
      break;
  }
  return true;
}

/** What is of a version that is not known is passed over. */
function put<T>(into: Map<string, T>, key: string, value: T | undefined): void {
  if (value !== undefined) into.set(key, value);
}

function groupIn(groups: Map<string, StoredStreamsGroup>, id: string): StoredStreamsGroup {
  let group = groups.get(id);
  if (group === undefined) {
    group = {
      epoch: 0,
      metadataHash: 0,
      assignmentEpoch: 0,
      topology: undefined,
      members: new Map(),
      targets: new Map(),
      owned: new Map(),
    };
    groups.set(id, group);
  }
  return group;
}
