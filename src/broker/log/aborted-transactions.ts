import { ByteWriter } from '../../util/index.ts';
import { ByteReader } from '../../protocol/index.ts';

const ENTRY_BYTES = 34;

export interface AbortedTransactionEntry {
  readonly producerId: number;
  readonly firstOffset: number;
  /** The offset of the abort marker. */
  readonly lastOffset: number;
  /** The last stable offset when the marker was written. */
  readonly lastStableOffset: number;
}

/** The aborted transactions of a log in the order of their markers: Kafka's `.txnindex`, kept per segment on disk. */
export class AbortedTransactions {
  #entries: AbortedTransactionEntry[] = [];

  add(entry: AbortedTransactionEntry): void {
    this.#entries.push(entry);
  }

  /** The transactions with records in `[from, to)`: what a read_committed client leaves out. */
  between(from: number, to: number): { producerId: number; firstOffset: number }[] {
    const found: { producerId: number; firstOffset: number }[] = [];
    for (let i = this.#firstEndingAt(from); i < this.#entries.length; i++) {
      const { producerId, firstOffset } = this.#entries[i]!;
      if (firstOffset < to) found.push({ producerId, firstOffset });
    }
    return found;
  }

  /** Those that may have records below `offset`, wherever their marker lies. */
  startedBelow(offset: number): readonly AbortedTransactionEntry[] {
    return this.#entries.filter(({ firstOffset }) => firstOffset < offset);
  }

  /** Forgets those whose marker lies below `offset`. */
  dropBelow(offset: number): void {
    const first = this.#firstEndingAt(offset);
    if (first > 0) this.#entries = this.#entries.slice(first);
  }

  dropFrom(offset: number): void {
    this.#entries = this.#entries.slice(0, this.#firstEndingAt(offset));
  }

  /** The file of a segment: the transactions whose marker lies in `[from, to)`; undefined when there are none. */
  fileFor(from: number, to: number): Buffer | undefined {
    const entries = this.#entries.slice(this.#firstEndingAt(from), this.#firstEndingAt(to));
    if (entries.length === 0) return undefined;
    const out = new ByteWriter(entries.length * ENTRY_BYTES);
    for (const entry of entries) {
      out.int16(0);
      out.int64(entry.producerId);
      out.int64(entry.firstOffset);
      out.int64(entry.lastOffset);
      out.int64(entry.lastStableOffset);
    }
    return out.copy();
  }

  load(file: Buffer): void {
    const from = new ByteReader(file);
    while (from.remaining >= ENTRY_BYTES) {
      from.int16();
      this.#entries.push({
        producerId: from.int64(),
        firstOffset: from.int64(),
        lastOffset: from.int64(),
        lastStableOffset: from.int64(),
      });
    }
  }

  /** The index of the first entry whose marker is at or behind `offset`. */
  #firstEndingAt(offset: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#entries[middle]!.lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
