import { defineApi } from '../api.ts';
import { array, bool, int16, int32, int64, int8, string } from '../schema.ts';
import { OPERATIONS_NOT_ASKED } from './shared.ts';

export const describeCluster = defineApi({
  key: 60,
  name: 'DescribeCluster',
  versions: [0, 2],
  flexibleFrom: 0,
  request: {
    includeClusterAuthorizedOperations: bool(),
    endpointType: int8().since(1).default(1),
    includeFencedBrokers: bool().since(2),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string().nullable(),
    endpointType: int8().since(1).default(1),
    clusterId: string(),
    controllerId: int32().default(-1),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: string().nullable(),
      isFenced: bool().since(2).ignorable(),
    }),
    clusterAuthorizedOperations: int32().default(OPERATIONS_NOT_ASKED),
  },
});

export const describeLogDirs = defineApi({
  key: 35,
  name: 'DescribeLogDirs',
  versions: [1, 4],
  flexibleFrom: 2,
  request: {
    topics: array({
      topic: string(),
      partitions: array(int32()),
    }).nullable(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16().since(3).ignorable(),
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          partitionSize: int64(),
          offsetLag: int64(),
          isFutureKey: bool(),
        }),
      }),
      totalBytes: int64().since(4).default(-1).ignorable(),
      usableBytes: int64().since(4).default(-1).ignorable(),
    }),
  },
});
