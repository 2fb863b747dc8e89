/**
 * Tasks whose records are taken in one order, that of their times: the tasks of a sub-topology that feeds a repartition
 * topic, so that what they write lies there in order, too, and any other task on its own.
 */
import type { RunningTask } from './running-task.ts';
import type { SourceQueue } from './source-queue.ts';

export interface Waiting {
  /** Whether records of the partition are on the broker that have not arrived. */
  readonly mayBringMore: (queue: SourceQueue) => boolean;
  /** How long others wait for such records. */
  readonly brokerMs: number;
  /** How long others wait for tasks that are known to be at work. */
  readonly feedersMs: number;
}

export class TaskGroup {
  /** Event time of the group's oldest record; Infinity when there is none. */
  headTime = Number.POSITIVE_INFINITY;
  readonly #members: readonly RunningTask[];
  readonly #queues: readonly SourceQueue[];
  /** The members with records, as a heap by the time of their first. */
  readonly #heap: RunningTask[] = [];
  /** Since when records wait for those of another partition; 0 when none do. */
  #waitingSince = 0;
  #hasTimedOut = false;

  constructor(members: readonly RunningTask[]) {
    this.#members = members;
    this.#queues = members.flatMap(({ task }) => task.queues);
  }

  /** Fetches that have not been looked at are waiting in some queue. */
  get hasBacklog(): boolean {
    return this.#queues.some((queue) => queue.backlog > 0);
  }

  /** Calls of a member have to be waited for. */
  get isBlocked(): boolean {
    for (const { task } of this.#members) if (task.isBlocked) return true;
    return false;
  }

  /** Looks at what has arrived. Throws `SchemaNotLoaded`; call again once it is. */
  load(): void {
    this.headTime = Number.POSITIVE_INFINITY;
    for (const queue of this.#queues) {
      queue.load();
      if (queue.headTime < this.headTime) this.headTime = queue.headTime;
    }
  }

  /**
   * Whether the oldest record's turn has come: nothing older is to be expected from another partition, or has been waited
   * for long enough. To be asked behind `load`.
   */
  isReady(waiting: Waiting, now: number): boolean {
    const { headTime } = this;
    if (headTime === Number.POSITIVE_INFINITY) return false;
    let waitMs = 0;
    for (const queue of this.#queues) {
      if (!queue.isEmpty) continue;
      if (waiting.mayBringMore(queue)) waitMs = Math.max(waitMs, waiting.brokerMs);
      else if (queue.watermark?.mayBringBefore(headTime) === true) waitMs = Math.max(waitMs, waiting.feedersMs);
    }
    if (waitMs === 0) {
      this.#waitingSince = 0;
      this.#hasTimedOut = false;
      return true;
    }
    if (this.#waitingSince === 0) this.#waitingSince = now;
    if (now - this.#waitingSince < waitMs) return false;
    if (!this.#hasTimedOut) for (const { task } of this.#members) task.idleTimeouts++;
    this.#hasTimedOut = true;
    return true;
  }

  /**
   * Processes up to `limit` records, or fewer: when a partition has run out, whoever calls has to find out whether the
   * others may go on.
   */
  run(limit: number): void {
    if (this.#members.length === 1) {
      this.#members[0]!.task.run(limit);
      return;
    }
    const heap = this.#heap;
    heap.length = 0;
    for (const member of this.#members) {
      if (member.task.headTime < Number.POSITIVE_INFINITY) heap.push(member);
    }
    for (let at = (heap.length >> 1) - 1; at >= 0; at--) this.#sink(at);
    let left = limit;
    while (left > 0) {
      const first = heap[0]!;
      const until = Math.min(timeOf(heap[1]), timeOf(heap[2]));
      left -= first.task.run(left, until);
      if (first.task.hasRunOut || first.task.isBlocked) return;
      this.#sink(0);
    }
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const member = heap[from]!;
    const time = member.task.headTime;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      const other = heap[child]!;
      if (
        other.task.headTime > time ||
        (other.task.headTime === time && other.task.partition > member.task.partition)
      ) {
        break;
      }
      heap[at] = other;
      at = child;
    }
    heap[at] = member;
  }
}

function timeOf(member: RunningTask | undefined): number {
  return member === undefined ? Number.POSITIVE_INFINITY : member.task.headTime;
}

/** Of equal times the lower partition comes first, so that the order is always the same. */
function isBefore(a: RunningTask, b: RunningTask): boolean {
  const difference = a.task.headTime - b.task.headTime;
  return difference < 0 || (difference === 0 && a.task.partition < b.task.partition);
}
