// The life of a source record: the task's `poll` returns it → transformations and converters (record-path.ts) → its topic is made
// where it is not there → the producer has it → it is acknowledged → its offset is written, and the task hears `commit`.
//
// At least once: offsets are written from time to time, behind a flush of everything that was read before them. Exactly once
// (KIP-618): records and offsets are written in one transaction, whose end is behind each poll, at intervals, or where the
// task says; an earlier task of the same number cannot write any more, since its transactional id has passed on.
import type { Producer } from '../../client/index.ts';
import { messageOf, partitionForKey } from '../../util/index.ts';
import type { SourceOffsetEntry, SourceTask, SourceTaskContext } from '../api/plugins.ts';
import { ConnectError } from '../data/errors.ts';
import type { SourcePartition, SourceRecord } from '../data/record.ts';
import type { OffsetStore } from '../storage/offset-store.ts';
import { asError, ErrorHandling, isRetriable, waitFor } from './error-handling.ts';
import { type OutgoingRecord, outgoing } from './record-path.ts';
import { TaskLoop, type TaskOptions } from './task-run.ts';
import type { TopicCreation } from './topic-creation.ts';
import { TransactionMarks } from './transaction-marks.ts';
import type { TargetState } from './worker-port.ts';

/** Where transactions end, of a source whose records are written exactly once. */
export interface ExactlyOnce {
  readonly boundary: 'poll' | 'interval' | 'connector';
  /** `transaction.boundary.interval.ms`. */
  readonly intervalMs: number;
}

export interface SourceRunOptions extends TaskOptions {
  readonly task: SourceTask;
  /** Made for this task, closed with it; transactional where `exactlyOnce` is given. */
  readonly producer: Producer;
  readonly offsets: OffsetStore;
  /** Offsets that an own store of the connector does not have. */
  readonly olderOffsets: OffsetStore | undefined;
  /** The topic of `offsets`, which transactions write to. */
  readonly offsetsTopic: string | undefined;
  readonly topics: TopicCreation;
  readonly exactlyOnce: ExactlyOnce | undefined;
  /** Asked when earlier tasks of the same number cannot write any more: whether this one may still begin. */
  readonly isStillOurs: (() => Promise<void>) | undefined;
}

/** So much may be on its way to brokers before the task is polled again. */
const BUFFERED_BYTES_MAX = 32 * 1024 * 1024;
const POLL_RETRY_MS = 1000;

export class SourceRun extends TaskLoop {
  readonly #options: SourceRunOptions;
  readonly #errors: ErrorHandling<SourceRecord>;
  readonly #marks: TransactionMarks | undefined;
  /** What is to be committed, by the JSON of its partition. */
  readonly #uncommitted = new Map<string, SourceOffsetEntry>();
  #lastPartition: SourcePartition | undefined;
  #lastPartitionKey = '';
  #isCommitDue = false;
  #cancelCommit = (): void => {};
  #poll: AbortController | undefined;
  #isInTransaction = false;
  /** A stop fell into a batch: not all that poll returned is written, which is what `commit` would say. */
  #isBrokenOff = false;
  /** Of records whose transaction is open: they are in their topics when it is committed. */
  readonly #toTell: (() => void)[] = [];
  /** A record that was refused, of those whose task hears of each. */
  #refusal: Error | undefined;
  /** Of the topics of the present batch. */
  readonly #partitionCounts = new Map<string, number>();
  /** Where records without a key go until the next batch. */
  #roundRobin = 0;

