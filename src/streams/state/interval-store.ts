import { ByteWriter } from '../../util/index.ts';
import { readInt64 } from '../../util/index.ts';
import { SlotTable } from './slot-table.ts';
import { SpanView } from './span-view.ts';
import { FROM_LOG, type RowVisitor, type StateStore, type StoreSpec, type Tracking } from './store.ts';

/** Spans in a list of changes before it is looked through the first time. */
const FIRST_LOOK = 50_000;
/** What is kept of values' bytes between two commits; further values are encoded again. */
const MAX_RAW_BYTES = 16 * 1024 * 1024;

/** One value with a time span, among those of its key. `value` is undefined once it has been removed. */
export interface Interval {
  /** The key's slot in the store's table. */
  readonly slot: number;
  readonly start: number;
  readonly end: number;
  /** Tells apart the records of one key and time in join buffers. */
  readonly sequence: number;
  value: unknown;
  timestamp: number;
  /** Where the value's bytes are kept until they are logged, if they were at hand; -1 where not. */
  rawStart: number;
  rawEnd: number;
  unlogged: boolean;
  uncheckpointed: boolean;
  /** The generation of the checkpoint that holds it. */
  savedIn: number;
}

/**
 * Sessions, sliding windows and join buffers: each key's spans in one small array, ordered by (end, start, sequence),
 * so that the spans around a time are found without touching other keys.
 */
export class IntervalState implements StateStore {
  readonly spec: StoreSpec;
  readonly table = new SlotTable<Interval[]>();
  /** The latest span end ever written: what retention counts from. */
  storeTime = Number.NEGATIVE_INFINITY;
  size = 0;
  readonly #tracking: Tracking;
  readonly #retentionMs: number;
  readonly #row = new ByteWriter();
  readonly #out = new ByteWriter();
  /** Bytes of values that are to be logged as they came. */
  readonly #raw = new ByteWriter();
  #unlogged: Interval[] = [];
  #uncheckpointed: Interval[] = [];
  /** Where the lists are looked through for what has expired since. */
  #mostUnlogged = FIRST_LOOK;
  #mostUncheckpointed = FIRST_LOOK;
  readonly #rowView = new SpanView();
  readonly #valueView = new SpanView();
  #latestTime = Number.POSITIVE_INFINITY;
  #sweptSize = 0;
  #sweptAt = Number.NEGATIVE_INFINITY;
  #sequence = 0;

  constructor(spec: StoreSpec, tracking: Tracking) {
    this.spec = spec;
    this.#tracking = tracking;
    this.#retentionMs = spec.retentionMs!;
  }

