import { ByteWriter, readInt64 } from '../../util/index.ts';
import { Line } from './line.ts';
import { TableRows } from './rows.ts';
import type { Row, StoreSpec, Tracking } from './store.ts';
import type { Key } from './table.ts';

const LEFT = 1;
/** Where the key begins in a row. */
export const UNMATCHED_KEY_START = 9;

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
export class OuterBufferState extends TableRows<Unmatched> {
  readonly #left = new Line<Unmatched>((a, b) => Buffer.compare(a.row, b.row));
  readonly #right = new Line<Unmatched>((a, b) => Buffer.compare(a.row, b.row));
  readonly #row = new ByteWriter(64);

  /** What waits is in line, and the lines are in memory. */
  constructor(spec: StoreSpec, tracking: Tracking) {
    super(spec, tracking, true);
  }

  first(isLeft: boolean): Unmatched | undefined {
    return (isLeft ? this.#left : this.#right).first();
  }

  add(isLeft: boolean, time: number, key: Key, value: unknown): void {
    const row = this.#rowOf(isLeft, time, key);
    const slot = this.slots.slotFor(row.buffer, 0, row.position);
    let entry = this.slots.read(slot);
    if (entry === undefined) {
      entry = { row: row.copy(), time, isLeft, values: [value], isGone: false };
      this.#insert(entry);
    } else {
      entry.values.push(value);
    }
    this.slots.write(slot, entry, time);
  }

  /** A partner was found for all records of that side, key and time. */
  matched(isLeft: boolean, time: number, key: Key): void {
    if (this.slots.size === 0) return;
    const row = this.#rowOf(isLeft, time, key);
    const slot = this.slots.find(row.buffer, 0, row.position);
    if (slot >= 0) this.#remove(slot);
  }

  remove(entry: Unmatched): void {
    this.#remove(this.slots.find(entry.row, 0, entry.row.length));
  }

  /** The values, each behind its length (4). */
  protected override encode({ isLeft, values }: Unmatched, out: ByteWriter): void {
    const serde = isLeft ? this.spec.value : this.spec.otherValue!;
    for (const value of values) {
      const at = out.position;
      out.int32(0);
      serde.encode(value, out);
      out.buffer.writeInt32BE(out.position - at - 4, at);
    }
  }

  protected override decode({ bytes, keyStart, keyEnd, valueStart, valueEnd }: Row): Unmatched {
    const row = Buffer.from(bytes.subarray(keyStart, keyEnd));
    const isLeft = row[8] === LEFT;
    const serde = isLeft ? this.spec.value : this.spec.otherValue!;
    const values: unknown[] = [];
    for (let at = valueStart; at < valueEnd; ) {
      const end = at + 4 + bytes.readInt32BE(at);
      values.push(serde.decode(bytes, at + 4, end));
      at = end;
    }
    return { row, time: readInt64(row, 0), isLeft, values, isGone: false };
  }

  protected override placed(_slot: number, unmatched: Unmatched): void {
    this.#insert(unmatched);
  }

  protected override restored(_row: Row, before: Unmatched | undefined, now: Unmatched | undefined): void {
    if (before !== undefined) before.isGone = true;
    if (now !== undefined) this.#insert(now);
  }

  #rowOf(isLeft: boolean, time: number, key: Key): ByteWriter {
    const row = this.#row;
    row.reset();
    row.int64(time);
    row.int8(isLeft ? LEFT : 0);
    row.bytes(key.bytes, key.start, key.end);
    return row;
  }

  #remove(slot: number): void {
    const entry = slot < 0 ? undefined : this.slots.read(slot);
    if (entry === undefined) return;
    entry.isGone = true;
    this.slots.remove(slot, entry.time);
  }

  #insert(entry: Unmatched): void {
    (entry.isLeft ? this.#left : this.#right).insert(entry);
  }
}
