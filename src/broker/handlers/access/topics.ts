// Access to topics, and to what is in them.
import {
  AclOperation,
  AclResourceType,
  addPartitionsToTxn,
  BATCH_HEADER_BYTES,
  batchHeader,
  createPartitions,
  createTopics,
  deleteRecords,
  deleteTopics,
  describeProducers,
  describeTopicPartitions,
  ErrorCode,
  fetch,
  listOffsets,
  metadata,
  offsetForLeaderEpoch,
  OPERATIONS_NOT_ASKED,
  produce,
  type RequestOf,
  respond,
  type ResponseOf,
  TRANSACTIONAL,
  ZERO_UUID,
} from '../../../protocol/index.ts';
import type { Steps } from '../../../util/index.ts';
import type { Core } from '../../core.ts';
import { Access, accessRule, type AccessRule, open } from './access.ts';

const { READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS } = AclOperation;
const { TOPIC, TRANSACTIONAL_ID } = AclResourceType;
const DENIED = ErrorCode.TOPIC_AUTHORIZATION_FAILED;

/** By its id where the request has one; undefined for an id that nothing has, which is for the handler to say. */
function nameOf(core: Core, name: string, id: string): string | undefined {
  return id === ZERO_UUID ? name : core.topics.byId(id)?.name;
}

/** Whether something may be done with a topic that may be named by its id: ids tell nobody anything. */
function mayTopic(access: Access, operation: number, { name, topicId }: { name: string; topicId: string }): boolean {
  const known = nameOf(access.context.core, name, topicId);
  return known === undefined || access.may(operation, TOPIC, known);
}

// ── Records ───────────────────────────────────────────────────────────────────────────────────────────────────────

type Produced = RequestOf<typeof produce>['topicData'][number];

const toProduce = accessRule(produce, function* (request, access) {
  const { transactionalId } = request;
  const mayTransact = (): boolean => transactionalId !== null && access.may(WRITE, TRANSACTIONAL_ID, transactionalId);
  if (hasTransactionalRecords(request.topicData) && !mayTransact()) {
    const responses = request.topicData.map((topic) =>
      notProduced(topic, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
    );
    return { answer: respond(produce, { responses }) };
  }
  const { allowed, denied } = yield* access.split(request.topicData, (topic) => mayTopic(access, WRITE, topic));
  if (denied.length === 0) return { request };
  return {
    request: { ...request, topicData: allowed },
    finish(response) {
      return { ...response, responses: [...response.responses, ...denied.map((topic) => notProduced(topic, DENIED))] };
    },
  };
});

function hasTransactionalRecords(topics: readonly Produced[]): boolean {
  return topics.some(({ partitionData }) =>
    partitionData.some(
      ({ records }) =>
        records !== null &&
        records.length >= BATCH_HEADER_BYTES &&
        (batchHeader.attributes(records) & TRANSACTIONAL) !== 0,
    ),
  );
}

function notProduced(
  { name, topicId, partitionData }: Produced,
  errorCode: number,
): ResponseOf<typeof produce>['responses'][number] {
  const refused = { baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1, recordErrors: [], errorMessage: null };
  const currentLeader = { leaderId: -1, leaderEpoch: -1 };
  const partitionResponses = partitionData.map(({ index }) => ({ ...refused, index, errorCode, currentLeader }));
  return { name, topicId, partitionResponses };
}

const toListOffsets = accessRule(listOffsets, function* (request, access) {
  const { allowed, denied } = yield* access.split(request.topics, ({ name }) => access.may(DESCRIBE, TOPIC, name));
  if (denied.length === 0) return { request };
  const refused = denied.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({
      partitionIndex,
      errorCode: DENIED as number,
      timestamp: -1,
      offset: -1,
      leaderEpoch: -1,
    })),
  }));
  return {
    request: { ...request, topics: allowed },
    finish(response) {
      return { ...response, topics: [...response.topics, ...refused] };
    },
  };
});

