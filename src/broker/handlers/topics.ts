/**
 * CreateTopics, DeleteTopics, CreatePartitions, DeleteRecords.
 *
 * * CreateTopics 2: partitions, configs, or an assignment of replicas, which must be this broker. -1 partitions:
 *   `num.partitions`. More than one replica is refused with INVALID_REPLICATION_FACTOR. 5: the configs that the topic has. 7: its id.
 *   Everything of a topic is checked before it is made; `validateOnly` stops there.
 * * DeleteTopics 1: by name; 6: by id. Its files go after `file.delete.delay.ms`. Internal topics stay.
 * * CreatePartitions 0: more, never fewer. DeleteRecords 0: up to an offset, or (-1) to the high watermark; not of topics that are
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
  type ResponseOf,
  ZERO_UUID,
} from '../../protocol/index.ts';
import { codeOf, messageOf, MillraceError } from '../../util/index.ts';
import type { Core } from '../core.ts';
import type { Topic } from '../topics.ts';
import { describeTopicConfigs } from '../topic-configs.ts';
import { on } from './handler.ts';

type Created = ResponseOf<typeof createTopics>['topics'][number];
type Deleted = ResponseOf<typeof deleteTopics>['responses'][number];

export const handleCreateTopics = on(createTopics, (request, { core }) => {
  const names = request.topics.map(({ name }) => name);
  return {
    throttleTimeMs: 0,
    topics: request.topics.map((wanted): Created => {
      const { name } = wanted;
      const configs = Object.fromEntries(
        wanted.configs.flatMap(({ name: key, value }) => (value === null ? [] : [[key, value]])),
      );
      try {
        if (names.filter((other) => other === name).length > 1) {
          throw refusal('INVALID_REQUEST', `Topic '${name}' appears more than once in the request.`);
        }
        const partitions = partitionsWanted(core, wanted);
        if (request.validateOnly) core.topics.check(name, partitions, configs);
        const topic = request.validateOnly ? undefined : core.topics.create(name, partitions, configs);
        return {
          name,
          topicId: topic?.id ?? ZERO_UUID,
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
      } catch (error) {
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
    }),
  };
});

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
    const indexes = assignments.map(({ partitionIndex }) => partitionIndex).sort((a, b) => a - b);
    const isDense = indexes.every((index, i) => index === i);
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

export const handleDeleteTopics = on(deleteTopics, (request, { core }) => {
  const wanted = [
    ...request.topics.map(({ name, topicId }) => ({ name, topicId })),
    ...request.topicNames.map((name) => ({ name, topicId: ZERO_UUID })),
  ];
  return {
    throttleTimeMs: 0,
    responses: wanted.map(({ name, topicId }): Deleted => {
      const topic = topicId === ZERO_UUID ? core.topics.get(name ?? '') : core.topics.byId(topicId);
      try {
        if (!core.settings['delete.topic.enable']) {
          throw refusal('TOPIC_DELETION_DISABLED', 'Deleting topics is switched off.');
        }
        if (name !== null && topicId !== ZERO_UUID) {
          throw refusal('INVALID_REQUEST', 'A topic to delete is named by its name or by its id, not by both.');
        }
        if (topic === undefined) throw unknown(name, topicId);
        if (topic.isInternal) throw refusal('INVALID_REQUEST', `Topic '${topic.name}' is internal.`);
        core.topics.delete(topic);
        return { name: topic.name, topicId: topic.id, errorCode: ErrorCode.NONE, errorMessage: null };
      } catch (error) {
        return { name, topicId, errorCode: errorCodeOf(error), errorMessage: messageOf(error) };
      }
    }),
  };
});

export const handleCreatePartitions = on(createPartitions, (request, { core }) => ({
  throttleTimeMs: 0,
  results: request.topics.map(({ name, count, assignments }) => {
    try {
      const topic = core.topics.get(name);
      if (topic === undefined) throw unknown(name, ZERO_UUID);
      checkGrowth(core, topic, count, assignments);
      if (!request.validateOnly) core.topics.addPartitions(topic, count);
      return { name, errorCode: ErrorCode.NONE, errorMessage: null };
    } catch (error) {
      return { name, errorCode: errorCodeOf(error), errorMessage: messageOf(error) };
    }
  }),
}));

function checkGrowth(
  core: Core,
  topic: Topic,
  count: number,
  assignments: readonly { readonly brokerIds: readonly number[] }[] | null,
): void {
  const present = topic.partitions.length;
  if (topic.isInternal) throw refusal('INVALID_TOPIC_EXCEPTION', `Topic '${topic.name}' is internal.`);
  if (count <= present) {
    const message = `Topic '${topic.name}' has ${present} partitions; it can only get more, not ${count}.`;
    throw refusal('INVALID_PARTITIONS', message);
  }
  if (assignments === null) return;
  const nodeId = core.settings['node.id'];
  const isHere = assignments.every(({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === nodeId);
  if (assignments.length !== count - present || !isHere) {
    const message = `${count - present} partitions are added, each with exactly one replica, on broker ${nodeId}.`;
    throw refusal('INVALID_REPLICA_ASSIGNMENT', message);
  }
}

export const handleDeleteRecords = on(deleteRecords, (request, { core }) => {
  const response = {
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, offset }) => {
        const partition = core.topics.partition(name, partitionIndex);
        const failed = (errorCode: number) => ({ partitionIndex, lowWatermark: -1, errorCode });
        if (partition === undefined) return failed(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
        if (partition.failure !== ErrorCode.NONE) return failed(partition.failure);
        if (!core.topics.get(name)!.settings['cleanup.policy'].includes('delete')) {
          return failed(ErrorCode.POLICY_VIOLATION);
        }
        const target = offset === -1 ? partition.highWatermark : offset;
        if (target < 0 || target > partition.highWatermark) return failed(ErrorCode.OFFSET_OUT_OF_RANGE);
        partition.log.advanceStart(target);
        return { partitionIndex, lowWatermark: partition.log.startOffset, errorCode: ErrorCode.NONE };
      }),
    })),
  };
  core.topics.writeCheckpoints();
  return response;
});

/** Kafka's error code of anything thrown. */
export function errorCodeOf(error: unknown): number {
  const code = codeOf(error);
  return code !== undefined && Object.hasOwn(ErrorCode, code)
    ? ErrorCode[code as ErrorName]
    : ErrorCode.UNKNOWN_SERVER_ERROR;
}

function unknown(name: string | null, topicId: string): MillraceError {
  return topicId === ZERO_UUID
    ? refusal('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic '${name}'.`)
    : refusal('UNKNOWN_TOPIC_ID', `There is no topic with the id ${topicId}.`);
}

function refusal(code: ErrorName, message: string): MillraceError {
  return new MillraceError(code, message);
}
