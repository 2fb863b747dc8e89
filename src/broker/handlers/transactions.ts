/**
 * Transactions: InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit, EndTxn, and what administrators ask.
 *
 * * InitProducerId 0: an id, or that of a transactional one, whose open transaction is ended first and whose older producers are
 *   fenced. 3: the epoch that the producer knows (KIP-360). Before 4 PRODUCER_FENCED is INVALID_PRODUCER_EPOCH.
 * * AddPartitionsToTxn 0: all or none (OPERATION_NOT_ATTEMPTED). 4: brokers verify. EndTxn 5 and TxnOffsetCommit 5: the second version
 *   of transactions, with a new epoch per transaction (KIP-890).
 * * DescribeProducers, DescribeTransactions, ListTransactions: all versions. ListTransactions 2: a pattern (RE2) of whole ids.
 * * What happens in a transaction: transactions/transaction-coordinator.ts.
 * * WriteTxnMarkers 1: an operator ends what a coordinator forgot (kafka-transactions abort); markers of an epoch or of a coordinator
 *   that is older than the last are refused. 2: which version of transactions they belong to: in the second, an epoch has one.
 *
 * Not done: two-phase commit (KIP-939).
 */
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  describeProducers,
  describeTransactions,
  endTxn,
  ErrorCode,
  initProducerId,
  listTransactions,
  type RequestOf,
  type ResponseOf,
  txnOffsetCommit,
  writeTxnMarkers,
  ZERO_UUID,
} from '../../protocol/index.ts';
import { RE2JS } from 're2js';
import type { Core } from '../core.ts';
import type { OffsetEntry } from '../groups/committed-offset.ts';
import { OFFSETS_TOPIC } from '../topics.ts';
import type { ProducerIdentity } from '../transactions/transaction-coordinator.ts';
import { type Place, TRANSACTION_STATES } from '../transactions/transaction.ts';
import { Pace } from '../../util/index.ts';
import { inStepsOn, on } from './handler.ts';
import { ENTRY_BYTES, textBytes } from '../memory-size.ts';
import { bytesOfNew } from './offsets.ts';
import { isStorableId } from './storable-id.ts';

type TopicPlaces = readonly { readonly name: string; readonly partitions: readonly number[] }[];
type TopicResult = ResponseOf<typeof addPartitionsToTxn>['resultsByTopicV3AndBelow'][number];

/** Clients before a version know the older name of being fenced. */
function fencedSince(firstVersion: number, version: number, errorCode: number): number {
  return errorCode === ErrorCode.PRODUCER_FENCED && version < firstVersion
    ? ErrorCode.INVALID_PRODUCER_EPOCH
    : errorCode;
}

export const handleInitProducerId = on(initProducerId, (request, { core, version }) => {
  const { transactionalId, transactionTimeoutMs, producerId, producerEpoch } = request;
  const response = (identity: ProducerIdentity): ResponseOf<typeof initProducerId> => ({
    throttleTimeMs: 0,
    errorCode: fencedSince(4, version, identity.errorCode),
    producerId: identity.producerId,
    producerEpoch: identity.epoch,
  });
  // What a producer knows is both, or neither (KIP-360).
  if ((producerId === -1) !== (producerEpoch === -1)) {
    return response({ errorCode: ErrorCode.INVALID_REQUEST, producerId: -1, epoch: -1 });
  }
  if (transactionalId === null) return response(core.transactions.newProducer());
  if (!isStorableId(transactionalId))
    return response({ errorCode: ErrorCode.INVALID_REQUEST, producerId: -1, epoch: -1 });
  const isNew = core.transactions.get(transactionalId) === undefined;
  if (isNew && !core.coordinatorMemory.admits(ENTRY_BYTES + textBytes(transactionalId)))
    return response({ errorCode: ErrorCode.POLICY_VIOLATION, producerId: -1, epoch: -1 });
  return new Promise<ResponseOf<typeof initProducerId>>((resolve) => {
    const expected = { producerId, epoch: producerEpoch };
    core.transactions.initProducer(transactionalId, transactionTimeoutMs, expected, (identity) =>
      resolve(response(identity)),
    );
  });
});

