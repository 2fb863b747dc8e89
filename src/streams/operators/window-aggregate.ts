// Aggregates per key and epoch-aligned window.
import type { TaskContext } from '../api/context.ts';
import type { Emit, EmitChange, GraphNode } from '../graph/node.ts';
import { locatorFor } from './key-locator.ts';
import type { TaskScope } from '../graph/node.ts';
import type { IntervalState } from '../state/interval-store.ts';
import type { EmitPosition, StoreSpec } from '../state/store.ts';
import type { Window, WindowState } from '../state/window-store.ts';
import { readInt64 } from '../../util/index.ts';
import { type TimeWindows, type UnlimitedWindows, Windows } from '../api/windows.ts';
import { ByteWriter } from '../../util/index.ts';
import { ownCopy, type WindowedAggregation } from './aggregate.ts';
import type { GetterSupplier } from './table-values.ts';
import { WindowClock } from './window-clock.ts';
import { answerNow } from './answer-now.ts';

/** Windows that lie at the same times for all keys. */
export type AlignedWindows = TimeWindows | UnlimitedWindows | Windows;

/**
 * A window takes records until stream time has passed its end by the grace period. Results go downstream with every
 * update (or, cached, once per commit), or once, when the window has closed.
 */
export function aggregateWindows(options: WindowedAggregation<AlignedWindows>) {
  const { spec, windows, aggregation, strategy, time, sendsOld } = options;
  return (scope: TaskScope, node: GraphNode): Emit => {
    const store = scope.store<WindowState>(spec);
    const onClose = strategy === 'onWindowClose';
    const emitter = new WindowEmitter(scope, node, spec, sendsOld(), onClose);
    const locator = locatorFor(scope, node);
    const clock = new WindowClock(scope, node, store, time);
    const { position } = clock;
    const { initial, add } = aggregation;
    const { sizeMs, graceMs } = windows;
    const mine = ownCopy(spec, sendsOld());
    if (onClose) {
      // What closes is looked for by time.
      store.staysInMemory = true;
      scope.holdsBack(node, position, () => sizeMs + graceMs);
    }

    const steps = windows instanceof Windows ? new OwnSteps(windows) : windows;
    const emitClosed = closingOf(windows, store, position, emitter);
    if (onClose) clock.onTime((now) => emitClosed(now - graceMs, scope.context));

    return (key, value, recordTime, context) => {
      if (value === null || !locator.locate(key, context)) {
        scope.drop(value === null ? 'null-value' : 'null-key', node);
        return;
      }
      const timestamp = clock.timeOf(recordTime);
      let firstStart: number;
      try {
        firstStart = steps.firstStart(timestamp);
      } catch (error) {
        scope.failed(error, node);
        return;
      }
      const closeTime = clock.after(timestamp) - graceMs;
      // Before the record moves the store's time on: behind a gap in the data, what closes would have expired.
      if (onClose && !scope.forgetsBeforeClosing) emitClosed(closeTime, context);
      if (firstStart > timestamp) scope.drop('no-window', node);
      for (let start = firstStart; start <= timestamp; start = steps.nextStart(start)) {
        if (start + sizeMs <= closeTime) {
          scope.drop('late', node);
          continue;
        }
        const window = store.windowFor(start);
        if (window === undefined) {
          scope.drop('expired', node);
          continue;
        }
        const { table } = window;
        const slot = table.slotFor(locator.bytes, locator.start, locator.end);
        const old = table.read(slot);
        let result: unknown;
        try {
          result = answerNow(
            node,
            add(key, value, old === undefined ? (initial === null ? null : initial()) : mine(old)),
          );
        } catch (error) {
          table.discard(slot);
          scope.failed(error, node);
          return;
        }
        const before = old === undefined ? timestamp : table.timestampOf(slot);
        emitter.update(window, slot, result ?? null, timestamp > before ? timestamp : before, context);
      }
      if (onClose && scope.forgetsBeforeClosing) emitClosed(closeTime, context);
    };
  };
}

/** The starts of a user's windows, one after the other. */
class OwnSteps {
  readonly #windows: Windows;
  #starts: readonly number[] = [];
  #at = 0;

  constructor(windows: Windows) {
    this.#windows = windows;
  }

  firstStart(timestamp: number): number {
    this.#starts = this.#windows.startsOf(timestamp);
    this.#at = 0;
    return this.#starts[0] ?? Number.POSITIVE_INFINITY;
  }

  nextStart(): number {
    return this.#starts[++this.#at] ?? Number.POSITIVE_INFINITY;
  }
}

/** Emits what has closed since it was asked last; answers whether that was anything. */
function closingOf(
  windows: AlignedWindows,
  store: WindowState,
  position: EmitPosition,
  emitter: WindowEmitter,
): (closeTime: number, context: TaskContext) => boolean {
  const { sizeMs } = windows;
  return (closeTime, context) => {
    const { lastClose } = position;
    const first = lastClose < 0;
    if (!first && lastClose >= closeTime) return false;
    const upper = closeTime - sizeMs;
    if (upper < 0) return false;
    const lower = first ? 0 : Math.max(0, lastClose - sizeMs) + 1;
    if (!first && sameWindows(windows, upper, lower - 1)) return false;
    position.lastClose = closeTime;
    const from = Math.max(lower, store.expiredBefore);
    let hasClosed = false;
    for (const start of store.starts.filter((each) => each >= from && each <= upper)) {
      const window = store.find(start)!;
      const { table } = window;
      for (const slot of table.sorted())
        emitter.emit(window, slot, null, table.read(slot), table.timestampOf(slot), context);
      hasClosed = true;
    }
    return hasClosed;
  };
}

