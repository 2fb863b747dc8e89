// Chance from a seed: the record with a number is always the same, so that a generator that is started again goes on as it would have.

/** Numbers from 0 to below 1 (mulberry32), for one record. */
export class SeededRandom {
  #state: number;

  constructor(seed: number, record: number) {
    this.#state =
      (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul((record + 1) | 0, 0x85ebca6b) ^ Math.floor(record / 2 ** 32)) | 0;
    this.next();
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `min` to below `max`. */
  below(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min));
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(0, values.length)]!;
  }
}
