import { assert, codeOf, type Environment, messageOf } from '../util/index.ts';
import { batchHeader, ErrorCode } from '../protocol/index.ts';
import type { Flushable, Flusher } from './flusher.ts';
import type { PartitionLog } from './log/partition-log.ts';

/** Called once, with NONE when the records are durable, else with why they are not. */
export type Settled = (errorCode: number) => void;

/** Someone who wants to know that there is more to read. */
export interface Reader {
  advanced(partition: Partition): void;
}

export type AppendResult =
  | { readonly kind: 'appended'; readonly baseOffset: number; readonly lastOffset: number }
  | { readonly kind: 'duplicate'; readonly baseOffset: number; readonly lastOffset: number; readonly timestamp: number }
  | { readonly kind: 'refused'; readonly errorCode: number; readonly reason: string };

interface Waiting {
  readonly offset: number;
  readonly settled: Settled;
}

/** A log that failed: everything from `endLimit` on was never acknowledged, everything from `unforcedFrom` on may not be on the disk. */
export interface FailedLog {
  readonly log: PartitionLog;
  readonly endLimit: number;
  readonly unforcedFrom: number;
}

/** What a partition is built from. */
export interface PartitionParts {
  readonly topic: string;
  readonly index: number;
  readonly flusher: Flusher;
  readonly environment: Environment;
  readonly report: (message: string) => void;
  readonly newLog: () => PartitionLog;
  /** Opens a new log: as the last run left it, or in the place of one that failed. Throws when the disk does not let it. */
  readonly openLog: (log: PartitionLog, failed?: FailedLog) => void;
}

/** The first failures are looked at again with the next append; each further one takes twice as long as the one before. */
const FAILURES_WITHOUT_PAUSE = 2;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** How soon a partition looks by itself, when nobody appends. */
const LOOK_AGAIN_MS = 500;

/**
 * A partition: its log, what of it is durable (the high watermark), what of it is decided (the last stable offset), and
 * who waits for either. Nothing above the high watermark is ever shown to a reader.
 *
 * A failed write or sync leaves it unknown what the disk holds behind the high watermark. Then nothing is appended, who
 * waits is told so, and what is below is read as before; the log is opened anew, without what was not acknowledged, as soon
 * as the disk lets it: a fault takes the partition out for as long as it lasts, and no longer.
 */