function sameWindows(windows: AlignedWindows, a: number, b: number): boolean {
  return (
    !(windows instanceof Windows) &&
    windows.firstStart(a) === windows.firstStart(b) &&
    Math.floor(a / windows.advanceMs) === Math.floor(b / windows.advanceMs)
  );
}

/** Stores an update of one window and passes it on under the windowed key. */
class WindowEmitter {
  readonly #next: EmitChange;
  readonly #spec: StoreSpec;
  readonly #sendsOld: boolean;
  readonly #silent: boolean;
  readonly #cached: boolean;
  readonly #needsKey: boolean;
  readonly #keyOut = new ByteWriter(64);
  #windows: Window[] = [];
  #slots: number[] = [];
  #olds: unknown[] = [];

  constructor(scope: TaskScope, node: GraphNode, spec: StoreSpec, sendsOld: boolean, silent: boolean) {
    this.#next = scope.forwardChange(node);
    this.#spec = spec;
    this.#sendsOld = sendsOld;
    this.#silent = silent;
    this.#cached = !silent && scope.isCached(spec);
    this.#needsKey = scope.plan.childrenNeedKey(node);
    if (this.#cached) scope.onFlush(node, () => this.#flush(scope.context));
  }

  update(window: Window, slot: number, value: unknown, timestamp: number, context: TaskContext): void {
    const { table } = window;
    const old = table.read(slot) ?? null;
    if (this.#cached) {
      if (table.pin(slot)) {
        this.#windows.push(window);
        this.#slots.push(slot);
        if (this.#sendsOld) this.#olds.push(old);
      }
      if (value === null) table.remove(slot, timestamp);
      else table.write(slot, value, timestamp);
      return;
    }
    if (value === null) {
      if (!this.#silent) this.emit(window, slot, old, null, timestamp, context);
      table.remove(slot, timestamp);
    } else {
      table.write(slot, value, timestamp);
      if (!this.#silent) this.emit(window, slot, old, value, timestamp, context);
    }
  }

  /** What an `EmitChange` takes, with the entry in place of its key. */
  // oxlint-disable-next-line max-params -- called per record: an object would be one more allocation
  emit(
    { start, table }: Window,
    slot: number,
    old: unknown,
    value: unknown,
    timestamp: number,
    context: TaskContext,
  ): void {
    const { keyBytes, keyStart, keyEnd } = context;
    const out = this.#keyOut;
    const from = table.keyStart(slot);
    const to = table.keyEnd(slot);
    out.reset();
    out.bytes(table.arena, from, to);
    out.int64(start);
    context.keyBytes = out.buffer;
    context.keyStart = 0;
    context.keyEnd = out.position;
    const key = this.#needsKey
      ? { key: this.#spec.key.decode(table.arena, from, to), start, end: start + this.#spec.windowSizeMs! }
      : undefined;
    this.#next(key, value, this.#sendsOld ? old : null, timestamp, context);
    context.keyBytes = keyBytes;
    context.keyStart = keyStart;
    context.keyEnd = keyEnd;
  }

  #flush(context: TaskContext): void {
    const windows = this.#windows;
    const slots = this.#slots;
    const olds = this.#olds;
    this.#windows = [];
    this.#slots = [];
    this.#olds = [];
    for (let i = 0; i < slots.length; i++) {
      const window = windows[i]!;
      const { table } = window;
      const slot = slots[i]!;
      const value = table.read(slot) ?? null;
      const old = this.#sendsOld ? olds[i] : null;
      const timestamp = table.timestampOf(slot);
      context.timestamp = timestamp;
      if (value !== null || !this.#sendsOld || old !== null) this.emit(window, slot, old, value, timestamp, context);
      table.unpin(slot);
    }
  }
}

/** Looks up a windowed key in the store of a windowed aggregation. */
export function windowGetter(spec: StoreSpec): GetterSupplier {
  return {
    stores: [spec],
    isVersioned: false,
    readsKey: false,
    make: (scope) => {
      const store = scope.store<WindowState | IntervalState>(spec);
      return {
        timestamp: -1,
        get(_key, bytes, start, end) {
          this.timestamp = -1;
          if ('starts' in store) {
            const table = store.find(readInt64(bytes, end - 8))?.table;
            const slot = table === undefined ? -1 : table.find(bytes, start, end - 8);
            const value = slot < 0 ? undefined : table!.read(slot);
            if (value === undefined) return null;
            this.timestamp = table!.timestampOf(slot);
            return value;
          }
          const session = spec.kind === 'session';
          const keyEnd = end - (session ? 16 : 8);
          const windowStart = readInt64(bytes, end - 8);
          const windowEnd = session ? readInt64(bytes, keyEnd) : windowStart + spec.windowSizeMs!;
          const span = store.find({ bytes, start, end: keyEnd }, windowStart, windowEnd);
          if (span === undefined) return null;
          this.timestamp = span.timestamp;
          return span.value;
        },
      };
    },
  };
}
