/**
 * How much there was per second, over windows of time as Kafka keeps them: some of the same length, of which the oldest goes when
 * a new one begins. What is younger than all of them together counts as if it had been spread over all of them, so that a
 * client that begins may send more than its rate at once.
 */
export interface Windows {
  readonly count: number;
  readonly lengthMs: number;
}

export class Rate {
  readonly #windows: Windows;
  /** The youngest last. */
  #samples: { readonly from: number; amount: number }[] = [];

  constructor(windows: Windows) {
    this.#windows = windows;
  }

  record(amount: number, now: number): void {
    this.#forget(now);
    const last = this.#samples.at(-1);
    if (last !== undefined && now - last.from < this.#windows.lengthMs) last.amount += amount;
    else this.#samples.push({ from: now, amount });
  }

  /** Per second. */
  at(now: number): number {
    this.#forget(now);
    const total = this.#samples.reduce((sum, { amount }) => sum + amount, 0);
    return total / (this.#spanMs(now) / 1000);
  }

  /** Milliseconds until the rate would be down at a limit, if nothing came. */
  waitFor(limit: number, now: number): number {
    const rate = this.at(now);
    return rate <= limit ? 0 : Math.round(((rate - limit) / limit) * this.#spanMs(now));
  }

  /** Whether nothing that counts is left. */
  isIdle(now: number): boolean {
    this.#forget(now);
    return this.#samples.length === 0;
  }

  #spanMs(now: number): number {
    const { count, lengthMs } = this.#windows;
    const elapsed = now - (this.#samples[0]?.from ?? now);
    const missing = count - 1 - Math.floor(elapsed / lengthMs);
    return elapsed + Math.max(0, missing) * lengthMs;
  }

  #forget(now: number): void {
    const { count, lengthMs } = this.#windows;
    const before = now - count * lengthMs;
    if ((this.#samples[0]?.from ?? now) <= before) this.#samples = this.#samples.filter(({ from }) => from > before);
  }
}

/** What may be spent: so much per second, and at most what a whole span of windows has. It may be overdrawn once. */
export class TokenBucket {
  readonly #windows: Windows;
  #tokens: number;
  #at: number;

  constructor(windows: Windows, limit: number, now: number) {
    this.#windows = windows;
    this.#tokens = this.#burst(limit);
    this.#at = now;
  }

  /** Takes tokens where there are any; else returns how many milliseconds there will be none. */
  take(tokens: number, limit: number, now: number): number {
    this.#refill(limit, now);
    if (this.#tokens < 0) return Math.max(1, Math.round((-this.#tokens / limit) * 1000));
    this.#tokens -= tokens;
    return 0;
  }

  isFull(limit: number, now: number): boolean {
    this.#refill(limit, now);
    return this.#tokens >= this.#burst(limit);
  }

  #refill(limit: number, now: number): void {
    this.#tokens = Math.min(this.#burst(limit), this.#tokens + (limit * (now - this.#at)) / 1000);
    this.#at = now;
  }

  #burst(limit: number): number {
    return (limit * this.#windows.count * this.#windows.lengthMs) / 1000;
  }
}
