/**
 * CreateTopics, DeleteTopics, CreatePartitions, DeleteRecords.
 *
 * * CreateTopics 2: partitions, configs, or an assignment of replicas, which must be this broker. -1 partitions:
 *   `num.partitions`. More than one replica is refused with INVALID_REPLICATION_FACTOR. 5: the configs that the topic has. 7: its id.
 *   Everything of a topic is checked before it is made; `validateOnly` stops there. Names that differ from another topic's in '.'
 *   and '_' only, and `__cluster_metadata`, are refused.
 * * DeleteTopics 1: by name; 6: by id. Its files go after `file.delete.delay.ms`. Internal topics stay.
 * * CreatePartitions 0: more, never fewer. A request adds at most 10,000 partitions, as with Kafka (POLICY_VIOLATION).
 * * DeleteRecords 0: up to an offset, or (-1) to the high watermark; not of topics that are
 *   compacted only (POLICY_VIOLATION).
 *
 * Not done: replicas; topics of other brokers.
 */
import {
  createPartitions,
  createTopics,
  deleteRecords,
  deleteTopics,
  ErrorCode,
  type ErrorName,
  type RequestOf,
  type ResponseOf,
  ZERO_UUID,
} from '../../protocol/index.ts';
import { messageOf, MillraceError, Pace } from '../../util/index.ts';
import type { Core } from '../core.ts';
import { describeTopicConfigs } from '../topic-configs.ts';
import { checkGrowth, type NewTopic, type Topic } from '../topics.ts';
import { attempt, distinct, planInSteps, repeated } from './attempt.ts';
import { errorCodeOf } from './error-code.ts';
import { inStepsOn } from './handler.ts';

type Created = ResponseOf<typeof createTopics>['topics'][number];
type Deleted = ResponseOf<typeof deleteTopics>['responses'][number];

export const handleCreateTopics = inStepsOn(createTopics, function* (request, { core }) {
  // Before any of them is looked at: what is too much should not be worked on, either.
  const tooMany = attempt(() =>
    checkGrowth(request.topics.map(({ numPartitions, assignments }) => Math.max(1, numPartitions, assignments.length))),
  ).error;
  if (tooMany !== undefined) {
    const topics = yield* new Pace().map(request.topics, ({ name }) => notCreated(name, tooMany));
    return { throttleTimeMs: 0, topics };
  }
  const ambiguous = repeated(request.topics.map(({ name }) => name));
  const named = distinct(request.topics, ({ name }) => name);
  const planned = yield* planInSteps(named, (wanted) => {
    if (!ambiguous.has(wanted.name)) return planOf(core, wanted);
    throw refusal('INVALID_REQUEST', 'Duplicate topic name.');
  });
  const topics = planned.flatMap(({ value }) => (value === undefined ? [] : [value]));
  // All of them with one write, or none; too many are refused before anything is done.
  const { value: made, error: failure } = attempt(() => {
    checkGrowth(topics.map(({ partitions }) => partitions));
    return request.validateOnly ? [] : core.topics.create(topics);
  });
  const ids = new Map((made ?? []).map(({ name, id }) => [name, id]));
  const answers = yield* new Pace().map(named, ({ name }, i): Created => {
    const { value: topic, error = failure } = planned[i]!;
    return error === undefined ? created(core, topic!, ids.get(name) ?? ZERO_UUID) : notCreated(name, error);
  });
  return { throttleTimeMs: 0, topics: answers };
});

function created(core: Core, { name, partitions, configs }: NewTopic, topicId: string): Created {
  return {
    name,
    topicId,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    topicConfigErrorCode: ErrorCode.NONE,
    numPartitions: partitions,
    replicationFactor: 1,
    configs: describeTopicConfigs(core, configs).map(({ name: key, value, source }) => ({
      name: key,
      value,
      readOnly: false,
      configSource: source,
      isSensitive: false,
    })),
  };
}

