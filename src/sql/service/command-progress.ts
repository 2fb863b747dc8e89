// How far the command log has been carried out, and who waits for more: a client names the number of a command that its
// request comes behind.
import type { Environment } from '../../util/index.ts';

interface Waiting {
  readonly sequence: number;
  readonly end: (isReached: boolean) => void;
}

export class CommandProgress {
  readonly #environment: Environment;
  readonly #waiting = new Set<Waiting>();
  #last = -1;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** The command with this number has been carried out, or never will be. */
  advance(sequence: number): void {
    this.#last = sequence;
    for (const { sequence: wanted, end } of this.#waiting) if (wanted <= sequence) end(true);
  }

  /** True as soon as the command with this number has been carried out, false when it was not within the time. */
  reaches(sequence: number, timeoutMs: number): Promise<boolean> {
    if (sequence <= this.#last) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiting: Waiting = {
        sequence,
        end: (isReached) => {
          cancel();
          this.#waiting.delete(waiting);
          resolve(isReached);
        },
      };
      const cancel = this.#environment.after(timeoutMs, () => waiting.end(false));
      this.#waiting.add(waiting);
    });
  }

  close(): void {
    for (const { end } of this.#waiting) end(false);
  }
}
