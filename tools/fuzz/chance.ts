/** What a fuzzer draws from one sequence of random numbers. */
export class Chance {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** Once in `count` times. */
  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }
}
