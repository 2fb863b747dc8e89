import { assert, ByteWriter } from '../../util/index.ts';
import { TableRows } from './rows.ts';
import { SlotTable } from './slot-table.ts';
import type { Row, StoreSpec, Tracking } from './store.ts';

/**
 * Who refers to which row of a foreign-key join's right table: rows are int32 length of the foreign key, foreign key,
 * primary key. A second table knows the primary keys of each foreign key, sorted.
 */
export class SubscriptionState extends TableRows<Buffer> {
  readonly #primaryKeys = new SlotTable<Buffer[]>();
  readonly #row = new ByteWriter(64);

  /** Who belongs to a foreign key is listed in memory. */
  constructor(spec: StoreSpec, tracking: Tracking) {
    super(spec, tracking, true);
  }

  /** `subscription` is the message that the subscriber sent, and wants to be answered with. */
  put(foreignKey: Buffer, primaryKey: Buffer, subscription: Buffer, timestamp: number): void {
    const row = this.#rowOf(foreignKey, primaryKey);
    this.slots.write(this.slots.slotFor(row, 0, row.length), subscription, timestamp);
    this.#link(foreignKey, primaryKey);
  }

  remove(foreignKey: Buffer, primaryKey: Buffer, timestamp: number): void {
    const row = this.#rowOf(foreignKey, primaryKey);
    const slot = this.slots.find(row, 0, row.length);
    if (slot < 0 || this.slots.read(slot) === undefined) return;
    this.slots.remove(slot, timestamp);
    this.#unlink(foreignKey, primaryKey);
  }

  /** Every subscriber of a foreign key, in the order of their primary keys' bytes. */
  forEach(foreignKey: Buffer, visit: (subscription: Buffer, timestamp: number) => void): void {
    const slot = this.#primaryKeys.find(foreignKey, 0, foreignKey.length);
    const primaryKeys = slot < 0 ? undefined : this.#primaryKeys.read(slot);
    for (const primaryKey of primaryKeys?.slice() ?? []) {
      const row = this.#rowOf(foreignKey, primaryKey);
      const at = this.slots.find(row, 0, row.length);
      assert(at >= 0, 'a subscriber is listed that is not there');
      visit(this.slots.read(at)!, this.slots.timestampOf(at));
    }
  }

  protected override encode(subscription: Buffer, out: ByteWriter): void {
    out.bytes(subscription);
  }

  protected override decode({ bytes, valueStart, valueEnd }: Row): Buffer {
    return Buffer.from(bytes.subarray(valueStart, valueEnd));
  }

  protected override placed(slot: number): void {
    const { arena } = this.slots;
    this.#linkRow(arena, this.slots.keyStart(slot), this.slots.keyEnd(slot));
  }

  protected override restored(
    { bytes, keyStart, keyEnd }: Row,
    before: Buffer | undefined,
    now: Buffer | undefined,
  ): void {
    if (now !== undefined) this.#linkRow(bytes, keyStart, keyEnd);
    else if (before !== undefined) this.#unlink(...keysIn(bytes, keyStart, keyEnd));
  }

  #rowOf(foreignKey: Buffer, primaryKey: Buffer): Buffer {
    const row = this.#row;
    row.reset();
    row.int32(foreignKey.length);
    row.bytes(foreignKey);
    row.bytes(primaryKey);
    return row.view();
  }

  #linkRow(bytes: Buffer, start: number, end: number): void {
    this.#link(...keysIn(bytes, start, end));
  }

  #link(foreignKey: Buffer, primaryKey: Buffer): void {
    const slot = this.#primaryKeys.slotFor(foreignKey, 0, foreignKey.length);
    const keys = this.#primaryKeys.read(slot);
    if (keys === undefined) {
      this.#primaryKeys.write(slot, [Buffer.from(primaryKey)], 0);
      return;
    }
    const at = placeOf(keys, primaryKey);
    if (keys[at]?.equals(primaryKey) !== true) keys.splice(at, 0, Buffer.from(primaryKey));
  }

  #unlink(foreignKey: Buffer, primaryKey: Buffer): void {
    const slot = this.#primaryKeys.find(foreignKey, 0, foreignKey.length);
    const keys = this.#primaryKeys.read(slot)!;
    keys.splice(placeOf(keys, primaryKey), 1);
    if (keys.length === 0) this.#primaryKeys.remove(slot, 0);
  }
}

/** The foreign key and the primary key of a row. */
function keysIn(bytes: Buffer, start: number, end: number): [Buffer, Buffer] {
  const foreignKeyStart = start + 4;
  const foreignKeyEnd = foreignKeyStart + bytes.readInt32BE(start);
  return [bytes.subarray(foreignKeyStart, foreignKeyEnd), bytes.subarray(foreignKeyEnd, end)];
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
