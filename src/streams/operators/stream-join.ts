// Stream-stream joins: each side keeps its records for the window and looks for partners among those of the other.
import type { TaskContext } from '../api/context.ts';
import type { AnySerde, Emit, GraphNode } from '../graph/node.ts';
import { type KeyLocator, locatorFor } from './key-locator.ts';
import type { TaskScope } from '../graph/node.ts';
import type { IntervalState } from '../state/interval-store.ts';
import { type OuterBufferState, type Unmatched, UNMATCHED_KEY_START } from '../state/outer-buffer-store.ts';
import type { EmitPosition, StoreSpec } from '../state/store.ts';
import type { JoinWindows } from '../api/windows.ts';
import { answerNow } from './answer-now.ts';

export type JoinKind = 'inner' | 'left' | 'outer';
export type Joiner = (left: unknown, right: unknown, key: unknown) => unknown;

export interface JoinSide {
  /** Shared by the two sides of one join. */
  readonly id: string;
  readonly isLeft: boolean;
  readonly kind: JoinKind;
  readonly joiner: Joiner;
  readonly windows: JoinWindows;
  readonly own: StoreSpec;
  readonly other: StoreSpec;
  /** Where records without a partner wait until their window closes; null when nothing waits. */
  readonly waiting: StoreSpec | null;
}

export function joinSide(options: JoinSide) {
  return (scope: TaskScope, node: GraphNode): Emit => {
    const side = new JoinOperator(scope, node, options);
    return (key, value, timestamp, context) => side.process(key, value, timestamp, context);
  };
}

class JoinOperator {
  readonly #scope: TaskScope;
  readonly #node: GraphNode;
  readonly #next: Emit;
  readonly #isLeft: boolean;
  readonly #joiner: Joiner;
  readonly #own: IntervalState;
  readonly #other: IntervalState;
  readonly #waiting: WaitingRecords | null;
  readonly #position: EmitPosition;
  readonly #locator: KeyLocator;
  /** Records without a partner are results, too. */
  readonly #isOuter: boolean;
  readonly #beforeMs: number;
  readonly #afterMs: number;
  readonly #keepsRaw: boolean;

  constructor(scope: TaskScope, node: GraphNode, options: JoinSide) {
    const { isLeft, kind, windows } = options;
    this.#scope = scope;
    this.#node = node;
    this.#next = scope.forward(node);
    this.#isLeft = isLeft;
    this.#joiner = options.joiner;
    this.#own = scope.store<IntervalState>(options.own);
    this.#other = scope.store<IntervalState>(options.other);
    this.#position = scope.position(options.id);
    this.#locator = locatorFor(scope, node);
    this.#isOuter = isLeft ? kind !== 'inner' : kind === 'outer';
    this.#beforeMs = isLeft ? windows.beforeMs : windows.afterMs;
    this.#afterMs = isLeft ? windows.afterMs : windows.beforeMs;
    this.#keepsRaw = options.own.logging && scope.plan.hasValueBytes(node);
    this.#waiting = options.waiting === null ? null : new WaitingRecords(scope, node, options, options.waiting);
  }