  /** Spans that end before this are gone. */
  get expiredBefore(): number {
    return Math.min(this.storeTime, this.#latestTime) - this.#retentionMs;
  }

  timeHasCome(time: number): void {
    this.#latestTime = time;
    this.#sweepIfGrown();
  }

  /** The spans of a key, oldest first; callers don't change it. Expired ones may still be in front. */
  of(bytes: Uint8Array, start: number, end: number): readonly Interval[] | undefined {
    const slot = this.table.find(bytes, start, end);
    return slot < 0 ? undefined : this.table.values[slot];
  }

  /** Sets the value of a span, or adds one. Answers undefined when the span has expired. */
  put(
    bytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    start: number,
    end: number,
    value: unknown,
    timestamp: number,
  ) {
    return this.#put(bytes, keyStart, keyEnd, start, end, 0, value, timestamp, true);
  }

  /** Adds a span even where one with the same times exists. `raw` may hold the value's bytes; they are copied. */
  append(
    bytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    time: number,
    value: unknown,
    raw: Buffer | null = null,
    rawStart = 0,
    rawEnd = 0,
  ): Interval | undefined {
    this.#sequence = (this.#sequence + 1) & 0x7fffffff;
    const span = this.#put(bytes, keyStart, keyEnd, time, time, this.#sequence, value, time, true);
    if (raw !== null && span?.unlogged === true && this.#raw.position < MAX_RAW_BYTES) {
      span.rawStart = this.#raw.position;
      this.#raw.bytes(raw, rawStart, rawEnd);
      span.rawEnd = this.#raw.position;
    }
    return span;
  }

  remove(span: Interval, timestamp: number): void {
    this.#takeOut(span, timestamp);
    this.#touch(span);
  }

  drainLog(visit: RowVisitor): void {
    const spans = this.#unlogged;
    this.#unlogged = [];
    for (const span of spans) {
      span.unlogged = false;
      this.#visit(span, visit);
      span.rawStart = -1;
    }
    this.#raw.reset();
    this.#mostUnlogged = FIRST_LOOK;
  }

  drainCheckpoint(generation: number, visit: RowVisitor, limit = Number.POSITIVE_INFINITY): boolean {
    const isLast = this.#uncheckpointed.length <= limit;
    const spans = isLast ? this.#uncheckpointed : this.#uncheckpointed.splice(0, limit);
    if (isLast) {
      this.#uncheckpointed = [];
      this.#mostUncheckpointed = FIRST_LOOK;
    }
    for (const span of spans) {
      span.uncheckpointed = false;
      span.savedIn = generation;
      this.#visit(span, visit);
    }
    if (isLast) this.#sweep();
    return !isLast;
  }

  refresh(before: number): void {
    const { table, expiredBefore } = this;
    table.forEach((slot) => {
      for (const span of table.values[slot]!) {
        if (span.savedIn < before && span.end >= expiredBefore) this.#needsCheckpoint(span);
      }
    });
  }

  restore(
    bytes: Buffer,
    rowStart: number,
    rowEnd: number,
    valueStart: number,
    valueEnd: number,
    timestamp: number,
    generation: number,
  ): void {
    let start: number;
    let end: number;
    let sequence = 0;
    let keyEnd: number;
    if (this.spec.kind === 'session') {
      keyEnd = rowEnd - 16;
      end = readInt64(bytes, keyEnd);
      start = readInt64(bytes, keyEnd + 8);
    } else {
      keyEnd = rowEnd - 12;
      start = readInt64(bytes, keyEnd);
      end = start + (this.spec.windowSizeMs ?? 0);
      sequence = bytes.readInt32BE(keyEnd + 8);
      if (sequence > this.#sequence) this.#sequence = sequence;
    }
    let span: Interval | undefined;
    if (valueStart < 0) {
      const spans = this.of(bytes, rowStart, keyEnd);
      span = spans?.find((s) => s.start === start && s.end === end && s.sequence === sequence);
      if (span === undefined) return;
      this.#takeOut(span, timestamp);
    } else {
      const value = this.spec.value.decode(bytes, valueStart, valueEnd);
      span = this.#put(bytes, rowStart, keyEnd, start, end, sequence, value, timestamp, false);
      if (span === undefined) return;
    }
    span.savedIn = generation;
    if (generation === FROM_LOG) this.#needsCheckpoint(span);
  }

  #put(
    bytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    start: number,
    end: number,
    sequence: number,
    value: unknown,
    timestamp: number,
    dirty: boolean,
  ): Interval | undefined {
    if (end > this.storeTime) {
      this.storeTime = end;
      this.#sweepIfGrown();
    } else if (end < this.expiredBefore) {
      return undefined;
    }
    const slot = this.table.slotFor(bytes, keyStart, keyEnd);
    let spans = this.table.values[slot];
    if (spans === undefined) {
      spans = [];
      this.table.set(slot, spans, 0);
    }
    if (spans.length > 0 && spans[0]!.end < this.expiredBefore) this.#trim(spans);
    let at = spans.length;
    while (at > 0 && isBehind(spans[at - 1]!, start, end, sequence)) at--;
    let span = at > 0 ? spans[at - 1]! : undefined;
    if (span !== undefined && span.start === start && span.end === end && span.sequence === sequence) {
      span.value = value;
      span.timestamp = timestamp;
      span.rawStart = -1;
    } else {
      span = {
        slot,
        start,
        end,
        sequence,
        value,
        timestamp,
        rawStart: -1,
        rawEnd: -1,
        unlogged: false,
        uncheckpointed: false,
        savedIn: FROM_LOG,
      };
      if (at === spans.length) spans.push(span);
      else spans.splice(at, 0, span);
      this.size++;
    }
    if (dirty) this.#touch(span);
    return span;
  }

  #takeOut(span: Interval, timestamp: number): void {
    const spans = this.table.values[span.slot]!;
    spans.splice(spans.indexOf(span), 1);
    this.size--;
    span.value = undefined;
    span.timestamp = timestamp;
  }

