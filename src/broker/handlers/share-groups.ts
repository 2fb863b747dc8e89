/**
 * Share groups (KIP-932): ShareGroupHeartbeat, ShareGroupDescribe, and Describe-, Alter- and DeleteShareGroupOffsets.
 *
 * * ShareGroupHeartbeat 1: joins (epoch 0), stays in, leaves (-1). What happens in a group: groups/share-group.ts.
 * * DescribeShareGroupOffsets 1: with the lag, the records that are not done with (KIP-1226).
 * * AlterShareGroupOffsets, DeleteShareGroupOffsets 0: of groups without members. Altering makes a group that there is not.
 *
 * Records are given out in share-fetch.ts. Not done: racks count for nothing, there is one node.
 */
import {
  alterShareGroupOffsets,
  deleteShareGroupOffsets,
  describeShareGroupOffsets,
  ErrorCode,
  MemberEpoch,
  type RequestOf,
  respond,
  type ResponseOf,
  shareGroupDescribe,
  shareGroupHeartbeat,
  ZERO_UUID,
} from '../../protocol/index.ts';
import { messageOf, MillraceError, Pace } from '../../util/index.ts';
import { authorizedOperations } from '../authorized-operations.ts';
import type { Core } from '../core.ts';
import { finalizedLevels } from '../features.ts';
import { byTopic } from '../groups/partition-sets.ts';
import { ShareGroup } from '../groups/share-group.ts';
import { ENTRY_BYTES, textBytes } from '../memory-size.ts';
import { errorCodeOf } from './error-code.ts';
import { inStepsOn, on } from './handler.ts';
import { isStorableId } from './storable-id.ts';

type Heartbeat = RequestOf<typeof shareGroupHeartbeat>;
type Beaten = ResponseOf<typeof shareGroupHeartbeat>;

const NOT_HERE = 'This server does not host this topic-partition.';

