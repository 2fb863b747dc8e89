import { assert, codeOf, messageOf } from '../util/index.ts';
import { batchHeader, ErrorCode } from '../protocol/index.ts';
import type { Flushable, Flusher } from './flusher.ts';
import type { PartitionLog } from './log/partition-log.ts';

/** Called once, with NONE when the records are durable (or written), else with why they are not. */
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

/**
 * A partition: its log, what of it is durable (the high watermark), what of it is decided (the last stable offset), and
 * who waits for either. Nothing above the high watermark is ever shown to a reader.
 */
export class Partition implements Flushable {
  readonly topic: string;
  readonly index: number;
  readonly log: PartitionLog;
  highWatermark: number;
  /** Why the log can't be used any more: set once, by a failed write or by deletion. */
  failure = ErrorCode.NONE as number;
  readonly #flusher: Flusher;
  readonly #report: (message: string) => void;
  readonly #readers = new Set<Reader>();
  #durable: Waiting[] = [];
  #writtenOffset: number;
  /** Transactions whose marker is not durable yet: they still count as open. */
  #ending: { transactionStart: number; markerOffset: number }[] = [];

  constructor(
    topic: string,
    index: number,
    log: PartitionLog,
    flusher: Flusher,
    report: (message: string) => void = () => {},
  ) {
    this.topic = topic;
    this.index = index;
    this.log = log;
    this.highWatermark = log.endOffset;
    this.#writtenOffset = log.endOffset;
    this.#flusher = flusher;
    this.#report = report;
  }

  /** The offset below which every transaction is decided. */
  get lastStableOffset(): number {
    let offset = Math.min(this.highWatermark, this.log.producers.firstOpenOffset());
    for (const { transactionStart } of this.#ending) if (transactionStart < offset) offset = transactionStart;
    return offset;
  }

  /** How far a reader may read. */
  limitFor(isolationLevel: number): number {
    return isolationLevel === 0 ? this.highWatermark : this.lastStableOffset;
  }

  // ── Appending ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Appends a checked batch unless its producer sent it before or may not send it. */
  append(batch: Buffer, appendTime: number): AppendResult {
    if (this.failure !== ErrorCode.NONE) return refused(this.failure, 'the log is not available');
    const verdict = this.log.producers.check(batch);
    const delta = batchHeader.lastOffsetDelta(batch);
    if (verdict.kind === 'refuse') return refused(verdict.errorCode, verdict.reason);
    if (verdict.kind === 'duplicate') {
      const { baseOffset, timestamp } = verdict;
      return { kind: 'duplicate', baseOffset, lastOffset: baseOffset + delta, timestamp };
    }
    try {
      const baseOffset = this.log.append(batch, appendTime);
      this.#flusher.mark(this);
      return { kind: 'appended', baseOffset, lastOffset: baseOffset + delta };
    } catch (error) {
      this.#fail(error);
      return refused(this.failure, messageOf(error));
    }
  }

  /** Appends the marker that ends a producer's transaction here; returns its offset. */
  appendMarker(batch: Buffer): number {
    if (this.failure !== ErrorCode.NONE) return -1;
    try {
      const { offset, transactionStart } = this.log.appendMarker(batch);
      if (transactionStart >= 0) this.#ending.push({ transactionStart, markerOffset: offset });
      this.#flusher.mark(this);
      return offset;
    } catch (error) {
      this.#fail(error);
      return -1;
    }
  }

  /** Calls back when the record at `offset` is durable. */
  whenDurable(offset: number, settled: Settled): void {
    if (this.failure !== ErrorCode.NONE || offset < this.highWatermark) settled(this.failure);
    else this.#durable.push({ offset, settled });
  }

  // ── Flushing ────────────────────────────────────────────────────────────────────────────────────────────────────

  write(): void {
    if (this.failure !== ErrorCode.NONE) return;
    try {
      this.log.write();
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#writtenOffset = this.log.endOffset;
  }

  async sync(): Promise<void> {
    if (this.failure !== ErrorCode.NONE) return;
    const offset = this.#writtenOffset;
    try {
      await this.log.sync();
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#advance(offset);
  }

  settleWritten(): void {
    this.#advance(this.#writtenOffset);
  }

  #advance(offset: number): void {
    if (this.failure !== ErrorCode.NONE || offset <= this.highWatermark) return;
    assert(offset <= this.log.endOffset, `the high watermark ${offset} lies behind the end ${this.log.endOffset}`);
    this.highWatermark = offset;
    if (this.#ending.length > 0) this.#ending = this.#ending.filter(({ markerOffset }) => markerOffset >= offset);
    this.#durable = settleBelow(this.#durable, offset);
    this.#wakeReaders();
  }

  // ── Readers ─────────────────────────────────────────────────────────────────────────────────────────────────────

  watch(reader: Reader): void {
    this.#readers.add(reader);
  }

  unwatch(reader: Reader): void {
    this.#readers.delete(reader);
  }

  #wakeReaders(): void {
    for (const reader of this.#readers) reader.advanced(this);
  }

  // ── The end ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes the partition out of service: everyone who waits is told why. */
  retire(errorCode: number): void {
    if (this.failure === ErrorCode.NONE) this.failure = errorCode;
    for (const { settled } of this.#durable.splice(0)) settled(this.failure);
    this.#wakeReaders();
  }

  /** A failed write or sync leaves it unknown what the disk holds: only opening the log again can tell. */
  #fail(error: unknown): void {
    const code = codeOf(error) ?? 'unknown';
    this.#report(`partition ${this.topic}-${this.index} is out of service: ${messageOf(error)} (${code})`);
    this.retire(ErrorCode.KAFKA_STORAGE_ERROR);
  }
}

function settleBelow(waiting: Waiting[], offset: number): Waiting[] {
  if (waiting.length === 0 || waiting[0]!.offset >= offset) return waiting;
  let count = 0;
  while (count < waiting.length && waiting[count]!.offset < offset) count++;
  const rest = waiting.slice(count);
  for (let i = 0; i < count; i++) waiting[i]!.settled(ErrorCode.NONE);
  return rest;
}

function refused(errorCode: number, reason: string): AppendResult {
  return { kind: 'refused', errorCode, reason };
}
