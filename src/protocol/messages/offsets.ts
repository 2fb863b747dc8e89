import { defineApi } from '../api.ts';
import { array, bool, int16, int32, int64, string, uuid } from '../schema.ts';

/** A group's progress: committed offsets. From version 10 on topics are named by their ids. */
export const offsetCommit = defineApi({
  key: 8,
  name: 'OffsetCommit',
  versions: [2, 10],
  flexibleFrom: 8,
  request: {
    groupId: string(),
    generationIdOrMemberEpoch: int32().since(1).default(-1).ignorable(),
    memberId: string().since(1).ignorable(),
    groupInstanceId: string().since(7).nullable(7),
    retentionTimeMs: int64().since(2).until(4).default(-1).ignorable(),
    topics: array({
      name: string().until(9).ignorable(),
      topicId: uuid().since(10).ignorable(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32().since(6).default(-1).ignorable(),
        committedMetadata: string().nullable(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32().since(3).ignorable(),
    topics: array({
      name: string().until(9).ignorable(),
      topicId: uuid().since(10).ignorable(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
});

/** Committed offsets of one group (up to version 7) or of several. `topics` null asks for all that were committed. */
export const offsetFetch = defineApi({
  key: 9,
  name: 'OffsetFetch',
  versions: [1, 10],
  flexibleFrom: 6,
  request: {
    groupId: string().until(7).ignorable(),
    topics: array({
      name: string(),
      partitionIndexes: array(int32()),
    })
      .until(7)
      .nullable(2)
      .ignorable(),
    groups: array({
      groupId: string(),
      memberId: string().since(9).nullable(9).ignorable(),
      memberEpoch: int32().since(9).default(-1).ignorable(),
      topics: array({
        name: string().until(9).ignorable(),
        topicId: uuid().since(10).ignorable(),
        partitionIndexes: array(int32()),
      }).nullable(8),
    }).since(8),
    requireStable: bool().since(7),
  },
  response: {
    throttleTimeMs: int32().since(3).ignorable(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32().since(5).default(-1).ignorable(),
        metadata: string().nullable(),
        errorCode: int16(),
      }),
    }).until(7),
    errorCode: int16().since(2).until(7).ignorable(),
    groups: array({
      groupId: string(),
      topics: array({
        name: string().until(9).ignorable(),
        topicId: uuid().since(10).ignorable(),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64(),
          committedLeaderEpoch: int32().default(-1).ignorable(),
          metadata: string().nullable(),
          errorCode: int16(),
        }),
      }),
      errorCode: int16(),
    }).since(8),
  },
});

/** Forgets committed offsets of partitions that no member subscribes to. */
export const offsetDelete = defineApi({
  key: 47,
  name: 'OffsetDelete',
  versions: [0, 0],
  request: {
    groupId: string(),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32() }),
    }),
  },
  response: {
    errorCode: int16(),
    throttleTimeMs: int32().ignorable(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
});
