// Records that came too late are left out by rule; that it happens is told now and then, by operator, so that it is not silent.
import type { Environment } from '../../util/index.ts';
import type { LateReport } from '../api/options.ts';
import type { Task } from './task.ts';

const REPORT_MS = 10_000;

export class LateReports {
  readonly #environment: Environment;
  readonly #report: (report: LateReport) => void;
  /** What has been told, as `task/operator/reason`. */
  readonly #told = new Map<string, number>();
  #last = Number.NEGATIVE_INFINITY;

  constructor(environment: Environment, report: (report: LateReport) => void) {
    this.#environment = environment;
    this.#report = report;
  }

  /** Tells what is new, at most every ten seconds unless it is the last time. */
  tell(tasks: readonly Task[], isLast = false): void {
    const now = this.#environment.now();
    if (!isLast && now - this.#last < REPORT_MS) return;
    for (const task of tasks) {
      for (const [operator, reasons] of task.droppedBy) {
        for (const reason of ['late', 'expired'] as const) {
          const key = `${task.id}/${operator}/${reason}`;
          const total = reasons.get(reason) ?? 0;
          // A task that was opened anew counts from the beginning.
          const known = this.#told.get(key) ?? 0;
          const count = total < known ? total : total - known;
          if (count === 0) continue;
          this.#told.set(key, total);
          this.#last = now;
          this.#report({ taskId: task.id, operator, reason, count, streamTime: task.streamTime() });
        }
      }
    }
  }
}
