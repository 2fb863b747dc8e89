/**
 * How much of memory clients may fill with what is kept about them: groups, members and what these say of themselves,
 * offsets, transactions. What comes in is added up as it comes; only when that is too much is it counted what there really
 * is, and no more often than every second, so that counting is not what a full broker is busy with.
 */
import { getHeapStatistics } from 'node:v8';
import type { Environment } from '../util/index.ts';
import { availableMemory } from './request-memory.ts';

const SHARE = 1 / 8;
const COUNT_AGAIN_MS = 1000;
const TELL_AGAIN_MS = 60_000;

export class CoordinatorMemory {
  readonly #limit: number;
  readonly #count: () => number;
  readonly #environment: Environment;
  readonly #report: (message: string) => void;
  /** What was counted, and what has come in since. */
  #counted = 0;
  #added = 0;
  #countedAt = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  /** `limit` in bytes; negative: a share of what there is. `count` adds up what there is. */
  constructor(limit: number, count: () => number, environment: Environment, report: (message: string) => void) {
    this.#limit = limit < 0 ? Math.min(availableMemory(), getHeapStatistics().heap_size_limit) * SHARE : limit;
    this.#count = count;
    this.#environment = environment;
    this.#report = report;
    this.#countAgain();
  }

  /** Whether there is room for so many bytes more; if so, they are counted. */
  admits(bytes: number): boolean {
    const isTooMuch = (): boolean => this.#counted + this.#added + bytes > this.#limit;
    if (isTooMuch() && this.#mayCount()) this.#countAgain();
    if (isTooMuch()) {
      const now = this.#environment.now();
      if (now - this.#toldAt >= TELL_AGAIN_MS) {
        this.#toldAt = now;
        const what = `groups, their members and offsets, and transactions take about ${this.#counted} bytes`;
        this.#report(`${what}: more are refused (coordinator.max.memory.bytes is ${Math.floor(this.#limit)})`);
      }
      return false;
    }
    this.#added += bytes;
    return true;
  }

  /** Where there was much room, much has come in since: that pays for the counting. */
  #mayCount(): boolean {
    return this.#counted < this.#limit / 2 || this.#environment.now() - this.#countedAt >= COUNT_AGAIN_MS;
  }

  #countAgain(): void {
    this.#counted = this.#count();
    this.#added = 0;
    this.#countedAt = this.#environment.now();
  }
}
