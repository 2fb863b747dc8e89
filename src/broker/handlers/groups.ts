/**
 * Groups in the classic protocol: FindCoordinator, JoinGroup, SyncGroup, Heartbeat, LeaveGroup, and what administrators ask.
 *
 * * FindCoordinator 0: of groups; 1: of transactions; 4: of several. It is always this broker.
 * * JoinGroup 4: a member gets its id before it may join (MEMBER_ID_REQUIRED, KIP-394). 5: static members (KIP-345). 9: a leader
 *   may be told to leave the assignment as it is (KIP-814). The session's time-out lies between
 *   `group.min.session.timeout.ms` and `group.max.session.timeout.ms`. What happens in a group: groups/classic-group.ts.
 * * LeaveGroup 3: several members at once. DescribeGroups 6: GROUP_ID_NOT_FOUND where it was an empty group before.
 *   ListGroups 4 and 5: by state and type, all types. DeleteGroups: empty ones only.
 *
 * Groups in the consumer protocol are in consumer-groups.ts; classic members may be in them too, and groups may change their protocol.
 *
 * Not done: coordinators of other types are refused with INVALID_REQUEST.
 */
import {
  CoordinatorType,
  deleteGroups,
  describeGroups,
  ErrorCode,
  findCoordinator,
  heartbeat,
  joinGroup,
  leaveGroup,
  listGroups,
  type ResponseOf,
  syncGroup,
} from '../../protocol/index.ts';
import { authorizedOperations } from '../authorized-operations.ts';
import { ClassicGroup } from '../groups/classic-group.ts';
import type { GroupMember } from '../groups/group-member.ts';
import {
  type JoinResult,
  type MemberProtocol,
  refusedJoin,
  refusedSync,
  type SyncResult,
} from '../groups/group-requests.ts';
import { ENTRY_BYTES, textBytes } from '../memory-size.ts';
import { Pace } from '../../util/index.ts';
import { inStepsOn, on } from './handler.ts';
import { isStorableId } from './storable-id.ts';

const NO_BYTES = Buffer.alloc(0);

/** This broker coordinates everything there is to coordinate. */
export const handleFindCoordinator = on(findCoordinator, (request, { core, version, endpoint }) => {
  const isKnown = request.keyType === CoordinatorType.group || request.keyType === CoordinatorType.transaction;
  const errorCode = isKnown ? ErrorCode.NONE : ErrorCode.INVALID_REQUEST;
  const errorMessage = isKnown ? null : `Coordinators of type ${request.keyType} are not supported.`;
  const node = isKnown
    ? { nodeId: core.settings['node.id'], host: endpoint.host, port: endpoint.port }
    : { nodeId: -1, host: '', port: -1 };
  const keys = version >= 4 ? request.coordinatorKeys : [];
  return {
    throttleTimeMs: 0,
    ...(version < 4 ? { errorCode, errorMessage, ...node } : NOT_ASKED),
    coordinators: keys.map((key) => ({ key, ...node, errorCode, errorMessage })),
  };
});

const NOT_ASKED = { errorCode: ErrorCode.NONE, errorMessage: null, nodeId: 0, host: '', port: 0 };

export const handleJoinGroup = on(joinGroup, (request, { core, version, clientId, clientHost, joined }) => {
  const { settings, groups } = core;
  const { groupId, memberId, sessionTimeoutMs } = request;
  const refuse = (errorCode: number) => joinResponse(refusedJoin(errorCode, memberId), version);
  if (!isStorableId(groupId)) return refuse(ErrorCode.INVALID_GROUP_ID);
  const isInRange =
    sessionTimeoutMs >= settings['group.min.session.timeout.ms'] &&
    sessionTimeoutMs <= settings['group.max.session.timeout.ms'];
  if (!isInRange) return refuse(ErrorCode.INVALID_SESSION_TIMEOUT);
  if (memberId !== '' && groups.get(groupId) === undefined) return refuse(ErrorCode.UNKNOWN_MEMBER_ID);
  if (!core.coordinatorMemory.admits(bytesOfJoin(request, clientId))) return refuse(ErrorCode.GROUP_MAX_SIZE_REACHED);
  // A static member is one that comes back.
  if (memberId !== '' && request.groupInstanceId === null) joined?.set(memberId, groupId);
  return new Promise<ResponseOf<typeof joinGroup>>((resolve) => {
    groups.join(
      groupId,
      {
        memberId,
        instanceId: request.groupInstanceId,
        clientId,
        clientHost,
        sessionTimeoutMs,
        rebalanceTimeoutMs: request.rebalanceTimeoutMs < 0 ? sessionTimeoutMs : request.rebalanceTimeoutMs,
        protocolType: request.protocolType,
        protocols: request.protocols,
        requiresKnownMemberId: version >= 4,
        supportsSkippingAssignment: version >= 9,
      },
      (result) => resolve(joinResponse(result, version)),
    );
  });
});

/** About what a member takes, and the group that it may be the first of. */
function bytesOfJoin(
  { groupId, protocols }: { readonly groupId: string; readonly protocols: readonly MemberProtocol[] },
  clientId: string,
): number {
  const offered = protocols.reduce((sum, { name, metadata }) => sum + textBytes(name) + metadata.length, 0);
  return 2 * ENTRY_BYTES + textBytes(groupId) + 2 * textBytes(clientId) + offered;
}

function joinResponse(result: JoinResult, version: number): ResponseOf<typeof joinGroup> {
  // A failed join has none; before version 7 it can't be null.
  const protocolName = result.protocolName || (version < 7 ? '' : null);
  return { throttleTimeMs: 0, ...result, protocolName };
}

