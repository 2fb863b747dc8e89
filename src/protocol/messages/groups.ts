import { defineApi } from '../api.ts';
import { array, bool, bytes, int16, int32, int8, string } from '../schema.ts';
import { OPERATIONS_NOT_ASKED } from './shared.ts';

/** What FindCoordinator's keys name. */
export const CoordinatorType = { group: 0, transaction: 1, share: 2 } as const;

/** Which broker coordinates a group or a transactional id; several at once from version 4 on. */
export const findCoordinator = defineApi({
  key: 10,
  name: 'FindCoordinator',
  versions: [0, 6],
  flexibleFrom: 3,
  request: {
    key: string().until(3).ignorable(),
    keyType: int8().since(1),
    coordinatorKeys: array(string()).since(4),
  },
  response: {
    throttleTimeMs: int32().since(1).ignorable(),
    errorCode: int16().until(3).ignorable(),
    errorMessage: string().since(1).until(3).nullable(1).ignorable(),
    nodeId: int32().until(3).ignorable(),
    host: string().until(3).ignorable(),
    port: int32().until(3).ignorable(),
    coordinators: array({
      key: string(),
      nodeId: int32(),
      host: string(),
      port: int32(),
      errorCode: int16(),
      errorMessage: string().nullable().ignorable(),
    }).since(4),
  },
});

/** Enters a classic group; answered when the whole group has joined. The leader is told all members. */
export const joinGroup = defineApi({
  key: 11,
  name: 'JoinGroup',
  versions: [0, 9],
  flexibleFrom: 6,
  request: {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32().since(1).default(-1).ignorable(),
    memberId: string(),
    groupInstanceId: string().since(5).nullable(5),
    protocolType: string(),
    protocols: array({
      name: string(),
      metadata: bytes(),
    }),
    reason: string().since(8).nullable(8).ignorable(),
  },
  response: {
    throttleTimeMs: int32().since(2).ignorable(),
    errorCode: int16(),
    generationId: int32().default(-1),
    protocolType: string().since(7).nullable(7).ignorable(),
    protocolName: string().nullable(7),
    leader: string(),
    skipAssignment: bool().since(9),
    memberId: string(),
    members: array({
      memberId: string(),
      groupInstanceId: string().since(5).nullable(5).ignorable(),
      metadata: bytes(),
    }),
  },
});

export const heartbeat = defineApi({
  key: 12,
  name: 'Heartbeat',
  versions: [0, 4],
  flexibleFrom: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string().since(3).nullable(3),
  },
  response: {
    throttleTimeMs: int32().since(1).ignorable(),
    errorCode: int16(),
  },
});

/** Leaves a group: oneself (up to version 2) or several members. */
export const leaveGroup = defineApi({
  key: 13,
  name: 'LeaveGroup',
  versions: [0, 5],
  flexibleFrom: 4,
  request: {
    groupId: string(),
    memberId: string().until(2).ignorable(),
    members: array({
      memberId: string(),
      groupInstanceId: string().nullable(),
      reason: string().since(5).nullable(5).ignorable(),
    }).since(3),
  },
  response: {
    throttleTimeMs: int32().since(1).ignorable(),
    errorCode: int16(),
    members: array({
      memberId: string(),
      groupInstanceId: string().nullable(),
      errorCode: int16(),
    })
      .since(3)
      .ignorable(),
  },
});

/** Fetches one's assignment; the leader brings everybody's along. */
export const syncGroup = defineApi({
  key: 14,
  name: 'SyncGroup',
  versions: [0, 5],
  flexibleFrom: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string().since(3).nullable(3),
    protocolType: string().since(5).nullable(5).ignorable(),
    protocolName: string().since(5).nullable(5).ignorable(),
    assignments: array({
      memberId: string(),
      assignment: bytes(),
    }),
  },
  response: {
    throttleTimeMs: int32().since(1).ignorable(),
    errorCode: int16(),
    protocolType: string().since(5).nullable(5).ignorable(),
    protocolName: string().since(5).nullable(5).ignorable(),
    assignment: bytes(),
  },
});

export const describeGroups = defineApi({
  key: 15,
  name: 'DescribeGroups',
  versions: [0, 6],
  flexibleFrom: 5,
  request: {
    groups: array(string()),
    includeAuthorizedOperations: bool().since(3),
  },
  response: {
    throttleTimeMs: int32().since(1).ignorable(),
    groups: array({
      errorCode: int16(),
      errorMessage: string().since(6).nullable(6).ignorable(),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: string().since(4).nullable(4).ignorable(),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32().since(3).default(OPERATIONS_NOT_ASKED),
    }),
  },
});

export const listGroups = defineApi({
  key: 16,
  name: 'ListGroups',
  versions: [0, 5],
  flexibleFrom: 3,
  request: {
    statesFilter: array(string()).since(4),
    typesFilter: array(string()).since(5),
  },
  response: {
    throttleTimeMs: int32().since(1).ignorable(),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string().since(4).ignorable(),
      groupType: string().since(5).ignorable(),
    }),
  },
});

export const deleteGroups = defineApi({
  key: 42,
  name: 'DeleteGroups',
  versions: [0, 2],
  flexibleFrom: 2,
  request: {
    groupsNames: array(string()),
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      groupId: string(),
      errorCode: int16(),
    }),
  },
});