  process(key: unknown, value: unknown, timestamp: number, context: TaskContext): void {
    const scope = this.#scope;
    const locator = this.#locator;
    const waiting = this.#waiting;
    const streamTime = scope.timeAfter(this.#position, timestamp);
    if (value === null) {
      scope.drop('null-value', this.#node);
      return;
    }
    if (!locator.locate(key, context)) {
      if (this.#isOuter) this.#emit(key, value, null, timestamp, context);
      else scope.drop('null-key', this.#node);
      return;
    }
    if (waiting !== null && timestamp >= streamTime) waiting.giveUp(streamTime, context);

    const { keyBytes, keyStart, keyEnd } = context;
    context.keyBytes = locator.bytes;
    context.keyStart = locator.start;
    context.keyEnd = locator.end;
    const hasPartner = this.#meetPartners(key, value, timestamp, context);
    if (this.#isOuter && !hasPartner) {
      const isTooLate = Math.max(0, timestamp + this.#afterMs) < streamTime;
      if (waiting === null || isTooLate) this.#emit(key, value, null, timestamp, context);
      else waiting.store.add(this.#isLeft, timestamp, locator, value);
    }
    const kept = this.#own.append(locator, timestamp, value, this.#keepsRaw ? context : null);
    if (kept === undefined) scope.drop('expired', this.#node);
    context.keyBytes = keyBytes;
    context.keyStart = keyStart;
    context.keyEnd = keyEnd;
  }

  /** Joins a record with those of the other side that are within the window of it; false when there are none. */
  #meetPartners(key: unknown, value: unknown, timestamp: number, context: TaskContext): boolean {
    const locator = this.#locator;
    const waiting = this.#waiting;
    const { expiredBefore } = this.#other;
    const timeFrom = Math.max(0, timestamp - this.#beforeMs);
    const timeTo = Math.max(0, timestamp + this.#afterMs);
    const candidates = this.#other.spansOf(locator, timeFrom, timeTo);
    let hasPartner = false;
    for (let i = firstFrom(candidates, timeFrom); i < candidates.length; i++) {
      const candidate = candidates[i]!;
      if (candidate.end > timeTo) break;
      if (candidate.end < expiredBefore) continue;
      hasPartner = true;
      if (waiting !== null) waiting.store.matched(!this.#isLeft, candidate.end, locator);
      this.#emit(key, value, candidate.value, Math.max(timestamp, candidate.end), context);
    }
    return hasPartner;
  }

  #emit(key: unknown, mine: unknown, theirs: unknown, timestamp: number, context: TaskContext): void {
    const joiner = this.#joiner;
    let joined: unknown;
    context.timestamp = timestamp;
    try {
      joined = answerNow(this.#node, this.#isLeft ? joiner(mine, theirs, key) : joiner(theirs, mine, key));
    } catch (error) {
      this.#scope.failed(error, this.#node);
      return;
    }
    this.#next(key, joined, timestamp, context);
  }
}

/** The records of both sides that wait for a partner. Both sides give them up; one of them does it when time passes. */
class WaitingRecords {
  readonly store: OuterBufferState;
  readonly #scope: TaskScope;
  readonly #node: GraphNode;
  readonly #next: Emit;
  readonly #joiner: Joiner;
  readonly #windows: JoinWindows;
  readonly #key: AnySerde;
  readonly #needsKey: boolean;

  constructor(scope: TaskScope, node: GraphNode, options: JoinSide, spec: StoreSpec) {
    const { joiner, windows } = options;
    this.store = scope.store<OuterBufferState>(spec);
    this.#scope = scope;
    this.#node = node;
    this.#next = scope.forward(node);
    this.#joiner = joiner;
    this.#windows = windows;
    this.#key = options.own.key;
    this.#needsKey = joiner.length !== 2 || scope.plan.childrenNeedKey(node);
    const position = scope.position(options.id);
    const longestMs = Math.max(windows.beforeMs, windows.afterMs) + windows.graceMs;
    scope.holdsBack(node, position, () => longestMs);
    if (options.isLeft) scope.onTime(node, () => this.giveUp(scope.timeOf(position), scope.context));
  }

  /** Gives up what can't find a partner any more: by time, right before left, by key. */
  giveUp(streamTime: number, context: TaskContext): void {
    const { keyBytes, keyStart, keyEnd } = context;
    for (let due = this.#due(streamTime); due !== undefined; due = this.#due(streamTime)) {
      this.store.remove(due);
      this.#emitAlone(due, context);
    }
    context.keyBytes = keyBytes;
    context.keyStart = keyStart;
    context.keyEnd = keyEnd;
  }

  #due(streamTime: number): Unmatched | undefined {
    const { beforeMs, afterMs, graceMs } = this.#windows;
    const left = this.store.first(true);
    const right = this.store.first(false);
    const isLeftDue = left !== undefined && left.time + afterMs + graceMs < streamTime;
    const isRightDue = right !== undefined && right.time + beforeMs + graceMs < streamTime;
    if (isLeftDue && isRightDue) return right.time <= left.time ? right : left;
    return isLeftDue ? left : isRightDue ? right : undefined;
  }

  #emitAlone({ row, time, isLeft, values }: Unmatched, context: TaskContext): void {
    const joiner = this.#joiner;
    const key = this.#needsKey ? this.#key.decode(row, UNMATCHED_KEY_START, row.length) : undefined;
    context.keyBytes = row;
    context.keyStart = UNMATCHED_KEY_START;
    context.keyEnd = row.length;
    context.timestamp = time;
    for (const value of values) {
      let joined: unknown;
      try {
        joined = answerNow(this.#node, isLeft ? joiner(value, null, key) : joiner(null, value, key));
      } catch (error) {
        this.#scope.failed(error, this.#node);
        continue;
      }
      this.#next(key, joined, time, context);
    }
  }
}

/** The first of a key's records at or after a time. */
function firstFrom(candidates: readonly { readonly end: number }[], time: number): number {
  let low = 0;
  let high = candidates.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (candidates[middle]!.end < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
