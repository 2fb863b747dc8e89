// Who a producer is to the brokers: its producer id and epoch, and the transaction it has open (KIP-98). The producer
// asks here before it sends; nothing here knows about batches.
//
// A transaction: begin (nothing is sent) → every partition is announced to the coordinator before its first batch →
// offsets are announced and committed through the group's coordinator → end writes the markers. Any failure in between
// leaves only `abort`; being fenced by a newer producer with the same id leaves nothing.
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  type Api,
  create,
  describeTransactions,
  endTxn,
  ErrorCode,
  errorFor,
  type ErrorName,
  initProducerId,
  type Transport,
  txnOffsetCommit,
} from '../protocol/index.ts';
import { codeOf, MillraceError } from '../util/index.ts';
import type { GroupMetadata, OffsetToCommit, ProducerSettings } from './client.ts';
import type { Cluster } from './cluster.ts';

const DEFAULT_TRANSACTION_TIMEOUT_MS = 60_000;

const FENCED: readonly (ErrorName | undefined | string)[] = [
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
];

/** What says that offsets are not taken for now, or not from this generation: others may be, in the same transaction. */
const OF_THE_GROUP: readonly (ErrorName | undefined | string)[] = ['ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS'];

export class ProducerIdentity {
  producerId = -1;
  producerEpoch = -1;
  /** By this id brokers know the producer again, and fence the one before it. */
  readonly transactionalId: string | null;
  /** False for a producer that is fenced by its id, but sends outside of transactions. */
  readonly isTransactional: boolean;
  readonly #cluster: Cluster;
  readonly #timeoutMs: number;
  #open = false;
  /** Partitions that the coordinator knows to be part of the open transaction, as `topic-partition`. */
  readonly #announced = new Set<string>();
  #hasOffsets = false;
  /** Set once nothing can be done with this producer any more. */
  #fatal: MillraceError | undefined;
  #failure: unknown;
  /** Offsets that the group has not taken: without them, or others in their place, there is nothing to commit. */
  #refused: unknown;

  constructor(
    cluster: Cluster,
    settings: Pick<ProducerSettings, 'transactionalId' | 'fencingId' | 'transactionTimeoutMs'>,
  ) {
    this.#cluster = cluster;
    this.transactionalId = settings.transactionalId ?? settings.fencingId ?? null;
    this.isTransactional = settings.transactionalId !== undefined;
    this.#timeoutMs = settings.transactionTimeoutMs ?? DEFAULT_TRANSACTION_TIMEOUT_MS;
  }

  get inTransaction(): boolean {
    return this.#open;
  }