  constructor(options: SourceRunOptions, target: TargetState) {
    super(options, target);
    this.#options = options;
    const { environment, log } = options;
    this.#marks = options.exactlyOnce?.boundary === 'connector' ? new TransactionMarks() : undefined;
    this.#errors = new ErrorHandling<SourceRecord>({
      settings: options.errors,
      environment,
      log,
      describe: ({ topic, sourcePartition, sourceOffset }) => JSON.stringify({ topic, sourcePartition, sourceOffset }),
      deadLetters: undefined,
      stopping: this.stopping.signal,
    });
  }

  protected override interrupt(): void {
    this.#poll?.abort();
  }

  protected override async open(): Promise<void> {
    const { task, config, raw, producer, offsets, olderOffsets, exactlyOnce, isStillOurs } = this.#options;
    if (exactlyOnce !== undefined) {
      await producer.initTransactions();
      await isStillOurs?.();
    }
    await Promise.all([offsets.refresh(), olderOffsets?.refresh()]);
    await task.start(config, this.#context(), raw);
    this.#scheduleCommit();
  }

  protected override async turn(): Promise<void> {
    if (this.#isCommitDue) await this.#commit();
    if (this.stopping.signal.aborted) return;
    const records = await this.#next();
    if (records.length > 0) await this.#write(records);
    else if (this.#marks?.takeBatch() !== undefined) await this.#commit();
    if (this.#refusal !== undefined) throw this.#refusal;
    if (this.#options.producer.bufferedBytes > BUFFERED_BYTES_MAX) await this.#options.producer.flush();
  }

  protected override async rest(): Promise<void> {
    const changed = this.changed();
    if (this.#options.exactlyOnce?.boundary !== 'connector') await this.#commit();
    await changed;
  }

  /** A transaction whose end the task has not said is not ours to end. */
  protected override async finish(): Promise<void> {
    if (this.#options.exactlyOnce?.boundary !== 'connector') await this.#commit();
  }

  protected override async release(failed: boolean): Promise<void> {
    const { task, producer, offsets, log, exactlyOnce } = this.#options;
    this.#cancelCommit();
    this.stopping.abort();
    // At least once: what was acknowledged need not come again because something else went wrong.
    if (failed && exactlyOnce === undefined) await this.#commit().catch(() => {});
    const quietly = async (what: string, work: () => unknown): Promise<void> => {
      try {
        await work();
      } catch (error) {
        log.warn(`${what} of task ${this.id.connector}-${this.id.task}: ${messageOf(error)}`);
      }
    };
    await quietly('stopping', () => task.stop());
    if (this.#isInTransaction) await quietly('aborting the transaction', () => producer.abortTransaction());
    await quietly('closing the producer', () => producer.close());
    if (this.#options.olderOffsets !== undefined) await quietly('closing the offsets', () => offsets.close());
  }

  #context(): SourceTaskContext {
    const { id, environment, log, offsets, olderOffsets } = this.#options;
    const offset = (partition: SourcePartition) =>
      offsets.offset(id.connector, partition) ?? olderOffsets?.offset(id.connector, partition) ?? null;
    return {
      connector: id.connector,
      taskId: id.task,
      environment,
      log,
      offset: async (partition) => offset(partition),
      offsets: async (partitions) => partitions.map(offset),
      transaction: this.#marks,
      pause: (delayMs, signal) => waitFor(environment, delayMs, signal),
    };
  }

  // ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #next(): Promise<readonly SourceRecord[]> {
    const { task, environment, log, id } = this.#options;
    const poll = new AbortController();
    this.#poll = poll;
    try {
      return await task.poll(poll.signal);
    } catch (error) {
      if (poll.signal.aborted && asError(error).name === 'AbortError') return [];
      if (!isRetriable(error)) throw error;
      log.warn(`task ${id.connector}-${id.task} could not read, and will try again: ${messageOf(error)}`);
      await waitFor(environment, POLL_RETRY_MS, poll.signal);
      return [];
    } finally {
      this.#poll = undefined;
    }
  }

  // ── Writing ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #write(records: readonly SourceRecord[]): Promise<void> {
    this.#roundRobin++;
    this.#partitionCounts.clear();
    for (const record of records) {
      if (this.stopping.signal.aborted && this.#options.exactlyOnce === undefined) {
        this.#isBrokenOff = true;
        return;
      }
      this.#begin();
      const prepared = outgoing(this.#options.path, this.#errors, record);
      const out = prepared instanceof Promise ? await prepared : prepared;
      if (out === null) this.#options.task.commitRecord?.(record, null);
      else await this.#send(record, out);
      this.#remember(record);
      const mark = this.#marks?.takeRecord(record);
      if (mark !== undefined) await this.#endTransaction(mark);
    }
    const boundary = this.#options.exactlyOnce?.boundary;
    const mark = this.#marks?.takeBatch();
    if (boundary === 'poll') await this.#commit();
    else if (mark !== undefined) await this.#endTransaction(mark);
  }

  #begin(): void {
    if (this.#options.exactlyOnce === undefined || this.#isInTransaction) return;
    this.#options.producer.beginTransaction();
    this.#isInTransaction = true;
  }

  async #send(record: SourceRecord, out: OutgoingRecord): Promise<void> {
    const { producer, topics, task, environment } = this.#options;
    const { topic, key, value, headers } = out;
    const ensured = topics.ensure(topic);
    if (ensured !== undefined) await ensured;
    this.uses(topic);
    const partitions = this.#partitionCounts.get(topic) ?? (await this.#countPartitions(topic));
    const partition =
      out.partition ?? (key === null ? this.#roundRobin % partitions : partitionForKey(key, partitions));
    if (partition < 0 || partition >= partitions)
      throw new ConnectError(`a record is for partition ${partition} of topic ${topic}, which has ${partitions}`);
    const timestamp = out.timestamp ?? environment.now();
    if (task.commitRecord === undefined) producer.enqueue(topic, partition, key, value, timestamp, headers);
    else this.#sendAndTell(record, { topic, partition, key, value, timestamp, headers });
  }

  async #countPartitions(topic: string): Promise<number> {
    const partitions = await this.#options.producer.partitionsFor(topic);
    this.#partitionCounts.set(topic, partitions);
    return partitions;
  }

  #sendAndTell(record: SourceRecord, sent: Parameters<Producer['send']>[0]): void {
    const { producer, task, errors } = this.#options;
    producer.send(sent).then(
      ({ offset, partition }) => {
        const tell = (): void => task.commitRecord?.(record, { offset, partition });
        if (this.#options.exactlyOnce === undefined) tell();
        else this.#toTell.push(tell);
      },
      (error) => {
        if (errors.tolerance === 'all' && this.#options.exactlyOnce === undefined) {
          this.#errors.counts.skipped++;
          task.commitRecord?.(record, null);
        } else this.#refusal ??= asError(error);
      },
    );
  }

  #remember({ sourcePartition, sourceOffset }: SourceRecord): void {
    if (sourcePartition !== this.#lastPartition) {
      this.#lastPartition = sourcePartition;
      this.#lastPartitionKey = JSON.stringify(sourcePartition);
    }
    this.#uncommitted.set(this.#lastPartitionKey, { partition: sourcePartition, offset: sourceOffset });
  }

  // ── Committing ──────────────────────────────────────────────────────────────────────────────────────────────────

  #scheduleCommit(): void {
    const { environment, flushIntervalMs, exactlyOnce } = this.#options;
    if (exactlyOnce !== undefined && exactlyOnce.boundary !== 'interval') return;
    this.#cancelCommit = environment.after(exactlyOnce?.intervalMs ?? flushIntervalMs, () => {
      if (this.#uncommitted.size > 0) {
        this.#isCommitDue = true;
        this.interrupt();
      }
      this.#scheduleCommit();
    });
  }

  /** Makes safe everything that was read so far. */
  async #commit(): Promise<void> {
    this.#isCommitDue = false;
    if (this.#uncommitted.size === 0) return;
    if (this.#options.exactlyOnce !== undefined) {
      this.#begin();
      await this.#endTransaction('commit');
      return;
    }
    const { producer, offsets, id, task } = this.#options;
    const entries = this.#takeUncommitted();
    await producer.flush();
    if (this.#refusal !== undefined) throw this.#refusal;
    await offsets.write(id.connector, entries);
    if (!this.#isBrokenOff) await task.commit?.();
  }

  /** An aborted transaction's records are gone, but its offsets are kept: they are not to be read again. */
  async #endTransaction(how: 'commit' | 'abort'): Promise<void> {
    const { producer, offsets, offsetsTopic, id, task, environment } = this.#options;
    if (how === 'abort') {
      await producer.abortTransaction();
      producer.beginTransaction();
    }
    const records = offsets.records(id.connector, this.#takeUncommitted());
    const partitions = await producer.partitionsFor(offsetsTopic!);
    for (const { key, value } of records) {
      const bytes = Buffer.from(key);
      producer.enqueue(
        offsetsTopic!,
        partitionForKey(bytes, partitions),
        bytes,
        value === null ? null : Buffer.from(value),
        environment.now(),
      );
    }
    await producer.commitTransaction();
    this.#isInTransaction = false;
    if (this.#refusal !== undefined) throw this.#refusal;
    for (const tell of this.#toTell.splice(0)) tell();
    await task.commit?.();
  }

  #takeUncommitted(): SourceOffsetEntry[] {
    const entries = [...this.#uncommitted.values()];
    this.#uncommitted.clear();
    return entries;
  }
}
