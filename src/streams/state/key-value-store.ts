import { ByteWriter } from '../../util/index.ts';
import { SpanView } from './span-view.ts';
import { SlotTable, UNCHECKPOINTED, UNLOGGED } from './slot-table.ts';
import type { RowVisitor, StateStore, StoreSpec, Tracking } from './store.ts';

/** Latest value per key with its timestamp. Operators work on `table`; user code sees it through `KeyValueStore`. */
export class KeyValueState implements StateStore {
  readonly spec: StoreSpec;
  readonly table: SlotTable<unknown>;
  readonly #out = new ByteWriter();
  readonly #valueView = new SpanView();

  constructor(spec: StoreSpec, tracking: Tracking) {
    this.spec = spec;
    this.table = new SlotTable((tracking.log ? UNLOGGED : 0) | (tracking.checkpoint ? UNCHECKPOINTED : 0));
  }

  get size(): number {
    return this.table.size;
  }

  get expiredBefore(): number {
    return Number.NEGATIVE_INFINITY;
  }

  drainLog(visit: RowVisitor): void {
    this.#drain(UNLOGGED, visit);
  }

  drainCheckpoint(visit: RowVisitor, limit?: number): boolean {
    return this.#drain(UNCHECKPOINTED, visit, limit);
  }

  restore(row: Buffer, value: Buffer | null, timestamp: number): void {
    const { table } = this;
    restoreSlot(
      table,
      row,
      0,
      row.length,
      value === null ? undefined : this.spec.value.decode(value, 0, value.length),
      timestamp,
    );
  }

  #drain(flag: typeof UNLOGGED | typeof UNCHECKPOINTED, visit: RowVisitor, limit?: number): boolean {
    const { table } = this;
    const out = this.#out;
    const serde = this.spec.value;
    return table.drain(
      flag,
      (slot) => {
        const value = table.values[slot];
        if (value === undefined) {
          visit(table.key(slot), null, table.timestamps[slot]!, 0);
        } else {
          out.reset();
          serde.encode(value, out);
          visit(table.key(slot), this.#valueView.of(out.buffer, 0, out.position), table.timestamps[slot]!, 0);
        }
      },
      limit,
    );
  }
}

/** Sets or removes an entry without marking it as changed. */
export function restoreSlot<V>(
  table: SlotTable<V>,
  bytes: Buffer,
  start: number,
  end: number,
  value: V | undefined,
  timestamp: number,
): void {
  if (value === undefined) {
    const slot = table.find(bytes, start, end);
    if (slot >= 0) table.restore(slot, undefined, timestamp);
  } else {
    table.restore(table.slotFor(bytes, start, end), value, timestamp);
  }
}
