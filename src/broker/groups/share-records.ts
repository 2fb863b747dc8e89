// The records of share groups in `__consumer_offsets`, in Kafka's format (KIP-932): membership as of consumer groups, and the topics
// whose partitions have a state in `__share_group_state`.
import { array, type ByteReader, int32, int64, int8, string, uuid, type Value } from '../../protocol/index.ts';
import { RecordKind, type RecordLayout } from './record-kind.ts';

const topicPartitions = array({ topicId: uuid(), partitions: array(int32()) });
const ofGroup = { groupId: string() };
const ofMember = { groupId: string(), memberId: string() };
const topicsWithPartitions = array({ topicId: uuid(), topicName: string(), partitions: array(int32()) });

export const shareGroupMemberMetadata = new RecordKind(10, {
  key: ofMember,
  value: {
    rackId: string().nullable(),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
  },
});
export const shareGroupMetadata = new RecordKind(11, {
  key: ofGroup,
  value: { epoch: int32(), metadataHash: int64() },
});
export const shareGroupTargetAssignmentMetadata = new RecordKind(12, {
  key: ofGroup,
  value: { assignmentEpoch: int32(), assignmentTimestamp: int64().tagged(0) },
});
export const shareGroupTargetAssignmentMember = new RecordKind(13, { key: ofMember, value: { topicPartitions } });
export const shareGroupCurrentMemberAssignment = new RecordKind(14, {
  key: ofMember,
  value: {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: topicPartitions,
  },
});
export const shareGroupStatePartitionMetadata = new RecordKind(15, {
  key: ofGroup,
  value: {
    initializingTopics: topicsWithPartitions,
    initializedTopics: topicsWithPartitions,
    deletingTopics: array({ topicId: uuid(), topicName: string() }),
  },
});

const KINDS = [
  shareGroupMemberMetadata,
  shareGroupMetadata,
  shareGroupTargetAssignmentMetadata,
  shareGroupTargetAssignmentMember,
  shareGroupCurrentMemberAssignment,
  shareGroupStatePartitionMetadata,
] as const;

/** By the number that keys begin with. */
export const SHARE_GROUP_LAYOUTS: Readonly<Record<number, RecordLayout>> = Object.fromEntries(
  KINDS.map((kind) => [kind.type, kind]),
);

export type ShareDescription = Value<(typeof shareGroupMemberMetadata)['value']>;
export type ShareTopics = Value<typeof topicsWithPartitions>;

/** A share group as its records have it. */
export interface StoredShareGroup {
  epoch: number;
  metadataHash: number;
  assignmentEpoch: number;
  topics: ShareTopics;
  readonly members: Map<string, ShareDescription>;
  readonly targets: Map<string, Value<typeof topicPartitions>>;
  readonly epochs: Map<string, { readonly epoch: number; readonly previousEpoch: number }>;
}

/** Takes over one record; false for kinds that are not of share groups. Groups go with the tombstone of their metadata. */
export function replayShareRecord(
  groups: Map<string, StoredShareGroup>,
  type: number,
  from: ByteReader,
  bytes: Buffer | null,
): boolean {
  const kind = KINDS.find((each) => each.type === type);
  if (kind === undefined) return false;
  const key = kind.readKey(from) as { readonly groupId: string; readonly memberId?: string };
  const { groupId, memberId = '' } = key;
  if (bytes === null) {
    const group = groups.get(groupId);
    if (kind === shareGroupMetadata) groups.delete(groupId);
    else if (kind === shareGroupMemberMetadata) group?.members.delete(memberId);
    else if (kind === shareGroupTargetAssignmentMember) group?.targets.delete(memberId);
    else if (kind === shareGroupCurrentMemberAssignment) group?.epochs.delete(memberId);
    else if (kind === shareGroupStatePartitionMetadata && group !== undefined) group.topics = [];
    return true;
  }
  const group = groupIn(groups, groupId);
  switch (kind) {
    case shareGroupMetadata:
    case shareGroupTargetAssignmentMetadata:
      Object.assign(group, kind.readValue(bytes));
      break;
    case shareGroupMemberMetadata: {
      const description = kind.readValue(bytes);
      if (description !== undefined) group.members.set(memberId, description);
      break;
    }
    case shareGroupTargetAssignmentMember:
      group.targets.set(memberId, kind.readValue(bytes)?.topicPartitions ?? []);
      break;
    case shareGroupCurrentMemberAssignment: {
      const read = kind.readValue(bytes);
      if (read === undefined) break;
      group.epochs.set(memberId, { epoch: read.memberEpoch, previousEpoch: read.previousMemberEpoch });
      break;
    }
    case shareGroupStatePartitionMetadata: {
      const read = kind.readValue(bytes);
      // What was being initialized by another broker has no state yet: here it gets one when it is first read.
      if (read !== undefined) group.topics = [...read.initializedTopics, ...read.initializingTopics];
      break;
    }
  }
  return true;
}

function groupIn(groups: Map<string, StoredShareGroup>, id: string): StoredShareGroup {
  let group = groups.get(id);
  if (group === undefined) {
    group = {
      epoch: 0,
      metadataHash: 0,
      assignmentEpoch: 0,
      topics: [],
      members: new Map(),
      targets: new Map(),
      epochs: new Map(),
    };
    groups.set(id, group);
  }
  return group;
}
