/**
 * OffsetCommit, OffsetFetch, OffsetDelete: how far groups have come.
 *
 * * OffsetCommit 2: from a member of the current generation, or from outside of an empty group (generation -1). It is answered when
 *   it is durable. Metadata of more than `offset.metadata.max.bytes` is refused. 9: from a member of a consumer group in its epoch, or
 *   in an older one in which it had the partition already, else STALE_MEMBER_EPOCH. 10: topics by id.
 * * OffsetFetch 2: null asks for all partitions. 7: `requireStable` answers UNSTABLE_OFFSET_COMMIT where a transaction is about to commit
 *   another offset (KIP-447). 8: several groups. 9: members may say who they are, and are told STALE_MEMBER_EPOCH. 10: topics by id.
 * * OffsetDelete 0: not of topics that a member reads (GROUP_SUBSCRIBED_TO_TOPIC).
 *
 * Not done: retention times in requests (versions below 5 have them) are ignored, as Kafka does since version 5.
 */
import {
  ErrorCode,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  type ResponseOf,
  ZERO_UUID,
} from '../../protocol/index.ts';
import type { Core } from '../core.ts';
import type { OffsetEntry } from '../groups/committed-offset.ts';
import { OffsetStore } from '../groups/offset-store.ts';
import { ENTRY_BYTES, textBytes } from '../memory-size.ts';
import { Pace, type Steps } from '../../util/index.ts';
import { inStepsOn, on } from './handler.ts';
import { isStorableId } from './storable-id.ts';
import { findTopic } from './topic-reference.ts';

/** The first version of OffsetCommit and OffsetFetch in which members say their epochs. */
const KNOWS_EPOCHS = 9;

type Committed = ResponseOf<typeof offsetCommit>['topics'][number];
type Fetched = ResponseOf<typeof offsetFetch>['groups'][number];

export const handleOffsetCommit = on(offsetCommit, (request, { core, version }) => {
  const { groupId, memberId, groupInstanceId: instanceId, generationIdOrMemberEpoch: epoch } = request;
  const committer = { memberId, instanceId, epoch, knowsEpochs: version >= KNOWS_EPOCHS, isTransactional: false };
  // Who commits by itself need not have a group.
  const check =
    groupId === '' || isStorableId(groupId)
      ? core.groups.commitCheck(groupId, committer)
      : () => ErrorCode.INVALID_GROUP_ID as number;
  const accepted: OffsetEntry[] = [];
  const waiting: { errorCode: number }[] = [];
  const topics = request.topics.map(({ name, topicId, partitions }): Committed => {
    const found = findTopic(core, name, topicId);
    return {
      name: found.topic?.name ?? name,
      topicId: found.topic?.id ?? topicId,
      partitions: partitions.map((part) => {
        const { partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata } = part;
        const metadata = committedMetadata ?? '';
        const refused = check(found.topic?.id ?? topicId, partitionIndex);
        const answer = { partitionIndex, errorCode: refused };
        if (refused !== ErrorCode.NONE) return answer;
        if (found.topic === undefined) answer.errorCode = found.errorCode;
        else if (found.topic.partitions[partitionIndex] === undefined) {
          answer.errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
        } else if (Buffer.byteLength(metadata) > core.settings['offset.metadata.max.bytes']) {
          answer.errorCode = ErrorCode.OFFSET_METADATA_TOO_LARGE;
        } else {
          accepted.push({
            topic: found.topic.name,
            partition: partitionIndex,
            offset: committedOffset,
            leaderEpoch: committedLeaderEpoch,
            metadata,
            committedAt: core.environment.now(),
          });
          waiting.push(answer);
        }
        return answer;
      }),
    };
  });
  const response = { throttleTimeMs: 0, topics };
  if (accepted.length === 0) return response;
  const more = core.groups.get(groupId)?.offsets.bytesOfMore(accepted) ?? bytesOfNew(groupId, accepted);
  if (!core.coordinatorMemory.admits(more)) {
    for (const answer of waiting) answer.errorCode = ErrorCode.INVALID_COMMIT_OFFSET_SIZE;
    return response;
  }
  const group = core.groups.getOrCreate(groupId);
  return new Promise<typeof response>((resolve) => {
    core.groups.commit(group, accepted, (errorCode) => {
      for (const answer of waiting) answer.errorCode = errorCode;
      resolve(response);
    });
  });
});

/** About what a group takes that is not there yet. */
export function bytesOfNew(groupId: string, entries: readonly OffsetEntry[]): number {
  return ENTRY_BYTES + textBytes(groupId) + new OffsetStore(groupId).bytesOfMore(entries);
}

