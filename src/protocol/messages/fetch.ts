import { defineApi } from '../api.ts';
import { array, int16, int32, int64, int8, records, string, struct, uuid } from '../schema.ts';
import { currentLeader, nodeEndpoints } from './shared.ts';

/** Reads whole record batches from several partitions, waiting until `minBytes` are there or `maxWaitMs` have passed. */
export const fetch = defineApi({
  key: 1,
  name: 'Fetch',
  versions: [4, 18],
  flexibleFrom: 12,
  request: {
    clusterId: string().since(12).nullable().tagged(0).ignorable(),
    replicaId: int32().until(14).default(-1),
    replicaState: struct({
      replicaId: int32().default(-1),
      replicaEpoch: int64().default(-1),
    })
      .since(15)
      .tagged(1),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32().since(3).default(0x7fffffff).ignorable(),
    /** 0: everything below the high watermark, 1: only what is committed. */
    isolationLevel: int8().since(4).ignorable(),
    sessionId: int32().since(7).ignorable(),
    sessionEpoch: int32().since(7).default(-1).ignorable(),
    topics: array({
      topic: string().until(12).ignorable(),
      topicId: uuid().since(13).ignorable(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32().since(9).default(-1).ignorable(),
        fetchOffset: int64(),
        lastFetchedEpoch: int32().since(12).default(-1),
        logStartOffset: int64().since(5).default(-1).ignorable(),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid().since(17).tagged(0).ignorable(),
        highWatermark: int64().since(18).default(Number.MAX_SAFE_INTEGER).tagged(1).ignorable(),
      }),
    }),
    forgottenTopicsData: array({
      topic: string().since(7).until(12).ignorable(),
      topicId: uuid().since(13).ignorable(),
      partitions: array(int32()),
    }).since(7),
    rackId: string().since(11).ignorable(),
  },
  response: {
    throttleTimeMs: int32().since(1).ignorable(),
    errorCode: int16().since(7).ignorable(),
    sessionId: int32().since(7),
    responses: array({
      topic: string().until(12).ignorable(),
      topicId: uuid().since(13).ignorable(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64().since(4).default(-1).ignorable(),
        logStartOffset: int64().since(5).default(-1).ignorable(),
        divergingEpoch: struct({
          epoch: int32().default(-1),
          endOffset: int64().default(-1),
        })
          .since(12)
          .tagged(0),
        currentLeader: struct(currentLeader).since(12).tagged(1).ignorable(),
        snapshotId: struct({
          endOffset: int64().default(-1),
          epoch: int32().default(-1),
        })
          .since(12)
          .tagged(2),
        abortedTransactions: array({
          producerId: int64(),
          firstOffset: int64(),
        })
          .since(4)
          .nullable(4)
          .ignorable(),
        preferredReadReplica: int32().since(11).default(-1).ignorable(),
        records: records().nullable(),
      }),
    }),
    nodeEndpoints: array(nodeEndpoints).since(16).tagged(0).ignorable(),
  },
});
