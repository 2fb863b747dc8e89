import type { CustomStore } from '../api/custom-store.ts';
import type { DiskVisitor, KeyRange, Row, RowVisitor, SavedStore, StateStore, StoreSpec, Tracking } from './store.ts';

/** A user's own store: its rows are in the changelog, and come from there at every start. */
export class CustomState implements StateStore {
  readonly spec: StoreSpec;
  readonly store: CustomStore;
  staysInMemory = true;
  readonly size = 0;
  #unlogged: { readonly key: Buffer; readonly value: Buffer | null; readonly timestamp: number }[] = [];

  constructor(spec: StoreSpec, { log }: Tracking) {
    this.spec = spec;
    this.store = spec.create!({
      log: (key, value, timestamp) => {
        if (!log) return;
        this.#unlogged.push({ key: Buffer.from(key), value: value === null ? null : Buffer.from(value), timestamp });
      },
    });
  }

  drainLog(visit: RowVisitor): void {
    const rows = this.#unlogged;
    this.#unlogged = [];
    for (const { key, value, timestamp } of rows) visit(key, value, timestamp);
  }

  drainDisk(_visit: DiskVisitor): boolean {
    return false;
  }

  saved(): void {}

  expired(): KeyRange | undefined {
    return undefined;
  }

  restore({ bytes, keyStart, keyEnd, valueStart, valueEnd, timestamp }: Row): void {
    const value = valueStart < 0 ? null : bytes.subarray(valueStart, valueEnd);
    this.store.restore(bytes.subarray(keyStart, keyEnd), value, timestamp);
  }

  describe(): SavedStore {
    return { size: 0 };
  }

  resume(): void {}

  take(): void {}

  close(): void {
    this.store.close?.();
  }
}
