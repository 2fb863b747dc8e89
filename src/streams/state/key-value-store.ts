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

  drainLog(visit: RowVisitor): void {
    this.#drain(UNLOGGED, visit);
  }

  drainCheckpoint(generation: number, visit: RowVisitor, limit?: number): boolean {
    return this.#drain(UNCHECKPOINTED, visit, limit, generation);
  }

  refresh(before: number): void {
    this.table.refresh(before);
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
    const value = valueStart < 0 ? undefined : this.spec.value.decode(bytes, valueStart, valueEnd);
    restoreSlot(this.table, bytes, rowStart, rowEnd, value, timestamp, generation);
  }

  #drain(
    flag: typeof UNLOGGED | typeof UNCHECKPOINTED,
    visit: RowVisitor,
    limit?: number,
    generation?: number,
  ): boolean {
    const { table } = this;
    const out = this.#out;
    const serde = this.spec.value;
    return table.drain(
      flag,
      (slot) => {
        const value = table.values[slot];
        if (value === undefined) {
          visit(table.key(slot), null, table.timestamps[slot]!);
        } else {
          out.reset();
          serde.encode(value, out);
          visit(table.key(slot), this.#valueView.of(out.buffer, 0, out.position), table.timestamps[slot]!);
        }
      },
      limit,
      generation,
    );
  }
}

/** Puts an entry back, or removes it. */
export function restoreSlot<V>(
  table: SlotTable<V>,
  bytes: Buffer,
  start: number,
  end: number,
  value: V | undefined,
  timestamp: number,
  generation: number,
): void {
  if (value === undefined) {
    const slot = table.find(bytes, start, end);
    if (slot >= 0) table.restore(slot, undefined, timestamp, generation);
  } else {
    table.restore(table.slotFor(bytes, start, end), value, timestamp, generation);
  }
}
