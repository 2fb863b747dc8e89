// When a thread that died is started again: soon, and later each time it dies again before it has been up for a while.
import type { Environment } from './environment.ts';

const FIRST_MS = 500;
const LAST_MS = 30_000;

export class Restarts {
  readonly #environment: Environment;
  #nextMs = FIRST_MS;
  #cancel: () => void = () => {};
  #cancelReset: () => void = () => {};
  #isWaiting = false;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Between the end of a thread and its next start. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Starts again in a while; returns how long that is, in ms. */
  schedule(start: () => void): number {
    this.#cancelReset();
    const delayMs = this.#nextMs;
    this.#nextMs = Math.min(2 * delayMs, LAST_MS);
    this.#isWaiting = true;
    this.#cancel = this.#environment.after(delayMs, () => {
      this.#isWaiting = false;
      start();
    });
    return delayMs;
  }

  /** It is up. When it has been for as long as is ever waited, its next end is like the first. */
  succeeded(): void {
    this.#cancelReset = this.#environment.after(LAST_MS, () => {
      this.#nextMs = FIRST_MS;
    });
  }

  cancel(): void {
    this.#cancel();
    this.#cancelReset();
  }
}