const toEndsOfEpochs = accessRule(offsetForLeaderEpoch, function* (request, access) {
  if (access.mayClusterQuietly(CLUSTER_ACTION)) return { request };
  const { allowed, denied } = yield* access.split(request.topics, ({ topic }) => access.may(DESCRIBE, TOPIC, topic));
  if (denied.length === 0) return { request };
  const refused = denied.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition }) => ({
      errorCode: DENIED as number,
      partition,
      leaderEpoch: -1,
      endOffset: -1,
    })),
  }));
  return {
    request: { ...request, topics: allowed },
    finish(response) {
      return { ...response, topics: [...response.topics, ...refused] };
    },
  };
});

const toDeleteRecords = accessRule(deleteRecords, function* (request, access) {
  const { allowed, denied } = yield* access.split(request.topics, ({ name }) => access.may(DELETE, TOPIC, name));
  if (denied.length === 0) return { request };
  const refused = denied.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({
      partitionIndex,
      lowWatermark: -1,
      errorCode: DENIED as number,
    })),
  }));
  return {
    request: { ...request, topics: allowed },
    finish(response) {
      return { ...response, topics: [...response.topics, ...refused] };
    },
  };
});

const toDescribeProducers = accessRule(describeProducers, function* (request, access) {
  const { allowed, denied } = yield* access.split(request.topics, ({ name }) => access.may(READ, TOPIC, name));
  if (denied.length === 0) return { request };
  const refused = denied.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => ({
      partitionIndex,
      errorCode: DENIED as number,
      errorMessage: null,
      activeProducers: [],
    })),
  }));
  return {
    request: { ...request, topics: allowed },
    finish(response) {
      return { ...response, topics: [...response.topics, ...refused] };
    },
  };
});

