/**
 * Transactions. The life of one: InitProducerId gives a producer id and an epoch that fences older producers; the first
 * record (or AddPartitionsToTxn) makes it Ongoing and every partition it writes to is noted; EndTxn notes the decision
 * durably (PrepareCommit, PrepareAbort), writes a marker to each of those partitions, and when the markers are durable
 * it is complete. From the durable decision on, a crash only delays it: at startup the markers are written again.
 *
 * Clients of transaction version 2 get a higher epoch with every transaction, so that a request that comes late can't end
 * up in the next one.
 */
import { BatchCursor, batchHeader, buildTransactionMarker, ErrorCode } from '../../protocol/index.ts';
import { type Environment, messageOf } from '../../util/index.ts';
import type { GroupCoordinator } from '../groups/group-coordinator.ts';
import { coordinatorError, InternalTopic } from '../internal-topic.ts';
import type { Partition, Settled } from '../partition.ts';
import type { BrokerSettings } from '../settings.ts';
import { OFFSETS_TOPIC, type Topics, TRANSACTIONS_TOPIC } from '../topics.ts';
import type { ProducerIds } from './producer-ids.ts';
import {
  newTransaction,
  type Place,
  placeKey,
  readTransaction,
  readTransactionKey,
  type Transaction,
  transactionRecord,
  transactionTombstone,
} from './transaction.ts';

/** The last epoch is kept for fencing: a producer that would get it gets a new producer id instead. */
const LAST_EPOCH = 32767;
const COORDINATOR_EPOCH = 0;
const EXPIRY_CHECK_MS = 3_600_000;
/** Produce from this version on adds its partition to the transaction by itself. */
const FIRST_IMPLICIT_PRODUCE = 12;
/** The first version of Produce that knows TRANSACTION_ABORTABLE. */
const FIRST_ABORTABLE_PRODUCE = 11;

export interface ProducerIdentity {
  readonly errorCode: number;
  readonly producerId: number;
  readonly epoch: number;
}

interface TransactionEnd {
  readonly producerId: number;
  readonly epoch: number;
  readonly committed: boolean;
  readonly bumpsEpoch: boolean;
}

export class TransactionCoordinator {
  readonly #settings: BrokerSettings;
  readonly #environment: Environment;
  readonly #topics: Topics;
  readonly #groups: GroupCoordinator;
  readonly #ids: ProducerIds;
  readonly #report: (message: string) => void;
  readonly #journal: InternalTopic;
  readonly #transactions = new Map<string, Transaction>();
  #stopTimers: (() => void)[] = [];