export const handleSyncGroup = on(syncGroup, (request, { core, version }) => {
  const isNamed = request.protocolType !== null && request.protocolName !== null;
  if (version >= 5 && !isNamed) return syncResponse(refusedSync(ErrorCode.INCONSISTENT_GROUP_PROTOCOL));
  if (!isStorableId(request.groupId)) return syncResponse(refusedSync(ErrorCode.INVALID_GROUP_ID));
  const { memberId, generationId, protocolType, protocolName, assignments } = request;
  const bytes = assignments.reduce((sum, { assignment }) => sum + assignment.length, 0);
  if (!core.coordinatorMemory.admits(bytes)) return syncResponse(refusedSync(ErrorCode.GROUP_MAX_SIZE_REACHED));
  return new Promise<ResponseOf<typeof syncGroup>>((resolve) => {
    const instanceId = request.groupInstanceId;
    const synced = { memberId, instanceId, generationId, protocolType, protocolName, assignments };
    core.groups.sync(request.groupId, synced, (result) => resolve(syncResponse(result)));
  });
});

function syncResponse(result: SyncResult): ResponseOf<typeof syncGroup> {
  return { throttleTimeMs: 0, ...result };
}

export const handleHeartbeat = on(heartbeat, (request, { core }) => {
  const { groupId, memberId, groupInstanceId, generationId } = request;
  const errorCode = isStorableId(groupId)
    ? core.groups.heartbeat(groupId, memberId, groupInstanceId, generationId)
    : ErrorCode.INVALID_GROUP_ID;
  return { throttleTimeMs: 0, errorCode };
});

export const handleLeaveGroup = on(leaveGroup, (request, { core, version, joined }) => {
  const { groupId } = request;
  if (!isStorableId(groupId)) return { throttleTimeMs: 0, errorCode: ErrorCode.INVALID_GROUP_ID, members: [] };
  const leaving = version < 3 ? [{ memberId: request.memberId, groupInstanceId: null }] : request.members;
  for (const { memberId } of leaving) joined?.delete(memberId);
  return new Promise<ResponseOf<typeof leaveGroup>>((resolve) => {
    const members = leaving.map(({ memberId, groupInstanceId: instanceId }) => ({ memberId, instanceId }));
    core.groups.leave(groupId, members, (errorCodes) => {
      if (version < 3) return resolve({ throttleTimeMs: 0, errorCode: errorCodes[0]!, members: [] });
      const answers = leaving.map(({ memberId, groupInstanceId }, i) => ({
        memberId,
        groupInstanceId,
        errorCode: errorCodes[i]!,
      }));
      resolve({ throttleTimeMs: 0, errorCode: ErrorCode.NONE, members: answers });
    });
  });
});

export const handleDescribeGroups = inStepsOn(describeGroups, function* (request, { core, version }) {
  const groups = yield* new Pace().map([...new Set(request.groups)], (groupId) => {
    const protocol = core.groups.get(groupId)?.protocol;
    const classic = protocol instanceof ClassicGroup && protocol.state !== 'Dead' ? protocol : undefined;
    const isStable = classic?.state === 'Stable';
    const isTold = classic === undefined && version >= 6;
    const isOther = protocol !== undefined && protocol.state !== 'Dead';
    return {
      errorCode: isTold ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.NONE,
      errorMessage: isTold ? `Group ${groupId} ${isOther ? 'is not a classic group' : 'not found'}.` : null,
      groupId,
      groupState: classic?.state ?? 'Dead',
      protocolType: classic?.protocolType ?? '',
      protocolData: isStable ? (classic?.protocolName ?? '') : '',
      members: [...(classic?.members.values() ?? [])].map((member) =>
        describeMember(member, isStable, classic?.protocolName ?? ''),
      ),
      authorizedOperations: authorizedOperations('group', request.includeAuthorizedOperations),
    };
  });
  return { throttleTimeMs: 0, groups };
});

function describeMember(member: GroupMember, isStable: boolean, protocolName: string) {
  return {
    memberId: member.id,
    groupInstanceId: member.instanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    memberMetadata: isStable ? member.metadataFor(protocolName) : NO_BYTES,
    memberAssignment: isStable ? member.assignment : NO_BYTES,
  };
}

export const handleListGroups = on(listGroups, (request, { core }) => {
  const wantedStates = new Set(request.statesFilter.map((state) => state.toLowerCase()));
  const wantedTypes = new Set(request.typesFilter.map((type) => type.toLowerCase()));
  const groups = [...core.groups.all()]
    .map(({ protocol }) => protocol)
    .filter(({ state }) => wantedStates.size === 0 || wantedStates.has(state.toLowerCase()))
    .filter(({ type }) => wantedTypes.size === 0 || wantedTypes.has(type));
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    groups: groups.map(({ id, protocolType, state, type }) => ({
      groupId: id,
      protocolType: protocolType ?? '',
      groupState: state,
      groupType: type,
    })),
  };
});

export const handleDeleteGroups = on(deleteGroups, async (request, { core }) => ({
  throttleTimeMs: 0,
  results: await Promise.all(
    [...new Set(request.groupsNames)].map(
      (groupId) =>
        new Promise<{ groupId: string; errorCode: number }>((resolve) => {
          core.groups.deleteGroup(groupId, (errorCode) => {
            if (errorCode === ErrorCode.NONE) core.shares.forget({ groupId });
            resolve({ groupId, errorCode });
          });
        }),
    ),
  ),
}));
