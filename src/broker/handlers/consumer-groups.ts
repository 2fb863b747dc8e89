/**
 * Groups in the consumer protocol (KIP-848): ConsumerGroupHeartbeat and ConsumerGroupDescribe.
 *
 * * ConsumerGroupHeartbeat 0: joins (epoch 0), stays in, leaves (-1; -2 for a static member that means to come back). What happens in a
 *   group: groups/consumer-group.ts. It is answered when what it has changed is durable. 1: `subscribedTopicRegex`, in RE2's syntax;
 *   members choose their ids.
 * * ConsumerGroupDescribe 1: whether members speak the classic protocol (KIP-1099).
 *
 * Not done: racks count for nothing, there is one node.
 */
import {
  consumerGroupDescribe,
  consumerGroupHeartbeat,
  ErrorCode,
  MemberEpoch,
  MemberType,
  type RequestOf,
  respond,
  type ResponseOf,
} from '../../protocol/index.ts';
import { messageOf, MillraceError, Pace, randomUuid } from '../../util/index.ts';
import { authorizedOperations } from '../authorized-operations.ts';
import type { Core } from '../core.ts';
import { finalizedLevels } from '../features.ts';
import { ConsumerGroup } from '../groups/consumer-group.ts';
import type { ConsumerMember } from '../groups/consumer-member.ts';
import { byTopic, type PartitionKey } from '../groups/partition-sets.ts';
import { compilePattern } from '../groups/subscriptions.ts';
import { ENTRY_BYTES, textBytes } from '../memory-size.ts';
import { sightOf } from './access/topics.ts';
import { errorCodeOf } from './error-code.ts';
import { inStepsOn, on } from './handler.ts';
import { isStorableId } from './storable-id.ts';

type Heartbeat = RequestOf<typeof consumerGroupHeartbeat>;
type Beaten = ResponseOf<typeof consumerGroupHeartbeat>;

export const handleConsumerGroupHeartbeat = on(consumerGroupHeartbeat, (request, context) => {
  const { core, version, clientId, clientHost, joined } = context;
  try {
    checkHeartbeat(core, request, version);
    const { groupId, memberEpoch } = request;
    const memberId = request.memberId === '' ? randomUuid(core.environment) : request.memberId;
    if (memberEpoch === MemberEpoch.join && !core.coordinatorMemory.admits(bytesOfJoin(request))) {
      throw new MillraceError('GROUP_MAX_SIZE_REACHED', 'The coordinator has no memory left for another member.');
    }
    // A static member is one that comes back.
    if (memberEpoch < 0) joined?.delete(memberId);
    else if (request.instanceId === null) joined?.set(memberId, groupId);
    return new Promise<Beaten>((resolve, reject) => {
      const answered: Parameters<typeof core.groups.consumerHeartbeat>[2] = (answer, errorCode) =>
        resolve(respond(consumerGroupHeartbeat, errorCode === ErrorCode.NONE ? answer : { errorCode }));
      try {
        const maySee = sightOf(context);
        core.groups.consumerHeartbeat(groupId, { ...request, memberId, clientId, clientHost, maySee }, answered);
      } catch (error) {
        reject(error);
      }
    }).catch(refusedHeartbeat);
  } catch (error) {
    return refusedHeartbeat(error);
  }
});

function refusedHeartbeat(error: unknown): Beaten {
  return respond(consumerGroupHeartbeat, { errorCode: errorCodeOf(error), errorMessage: messageOf(error) });
}

