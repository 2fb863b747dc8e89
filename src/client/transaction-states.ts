// What transactions there are, and which producers are at work: what administrators ask where readers of committed records
// wait for one that does not end.
import {
  create,
  describeProducers as describeProducersApi,
  describeTransactions as describeTransactionsApi,
  ErrorCode,
  errorFor,
  listTransactions as listTransactionsApi,
  needsMetadata,
  type ResponseOf,
  type Transport,
  writeTxnMarkers,
} from '../protocol/index.ts';
import { MillraceError } from '../util/index.ts';
import type {
  HangingTransaction,
  ProducerState,
  TopicPartition,
  TransactionDescription,
  TransactionFilter,
  TransactionListing,
} from './client.ts';
import type { Cluster } from './cluster.ts';

type ProducersAnswer = ResponseOf<typeof describeProducersApi>['topics'][number]['partitions'][number];

const TIMEOUT_MS = 60_000;

/** Each broker tells of those that it coordinates. */
export async function listTransactions(
  cluster: Cluster,
  brokerIds: readonly number[],
  { states = [], producerIds = [], durationMs = -1, pattern = null }: TransactionFilter,
): Promise<TransactionListing[]> {
  const answers = await Promise.all(
    brokerIds.map(async (coordinator) => {
      const transport = await cluster.node(coordinator);
      const answer = await transport.request(
        listTransactionsApi,
        create(listTransactionsApi, {
          stateFilters: states,
          producerIdFilters: producerIds,
          durationFilter: durationMs,
          transactionalIdPattern: pattern,
        }),
      );
      if (answer.errorCode !== ErrorCode.NONE) throw errorFor(answer.errorCode, 'listing transactions');
      const [unknown] = answer.unknownStateFilters;
      if (unknown !== undefined) {
        throw new MillraceError('INVALID_ARGUMENT', `listTransactions: brokers know no state "${unknown}"`);
      }
      return answer.transactionStates.map(({ transactionalId, producerId, transactionState: state }) => ({
        transactionalId,
        coordinator,
        producerId,
        state,
      }));
    }),
  );
  return answers.flat();
}

/** Rejects with TRANSACTIONAL_ID_NOT_FOUND where nobody has used the id. */
export async function describeTransaction(cluster: Cluster, transactionalId: string): Promise<TransactionDescription> {
  const { transactionStates } = await cluster.askCoordinator(
    { type: 'transaction', key: transactionalId },
    describeTransactionsApi,
    () => create(describeTransactionsApi, { transactionalIds: [transactionalId] }),
    (answer) => answer.transactionStates[0]?.errorCode ?? ErrorCode.TRANSACTIONAL_ID_NOT_FOUND,
  );
  const found = transactionStates[0]!;
  return {
    transactionalId,
    coordinator: (await cluster.coordinatorAddress('transaction', transactionalId)).id,
    producerId: found.producerId,
    producerEpoch: found.producerEpoch,
    state: found.transactionState,
    timeoutMs: found.transactionTimeoutMs,
    startedAt: found.transactionStartTimeMs < 0 ? undefined : found.transactionStartTimeMs,
    partitions: found.topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition }))),
  };
}

/** The producers that a partition's leader knows of. */
export async function describeProducers(
  cluster: Cluster,
  { topic, partition }: TopicPartition,
): Promise<ProducerState[]> {
  return cluster.retrying(TIMEOUT_MS, async () => {
    const transport = await cluster.node(await cluster.leader(topic, partition));
    const { errorCode, errorMessage, activeProducers } = await askForProducers(transport, topic, partition);
    if (needsMetadata(errorCode)) cluster.doubt(topic);
    if (errorCode !== ErrorCode.NONE) {
      throw errorFor(errorCode, `listing the producers of ${topic}-${partition}`, errorMessage);
    }
    return activeProducers.map(stateOf);
  });
}

/** The same of a replica: what is asked of one broker is not waited for, and not asked of another. */
export async function describeProducersOf(
  transport: Transport,
  { topic, partition }: TopicPartition,
): Promise<ProducerState[]> {
  const { errorCode, errorMessage, activeProducers } = await askForProducers(transport, topic, partition);
  if (errorCode !== ErrorCode.NONE) {
    throw errorFor(errorCode, `listing the producers of ${topic}-${partition}`, errorMessage);
  }
  return activeProducers.map(stateOf);
}

async function askForProducers(transport: Transport, topic: string, partition: number): Promise<ProducersAnswer> {
  const request = create(describeProducersApi, { topics: [{ name: topic, partitionIndexes: [partition] }] });
  const answer = await transport.request(describeProducersApi, request);
  const found = answer.topics[0]?.partitions[0];
  if (found === undefined) throw errorFor(ErrorCode.UNKNOWN_SERVER_ERROR, `DescribeProducers of ${topic}-${partition}`);
  return found;
}

function stateOf(wire: ProducersAnswer['activeProducers'][number]): ProducerState {
  const { currentTxnStartOffset, ...state } = wire;
  return { ...state, transactionStartOffset: currentTxnStartOffset < 0 ? undefined : currentTxnStartOffset };
}

/** Writes into a partition that a transaction was aborted of which no coordinator knows any more (KIP-664). */
export async function abortTransaction(cluster: Cluster, transaction: HangingTransaction): Promise<void> {
  const { topic, partition, producerId, producerEpoch, coordinatorEpoch } = transaction;
  await cluster.retrying(TIMEOUT_MS, async () => {
    const transport = await cluster.node(await cluster.leader(topic, partition));
    const answer = await transport.request(
      writeTxnMarkers,
      create(writeTxnMarkers, {
        markers: [
          {
            producerId,
            producerEpoch,
            coordinatorEpoch,
            transactionResult: false,
            topics: [{ name: topic, partitionIndexes: [partition] }],
          },
        ],
      }),
    );
    const errorCode = answer.markers[0]?.topics[0]?.partitions[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
    if (needsMetadata(errorCode)) cluster.doubt(topic);
    if (errorCode !== ErrorCode.NONE) throw errorFor(errorCode, `aborting a transaction in ${topic}-${partition}`);
  });
}
