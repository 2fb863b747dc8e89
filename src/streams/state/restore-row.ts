import { SchemaNotLoaded } from '../../serde/index.ts';
import { type Row, type StateStore, StateUnreadable } from './store.ts';

/** Puts a row back; returns a promise only when a schema has to be loaded first, and `row` stands still until then. */
export function restoreRow(store: StateStore, row: Row): Promise<void> | undefined {
  try {
    store.restore(row);
    return undefined;
  } catch (error) {
    if (error instanceof SchemaNotLoaded) return error.load().then(() => restoreRow(store, row));
    // The row on disk that this one takes the place of.
    if (!(error instanceof StateUnreadable) || error.code === 'STATE_CORRUPT') throw error;
    return error.recover().then(() => restoreRow(store, row));
  }
}
