// Aggregates per key and sliding window. Windows exist where their content changes: one ends at every record's time, one
// starts right behind it, as long as it holds something.
import type { TaskContext } from '../api/context.ts';
import type { Emit, GraphNode } from '../graph/node.ts';
import type { EmitStrategy } from '../api/options.ts';
import { locatorFor } from './key-locator.ts';
import type { TaskScope } from '../graph/node.ts';
import type { Interval, IntervalState } from '../state/interval-store.ts';
import type { StoreSpec } from '../state/store.ts';
import type { SlidingWindows } from '../api/windows.ts';
import { type Aggregation, copying } from './aggregate.ts';
import { ClosingOrder, SpanEmitter } from './span-emitter.ts';

export function aggregateSliding(
  spec: StoreSpec,
  windows: SlidingWindows,
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
    const { initial, add } = aggregation;
    const difference = windows.timeDifferenceMs;
    // One aggregate may become that of several windows, so nobody may change it in place.
    const mine = copying(spec);
    if (onClose) scope.holdsBack(node, position, () => difference + windows.graceMs);

    const put = (start: number, value: unknown, timestamp: number, context: TaskContext): void => {
      const { bytes, start: from, end: to } = locator;
      const before = find(store.of(bytes, from, to), start);
      const old = before?.value ?? null;
      if (value === null || value === undefined) {
        if (before === undefined) return;
        store.remove(before, timestamp);
        if (!onClose) emitter.changed(before, null, old, timestamp, context);
        return;
      }
      const span = store.put(locator, start, start + difference, value, timestamp);
      if (span === undefined) return;
      if (!onClose) emitter.changed(span, value, old, timestamp, context);
      else if (before === undefined) closing.add(span);
    };

    const emitClosed = (closeTime: number, context: TaskContext): void => {
      if (closeTime <= position.lastClose) return;
      position.lastClose = closeTime;
      for (let span = closing.takeBefore(closeTime); span !== undefined; span = closing.takeBefore(closeTime)) {
        emitter.emit(span, span.value, null, span.timestamp, context);
      }
    };
    if (onClose) {
      scope.onTime(node, () => {
        closing.fill(position.lastClose);
        emitClosed(scope.timeOf(position) - windows.graceMs, scope.context);
      });
    }

    return (key, value, timestamp, context) => {
      if (value === null || !locator.locate(key, context)) {
        scope.drop(value === null ? 'null-value' : 'null-key', node);
        return;
      }
      if (onClose) closing.fill(position.lastClose);
      const closeTime = scope.timeAfter(position, timestamp) - windows.graceMs;
      // Before the record moves the store's time on: behind a gap in the data, what closes would have expired.
      if (onClose) emitClosed(closeTime, context);
      if (timestamp + difference < closeTime) {
        scope.drop('late', node);
        return;
      }
      /** Adds the record to the aggregate that a window has, or will begin with. */
      const update = (start: number, aggregate: unknown, at: number): void => {
        if (start + difference < closeTime) {
          scope.drop('late', node);
          return;
        }
        const from = aggregate === null ? (initial === null ? null : initial()) : mine(aggregate);
        put(start, add(key, value, from), Math.max(at, timestamp), context);
      };

      try {
        const spans = store.of(locator.bytes, locator.start, locator.end) ?? [];
        if (timestamp < difference) early(spans, timestamp, difference, closeTime, update, put, context);
        else inOrder(spans, timestamp, difference, closeTime, update, put, context);
      } catch (error) {
        scope.failed(error, node);
        return;
      }
    };
  };
}

type Update = (start: number, aggregate: unknown, at: number) => void;
type Put = (start: number, value: unknown, timestamp: number, context: TaskContext) => void;

function inOrder(
  spans: readonly Interval[],
  timestamp: number,
  difference: number,
  closeTime: number,
  update: Update,
  put: Put,
  context: TaskContext,
): void {
  const found = spans.filter(
    (span) => span.start >= Math.max(0, timestamp - 2 * difference) && span.start <= timestamp + 1,
  );
  const starts = new Set(found.map((span) => span.start));
  let left: { value: unknown; timestamp: number } | undefined;
  let right: { value: unknown; timestamp: number } | undefined;
  let hasLeft = false;
  let previous: number | undefined;
  for (const span of found) {
    const newest = span.timestamp;
    if (span.end < timestamp) {
      left = { value: span.value, timestamp: newest };
      previous = newest;
    } else if (span.end === timestamp) {
      hasLeft = true;
      if (newest < timestamp) previous = newest;
      update(span.start, span.value, newest);
    } else if (span.start <= timestamp) {
      right = { value: span.value, timestamp: newest };
      update(span.start, span.value, newest);
    }
  }
  if (previous !== undefined && !starts.has(previous + 1) && previous + 1 + difference >= timestamp) {
    update(previous + 1, null, timestamp);
  }
  if (!hasLeft) {
    const reaches = previous !== undefined && timestamp - difference <= previous;
    update(timestamp - difference, reaches && left !== undefined ? left.value : null, timestamp);
  }
  if (!starts.has(timestamp + 1) && right !== undefined && right.timestamp > timestamp) {
    if (timestamp + 1 + difference >= closeTime) put(timestamp + 1, right.value, right.timestamp, context);
  }
}

/** A record so early that no window could end at its time: such records share the window that starts at zero. */
function early(
  spans: readonly Interval[],
  timestamp: number,
  difference: number,
  closeTime: number,
  update: Update,
  put: Put,
  context: TaskContext,
): void {
  const found = spans.filter((span) => span.start <= timestamp + 1);
  const starts = new Set(found.map((span) => span.start));
  let combined: { value: unknown; timestamp: number } | undefined;
  let right: { value: unknown; timestamp: number } | undefined;
  let previous: number | undefined;
  for (const span of found) {
    const newest = span.timestamp;
    if (span.start === 0) {
      combined = { value: span.value, timestamp: newest };
      if (newest < timestamp) previous = newest;
    } else if (span.start <= timestamp) {
      right = { value: span.value, timestamp: newest };
      if (newest < timestamp) previous = newest;
      update(span.start, span.value, newest);
    }
  }
  if (right === undefined && combined !== undefined && combined.timestamp > timestamp) right = combined;
  if (!starts.has(timestamp + 1) && right !== undefined && right.timestamp > timestamp) {
    if (timestamp + 1 + difference >= closeTime) put(timestamp + 1, right.value, right.timestamp, context);
  }
  if (previous !== undefined && !starts.has(previous + 1) && previous + 1 + difference >= timestamp) {
    update(previous + 1, null, timestamp);
  }
  update(0, combined?.value ?? null, combined?.timestamp ?? timestamp);
}

function find(spans: readonly Interval[] | undefined, start: number): Interval | undefined {
  return spans?.find((span) => span.start === start);
}
