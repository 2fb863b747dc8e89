// What a herder is doing, for those whose request takes too long: what is in its way.
import type { Clock } from '../../util/index.ts';

interface Stage {
  readonly description: string;
  readonly begunAt: number;
  readonly endedAt?: number;
}

export class Stages {
  readonly #clock: Pick<Clock, 'now'>;
  /** What is under way, the last of it within those before. */
  readonly #open: Stage[] = [];
  #last: Stage;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
    this.#last = { description: 'awaiting startup', begunAt: clock.now() };
  }

  /** Does something that may take long: "reading to the end of the config topic". */
  async during<T>(description: string, work: () => Promise<T>): Promise<T> {
    const stage = { description, begunAt: this.#clock.now() };
    this.#open.push(stage);
    try {
      return await work();
    } finally {
      this.#open.splice(this.#open.indexOf(stage), 1);
      this.#last = { ...stage, endedAt: this.#clock.now() };
    }
  }

  /** In a sentence. */
  get summary(): string {
    const { description, begunAt, endedAt } = this.#open.at(-1) ?? this.#last;
    const begun = `${description}, which began at ${timeOf(begunAt)}`;
    if (endedAt === undefined) return `The worker is currently ${begun}`;
    return `The last operation the worker completed was ${begun} and completed at ${timeOf(endedAt)}`;
  }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
