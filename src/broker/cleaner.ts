import { ErrorCode } from '../protocol/index.ts';
import { type Environment, messageOf } from '../util/index.ts';
import { compact, compactable, dirtyRatio } from './log/compaction.ts';
import type { Segment } from './log/segment.ts';
import type { Partition } from './partition.ts';
import type { Topics } from './topics.ts';

/** Compacts, one at a time, the logs of topics that ask for it, the dirtiest first. */
export class Cleaner {
  readonly #topics: Topics;
  readonly #environment: Environment;
  readonly #report: (message: string) => void;
  #stopTimer: () => void = () => {};
  #isStopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(topics: Topics, environment: Environment, report: (message: string) => void) {
    this.#topics = topics;
    this.#environment = environment;
    this.#report = report;
  }

  start(backoffMs: number): void {
    this.#stopTimer = this.#environment.after(backoffMs, () => {
      this.#running = this.clean().finally(() => {
        if (!this.#isStopped) this.start(backoffMs);
      });
    });
  }

  /** Resolves when a compaction that is under way has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopTimer();
    await this.#running;
  }

  /** Compacts every log that is dirty enough. */
  async clean(): Promise<void> {
    let didSomething = false;
    for (let next = this.#dirtiest(); next !== undefined && !this.#isStopped; next = this.#dirtiest()) {
      const { partition, segments } = next;
      try {
        await compact(partition.log, segments, this.#environment);
        didSomething = true;
      } catch (error) {
        this.#report(`partition ${partition.topic}-${partition.index} can not be compacted: ${messageOf(error)}`);
        return;
      }
    }
    if (!didSomething || this.#isStopped) return;
    try {
      this.#topics.writeCheckpoints();
    } catch (error) {
      // They say how much need not be looked at again: without them more is, and the next round writes them.
      this.#report(`the checkpoints can not be written: ${messageOf(error)}`);
    }
  }

  #dirtiest(): { partition: Partition; segments: Segment[] } | undefined {
    const now = this.#environment.now();
    let best: { partition: Partition; segments: Segment[]; ratio: number } | undefined;
    for (const partition of this.#topics.partitions()) {
      const { log, failure, outage } = partition;
      if (failure !== ErrorCode.NONE || outage !== undefined || !log.settings['cleanup.policy'].includes('compact'))
        continue;
      const segments = compactable(log, partition.lastStableOffset, now);
      const ratio = dirtyRatio(log, segments, now);
      if (ratio === 0 || ratio < log.settings['min.cleanable.dirty.ratio']) continue;
      if (best === undefined || ratio > best.ratio) best = { partition, segments, ratio };
    }
    return best;
  }
}
