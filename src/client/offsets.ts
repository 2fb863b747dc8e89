// Offsets as requests: where partitions begin and end, what a group has committed, and committing. Consumers and admins
// share them. Newer versions name topics by id, older ones by name; both are filled in, and the codec takes its own.
import {
  create,
  ErrorCode,
  errorFor,
  listOffsets as listOffsetsApi,
  needsMetadata,
  offsetCommit,
  offsetFetch,
} from '../protocol/index.ts';
import type { CommittedOffset, OffsetToCommit, TopicPartition } from './client.ts';
import type { Cluster, Purpose } from './cluster.ts';

const TIMEOUT_MS = 60_000;

export type Isolation = 'read_uncommitted' | 'read_committed';

export interface PartitionTimestamp extends TopicPartition {
  readonly timestamp: number;
}

export interface PartitionOffset extends TopicPartition {
  readonly offset: number;
  readonly timestamp: number;
}

/** ListOffsets, spread over the leaders, tried again while leaders move. Returns in the order of what is asked. */
export async function listOffsets(
  cluster: Cluster,
  wanted: readonly PartitionTimestamp[],
  isolation: Isolation = 'read_uncommitted',
): Promise<PartitionOffset[]> {
  return cluster.retrying(TIMEOUT_MS, async () => {
    const byLeader = new Map<number, PartitionTimestamp[]>();
    for (const entry of wanted) {
      const leader = await cluster.leader(entry.topic, entry.partition);
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), entry]);
    }
    const answers = await Promise.all(
      [...byLeader].map(async ([leader, entries]) => {
        const transport = await cluster.node(leader);
        const topics = [...Map.groupBy(entries, (entry) => entry.topic)].map(([name, list]) => ({
          name,
          partitions: list.map(({ partition, timestamp }) => ({ partitionIndex: partition, timestamp })),
        }));
        const isolationLevel = isolation === 'read_committed' ? 1 : 0;
        return transport.request(listOffsetsApi, create(listOffsetsApi, { isolationLevel, topics }));
      }),
    );
    const found = new Map<string, PartitionOffset>();
    for (const { name, partitions } of answers.flatMap((answer) => answer.topics)) {
      for (const { partitionIndex, errorCode, offset, timestamp } of partitions) {
        if (errorCode !== ErrorCode.NONE) {
          if (needsMetadata(errorCode)) cluster.doubt(name);
          throw errorFor(errorCode, `ListOffsets of ${name}-${partitionIndex}`);
        }
        found.set(`${name}-${partitionIndex}`, { topic: name, partition: partitionIndex, offset, timestamp });
      }
    }
    // Brokers answer in an order of their own.
    return wanted.map(({ topic, partition }) => {
      const answer = found.get(`${topic}-${partition}`);
      if (answer === undefined) {
        throw errorFor(ErrorCode.UNKNOWN_SERVER_ERROR, `ListOffsets left out ${topic}-${partition}`);
      }
      return answer;
    });
  });
}

/**
 * What a group has committed; -1 where nothing was. `partitions` null asks for everything. `requireStable` waits for
 * transactions under way that commit offsets: for those who go on from there.
 */
export async function fetchCommitted(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[] | null,
  requireStable: boolean,
  purpose?: Purpose,
): Promise<CommittedOffset[]> {
  const names = new Map<string, string>();
  const topics =
    partitions === null
      ? null
      : await Promise.all(
          [...Map.groupBy(partitions, (entry) => entry.topic)].map(async ([name, list]) => {
            const { topicId } = cluster.known(name) ?? (await cluster.topic(name));
            names.set(topicId, name);
            return { name, topicId, partitionIndexes: list.map((entry) => entry.partition) };
          }),
        );
  const response = await cluster.askCoordinator(
    { type: 'group', key: groupId },
    offsetFetch,
    (transport) =>
      create(
        offsetFetch,
        (transport.versionOf(offsetFetch) ?? 0) >= 8
          ? { groups: [{ groupId, topics }], requireStable }
          : { groupId, topics, ...((transport.versionOf(offsetFetch) ?? 0) >= 7 ? { requireStable } : {}) },
      ),
    (answer) => {
      const group = answer.groups[0];
      const listed = group?.topics ?? answer.topics;
      const failed = listed.flatMap((topic) => topic.partitions).find((p) => p.errorCode !== ErrorCode.NONE);
      return group?.errorCode || answer.errorCode || failed?.errorCode || ErrorCode.NONE;
    },
    purpose === undefined ? {} : { purpose },
  );
  const listed = response.groups[0]?.topics ?? response.topics.map((topic) => ({ ...topic, topicId: '' }));
  if (listed.some((topic) => topic.name === '' && !names.has(topic.topicId))) {
    for (const { topicId, name } of await cluster.refresh(null)) names.set(topicId, name);
  }
  return listed.flatMap((topic) =>
    topic.partitions.map(({ partitionIndex, committedOffset, metadata }) => ({
      topic: topic.name === '' ? (names.get(topic.topicId) ?? '') : topic.name,
      partition: partitionIndex,
      offset: committedOffset,
      metadata: metadata ?? '',
    })),
  );
}

/** Commits offsets, as a member of the group or (generation -1) from outside. */
export async function commitOffsets(
  cluster: Cluster,
  member: { groupId: string; generationId: number; memberId: string; groupInstanceId: string | null },
  offsets: readonly OffsetToCommit[],
  purpose?: Purpose,
): Promise<void> {
  const topics = await Promise.all(
    [...Map.groupBy(offsets, (offset) => offset.topic)].map(async ([name, list]) => ({
      name,
      topicId: (cluster.known(name) ?? (await cluster.topic(name))).topicId,
      partitions: list.map(({ partition, offset, metadata }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedMetadata: metadata ?? '',
      })),
    })),
  );
  const { groupId, generationId, memberId, groupInstanceId } = member;
  await cluster.askCoordinator(
    { type: 'group', key: groupId },
    offsetCommit,
    () => create(offsetCommit, { groupId, generationIdOrMemberEpoch: generationId, memberId, groupInstanceId, topics }),
    (answer) =>
      answer.topics.flatMap((topic) => topic.partitions).find((p) => p.errorCode !== ErrorCode.NONE)?.errorCode ?? 0,
    purpose === undefined ? {} : { purpose },
  );
}
