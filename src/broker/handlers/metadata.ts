/**
 * Metadata and DescribeTopicPartitions: brokers, topics, and who leads their partitions.
 *
 * * Metadata 0: topics by name; none means all. 1: null means all. 4: whether a topic that is missing may be created: with
 *   `num.partitions`, all that are missing at once, and described at once. 8: authorized operations.
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
import { messageOf, Pace, type Steps } from '../../util/index.ts';
import { authorizedOperations } from '../authorized-operations.ts';
import type { Core } from '../core.ts';
import type { Partition } from '../partition.ts';
import { MAX_NEW_PARTITIONS, type NewTopic, type Topic } from '../topics.ts';
import { errorCodeOf } from './error-code.ts';
import { inStepsOn, on } from './handler.ts';

type Response = ResponseOf<typeof metadata>;
type TopicAnswer = Response['topics'][number];
type PartitionAnswer = TopicAnswer['partitions'][number];

/** The first version in which a topic may be asked for by its id. */
const FIRST_VERSION_WITH_IDS = 12;
/** The first version in which a client may ask that nothing is created. */
const FIRST_VERSION_THAT_MAY_REFUSE = 4;

/** Brokers and topics, each once however often it was asked for. Topics that are asked for by name may be created on the way. */
export const handleMetadata = inStepsOn(metadata, function* (request, context) {
  const { core, version } = context;
  const { host, port } = context.endpoint;
  const nodeId = core.settings['node.id'];
  const asksForAll = request.topics === null || (version === 0 && request.topics.length === 0);
  const pace = new Pace();
  const topics = asksForAll
    ? yield* pace.mapMany([...core.topics.all()], describe)
    : yield* describeWanted(request.topics);
  return {
    throttleTimeMs: 0,
    brokers: [{ nodeId, host, port, rack: core.settings['broker.rack'] || null }],
    clusterId: core.clusterId,
    controllerId: nodeId,
    topics,
    clusterAuthorizedOperations: authorizedOperations('cluster', request.includeClusterAuthorizedOperations),
    errorCode: ErrorCode.NONE,
  };

  function* describeWanted(wanted: NonNullable<typeof request.topics>): Steps<TopicAnswer[]> {
    const isNamed = (topic: (typeof wanted)[number]): boolean => topic.topicId === ZERO_UUID && topic.name !== null;
    const names = new Set(wanted.flatMap((topic) => (isNamed(topic) ? [topic.name!] : [])));
    const others = new Map(wanted.flatMap((topic) => (isNamed(topic) ? [] : [[topic.topicId, topic.name] as const])));
    const mayCreate = request.allowAutoTopicCreation || version < FIRST_VERSION_THAT_MAY_REFUSE;
    const problems = mayCreate ? createMissing(core, names) : new Map<string, number>();
    const answers = yield* pace.mapMany([...names], function* (name) {
      const topic = core.topics.get(name);
      if (topic !== undefined) return yield* describe(topic);
      return withError(name, ZERO_UUID, problems.get(name) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    });
    const answersById = yield* pace.mapMany([...others], function* ([id, name]) {
      if (version < FIRST_VERSION_WITH_IDS) return withError(name ?? '', id, ErrorCode.INVALID_REQUEST);
      const topic = core.topics.byId(id);
      return topic === undefined ? withError(null, id, ErrorCode.UNKNOWN_TOPIC_ID) : yield* describe(topic);
    });
    return [...answers, ...answersById];
  }

  function* describe(topic: Topic): Steps<TopicAnswer> {
    return {
      ...withError(topic.name, topic.id, ErrorCode.NONE),
      isInternal: topic.isInternal,
      topicAuthorizedOperations: authorizedOperations('topic', request.includeTopicAuthorizedOperations),
      partitions: yield* pace.map(topic.partitions, (partition) => describePartition(partition, nodeId)),
    };
  }
});

/**
 * Creates the topics that are not there, with one write; returns the error of each that can't be made. What is too much for
 * one request is left to the next: the client is told that the topic is not there, and asks again.
 */
function createMissing(core: Core, names: ReadonlySet<string>): ReadonlyMap<string, number> {
  const problems = new Map<string, number>();
  if (!core.settings['auto.create.topics.enable']) return problems;
  const wanted: NewTopic[] = [];
  let room = MAX_NEW_PARTITIONS;
  for (const name of names) {
    if (core.topics.get(name) !== undefined) continue;
    const topic = core.topics.byDefault(name);
    // Names that are refused take their share too.
    room -= topic.partitions;
    if (room < 0) break;
    try {
      core.topics.check(topic);
      wanted.push(topic);
    } catch (error) {
      problems.set(name, errorCodeOf(error));
    }
  }
  if (wanted.length === 0) return problems;
  try {
    core.topics.create(wanted);
  } catch (error) {
    core.report(`topics can not be created: ${messageOf(error)}`);
    for (const { name } of wanted) problems.set(name, errorCodeOf(error));
  }
  return problems;
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
      topicAuthorizedOperations: authorizedOperations('topic', true),
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
