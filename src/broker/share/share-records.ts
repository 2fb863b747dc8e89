// The records of `__share_group_state`, in Kafka's format (KIP-932): now and then the whole of a partition's state, in between what of
// it has changed.
import { array, int16, int32, int64, int8, string, uuid, type Value } from '../../protocol/index.ts';
import { RecordKind, type RecordLayout } from '../groups/record-kind.ts';

const ofPartition = { groupId: string(), topicId: uuid(), partition: int32() };
const stateBatches = array({
  firstOffset: int64(),
  lastOffset: int64(),
  deliveryState: int8(),
  deliveryCount: int16(),
});

export const shareSnapshot = new RecordKind(0, {
  key: ofPartition,
  value: {
    snapshotEpoch: int32(),
    stateEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: int32().tagged(0).default(-1),
    createTimestamp: int64(),
    writeTimestamp: int64(),
    stateBatches,
  },
});
export const shareUpdate = new RecordKind(1, {
  key: ofPartition,
  value: {
    snapshotEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: int32().tagged(0).default(-1),
    stateBatches,
  },
});

export type ShareKey = Value<(typeof shareSnapshot)['key']>;
export type ShareSnapshot = Value<(typeof shareSnapshot)['value']>;
export type StateBatch = ShareSnapshot['stateBatches'][number];

/** By the number that keys begin with. */
export const SHARE_STATE_LAYOUTS: Readonly<Record<number, RecordLayout>> = {
  [shareSnapshot.type]: shareSnapshot,
  [shareUpdate.type]: shareUpdate,
};
