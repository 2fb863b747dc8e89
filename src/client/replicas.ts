// Which replicas lead, and which are being moved: what administrators ask of the controller, by way of any broker.
import {
  create,
  electLeaders as electLeadersApi,
  ElectionType,
  ErrorCode,
  errorFor,
  listPartitionReassignments,
  type Transport,
} from '../protocol/index.ts';
import type { Reassignment, TopicPartition } from './client.ts';

/** Partitions by topic, under the names that the API has for them. */
function byTopic(partitions: readonly TopicPartition[]): [string, number[]][] {
  return [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, list]) => [
    topic,
    list.map(({ partition }) => partition),
  ]);
}

export async function electLeaders(
  transport: Transport,
  kind: 'preferred' | 'unclean',
  partitions: readonly TopicPartition[] | null,
): Promise<(TopicPartition & { readonly error: Error | undefined })[]> {
  const request = create(electLeadersApi, {
    electionType: ElectionType[kind],
    topicPartitions:
      partitions === null ? null : byTopic(partitions).map(([topic, list]) => ({ topic, partitions: list })),
  });
  const { errorCode, replicaElectionResults } = await transport.request(electLeadersApi, request);
  if (errorCode !== ErrorCode.NONE) throw errorFor(errorCode, 'electing leaders');
  return replicaElectionResults.flatMap(({ topic, partitionResult }) =>
    partitionResult.map((result) => ({
      topic,
      partition: result.partitionId,
      error:
        result.errorCode === ErrorCode.NONE
          ? undefined
          : errorFor(result.errorCode, `electing the leader of ${topic}-${result.partitionId}`, result.errorMessage),
    })),
  );
}

export async function reassignments(
  transport: Transport,
  partitions: readonly TopicPartition[] | null,
): Promise<Reassignment[]> {
  const request = create(listPartitionReassignments, {
    topics:
      partitions === null ? null : byTopic(partitions).map(([name, partitionIndexes]) => ({ name, partitionIndexes })),
  });
  const answer = await transport.request(listPartitionReassignments, request);
  if (answer.errorCode !== ErrorCode.NONE) {
    throw errorFor(answer.errorCode, 'listing the reassignments of partitions', answer.errorMessage);
  }
  return answer.topics.flatMap(({ name, partitions: list }) =>
    list.map(({ partitionIndex, replicas, addingReplicas, removingReplicas }) => ({
      topic: name,
      partition: partitionIndex,
      replicas,
      addingReplicas,
      removingReplicas,
    })),
  );
}
