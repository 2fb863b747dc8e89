import { TableRows } from './rows.ts';
import type { Table } from './table.ts';

/** Latest value per key with its timestamp. Operators work on `table`; user code sees it through `KeyValueStore`. */
export class KeyValueState extends TableRows<unknown> {
  get table(): Table<unknown> {
    return this.slots;
  }

  /** Calls back with every slot whose value changes from now on, until the answer is called. */
  watch(changed: (slot: number) => void): () => void {
    return this.slots.watch(changed);
  }
}
