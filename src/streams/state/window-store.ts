import { ByteWriter } from '../../util/index.ts';
import { readInt64 } from '../../util/index.ts';
import { restoreSlot } from './key-value-store.ts';
import { SpanView } from './span-view.ts';
import { SlotTable, UNCHECKPOINTED, UNLOGGED } from './slot-table.ts';
import type { RowVisitor, StateStore, StoreSpec, Tracking } from './store.ts';

/** Bytes behind the key in a row: the window's start (8) and a sequence number (4, always 0 here). */
const SUFFIX_BYTES = 12;

/** Values per window and key, one table per window: a record finds its window once, and an expired window goes as a whole. */
export class WindowState implements StateStore {
  readonly spec: StoreSpec;
  /** The starts of the windows at hand, ascending. */
  readonly starts: number[] = [];
  /** The largest window start ever written: what retention counts from. */
  storeTime = Number.NEGATIVE_INFINITY;
  readonly #tables = new Map<number, SlotTable<unknown>>();
  readonly #tracked: number;
  readonly #retentionMs: number;
  readonly #row = new ByteWriter();
  readonly #out = new ByteWriter();
  readonly #rowView = new SpanView();
  readonly #valueView = new SpanView();
  #latestTime = Number.POSITIVE_INFINITY;
  #lastStart = Number.NaN;
  #lastTable: SlotTable<unknown> | undefined;

  constructor(spec: StoreSpec, tracking: Tracking) {
    this.spec = spec;
    this.#retentionMs = spec.retentionMs!;
    this.#tracked = (tracking.log ? UNLOGGED : 0) | (tracking.checkpoint ? UNCHECKPOINTED : 0);
  }

  get size(): number {
    let size = 0;
    for (const table of this.#tables.values()) size += table.size;
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

  /** The table of a window, or undefined. */
  table(start: number): SlotTable<unknown> | undefined {
    if (start === this.#lastStart) return this.#lastTable;
    return this.#tables.get(start);
  }

  /** The table of a window that is about to be written, or undefined when it has expired. */
  tableFor(start: number): SlotTable<unknown> | undefined {
    if (start === this.#lastStart) return this.#lastTable;
    if (start > this.storeTime) {
      this.storeTime = start;
      this.#expire();
    } else if (start < this.expiredBefore) {
      return undefined;
    }
    let table = this.#tables.get(start);
    if (table === undefined) {
      table = new SlotTable(this.#tracked);
      this.#tables.set(start, table);
      let at = this.starts.length;
      while (at > 0 && this.starts[at - 1]! > start) at--;
      this.starts.splice(at, 0, start);
    }
    this.#lastStart = start;
    this.#lastTable = table;
    return table;
  }

  drainLog(visit: RowVisitor): void {
    for (const [start, table] of this.#tables) if (table.hasUnlogged) this.#drain(start, table, UNLOGGED, visit);
  }

  drainCheckpoint(generation: number, visit: RowVisitor, limit = Number.POSITIVE_INFINITY): boolean {
    let left = limit;
    for (const [start, table] of this.#tables) {
      const count = table.uncheckpointed;
      if (count === 0) continue;
      if (left <= 0) return true;
      if (this.#drain(start, table, UNCHECKPOINTED, visit, left, generation)) return true;
      left -= count;
    }
    return false;
  }

  refresh(before: number): void {
    for (const table of this.#tables.values()) table.refresh(before);
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
    const keyEnd = rowEnd - SUFFIX_BYTES;
    const table = this.tableFor(readInt64(bytes, keyEnd));
    if (table === undefined) return;
    const value = valueStart < 0 ? undefined : this.spec.value.decode(bytes, valueStart, valueEnd);
    restoreSlot(table, bytes, rowStart, keyEnd, value, timestamp, generation);
  }

  #drain(
    start: number,
    table: SlotTable<unknown>,
    flag: typeof UNLOGGED | typeof UNCHECKPOINTED,
    visit: RowVisitor,
    limit?: number,
    generation?: number,
  ): boolean {
    const row = this.#row;
    const out = this.#out;
    return table.drain(
      flag,
      (slot) => {
        row.reset();
        row.bytes(table.arena, table.keyStart(slot), table.keyEnd(slot));
        row.int64(start);
        row.int32(0);
        const value = table.values[slot];
        out.reset();
        if (value !== undefined) this.spec.value.encode(value, out);
        const key = this.#rowView.of(row.buffer, 0, row.position);
        visit(
          key,
          value === undefined ? null : this.#valueView.of(out.buffer, 0, out.position),
          table.timestamps[slot]!,
        );
      },
      limit,
      generation,
    );
  }

  #expire(): void {
    const before = this.expiredBefore;
    let count = 0;
    while (count < this.starts.length && this.starts[count]! < before) this.#tables.delete(this.starts[count++]!);
    if (count > 0) {
      this.starts.splice(0, count);
      this.#lastStart = Number.NaN;
      this.#lastTable = undefined;
    }
  }
}
