// What sessions and sliding windows share: emission under the windowed key, and the order in which spans close.
import type { TaskContext } from '../api/context.ts';
import type { EmitChange, GraphNode } from '../graph/node.ts';
import type { TaskScope } from '../graph/node.ts';
import type { Interval, IntervalState } from '../state/interval-store.ts';
import type { EmitPosition, StoreSpec } from '../state/store.ts';
import { ByteWriter } from '../../util/index.ts';
import type { WindowClock } from './window-clock.ts';

/** When spans close: so long after their end, by a clock. */
interface Closes {
  readonly clock: WindowClock;
  readonly afterMs: number;
}

/**
 * Passes a span's value on, under the key with its window: at once, or, cached, the last one per span at the flush, or
 * once, when time has passed the span's end by so much.
 */
export class SpanEmitter {
  readonly #scope: TaskScope;
  readonly #next: EmitChange;
  readonly #spec: StoreSpec;
  readonly #store: IntervalState;
  readonly #sendsOld: boolean;
  readonly #cached: boolean;
  readonly #needsKey: boolean;
  readonly #out = new ByteWriter(64);
  readonly #closing: ClosingOrder | null;
  readonly #position: EmitPosition;
  #pending = new Map<Interval, unknown>();

  /** Operators that share a store share the emitter, too: a span that several have changed is passed on once. */
  static of(scope: TaskScope, node: GraphNode, spec: StoreSpec, sendsOld: boolean, closes: Closes | null): SpanEmitter {
    return scope.shared(`${spec.name}-emitter`, () => new SpanEmitter(scope, node, spec, sendsOld, closes));
  }

  private constructor(scope: TaskScope, node: GraphNode, spec: StoreSpec, sendsOld: boolean, closes: Closes | null) {
    this.#scope = scope;
    this.#next = scope.forwardChange(node);
    this.#spec = spec;
    this.#store = scope.store<IntervalState>(spec);
    this.#sendsOld = sendsOld;
    this.#cached = closes === null && scope.isCached(spec);
    this.#needsKey = scope.plan.childrenNeedKey(node);
    this.#closing = closes === null ? null : new ClosingOrder(this.#store);
    // What closes is looked for by time.
    if (closes !== null) this.#store.staysInMemory = true;
    this.#position = closes === null ? scope.position(node.name) : closes.clock.position;
    if (this.#cached) scope.onFlush(node, () => this.#flush());
    if (closes !== null) {
      closes.clock.onTime((now) => this.closeBefore(now - closes.afterMs, scope.context));
    }
  }

  /**
   * Emits what closes, where that is what is emitted; answers whether that was anything. Comes before a record moves the
   * store's time on: behind a gap in the data, what closes would have expired.
   */
  closeBefore(closeTime: number, context: TaskContext): boolean {
    const closing = this.#closing;
    if (closing === null) return false;
    const position = this.#position;
    closing.fill(position.lastClose);
    if (closeTime <= position.lastClose) return false;
    position.lastClose = closeTime;
    let hasClosed = false;
    for (let span = closing.takeBefore(closeTime); span !== undefined; span = closing.takeBefore(closeTime)) {
      this.#emit(span, span.value, null, span.timestamp, context);
      hasClosed = true;
    }
    return hasClosed;
  }

  /** The span has been given `value` (null: it is gone); `old` is null when it is new. */
  changed(span: Interval, value: unknown, old: unknown, timestamp: number, context: TaskContext): void {
    if (this.#closing !== null) {
      if (old === null && value !== null) this.#closing.add(span);
    } else if (!this.#cached) this.#emit(span, value, old, timestamp, context);
    else if (!this.#pending.has(span)) {
      span.segment.table.pin(span.slot);
      this.#pending.set(span, old);
    }
  }

  #emit(span: Interval, value: unknown, old: unknown, timestamp: number, context: TaskContext): void {
    const { keyBytes, keyStart, keyEnd } = context;
    const { table } = span.segment;
    const from = table.keyStart(span.slot);
    const to = table.keyEnd(span.slot);
    const out = this.#out;
    out.reset();
    out.bytes(table.arena, from, to);
    if (this.#spec.kind === 'session') out.int64(span.end);
    out.int64(span.start);
    context.keyBytes = out.buffer;
    context.keyStart = 0;
    context.keyEnd = out.position;
    const key = this.#needsKey
      ? { key: this.#spec.key.decode(table.arena, from, to), start: span.start, end: span.end }
      : undefined;
    this.#next(key, value, this.#sendsOld ? old : null, timestamp, context);
    context.keyBytes = keyBytes;
    context.keyStart = keyStart;
    context.keyEnd = keyEnd;
  }

  #flush(): void {
    const pending = this.#pending;
    this.#pending = new Map();
    for (const [span, old] of pending) {
      const value = span.value ?? null;
      if (value === null && old === null) continue;
      this.#emit(span, value, old, span.timestamp, this.#scope.context);
    }
    for (const { segment, slot } of pending.keys()) segment.table.unpin(slot);
  }
}

interface Closing {
  readonly span: Interval;
  /** Its own: the span may be gone when it comes up, and its slot another's. */
  readonly key: Buffer;
}

/** Spans by (end, start, key bytes): a heap whose removed entries are skipped when they come up. */
class ClosingOrder {
  readonly #store: IntervalState;
  readonly #heap: Closing[] = [];
  #filled = false;

  constructor(store: IntervalState) {
    this.#store = store;
  }

  /**
   * Before the first span is added: what was restored is in the store already. Spans that end before `lastClose` have
   * been emitted in an earlier life.
   */
  fill(lastClose: number): void {
    if (this.#filled) return;
    this.#filled = true;
    this.#store.forEach((span) => {
      if (span.end >= lastClose) this.add(span);
    });
  }

  /** Takes out the next span that ends before `time`. */
  takeBefore(time: number): Interval | undefined {
    for (;;) {
      const top = this.#heap[0]?.span;
      if (top === undefined || top.end >= time) return undefined;
      this.#pop();
      if (top.value !== undefined) return top;
    }
  }

  add(span: Interval): void {
    const { table } = span.segment;
    const key = Buffer.from(table.arena.subarray(table.keyStart(span.slot), table.keyEnd(span.slot)));
    const closing = { span, key };
    const heap = this.#heap;
    let at = heap.length;
    heap.push(closing);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(closing, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = closing;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Closing, b: Closing): boolean {
  if (a.span.end !== b.span.end) return a.span.end < b.span.end;
  if (a.span.start !== b.span.start) return a.span.start < b.span.start;
  return Buffer.compare(a.key, b.key) < 0;
}
