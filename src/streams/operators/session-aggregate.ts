// Aggregates per key and session: a record joins the sessions it is within the gap of, and makes one of them.
import type { TaskContext } from '../api/context.ts';
import type { Emit, GraphNode } from '../graph/node.ts';
import type { EmitStrategy } from '../api/options.ts';
import { locatorFor } from './key-locator.ts';
import type { TaskScope } from '../graph/node.ts';
import type { Interval, IntervalState } from '../state/interval-store.ts';
import type { StoreSpec } from '../state/store.ts';
import type { SessionWindows } from '../api/windows.ts';
import { type Aggregation, ownCopy } from './aggregate.ts';
import { ClosingOrder, SpanEmitter } from './span-emitter.ts';

/**
 * Sessions that a record has merged or widened are deleted, with a tombstone each, before the result follows. A session
 * takes records until stream time has passed its end by gap and grace.
 */
export function aggregateSessions(
  spec: StoreSpec,
  windows: SessionWindows,
  aggregation: Aggregation,
  strategy: EmitStrategy,
  sendsOld: () => boolean,
) {
  return (scope: TaskScope, node: GraphNode): Emit => {
    const store = scope.store<IntervalState>(spec);
    const onClose = strategy === 'onWindowClose';
    const emitter = new SpanEmitter(scope, node, spec, sendsOld(), !onClose);
    const closing = new ClosingOrder(store);
    const locator = locatorFor(scope, node);
    const position = scope.position(node.name);
    const { initial, add, merge } = aggregation;
    const { gapMs, graceMs } = windows;
    const mine = ownCopy(spec, sendsOld());
    if (onClose) scope.holdsBack(node, position, () => graceMs + gapMs);

    const emitClosed = (closeTime: number, context: TaskContext): void => {
      if (closeTime <= position.lastClose) return;
      position.lastClose = closeTime;
      for (let span = closing.takeBefore(closeTime); span !== undefined; span = closing.takeBefore(closeTime)) {
        emitter.emit(span, span.value, null, span.end, context);
      }
    };
    if (onClose) {
      scope.onTime(node, () => {
        closing.fill(position.lastClose);
        emitClosed(scope.timeOf(position) - graceMs - gapMs, scope.context);
      });
    }

    return (key, value, timestamp, context) => {
      if (value === null || !locator.locate(key, context)) {
        scope.drop(value === null ? 'null-value' : 'null-key', node);
        return;
      }
      if (onClose) closing.fill(position.lastClose);
      const closeTime = scope.timeAfter(position, timestamp) - graceMs - gapMs;
      // Before the record moves the store's time on: behind a gap in the data, what closes would have expired.
      if (onClose) emitClosed(closeTime, context);

      const merged: Interval[] = [];
      let start = timestamp;
      let end = timestamp;
      const expiredBefore = store.expiredBefore;
      for (const span of store.of(locator.bytes, locator.start, locator.end) ?? []) {
        if (span.end < timestamp - gapMs || span.start > timestamp + gapMs || span.end < expiredBefore) continue;
        merged.push(span);
        if (span.start < start) start = span.start;
        if (span.end > end) end = span.end;
      }
      if (end < closeTime) {
        scope.drop('late', node);
        return;
      }
      let result: unknown;
      try {
        result = initial === null ? null : initial();
        for (const span of merged) {
          const own = mine(span.value);
          result = merge!(key, result, own);
        }
        result = add(key, value, result);
      } catch (error) {
        scope.failed(error, node);
        return;
      }

      const grown = start !== timestamp || end !== timestamp;
      let old: unknown = null;
      if (grown) {
        for (const span of merged) {
          const before = span.value;
          store.remove(span, span.end);
          if (!onClose) emitter.changed(span, null, before, span.end, context);
        }
      } else if (merged.length === 1) {
        old = merged[0]!.value;
      }
      if (result === null || result === undefined) {
        if (!grown && merged.length === 1) {
          store.remove(merged[0]!, end);
          if (!onClose) emitter.changed(merged[0]!, null, old, end, context);
        }
      } else {
        const span = store.put(locator, start, end, result, end);
        if (span === undefined) {
          scope.drop('expired', node);
          return;
        }
        if (onClose) {
          if (grown || merged.length === 0) closing.add(span);
        } else {
          emitter.changed(span, result, old, end, context);
        }
      }
    };
  };
}
