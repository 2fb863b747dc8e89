import { ReadAhead } from './read-ahead.ts';
import { TableRows } from './rows.ts';
import type { Ahead } from './store.ts';
import type { Table } from './table.ts';

/** Latest value per key with its timestamp. Operators work on `table`; user code sees it through `KeyValueStore`. */
export class KeyValueState extends TableRows<unknown> {
  #ahead: ReadAhead<unknown> | undefined;

  get ahead(): Ahead | undefined {
    const { disk, slots: table } = this;
    if (disk === null || this.staysInMemory) return undefined;
    this.#ahead ??= new ReadAhead({ table, disk, prefix: this.prefixOf(), decode: (row) => this.decode(row) });
    return this.#ahead;
  }

  get table(): Table<unknown> {
    return this.slots;
  }

  /** Calls back with every slot whose value changes from now on, until the answer is called. */
  watch(changed: (slot: number) => void): () => void {
    return this.slots.watch(changed);
  }
}
