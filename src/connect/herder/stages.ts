// What a herder is doing, for those whose request takes too long: what is in its way.
import type { Clock } from '../../util/index.ts';

export class Stages {
  readonly #clock: Pick<Clock, 'now'>;
  #description = 'awaiting startup';
  #begunAt: number;
  #endedAt: number | undefined;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
    this.#begunAt = clock.now();
  }

  /** Does something that may take long: "reading to the end of the config topic". */
  async during<T>(description: string, work: () => Promise<T>): Promise<T> {
    this.#description = description;
    this.#begunAt = this.#clock.now();
    this.#endedAt = undefined;
    try {
      return await work();
    } finally {
      this.#endedAt = this.#clock.now();
    }
  }

  /** In a sentence. */
  get summary(): string {
    const begun = `${this.#description}, which began at ${timeOf(this.#begunAt)}`;
    if (this.#endedAt === undefined) return `The worker is currently ${begun}`;
    return `The last operation the worker completed was ${begun} and completed at ${timeOf(this.#endedAt)}`;
  }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
