/**
 * Where a share group is in one partition (KIP-932). Between the offset below which all is done with (`startOffset`) and the first
 * that nobody has been given yet (`nextOffset`) each record is available, acquired by a member for a time, acknowledged, or archived:
 *
 *     available → acquired → acknowledged (accepted)
 *         ↑          │  └──→ archived (rejected, not there, or given out as often as is allowed)
 *         └──────────┘ released, or its time is over
 *
 * Neighbours in the same state are one run, so that a group that keeps up is a handful of runs. What is decided is in memory at once
 * and counts for members when it is in the journal (share-state.ts); who has what is only in memory, as it ends with its time.
 */
import { AcknowledgeType } from '../../protocol/index.ts';
import { assert, type Environment, MillraceError } from '../../util/index.ts';

/** Kafka's numbers; acquired is never stored. */
export const DeliveryState = { available: 0, acquired: 1, acknowledged: 2, archived: 4 } as const;

/** Neighbours in the same state. */
export interface Run {
  readonly first: number;
  readonly last: number;
  readonly state: number;
  /** How often they were given out. */
  readonly count: number;
  /** Who has them, and until when. */
  readonly owner?: string | undefined;
  readonly deadline?: number | undefined;
}

export interface AcquiredRun {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly deliveryCount: number;
}

/** Offsets that were read from the log, together: a batch, or what there is of it. */
export interface ReadBatch {
  readonly first: number;
  readonly last: number;
  /** It holds nothing for readers: a transaction's marker, or records of one that was aborted. */
  readonly isHidden: boolean;
}

export interface AcknowledgedBatch {
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** One for each offset, or one for all. */
  readonly acknowledgeTypes: readonly number[];
}

export interface SharePartitionSettings {
  readonly lockDurationMs: number;
  readonly deliveryCountLimit: number;
  readonly maxRecordLocks: number;
}

export interface AcquireLimits {
  readonly maxRecords: number;
  /** Whether exactly so many are acquired, else whole batches. */
  readonly isExact: boolean;
}

export class SharePartition {
  /** -1 while nobody has read here. */
  startOffset = -1;
  nextOffset = -1;
  readonly #environment: Environment;
  readonly #settings: () => SharePartitionSettings;
  /** Told when something was decided that has to be stored: the runs that have changed. */
  readonly #changed: (runs: readonly Run[]) => void;
  readonly #waiting = new Set<() => void>();
  /** In order, without gaps, from `startOffset` to `nextOffset`. */
  #runs: Run[] = [];
  #cancelTimer: () => void = () => {};
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(
    environment: Environment,
    settings: () => SharePartitionSettings,
    changed: (runs: readonly Run[]) => void,
  ) {
    this.#environment = environment;
    this.#settings = settings;
    this.#changed = changed;
  }

  get runs(): readonly Run[] {
    return this.#runs;
  }

  get isInitialized(): boolean {
    return this.startOffset >= 0;
  }

  /** How many of those from `startOffset` on are done with. */
  get completeCount(): number {
    return this.#runs.reduce((sum, run) => sum + (isDone(run) ? lengthOf(run) : 0), 0);
  }

  /** Begins at an offset, with what is known of records from there on. Whoever has something loses it. */
  begin(startOffset: number, known: readonly Run[] = []): void {
    this.startOffset = startOffset;
    this.#runs = [];
    this.nextOffset = startOffset;
    for (const run of [...known].sort((a, b) => a.first - b.first)) {
      const first = Math.max(run.first, this.nextOffset);
      if (first > run.last) continue;
      if (first > this.nextOffset)
        this.#append(this.nextOffset, first - 1, { state: DeliveryState.available, count: 0 });
      this.#append(first, run.last, { state: run.state, count: run.count });
    }
    this.#moveStart();
    this.#wake();
  }

  /** Records below are gone from the log. */
  logBegins(at: number): void {
    if (!this.isInitialized || at <= this.startOffset) return;
    if (at >= this.nextOffset) return this.begin(at);
    this.#split(at);
    this.#runs = this.#runs.filter(({ first }) => first >= at);
    this.startOffset = at;
    this.#moveStart();
    this.#changed([]);
  }

  // ── Acquiring ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Where reading may find something; undefined when nothing is to be had before others are done. */
  fetchOffset(): number | undefined {
    const available = this.#runs.find(({ state }) => state === DeliveryState.available);
    if (available !== undefined) return available.first;
    return this.#hasRoom ? this.nextOffset : undefined;
  }