  /** Fetches a producer id; with a transactional id this also ends what an older producer left open, and fences it. */
  async initialize(): Promise<void> {
    this.#check();
    const body = create(initProducerId, {
      transactionalId: this.transactionalId,
      transactionTimeoutMs: this.#timeoutMs,
      producerId: -1,
      producerEpoch: -1,
    });
    const answer =
      this.transactionalId === null
        ? await this.#cluster.retrying(this.#timeoutMs, async () => {
            const response = await (await this.#cluster.any()).request(initProducerId, body);
            if (response.errorCode !== ErrorCode.NONE) throw errorFor(response.errorCode, 'InitProducerId');
            return response;
          })
        : await this.#ask(
            initProducerId,
            () => body,
            (response) => response.errorCode,
          );
    this.producerId = answer.producerId;
    this.producerEpoch = answer.producerEpoch;
  }

  begin(): void {
    this.#check();
    const fault = !this.isTransactional
      ? 'beginTransaction needs a transactionalId'
      : this.producerId < 0
        ? 'initTransactions comes before beginTransaction'
        : this.#open
          ? 'a transaction is open already'
          : undefined;
    if (fault !== undefined) throw new MillraceError('INVALID_STATE', fault);
    this.#open = true;
    this.#failure = undefined;
  }

  isAnnounced(topic: string, partition: number): boolean {
    return !this.#open || this.#announced.has(`${topic}-${partition}`);
  }

  /** Makes partitions part of the transaction. Must come before their first batch. */
  async announce(partitions: ReadonlyMap<string, readonly number[]>): Promise<void> {
    const topics = [...partitions].map(([name, indexes]) => ({ name, partitions: indexes }));
    const identity = {
      transactionalId: this.transactionalId!,
      producerId: this.producerId,
      producerEpoch: this.producerEpoch,
    };
    await this.#ask(
      addPartitionsToTxn,
      (transport) =>
        create(
          addPartitionsToTxn,
          (transport.versionOf(addPartitionsToTxn) ?? 0) >= 4
            ? { transactions: [{ ...identity, verifyOnly: false, topics }] }
            : {
                v3AndBelowTransactionalId: identity.transactionalId,
                v3AndBelowProducerId: identity.producerId,
                v3AndBelowProducerEpoch: identity.producerEpoch,
                v3AndBelowTopics: topics,
              },
        ),
      (response) => {
        if (response.errorCode !== ErrorCode.NONE) return response.errorCode;
        const results = [
          ...response.resultsByTopicV3AndBelow,
          ...response.resultsByTransaction.flatMap((transaction) => transaction.topicResults),
        ].flatMap((topic) => topic.resultsByPartition.map((result) => result.partitionErrorCode));
        // OPERATION_NOT_ATTEMPTED stands beside the error that is to blame.
        return results.find((code) => code !== ErrorCode.NONE && code !== ErrorCode.OPERATION_NOT_ATTEMPTED) ?? 0;
      },
    );
    for (const [topic, indexes] of partitions) for (const index of indexes) this.#announced.add(`${topic}-${index}`);
  }

  async sendOffsets(offsets: readonly OffsetToCommit[], group: GroupMetadata): Promise<void> {
    this.#checkOpen();
    this.#check();
    if (offsets.length === 0) return;
    const identity = {
      transactionalId: this.transactionalId!,
      producerId: this.producerId,
      producerEpoch: this.producerEpoch,
    };
    const { groupId, generationId, memberId, groupInstanceId } = group;
    try {
      if (!this.#hasOffsets) {
        await this.#ask(
          addOffsetsToTxn,
          () => create(addOffsetsToTxn, { ...identity, groupId }),
          (r) => r.errorCode,
        );
        this.#hasOffsets = true;
      }
      const topics = Map.groupBy(offsets, (offset) => offset.topic);
      await this.#cluster.askCoordinator(
        { type: 'group', key: groupId },
        txnOffsetCommit,
        () =>
          create(txnOffsetCommit, {
            ...identity,
            groupId,
            generationId,
            memberId,
            groupInstanceId,
            topics: [...topics].map(([name, list]) => ({
              name,
              partitions: list.map(({ partition, offset, metadata }) => ({
                partitionIndex: partition,
                committedOffset: offset,
                committedMetadata: metadata ?? '',
              })),
            })),
          }),
        (response) =>
          response.topics
            .flatMap((t) => t.partitions.map((p) => p.errorCode))
            .find((code) => code !== ErrorCode.NONE) ?? 0,
      );
      this.#refused = undefined;
    } catch (error) {
      if (!OF_THE_GROUP.includes(codeOf(error))) throw this.failed(error);
      this.#refused = error;
      throw error;
    }
  }

  /** Writes the transaction's end. The caller has made sure that every batch was acknowledged, or dropped for an abort. */
  async end(committed: boolean): Promise<void> {
    this.#checkOpen();
    if (this.#fatal !== undefined) throw this.#fatal;
    const failure = this.#failure ?? this.#refused;
    if (committed && failure !== undefined) throw failure;
    if (this.#announced.size > 0 || this.#hasOffsets) {
      const { transactionalId, producerId, producerEpoch } = this;
      const answer = await this.#ask(
        endTxn,
        () => create(endTxn, { transactionalId: transactionalId!, producerId, producerEpoch, committed }),
        (response) => response.errorCode,
      );
      // Transactions of the second version (KIP-890) answer with the identity of the next transaction.
      if (answer.producerId >= 0) {
        this.producerId = answer.producerId;
        this.producerEpoch = answer.producerEpoch;
      }
    }
    this.#open = false;
    this.#announced.clear();
    this.#hasOffsets = false;
    this.#refused = undefined;
  }

  /** Remembers what went wrong: the open transaction can't be committed any more. Returns the error to throw. */
  failed(error: unknown): unknown {
    if (this.transactionalId !== null && FENCED.includes(codeOf(error)) && this.#fatal === undefined) {
      this.#fatal = new MillraceError(
        'PRODUCER_FENCED',
        `another producer with the transactional id ${this.transactionalId} has taken over; this one must be closed`,
        { cause: error },
      );
    }
    this.#failure ??= error;
    return this.#fatal ?? error;
  }

  #checkOpen(): void {
    if (!this.#open) throw new MillraceError('INVALID_STATE', 'no transaction is open');
  }

  #check(): void {
    if (this.#fatal !== undefined) throw this.#fatal;
  }

  async #ask<Req, Res>(
    api: Api<Req, Res>,
    bodyFor: (transport: Transport) => Req,
    errorOf: (response: Res) => number,
  ): Promise<Res> {
    try {
      const coordinator = { type: 'transaction', key: this.transactionalId! } as const;
      return await this.#cluster.askCoordinator(coordinator, api, bodyFor, errorOf);
    } catch (error) {
      throw this.failed(error);
    }
  }
}

/** Answers to a fencing that say that somebody else ends the transaction, or has ended it. */
const ENDED_BY_OTHERS: readonly number[] = [
  ErrorCode.CONCURRENT_TRANSACTIONS,
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.PRODUCER_FENCED,
];

/**
 * Aborts what the producer of a transactional id has open, and fences it. One that has nothing open is left alone, and so is
 * one that another producer of that id has followed meanwhile: the epoch is asked first, and only it is fenced (KIP-360).
 * True when it had something open.
 */
export async function abortOpenTransaction(cluster: Cluster, transactionalId: string): Promise<boolean> {
  const coordinator = { type: 'transaction', key: transactionalId } as const;
  const { transactionStates } = await cluster.askCoordinator(
    coordinator,
    describeTransactions,
    () => create(describeTransactions, { transactionalIds: [transactionalId] }),
    ({ transactionStates: [found] }) =>
      found === undefined || found.errorCode === ErrorCode.TRANSACTIONAL_ID_NOT_FOUND
        ? ErrorCode.NONE
        : found.errorCode,
  );
  const [found] = transactionStates;
  if (found?.transactionState !== 'Ongoing') return false;
  const { producerId, producerEpoch, transactionTimeoutMs } = found;
  await cluster.askCoordinator(
    coordinator,
    initProducerId,
    () => create(initProducerId, { transactionalId, transactionTimeoutMs, producerId, producerEpoch }),
    ({ errorCode }) => (ENDED_BY_OTHERS.includes(errorCode) ? ErrorCode.NONE : errorCode),
  );
  return true;
}
