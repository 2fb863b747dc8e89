import { defineApi } from '../api.ts';
import { array, int16, int32, int64, int8, string } from '../schema.ts';

/** Special timestamps of ListOffsets. */
export const LATEST_TIMESTAMP = -1;
export const EARLIEST_TIMESTAMP = -2;
export const MAX_TIMESTAMP = -3;
export const EARLIEST_LOCAL_TIMESTAMP = -4;
export const LATEST_TIERED_TIMESTAMP = -5;
export const EARLIEST_PENDING_UPLOAD_TIMESTAMP = -6;

/** The first offset whose record is at least as young as a timestamp, or one end of the log. */
export const listOffsets = defineApi({
  key: 2,
  name: 'ListOffsets',
  versions: [1, 11],
  flexibleFrom: 6,
  request: {
    replicaId: int32().default(-1),
    isolationLevel: int8().since(2).ignorable(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32().since(4).default(-1).ignorable(),
        timestamp: int64(),
      }),
    }),
    timeoutMs: int32().since(10).ignorable(),
  },
  response: {
    throttleTimeMs: int32().since(2).ignorable(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        timestamp: int64().default(-1),
        offset: int64().default(-1),
        leaderEpoch: int32().since(4).default(-1).ignorable(),
      }),
    }),
  },
});

/** Where the records of a leader epoch end: how a consumer finds out that its log was truncated. */
export const offsetForLeaderEpoch = defineApi({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: [2, 4],
  flexibleFrom: 4,
  request: {
    replicaId: int32().since(3).default(-2).ignorable(),
    topics: array({
      topic: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32().since(2).default(-1).ignorable(),
        leaderEpoch: int32(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32().since(2).ignorable(),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: int16(),
        partition: int32(),
        leaderEpoch: int32().since(1).default(-1).ignorable(),
        endOffset: int64().default(-1),
      }),
    }),
  },
});
