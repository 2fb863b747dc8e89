import { assert, ByteWriter } from '../../util/index.ts';
import { SlotTable, UNCHECKPOINTED, UNLOGGED } from './slot-table.ts';
import type { RowVisitor, StateStore, StoreSpec, Tracking } from './store.ts';

/**
 * Who refers to which row of a foreign-key join's right table: rows are int32 length of the foreign key, foreign key,
 * primary key. A second table knows the primary keys of each foreign key, sorted.
 */
export class SubscriptionState implements StateStore {
  readonly spec: StoreSpec;
  readonly #table: SlotTable<Buffer>;
  readonly #primaryKeys = new SlotTable<Buffer[]>();
  readonly #row = new ByteWriter(64);

  constructor(spec: StoreSpec, tracking: Tracking) {
    this.spec = spec;
    this.#table = new SlotTable((tracking.log ? UNLOGGED : 0) | (tracking.checkpoint ? UNCHECKPOINTED : 0));
  }

  get size(): number {
    return this.#table.size;
  }

  /** `subscription` is the message that the subscriber sent, and wants to be answered with. */
  put(foreignKey: Buffer, primaryKey: Buffer, subscription: Buffer, timestamp: number): void {
    const row = this.#rowOf(foreignKey, primaryKey);
    this.#table.set(this.#table.slotFor(row, 0, row.length), subscription, timestamp);
    this.#link(foreignKey, primaryKey);
  }

  remove(foreignKey: Buffer, primaryKey: Buffer, timestamp: number): void {
    const row = this.#rowOf(foreignKey, primaryKey);
    const slot = this.#table.find(row, 0, row.length);
    if (slot < 0 || this.#table.values[slot] === undefined) return;
    this.#table.remove(slot, timestamp);
    this.#unlink(foreignKey, primaryKey);
  }

  /** Every subscriber of a foreign key, in the order of their primary keys' bytes. */
  forEach(foreignKey: Buffer, visit: (subscription: Buffer, timestamp: number) => void): void {
    const slot = this.#primaryKeys.find(foreignKey, 0, foreignKey.length);
    const primaryKeys = slot < 0 ? undefined : this.#primaryKeys.values[slot];
    for (const primaryKey of primaryKeys?.slice() ?? []) {
      const row = this.#rowOf(foreignKey, primaryKey);
      const at = this.#table.find(row, 0, row.length);
      assert(at >= 0, 'a subscriber is listed that is not there');
      visit(this.#table.values[at]!, this.#table.timestamps[at]!);
    }
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
    const foreignKey = row.subarray(4, 4 + row.readInt32BE(0));
    const primaryKey = row.subarray(4 + foreignKey.length);
    if (valueStart < 0) {
      const slot = this.#table.find(row, 0, row.length);
      if (slot < 0 || this.#table.values[slot] === undefined) return;
      this.#table.restore(slot, undefined, timestamp, generation);
      this.#unlink(foreignKey, primaryKey);
    } else {
      const value = Buffer.from(bytes.subarray(valueStart, valueEnd));
      this.#table.restore(this.#table.slotFor(row, 0, row.length), value, timestamp, generation);
      this.#link(foreignKey, primaryKey);
    }
  }

  #rowOf(foreignKey: Buffer, primaryKey: Buffer): Buffer {
    const row = this.#row;
    row.reset();
    row.int32(foreignKey.length);
    row.bytes(foreignKey);
    row.bytes(primaryKey);
    return row.view();
  }

  #link(foreignKey: Buffer, primaryKey: Buffer): void {
    const slot = this.#primaryKeys.slotFor(foreignKey, 0, foreignKey.length);
    const keys = this.#primaryKeys.values[slot];
    if (keys === undefined) {
      this.#primaryKeys.set(slot, [Buffer.from(primaryKey)], 0);
      return;
    }
    const at = placeOf(keys, primaryKey);
    if (keys[at]?.equals(primaryKey) !== true) keys.splice(at, 0, Buffer.from(primaryKey));
  }

  #unlink(foreignKey: Buffer, primaryKey: Buffer): void {
    const slot = this.#primaryKeys.find(foreignKey, 0, foreignKey.length);
    const keys = this.#primaryKeys.values[slot]!;
    keys.splice(placeOf(keys, primaryKey), 1);
    if (keys.length === 0) this.#primaryKeys.remove(slot, 0);
  }

  #drain(
    flag: typeof UNLOGGED | typeof UNCHECKPOINTED,
    visit: RowVisitor,
    limit?: number,
    generation?: number,
  ): boolean {
    const table = this.#table;
    return table.drain(
      flag,
      (slot) => visit(table.key(slot), table.values[slot] ?? null, table.timestamps[slot]!),
      limit,
      generation,
    );
  }
}

function placeOf(keys: readonly Buffer[], key: Buffer): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Buffer.compare(keys[middle]!, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
