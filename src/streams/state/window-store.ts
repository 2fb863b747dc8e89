import { ByteWriter, readInt64 } from '../../util/index.ts';
import { Rows } from './rows.ts';
import { ALL_KEYS, type Scanned } from './scan.ts';
import { type Follower, UNLOGGED, UNSAVED } from './slot-table.ts';
import type { DiskVisitor, KeyRange, Row, RowVisitor, SavedStore, StoreSpec, Tracking } from './store.ts';
import type { Table } from './table.ts';
import { savedTime, TimeSegment, TimeSegments } from './time-segments.ts';

/** Bytes behind the key in a row: the window's start (8) and a sequence number (4, always 0 here). */
const SUFFIX_BYTES = 12;

/** The entries of one window. */
export interface Window {
  readonly start: number;
  readonly table: Table<unknown>;
}

/** Values per window and key, one table per window: a record finds its window once, and an expired window goes as a whole. */
export class WindowState extends Rows<unknown> {
  /** The largest window start ever written: what retention counts from. */
  storeTime = Number.NEGATIVE_INFINITY;
  readonly #windows: TimeSegments<TimeSegment<unknown>>;
  readonly #retentionMs: number;
  #latestTime = Number.POSITIVE_INFINITY;

  constructor(spec: StoreSpec, tracking: Tracking) {
    super(spec, tracking);
    this.#retentionMs = spec.retentionMs!;
    this.#windows = new TimeSegments((start, saved) => {
      const around = { suffix: suffixOf(start), prefix: this.prefixOf(start) };
      return new TimeSegment<unknown>(start, around, (window) => this.tableOf(window, this.tracked), saved);
    });
  }

  /** The starts of the windows that have entries, ascending. */
  get starts(): readonly number[] {
    return this.#windows.starts;
  }

  get size(): number {
    let size = 0;
    for (const window of this.#windows.all()) size += window.keys;
    return size;
  }

  /** Windows that nobody has asked for since the start are taken to be like the others. */
  get bytes(): number {
    let keys = 0;
    let bytes = 0;
    for (const { touched } of this.#windows.all()) {
      keys += touched?.size ?? 0;
      bytes += touched?.bytes ?? 0;
    }
    return keys === 0 ? 0 : Math.round((bytes / keys) * this.size);
  }

  get expiredBefore(): number {
    return Math.max(Math.min(this.storeTime, this.#latestTime) - this.#retentionMs, this.#windows.expiredBefore);
  }

  timeHasCome(time: number): void {
    if (time === this.#latestTime) return;
    this.#latestTime = time;
    this.#windows.expire(this.expiredBefore);
  }

  find(start: number): Window | undefined {
    return this.#windows.get(start);
  }

  /** The window, made if there is none, or undefined when it has expired. */
  windowFor(start: number): Window | undefined {
    return this.#segmentFor(start);
  }

  restore(row: Row): void {
    const window = this.#segmentFor(readInt64(row.bytes, row.keyEnd - SUFFIX_BYTES));
    if (window !== undefined) this.restoreTo(window, row);
  }

  drainLog(visit: RowVisitor): void {
    for (const window of this.#changed(UNLOGGED)) this.drainSegmentLog(window, visit);
  }

  drainDisk(visit: DiskVisitor, limit = Number.POSITIVE_INFINITY): boolean {
    let left = limit;
    for (const window of this.#changed(UNSAVED)) {
      if (left <= 0) return true;
      const count = window.table.changes(UNSAVED);
      if (this.drainSegmentDisk(window, visit, left)) return true;
      left -= count;
    }
    return false;
  }

  saved(): void {
    for (const { touched } of this.#windows.all()) touched?.saved();
  }

  override expired(): KeyRange | undefined {
    const before = this.#windows.takeExpired();
    return before === undefined ? undefined : { gte: this.prefixOf(0), lt: this.prefixOf(before) };
  }

  describe(): SavedStore {
    const segments = [...this.#windows.all()].map(({ start, keys }): [number, number] => [start, keys]);
    return { size: this.size, ...savedTime(this.storeTime), segments };
  }

  resume(saved: SavedStore): void {
    this.storeTime = Math.max(this.storeTime, saved.storeTime ?? Number.NEGATIVE_INFINITY);
    this.#windows.resume(saved, this.staysInMemory);
    this.#windows.expire(this.expiredBefore);
  }

  take(key: Buffer, stored: Buffer): void {
    const window = this.#windows.get(readInt64(key, this.disk!.prefix.length));
    if (window !== undefined) this.takeInto(window, key, stored);
  }

  close(): void {
    this.#windows.close();
  }

  /** The entries of windows that start within [from, to], window by window. */
  async *scan(from: number, to: number): AsyncGenerator<Scanned<unknown> & { readonly start: number }> {
    for (const start of this.starts.filter((each) => each >= from && each <= to)) {
      const window = this.#windows.get(start);
      if (window === undefined) continue;
      for await (const entry of this.scanSegment(window, ALL_KEYS)) yield { ...entry, start };
    }
  }

  *#changed(follower: Follower): Generator<TimeSegment<unknown>> {
    for (const window of this.#windows.all()) if ((window.touched?.changes(follower) ?? 0) > 0) yield window;
  }

  #segmentFor(start: number): TimeSegment<unknown> | undefined {
    if (start > this.storeTime) {
      this.storeTime = start;
      this.#windows.expire(this.expiredBefore);
    } else if (start < this.expiredBefore) {
      return undefined;
    }
    return this.#windows.at(start);
  }
}

function suffixOf(start: number): Buffer {
  const out = new ByteWriter(SUFFIX_BYTES);
  out.int64(start);
  out.int32(0);
  return out.view();
}
