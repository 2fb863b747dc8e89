/**
 * What a commit has to do with functions that are waited for: a record and its results belong to one transaction, so tasks
 * take nothing up until their calls have ended. The other tasks go on meanwhile.
 */
import { deferred, MillraceError } from '../../util/index.ts';
import type { ResolvedSettings } from './settings.ts';
import type { Task } from './task.ts';

/** Calls are not waited for more than a fifth of the time, if transactions may be as long as that takes. */
const COMMIT_PER_DRAIN = 4;

export interface AwaitedCallsOptions {
  readonly settings: ResolvedSettings;
  readonly tasks: () => readonly Task[];
  /** Has the worker look at its tasks. */
  readonly wake: () => void;
  /** Marks an error as one of the tasks' own. */
  readonly failedInTask: (error: unknown) => unknown;
}

export class AwaitedCalls {
  readonly #options: AwaitedCallsOptions;
  /** When a commit began to wait; 0 when none does. */
  #waitingSince = 0;
  /** How long the last one waited. */
  #waitedMs = 0;
  #hearResults: () => void;

  constructor(options: AwaitedCallsOptions) {
    this.#options = options;
    this.#hearResults = options.wake;
  }

  /** A commit waits. */
  get areWaitedFor(): boolean {
    return this.#waitingSince > 0;
  }

  /** The setting, or longer where calls take their time. */
  get commitIntervalMs(): number {
    const { commitIntervalMs, transactionTimeoutMs } = this.#options.settings;
    const longestMs = Math.max(commitIntervalMs, transactionTimeoutMs / COMMIT_PER_DRAIN);
    return Math.min(longestMs, Math.max(commitIntervalMs, COMMIT_PER_DRAIN * this.#waitedMs));
  }

  /** A call of some task has results. */
  onResults(): void {
    this.#hearResults();
  }

  /** Lets results go on. Throws what stops the application. */
  resume(): void {
    this.#inTask(() => {
      for (const task of this.#options.tasks()) task.resume();
    });
  }

  /** Has tasks with calls take nothing up. Returns whether all calls have ended: then a commit may begin. */
  drain(): boolean {
    this.#waitingSince ||= this.#options.settings.environment.now();
    let areDrained = true;
    this.#inTask(() => {
      for (const task of this.#options.tasks()) areDrained = task.drain() && areDrained;
    });
    return areDrained;
  }

  /** The commit has begun. */
  takeUpAgain(): void {
    this.#waitedMs = this.#options.settings.environment.now() - this.#waitingSince;
    this.#waitingSince = 0;
    for (const task of this.#options.tasks()) task.isDraining = false;
  }

  /** As `drain`, and waits. Past `limitMs` the generation ends without a commit, and its records are read again. */
  async ended(limitMs: number): Promise<void> {
    const { environment } = this.#options.settings;
    const until = environment.now() + limitMs;
    while (!this.drain()) {
      const leftMs = until - environment.now();
      if (leftMs <= 0) {
        throw new MillraceError('CALLS_UNDER_WAY', `calls that a commit waits for took more than ${limitMs} ms`, {
          retriable: true,
        });
      }
      const results = deferred();
      this.#hearResults = results.resolve;
      const stopTimer = environment.after(leftMs, results.resolve);
      await results.promise;
      stopTimer();
      this.#hearResults = this.#options.wake;
    }
  }

  #inTask(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw this.#options.failedInTask(error);
    }
  }
}