export const handleAddPartitionsToTxn = inStepsOn(addPartitionsToTxn, function* (request, { core, version }) {
  const empty = { throttleTimeMs: 0, errorCode: ErrorCode.NONE };
  if (version < 4) {
    const added = addPartitions(core, version, {
      transactionalId: request.v3AndBelowTransactionalId,
      producerId: request.v3AndBelowProducerId,
      producerEpoch: request.v3AndBelowProducerEpoch,
      verifyOnly: false,
      topics: request.v3AndBelowTopics,
    });
    return added.then((results) => ({ ...empty, resultsByTransaction: [], resultsByTopicV3AndBelow: results }));
  }
  const added = yield* new Pace().map(request.transactions, async (transaction) => ({
    transactionalId: transaction.transactionalId,
    topicResults: await addPartitions(core, version, transaction),
  }));
  return Promise.all(added).then((results) => ({
    ...empty,
    resultsByTransaction: results,
    resultsByTopicV3AndBelow: [],
  }));
});

async function addPartitions(
  core: Core,
  version: number,
  transaction: {
    readonly transactionalId: string;
    readonly producerId: number;
    readonly producerEpoch: number;
    readonly verifyOnly: boolean;
    readonly topics: TopicPlaces;
  },
): Promise<TopicResult[]> {
  const { transactionalId, producerId, producerEpoch, verifyOnly, topics } = transaction;
  const places = topics.flatMap(({ name, partitions }) => partitions.map((partition) => ({ topic: name, partition })));
  const missing = (place: Place): boolean => core.topics.partition(place.topic, place.partition) === undefined;
  // All or nothing: when one partition does not exist, the others are told that they were not attempted.
  const isIncomplete = places.some(missing);
  const errorCode = isIncomplete
    ? ErrorCode.OPERATION_NOT_ATTEMPTED
    : verifyOnly
      ? ErrorCode.NONE
      : await added(core, transactionalId, producerId, producerEpoch, places);
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => {
      const place = { topic: name, partition: partitionIndex };
      const ownCode = missing(place)
        ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        : verifyOnly && !isIncomplete
          ? core.transactions.isWriting(transactionalId, producerId, producerEpoch, place)
          : errorCode;
      return { partitionIndex, partitionErrorCode: fencedSince(2, version, ownCode) };
    }),
  }));
}

function added(core: Core, id: string, producerId: number, epoch: number, places: readonly Place[]): Promise<number> {
  return new Promise((resolve) => {
    core.transactions.addPlaces(id, producerId, epoch, places, resolve);
  });
}

export const handleAddOffsetsToTxn = on(addOffsetsToTxn, async (request, { core, version }) => {
  const { transactionalId, producerId, producerEpoch, groupId } = request;
  const places = [offsetsPlace(core, groupId)];
  const errorCode = await added(core, transactionalId, producerId, producerEpoch, places);
  return { throttleTimeMs: 0, errorCode: fencedSince(2, version, errorCode) };
});

function offsetsPlace(core: Core, groupId: string): Place {
  return { topic: OFFSETS_TOPIC, partition: core.groups.offsetsPartitionOf(groupId).index };
}

export const handleEndTxn = on(endTxn, (request, { core, version }) => {
  const { transactionalId, producerId, producerEpoch: epoch, committed } = request;
  const end = { producerId, epoch, committed, bumpsEpoch: version >= 5 };
  return new Promise<ResponseOf<typeof endTxn>>((resolve) => {
    core.transactions.end(transactionalId, end, (identity) =>
      resolve({
        throttleTimeMs: 0,
        errorCode: fencedSince(2, version, identity.errorCode),
        producerId: end.bumpsEpoch ? identity.producerId : -1,
        producerEpoch: end.bumpsEpoch ? identity.epoch : -1,
      }),
    );
  });
});