/** Refuses what makes no sense in any group. */
function checkHeartbeat(core: Core, request: Heartbeat, version: number): void {
  const { groupId, memberId, memberEpoch, instanceId, rackId, serverAssignor, subscribedTopicRegex } = request;
  const must = (isTrue: boolean, otherwise: string): void => {
    if (!isTrue) throw new MillraceError('INVALID_REQUEST', otherwise);
  };
  const isOn = finalizedLevels(core.metadata).has('group.version');
  if (!isOn || !core.settings['group.coordinator.rebalance.protocols'].split(',').includes('consumer')) {
    throw new MillraceError('UNSUPPORTED_VERSION', 'The consumer protocol is disabled.');
  }
  must(memberId !== '' || (version === 0 && memberEpoch === MemberEpoch.join), "MemberId can't be empty.");
  must(groupId !== '', "GroupId can't be empty.");
  must(instanceId !== '', "InstanceId can't be empty.");
  must(rackId !== '', "RackId can't be empty.");
  if (memberEpoch === MemberEpoch.join) {
    must(request.rebalanceTimeoutMs !== -1, 'RebalanceTimeoutMs must be provided in first request.');
    must(request.topicPartitions?.length === 0, 'TopicPartitions must be empty when (re-)joining.');
    const isSubscribed = request.subscribedTopicNames !== null || subscribedTopicRegex !== null;
    must(isSubscribed, 'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.');
  }
  if (memberEpoch === MemberEpoch.leaveForNow) must(instanceId !== null, "InstanceId can't be null.");
  must(memberEpoch >= MemberEpoch.leaveForNow, 'MemberEpoch is invalid.');
  must([groupId, memberId, instanceId ?? 'none'].every(isStorableId), 'An id is longer than the journal can hold.');
  const assignors = core.settings['group.consumer.assignors'].split(',');
  if (serverAssignor !== null && !assignors.includes(serverAssignor)) {
    const supported = `Supported assignors: ${assignors.join(', ')}.`;
    throw new MillraceError('UNSUPPORTED_ASSIGNOR', `ServerAssignor ${serverAssignor} is not supported. ${supported}`);
  }
  if (subscribedTopicRegex) compilePattern(subscribedTopicRegex);
}

/** About what a member takes, and the group that it may be the first of. */
function bytesOfJoin({ groupId, memberId, subscribedTopicNames, subscribedTopicRegex }: Heartbeat): number {
  const said = [groupId, memberId, subscribedTopicRegex, ...(subscribedTopicNames ?? [])];
  return 2 * ENTRY_BYTES + said.reduce((sum, text) => sum + textBytes(text), 0);
}

type Described = ResponseOf<typeof consumerGroupDescribe>['groups'][number];

export const handleConsumerGroupDescribe = inStepsOn(consumerGroupDescribe, function* (request, { core }) {
  const groups = yield* new Pace().map([...new Set(request.groupIds)], (groupId): Described => {
    const protocol = core.groups.get(groupId)?.protocol;
    if (groupId === '') return notDescribed(groupId, ErrorCode.INVALID_GROUP_ID, null);
    if (protocol === undefined || protocol.state === 'Dead') {
      return notDescribed(groupId, ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`);
    }
    if (!(protocol instanceof ConsumerGroup)) {
      return notDescribed(groupId, ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a consumer group.`);
    }
    return {
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      groupId,
      groupState: protocol.state,
      groupEpoch: protocol.epoch,
      assignmentEpoch: protocol.assignmentEpoch,
      assignorName: protocol.assignorName,
      members: [...protocol.members.values()].map((member) => describeMember(core, protocol, member)),
      authorizedOperations: authorizedOperations('group', request.includeAuthorizedOperations),
    };
  });
  return { throttleTimeMs: 0, groups };
});

function notDescribed(groupId: string, errorCode: number, errorMessage: string | null): Described {
  const draft = { groups: [{ groupId, errorCode, errorMessage }] };
  return respond(consumerGroupDescribe, draft).groups[0]!;
}

function describeMember(core: Core, group: ConsumerGroup, member: ConsumerMember): Described['members'][number] {
  const { description, ownership } = member;
  const { instanceId, rackId, clientId, clientHost, subscribedTopicNames, subscribedTopicRegex } = description;
  return {
    memberId: member.id,
    instanceId,
    rackId,
    clientId,
    clientHost,
    subscribedTopicNames,
    subscribedTopicRegex,
    memberEpoch: ownership.epoch,
    assignment: described(core, ownership.assigned.keys()),
    targetAssignment: described(core, group.targetOf(member.id)),
    memberType: member.isClassic ? MemberType.classic : MemberType.consumer,
  };
}

/** Topics that are gone have no name any more. */
function described(core: Core, keys: Iterable<PartitionKey>): Described['members'][number]['assignment'] {
  const topicPartitions = byTopic(keys).flatMap(({ topicId, partitions }) => {
    const topicName = core.topics.byId(topicId)?.name;
    return topicName === undefined ? [] : [{ topicId, topicName, partitions }];
  });
  return { topicPartitions };
}
