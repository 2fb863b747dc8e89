import { ByteWriter, readInt64 } from '../../util/index.ts';
import { Rows } from './rows.ts';
import { type Follower, SlotTable, UNCHECKPOINTED, UNLOGGED } from './slot-table.ts';
import { FROM_LOG, type Row, type RowVisitor, type StoreSpec, type Tracking } from './store.ts';
import type { Key, Table } from './table.ts';

/** Spans in a list of changes before it is looked through the first time. */
const FIRST_LOOK = 50_000;
/** What is kept of values' bytes between two commits; further values are encoded again. */
const MAX_RAW_BYTES = 16 * 1024 * 1024;
/** Bytes behind the key in a row: a session's end and start (8 each), else the start (8) and the sequence number (4). */
const SESSION_SUFFIX_BYTES = 16;
const SUFFIX_BYTES = 12;

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
  /** The followers who have not seen it as it is. */
  unseenBy: number;
  /** The generation of the checkpoint that holds it. */
  savedIn: number;
}

/** The bytes of a value, where it came as bytes. */
export interface RawValue {
  readonly valueBytes: Buffer;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/**
 * Sessions, sliding windows and join buffers: each key's spans in one small array, ordered by (end, start, sequence),
 * so that the spans around a time are found without touching other keys.
 */
export class IntervalState extends Rows<unknown> {
  readonly table: Table<Interval[]> = new SlotTable<Interval[]>();
  /** The latest span end ever written: what retention counts from. */
  storeTime = Number.NEGATIVE_INFINITY;
  size = 0;
  readonly #retentionMs: number;
  /** Bytes of values that are to be logged as they came. */
  readonly #raw = new ByteWriter();
  readonly #unlogged = new UnseenSpans(() => this.expiredBefore);
  readonly #uncheckpointed = new UnseenSpans(() => this.expiredBefore);
  #latestTime = Number.POSITIVE_INFINITY;
  #sweptSize = 0;
  #sweptAt = Number.NEGATIVE_INFINITY;
  #sequence = 0;

  constructor(spec: StoreSpec, tracking: Tracking) {
    super(spec, tracking);
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
    return slot < 0 ? undefined : this.table.read(slot);
  }

