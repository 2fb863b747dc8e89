// Requests that a herder carries out when it comes to them: each at its time, in the order in which they came.
import type { Clock } from '../../util/index.ts';

interface Request {
  readonly at: number;
  readonly work: () => Promise<void>;
  readonly fail: (error: unknown) => void;
}

export class Requests {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #wake: () => void;
  /** By their time. */
  readonly #waiting: Request[] = [];

  constructor(clock: Pick<Clock, 'now'>, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  /** Resolves, or rejects, with what becomes of the work. */
  add<T>(work: () => Promise<T> | T, delayMs = 0): Promise<T> {
    return new Promise((resolve, reject) => {
      const at = this.#clock.now() + delayMs;
      const run = async (): Promise<void> => {
        try {
          resolve(await work());
        } catch (error) {
          reject(error);
        }
      };
      const behind = this.#waiting.findIndex((other) => other.at > at);
      this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, { at, work: run, fail: reject });
      this.#wake();
    });
  }

  /** Carries out those whose time has come. */
  async runDue(): Promise<void> {
    const now = this.#clock.now();
    while (this.#waiting[0] !== undefined && this.#waiting[0].at <= now) await this.#waiting.shift()!.work();
  }

  /** When the next one is due; Infinity: none. */
  get nextAt(): number {
    return this.#waiting[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** None of those that wait is carried out any more. */
  refuseAll(error: unknown): void {
    for (const { fail } of this.#waiting.splice(0)) fail(error);
  }
}
