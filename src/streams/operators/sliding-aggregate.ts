// Aggregates per key and sliding window. Windows exist where their content changes: one ends at every record's time, one
// starts right behind it, as long as it holds something.
import type { TaskContext } from '../api/context.ts';
import type { Emit, GraphNode } from '../graph/node.ts';
import { type KeyLocator, locatorFor } from './key-locator.ts';
import type { TaskScope } from '../graph/node.ts';
import type { Interval, IntervalState } from '../state/interval-store.ts';
import type { SlidingWindows } from '../api/windows.ts';
import { type Aggregation, copying, type WindowedAggregation } from './aggregate.ts';
import { SpanEmitter } from './span-emitter.ts';
import { answerNow } from './answer-now.ts';
import { WindowClock } from './window-clock.ts';

export function aggregateSliding(options: WindowedAggregation<SlidingWindows>) {
  return (scope: TaskScope, node: GraphNode): Emit => {
    const operator = new SlidingAggregate(scope, node, options);
    return (key, value, timestamp, context) => operator.process(key, value, timestamp, context);
  };
}

/** An aggregate, and the time of the newest record in it. */
interface Aggregate {
  readonly value: unknown;
  readonly timestamp: number;
}

/** The record that is processed is in its fields: it changes several windows, and no object is made for it. */
class SlidingAggregate {
  readonly #scope: TaskScope;
  readonly #node: GraphNode;
  readonly #store: IntervalState;
  readonly #emitter: SpanEmitter;
  readonly #locator: KeyLocator;
  readonly #clock: WindowClock;
  readonly #aggregation: Aggregation;
  readonly #difference: number;
  readonly #graceMs: number;
  /** One aggregate may become that of several windows, so nobody may change it in place. */
  readonly #copy: (value: unknown) => unknown;
  #key: unknown;
  #value: unknown;
  #timestamp = -1;
  #closeTime = Number.NEGATIVE_INFINITY;
  #context: TaskContext;

