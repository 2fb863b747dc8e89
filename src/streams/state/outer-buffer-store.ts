import { ByteWriter } from '../../util/index.ts';
import { readInt64 } from '../../util/index.ts';
import { Line } from './line.ts';
import { SlotTable, UNCHECKPOINTED, UNLOGGED } from './slot-table.ts';
import type { RowVisitor, StateStore, StoreSpec, Tracking } from './store.ts';

const LEFT = 1;
const HEAD_BYTES = 9;

/** Records of one side with equal key and time that have found no partner yet. */
export interface Unmatched {
  /** Time (8), side (1: left comes behind right), key: the order in which they are given up. */
  readonly row: Buffer;
  readonly time: number;
  readonly isLeft: boolean;
  readonly values: unknown[];
  isGone: boolean;
}

/** The records of an outer join that wait for a partner, each side in the order of time and key. */
export class OuterBufferState implements StateStore {
  readonly spec: StoreSpec;
  readonly #table: SlotTable<Unmatched>;
  readonly #left = new Line<Unmatched>((a, b) => Buffer.compare(a.row, b.row));
  readonly #right = new Line<Unmatched>((a, b) => Buffer.compare(a.row, b.row));
  readonly #row = new ByteWriter(64);
  readonly #out = new ByteWriter();

  constructor(spec: StoreSpec, tracking: Tracking) {
    this.spec = spec;
    this.#table = new SlotTable((tracking.log ? UNLOGGED : 0) | (tracking.checkpoint ? UNCHECKPOINTED : 0));
  }

  get size(): number {
    return this.#table.size;
  }

  first(isLeft: boolean): Unmatched | undefined {
    return (isLeft ? this.#left : this.#right).first();
  }

  add(isLeft: boolean, time: number, bytes: Uint8Array, start: number, end: number, value: unknown): void {
    const row = this.#rowOf(isLeft, time, bytes, start, end);
    const slot = this.#table.slotFor(row.buffer, 0, row.position);
    let entry = this.#table.values[slot];
    if (entry === undefined) {
      entry = { row: row.copy(), time, isLeft, values: [value], isGone: false };
      this.#insert(entry);
    } else {
      entry.values.push(value);
    }
    this.#table.set(slot, entry, time);
  }

  /** A partner was found for all records of that side, key and time. */
  matched(isLeft: boolean, time: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#table.size === 0) return;
    const row = this.#rowOf(isLeft, time, bytes, start, end);
    const slot = this.#table.find(row.buffer, 0, row.position);
    if (slot >= 0) this.#remove(slot);
  }

  remove(entry: Unmatched): void {
    this.#remove(this.#table.find(entry.row, 0, entry.row.length));
  }

  drainLog(visit: RowVisitor): void {
    this.#drain(UNLOGGED, visit);
  }

  drainCheckpoint(generation: number, visit: RowVisitor, limit?: number): boolean {
    return this.#drain(UNCHECKPOINTED, visit, limit, generation);
  }

  refresh(before: number): void {
    this.#table.refresh(before);
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
    const row = bytes.subarray(rowStart, rowEnd);
    const known = this.#table.find(row, 0, row.length);
    const before = known < 0 ? undefined : this.#table.values[known];
    if (before !== undefined) before.isGone = true;
    if (valueStart < 0) {
      if (before !== undefined) this.#table.restore(known, undefined, timestamp, generation);
      return;
    }
    const isLeft = row[8] === LEFT;
    const serde = isLeft ? this.spec.value : this.spec.otherValue!;
    const values: unknown[] = [];
    for (let at = valueStart; at < valueEnd; ) {
      const end = at + 4 + bytes.readInt32BE(at);
      values.push(serde.decode(bytes, at + 4, end));
      at = end;
    }
    const entry: Unmatched = { row: Buffer.from(row), time: readInt64(row, 0), isLeft, values, isGone: false };
    this.#table.restore(this.#table.slotFor(row, 0, row.length), entry, timestamp, generation);
    this.#insert(entry);
  }

  #rowOf(isLeft: boolean, time: number, bytes: Uint8Array, start: number, end: number): ByteWriter {
    const row = this.#row;
    row.reset();
    row.int64(time);
    row.int8(isLeft ? LEFT : 0);
    row.bytes(bytes, start, end);
    return row;
  }

  #remove(slot: number): void {
    const entry = slot < 0 ? undefined : this.#table.values[slot];
    if (entry === undefined) return;
    entry.isGone = true;
    this.#table.remove(slot, entry.time);
  }

  #insert(entry: Unmatched): void {
    (entry.isLeft ? this.#left : this.#right).insert(entry);
  }

  #drain(
    flag: typeof UNLOGGED | typeof UNCHECKPOINTED,
    visit: RowVisitor,
    limit?: number,
    generation?: number,
  ): boolean {
    const table = this.#table;
    const out = this.#out;
    return table.drain(
      flag,
      (slot) => {
        const entry = table.values[slot];
        if (entry === undefined) {
          visit(table.key(slot), null, table.timestamps[slot]!);
          return;
        }
        const serde = entry.isLeft ? this.spec.value : this.spec.otherValue!;
        out.reset();
        for (const value of entry.values) {
          const at = out.position;
          out.int32(0);
          serde.encode(value, out);
          out.buffer.writeInt32BE(out.position - at - 4, at);
        }
        visit(table.key(slot), out.view(), entry.time);
      },
      limit,
      generation,
    );
  }
}

/** Where the key begins in a row. */
export const UNMATCHED_KEY_START = HEAD_BYTES;