export const handleTxnOffsetCommit = on(txnOffsetCommit, (request, { core, version }) => {
  const { groupId, producerId, producerEpoch, generationId, memberId, groupInstanceId } = request;
  const answerAll = (errorCodeOf: (topic: string, partition: number) => number) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: errorCodeOf(name, partitionIndex),
      })),
    })),
  });
  if (!isStorableId(groupId)) return answerAll(() => ErrorCode.INVALID_GROUP_ID);
  const committer = { memberId, instanceId: groupInstanceId, epoch: generationId, knowsEpochs: true };
  const check = core.groups.commitCheck(groupId, { ...committer, isTransactional: true });
  const denied = (topic: string, partition: number): number =>
    check(core.topics.get(topic)?.id ?? ZERO_UUID, partition);
  const isDenied = request.topics.every(({ name, partitions }) =>
    partitions.every(({ partitionIndex }) => denied(name, partitionIndex) !== ErrorCode.NONE),
  );
  if (isDenied) return answerAll(denied);
  const refused = admitOffsets(core, request, offsetsPlace(core, groupId), version);
  if (refused !== ErrorCode.NONE) return answerAll(() => refused);
  const entries: OffsetEntry[] = [];
  const problems = new Map<string, number>();
  for (const { name, partitions } of request.topics) {
    for (const part of partitions) {
      const metadata = part.committedMetadata ?? '';
      const { partitionIndex } = part;
      if (core.topics.partition(name, partitionIndex) === undefined) {
        problems.set(`${name}/${partitionIndex}`, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
      } else if (denied(name, partitionIndex) !== ErrorCode.NONE) {
        problems.set(`${name}/${partitionIndex}`, denied(name, partitionIndex));
      } else if (Buffer.byteLength(metadata) > core.settings['offset.metadata.max.bytes']) {
        problems.set(`${name}/${partitionIndex}`, ErrorCode.OFFSET_METADATA_TOO_LARGE);
      } else {
        entries.push({
          topic: name,
          partition: partitionIndex,
          offset: part.committedOffset,
          leaderEpoch: part.committedLeaderEpoch,
          metadata,
          committedAt: core.environment.now(),
        });
      }
    }
  }
  const respond = (errorCode: number) =>
    answerAll((topic, partition) => problems.get(`${topic}/${partition}`) ?? errorCode);
  if (entries.length === 0) return respond(ErrorCode.NONE);
  const more = core.groups.get(groupId)?.offsets.bytesOfMore(entries) ?? bytesOfNew(groupId, entries);
  if (!core.coordinatorMemory.admits(more)) return respond(ErrorCode.INVALID_COMMIT_OFFSET_SIZE);
  const group = core.groups.getOrCreate(groupId);
  return new Promise<ReturnType<typeof respond>>((resolve) => {
    const producer = { id: producerId, epoch: producerEpoch };
    core.groups.commitInTransaction(group, entries, producer, (errorCode) => resolve(respond(errorCode)));
  });
});

/** From version 5 on the group's partition joins the transaction by itself. */
function admitOffsets(
  core: Core,
  { transactionalId: id, producerId, producerEpoch }: RequestOf<typeof txnOffsetCommit>,
  place: Place,
  version: number,
): number {
  const errorCode = core.transactions.isWriting(id, producerId, producerEpoch, place);
  if (errorCode === ErrorCode.PRODUCER_FENCED) return ErrorCode.INVALID_PRODUCER_EPOCH;
  // An error that every client of this API takes for passing.
  if (errorCode === ErrorCode.CONCURRENT_TRANSACTIONS) return ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
  if (errorCode !== ErrorCode.TRANSACTION_ABORTABLE) return errorCode;
  if (version >= 5) return core.transactions.announce(core.transactions.get(id)!, place);
  return version >= 4 ? ErrorCode.TRANSACTION_ABORTABLE : ErrorCode.INVALID_TXN_STATE;
}

// ── Looking at transactions ───────────────────────────────────────────────────────────────────────────────────────

