import { ByteWriter, readInt64 } from '../../util/index.ts';
import { Rows, type Segment } from './rows.ts';
import { ALL_KEYS } from './scan.ts';
import { UNLOGGED, UNSAVED } from './slot-table.ts';
import type { DiskVisitor, KeyRange, Row, RowVisitor, SavedStore, StoreSpec, Tracking } from './store.ts';
import type { Key, Table } from './table.ts';
import { savedTime, TimeSegment, TimeSegments } from './time-segments.ts';

/** Spans in a list of changes before it is looked through the first time. */
const FIRST_LOOK = 50_000;
/** What is kept of values' bytes between two commits; further values are encoded again. */
const MAX_RAW_BYTES = 16 * 1024 * 1024;
/** Bytes behind the key in a row: a session's end and start (8 each), else the start (8) and the sequence number (4). */
const SESSION_SUFFIX_BYTES = 16;
const SUFFIX_BYTES = 12;
/** Before a span's value on disk: start, end and timestamp (8 each), sequence number (4), length of the value (4). */
const SPAN_HEAD_BYTES = 32;
/** The shortest piece of time that spans are kept together for. */
const LEAST_SEGMENT_MS = 1000;
const NO_SPANS: readonly Interval[] = [];

/** One value with a time span, among those of its key. `value` is undefined once it has been removed. */
export interface Interval {
  /** Where its key is: a slot in the table of a piece of time. */
  segment: Spans;
  slot: number;
  readonly start: number;
  readonly end: number;
  /** Tells apart the records of one key and time in join buffers. */
  readonly sequence: number;
  value: unknown;
  timestamp: number;
  /** Where the value's bytes are kept until they are logged, if they were at hand; -1 where not. */
  rawStart: number;
  rawEnd: number;
  /** The changelog has not seen it as it is. */
  isUnlogged: boolean;
}

/** Each key's spans that end within one piece of time. */
interface Spans {
  readonly table: Table<Interval[]>;
}

class SpanSegment extends TimeSegment<Interval[]> implements Spans {
  /** Spans, in memory or not. */
  count = 0;
}

/** The bytes of a value, where it came as bytes. */
export interface RawValue {
  readonly valueBytes: Buffer;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/**
 * Sessions, sliding windows, join buffers, and windows that start anywhere: each key's spans that end within one piece of
 * time in one small array, ordered by (end, start, sequence), so that the spans around a time are found without touching
 * other keys. On disk such an array is one row.
 */
export class IntervalState extends Rows<Interval[]> {
  /** The latest span end ever written: what retention counts from. */
  storeTime = Number.NEGATIVE_INFINITY;
  size = 0;
  readonly #segments: TimeSegments<SpanSegment>;
  readonly #segmentMs: number;
  readonly #retentionMs: number;
  readonly #logs: boolean;
  /** Bytes of values that are to be logged as they came. */
  readonly #raw = new ByteWriter();
  readonly #unlogged = new UnseenSpans(() => this.expiredBefore);
  /** Bytes of an encoded value, as far as some have been seen. */
  #typicalBytes = 32;
  #latestTime = Number.POSITIVE_INFINITY;
  #sequence = 0;