export class Partition implements Flushable {
  readonly topic: string;
  readonly index: number;
  log: PartitionLog;
  highWatermark = 0;
  /** Why nothing can be asked of it: it was deleted, the broker is closing, or its log could not be opened yet. */
  failure = ErrorCode.NONE as number;
  /** Why it takes no records at the moment; undefined when it does. */
  outage: string | undefined;
  readonly #parts: PartitionParts;
  readonly #readers = new Set<Reader>();
  #durable: Waiting[] = [];
  #writtenOffset = 0;
  /** Everything below was forced to the disk. */
  #forcedOffset = 0;
  /** Transactions whose marker is not durable yet: they still count as open. */
  #ending: { transactionStart: number; markerOffset: number }[] = [];
  #isOpen = false;
  #isRetired = false;
  #failures = 0;
  #lookAgainAt = 0;
  #stopLooking: () => void = () => {};
  #readProblem = '';
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: PartitionParts) {
    this.topic = parts.topic;
    this.index = parts.index;
    this.#parts = parts;
    this.log = parts.newLog();
  }

  /** Opens the log as the last run left it. */
  open(): void {
    this.#parts.openLog(this.log);
    this.#begin(this.log);
  }

  /** Opens the log; should that fail, the partition is there without it until it can be opened. */
  openWhenPossible(): void {
    try {
      this.open();
    } catch (error) {
      this.failure = ErrorCode.KAFKA_STORAGE_ERROR;
      this.#fail(error);
    }
  }

  /** The offset below which every transaction is decided. */
  get lastStableOffset(): number {
    let offset = Math.min(this.highWatermark, this.log.producers.firstOpenOffset());
    for (const { transactionStart } of this.#ending) if (transactionStart < offset) offset = transactionStart;
    return offset;
  }

  /** True when it is gone for good: what waits for its disk to heal waits in vain. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** How far a reader may read. */
  limitFor(isolationLevel: number): number {
    return isolationLevel === 0 ? this.highWatermark : this.lastStableOffset;
  }

  // ── Appending ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Appends a checked batch unless its producer sent it before or may not send it. */
  append(batch: Buffer, appendTime: number): AppendResult {
    if (!this.#isInService()) return this.#unavailable();
    const verdict = this.log.producers.check(batch);
    const delta = batchHeader.lastOffsetDelta(batch);
    if (verdict.kind === 'refuse') return refused(verdict.errorCode, verdict.reason);
    if (verdict.kind === 'duplicate') {
      const { baseOffset, timestamp } = verdict;
      return { kind: 'duplicate', baseOffset, lastOffset: baseOffset + delta, timestamp };
    }
    try {
      const baseOffset = this.log.append(batch, appendTime);
      this.#parts.flusher.mark(this);
      return { kind: 'appended', baseOffset, lastOffset: baseOffset + delta };
    } catch (error) {
      this.#fail(error);
      return this.#unavailable();
    }
  }

  /** Appends the marker that ends a producer's transaction here; returns its offset, or -1 when that is not possible now. */
  appendMarker(batch: Buffer): number {
    if (!this.#isInService()) return -1;
    try {
      const { offset, transactionStart } = this.log.appendMarker(batch);
      if (transactionStart >= 0) this.#ending.push({ transactionStart, markerOffset: offset });
      this.#parts.flusher.mark(this);
      return offset;
    } catch (error) {
      this.#fail(error);
      return -1;
    }
  }

  /** Carries out what takes a while, behind what was to be carried out before. */
  inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  /** Calls back when the record at `offset` is durable. */
  whenDurable(offset: number, settled: Settled): void {
    if (offset < this.highWatermark || !this.#takesRecords()) settled(this.#writeFailure());
    else this.#durable.push({ offset, settled });
  }

  // ── Flushing ────────────────────────────────────────────────────────────────────────────────────────────────────

  write(): void {
    if (!this.#takesRecords()) return;
    try {
      this.log.write();
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#writtenOffset = this.log.endOffset;
  }

  async sync(): Promise<void> {
    if (!this.#takesRecords()) return;
    const { log } = this;
    const offset = this.#writtenOffset;
    let failure: { readonly error: unknown } | undefined;
    try {
      await log.sync();
    } catch (error) {
      failure = { error };
    }
    // It may have failed otherwise, and healed, meanwhile: then this says nothing about the log that there is now.
    if (log !== this.log || !this.#takesRecords()) return;
    if (failure !== undefined) {
      this.#fail(failure.error);
      return;
    }
    this.#forcedOffset = offset;
    this.#advance(offset);
  }

  settleWritten(): void {
    if (this.#takesRecords()) this.#advance(this.#writtenOffset);
  }

  #advance(offset: number): void {
    if (offset <= this.highWatermark) return;
    assert(offset <= this.log.endOffset, `the high watermark ${offset} lies behind the end ${this.log.endOffset}`);
    this.highWatermark = offset;
    this.#failures = 0;
    if (this.#ending.length > 0) this.#ending = this.#ending.filter(({ markerOffset }) => markerOffset >= offset);
    this.#settleBelow(offset);
    this.#wakeReaders();
  }

  // ── Readers ─────────────────────────────────────────────────────────────────────────────────────────────────────

  watch(reader: Reader): void {
    this.#readers.add(reader);
  }

  unwatch(reader: Reader): void {
    this.#readers.delete(reader);
  }

  /** Takes note that reading failed. The same problem is told once, however often readers meet it. */
  readFailed(error: unknown): void {
    const problem = messageOf(error);
    if (problem === this.#readProblem) return;
    this.#readProblem = problem;
    this.#parts.report(`partition ${this.topic}-${this.index} can not be read: ${problem}`);
  }

  #wakeReaders(): void {
    for (const reader of this.#readers) reader.advanced(this);
  }

  // ── Failing, healing, ending ────────────────────────────────────────────────────────────────────────────────────

  /** Takes the partition away for good: everyone who waits is told why. */
  retire(errorCode: number): void {
    this.#isRetired = true;
    this.#stopLooking();
    this.failure = errorCode;
    this.#giveUpWaiting();
    this.#wakeReaders();
  }

  #takesRecords(): boolean {
    return this.failure === ErrorCode.NONE && this.outage === undefined;
  }

  #writeFailure(): number {
    if (this.failure !== ErrorCode.NONE) return this.failure;
    return this.outage === undefined ? ErrorCode.NONE : ErrorCode.KAFKA_STORAGE_ERROR;
  }

  #unavailable(): AppendResult {
    return refused(this.#writeFailure(), this.outage ?? 'the partition is gone');
  }

  /** Whether records can be appended, now that the log has been looked at again if it was time for that. */
  #isInService(): boolean {
    if (this.#takesRecords()) return true;
    if (this.#isRetired || this.#parts.environment.now() < this.#lookAgainAt) return false;
    return this.#heal();
  }

  #fail(error: unknown): void {
    const { environment, report } = this.#parts;
    this.outage = `${messageOf(error)} (${codeOf(error) ?? 'unknown'})`;
    report(`partition ${this.topic}-${this.index} is out of service: ${this.outage}`);
    const tooMany = this.#failures - FAILURES_WITHOUT_PAUSE;
    const pauseMs = tooMany < 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** tooMany, LONGEST_PAUSE_MS);
    this.#failures++;
    this.#lookAgainAt = environment.now() + pauseMs;
    this.#stopLooking();
    this.#stopLooking = environment.after(Math.max(pauseMs, LOOK_AGAIN_MS), () => this.#heal());
    this.#giveUpWaiting();
  }

  /** Opens the log anew. The old one goes on serving readers until that has worked. */
  #heal(): boolean {
    if (this.outage === undefined) return true;
    const { newLog, openLog, report } = this.#parts;
    const before = this.highWatermark;
    const log = newLog();
    try {
      if (this.#isOpen) openLog(log, { log: this.log, endLimit: before, unforcedFrom: this.#forcedOffset });
      else openLog(log);
    } catch (error) {
      log.abandon();
      this.#fail(error);
      return false;
    }
    this.#stopLooking();
    this.log.abandon();
    this.outage = undefined;
    this.failure = ErrorCode.NONE;
    this.#begin(log);
    const name = `partition ${this.topic}-${this.index}`;
    if (log.endOffset < before) report(`${name} has lost its records from offset ${log.endOffset} to ${before - 1}`);
    report(`${name} is in service again`);
    this.#wakeReaders();
    return true;
  }

  #begin(log: PartitionLog): void {
    this.log = log;
    this.#isOpen = true;
    this.highWatermark = log.endOffset;
    this.#writtenOffset = log.endOffset;
    this.#forcedOffset = log.endOffset;
    this.#ending = [];
    this.#readProblem = '';
  }

  /** Who is called may append, and wait, here again: the list is as it should be before the first call. */
  #settleBelow(offset: number): void {
    let count = 0;
    while (count < this.#durable.length && this.#durable[count]!.offset < offset) count++;
    for (const { settled } of this.#durable.splice(0, count)) settled(ErrorCode.NONE);
  }

  #giveUpWaiting(): void {
    const errorCode = this.#writeFailure();
    for (const { settled } of this.#durable.splice(0)) settled(errorCode);
  }
}

function refused(errorCode: number, reason: string): AppendResult {
  return { kind: 'refused', errorCode, reason };
}
