/**
 * What the state of all tasks in this process may take of its memory. Tables that have their rows on disk, too, charge
 * what they hold to it; when that is too much, those that nobody has used for a while go (CLOCK). Rows that are not on disk
 * yet can't: when they fill half of the budget, the next checkpoint comes early.
 *
 * Rows go only between two records, when `evict` is called: within one, operators may hold on to a slot.
 */
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';

/** What a table shows to the budget. */
export interface Evictable {
  /** Looks at up to `visits` entries, and lets go of those that were not used since the last look; returns the visits left. */
  sweep(visits: number): number;
}

/** Entries looked at per call: what one record may be held up by. */
const VISITS = 256;
/** What unwritten rows may take, however large the budget is: they are written at once. */
const MOST_DIRTY_BYTES = 128 * 1024 * 1024;
/** How much more memory has to be used before it is tried again when nothing could go. */
const PATIENCE_BYTES = 64 * 1024;

export class MemoryBudget {
  /** Bytes of all rows in memory that are, or will be, on disk as well. */
  used = 0;
  /** Of these, the ones that the disk does not have yet. */
  dirty = 0;
  /** Bytes that `used` should not be above. */
  limit: number;
  readonly #unclaimed: number;
  readonly #claims = new Set<{ readonly bytes: number }>();
  readonly #tables: Evictable[] = [];
  #hand = 0;
  /** Nothing can go until more than this is used, or rows have been written. */
  #stuckBelow = 0;

  constructor(limit: number = quarterOfMemory()) {
    this.limit = limit;
    this.#unclaimed = limit;
  }

  /** An application's wish; the smallest counts for all. Call what is returned when the application has ended. */
  claim(bytes: number): () => void {
    const claim = { bytes };
    this.#claims.add(claim);
    this.#settle();
    return () => {
      this.#claims.delete(claim);
      this.#settle();
    };
  }

  /** Rows that wait for a checkpoint are as many as may be. */
  get isFullOfDirty(): boolean {
    return this.dirty > 0 && this.dirty >= Math.min(this.limit / 2, MOST_DIRTY_BYTES);
  }

  add(table: Evictable): void {
    this.#tables.push(table);
  }

  remove(table: Evictable): void {
    const at = this.#tables.indexOf(table);
    if (at < 0) return;
    const last = this.#tables.pop()!;
    if (at < this.#tables.length) this.#tables[at] = last;
  }

  /** Rows have been written, and may go. */
  release(): void {
    this.#stuckBelow = 0;
  }

  /** To be called between records, when more is used than the limit. */
  evict(): void {
    if (this.used < this.#stuckBelow) return;
    const tables = this.#tables;
    let visits = VISITS;
    // Twice around: what has been used lately survives the first time.
    for (let left = 2 * tables.length + 1; left > 0 && this.used > this.limit; left--) {
      if (this.#hand >= tables.length) this.#hand = 0;
      visits = tables[this.#hand]!.sweep(visits);
      if (visits <= 0) return;
      this.#hand++;
    }
    if (this.used > this.limit) this.#stuckBelow = this.used + PATIENCE_BYTES;
  }

  #settle(): void {
    const wishes = [...this.#claims].map(({ bytes }) => bytes);
    this.limit = wishes.length === 0 ? this.#unclaimed : Math.min(...wishes);
    this.#stuckBelow = 0;
  }
}

/** Of what the machine, the container and the heap allow, the least. */
function quarterOfMemory(): number {
  const container = process.constrainedMemory();
  const { heap_size_limit: heap } = getHeapStatistics();
  return Math.floor(Math.min(totalmem(), container > 0 ? container : Number.POSITIVE_INFINITY, heap) / 4);
}

/** That of this process, or of this thread where the applications run in one of their own. */
export const processBudget = new MemoryBudget();
