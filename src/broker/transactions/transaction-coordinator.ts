/**
 * Transactions. The life of one: InitProducerId gives a producer id and an epoch that fences older producers; the first
 * record (or AddPartitionsToTxn) makes it Ongoing and every partition it writes to is noted; EndTxn notes the decision
 * durably (PrepareCommit, PrepareAbort), writes a marker to each of those partitions, and when the markers are durable
 * it is complete. From the durable decision on, a crash only delays it: at startup the markers are written again.
 *
 * Clients of transaction version 2 get a higher epoch with every transaction, so that a request that comes late can't end
 * up in the next one.
 */
import {
  BatchCursor,
  batchHeader,
  buildTransactionMarker,
  ErrorCode,
  type TransactionMarker,
} from '../../protocol/index.ts';
import { type Environment, messageOf } from '../../util/index.ts';
import type { GroupCoordinator } from '../groups/group-coordinator.ts';
import { coordinatorError, InternalTopic } from '../internal-topic.ts';
import { ENTRY_BYTES, textBytes } from '../memory-size.ts';
import type { Partition } from '../partition.ts';
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
/** How long a marker that could not be written waits for the next attempt. */
const MARKER_PAUSE_MS = 200;
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
  #ids!: ProducerIds;
  readonly #report: (message: string) => void;
  readonly #journal: InternalTopic;
  readonly #transactions = new Map<string, Transaction>();
  #stopTimers: (() => void)[] = [];
  #isStopped = false;
  readonly #stopRetries = new Set<() => void>();

  constructor(options: {
    readonly settings: BrokerSettings;
    readonly environment: Environment;
    readonly topics: Topics;
    readonly groups: GroupCoordinator;
    readonly report: (message: string) => void;
  }) {
    this.#settings = options.settings;
    this.#environment = options.environment;
    this.#topics = options.topics;
    this.#groups = options.groups;
    this.#report = options.report;
    this.#journal = new InternalTopic({
      name: TRANSACTIONS_TOPIC,
      topics: options.topics,
      environment: options.environment,
      partitions: options.settings['transaction.state.log.num.partitions'],
      segmentBytes: options.settings['transaction.state.log.segment.bytes'],
      report: options.report,
    });
  }

  get(id: string): Transaction | undefined {
    return this.#transactions.get(id);
  }

  /** About what all transactional ids take of memory. */
  get bytes(): number {
    let sum = 0;
    for (const { id, places } of this.#transactions.values()) sum += (1 + places.size) * ENTRY_BYTES + textBytes(id);
    return sum;
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
    }
    if (isBusy(transaction)) return refuse(ErrorCode.CONCURRENT_TRANSACTIONS);
    const knows = expected.producerId < 0 ? undefined : expected;
    if (knows !== undefined && !isKnownTo(transaction, knows)) return refuse(ErrorCode.PRODUCER_FENCED);
    if (transaction.state === 'Ongoing') {
      this.#end(transaction, false, 'fence', (errorCode) => {
        if (errorCode === ErrorCode.NONE) this.initProducer(id, timeoutMs, { producerId: -1, epoch: -1 }, answer);
        else refuse(errorCode);
      });
      return;
    }
    // Who knows the epoch before the current one got the current one already, and did not hear of it.
    const isRetry = knows !== undefined && transaction.epoch >= 0 && knows.epoch !== transaction.epoch;
    if (!isRetry) this.#nextEpoch(transaction);
    // A producer that knows nothing is a new one: nobody may ask again for what was before it.
    if (knows === undefined) transaction.previousEpoch = -1;
    transaction.timeoutMs = timeoutMs;
    transaction.state = 'Empty';
    transaction.isBumped = false;
    transaction.places.clear();
    const { producerId, epoch } = transaction;
    this.#store(transaction, (errorCode) =>
      errorCode === ErrorCode.NONE ? answer({ errorCode, producerId, epoch }) : refuse(errorCode),
    );
  }

  #nextEpoch(transaction: Transaction): void {
    transaction.previousEpoch = transaction.epoch;
    if (transaction.epoch + 1 < LAST_EPOCH) transaction.epoch++;
    else this.#nextId(transaction);
  }

  /** The epochs of a producer id are used up: the producer goes on with another one. */
  #nextId(transaction: Transaction): void {
    transaction.previousProducerId = transaction.producerId;
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

  /**
   * Whether a transaction is known to write to a partition. A change that waits to be durable does not matter here: the
   * partition itself refuses what is too late.
   */
  isWriting(id: string, producerId: number, epoch: number, place: Place): number {
    const transaction = this.#transactions.get(id);
    const errorCode = identify(transaction, producerId, epoch);
    if (transaction === undefined || errorCode !== ErrorCode.NONE) return errorCode;
    if (isDecided(transaction)) return ErrorCode.CONCURRENT_TRANSACTIONS;
    const isKnown = transaction.state === 'Ongoing' && transaction.places.has(placeKey(place));
    return isKnown ? ErrorCode.NONE : ErrorCode.TRANSACTION_ABORTABLE;
  }

  /**
   * Whether records of a transaction may be appended to a partition; from Produce v12 on this also announces it. Answers
   * with errors that every producer knows: one that is to try again is told NOT_ENOUGH_REPLICAS, as by Kafka.
   */
  admit(id: string, producerId: number, epoch: number, place: Place, version: number): number {
    const errorCode = this.isWriting(id, producerId, epoch, place);
    switch (errorCode) {
      case ErrorCode.PRODUCER_FENCED:
        return ErrorCode.INVALID_PRODUCER_EPOCH;
      case ErrorCode.CONCURRENT_TRANSACTIONS:
        return ErrorCode.NOT_ENOUGH_REPLICAS;
      case ErrorCode.TRANSACTION_ABORTABLE:
        break;
      default:
        return errorCode;
    }
    const announces = version >= FIRST_IMPLICIT_PRODUCE || !this.#settings['transaction.partition.verification.enable'];
    if (announces) return this.announce(this.#transactions.get(id)!, place);
    return version >= FIRST_ABORTABLE_PRODUCE ? ErrorCode.TRANSACTION_ABORTABLE : ErrorCode.INVALID_TXN_STATE;
  }

  /**
   * Notes a partition without waiting for the journal: should a crash lose the note, the records in the partition say
   * the same, and startup notes it again.
   */
  announce(transaction: Transaction, place: Place): number {
    if (this.#note(transaction, [place])) {
      this.#append(transaction, () => {});
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
    const errorCode = identify(transaction, producerId, epoch);
    if (errorCode !== ErrorCode.NONE || transaction === undefined) return errorCode;
    return isBusy(transaction) ? ErrorCode.CONCURRENT_TRANSACTIONS : ErrorCode.NONE;
  }

  // ── Ending ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Commits or aborts. With `bumpsEpoch` (transaction version 2) the answer has the identity to go on with. */
  end(id: string, end: TransactionEnd, answer: (identity: ProducerIdentity) => void): void {
    const transaction = this.#transactions.get(id);
    const refuse = (errorCode: number): void => answer({ errorCode, producerId: -1, epoch: -1 });
    if (transaction === undefined) return refuse(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
    const succeed = (): void =>
      answer({ errorCode: ErrorCode.NONE, producerId: transaction.producerId, epoch: transaction.epoch });
    const verdict = verdictOn(transaction, end);
    if (verdict === 'done') return succeed();
    if (verdict !== 'end') return refuse(verdict);
    // An abort of nothing still moves on to the next epoch: what is on its way with this one is fenced.
    if (transaction.state !== 'Ongoing') transaction.places.clear();
    this.#end(transaction, end.committed, end.bumpsEpoch ? 'bump' : 'keep', (code) =>
      code === ErrorCode.NONE ? succeed() : refuse(code),
    );
  }

  /** `bump` gives the producer a higher epoch; `fence` gives it to nobody, and so shuts the producer out. */
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
    transaction.isFenced = epochs === 'fence';
    if (transaction.isBumped) {
      transaction.previousEpoch = epochs === 'bump' ? transaction.epoch : -1;
      transaction.epoch++;
    }
    this.#store(transaction, (errorCode) => {
      if (errorCode !== ErrorCode.NONE) {
        transaction.state = before.state;
        transaction.epoch = before.epoch;
        transaction.previousEpoch = before.previousEpoch;
        transaction.isBumped = before.isBumped;
        transaction.isFenced = before.isFenced;
        return done(errorCode);
      }
      this.#complete(transaction, producerId, committed, () => done(ErrorCode.NONE));
    });
  }

  /** The decision is durable: markers go to all partitions, and when they are durable it is over. */
  #complete(transaction: Transaction, producerId: number, committed: boolean, done: () => void): void {
    const places = [...transaction.places.values()];
    let left = places.length + 1;
    const settled = (): void => {
      if (--left > 0) return;
      this.#groups.endTransaction(producerId, committed);
      transaction.state = committed ? 'CompleteCommit' : 'CompleteAbort';
      transaction.places.clear();
      transaction.updatedAt = this.#environment.now();
      if (transaction.epoch >= LAST_EPOCH) {
        // A new id exists when it is durable, and not before.
        this.#nextId(transaction);
        this.#store(transaction, done);
        return;
      }
      done();
      // Not waited for: should a crash lose it, startup finds the decision and writes the markers once more.
      this.#append(transaction, () => {});
    };
    for (const { topic, partition: index } of places) {
      const partition = this.#topics.partition(topic, index);
      if (partition === undefined) settled();
      else this.#mark(partition, producerId, transaction.epoch, committed, settled);
    }
    settled();
  }

  /**
   * Writes a marker until it is durable: a decision that was told to the producer holds also while a disk has a fault.
   * Only a partition that is gone has nothing to decide.
   */
  #mark(partition: Partition, producerId: number, epoch: number, committed: boolean, settled: () => void): void {
    const again = (): void => {
      // The next start writes it, as the decision is in the journal.
      if (this.#isStopped) return;
      if (partition.isRetired) {
        settled();
        return;
      }
      const stop = this.#environment.after(MARKER_PAUSE_MS, () => {
        this.#stopRetries.delete(stop);
        this.#mark(partition, producerId, epoch, committed, settled);
      });
      this.#stopRetries.add(stop);
    };
    const marker = buildTransactionMarker({
      committed,
      producerId,
      producerEpoch: epoch,
      coordinatorEpoch: COORDINATOR_EPOCH,
      timestamp: this.#environment.now(),
    });
    const offset = partition.appendMarker(marker);
    if (offset < 0) again();
    else partition.whenDurable(offset, (errorCode) => (errorCode === ErrorCode.NONE ? settled() : again()));
  }

  /** A marker that somebody else decides about; resolves with what came of it when it is durable. */
  async writeMarker(
    place: Place,
    marker: Omit<TransactionMarker, 'timestamp'>,
    transactionVersion: number,
  ): Promise<number> {
    const partition = this.#topics.partition(place.topic, place.partition);
    if (partition === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    const problem = partition.log.producers.checkMarker(marker, transactionVersion);
    if (problem !== ErrorCode.NONE) return problem;
    const offset = partition.appendMarker(buildTransactionMarker({ ...marker, timestamp: this.#environment.now() }));
    if (offset < 0) return ErrorCode.KAFKA_STORAGE_ERROR;
    const errorCode = await new Promise<number>((settled) => partition.whenDurable(offset, settled));
    const isDone = errorCode === ErrorCode.NONE && place.topic === OFFSETS_TOPIC;
    if (isDone) this.#groups.endTransaction(marker.producerId, marker.committed);
    return errorCode;
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

  /**
   * Reads the journal back, finishes what was decided, and picks up what was going on. `idsBehind` gives ids that are not
   * among those that are known.
   */
  load(idsBehind: (known: Iterable<number>) => ProducerIds): void {
    for (const partition of this.#journal.existing()) {
      const last = new Map<string, Buffer | null>();
      this.#journal.replay(partition, (bytes, at) => {
        const cursor = new BatchCursor(bytes.subarray(at, at + batchHeader.sizeInBytes(bytes, at)));
        while (cursor.advance()) {
          if (cursor.keyStart < 0) continue;
          const id = readTransactionKey(cursor.bytes.subarray(cursor.keyStart, cursor.keyEnd));
          if (id === undefined) continue;
          const isGone = cursor.valueStart < 0;
          last.set(id, isGone ? null : Buffer.from(cursor.bytes.subarray(cursor.valueStart, cursor.valueEnd)));
        }
      });
      for (const [id, value] of last) {
        const transaction = value === null ? undefined : readTransaction(id, value);
        if (transaction !== undefined) this.#transactions.set(id, transaction);
      }
    }
    this.#ids = idsBehind(this.#knownIds());
    this.#adoptOpenTransactions();
    for (const transaction of this.#transactions.values()) {
      const { state, producerId } = transaction;
      if (state !== 'PrepareCommit' && state !== 'PrepareAbort') continue;
      this.#complete(transaction, producerId, state === 'PrepareCommit', () => {});
    }
  }

  *#knownIds(): Iterable<number> {
    for (const { producerId } of this.#transactions.values()) yield producerId;
    for (const { log } of this.#topics.partitions()) {
      for (const { producerId } of log.producers.entries()) yield producerId;
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
    this.#isStopped = true;
    for (const stop of [...this.#stopTimers, ...this.#stopRetries]) stop();
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
function isBusy(transaction: Transaction): boolean {
  return transaction.isChanging || isDecided(transaction);
}

/** True from the decision on, until its markers are durable. */
function isDecided({ state }: Transaction): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort';
}

/** Whether a producer is the one that a transaction belongs to. */
function identify(transaction: Transaction | undefined, producerId: number, epoch: number): number {
  if (transaction === undefined || transaction.producerId !== producerId) return ErrorCode.INVALID_PRODUCER_ID_MAPPING;
  return transaction.epoch === epoch ? ErrorCode.NONE : ErrorCode.PRODUCER_FENCED;
}

/** Whether a producer that wants another epoch has the current one, or the one before it (KIP-360). */
function isKnownTo(
  { producerId, epoch, previousProducerId, previousEpoch }: Transaction,
  expected: { readonly producerId: number; readonly epoch: number },
): boolean {
  if (epoch < 0) return true;
  if (expected.producerId === producerId) return expected.epoch === epoch || expected.epoch === previousEpoch;
  return expected.producerId === previousProducerId && expected.epoch >= LAST_EPOCH - 1;
}

/**
 * Whether a transaction may end so: 'end', 'done' when it has ended so already and the producer did not hear of it, or why
 * not (Kafka's TransactionCoordinator.endTransaction). In the second version of transactions the epoch tells a request that
 * is asked again from the end of the next transaction: the decision raised it. That is in the journal, so that it also
 * holds over a crash.
 */
function verdictOn(transaction: Transaction, end: TransactionEnd): 'end' | 'done' | number {
  const { state, epoch, isBumped, isFenced, isChanging, producerId, previousProducerId } = transaction;
  const hasNewId = previousProducerId === end.producerId && epoch === 0 && end.epoch === LAST_EPOCH - 1;
  if (producerId !== end.producerId && !(end.bumpsEpoch && hasNewId)) return ErrorCode.INVALID_PRODUCER_ID_MAPPING;
  const isRetry = end.bumpsEpoch ? isBumped && !isFenced && (epoch === end.epoch + 1 || hasNewId) : epoch === end.epoch;
  const isCurrent = epoch === end.epoch && !(end.bumpsEpoch && isDecided(transaction));
  if (!isCurrent && !(isRetry && state !== 'Ongoing' && state !== 'Empty')) return ErrorCode.PRODUCER_FENCED;
  const isOther = state === (end.committed ? 'PrepareAbort' : 'PrepareCommit');
  if (isOther) return ErrorCode.INVALID_TXN_STATE;
  if (isChanging || isDecided(transaction)) return ErrorCode.CONCURRENT_TRANSACTIONS;
  if (state === 'Ongoing') return 'end';
  if (isRetry && state === (end.committed ? 'CompleteCommit' : 'CompleteAbort')) return 'done';
  return end.bumpsEpoch && !isRetry && !end.committed ? 'end' : ErrorCode.INVALID_TXN_STATE;
}