export const handleOffsetFetch = inStepsOn(offsetFetch, function* (request, { core, version }) {
  const pace = new Pace();
  if (version >= 8) {
    const groups = yield* pace.mapMany(request.groups, function* ({ groupId, memberId, memberEpoch, topics }) {
      const isAsked = version >= KNOWS_EPOCHS;
      const refused = isAsked ? (core.groups.get(groupId)?.protocol.checkFetch(memberId, memberEpoch) ?? 0) : 0;
      if (refused !== ErrorCode.NONE) return { groupId, topics: [], errorCode: refused };
      return yield* fetchGroup(core, groupId, topics, request.requireStable, pace);
    });
    return { throttleTimeMs: 0, topics: [], errorCode: ErrorCode.NONE, groups };
  }
  const wanted = request.topics?.map((topic) => ({ ...topic, topicId: ZERO_UUID })) ?? null;
  const { topics, errorCode } = yield* fetchGroup(core, request.groupId, wanted, request.requireStable, pace);
  return { throttleTimeMs: 0, topics, errorCode, groups: [] };
});

function* fetchGroup(
  core: Core,
  groupId: string,
  wanted: readonly { name: string; topicId: string; partitionIndexes: readonly number[] }[] | null,
  requireStable: boolean,
  pace: Pace,
): Steps<Fetched> {
  const offsets = core.groups.get(groupId)?.offsets;
  const read = (topic: string, partitionIndex: number): Fetched['topics'][number]['partitions'][number] => {
    const isUnstable = requireStable && offsets?.isUnstable(topic, partitionIndex) === true;
    const committed = isUnstable ? undefined : offsets?.get(topic, partitionIndex);
    return {
      partitionIndex,
      committedOffset: committed?.offset ?? -1,
      committedLeaderEpoch: committed?.leaderEpoch ?? -1,
      metadata: committed?.metadata ?? '',
      errorCode: isUnstable ? ErrorCode.UNSTABLE_OFFSET_COMMIT : ErrorCode.NONE,
    };
  };
  if (wanted !== null) {
    const topics = yield* pace.mapMany(wanted, function* ({ name, topicId, partitionIndexes }) {
      const topic = topicId === ZERO_UUID ? undefined : core.topics.byId(topicId);
      const isUnknown = topicId !== ZERO_UUID && topic === undefined;
      const partitions = yield* pace.map(partitionIndexes, (index) =>
        isUnknown ? { ...read('', index), errorCode: ErrorCode.UNKNOWN_TOPIC_ID } : read(topic?.name ?? name, index),
      );
      return {
        name: topic?.name ?? name,
        topicId: topicId === ZERO_UUID ? (core.topics.get(name)?.id ?? topicId) : topicId,
        partitions,
      };
    });
    return { groupId, topics, errorCode: ErrorCode.NONE };
  }
  const byTopic = Map.groupBy(offsets?.entries() ?? [], (entry) => entry.topic);
  const topics = yield* pace.mapMany([...byTopic], function* ([name, entries]) {
    const partitions = yield* pace.map(entries, ({ partition }) => read(name, partition));
    return { name, topicId: core.topics.get(name)?.id ?? ZERO_UUID, partitions };
  });
  return { groupId, topics, errorCode: ErrorCode.NONE };
}

export const handleOffsetDelete = on(offsetDelete, (request, { core }) => {
  if (request.groupId === '') return notDeleted(ErrorCode.INVALID_GROUP_ID);
  const group = core.groups.get(request.groupId);
  if (group === undefined) return notDeleted(ErrorCode.GROUP_ID_NOT_FOUND);
  const subscribed = group.protocol.subscribedTopics();
  // Consumers that say it in a way that can't be read may read anything.
  const reads = (topic: string): boolean => subscribed?.has(topic) ?? true;
  if (subscribed === undefined && group.protocol.protocolType !== 'consumer') {
    return notDeleted(ErrorCode.NON_EMPTY_GROUP);
  }
  const gone = new Set<string>();
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => {
      if (core.topics.partition(name, partitionIndex) === undefined) {
        return { partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
      }
      const isRead = reads(name);
      if (!isRead) gone.add(`${name}-${partitionIndex}`);
      return { partitionIndex, errorCode: isRead ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE };
    }),
  }));
  const isGone = (entry: OffsetEntry): boolean => gone.has(`${entry.topic}-${entry.partition}`);
  return new Promise<ResponseOf<typeof offsetDelete>>((resolve) => {
    core.groups.deleteOffsets(group, isGone, (errorCode) => resolve({ errorCode, throttleTimeMs: 0, topics }));
  });
});

function notDeleted(errorCode: number): ResponseOf<typeof offsetDelete> {
  return { errorCode, throttleTimeMs: 0, topics: [] };
}
