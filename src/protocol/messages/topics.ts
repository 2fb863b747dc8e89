import { defineApi } from '../api.ts';
import { array, bool, int16, int32, int64, int8, string, uuid } from '../schema.ts';

/** Creates topics. -1 partitions or replicas ask for the broker's default. */
export const createTopics = defineApi({
  key: 19,
  name: 'CreateTopics',
  versions: [2, 7],
  flexibleFrom: 5,
  request: {
    topics: array({
      name: string(),
      numPartitions: int32().default(-1),
      replicationFactor: int16().default(-1),
      assignments: array({
        partitionIndex: int32(),
        brokerIds: array(int32()),
      }),
      configs: array({
        name: string(),
        value: string().nullable(),
      }),
    }),
    timeoutMs: int32().default(60000),
    validateOnly: bool().since(1),
  },
  response: {
    throttleTimeMs: int32().since(2).ignorable(),
    topics: array({
      name: string(),
      topicId: uuid().since(7).ignorable(),
      errorCode: int16(),
      errorMessage: string().since(1).nullable().ignorable(),
      topicConfigErrorCode: int16().since(5).tagged(0).ignorable(),
      numPartitions: int32().since(5).default(-1).ignorable(),
      replicationFactor: int16().since(5).default(-1).ignorable(),
      configs: array({
        name: string(),
        value: string().nullable(),
        readOnly: bool(),
        configSource: int8().default(-1).ignorable(),
        isSensitive: bool(),
      })
        .since(5)
        .nullable(5)
        .ignorable(),
    }),
  },
});

/** Deletes topics by name, or by id from version 6 on. */
export const deleteTopics = defineApi({
  key: 20,
  name: 'DeleteTopics',
  versions: [1, 6],
  flexibleFrom: 4,
  request: {
    topics: array({
      name: string().nullable(6),
      topicId: uuid(),
    }).since(6),
    topicNames: array(string()).until(5).ignorable(),
    timeoutMs: int32().default(60000),
  },
  response: {
    throttleTimeMs: int32().since(1).ignorable(),
    responses: array({
      name: string().nullable(6),
      topicId: uuid().since(6).ignorable(),
      errorCode: int16(),
      errorMessage: string().since(5).nullable(5).ignorable(),
    }),
  },
});

/** Gives up records below an offset; -1 is the high watermark. */
export const deleteRecords = defineApi({
  key: 21,
  name: 'DeleteRecords',
  versions: [0, 2],
  flexibleFrom: 2,
  request: {
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        offset: int64(),
      }),
    }),
    timeoutMs: int32().default(60000),
  },
  response: {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        lowWatermark: int64(),
        errorCode: int16(),
      }),
    }),
  },
});

/** Raises the number of partitions of topics. */
export const createPartitions = defineApi({
  key: 37,
  name: 'CreatePartitions',
  versions: [0, 3],
  flexibleFrom: 2,
  request: {
    topics: array({
      name: string(),
      count: int32(),
      assignments: array({ brokerIds: array(int32()) }).nullable(),
    }),
    timeoutMs: int32().default(60000),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      name: string(),
      errorCode: int16(),
      errorMessage: string().nullable(),
    }),
  },
});
