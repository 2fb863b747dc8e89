import { defineApi } from '../api.ts';
import { array, int16, int32, int64, records, string, struct, uuid } from '../schema.ts';
import { currentLeader, nodeEndpoints } from './shared.ts';

/**
 * Record batches to append, at most one per partition. Versions 0-2 are advertised only because older librdkafka turns
 * compression off when it doesn't see them; a broker refuses them.
 */
export const produce = defineApi({
  key: 0,
  name: 'Produce',
  versions: [0, 13],
  flexibleFrom: 9,
  request: {
    transactionalId: string().since(3).nullable(),
    /** 0: no answer, 1: written, -1: durable. */
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string().until(12).ignorable(),
      topicId: uuid().since(13).ignorable(),
      partitionData: array({
        index: int32(),
        records: records().nullable(),
      }),
    }),
  },
  response: {
    responses: array({
      name: string().until(12).ignorable(),
      topicId: uuid().since(13).ignorable(),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64().since(2).default(-1).ignorable(),
        logStartOffset: int64().since(5).default(-1).ignorable(),
        recordErrors: array({
          batchIndex: int32(),
          batchIndexErrorMessage: string().nullable(),
        })
          .since(8)
          .ignorable(),
        errorMessage: string().since(8).nullable().ignorable(),
        currentLeader: struct(currentLeader).since(10).tagged(0).ignorable(),
      }),
    }),
    throttleTimeMs: int32().since(1).ignorable(),
    nodeEndpoints: array(nodeEndpoints).since(10).tagged(0).ignorable(),
  },
});
