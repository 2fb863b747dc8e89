/** A flight that was produced and is waited for in a result. */
interface Sample {
  readonly ordinal: number;
  readonly sentAt: number;
}

/**
 * From produce to result: a sampled flight is the n-th of its window, and the first result of that window which counts
 * at least n includes it.
 */
export class LatencyProbe {
  readonly #waiting = new Map<string, Sample[]>();
  readonly #found: number[] = [];

  sent(window: string, ordinal: number): void {
    const samples = this.#waiting.get(window);
    const sample = { ordinal, sentAt: performance.now() };
    if (samples === undefined) this.#waiting.set(window, [sample]);
    else samples.push(sample);
  }

  result(window: string, count: number): void {
    const samples = this.#waiting.get(window);
    if (samples === undefined) return;
    while (samples.length > 0 && samples[0]!.ordinal <= count) {
      this.#found.push(performance.now() - samples.shift()!.sentAt);
    }
    if (samples.length === 0) this.#waiting.delete(window);
  }

  /** Milliseconds; undefined before anything was found. */
  percentile(share: number): number | undefined {
    const sorted = this.#found.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  }

  get samples(): number {
    return this.#found.length;
  }
}
