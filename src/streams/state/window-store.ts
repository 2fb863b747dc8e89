import { ByteWriter, readInt64 } from '../../util/index.ts';
import { Rows, type Segment } from './rows.ts';
import { type Follower, SlotTable } from './slot-table.ts';
import type { Row, RowVisitor, StoreSpec, Tracking } from './store.ts';
import type { Table } from './table.ts';

/** Bytes behind the key in a row: the window's start (8) and a sequence number (4, always 0 here). */
const SUFFIX_BYTES = 12;

/** The entries of one window. */
export interface Window {
  readonly start: number;
  readonly table: Table<unknown>;
}

type WindowSegment = Window & Segment<unknown>;

/** Values per window and key, one table per window: a record finds its window once, and an expired window goes as a whole. */
export class WindowState extends Rows<unknown> {
  /** The starts of the windows at hand, ascending. */
  readonly starts: number[] = [];
  /** The largest window start ever written: what retention counts from. */
  storeTime = Number.NEGATIVE_INFINITY;
  readonly #windows = new Map<number, WindowSegment>();
  readonly #retentionMs: number;
  #latestTime = Number.POSITIVE_INFINITY;
  #last: WindowSegment | undefined;

  constructor(spec: StoreSpec, tracking: Tracking) {
    super(spec, tracking);
    this.#retentionMs = spec.retentionMs!;
  }

  get size(): number {
    let size = 0;
    for (const { table } of this.#windows.values()) size += table.size;
    return size;
  }

  get expiredBefore(): number {
    return Math.min(this.storeTime, this.#latestTime) - this.#retentionMs;
  }

  timeHasCome(time: number): void {
    if (time === this.#latestTime) return;
    this.#latestTime = time;
    this.#expire();
  }

  find(start: number): Window | undefined {
    return this.#last?.start === start ? this.#last : this.#windows.get(start);
  }

  /** The window, made if there is none, or undefined when it has expired. */
  windowFor(start: number): Window | undefined {
    return this.#segmentFor(start);
  }

  refresh(before: number): void {
    for (const { table } of this.#windows.values()) table.refresh(before);
  }

  restore(row: Row, generation: number): void {
    const window = this.#segmentFor(readInt64(row.bytes, row.keyEnd - SUFFIX_BYTES));
    if (window !== undefined) this.restoreTo(window, row, generation);
  }

  protected drain(follower: Follower, visit: RowVisitor, limit: number, generation: number): boolean {
    let left = limit;
    for (const window of this.#windows.values()) {
      const count = window.table.changes(follower);
      if (count === 0) continue;
      if (left <= 0) return true;
      if (this.drainSegment(window, follower, visit, left, generation)) return true;
      left -= count;
    }
    return false;
  }

  #segmentFor(start: number): WindowSegment | undefined {
    if (this.#last?.start === start) return this.#last;
    if (start > this.storeTime) {
      this.storeTime = start;
      this.#expire();
    } else if (start < this.expiredBefore) {
      return undefined;
    }
    let window = this.#windows.get(start);
    if (window === undefined) {
      window = { start, table: new SlotTable(this.tracked), suffix: suffixOf(start) };
      this.#windows.set(start, window);
      let at = this.starts.length;
      while (at > 0 && this.starts[at - 1]! > start) at--;
      this.starts.splice(at, 0, start);
    }
    this.#last = window;
    return window;
  }

  #expire(): void {
    const before = this.expiredBefore;
    let count = 0;
    while (count < this.starts.length && this.starts[count]! < before) this.#windows.delete(this.starts[count++]!);
    if (count > 0) {
      this.starts.splice(0, count);
      this.#last = undefined;
    }
  }
}

function suffixOf(start: number): Buffer {
  const out = new ByteWriter(SUFFIX_BYTES);
  out.int64(start);
  out.int32(0);
  return out.view();
}
