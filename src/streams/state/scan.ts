/**
 * Entries in the order of their keys, for queries: what is on disk as of now, and over it what has changed in memory since
 * it was written. A table that is all in memory is read piece by piece, each as it is then.
 */
import type { SlotTable } from './slot-table.ts';
import { type Disk, type Row, StateUnreadable } from './store.ts';
import { entryOf } from './stored-row.ts';

export interface Scanned<V> {
  readonly key: Buffer;
  readonly value: V;
  readonly timestamp: number;
}

/** Keys within [from, to]; null is unbounded. */
export interface KeyBounds {
  readonly from: Buffer | null;
  readonly to: Buffer | null;
  /** From the last key to the first. */
  readonly isDescending?: boolean;
}

export const ALL_KEYS: KeyBounds = { from: null, to: null };

/** Read first, so that short ranges are short, and then. */
const FIRST_ROWS = 64;
const ROWS = 1000;
const END = Buffer.alloc(1);

export async function* scanMemory<V>(
  table: SlotTable<V>,
  { from, to, isDescending = false }: KeyBounds,
): AsyncGenerator<Scanned<V>> {
  if (isDescending) {
    for (const entry of table
      .sorted(from, to)
      .map((slot) => table.entryAt(slot))
      .reverse())
      yield* present(entry);
    return;
  }
  let start = from;
  for (let limit = FIRST_ROWS; ; limit = ROWS) {
    const found = table.sorted(start, to, limit).map((slot) => table.entryAt(slot));
    for (const entry of found) yield* present(entry);
    if (found.length < limit) return;
    // The next key that there could be.
    start = Buffer.concat([found.at(-1)!.key, END]);
  }
}

/** `prefix` is in front of the table's keys on disk. */
export interface DiskTable<V> {
  readonly table: SlotTable<V>;
  readonly disk: Disk;
  readonly prefix: Buffer;
  readonly decode: (row: Row) => V;
}

export async function* scanDisk<V>(
  { table, disk, prefix, decode }: DiskTable<V>,
  { from, to, isDescending = false }: KeyBounds,
): AsyncGenerator<Scanned<V>> {
  // Both at the same instant: nothing is awaited in between.
  const changed = isDescending ? table.unsaved(from, to).reverse() : table.unsaved(from, to);
  const gte = from === null ? prefix : Buffer.concat([prefix, from]);
  const lt = to === null ? next(prefix) : Buffer.concat([prefix, to, END]);
  const iterator = disk.scan({ gte, lt, reverse: isDescending });
  const ascent = (a: Buffer, b: Buffer): number => (isDescending ? Buffer.compare(b, a) : Buffer.compare(a, b));
  let at = 0;
  try {
    for (let limit = FIRST_ROWS; ; limit = ROWS) {
      const rows = await iterator.nextv(limit);
      for (const [rowKey, stored] of rows) {
        const key = rowKey.subarray(prefix.length);
        let order = -1;
        while (at < changed.length && (order = ascent(changed[at]!.key, key)) < 0) yield* present(changed[at++]!);
        if (at < changed.length && order === 0) yield* present(changed[at++]!);
        else yield { key, ...(await decoded(disk, { key: rowKey, from: prefix.length }, stored, decode)) };
      }
      if (rows.length === 0) break;
    }
    while (at < changed.length) yield* present(changed[at++]!);
  } finally {
    await iterator.close();
  }
}

function* present<V>({ key, value, timestamp }: Scanned<V | undefined>): Generator<Scanned<V>> {
  if (value !== undefined) yield { key, value, timestamp };
}

/** Waits where a schema has to be loaded first. */
async function decoded<V>(
  disk: Disk,
  key: { readonly key: Buffer; readonly from: number },
  stored: Buffer,
  decode: (row: Row) => V,
): Promise<{ readonly value: V; readonly timestamp: number }> {
  for (;;) {
    try {
      const { value, timestamp } = entryOf(disk, key, stored, decode);
      return { value, timestamp };
    } catch (error) {
      if (!(error instanceof StateUnreadable) || error.code === 'STATE_CORRUPT') throw error;
      await error.recover();
    }
  }
}

/** The first key behind all that begin with a prefix. */
function next(prefix: Buffer): Buffer {
  const behind = Buffer.from(prefix);
  for (let i = behind.length - 1; i >= 0; i--) {
    behind[i] = (behind[i]! + 1) & 0xff;
    if (behind[i] !== 0) break;
  }
  return behind;
}
