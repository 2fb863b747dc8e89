// Aggregates per key and session: a record joins the sessions it is within the gap of, and makes one of them.
import type { TaskContext } from '../api/context.ts';
import type { Emit, GraphNode } from '../graph/node.ts';
import { locatorFor } from './key-locator.ts';
import type { TaskScope } from '../graph/node.ts';
import type { Interval, IntervalState } from '../state/interval-store.ts';
import type { Key } from '../state/table.ts';
import type { SessionWindows } from '../api/windows.ts';
import { ownCopy, type WindowedAggregation } from './aggregate.ts';
import { SpanEmitter } from './span-emitter.ts';
import { answerNow } from './answer-now.ts';
import { WindowClock } from './window-clock.ts';

/**
 * Sessions that a record has merged or widened are deleted, with a tombstone each, before the result follows. A session
 * takes records until stream time has passed its end by gap and grace.
 */
export function aggregateSessions(options: WindowedAggregation<SessionWindows>) {
  const { spec, windows, aggregation, strategy, time, sendsOld } = options;
  return (scope: TaskScope, node: GraphNode): Emit => {
    const store = scope.store<IntervalState>(spec);
    const locator = locatorFor(scope, node);
    const clock = new WindowClock(scope, node, store, time);
    const { initial, add, merge } = aggregation;
    const { gapMs } = windows;
    const waitMs = gapMs + windows.graceMs;
    const onClose = strategy === 'onWindowClose';
    const emitter = SpanEmitter.of(scope, node, spec, sendsOld(), onClose ? { clock, afterMs: waitMs } : null);
    const mine = ownCopy(spec, sendsOld());
    if (onClose) scope.holdsBack(node, clock.position, () => waitMs);

    /** The record and the sessions that it joins, in one. */
    const aggregate = (key: unknown, value: unknown, joined: readonly Interval[]): unknown => {
      let result = initial === null ? null : initial();
      for (const span of joined) result = merge!(key, result, mine(span.value));
      return answerNow(node, add(key, value, result)) ?? null;
    };

    /** One session, from `start` to `end`, takes the place of those that the record has joined. */
    const replace = (
      joined: readonly Interval[],
      start: number,
      end: number,
      result: unknown,
      context: TaskContext,
    ) => {
      // Of one instant, as it was before: it is updated. Any other is deleted and comes again.
      const isSame = start === end && joined.length > 0;
      const old = isSame ? joined[0]!.value : null;
      if (!isSame || result === null) {
        for (const span of joined) {
          const before = span.value;
          store.remove(span, span.end);
          emitter.changed(span, null, before, span.end, context);
        }
      }
      if (result === null) return;
      const span = store.put(locator, start, end, result, end);
      if (span === undefined) scope.drop('expired', node);
      else emitter.changed(span, result, old, end, context);
    };

    return (key, value, recordTime, context) => {
      if (value === null || !locator.locate(key, context)) {
        scope.drop(value === null ? 'null-value' : 'null-key', node);
        return;
      }
      const timestamp = clock.timeOf(recordTime);
      const closeTime = clock.after(timestamp) - waitMs;
      emitter.closeBefore(closeTime, context);
      const joined = sessionsAround(store, locator, timestamp, gapMs);
      let start = timestamp;
      let end = timestamp;
      for (const span of joined) {
        if (span.start < start) start = span.start;
        if (span.end > end) end = span.end;
      }
      if (end < closeTime) {
        scope.drop('late', node);
        return;
      }
      let result: unknown;
      try {
        result = aggregate(key, value, joined);
      } catch (error) {
        scope.failed(error, node);
        return;
      }
      replace(joined, start, end, result, context);
    };
  };
}

/** The sessions of a key that a record is within the gap of. */
function sessionsAround(store: IntervalState, key: Key, timestamp: number, gapMs: number): Interval[] {
  const { expiredBefore } = store;
  const found: Interval[] = [];
  for (const span of store.spansOf(key, timestamp - gapMs)) {
    if (span.end < timestamp - gapMs || span.start > timestamp + gapMs || span.end < expiredBefore) continue;
    found.push(span);
  }
  return found;
}
