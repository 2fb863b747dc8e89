/**
 * Metadata and DescribeTopicPartitions: brokers, topics, and who leads their partitions.
 *
 * * Metadata 0: topics by name; none means all. 1: null means all. 4: whether a topic that is missing may be created; it is made with
 *   `num.partitions`, and this first answer is UNKNOWN_TOPIC_OR_PARTITION, which makes the client ask again. 8: authorized operations.
 *   10: ids of topics. 12: topics by id, UNKNOWN_TOPIC_ID for those that are not there.
 * * A partition whose log has failed has no leader (LEADER_NOT_AVAILABLE).
 * * DescribeTopicPartitions 0: by name, page by page, up to 2,000 partitions.
 *
 * Not done: other brokers; eligible leaders are empty.
 */
import {
  describeTopicPartitions,
  ErrorCode,
  metadata,
  OPERATIONS_NOT_ASKED,
  type ResponseOf,
  ZERO_UUID,
} from '../../protocol/index.ts';
import { codeOf } from '../../util/index.ts';
import { authorizedOperations } from '../authorized-operations.ts';
import type { Core, RequestContext } from '../core.ts';
import type { Partition } from '../partition.ts';
import type { Topic } from '../topics.ts';
import { on } from './handler.ts';

type Response = ResponseOf<typeof metadata>;
type TopicAnswer = Response['topics'][number];
type PartitionAnswer = TopicAnswer['partitions'][number];

/** The first version in which a topic may be asked for by its id. */
const FIRST_VERSION_WITH_IDS = 12;

/**
 * Brokers and topics. A topic that is asked for by name may be created on the way; that first answer is an error which
 * makes the client ask again, as Kafka's is.
 */
export const handleMetadata = on(metadata, (request, context): Response => {
  const { core, version } = context;
  const { host, port } = context.endpoint;
  const nodeId = core.settings['node.id'];
  const asksForAll = request.topics === null || (version === 0 && request.topics.length === 0);
  const topics = asksForAll
    ? [...core.topics.all()].map(describe)
    : request.topics.map(({ name, topicId }) => {
        if (topicId !== ZERO_UUID || name === null) return describeById(core, name, topicId, version);
        const topic = core.topics.get(name);
        return topic === undefined ? missing(name, context, request.allowAutoTopicCreation) : describe(topic);
      });
  return {
    throttleTimeMs: 0,
    brokers: [{ nodeId, host, port, rack: core.settings['broker.rack'] || null }],
    clusterId: core.clusterId,
    controllerId: nodeId,
    topics,
    clusterAuthorizedOperations: authorizedOperations('cluster', request.includeClusterAuthorizedOperations),
    errorCode: ErrorCode.NONE,
  };

  function describe(topic: Topic): TopicAnswer {
    return {
      ...withError(topic.name, topic.id, ErrorCode.NONE),
      isInternal: topic.isInternal,
      topicAuthorizedOperations: authorizedOperations('topic', request.includeTopicAuthorizedOperations),
      partitions: topic.partitions.map((partition) => describePartition(partition, nodeId)),
    };
  }

  function describeById(from: Core, name: string | null, id: string, inVersion: number): TopicAnswer {
    if (inVersion < FIRST_VERSION_WITH_IDS) return withError(name ?? '', id, ErrorCode.INVALID_REQUEST);
    const topic = from.topics.byId(id);
    return topic === undefined ? withError(null, id, ErrorCode.UNKNOWN_TOPIC_ID) : describe(topic);
  }
});

function missing(name: string, { core, version }: RequestContext, allowed: boolean): TopicAnswer {
  if (!(allowed || version < 4) || !core.settings['auto.create.topics.enable']) {
    return withError(name, ZERO_UUID, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  }
  try {
    core.topics.create(name, core.settings['num.partitions']);
  } catch (error) {
    const isName = codeOf(error) === 'INVALID_TOPIC_EXCEPTION';
    return withError(name, ZERO_UUID, isName ? ErrorCode.INVALID_TOPIC_EXCEPTION : ErrorCode.UNKNOWN_SERVER_ERROR);
  }
  return withError(name, ZERO_UUID, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
}

function withError(name: string | null, topicId: string, errorCode: number): TopicAnswer {
  return {
    errorCode,
    name,
    topicId,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations: OPERATIONS_NOT_ASKED,
  };
}

function describePartition(partition: Partition, nodeId: number): PartitionAnswer {
  const isUp = partition.failure === ErrorCode.NONE;
  return {
    errorCode: isUp ? ErrorCode.NONE : ErrorCode.LEADER_NOT_AVAILABLE,
    partitionIndex: partition.index,
    leaderId: isUp ? nodeId : -1,
    leaderEpoch: partition.log.leaderEpoch,
    replicaNodes: [nodeId],
    isrNodes: isUp ? [nodeId] : [],
    offlineReplicas: isUp ? [] : [nodeId],
  };
}

/** Topics in the order of their names, page by page. No topics asked for means all of them. */
export const handleDescribeTopicPartitions = on(describeTopicPartitions, (request, { core }) => {
  const nodeId = core.settings['node.id'];
  const names = request.topics.map(({ name }) => name);
  const wanted = [...new Set(names.length > 0 ? names : [...core.topics.all()].map(({ name }) => name))].sort();
  const { cursor } = request;
  let left = Math.max(1, Math.min(request.responsePartitionLimit, 2000));
  const topics: ResponseOf<typeof describeTopicPartitions>['topics'][number][] = [];
  for (const name of wanted) {
    if (cursor !== null && name < cursor.topicName) continue;
    const first = cursor?.topicName === name ? cursor.partitionIndex : 0;
    if (left === 0) return page({ topicName: name, partitionIndex: first });
    const topic = core.topics.get(name);
    const partitions = topic?.partitions.slice(first, first + left) ?? [];
    left -= partitions.length;
    topics.push({
      errorCode: topic === undefined ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.NONE,
      name,
      topicId: topic?.id ?? ZERO_UUID,
      isInternal: topic?.isInternal ?? false,
      partitions: partitions.map((partition) => ({
        ...describePartition(partition, nodeId),
        eligibleLeaderReplicas: [],
        lastKnownElr: [],
      })),
      topicAuthorizedOperations: OPERATIONS_NOT_ASKED,
    });
    if (topic !== undefined && first + partitions.length < topic.partitions.length) {
      return page({ topicName: name, partitionIndex: first + partitions.length });
    }
  }
  return page(null);

  function page(nextCursor: { topicName: string; partitionIndex: number } | null) {
    return { throttleTimeMs: 0, topics, nextCursor };
  }
});