function notCreated(name: string, error: unknown): Created {
  return {
    name,
    topicId: ZERO_UUID,
    errorCode: errorCodeOf(error),
    errorMessage: messageOf(error),
    topicConfigErrorCode: ErrorCode.NONE,
    numPartitions: -1,
    replicationFactor: -1,
    configs: [],
  };
}

/** A topic as it is asked for, checked. */
function planOf(core: Core, wanted: RequestOf<typeof createTopics>['topics'][number]): NewTopic {
  const { name } = wanted;
  const configs: Record<string, string> = {};
  for (const { name: key, value } of wanted.configs) {
    if (value === null) throw refusal('INVALID_CONFIG', `Config "${key}" of topic '${name}' is null; leave it out.`);
    configs[key] = value;
  }
  const topic = { name, partitions: partitionsWanted(core, wanted), configs };
  core.topics.check(topic);
  return topic;
}

/** The number of partitions of a new topic, from the request's three ways to say it; there is one replica of each. */
function partitionsWanted(
  core: Core,
  wanted: {
    readonly numPartitions: number;
    readonly replicationFactor: number;
    readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[];
  },
): number {
  const { numPartitions, replicationFactor, assignments } = wanted;
  if (assignments.length > 0) {
    if (numPartitions !== -1 || replicationFactor !== -1) {
      throw refusal('INVALID_REQUEST', 'Both an assignment of replicas and a number of partitions were given.');
    }
    checkGrowth([assignments.length]);
    const indexes = new Set(assignments.map(({ partitionIndex }) => partitionIndex));
    const isDense = assignments.every((_, index) => indexes.has(index));
    const nodeId = core.settings['node.id'];
    const isHere = assignments.every(({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === nodeId);
    if (!isDense || !isHere) {
      throw refusal('INVALID_REPLICA_ASSIGNMENT', `Every partition has exactly one replica, on broker ${nodeId}.`);
    }
    return assignments.length;
  }
  if (replicationFactor !== -1 && replicationFactor !== 1) {
    const message = `Replication factor ${replicationFactor} is not possible with the 1 broker there is.`;
    throw refusal('INVALID_REPLICATION_FACTOR', message);
  }
  return numPartitions === -1 ? core.settings['num.partitions'] : numPartitions;
}

export const handleDeleteTopics = inStepsOn(deleteTopics, function* (request, { core }) {
  const wanted = [
    ...request.topics.map(({ name, topicId }) => ({ name, topicId })),
    ...request.topicNames.map((name) => ({ name, topicId: ZERO_UUID })),
  ];
  const keyOf = ({ name, topicId }: (typeof wanted)[number]): string => `${name ?? ''}/${topicId}`;
  const ambiguous = repeated(wanted.map(keyOf));
  const named = distinct(wanted, keyOf);
  const found = yield* planInSteps(named, (each) => {
    if (!ambiguous.has(keyOf(each))) return topicToDelete(core, each.name, each.topicId);
    throw refusal('INVALID_REQUEST', 'Duplicate topic name.');
  });
  const topics = new Set(found.flatMap(({ value }) => (value === undefined ? [] : [value])));
  const { error: failure } = attempt(() => core.topics.delete([...topics]));
  const responses = yield* new Pace().map(named, ({ name, topicId }, i): Deleted => {
    const { value: topic, error = failure } = found[i]!;
    return error === undefined
      ? { name: topic!.name, topicId: topic!.id, errorCode: ErrorCode.NONE, errorMessage: null }
      : { name, topicId, errorCode: errorCodeOf(error), errorMessage: messageOf(error) };
  });
  return { throttleTimeMs: 0, responses };
});

function topicToDelete(core: Core, name: string | null, topicId: string): Topic {
  if (!core.settings['delete.topic.enable']) {
    throw refusal('TOPIC_DELETION_DISABLED', 'Deleting topics is switched off.');
  }
  if ((name === null) === (topicId === ZERO_UUID)) {
    throw refusal('INVALID_REQUEST', 'A topic to delete is named by its name or by its id: by one, and not by both.');
  }
  const topic = name === null ? core.topics.byId(topicId) : core.topics.get(name);
  if (topic === undefined) throw unknown(name, topicId);
  if (topic.isInternal) throw refusal('INVALID_REQUEST', `Topic '${topic.name}' is internal.`);
  return topic;
}

export const handleCreatePartitions = inStepsOn(createPartitions, function* (request, { core }) {
  const ambiguous = repeated(request.topics.map(({ name }) => name));
  const named = distinct(request.topics, ({ name }) => name);
  const planned = yield* planInSteps(named, ({ name, count: total, assignments }) => {
    if (ambiguous.has(name)) throw refusal('INVALID_REQUEST', 'Duplicate topic name.');
    const topic = core.topics.get(name);
    if (topic === undefined) throw unknown(name, ZERO_UUID);
    if (topic.isInternal) throw refusal('INVALID_TOPIC_EXCEPTION', `Topic '${name}' is internal.`);
    core.topics.checkPartitions(topic, total);
    checkAssignments(core, total - topic.partitions.length, assignments);
    return { topic, total };
  });
  const growths = planned.flatMap(({ value }) => (value === undefined ? [] : [value]));
  const { error: failure } = attempt(() => {
    checkGrowth(growths.map(({ topic, total }) => total - topic.partitions.length));
    if (!request.validateOnly) core.topics.addPartitions(growths);
  });
  const results = yield* new Pace().map(named, ({ name }, i) => {
    const error = planned[i]!.error ?? failure;
    return error === undefined
      ? { name, errorCode: ErrorCode.NONE, errorMessage: null }
      : { name, errorCode: errorCodeOf(error), errorMessage: messageOf(error) };
  });
  return { throttleTimeMs: 0, results };
});

/** Replicas may be named, if all of them are here; null leaves it to the broker. */
function checkAssignments(
  core: Core,
  count: number,
  assignments: readonly { readonly brokerIds: readonly number[] }[] | null,
): void {
  if (assignments === null) return;
  const nodeId = core.settings['node.id'];
  const isHere = assignments.every(({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === nodeId);
  if (assignments.length === count && isHere) return;
  const message = `${count} partitions are added, each with exactly one replica, on broker ${nodeId}.`;
  throw refusal('INVALID_REPLICA_ASSIGNMENT', message);
}

export const handleDeleteRecords = inStepsOn(deleteRecords, function* (request, { core }) {
  const pace = new Pace();
  const topics = yield* pace.mapMany(request.topics, function* ({ name, partitions }) {
    return {
      name,
      partitions: yield* pace.map(partitions, ({ partitionIndex, offset }) => {
        const partition = core.topics.partition(name, partitionIndex);
        const failed = (errorCode: number) => ({ partitionIndex, lowWatermark: -1, errorCode });
        if (partition === undefined) return failed(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
        if (partition.failure !== ErrorCode.NONE) return failed(partition.failure);
        if (partition.outage !== undefined) return failed(ErrorCode.KAFKA_STORAGE_ERROR);
        if (!core.topics.get(name)!.settings['cleanup.policy'].includes('delete')) {
          return failed(ErrorCode.POLICY_VIOLATION);
        }
        const target = offset === -1 ? partition.highWatermark : offset;
        if (target < 0 || target > partition.highWatermark) return failed(ErrorCode.OFFSET_OUT_OF_RANGE);
        const { error } = attempt(() => partition.log.advanceStart(target));
        if (error !== undefined) return failed(errorCodeOf(error));
        return { partitionIndex, lowWatermark: partition.log.startOffset, errorCode: ErrorCode.NONE };
      }),
    };
  });
  core.topics.writeCheckpoints();
  return { throttleTimeMs: 0, topics };
});

function unknown(name: string | null, topicId: string): MillraceError {
  return topicId === ZERO_UUID
    ? refusal('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic '${name}'.`)
    : refusal('UNKNOWN_TOPIC_ID', `There is no topic with the id ${topicId}.`);
}

function refusal(code: ErrorName, message: string): MillraceError {
  return new MillraceError(code, message);
}
