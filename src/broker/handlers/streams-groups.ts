/**
 * Streams groups (KIP-1071): StreamsGroupHeartbeat and StreamsGroupDescribe.
 *
 * * StreamsGroupHeartbeat 0: joins (epoch 0) with a topology, stays in, leaves (-1; -2 for a static member that means to come back). What
 *   happens in a group: groups/streams-group.ts. Internal topics that the group needs are made here, in the name of who is heard: without
 *   the right to create them, and where making fails, the status says so. It is answered when what it has changed is durable.
 * * StreamsGroupDescribe 0: the topology as it is with the topics that there are, and who has which task.
 *
 * Not done: warm-up tasks (a task moves at once, and its state is read back from the changelog); racks and client tags count for
 * nothing, there is one node; descriptions of topologies (KIP-1331) are neither asked for nor kept: NOT_STORED.
 */
import {
  AclOperation,
  AclResourceType,
  ErrorCode,
  MemberEpoch,
  type RequestOf,
  respond,
  type ResponseOf,
  streamsGroupDescribe,
  streamsGroupHeartbeat,
  StreamsStatus,
  TopologyDescriptionStatus,
} from '../../protocol/index.ts';
import { messageOf, MillraceError, Pace } from '../../util/index.ts';
import { authorizedOperations } from '../authorized-operations.ts';
import type { Core, RequestContext } from '../core.ts';
import { finalizedLevels } from '../features.ts';
import { bytesOfTopology, StreamsGroup, type StreamsHeartbeatAnswer } from '../groups/streams-group.ts';
import type { StreamsMember } from '../groups/streams-member.ts';
import { tasksByRole } from '../groups/streams-tasks.ts';
import type { StatusOfGroup } from '../groups/streams-topology.ts';
import { ENTRY_BYTES, textBytes } from '../memory-size.ts';
import type { NewTopic } from '../topics.ts';
import { Access } from './access/access.ts';
import { attempt } from './attempt.ts';
import { errorCodeOf } from './error-code.ts';
import { inStepsOn, on } from './handler.ts';
import { isStorableId } from './storable-id.ts';

type Heartbeat = RequestOf<typeof streamsGroupHeartbeat>;
type Beaten = ResponseOf<typeof streamsGroupHeartbeat>;

/** How often members tell how far their states are. */
const TASK_OFFSET_INTERVAL_MS = 60_000;

export const handleStreamsGroupHeartbeat = on(streamsGroupHeartbeat, (request, context) => {
  const { core, clientId, clientHost, joined } = context;
  try {
    checkHeartbeat(core, request);
    const { groupId, memberId, memberEpoch } = request;
    if (memberEpoch === MemberEpoch.join && !core.coordinatorMemory.admits(bytesOfJoin(request))) {
      throw new MillraceError('GROUP_MAX_SIZE_REACHED', 'The coordinator has no memory left for another member.');
    }
    // A static member is one that comes back.
    if (memberEpoch < 0) joined?.delete(memberId);
    else if (request.instanceId === null) joined?.set(memberId, groupId);
    return new Promise<Beaten>((resolve, reject) => {
      try {
        core.groups.streamsHeartbeat(groupId, { ...request, clientId, clientHost }, (answer, errorCode) =>
          resolve(
            errorCode === ErrorCode.NONE
              ? beaten(context, answer)
              : respond(streamsGroupHeartbeat, { errorCode, status: [] }),
          ),
        );
      } catch (error) {
        reject(error);
      }
    }).catch(refusedHeartbeat);
  } catch (error) {
    return refusedHeartbeat(error);
  }
});

function refusedHeartbeat(error: unknown): Beaten {
  return respond(streamsGroupHeartbeat, { errorCode: errorCodeOf(error), errorMessage: messageOf(error), status: [] });
}

function beaten(context: RequestContext, { missing, tasks, status, ...answer }: StreamsHeartbeatAnswer): Beaten {
  const failure = missing.length === 0 ? undefined : makeTopics(context, missing);
  return respond(streamsGroupHeartbeat, {
    ...answer,
    ...tasks,
    taskOffsetIntervalMs: TASK_OFFSET_INTERVAL_MS,
    status: status.map((each) => (failure === undefined ? each : withFailure(each, failure))),
  });
}

function withFailure({ statusCode, statusDetail }: StatusOfGroup, failure: string): StatusOfGroup {
  const isIts = statusCode === StreamsStatus.missingInternalTopics;
  return { statusCode, statusDetail: isIts ? `${statusDetail}; ${failure}` : statusDetail };
}

/** Makes internal topics; what keeps it from doing so, as a text. */
function makeTopics(context: RequestContext, wanted: readonly NewTopic[]): string | undefined {
  const { core, session } = context;
  const { topics, authorizer } = core;
  // Another member may have been faster.
  const missing = wanted.filter(({ name }) => topics.get(name) === undefined);
  if (authorizer !== undefined && !session.isPlatform) {
    const access = new Access(context, authorizer, streamsGroupHeartbeat.name);
    const mayAll = access.mayClusterQuietly(AclOperation.CREATE);
    const denied = missing.filter(
      ({ name }) => !mayAll && !access.may(AclOperation.CREATE, AclResourceType.TOPIC, name),
    );
    if (denied.length > 0) return `Unauthorized to CREATE on topics ${denied.map(({ name }) => name).join(', ')}.`;
  }
  const { error } = attempt(() => topics.create(missing));
  return error === undefined ? undefined : `Creation failed: ${messageOf(error)}`;
}