  #touch(span: Interval): void {
    if (this.#tracking.log && !span.unlogged) {
      span.unlogged = true;
      this.#unlogged.push(span);
      if (this.#unlogged.length >= this.#mostUnlogged) {
        this.#unlogged = this.#withoutExpired(this.#unlogged);
        this.#mostUnlogged = Math.max(FIRST_LOOK, 4 * this.#unlogged.length);
      }
    }
    this.#needsCheckpoint(span);
  }

  #needsCheckpoint(span: Interval): void {
    if (this.#tracking.checkpoint && !span.uncheckpointed) {
      span.uncheckpointed = true;
      this.#uncheckpointed.push(span);
      if (this.#uncheckpointed.length >= this.#mostUncheckpointed) {
        this.#uncheckpointed = this.#withoutExpired(this.#uncheckpointed);
        this.#mostUncheckpointed = Math.max(FIRST_LOOK, 4 * this.#uncheckpointed.length);
      }
    }
  }

  /** Nobody has to hear of spans that have expired meanwhile, and a list of them would keep them in memory. */
  #withoutExpired(spans: Interval[]): Interval[] {
    const { expiredBefore } = this;
    return spans.filter(({ end }) => end >= expiredBefore);
  }

  /** Rows that have expired before anybody saw them are left out: they would be dropped when read back. */
  #visit(span: Interval, visit: RowVisitor): void {
    if (span.end < this.expiredBefore) return;
    const row = this.#row;
    const { table } = this;
    row.reset();
    row.bytes(table.arena, table.keyStart(span.slot), table.keyEnd(span.slot));
    if (this.spec.kind === 'session') {
      row.int64(span.end);
      row.int64(span.start);
    } else {
      row.int64(span.start);
      row.int32(span.sequence);
    }
    let value: Buffer | null = null;
    if (span.value !== undefined) {
      const out = this.#out;
      out.reset();
      if (span.rawStart >= 0) out.bytes(this.#raw.buffer, span.rawStart, span.rawEnd);
      else this.spec.value.encode(span.value, out);
      value = this.#valueView.of(out.buffer, 0, out.position);
    }
    visit(this.#rowView.of(row.buffer, 0, row.position), value, span.timestamp);
  }

  #trim(spans: Interval[]): void {
    const before = this.expiredBefore;
    let count = 0;
    while (count < spans.length && spans[count]!.end < before) count++;
    if (count === 0) return;
    spans.splice(0, count);
    this.size -= count;
  }

  /** Lets go of expired spans, and of keys that have none left and nothing to log. */
  #sweepIfGrown(): void {
    const hasGrown = this.size > 2 * this.#sweptSize + 1024;
    if (hasGrown && this.expiredBefore > this.#sweptAt) this.#sweep();
  }

  #sweep(): void {
    this.#sweptAt = this.expiredBefore + this.#retentionMs;
    const canRelease = this.#unlogged.length === 0 && this.#uncheckpointed.length === 0;
    const { table } = this;
    table.forEach((slot) => {
      const spans = table.values[slot]!;
      this.#trim(spans);
      if (spans.length === 0 && canRelease) table.remove(slot, 0);
    });
    this.#sweptSize = this.size;
  }
}

function isBehind(span: Interval, start: number, end: number, sequence: number): boolean {
  if (span.end !== end) return span.end > end;
  if (span.start !== start) return span.start > start;
  return span.sequence > sequence;
}
