const COMPACT_AT = 1024;

/**
 * Entries in the order in which they will be taken, mostly added at the end and taken from the front. An entry that goes
 * out of turn is only marked, and passed over when it comes up: nothing is moved for it.
 */
export class Line<T extends { isGone: boolean }> {
  readonly #compare: (a: T, b: T) => number;
  #entries: T[] = [];
  #head = 0;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  first(): T | undefined {
    const entries = this.#entries;
    while (this.#head < entries.length && entries[this.#head]!.isGone) this.#head++;
    if (this.#head >= COMPACT_AT && this.#head * 2 > entries.length) {
      this.#entries = entries.slice(this.#head);
      this.#head = 0;
    }
    return this.#entries[this.#head];
  }

  /** Behind its equals. */
  insert(entry: T): void {
    const entries = this.#entries;
    let low = this.#head;
    let high = entries.length;
    if (high > low && this.#compare(entries[high - 1]!, entry) <= 0) low = high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compare(entries[middle]!, entry) <= 0) low = middle + 1;
      else high = middle;
    }
    if (low === entries.length) entries.push(entry);
    else entries.splice(low, 0, entry);
  }
}
