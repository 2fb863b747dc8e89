// Stream-stream joins: each side keeps its records for the window and looks for partners among those of the other.
import type { TaskContext } from '../api/context.ts';
import type { Emit, GraphNode } from '../graph/node.ts';
import { locatorFor } from './key-locator.ts';
import type { TaskScope } from '../graph/node.ts';
import type { IntervalState } from '../state/interval-store.ts';
import { type OuterBufferState, type Unmatched, UNMATCHED_KEY_START } from '../state/outer-buffer-store.ts';
import type { StoreSpec } from '../state/store.ts';
import type { JoinWindows } from '../api/windows.ts';

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
    const { isLeft, kind, joiner, windows } = options;
    const next = scope.forward(node);
    const own = scope.store<IntervalState>(options.own);
    const other = scope.store<IntervalState>(options.other);
    const waiting = options.waiting === null ? null : scope.store<OuterBufferState>(options.waiting);
    const position = scope.position(options.id);
    const locator = locatorFor(scope, node);
    const isOuter = isLeft ? kind !== 'inner' : kind === 'outer';
    const beforeMs = isLeft ? windows.beforeMs : windows.afterMs;
    const afterMs = isLeft ? windows.afterMs : windows.beforeMs;
    const needsKey = joiner.length !== 2 || scope.plan.childrenNeedKey(node);
    const keySerde = options.own.key;
    const hasRaw = options.own.logging && scope.plan.hasValueBytes(node);
    if (waiting !== null) {
      const longestMs = Math.max(windows.beforeMs, windows.afterMs) + windows.graceMs;
      scope.holdsBack(node, position, () => longestMs);
    }

    const emit = (key: unknown, mine: unknown, theirs: unknown, timestamp: number, context: TaskContext): boolean => {
      let joined: unknown;
      context.timestamp = timestamp;
      try {
        joined = isLeft ? joiner(mine, theirs, key) : joiner(theirs, mine, key);
      } catch (error) {
        scope.failed(error, node);
        return false;
      }
      next(key, joined, timestamp, context);
      return true;
    };

    const giveUp = (entry: Unmatched, context: TaskContext): void => {
      const { row, time, values } = entry;
      const key = needsKey ? keySerde.decode(row, UNMATCHED_KEY_START, row.length) : undefined;
      context.keyBytes = row;
      context.keyStart = UNMATCHED_KEY_START;
      context.keyEnd = row.length;
      context.timestamp = time;
      for (const value of values) {
        let joined: unknown;
        try {
          joined = entry.isLeft ? joiner(value, null, key) : joiner(null, value, key);
        } catch (error) {
          scope.failed(error, node);
          continue;
        }
        next(key, joined, time, context);
      }
    };

    /** Gives up what can't find a partner any more: by time, right before left, by key. */
    const flush = (buffer: OuterBufferState, streamTime: number, context: TaskContext): void => {
      const { keyBytes, keyStart, keyEnd } = context;
      const closed = (entry: Unmatched | undefined): entry is Unmatched =>
        entry !== undefined &&
        entry.time + (entry.isLeft ? windows.afterMs : windows.beforeMs) + windows.graceMs < streamTime;
      for (;;) {
        const left = buffer.first(true);
        const right = buffer.first(false);
        let due: Unmatched;
        if (closed(left)) due = closed(right) && right.time <= left.time ? right : left;
        else if (closed(right)) due = right;
        else break;
        buffer.remove(due);
        giveUp(due, context);
      }
      context.keyBytes = keyBytes;
      context.keyStart = keyStart;
      context.keyEnd = keyEnd;
    };

    // Both sides look after what waits: one of them does it when time passes.
    if (waiting !== null && isLeft) scope.onTime(node, () => flush(waiting, scope.timeOf(position), scope.context));

    return (key, value, timestamp, context) => {
      const streamTime = scope.timeAfter(position, timestamp);
      if (value === null) {
        scope.drop('null-value', node);
        return;
      }
      if (!locator.locate(key, context)) {
        if (isOuter) emit(key, value, null, timestamp, context);
        else scope.drop('null-key', node);
        return;
      }
      if (waiting !== null && timestamp >= streamTime) flush(waiting, streamTime, context);

      const { keyBytes, keyStart, keyEnd } = context;
      const { bytes, start, end } = locator;
      context.keyBytes = bytes;
      context.keyStart = start;
      context.keyEnd = end;
      const timeFrom = Math.max(0, timestamp - beforeMs);
      const timeTo = Math.max(0, timestamp + afterMs);
      let hasPartner = false;
      const expiredBefore = other.expiredBefore;
      const candidates = other.of(bytes, start, end);
      if (candidates !== undefined) {
        for (let i = firstFrom(candidates, timeFrom); i < candidates.length; i++) {
          const candidate = candidates[i]!;
          if (candidate.end > timeTo) break;
          if (candidate.end < expiredBefore) continue;
          hasPartner = true;
          if (waiting !== null) waiting.matched(!isLeft, candidate.end, locator);
          emit(key, value, candidate.value, Math.max(timestamp, candidate.end), context);
        }
      }
      if (isOuter && !hasPartner) {
        if (waiting === null || timeTo < streamTime) emit(key, value, null, timestamp, context);
        else waiting.add(isLeft, timestamp, locator, value);
      }
      if (own.append(locator, timestamp, value, hasRaw ? context : null) === undefined) scope.drop('expired', node);
      context.keyBytes = keyBytes;
      context.keyStart = keyStart;
      context.keyEnd = keyEnd;
    };
  };
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
