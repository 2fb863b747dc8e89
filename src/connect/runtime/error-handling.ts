// What becomes of a record with which something goes wrong on its way (KIP-298). A retriable fault is tried again, later and
// later, for as long as `errors.retry.timeout` says. What is left is reported (log, dead letter queue), and then either ends the task
// (`errors.tolerance=none`) or the record is passed over (`all`), which is counted.
import type { Log } from '../api/plugins.ts';
import { ConnectError, RetriableError } from '../data/errors.ts';
import { TransformationFault } from '../plugins/index.ts';
import { type Environment, messageOf, MillraceError } from '../../util/index.ts';

/** Where on its way a record was, in the words of the dead letters' headers. */
export type Stage =
  | 'TASK_POLL'
  | 'TRANSFORMATION'
  | 'KEY_CONVERTER'
  | 'VALUE_CONVERTER'
  | 'HEADER_CONVERTER'
  | 'KAFKA_PRODUCE'
  | 'KAFKA_CONSUME'
  | 'TASK_PUT';

/** What went wrong with one record. */
export interface Failure<R> {
  readonly stage: Stage;
  /** The class that was at work: a converter, a transformation, a task. */
  readonly executor: string;
  readonly error: Error;
  readonly record: R;
}

/** `errors.…` of a connector. */
export interface ErrorSettings {
  /** How long a retriable fault is tried again, ms; 0: not at all, -1: for ever. */
  readonly retryTimeoutMs: number;
  readonly retryDelayMaxMs: number;
  readonly tolerance: 'none' | 'all';
  readonly logEnable: boolean;
  readonly logIncludeMessages: boolean;
}

/** Of a task, since it started. */
export interface ErrorCounts {
  failures: number;
  retries: number;
  skipped: number;
  deadLetters: number;
}

/** Says that a record is passed over: not a value of anything. */
export const SKIPPED = Symbol('skipped');

const FIRST_RETRY_MS = 300;

export interface ErrorHandlingOptions<R> {
  readonly settings: ErrorSettings;
  readonly environment: Environment;
  readonly log: Log;
  /** How a record is named in the log; only asked with `errors.log.include.messages`. */
  readonly describe: (record: R) => string;
  /** Takes what failed, tolerated or not. */
  readonly deadLetters: { take(failure: Failure<R>): Promise<void> } | undefined;
  /** Aborted when the task is to stop: nothing is tried again then. */
  readonly stopping: AbortSignal;
}

export class ErrorHandling<R> {
  readonly counts: ErrorCounts = { failures: 0, retries: 0, skipped: 0, deadLetters: 0 };
  readonly #options: ErrorHandlingOptions<R>;

  constructor(options: ErrorHandlingOptions<R>) {
    this.#options = options;
  }

  /** What to do about an error of a record's stage: a value when trying again has helped, `SKIPPED`, or it is thrown. */
  async recover<T>(failure: Failure<R>, again: () => T | Promise<T>): Promise<T | typeof SKIPPED> {
    const { settings, environment, stopping } = this.#options;
    const began = environment.now();
    let { error } = failure;
    for (let attempt = 0; isRetriable(error) && !stopping.aborted; attempt++) {
      const leftMs =
        settings.retryTimeoutMs < 0 ? Number.POSITIVE_INFINITY : began + settings.retryTimeoutMs - environment.now();
      if (leftMs <= 0) break;
      const delayMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempt, 20), settings.retryDelayMaxMs, leftMs);
      await waitFor(environment, delayMs, stopping);
      if (stopping.aborted) break;
      this.counts.retries++;
      try {
        return await again();
      } catch (thrown) {
        error = asError(thrown);
      }
    }
    return await this.failed({ ...failure, error });
  }

  /** Reports what cannot be mended; returns `SKIPPED` where that is tolerated, else throws what ends the task. */
  async failed(failure: Failure<R>): Promise<typeof SKIPPED> {
    const { settings, log, describe, deadLetters } = this.#options;
    const { stage, executor, error, record } = failure;
    this.counts.failures++;
    if (settings.logEnable) {
      const about = settings.logIncludeMessages ? `, record: ${describe(record)}` : '';
      log.error(`Error encountered in stage ${stage} by ${executor}: ${messageOf(error)}${about}`);
    }
    if (deadLetters !== undefined) {
      await deadLetters.take(failure);
      this.counts.deadLetters++;
    }
    if (settings.tolerance === 'none')
      throw new ConnectError(`Tolerance exceeded in error handler: ${stage} by ${executor}: ${messageOf(error)}`, {
        cause: error,
      });
    this.counts.skipped++;
    return SKIPPED;
  }
}

/** Whether the same call may succeed later. */
export function isRetriable(thrown: unknown): boolean {
  const error = thrown instanceof TransformationFault ? thrown.cause : thrown;
  return error instanceof RetriableError || (error instanceof MillraceError && error.retriable);
}

/** Anything thrown as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new ConnectError(messageOf(thrown));
}

/** Resolves after so long, or at once when the signal is aborted. */
export function waitFor(environment: Environment, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = environment.after(delayMs, done);
    signal.addEventListener('abort', done);
  });
}

/** What a status says of a fault: the message and those below it, and where it came from. */
export function traceOf(thrown: unknown): string {
  const error = asError(thrown);
  const lines: string[] = [];
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    const stack = (at.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
    lines.push(`${depth === 0 ? '' : 'Caused by: '}${at.name}: ${at.message}`, ...stack.slice(0, 12));
  }
  return lines.join('\n');
}
