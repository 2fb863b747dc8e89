// Records of share groups (KIP-932): acquired for a time, and acknowledged one by one or by ranges.
import { defineApi } from '../api.ts';
import { array, bool, int16, int32, int64, int8, records, string, struct, uuid } from '../schema.ts';

/** What becomes of a record that was acquired. A gap is an offset at which there is none; renewing begins its time anew (KIP-1222). */
export const AcknowledgeType = { gap: 0, accept: 1, release: 2, reject: 3, renew: 4 } as const;
/** Whether whole batches are acquired, or exactly as many records as are wanted (KIP-1206). */
export const ShareAcquireMode = { batchOptimized: 0, recordLimit: 1 } as const;

/** Types for all offsets of a batch in their order, or one for all. */
const acknowledgementBatches = array({
  firstOffset: int64(),
  lastOffset: int64(),
  acknowledgeTypes: array(int8()),
});
const currentLeader = struct({ leaderId: int32(), leaderEpoch: int32() });
const nodeEndpoints = array({ nodeId: int32(), host: string(), port: int32(), rack: string().nullable() });

/** In a session: epoch 0 opens it, -1 closes it, others count up. Carries acknowledgements along. */
export const shareFetch = defineApi({
  key: 78,
  name: 'ShareFetch',
  versions: [1, 2],
  flexibleFrom: 0,
  request: {
    groupId: string().nullable(),
    memberId: string().nullable(),
    shareSessionEpoch: int32(),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32().default(0x7fffffff),
    maxRecords: int32().since(1),
    batchSize: int32().since(1),
    shareAcquireMode: int8().since(2).ignorable(),
    isRenewAck: bool().since(2),
    topics: array({
      topicId: uuid(),
      partitions: array({ partitionIndex: int32(), acknowledgementBatches }),
    }),
    forgottenTopicsData: array({ topicId: uuid(), partitions: array(int32()) }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string().nullable(),
    acquisitionLockTimeoutMs: int32().since(1),
    responses: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string().nullable(),
        acknowledgeErrorCode: int16(),
        acknowledgeErrorMessage: string().nullable(),
        currentLeader,
        records: records(),
        acquiredRecords: array({ firstOffset: int64(), lastOffset: int64(), deliveryCount: int16() }),
      }),
    }),
    nodeEndpoints,
  },
});

export const shareAcknowledge = defineApi({
  key: 79,
  name: 'ShareAcknowledge',
  versions: [1, 2],
  flexibleFrom: 0,
  request: {
    groupId: string().nullable(),
    memberId: string().nullable(),
    shareSessionEpoch: int32(),
    isRenewAck: bool().since(2),
    topics: array({
      topicId: uuid(),
      partitions: array({ partitionIndex: int32(), acknowledgementBatches }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string().nullable(),
    acquisitionLockTimeoutMs: int32().since(2).ignorable(),
    responses: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string().nullable(),
        currentLeader,
      }),
    }),
    nodeEndpoints,
  },
});
