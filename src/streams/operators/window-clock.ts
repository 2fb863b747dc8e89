// By which time windows take records, and close: that of the records, which may go on by the wall clock where none come, or the
// wall clock alone.
import type { WindowTime } from '../api/options.ts';
import type { GraphNode, TaskScope } from '../graph/node.ts';
import type { EmitPosition, StateStore } from '../state/store.ts';

/** So often it is looked whether windows have closed by the wall clock. */
const LOOK_MS = 100;

export class WindowClock {
  readonly #scope: TaskScope;
  readonly #node: GraphNode;
  readonly #idleMs: number | undefined;
  readonly #isProcessing: boolean;
  readonly position: EmitPosition;

  constructor(scope: TaskScope, node: GraphNode, store: StateStore, { time, idleMs }: WindowTime) {
    this.#scope = scope;
    this.#node = node;
    this.#idleMs = idleMs;
    this.#isProcessing = time === 'processing';
    store.goesByClock = this.#isProcessing;
    this.position = scope.position(node.name);
  }

  /** When a record happens. */
  timeOf(timestamp: number): number {
    return this.#isProcessing ? this.#goOn() : timestamp;
  }

  /** How far time has come behind a record that happens then. */
  after(timestamp: number): number {
    return this.#isProcessing ? this.position.observedTime : this.#scope.timeAfter(this.position, timestamp);
  }

  /** Has `close` emit what has closed where time goes on without a record; it answers whether that was anything. */
  onTime(close: (now: number) => boolean): void {
    const scope = this.#scope;
    const { position } = this;
    if (!this.#isProcessing) scope.onTime(this.#node, () => close(scope.timeOf(position)));
    const idleMs = this.#idleMs;
    if (!this.#isProcessing && idleMs === undefined) return;
    scope.schedule(Math.min(LOOK_MS, idleMs ?? LOOK_MS), 'wallClock', () => {
      const isIdle = idleMs !== undefined && scope.quietMs() >= idleMs && position.observedTime >= 0;
      if (!this.#isProcessing && !isIdle) return;
      const now = this.#goOn();
      if (close(this.#isProcessing ? now : scope.timeOf(position))) scope.goesByClock();
    });
  }

  /** The wall clock may be set back: time is not. */
  #goOn(): number {
    const now = this.#scope.now();
    const { position } = this;
    if (now > position.observedTime) position.observedTime = now;
    return position.observedTime;
  }
}