/** One partition that may not be written to keeps all the others from it, too. */
const toAddPartitions = accessRule(addPartitionsToTxn, function* (request, access) {
  if (access.context.version >= 4) {
    if (access.mayCluster(CLUSTER_ACTION)) return { request };
    return { answer: respond(addPartitionsToTxn, { errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED }) };
  }
  const { v3AndBelowTopics: topics, v3AndBelowTransactionalId: id } = request;
  const results = (errorOf: (name: string, partition: number) => number) => ({
    answer: respond(addPartitionsToTxn, {
      resultsByTopicV3AndBelow: topics.map(({ name, partitions }) => ({
        name,
        resultsByPartition: partitions.map((partitionIndex) => ({
          partitionIndex,
          partitionErrorCode: errorOf(name, partitionIndex),
        })),
      })),
    }),
  });
  if (!access.may(WRITE, TRANSACTIONAL_ID, id)) return results(() => ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
  const { denied } = yield* access.split(topics, ({ name }) => access.may(WRITE, TOPIC, name));
  if (denied.length === 0) return { request };
  const deniedNames = new Set(denied.map(({ name }) => name));
  return results((name, partition) => {
    if (deniedNames.has(name)) return DENIED;
    const isThere = access.context.core.topics.partition(name, partition) !== undefined;
    return isThere ? ErrorCode.OPERATION_NOT_ATTEMPTED : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  });
});

// ── What there is ─────────────────────────────────────────────────────────────────────────────────────────────────

type Metadata = ResponseOf<typeof metadata>;

/** A topic that may not be described is denied whether it is there or not; one that may, but not be created, too. */
const toMetadata = accessRule(metadata, function* (request, access) {
  const { core, version } = access.context;
  const { topics } = request;
  const asksForAll = topics === null || (version === 0 && topics.length === 0);
  const finish = (denied: Metadata['topics']) => (response: Metadata) => completed(request, access, response, denied);
  if (asksForAll) return { request, finish: finish([]) };
  const isDescribed = ({ name, topicId }: { name: string | null; topicId: string }): boolean =>
    mayTopic(access, DESCRIBE, { name: name ?? '', topicId });
  const described = yield* access.split(topics, isDescribed);
  const creates = (request.allowAutoTopicCreation || version < 4) && core.settings['auto.create.topics.enable'];
  const isMissing = (name: string | null): boolean => name !== null && core.topics.get(name) === undefined;
  const mayCreate = !creates || access.mayClusterQuietly(CREATE);
  const wanted = yield* access.split(
    described.allowed,
    ({ name, topicId }) => mayCreate || topicId !== ZERO_UUID || !isMissing(name) || access.may(CREATE, TOPIC, name!),
  );
  const denied = [...wanted.denied, ...described.denied].map(({ name, topicId }) => deniedTopic(name, topicId));
  // Without any topic left the first version would ask for all.
  if (version === 0 && wanted.allowed.length === 0) {
    const nothing = (response: Metadata) => completed(request, access, { ...response, topics: [] }, denied);
    return { request, finish: nothing };
  }
  return { request: { ...request, topics: wanted.allowed }, finish: finish(denied) };
});

function deniedTopic(name: string | null, topicId: string): Metadata['topics'][number] {
  return {
    errorCode: DENIED,
    name: topicId === ZERO_UUID ? name : null,
    topicId,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations: OPERATIONS_NOT_ASKED,
  };
}

/** The answer without what its reader may not see, with what was refused, and what the reader may do. */
function* completed(
  request: RequestOf<typeof metadata>,
  access: Access,
  response: Metadata,
  denied: Metadata['topics'],
): Steps<Metadata> {
  const visible = yield* access.only(
    response.topics,
    ({ name }) => name === null || access.mayQuietly(DESCRIBE, TOPIC, name),
  );
  const asks = request.includeTopicAuthorizedOperations;
  const topics = yield* access.each(visible, (topic) =>
    asks && topic.name !== null
      ? { ...topic, topicAuthorizedOperations: access.operationsOn(TOPIC, topic.name) }
      : topic,
  );
  const clusterAuthorizedOperations = request.includeClusterAuthorizedOperations
    ? access.operationsOnCluster()
    : response.clusterAuthorizedOperations;
  return { ...response, topics: [...topics, ...denied], clusterAuthorizedOperations };
}

type Described = ResponseOf<typeof describeTopicPartitions>;

const toDescribePartitions = accessRule(describeTopicPartitions, function* (request, access) {
  const operations = (topics: Described['topics']) =>
    access.each(topics, (topic) => ({
      ...topic,
      topicAuthorizedOperations: access.operationsOn(TOPIC, topic.name ?? ''),
    }));
  const { allowed, denied } = yield* access.split(request.topics, ({ name }) => access.may(DESCRIBE, TOPIC, name));
  const refused = denied.map(({ name }) => ({
    errorCode: DENIED as number,
    name,
    topicId: ZERO_UUID,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations: OPERATIONS_NOT_ASKED,
  }));
  if (allowed.length === 0 && denied.length > 0) {
    return {
      answer: respond(describeTopicPartitions, { topics: refused, nextCursor: null }),
    };
  }
  return {
    request: { ...request, topics: allowed },
    *finish(response) {
      const isVisible = ({ name }: { name: string | null }): boolean => access.mayQuietly(DESCRIBE, TOPIC, name ?? '');
      const visible = yield* access.only(response.topics, isVisible);
      return { ...response, topics: [...(yield* operations(visible)), ...refused] };
    },
  };
});

// ── Making and removing ───────────────────────────────────────────────────────────────────────────────────────────

/** Whoever may not see a topic's configs is not told those of the one that was made. */
const toCreate = accessRule(createTopics, function* (request, access) {
  const mayCreate = access.mayClusterQuietly(CREATE);
  const { allowed, denied } = yield* access.split(
    request.topics,
    ({ name }) => mayCreate || access.may(CREATE, TOPIC, name),
  );
  const refused = denied.map(({ name }) => ({ ...hidden(name), errorCode: DENIED as number, topicConfigErrorCode: 0 }));
  return {
    request: { ...request, topics: allowed },
    *finish(response) {
      const topics = yield* access.each(response.topics, (topic) => {
        const isHidden = topic.errorCode === ErrorCode.NONE && !access.mayQuietly(DESCRIBE_CONFIGS, TOPIC, topic.name);
        return isHidden ? { ...topic, ...hidden(topic.name), topicId: topic.topicId } : topic;
      });
      return { ...response, topics: [...topics, ...refused] };
    },
  };
});

function hidden(name: string) {
  return {
    name,
    topicId: ZERO_UUID,
    errorCode: ErrorCode.NONE as number,
    errorMessage: null,
    topicConfigErrorCode: DENIED,
    numPartitions: -1,
    replicationFactor: -1,
    configs: [],
  };
}

/** That a topic is not there is told to those who would see it. */
const toDelete = accessRule(deleteTopics, function* (request, access) {
  const { core } = access.context;
  if (access.mayClusterQuietly(DELETE)) return { request };
  const isMissing = (name: string): boolean =>
    core.topics.get(name) === undefined && access.mayQuietly(DESCRIBE, TOPIC, name);
  const may = (name: string): boolean => isMissing(name) || access.may(DELETE, TOPIC, name);
  const byName = yield* access.split(request.topicNames, may);
  const both = yield* access.split(request.topics, ({ name, topicId }) => {
    if ((name === null) === (topicId === ZERO_UUID)) return true;
    return name === null ? mayTopic(access, DELETE, { name: '', topicId }) : may(name);
  });
  const refused = [...byName.denied.map((name) => ({ name, topicId: ZERO_UUID })), ...both.denied].map((topic) => {
    const known = nameOf(core, topic.name ?? '', topic.topicId);
    const isVisible = topic.topicId === ZERO_UUID || access.mayQuietly(DESCRIBE, TOPIC, known ?? '');
    const name = isVisible ? (known ?? null) : null;
    return { name, topicId: topic.topicId, errorCode: DENIED as number, errorMessage: null };
  });
  if (refused.length === 0) return { request };
  return {
    request: { ...request, topicNames: byName.allowed, topics: both.allowed },
    finish(response) {
      return { ...response, responses: [...response.responses, ...refused] };
    },
  };
});

const toCreatePartitions = accessRule(createPartitions, function* (request, access) {
  const { allowed, denied } = yield* access.split(request.topics, ({ name }) => access.may(ALTER, TOPIC, name));
  if (denied.length === 0) return { request };
  return {
    request: { ...request, topics: allowed },
    finish(response) {
      const refused = denied.map(({ name }) => ({ name, errorCode: DENIED as number, errorMessage: null }));
      return { ...response, results: [...response.results, ...refused] };
    },
  };
});

export const topicRules: readonly AccessRule[] = [
  toProduce,
  // What is fetched is known to its session only: the handler asks for each topic.
  open(fetch),
  toListOffsets,
  toMetadata,
  toCreate,
  toDelete,
  toDeleteRecords,
  toEndsOfEpochs,
  toAddPartitions,
  toCreatePartitions,
  toDescribeProducers,
  toDescribePartitions,
];

/** Which topics may be seen of those that a pattern finds; undefined: all. */
export function sightOf({
  core,
  session,
  clientHost: host,
}: Access['context']): ((topic: string) => boolean) | undefined {
  const { authorizer } = core;
  if (authorizer === undefined || session.isPlatform) return undefined;
  const { principal } = session;
  return (resourceName) =>
    authorizer.decide({ principal, host, operation: DESCRIBE, resourceType: TOPIC, resourceName }).isAllowed;
}

/** Whether records of a topic may be fetched. */
export function mayFetch(context: Access['context'], topic: string): boolean {
  const { authorizer } = context.core;
  if (authorizer === undefined || context.session.isPlatform) return true;
  return new Access(context, authorizer, fetch.name).may(READ, TOPIC, topic);
}