  constructor(scope: TaskScope, node: GraphNode, options: WindowedAggregation<SlidingWindows>) {
    const { spec, windows, aggregation, strategy, time, sendsOld } = options;
    const { timeDifferenceMs, graceMs } = windows;
    const onClose = strategy === 'onWindowClose';
    this.#scope = scope;
    this.#node = node;
    this.#store = scope.store<IntervalState>(spec);
    const clock = new WindowClock(scope, node, this.#store, time);
    this.#clock = clock;
    this.#emitter = SpanEmitter.of(scope, node, spec, sendsOld(), onClose ? { clock, afterMs: graceMs } : null);
    this.#locator = locatorFor(scope, node);
    this.#aggregation = aggregation;
    this.#difference = timeDifferenceMs;
    this.#graceMs = graceMs;
    this.#copy = copying(spec);
    this.#context = scope.context;
    if (onClose) scope.holdsBack(node, clock.position, () => timeDifferenceMs + graceMs);
  }

  process(key: unknown, value: unknown, recordTime: number, context: TaskContext): void {
    const scope = this.#scope;
    const locator = this.#locator;
    if (value === null || !locator.locate(key, context)) {
      scope.drop(value === null ? 'null-value' : 'null-key', this.#node);
      return;
    }
    const timestamp = this.#clock.timeOf(recordTime);
    const closeTime = this.#clock.after(timestamp) - this.#graceMs;
    this.#emitter.closeBefore(closeTime, context);
    if (timestamp + this.#difference < closeTime) {
      scope.drop('late', this.#node);
      return;
    }
    this.#key = key;
    this.#value = value;
    this.#timestamp = timestamp;
    this.#closeTime = closeTime;
    this.#context = context;
    try {
      const spans = this.#store.spansOf(locator, timestamp - 2 * this.#difference, timestamp + 1 + this.#difference);
      if (timestamp < this.#difference) this.#early(spans);
      else this.#inOrder(spans);
    } catch (error) {
      scope.failed(error, this.#node);
    }
  }

  #inOrder(spans: readonly Interval[]): void {
    const timestamp = this.#timestamp;
    const difference = this.#difference;
    const found = spans.filter(
      (span) => span.start >= Math.max(0, timestamp - 2 * difference) && span.start <= timestamp + 1,
    );
    const starts = new Set(found.map((span) => span.start));
    let left: Aggregate | undefined;
    let right: Aggregate | undefined;
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
        this.#update(span.start, span.value, newest);
      } else if (span.start <= timestamp) {
        right = { value: span.value, timestamp: newest };
        this.#update(span.start, span.value, newest);
      }
    }
    this.#beginBehind(previous, starts);
    if (!hasLeft) {
      const reaches = previous !== undefined && timestamp - difference <= previous;
      this.#update(timestamp - difference, reaches && left !== undefined ? left.value : null, timestamp);
    }
    this.#beginRight(right, starts);
  }

  /** A record so early that no window could end at its time: such records share the window that starts at zero. */
  #early(spans: readonly Interval[]): void {
    const timestamp = this.#timestamp;
    const found = spans.filter((span) => span.start <= timestamp + 1);
    const starts = new Set(found.map((span) => span.start));
    let combined: Aggregate | undefined;
    let right: Aggregate | undefined;
    let previous: number | undefined;
    for (const span of found) {
      const newest = span.timestamp;
      if (span.start === 0) {
        combined = { value: span.value, timestamp: newest };
        if (newest < timestamp) previous = newest;
      } else if (span.start <= timestamp) {
        right = { value: span.value, timestamp: newest };
        if (newest < timestamp) previous = newest;
        this.#update(span.start, span.value, newest);
      }
    }
    if (right === undefined && combined !== undefined && combined.timestamp > timestamp) right = combined;
    this.#beginRight(right, starts);
    this.#beginBehind(previous, starts);
    this.#update(0, combined?.value ?? null, combined?.timestamp ?? timestamp);
  }

  /** The window right behind the record before, where it reaches this one and there is none yet. */
  #beginBehind(previous: number | undefined, starts: ReadonlySet<number>): void {
    if (previous === undefined || starts.has(previous + 1)) return;
    if (previous + 1 + this.#difference >= this.#timestamp) this.#update(previous + 1, null, this.#timestamp);
  }

  /** The window right behind this record, where newer ones are in it and there is none yet. */
  #beginRight(right: Aggregate | undefined, starts: ReadonlySet<number>): void {
    const start = this.#timestamp + 1;
    if (starts.has(start) || right === undefined || right.timestamp <= this.#timestamp) return;
    if (start + this.#difference >= this.#closeTime) this.#put(start, right.value, right.timestamp);
  }

  /** Adds the record to the aggregate that a window has, or will begin with. */
  #update(start: number, aggregate: unknown, at: number): void {
    if (start + this.#difference < this.#closeTime) {
      this.#scope.drop('late', this.#node);
      return;
    }
    const { initial, add } = this.#aggregation;
    const from = aggregate === null ? (initial === null ? null : initial()) : this.#copy(aggregate);
    this.#put(start, add(this.#key, this.#value, from), Math.max(at, this.#timestamp));
  }

  #put(start: number, value: unknown, timestamp: number): void {
    answerNow(this.#node, value);
    const store = this.#store;
    const locator = this.#locator;
    const before = store.find(locator, start, start + this.#difference);
    const old = before?.value ?? null;
    if (value === null || value === undefined) {
      if (before === undefined) return;
      store.remove(before, timestamp);
      this.#emitter.changed(before, null, old, timestamp, this.#context);
      return;
    }
    const span = store.put(locator, start, start + this.#difference, value, timestamp);
    if (span !== undefined) this.#emitter.changed(span, value, old, timestamp, this.#context);
  }
}
