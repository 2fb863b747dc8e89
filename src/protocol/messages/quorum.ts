// Who votes for the cluster's metadata, and brokers that are taken out of it.
import { defineApi } from '../api.ts';
import { array, bool, int16, int32, int64, string, uint16, uuid } from '../schema.ts';

const replicaState = {
  replicaId: int32(),
  replicaDirectoryId: uuid().since(2),
  logEndOffset: int64(),
  lastFetchTimestamp: int64().since(1).default(-1).ignorable(),
  lastCaughtUpTimestamp: int64().since(1).default(-1).ignorable(),
};
const listener = { name: string(), host: string(), port: uint16() };

export const describeQuorum = defineApi({
  key: 55,
  name: 'DescribeQuorum',
  versions: [0, 2],
  flexibleFrom: 0,
  request: {
    topics: array({
      topicName: string(),
      partitions: array({ partitionIndex: int32() }),
    }),
  },
  response: {
    errorCode: int16(),
    errorMessage: string().since(2).nullable().ignorable(),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string().since(2).nullable().ignorable(),
        leaderId: int32(),
        leaderEpoch: int32(),
        highWatermark: int64(),
        currentVoters: array(replicaState),
        observers: array(replicaState),
      }),
    }),
    nodes: array({ nodeId: int32(), listeners: array(listener) }).since(2),
  },
});

const refusable = {
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: string().nullable().ignorable(),
};

/** Adds a controller to those that vote (KIP-853). */
export const addRaftVoter = defineApi({
  key: 80,
  name: 'AddRaftVoter',
  versions: [0, 1],
  flexibleFrom: 0,
  request: {
    clusterId: string().nullable(),
    timeoutMs: int32(),
    voterId: int32(),
    voterDirectoryId: uuid(),
    listeners: array(listener),
    ackWhenCommitted: bool().since(1).default(true),
  },
  response: refusable,
});

export const removeRaftVoter = defineApi({
  key: 81,
  name: 'RemoveRaftVoter',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    clusterId: string().nullable(),
    voterId: int32(),
    voterDirectoryId: uuid(),
  },
  response: refusable,
});

/** Takes a broker that is gone out of the cluster. */
export const unregisterBroker = defineApi({
  key: 64,
  name: 'UnregisterBroker',
  versions: [0, 0],
  flexibleFrom: 0,
  request: { brokerId: int32() },
  response: refusable,
});