/** Refuses what makes no sense in any group. */
function checkHeartbeat(core: Core, request: Heartbeat): void {
  const { groupId, memberId, memberEpoch, instanceId, rackId, topology, userEndpoint } = request;
  const must = (isTrue: boolean, otherwise: string): void => {
    if (!isTrue) throw new MillraceError('INVALID_REQUEST', otherwise);
  };
  const isOn = finalizedLevels(core.metadata).has('streams.version');
  if (!isOn || !core.settings['group.coordinator.rebalance.protocols'].split(',').includes('streams')) {
    throw new MillraceError('UNSUPPORTED_VERSION', 'The streams group protocol is disabled.');
  }
  must(memberId !== '', "MemberId can't be empty.");
  must(groupId !== '', "GroupId can't be empty.");
  must(instanceId !== '', "InstanceId can't be empty.");
  must(rackId !== '', "RackId can't be empty.");
  must(userEndpoint === null || userEndpoint.host !== '', "UserEndpoint's host can't be empty.");
  if (memberEpoch === MemberEpoch.join) {
    must(request.rebalanceTimeoutMs !== -1, 'RebalanceTimeoutMs must be provided in first request.');
    must(topology !== null, 'Topology must be non-null when (re-)joining.');
    must(request.activeTasks?.length === 0, 'ActiveTasks must be empty when (re-)joining.');
    must(request.standbyTasks?.length === 0, 'StandbyTasks must be empty when (re-)joining.');
    must(request.warmupTasks?.length === 0, 'WarmupTasks must be empty when (re-)joining.');
  } else {
    must(topology === null, 'Topology can only be provided when (re-)joining.');
  }
  if (memberEpoch === MemberEpoch.leaveForNow) must(instanceId !== null, "InstanceId can't be null.");
  must(
    memberEpoch >= MemberEpoch.leaveForNow,
    `MemberEpoch is ${memberEpoch}, but must be greater than or equal to -2.`,
  );
  must([groupId, memberId, instanceId ?? 'none'].every(isStorableId), 'An id is longer than the journal can hold.');
}

/** About what a member takes, and the group that it may be the first of. */
function bytesOfJoin({ groupId, memberId, processId, topology, clientTags }: Heartbeat): number {
  const said = [groupId, memberId, processId, ...(clientTags ?? []).flatMap(({ key, value }) => [key, value])];
  const texts = said.reduce((sum, text) => sum + textBytes(text), 0);
  return 2 * ENTRY_BYTES + texts + (topology === null ? 0 : bytesOfTopology(topology));
}

type Described = ResponseOf<typeof streamsGroupDescribe>['groups'][number];

export const handleStreamsGroupDescribe = inStepsOn(streamsGroupDescribe, function* (request, { core }) {
  const groups = yield* new Pace().map([...new Set(request.groupIds)], (groupId): Described => {
    const protocol = core.groups.get(groupId)?.protocol;
    if (groupId === '') return notDescribed(groupId, ErrorCode.INVALID_GROUP_ID, null);
    if (protocol === undefined || protocol.state === 'Dead') {
      return notDescribed(groupId, ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`);
    }
    if (!(protocol instanceof StreamsGroup)) {
      return notDescribed(groupId, ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a streams group.`);
    }
    const { notRequested, notStored } = TopologyDescriptionStatus;
    return {
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      groupId,
      groupState: protocol.state,
      groupEpoch: protocol.epoch,
      assignmentEpoch: protocol.assignmentEpoch,
      topology: topologyOf(protocol),
      members: [...protocol.members.values()].map((member) => describeMember(protocol, member)),
      authorizedOperations: authorizedOperations('group', request.includeAuthorizedOperations),
      topologyDescription: null,
      topologyDescriptionStatus: request.includeTopologyDescription ? notStored : notRequested,
      assignorName: protocol.assignorName,
    };
  });
  return { throttleTimeMs: 0, groups };
});

function notDescribed(groupId: string, errorCode: number, errorMessage: string | null): Described {
  return respond(streamsGroupDescribe, { groups: [{ groupId, errorCode, errorMessage }] }).groups[0]!;
}

/** Patterns resolved, numbers of partitions filled in. */
function topologyOf({ topology, configured }: StreamsGroup): Described['topology'] {
  if (topology === undefined) return null;
  const subtopologies = configured?.subtopologies?.map(({ id, sources, definition }) => {
    const { repartitionSinkTopics, stateChangelogTopics, repartitionSourceTopics } = definition;
    const isRepartition = new Set(repartitionSourceTopics.map(({ name }) => name));
    const counted = (infos: typeof stateChangelogTopics) =>
      infos.map((info) => ({ ...info, partitions: configured.internal.get(info.name) ?? info.partitions }));
    return {
      subtopologyId: id,
      sourceTopics: sources.filter((name) => !isRepartition.has(name)),
      repartitionSinkTopics,
      stateChangelogTopics: counted(stateChangelogTopics),
      repartitionSourceTopics: counted(repartitionSourceTopics),
    };
  });
  return { epoch: topology.epoch, subtopologies: subtopologies ?? null };
}

function describeMember(group: StreamsGroup, member: StreamsMember): Described['members'][number] {
  const { instanceId, rackId, clientId, clientHost, topologyEpoch, processId, userEndpoint, clientTags } =
    member.description;
  return {
    memberId: member.id,
    memberEpoch: member.ownership.epoch,
    instanceId,
    rackId,
    clientId,
    clientHost,
    topologyEpoch,
    processId,
    userEndpoint,
    clientTags,
    taskOffsets: [...member.taskOffsets],
    taskEndOffsets: [...member.taskEndOffsets],
    assignment: tasksByRole(member.ownership.assigned.keys()),
    targetAssignment: tasksByRole(group.targetOf(member.id)),
    isClassic: false,
  };
}