  constructor(spec: StoreSpec, tracking: Tracking) {
    super(spec, tracking);
    this.#retentionMs = spec.retentionMs!;
    this.#segmentMs = spec.segmentIntervalMs ?? Math.max(LEAST_SEGMENT_MS, Math.ceil(this.#retentionMs / 2));
    this.#logs = tracking.log;
    this.#segments = new TimeSegments((start, saved) => {
      const around = { suffix: Buffer.alloc(0), prefix: this.prefixOf(start) };
      return new SpanSegment(start, around, (own) => this.tableOf(own, this.tracked), saved);
    });
  }

  get bytes(): number {
    return Math.round(this.size * this.#typicalBytes);
  }

  /** Spans that end before this are gone. */
  get expiredBefore(): number {
    return Math.max(Math.min(this.storeTime, this.#latestTime) - this.#retentionMs, this.#segments.expiredBefore);
  }

  timeHasCome(time: number): void {
    if (time === this.#latestTime) return;
    this.#latestTime = time;
    this.#expire();
  }

  /**
   * The spans of a key, oldest first, with those that end within [from, to] among them; callers don't change it. Expired
   * ones may still be in front.
   */
  spansOf(
    { bytes, start, end }: Key,
    from = Number.NEGATIVE_INFINITY,
    to = Number.POSITIVE_INFINITY,
  ): readonly Interval[] {
    const segments = this.#segments;
    const { starts } = segments;
    let found = NO_SPANS;
    for (let i = 0; i < starts.length; i++) {
      const segmentStart = starts[i]!;
      if (segmentStart + this.#segmentMs <= from) continue;
      if (segmentStart > to) break;
      const { table } = segments.get(segmentStart)!;
      const slot = table.find(bytes, start, end);
      const spans = slot < 0 ? undefined : table.read(slot);
      if (spans !== undefined) found = found.length === 0 ? spans : [...found, ...spans];
    }
    return found;
  }

  /** The span of a key with exactly these times, if there is one. */
  find(key: Key, start: number, end: number): Interval | undefined {
    return this.spansOf(key, end, end).find((span) => span.start === start && span.end === end);
  }

  /** Visits the spans in memory. */
  forEach(visit: (span: Interval) => void): void {
    for (const { touched: table } of this.#segments.all()) {
      table?.forEach((slot) => {
        for (const span of table.read(slot)!) visit(span);
      });
    }
  }

  /** Sets the value of a span, or adds one. Returns undefined when the span has expired. */
  put(key: Key, start: number, end: number, value: unknown, timestamp: number): Interval | undefined {
    if (!this.#takes(end)) return undefined;
    const span = this.#spanAt(key, start, end, 0);
    set(span, value, timestamp);
    this.#touch(span);
    return span;
  }

  /** Adds a span even where one with the same times exists. `raw` may hold the value's bytes; they are copied. */
  append(key: Key, time: number, value: unknown, raw: RawValue | null = null): Interval | undefined {
    this.#sequence = (this.#sequence + 1) & 0x7fffffff;
    if (!this.#takes(time)) return undefined;
    const span = this.#spanAt(key, time, time, this.#sequence);
    set(span, value, time);
    this.#touch(span);
    if (raw !== null && span.isUnlogged && this.#raw.position < MAX_RAW_BYTES) {
      span.rawStart = this.#raw.position;
      this.#raw.bytes(raw.valueBytes, raw.valueStart, raw.valueEnd);
      span.rawEnd = this.#raw.position;
    }
    return span;
  }

  remove(span: Interval, timestamp: number): void {
    this.#takeOut(span, timestamp);
    this.#touch(span);
  }

  restore(row: Row): void {
    const isSession = this.spec.kind === 'session';
    const { bytes, keyStart, timestamp } = row;
    const keyEnd = row.keyEnd - (isSession ? SESSION_SUFFIX_BYTES : SUFFIX_BYTES);
    const start = readInt64(bytes, isSession ? keyEnd + 8 : keyEnd);
    const end = isSession ? readInt64(bytes, keyEnd) : start + (this.spec.windowSizeMs ?? 0);
    const sequence = isSession ? 0 : bytes.readInt32BE(keyEnd + 8);
    if (sequence > this.#sequence) this.#sequence = sequence;
    const key: Key = { bytes, start: keyStart, end: keyEnd };
    if (row.valueStart < 0) {
      if (!this.#takes(end)) return;
      const spans = this.spansOf(key, end, end);
      const span = spans.find((each) => each.start === start && each.end === end && each.sequence === sequence);
      if (span !== undefined) this.#takeOut(span, timestamp);
      return;
    }
    const value = this.spec.value.decode(bytes, row.valueStart, row.valueEnd);
    if (this.#takes(end)) set(this.#spanAt(key, start, end, sequence), value, timestamp);
  }

  drainLog(visit: RowVisitor): void {
    for (const span of this.#unlogged.take()) {
      span.isUnlogged = false;
      this.#visit(span, visit);
      span.rawStart = -1;
    }
    this.#raw.reset();
    for (const { touched } of this.#segments.all()) touched?.drain(UNLOGGED, () => {});
  }

  drainDisk(visit: DiskVisitor, limit = Number.POSITIVE_INFINITY): boolean {
    let left = limit;
    for (const segment of this.#segments.all()) {
      const count = segment.touched?.changes(UNSAVED) ?? 0;
      if (count === 0) continue;
      if (left <= 0) return true;
      if (this.drainSegmentDisk(segment, visit, left)) return true;
      left -= count;
    }
    return false;
  }

  saved(): void {
    for (const { touched } of this.#segments.all()) touched?.saved();
  }

  override expired(): KeyRange | undefined {
    const before = this.#segments.takeExpired();
    return before === undefined ? undefined : { gte: this.prefixOf(0), lt: this.prefixOf(before) };
  }

  describe(): SavedStore {
    const segments = [...this.#segments.all()].map(({ start, count }): [number, number] => [start, count]);
    return { size: this.size, ...savedTime(this.storeTime), segments };
  }

  resume(saved: SavedStore): void {
    this.storeTime = Math.max(this.storeTime, saved.storeTime ?? Number.NEGATIVE_INFINITY);
    this.#segments.resume(saved, this.staysInMemory);
    if (!this.staysInMemory) {
      for (const [start, count] of saved.segments ?? []) this.#count(this.#segments.get(start)!, count);
    }
    this.#expire();
  }

  take(key: Buffer, stored: Buffer): void {
    const segment = this.#segments.get(readInt64(key, this.disk!.prefix.length));
    if (segment !== undefined) this.takeInto(segment, key, stored);
  }

  close(): void {
    this.#segments.close();
  }

  /** The spans that start within [from, to], and have not expired. */
  async *scan(from: number, to: number): AsyncGenerator<{ readonly key: Buffer; readonly span: Interval }> {
    for (const segmentStart of this.#segments.starts.slice()) {
      const segment = this.#segments.get(segmentStart);
      if (segment === undefined) continue;
      for await (const { key, value } of this.scanSegment(segment, ALL_KEYS)) {
        for (const span of value.slice()) {
          if (span.start >= from && span.start <= to && span.end >= this.expiredBefore) yield { key, span };
        }
      }
    }
  }

  protected override encodeStored(spans: Interval[], out: ByteWriter): void {
    for (const { start, end, timestamp, sequence, value } of spans) {
      out.int64(start);
      out.int64(end);
      out.int64(timestamp);
      out.int32(sequence);
      out.int32(0);
      const at = out.position;
      this.spec.value.encode(value, out);
      out.buffer.writeInt32BE(out.position - at, at - 4);
    }
  }

  protected override decodeStored({ bytes, valueStart, valueEnd }: Row, segment: Segment<Interval[]>): Interval[] {
    const spans: Interval[] = [];
    for (let at = valueStart; at < valueEnd; ) {
      const from = at + SPAN_HEAD_BYTES;
      const to = from + bytes.readInt32BE(from - 4);
      const span = newSpan(segment, -1, readInt64(bytes, at), readInt64(bytes, at + 8), bytes.readInt32BE(at + 24));
      set(span, this.spec.value.decode(bytes, from, to), readInt64(bytes, at + 16));
      if (span.sequence > this.#sequence) this.#sequence = span.sequence;
      spans.push(span);
      at = to;
    }
    return spans;
  }

  protected override placed(slot: number, spans: Interval[], segment: Segment<Interval[]>): void {
    for (const span of spans) span.slot = slot;
    if (this.staysInMemory) this.#count(segment as SpanSegment, spans.length);
  }

  /** Moves the store's time on; false when what ends then has expired. */
  #takes(end: number): boolean {
    if (end <= this.storeTime) return end >= this.expiredBefore;
    this.storeTime = end;
    this.#expire();
    return true;
  }

  #expire(): void {
    const before = this.expiredBefore;
    if (before === Number.NEGATIVE_INFINITY || this.#segments.starts.length === 0) return;
    const first = this.#segmentOf(before);
    if (this.#segments.starts[0]! >= first) return;
    for (const { start, count } of this.#segments.all()) if (start < first) this.size -= count;
    this.#segments.expire(first);
  }

  #segmentOf(end: number): number {
    return Math.floor(end / this.#segmentMs) * this.#segmentMs;
  }

  #count(segment: SpanSegment, more: number): void {
    segment.count += more;
    this.size += more;
  }

  /** The span among those of its key, added if there is none. */
  #spanAt({ bytes, start: keyStart, end: keyEnd }: Key, start: number, end: number, sequence: number): Interval {
    const segment = this.#segments.at(this.#segmentOf(end));
    const { table } = segment;
    const slot = table.slotFor(bytes, keyStart, keyEnd);
    const spans = table.read(slot) ?? [];
    if (spans.length > 0 && spans[0]!.end < this.expiredBefore) this.#trim(segment, spans);
    let at = spans.length;
    while (at > 0 && isBehind(spans[at - 1]!, start, end, sequence)) at--;
    let span = at > 0 ? spans[at - 1]! : undefined;
    if (span === undefined || span.start !== start || span.end !== end || span.sequence !== sequence) {
      span = newSpan(segment, slot, start, end, sequence);
      if (at === spans.length) spans.push(span);
      else spans.splice(at, 0, span);
      this.#count(segment, 1);
    }
    table.write(slot, spans, 0);
    table.weigh(slot, spans.length * (SPAN_HEAD_BYTES + this.#typicalBytes));
    return span;
  }

  #takeOut(span: Interval, timestamp: number): void {
    const { slot } = span;
    const segment = span.segment as SpanSegment;
    const { table } = segment;
    const spans = table.read(slot)!;
    spans.splice(spans.indexOf(span), 1);
    this.#count(segment, -1);
    span.value = undefined;
    span.timestamp = timestamp;
    if (spans.length === 0) table.remove(slot, 0);
    else table.write(slot, spans, 0);
  }

  #touch(span: Interval): void {
    if (!this.#logs || span.isUnlogged) return;
    span.isUnlogged = true;
    this.#unlogged.add(span);
  }

  /** Rows that have expired before anybody saw them are left out: they would be dropped when read back. */
  #visit(span: Interval, visit: RowVisitor): void {
    if (span.end < this.expiredBefore) return;
    const { key, value } = this;
    const { table } = span.segment;
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
    else if (span.value !== undefined) this.spec.value.encode(span.value, value);
    if (span.value !== undefined) this.#typicalBytes += (value.position - this.#typicalBytes) / 16;
    this.visitRow(visit, span.timestamp, span.value === undefined);
  }

  #trim(segment: SpanSegment, spans: Interval[]): void {
    const before = this.expiredBefore;
    let count = 0;
    while (count < spans.length && spans[count]!.end < before) count++;
    spans.splice(0, count);
    this.#count(segment, -count);
  }
}

function isBehind(span: Interval, start: number, end: number, sequence: number): boolean {
  if (span.end !== end) return span.end > end;
  if (span.start !== start) return span.start > start;
  return span.sequence > sequence;
}

function newSpan(segment: Spans, slot: number, start: number, end: number, sequence: number): Interval {
  return {
    segment,
    slot,
    start,
    end,
    sequence,
    value: undefined,
    timestamp: -1,
    rawStart: -1,
    rawEnd: -1,
    isUnlogged: false,
  };
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

  add(span: Interval): void {
    this.#spans.push(span);
    if (this.#spans.length < this.#most) return;
    const before = this.#expiredBefore();
    this.#spans = this.#spans.filter(({ end }) => end >= before);
    this.#most = Math.max(FIRST_LOOK, 4 * this.#spans.length);
  }

  take(): Interval[] {
    const spans = this.#spans;
    this.#spans = [];
    this.#most = FIRST_LOOK;
    return spans;
  }
}