  get #hasRoom(): boolean {
    return this.nextOffset - this.startOffset < this.#settings().maxRecordLocks;
  }

  /** Gives a member what is available of batches that were read, in their order. */
  acquire(owner: string, batches: readonly ReadBatch[], { maxRecords, isExact }: AcquireLimits): AcquiredRun[] {
    const acquired: AcquiredRun[] = [];
    const hidden: Run[] = [];
    const deadline = this.#environment.now() + this.#settings().lockDurationMs;
    let left = maxRecords;
    for (const { first, last, isHidden } of batches) {
      if (left <= 0) break;
      this.#extendTo(first, last, isHidden, hidden);
      for (const run of this.#within(first, last)) {
        if (run.state !== DeliveryState.available || (isExact && left <= 0)) continue;
        if (isHidden) {
          const done = { first: run.first, last: run.last, state: DeliveryState.archived, count: run.count };
          this.#set(done);
          hidden.push(done);
          continue;
        }
        const end = isExact ? Math.min(run.last, run.first + left - 1) : run.last;
        const taken = {
          first: run.first,
          last: end,
          state: DeliveryState.acquired,
          count: run.count + 1,
          owner,
          deadline,
        };
        this.#set(taken);
        left -= lengthOf(taken);
        acquired.push({ firstOffset: taken.first, lastOffset: taken.last, deliveryCount: taken.count });
      }
    }
    if (acquired.length > 0) this.#armTimer(deadline);
    if (hidden.length > 0) this.#decided(hidden);
    return acquired;
  }

  /** Takes in offsets that nobody was given yet. Those before the batch that are not in the log are done with. */
  #extendTo(first: number, last: number, isHidden: boolean, hidden: Run[]): void {
    if (last < this.nextOffset || !this.#hasRoom) return;
    const from = Math.max(first, this.nextOffset);
    const add = (begin: number, end: number, state: number): void => {
      const run = { first: begin, last: end, state, count: 0 };
      this.#append(begin, end, run);
      if (state === DeliveryState.archived) hidden.push(run);
    };
    if (from > this.nextOffset) add(this.nextOffset, from - 1, DeliveryState.archived);
    add(from, last, isHidden ? DeliveryState.archived : DeliveryState.available);
  }

  // ── Acknowledging ───────────────────────────────────────────────────────────────────────────────────────────────

  /** All of it, or, where something of it is refused, nothing: then it throws. */
  acknowledge(owner: string, batches: readonly AcknowledgedBatch[]): void {
    const before = this.#runs;
    const changed: Run[] = [];
    try {
      // Runs are replaced, never changed: the old list is what there was.
      this.#runs = [...before];
      for (const batch of batches) this.#acknowledgeBatch(owner, batch, changed);
    } catch (error) {
      this.#runs = before;
      throw error;
    }
    this.#decided(changed);
  }

  #acknowledgeBatch(
    owner: string,
    { firstOffset, lastOffset, acknowledgeTypes }: AcknowledgedBatch,
    changed: Run[],
  ): void {
    if (firstOffset >= this.nextOffset) {
      const message = 'Batch record not found. The first offset in request is past acquired records.';
      throw new MillraceError('INVALID_REQUEST', message);
    }
    if (lastOffset >= this.nextOffset) {
      const message = 'Batch record not found. The last offset in request is past acquired records.';
      throw new MillraceError('INVALID_REQUEST', message);
    }
    // What is below the start is done with: the answer to it was lost.
    const begin = Math.max(firstOffset, this.startOffset);
    for (let offset = begin; offset <= lastOffset; ) {
      const type = typeAt(acknowledgeTypes, offset - firstOffset);
      let end = offset;
      while (end < lastOffset && typeAt(acknowledgeTypes, end + 1 - firstOffset) === type) end++;
      for (const run of this.#within(offset, end)) changed.push(...this.#acknowledgeRun(owner, run, type));
      offset = end + 1;
    }
  }

  #acknowledgeRun(owner: string, run: Run, type: number): Run[] {
    if (run.state !== DeliveryState.acquired) {
      const message = 'The offset cannot be acknowledged. The offset is not acquired.';
      throw new MillraceError('INVALID_RECORD_STATE', message);
    }
    if (run.owner !== owner) {
      const message = 'Member is not the owner of the offset.';
      throw new MillraceError('INVALID_RECORD_STATE', message);
    }
    if (type === AcknowledgeType.renew) {
      const deadline = this.#environment.now() + this.#settings().lockDurationMs;
      this.#set({ ...run, deadline });
      this.#armTimer(deadline);
      return [];
    }
    const state = type === AcknowledgeType.release ? this.#stateBehind(run) : STATES[type]!;
    const decided = { first: run.first, last: run.last, state, count: run.count };
    this.#set(decided);
    return [decided];
  }

  /** What a record becomes that was not done with: it has its chances. */
  #stateBehind({ count }: Run): number {
    return count < this.#settings().deliveryCountLimit ? DeliveryState.available : DeliveryState.archived;
  }

  /** A member is gone: others may have what it had, which counts as given out once more. */
  release(owner: string): void {
    this.#giveBack((run) => run.owner === owner);
  }

  #giveBack(isDue: (run: Run) => boolean): void {
    const due = this.#runs.filter((run) => run.state === DeliveryState.acquired && isDue(run));
    if (due.length === 0) return;
    const changed = due.map((run) => ({
      first: run.first,
      last: run.last,
      state: this.#stateBehind(run),
      count: run.count,
    }));
    for (const run of changed) this.#set(run);
    this.#decided(changed);
  }

  // ── Time ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #armTimer(at: number): void {
    if (at >= this.#timerAt) return;
    this.#cancelTimer();
    this.#timerAt = at;
    this.#cancelTimer = this.#environment.after(Math.max(0, at - this.#environment.now()), () => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      const now = this.#environment.now();
      this.#giveBack(({ deadline }) => deadline! <= now);
      const next = this.#runs.reduce(
        (least, { deadline }) => Math.min(least, deadline ?? least),
        Number.POSITIVE_INFINITY,
      );
      if (next < Number.POSITIVE_INFINITY) this.#armTimer(next);
    });
  }

  /** Calls once when something may have become available. Returns what takes the call back. */
  whenAvailable(call: () => void): () => void {
    this.#waiting.add(call);
    return () => this.#waiting.delete(call);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) call();
  }

  stop(): void {
    this.#cancelTimer();
    this.#waiting.clear();
  }

  // ── Runs ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #decided(changed: readonly Run[]): void {
    if (changed.length === 0) return;
    this.#moveStart();
    this.#changed(changed);
    this.#wake();
  }

  #moveStart(): void {
    let done = 0;
    while (done < this.#runs.length && isDone(this.#runs[done]!)) done++;
    if (done === 0) return;
    this.#runs.splice(0, done);
    this.startOffset = this.#runs[0]?.first ?? this.nextOffset;
  }

  #append(first: number, last: number, { state, count }: Pick<Run, 'state' | 'count'>): void {
    assert(first === this.nextOffset, `a run begins at ${first} where ${this.nextOffset} is the next offset`);
    this.#runs.push({ first, last, state, count });
    this.nextOffset = last + 1;
  }

  /** The runs of these offsets, cut at their ends. */
  #within(first: number, last: number): Run[] {
    this.#split(first);
    this.#split(last + 1);
    return this.#runs.filter((run) => run.first >= first && run.last <= last);
  }

  /** Has a run begin at an offset. */
  #split(at: number): void {
    const i = this.#indexOf(at);
    const run = this.#runs[i];
    if (run === undefined || run.first === at) return;
    this.#runs.splice(i, 1, { ...run, last: at - 1 }, { ...run, first: at });
  }

  /** Puts a run over others, which it covers in whole or in part, and together with equal neighbours. */
  #set(run: Run): void {
    this.#split(run.first);
    this.#split(run.last + 1);
    const from = this.#indexOf(run.first);
    const until = this.#indexOf(run.last);
    const [before, after] = [this.#runs[from - 1], this.#runs[until + 1]];
    const joinsBefore = before !== undefined && isAlike(before, run);
    const joinsAfter = after !== undefined && isAlike(run, after);
    const whole = { ...run, first: joinsBefore ? before.first : run.first, last: joinsAfter ? after.last : run.last };
    const begin = joinsBefore ? from - 1 : from;
    this.#runs.splice(begin, (joinsAfter ? until + 1 : until) - begin + 1, whole);
  }

  /** The index of the run that has the offset; the length where none has. */
  #indexOf(offset: number): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#runs[middle]!.last < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const STATES: Readonly<Record<number, number>> = {
  [AcknowledgeType.gap]: DeliveryState.archived,
  [AcknowledgeType.accept]: DeliveryState.acknowledged,
  [AcknowledgeType.reject]: DeliveryState.archived,
};

function typeAt(types: readonly number[], index: number): number {
  return types.length === 1 ? types[0]! : types[index]!;
}

function isDone({ state }: Run): boolean {
  return state === DeliveryState.acknowledged || state === DeliveryState.archived;
}

function isAlike(a: Run, b: Run): boolean {
  return a.state === b.state && a.count === b.count && a.owner === b.owner && a.deadline === b.deadline;
}

function lengthOf({ first, last }: Run): number {
  return last - first + 1;
}