  constructor(options: {
    readonly settings: BrokerSettings;
    readonly environment: Environment;
    readonly topics: Topics;
    readonly groups: GroupCoordinator;
    readonly ids: ProducerIds;
    readonly report: (message: string) => void;
  }) {
    this.#settings = options.settings;
    this.#environment = options.environment;
    this.#topics = options.topics;
    this.#groups = options.groups;
    this.#ids = options.ids;
    this.#report = options.report;
    this.#journal = new InternalTopic({
      name: TRANSACTIONS_TOPIC,
      topics: options.topics,
      environment: options.environment,
      partitions: options.settings['transaction.state.log.num.partitions'],
      segmentBytes: options.settings['transaction.state.log.segment.bytes'],
    });
  }

  get(id: string): Transaction | undefined {
    return this.#transactions.get(id);
  }

  all(): Iterable<Transaction> {
    return this.#transactions.values();
  }

  // ── Producer ids ────────────────────────────────────────────────────────────────────────────────────────────────

  /** A producer id for an idempotent producer without transactions. */
  newProducer(): ProducerIdentity {
    return { errorCode: ErrorCode.NONE, producerId: this.#ids.take(), epoch: 0 };
  }

  /** Gives the producer with a transactional id its next epoch; an open transaction of an older one is aborted first. */
  initProducer(
    id: string,
    timeoutMs: number,
    expected: { readonly producerId: number; readonly epoch: number },
    answer: (identity: ProducerIdentity) => void,
  ): void {
    const refuse = (errorCode: number): void => answer({ errorCode, producerId: -1, epoch: -1 });
    if (timeoutMs <= 0 || timeoutMs > this.#settings['transaction.max.timeout.ms']) {
      return refuse(ErrorCode.INVALID_TRANSACTION_TIMEOUT);
    }
    let transaction = this.#transactions.get(id);
    if (transaction === undefined) {
      transaction = newTransaction(id, this.#ids.take(), timeoutMs, this.#environment.now());
      this.#transactions.set(id, transaction);
    } else if (expected.producerId >= 0) {
      const { producerId, epoch, previousEpoch } = transaction;
      const isRetry = expected.epoch === previousEpoch;
      if (expected.producerId !== producerId || (expected.epoch !== epoch && !isRetry)) {
        return refuse(ErrorCode.PRODUCER_FENCED);
      }
    }
    if (isBusy(transaction)) return refuse(ErrorCode.CONCURRENT_TRANSACTIONS);
    if (transaction.state === 'Ongoing') {
      this.#end(transaction, false, 'fence', (errorCode) => {
        if (errorCode === ErrorCode.NONE) this.initProducer(id, timeoutMs, { producerId: -1, epoch: -1 }, answer);
        else refuse(errorCode);
      });
      return;
    }
    this.#nextEpoch(transaction);
    transaction.timeoutMs = timeoutMs;
    transaction.state = 'Empty';
    transaction.places.clear();
    const { producerId, epoch } = transaction;
    this.#store(transaction, (errorCode) =>
      errorCode === ErrorCode.NONE ? answer({ errorCode, producerId, epoch }) : refuse(errorCode),
    );
  }

  #nextEpoch(transaction: Transaction): void {
    transaction.previousEpoch = transaction.epoch;
    if (transaction.epoch + 1 < LAST_EPOCH) {
      transaction.epoch++;
      return;
    }
    transaction.producerId = this.#ids.take();
    transaction.epoch = 0;
    transaction.previousEpoch = -1;
  }

  // ── Writing ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Notes that a transaction will write to partitions; `answer` comes when that is durable. */
  addPlaces(
    id: string,
    producerId: number,
    epoch: number,
    places: readonly Place[],
    answer: (errorCode: number) => void,
  ): void {
    const transaction = this.#transactions.get(id);
    const errorCode = this.#check(transaction, producerId, epoch);
    if (transaction === undefined || errorCode !== ErrorCode.NONE) return answer(errorCode);
    if (this.#note(transaction, places)) this.#store(transaction, answer);
    else answer(ErrorCode.NONE);
  }

  /** Whether a transaction is known to write to a partition. */
  isWriting(id: string, producerId: number, epoch: number, place: Place): number {
    const transaction = this.#transactions.get(id);
    const errorCode = this.#check(transaction, producerId, epoch);
    if (transaction === undefined || errorCode !== ErrorCode.NONE) return errorCode;
    const isKnown = transaction.state === 'Ongoing' && transaction.places.has(placeKey(place));
    return isKnown ? ErrorCode.NONE : ErrorCode.TRANSACTION_ABORTABLE;
  }

  /** Whether records of a transaction may be appended to a partition; from Produce v12 on this also announces it. */
  admit(id: string, producerId: number, epoch: number, place: Place, version: number): number {
    const transaction = this.#transactions.get(id);
    const errorCode = this.#check(transaction, producerId, epoch);
    if (errorCode === ErrorCode.PRODUCER_FENCED) return ErrorCode.INVALID_PRODUCER_EPOCH;
    if (transaction === undefined || errorCode !== ErrorCode.NONE) return errorCode;
    if (transaction.state === 'Ongoing' && transaction.places.has(placeKey(place))) return ErrorCode.NONE;
    if (version >= FIRST_IMPLICIT_PRODUCE) return this.announce(transaction, place);
    if (!this.#settings['transaction.partition.verification.enable']) return this.announce(transaction, place);
    return version >= FIRST_ABORTABLE_PRODUCE ? ErrorCode.TRANSACTION_ABORTABLE : ErrorCode.INVALID_TXN_STATE;
  }

  /**
   * Notes a partition without waiting for the journal: should a crash lose the note, the records in the partition say
   * the same, and startup notes it again.
   */
  announce(transaction: Transaction, place: Place): number {
    if (this.#note(transaction, [place])) {
      this.#journal.append(transaction.id, [transactionRecord(transaction)], () => {});
    }
    return ErrorCode.NONE;
  }

  #note(transaction: Transaction, places: readonly Place[]): boolean {
    const before = transaction.places.size;
    if (transaction.state !== 'Ongoing') {
      transaction.places.clear();
      transaction.state = 'Ongoing';
      transaction.startedAt = this.#environment.now();
    } else if (places.every((place) => transaction.places.has(placeKey(place)))) {
      return false;
    }
    for (const place of places) transaction.places.set(placeKey(place), place);
    transaction.updatedAt = this.#environment.now();
    return transaction.places.size !== before || before === 0;
  }

  #check(transaction: Transaction | undefined, producerId: number, epoch: number): number {
    if (transaction === undefined || transaction.producerId !== producerId)
      return ErrorCode.INVALID_PRODUCER_ID_MAPPING;
    if (transaction.epoch !== epoch) return ErrorCode.PRODUCER_FENCED;
    return isBusy(transaction) ? ErrorCode.CONCURRENT_TRANSACTIONS : ErrorCode.NONE;
  }

  // ── Ending ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Commits or aborts. With `bumpsEpoch` (transaction version 2) the answer has the identity to go on with. */
  end(
    id: string,
    { producerId, epoch, committed, bumpsEpoch }: TransactionEnd,
    answer: (identity: ProducerIdentity) => void,
  ): void {
    const transaction = this.#transactions.get(id);
    const refuse = (errorCode: number): void => answer({ errorCode, producerId: -1, epoch: -1 });
    const succeed = (): void =>
      answer({ errorCode: ErrorCode.NONE, producerId: transaction!.producerId, epoch: transaction!.epoch });
    if (transaction === undefined) return refuse(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
    const isDone = transaction.state === (committed ? 'CompleteCommit' : 'CompleteAbort');
    const wasBumped = bumpsEpoch && transaction.previousEpoch === epoch;
    if (wasBumped && isDone && !transaction.isChanging) return succeed();
    const errorCode = this.#check(transaction, producerId, epoch);
    if (errorCode !== ErrorCode.NONE) return refuse(errorCode);
    if (transaction.state !== 'Ongoing') {
      if (!bumpsEpoch && isDone) return succeed();
      // An abort of nothing still moves on to the next epoch: what is on its way with this one is fenced.
      if (!bumpsEpoch || committed) return refuse(ErrorCode.INVALID_TXN_STATE);
      transaction.places.clear();
    }
    this.#end(transaction, committed, bumpsEpoch ? 'bump' : 'keep', (code) =>
      code === ErrorCode.NONE ? succeed() : refuse(code),
    );
  }

  /**
   * `bump` gives the producer a higher epoch, and remembers its old one so that it may ask again; `fence` gives nobody
   * the higher epoch, and so shuts the producer out.
   */
  #end(
    transaction: Transaction,
    committed: boolean,
    epochs: 'keep' | 'bump' | 'fence',
    done: (errorCode: number) => void,
  ): void {
    const before = { ...transaction };
    transaction.state = committed ? 'PrepareCommit' : 'PrepareAbort';
    // The markers carry the new epoch: behind them the partitions refuse the old one.
    const { producerId } = transaction;
    transaction.isBumped = epochs !== 'keep';
    if (transaction.isBumped) {
      transaction.previousEpoch = epochs === 'bump' ? transaction.epoch : -1;
      transaction.epoch++;
    }
    this.#store(transaction, (errorCode) => {
      if (errorCode !== ErrorCode.NONE) {
        transaction.state = before.state;
        transaction.epoch = before.epoch;
        transaction.previousEpoch = before.previousEpoch;
        return done(errorCode);
      }
      this.#complete(transaction, producerId, committed, (code) => {
        if (code === ErrorCode.NONE && transaction.epoch >= LAST_EPOCH) this.#nextEpoch(transaction);
        done(code);
      });
    });
  }

  /**
   * The decision is durable: markers go to all partitions, and when they are durable it is over. Where a partition is out of
   * service the decision stays noted as such, for the next start to carry out: as complete it would be forgotten.
   */
  #complete(transaction: Transaction, producerId: number, committed: boolean, done: (errorCode: number) => void): void {
    const places = [...transaction.places.values()];
    let left = places.length + 1;
    let failure: number = ErrorCode.NONE;
    const settled = (errorCode: number): void => {
      // Of a deleted topic nothing is left to be marked.
      if (errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) failure ||= errorCode;
      if (--left > 0) return;
      if (failure !== ErrorCode.NONE) {
        this.#report(`transaction ${transaction.id} is decided, and can not be ended in all of its partitions`);
        return done(coordinatorError(failure));
      }
      this.#groups.endTransaction(producerId, committed);
      transaction.state = committed ? 'CompleteCommit' : 'CompleteAbort';
      transaction.places.clear();
      transaction.updatedAt = this.#environment.now();
      done(ErrorCode.NONE);
      // Not waited for: should a crash lose it, startup finds the decision and writes the markers once more.
      this.#append(transaction, () => {});
    };
    for (const { topic, partition: index } of places) {
      const partition = this.#topics.partition(topic, index);
      if (partition === undefined) settled(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
      else this.#mark(partition, producerId, transaction.epoch, committed, settled);
    }
    settled(ErrorCode.NONE);
  }

  #mark(partition: Partition, producerId: number, epoch: number, committed: boolean, settled: Settled): void {
    const marker = buildTransactionMarker({
      committed,
      producerId,
      producerEpoch: epoch,
      coordinatorEpoch: COORDINATOR_EPOCH,
      timestamp: this.#environment.now(),
    });
    const offset = partition.appendMarker(marker);
    if (offset < 0) settled(partition.failure);
    else partition.whenDurable(offset, settled);
  }

  // ── Journal ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #store(transaction: Transaction, stored: (errorCode: number) => void): void {
    transaction.isChanging = true;
    transaction.updatedAt = this.#environment.now();
    this.#append(transaction, (errorCode) => {
      transaction.isChanging = false;
      stored(coordinatorError(errorCode));
    });
  }

  #append(transaction: Transaction, settled: (errorCode: number) => void): void {
    try {
      this.#journal.append(transaction.id, [transactionRecord(transaction)], settled);
    } catch (error) {
      this.#report(`transaction ${transaction.id} can not be stored: ${messageOf(error)}`);
      settled(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    }
  }

  /** Reads the journal back, finishes what was decided, and picks up what was going on. */
  load(): void {
    for (const { log } of this.#journal.existing()) {
      const last = new Map<string, Buffer | null>();
      log.forEachBatch(log.startOffset, (bytes, at) => {
        const cursor = new BatchCursor(bytes.subarray(at, at + batchHeader.sizeInBytes(bytes, at)));
        while (cursor.advance()) {
          if (cursor.keyStart < 0) continue;
          const id = readTransactionKey(cursor.bytes.subarray(cursor.keyStart, cursor.keyEnd));
          if (id === undefined) continue;
          const isGone = cursor.valueStart < 0;
          last.set(id, isGone ? null : Buffer.from(cursor.bytes.subarray(cursor.valueStart, cursor.valueEnd)));
        }
        return true;
      });
      for (const [id, value] of last) {
        const transaction = value === null ? undefined : readTransaction(id, value);
        if (transaction !== undefined) this.#transactions.set(id, transaction);
      }
    }
    this.#adoptOpenTransactions();
    for (const transaction of this.#transactions.values()) {
      const { state, producerId } = transaction;
      if (state !== 'PrepareCommit' && state !== 'PrepareAbort') continue;
      this.#complete(transaction, producerId, state === 'PrepareCommit', () => {});
    }
  }

  /** Records that a transaction wrote before a crash belong to it again; those of a transaction long gone are aborted. */
  #adoptOpenTransactions(): void {
    const byProducer = new Map([...this.#transactions.values()].map((each) => [each.producerId, each]));
    for (const partition of this.#topics.partitions()) {
      for (const { producerId, epoch, transactionStart } of partition.log.producers.entries()) {
        if (transactionStart < 0) continue;
        const transaction = byProducer.get(producerId);
        const place = { topic: partition.topic, partition: partition.index };
        if (transaction !== undefined && this.#adopt(transaction, epoch, place)) continue;
        this.#report(`partition ${placeKey(place)}: aborted the transaction of unknown producer ${producerId}`);
        this.#mark(partition, producerId, epoch, false, () => {});
        if (partition.topic === OFFSETS_TOPIC) this.#groups.endTransaction(producerId, false);
      }
    }
  }

  #adopt(transaction: Transaction, epoch: number, place: Place): boolean {
    const isDecided = transaction.state === 'PrepareCommit' || transaction.state === 'PrepareAbort';
    if (isDecided && (epoch < transaction.epoch || !transaction.isBumped)) {
      transaction.places.set(placeKey(place), place);
      return true;
    }
    if (epoch !== transaction.epoch) return false;
    // A producer goes on with the raised epoch only when all markers are durable: what was decided is complete, and
    // these records are of the next transaction.
    if (isDecided) transaction.state = transaction.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort';
    this.announce(transaction, place);
    return true;
  }

  // ── Timeouts ────────────────────────────────────────────────────────────────────────────────────────────────────

  startTimers(): void {
    const interval = this.#settings['transaction.abort.timed.out.transaction.cleanup.interval.ms'];
    this.#repeat(interval, () => this.abortTimedOut());
    this.#repeat(EXPIRY_CHECK_MS, () => this.expireIds());
  }

  /** Aborts transactions that take too long, with an epoch that fences their producers. */
  abortTimedOut(): void {
    const now = this.#environment.now();
    for (const transaction of this.#transactions.values()) {
      if (transaction.state !== 'Ongoing' || transaction.isChanging) continue;
      if (now - transaction.startedAt < transaction.timeoutMs) continue;
      this.#end(transaction, false, 'fence', () => {});
    }
  }

  /** Forgets transactional ids that were not used for long. */
  expireIds(): void {
    const before = this.#environment.now() - this.#settings['transactional.id.expiration.ms'];
    for (const transaction of this.#transactions.values()) {
      const { id, state, updatedAt } = transaction;
      if (isBusy(transaction) || state === 'Ongoing' || updatedAt > before) continue;
      this.#transactions.delete(id);
      this.#journal.append(id, [transactionTombstone(id)], () => {});
    }
  }

  stop(): void {
    for (const stop of this.#stopTimers) stop();
  }

  #repeat(intervalMs: number, action: () => void): void {
    const index = this.#stopTimers.length;
    const arm = (): void => {
      this.#stopTimers[index] = this.#environment.after(intervalMs, () => {
        action();
        arm();
      });
    };
    arm();
  }
}

/** True while a change waits to be durable or markers are being written: the client is told to try again. */
function isBusy({ state, isChanging }: Transaction): boolean {
  return isChanging || state === 'PrepareCommit' || state === 'PrepareAbort';
}