export const handleShareGroupHeartbeat = on(shareGroupHeartbeat, (request, context) => {
  const { core, clientId, clientHost, joined } = context;
  try {
    checkHeartbeat(core, request);
    const { groupId, memberId, memberEpoch } = request;
    if (memberEpoch === MemberEpoch.join && !core.coordinatorMemory.admits(bytesOfJoin(request))) {
      throw new MillraceError('GROUP_MAX_SIZE_REACHED', 'The coordinator has no memory left for another member.');
    }
    if (memberEpoch < 0) joined?.delete(memberId);
    else joined?.set(memberId, groupId);
    return new Promise<Beaten>((resolve, reject) => {
      try {
        core.groups.shareHeartbeat(groupId, { ...request, clientId, clientHost }, (answer, errorCode) =>
          resolve(respond(shareGroupHeartbeat, errorCode === ErrorCode.NONE ? answer : { errorCode })),
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
  return respond(shareGroupHeartbeat, { errorCode: errorCodeOf(error), errorMessage: messageOf(error) });
}

/** Refuses what makes no sense in any group. */
function checkHeartbeat(core: Core, { groupId, memberId, memberEpoch, rackId, subscribedTopicNames }: Heartbeat): void {
  const must = (isTrue: boolean, otherwise: string): void => {
    if (!isTrue) throw new MillraceError('INVALID_REQUEST', otherwise);
  };
  const isOn = finalizedLevels(core.metadata).has('share.version');
  if (!isOn || !core.settings['group.coordinator.rebalance.protocols'].split(',').includes('share')) {
    throw new MillraceError('UNSUPPORTED_VERSION', 'Share groups are disabled.');
  }
  must(memberId !== '', "MemberId can't be empty.");
  must(groupId !== '', "GroupId can't be empty.");
  must(rackId !== '', "RackId can't be empty.");
  must(
    memberEpoch !== MemberEpoch.join || subscribedTopicNames !== null,
    'SubscribedTopicNames must be set in first request.',
  );
  must(memberEpoch >= MemberEpoch.leave, 'MemberEpoch is invalid.');
  must([groupId, memberId].every(isStorableId), 'An id is longer than the journal can hold.');
}

/** About what a member takes, and the group that it may be the first of. */
function bytesOfJoin({ groupId, memberId, subscribedTopicNames }: Heartbeat): number {
  const said = [groupId, memberId, ...(subscribedTopicNames ?? [])];
  return 2 * ENTRY_BYTES + said.reduce((sum, text) => sum + textBytes(text), 0);
}

type Described = ResponseOf<typeof shareGroupDescribe>['groups'][number];

export const handleShareGroupDescribe = inStepsOn(shareGroupDescribe, function* (request, { core }) {
  const groups = yield* new Pace().map([...new Set(request.groupIds)], (groupId): Described => {
    const protocol = core.groups.get(groupId)?.protocol;
    if (groupId === '') return notDescribed(groupId, ErrorCode.INVALID_GROUP_ID, null);
    if (!(protocol instanceof ShareGroup)) {
      const isThere = protocol !== undefined && protocol.state !== 'Dead';
      const why = isThere ? `Group ${groupId} is not a share group.` : `Group ${groupId} not found.`;
      return notDescribed(groupId, ErrorCode.GROUP_ID_NOT_FOUND, why);
    }
    return {
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      groupId,
      groupState: protocol.state,
      groupEpoch: protocol.epoch,
      assignmentEpoch: protocol.assignmentEpoch,
      assignorName: protocol.assignorName,
      members: [...protocol.members.values()].map(({ id, epoch, description, assigned }) => ({
        memberId: id,
        memberEpoch: epoch,
        ...description,
        assignment: {
          topicPartitions: byTopic(assigned).flatMap(({ topicId, partitions }) => {
            const topicName = core.topics.byId(topicId)?.name;
            return topicName === undefined ? [] : [{ topicId, topicName, partitions }];
          }),
        },
      })),
      authorizedOperations: authorizedOperations('group', request.includeAuthorizedOperations),
    };
  });
  return { throttleTimeMs: 0, groups };
});

function notDescribed(groupId: string, errorCode: number, errorMessage: string | null): Described {
  return respond(shareGroupDescribe, { groups: [{ groupId, errorCode, errorMessage }] }).groups[0]!;
}

// ── Offsets ───────────────────────────────────────────────────────────────────────────────────────────────────────

type DescribedOffsets = ResponseOf<typeof describeShareGroupOffsets>['groups'][number];

export const handleDescribeShareGroupOffsets = inStepsOn(describeShareGroupOffsets, function* (request, { core }) {
  const pace = new Pace();
  const groups = yield* pace.mapMany(request.groups, function* ({ groupId, topics: wanted }) {
    const protocol = core.groups.get(groupId)?.protocol;
    const answer: DescribedOffsets = { groupId, topics: [], errorCode: ErrorCode.NONE, errorMessage: null };
    if (!(protocol instanceof ShareGroup)) {
      const isThere = protocol !== undefined && protocol.state !== 'Dead';
      const errorMessage = isThere ? `Group ${groupId} is not a share group.` : `Group ${groupId} not found.`;
      return { ...answer, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage };
    }
    const asked =
      wanted?.map(({ topicName, partitions }) => ({
        topicName,
        topicId: core.topics.get(topicName)?.id ?? ZERO_UUID,
        partitions,
      })) ??
      [...protocol.topics].map(([topicId, { name, partitions }]) => ({
        topicName: name,
        topicId,
        partitions: Array.from({ length: partitions }, (_, index) => index),
      }));
    const topics = yield* pace.mapMany(asked, function* ({ topicName, topicId, partitions }) {
      return {
        topicName,
        topicId,
        partitions: yield* pace.map(partitions, (index) => describeOffset(core, groupId, topicId, index)),
      };
    });
    return { ...answer, topics };
  });
  return { throttleTimeMs: 0, groups };
});

function describeOffset(core: Core, groupId: string, topicId: string, partitionIndex: number) {
  const state = core.shares.find(groupId, topicId, partitionIndex);
  const log = core.topics.byId(topicId)?.partitions[partitionIndex];
  const startOffset = state?.startOffset ?? -1;
  const end = log?.limitFor(core.shares.settingsOf(groupId).readsCommitted ? 1 : 0) ?? -1;
  const lag = state === undefined || startOffset < 0 ? -1 : Math.max(0, end - startOffset - state.completeCount);
  return { partitionIndex, startOffset, leaderEpoch: 0, lag, errorCode: ErrorCode.NONE, errorMessage: null };
}

export const handleAlterShareGroupOffsets = on(alterShareGroupOffsets, async (request, { core }) => {
  const { groupId } = request;
  try {
    if (!isStorableId(groupId)) throw new MillraceError('INVALID_GROUP_ID', "GroupId can't be empty.");
    const group = core.groups.shareGroup(groupId);
    if (!group.isEmpty) throw new MillraceError('NON_EMPTY_GROUP', 'The group is not empty.');
    const responses = request.topics.map(async ({ topicName, partitions }) => {
      const topic = core.topics.get(topicName);
      const answers = partitions.map(async ({ partitionIndex, startOffset }) => {
        const isHere = topic?.partitions[partitionIndex] !== undefined;
        if (!isHere || startOffset < 0) {
          const errorCode = isHere ? ErrorCode.INVALID_REQUEST : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
          return { partitionIndex, errorCode, errorMessage: isHere ? 'The start offset is negative.' : NOT_HERE };
        }
        const errorCode = await core.shares.alter(groupId, topic.id, partitionIndex, startOffset);
        return { partitionIndex, errorCode, errorMessage: null };
      });
      if (topic !== undefined) await new Promise<void>((resolve) => group.know(topic.id, () => resolve()));
      return { topicName, topicId: topic?.id ?? ZERO_UUID, partitions: await Promise.all(answers) };
    });
    return respond(alterShareGroupOffsets, { responses: await Promise.all(responses) });
  } catch (error) {
    return respond(alterShareGroupOffsets, { errorCode: errorCodeOf(error), errorMessage: messageOf(error) });
  }
});

export const handleDeleteShareGroupOffsets = on(deleteShareGroupOffsets, async (request, { core }) => {
  const { groupId } = request;
  try {
    const group = core.groups.get(groupId)?.protocol;
    if (!(group instanceof ShareGroup)) throw new MillraceError('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`);
    if (!group.isEmpty) throw new MillraceError('NON_EMPTY_GROUP', 'The group is not empty.');
    const found = request.topics.flatMap(({ topicName }) => core.topics.get(topicName) ?? []);
    for (const { id } of found) core.shares.forget({ groupId, topicId: id });
    const ids = found.map(({ id }) => id);
    const errorCode = await new Promise<number>((resolve) => group.forgetTopics(ids, resolve));
    const responses = request.topics.map(({ topicName }) => {
      const topicId = core.topics.get(topicName)?.id;
      return topicId === undefined
        ? { topicName, topicId: ZERO_UUID, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: NOT_HERE }
        : { topicName, topicId, errorCode, errorMessage: null };
    });
    return respond(deleteShareGroupOffsets, { responses });
  } catch (error) {
    return respond(deleteShareGroupOffsets, { errorCode: errorCodeOf(error), errorMessage: messageOf(error) });
  }
});