  /** Sets the value of a span, or adds one. Returns undefined when the span has expired. */
  put(key: Key, start: number, end: number, value: unknown, timestamp: number): Interval | undefined {
    if (!this.#takes(end)) return undefined;
    const span = this.#spanAt(this.table.slotFor(key.bytes, key.start, key.end), start, end, 0);
    set(span, value, timestamp);
    this.#touch(span, this.tracked);
    return span;
  }

  /** Adds a span even where one with the same times exists. `raw` may hold the value's bytes; they are copied. */
  append(key: Key, time: number, value: unknown, raw: RawValue | null = null): Interval | undefined {
    this.#sequence = (this.#sequence + 1) & 0x7fffffff;
    if (!this.#takes(time)) return undefined;
    const slot = this.table.slotFor(key.bytes, key.start, key.end);
    const span = this.#spanAt(slot, time, time, this.#sequence);
    set(span, value, time);
    this.#touch(span, this.tracked);
    if (raw !== null && (span.unseenBy & UNLOGGED) !== 0 && this.#raw.position < MAX_RAW_BYTES) {
      span.rawStart = this.#raw.position;
      this.#raw.bytes(raw.valueBytes, raw.valueStart, raw.valueEnd);
      span.rawEnd = this.#raw.position;
    }
    return span;
  }

  remove(span: Interval, timestamp: number): void {
    this.#takeOut(span, timestamp);
    this.#touch(span, this.tracked);
  }

  refresh(before: number): void {
    const { table, expiredBefore } = this;
    table.forEach((slot) => {
      for (const span of table.read(slot)!) {
        if (span.savedIn < before && span.end >= expiredBefore) this.#touch(span, this.tracked & UNCHECKPOINTED);
      }
    });
  }

  restore(row: Row, generation: number): void {
    const isSession = this.spec.kind === 'session';
    const { bytes, keyStart, timestamp } = row;
    const keyEnd = row.keyEnd - (isSession ? SESSION_SUFFIX_BYTES : SUFFIX_BYTES);
    const start = readInt64(bytes, isSession ? keyEnd + 8 : keyEnd);
    const end = isSession ? readInt64(bytes, keyEnd) : start + (this.spec.windowSizeMs ?? 0);
    const sequence = isSession ? 0 : bytes.readInt32BE(keyEnd + 8);
    if (sequence > this.#sequence) this.#sequence = sequence;
    let span: Interval | undefined;
    if (row.valueStart < 0) {
      const spans = this.of(bytes, keyStart, keyEnd);
      span = spans?.find((s) => s.start === start && s.end === end && s.sequence === sequence);
      if (span === undefined) return;
      this.#takeOut(span, timestamp);
    } else {
      const value = this.decode(row);
      if (!this.#takes(end)) return;
      span = this.#spanAt(this.table.slotFor(bytes, keyStart, keyEnd), start, end, sequence);
      set(span, value, timestamp);
    }
    span.savedIn = generation;
    if (generation === FROM_LOG) this.#touch(span, this.tracked & UNCHECKPOINTED);
  }

  protected drain(follower: Follower, visit: RowVisitor, limit: number, generation: number): boolean {
    const unseen = follower === UNLOGGED ? this.#unlogged : this.#uncheckpointed;
    for (const span of unseen.take(limit)) {
      span.unseenBy &= ~follower;
      if (follower === UNCHECKPOINTED) span.savedIn = generation;
      this.#visit(span, visit);
      if (follower === UNLOGGED) span.rawStart = -1;
    }
    if (unseen.length > 0) return true;
    if (follower === UNLOGGED) this.#raw.reset();
    else this.#sweep();
    return false;
  }

  /** Moves the store's time on; false when what ends then has expired. */
  #takes(end: number): boolean {
    if (end <= this.storeTime) return end >= this.expiredBefore;
    this.storeTime = end;
    this.#sweepIfGrown();
    return true;
  }

  /** The span among those of its key, added if there is none. */
  #spanAt(slot: number, start: number, end: number, sequence: number): Interval {
    let spans = this.table.read(slot);
    if (spans === undefined) {
      spans = [];
      this.table.write(slot, spans, 0);
    }
    if (spans.length > 0 && spans[0]!.end < this.expiredBefore) this.#trim(spans);
    let at = spans.length;
    while (at > 0 && isBehind(spans[at - 1]!, start, end, sequence)) at--;
    const before = at > 0 ? spans[at - 1]! : undefined;
    if (before !== undefined && before.start === start && before.end === end && before.sequence === sequence) {
      return before;
    }
    const span: Interval = {
      slot,
      start,
      end,
      sequence,
      value: undefined,
      timestamp: -1,
      rawStart: -1,
      rawEnd: -1,
      unseenBy: 0,
      savedIn: FROM_LOG,
    };
    if (at === spans.length) spans.push(span);
    else spans.splice(at, 0, span);
    this.size++;
    return span;
  }

  #takeOut(span: Interval, timestamp: number): void {
    const spans = this.table.read(span.slot)!;
    spans.splice(spans.indexOf(span), 1);
    this.size--;
    span.value = undefined;
    span.timestamp = timestamp;
  }

  #touch(span: Interval, followers: number): void {
    const news = followers & ~span.unseenBy;
    if (news === 0) return;
    span.unseenBy |= news;
    if ((news & UNLOGGED) !== 0) this.#unlogged.add(span);
    if ((news & UNCHECKPOINTED) !== 0) this.#uncheckpointed.add(span);
  }

  /** Rows that have expired before anybody saw them are left out: they would be dropped when read back. */
  #visit(span: Interval, visit: RowVisitor): void {
    if (span.end < this.expiredBefore) return;
    const { table, key, value } = this;
    key.reset();
    key.bytes(table.arena, table.keyStart(span.slot), table.keyEnd(span.slot));
    if (this.spec.kind === 'session') {
      key.int64(span.end);
      key.int64(span.start);
    } else {
      key.int64(span.start);
      key.int32(span.sequence);
    }
    value.reset();
    if (span.rawStart >= 0) value.bytes(this.#raw.buffer, span.rawStart, span.rawEnd);
    else if (span.value !== undefined) this.encode(span.value, value);
    this.visitRow(visit, span.timestamp, span.value === undefined);
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
      const spans = table.read(slot)!;
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

function set(span: Interval, value: unknown, timestamp: number): void {
  span.value = value;
  span.timestamp = timestamp;
  span.rawStart = -1;
}

/**
 * Spans that a follower has yet to see. Nobody has to hear of those that have expired meanwhile, and a list of them would
 * keep them in memory.
 */
class UnseenSpans {
  readonly #expiredBefore: () => number;
  #spans: Interval[] = [];
  /** Where the list is looked through for what has expired. */
  #most = FIRST_LOOK;

  constructor(expiredBefore: () => number) {
    this.#expiredBefore = expiredBefore;
  }

  get length(): number {
    return this.#spans.length;
  }

  add(span: Interval): void {
    this.#spans.push(span);
    if (this.#spans.length < this.#most) return;
    const before = this.#expiredBefore();
    this.#spans = this.#spans.filter(({ end }) => end >= before);
    this.#most = Math.max(FIRST_LOOK, 4 * this.#spans.length);
  }

  take(limit: number): Interval[] {
    if (this.#spans.length > limit) return this.#spans.splice(0, limit);
    const spans = this.#spans;
    this.#spans = [];
    this.#most = FIRST_LOOK;
    return spans;
  }
}
