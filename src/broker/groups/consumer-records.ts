// The records of groups in the consumer protocol, in Kafka's format (KIP-848; assignment epochs and time: its versions 4.2 and 4.3).
import {
  array,
  type ByteReader,
  bytes,
  int32,
  int64,
  int8,
  string,
  struct,
  uuid,
  type Value,
} from '../../protocol/index.ts';
import { RecordKind, type RecordLayout } from './record-kind.ts';

const topicPartitions = array({ topicId: uuid(), partitions: array(int32()) });
const ownedPartitions = array({
  topicId: uuid(),
  partitions: array(int32()),
  assignmentEpochs: array(int32()).nullable().tagged(0),
});
const ofGroup = { groupId: string() };
const ofMember = { groupId: string(), memberId: string() };

export const consumerGroupMetadata = new RecordKind(3, {
  key: ofGroup,
  value: { epoch: int32(), metadataHash: int64().tagged(0) },
});
/** No longer written by Kafka since 4.1, nor by us; a tombstone of it may still be found. */
export const consumerGroupPartitionMetadata = new RecordKind(4, {
  key: ofGroup,
  value: {
    topics: array({
      topicId: uuid(),
      topicName: string(),
      numPartitions: int32(),
      partitionMetadata: array({ partition: int32(), racks: array(string()) }),
    }),
  },
});
export const consumerGroupMemberMetadata = new RecordKind(5, {
  key: ofMember,
  value: {
    instanceId: string().nullable(),
    rackId: string().nullable(),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
    subscribedTopicRegex: string().nullable(),
    rebalanceTimeoutMs: int32().default(-1),
    serverAssignor: string().nullable(),
    classicMemberMetadata: struct({
      sessionTimeoutMs: int32(),
      supportedProtocols: array({ name: string(), metadata: bytes() }),
    })
      .nullable()
      .tagged(0),
  },
});
export const consumerGroupTargetAssignmentMetadata = new RecordKind(6, {
  key: ofGroup,
  value: { assignmentEpoch: int32(), assignmentTimestamp: int64().tagged(0) },
});
export const consumerGroupTargetAssignmentMember = new RecordKind(7, { key: ofMember, value: { topicPartitions } });
export const consumerGroupCurrentMemberAssignment = new RecordKind(8, {
  key: ofMember,
  value: {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: ownedPartitions,
    partitionsPendingRevocation: ownedPartitions,
  },
});
export const consumerGroupRegularExpression = new RecordKind(16, {
  key: { groupId: string(), regularExpression: string() },
  value: { topics: array(string()), version: int64(), timestamp: int64() },
});

const KINDS = [
  consumerGroupMetadata,
  consumerGroupPartitionMetadata,
  consumerGroupMemberMetadata,
  consumerGroupTargetAssignmentMetadata,
  consumerGroupTargetAssignmentMember,
  consumerGroupCurrentMemberAssignment,
  consumerGroupRegularExpression,
] as const;

/** By the number that keys begin with. */
export const CONSUMER_GROUP_LAYOUTS: Readonly<Record<number, RecordLayout>> = Object.fromEntries(
  KINDS.map((kind) => [kind.type, kind]),
);

export type StoredOwnership = Value<(typeof consumerGroupCurrentMemberAssignment)['value']>;
export type StoredDescription = Value<(typeof consumerGroupMemberMetadata)['value']>;

/** A consumer group as its records have it. */
export interface StoredConsumerGroup {
  epoch: number;
  metadataHash: number;
  assignmentEpoch: number;
  readonly members: Map<string, StoredDescription>;
  readonly targets: Map<string, Value<typeof topicPartitions>>;
  readonly owned: Map<string, StoredOwnership>;
}

/** Takes over one record; false for kinds that are not of consumer groups. Groups go with the tombstone of their metadata. */
export function replayConsumerRecord(
  groups: Map<string, StoredConsumerGroup>,
  type: number,
  key: ByteReader,
  value: Buffer | null,
): boolean {
  const kind = KINDS.find((each) => each.type === type);
  if (kind === undefined) return false;
  switch (kind) {
    case consumerGroupMetadata: {
      const { groupId } = kind.readKey(key);
      const read = value === null ? undefined : kind.readValue(value);
      if (read === undefined) groups.delete(groupId);
      else Object.assign(groupIn(groups, groupId), read);
      break;
    }
    case consumerGroupTargetAssignmentMetadata: {
      const { groupId } = kind.readKey(key);
      const read = value === null ? undefined : kind.readValue(value);
      if (read !== undefined) groupIn(groups, groupId).assignmentEpoch = read.assignmentEpoch;
      break;
    }
    case consumerGroupMemberMetadata:
      replayMember(groups, kind.readKey(key), value && kind.readValue(value), 'members');
      break;
    case consumerGroupTargetAssignmentMember: {
      const read = value === null ? undefined : kind.readValue(value);
      replayMember(groups, kind.readKey(key), read?.topicPartitions, 'targets');
      break;
    }
    case consumerGroupCurrentMemberAssignment:
      replayMember(groups, kind.readKey(key), value && kind.readValue(value), 'owned');
      break;
    // What patterns match is looked up anew.
    case consumerGroupRegularExpression:
    case consumerGroupPartitionMetadata:
      break;
  }
  return true;
}

function groupIn(groups: Map<string, StoredConsumerGroup>, id: string): StoredConsumerGroup {
  let group = groups.get(id);
  if (group === undefined) {
    group = { epoch: 0, metadataHash: 0, assignmentEpoch: 0, members: new Map(), targets: new Map(), owned: new Map() };
    groups.set(id, group);
  }
  return group;
}

function replayMember<P extends 'members' | 'targets' | 'owned'>(
  groups: Map<string, StoredConsumerGroup>,
  { groupId, memberId }: { readonly groupId: string; readonly memberId: string },
  value: (StoredConsumerGroup[P] extends Map<string, infer T> ? T : never) | null | undefined,
  part: P,
): void {
  // A tombstone may be all that compaction has left of a group.
  if (value === null || value === undefined) groups.get(groupId)?.[part].delete(memberId);
  else (groupIn(groups, groupId)[part] as Map<string, typeof value>).set(memberId, value);
}