export const handleDescribeProducers = inStepsOn(describeProducers, function* (request, { core }) {
  const pace = new Pace();
  const topics = yield* pace.mapMany(request.topics, function* ({ name, partitionIndexes }) {
    const partitions = yield* pace.map(partitionIndexes, (partitionIndex) => {
      const partition = core.topics.partition(name, partitionIndex);
      const producers = partition === undefined ? [] : [...partition.log.producers.entries()];
      return {
        partitionIndex,
        errorCode: partition === undefined ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.NONE,
        errorMessage: partition === undefined ? 'This server does not host this topic-partition.' : null,
        activeProducers: producers.map((entry) => ({
          producerId: entry.producerId,
          producerEpoch: entry.epoch,
          lastSequence: entry.batches.at(-1)?.lastSequence ?? -1,
          lastTimestamp: entry.lastTimestamp,
          coordinatorEpoch: entry.coordinatorEpoch,
          currentTxnStartOffset: entry.transactionStart,
        })),
      };
    });
    return { name, partitions };
  });
  return { throttleTimeMs: 0, topics };
});

export const handleDescribeTransactions = on(describeTransactions, (request, { core }) => ({
  throttleTimeMs: 0,
  transactionStates: request.transactionalIds.map((transactionalId) => {
    const found = core.transactions.get(transactionalId);
    const byTopic = Map.groupBy(found?.places.values() ?? [], ({ topic }) => topic);
    return {
      errorCode:
        found !== undefined
          ? ErrorCode.NONE
          : transactionalId === ''
            ? ErrorCode.INVALID_REQUEST
            : ErrorCode.TRANSACTIONAL_ID_NOT_FOUND,
      transactionalId,
      transactionState: found?.state ?? '',
      transactionTimeoutMs: found?.timeoutMs ?? 0,
      transactionStartTimeMs: found?.state === 'Ongoing' ? found.startedAt : -1,
      producerId: found?.producerId ?? -1,
      producerEpoch: found?.epoch ?? -1,
      topics: [...byTopic].map(([topic, places]) => ({ topic, partitions: places.map(({ partition }) => partition) })),
    };
  }),
}));

export const handleListTransactions = on(listTransactions, (request, { core }) => {
  const { stateFilters, producerIdFilters, durationFilter, transactionalIdPattern } = request;
  const known: readonly string[] = TRANSACTION_STATES;
  // In linear time, as Kafka's: one that backtracks would let a pattern stop everybody.
  let pattern: RE2JS | undefined;
  try {
    pattern = transactionalIdPattern ? RE2JS.compile(transactionalIdPattern) : undefined;
  } catch {
    const errorCode = ErrorCode.INVALID_REGULAR_EXPRESSION;
    return { throttleTimeMs: 0, errorCode, unknownStateFilters: [], transactionStates: [] };
  }
  const now = core.environment.now();
  const found = [...core.transactions.all()].filter(
    ({ id, state, producerId, startedAt }) =>
      (stateFilters.length === 0 || stateFilters.includes(state)) &&
      (producerIdFilters.length === 0 || producerIdFilters.includes(producerId)) &&
      (durationFilter < 0 || (state === 'Ongoing' && now - startedAt > durationFilter)) &&
      (pattern === undefined || pattern.matches(id)),
  );
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    unknownStateFilters: stateFilters.filter((state) => !known.includes(state)),
    transactionStates: found.map(({ id, producerId, state }) => ({
      transactionalId: id,
      producerId,
      transactionState: state,
    })),
  };
});

export const handleWriteTxnMarkers = on(writeTxnMarkers, async ({ markers }, { core }) => ({
  markers: await Promise.all(
    markers.map(
      async ({ producerId, producerEpoch, transactionResult, topics, coordinatorEpoch, transactionVersion }) => ({
        producerId,
        topics: await Promise.all(
          topics.map(async ({ name, partitionIndexes }) => ({
            name,
            partitions: await Promise.all(
              partitionIndexes.map(async (partitionIndex) => {
                const place = { topic: name, partition: partitionIndex };
                const marker = { producerId, producerEpoch, committed: transactionResult, coordinatorEpoch };
                const errorCode = await core.transactions.writeMarker(place, marker, transactionVersion);
                return { partitionIndex, errorCode };
              }),
            ),
          })),
        ),
      }),
    ),
  ),
}));
