// A process of the simulation: an environment of its own, which ends with it. What it was about to do is never done, and
// what its code still does within the same event has no effect outside.
import { assert, type Environment } from '../../src/util/index.ts';
import type { Owner, Scheduler } from './scheduler.ts';

/** How late a timer may fire on a busy machine, ms. */
const TIMER_LATENESS_MS = 2;
const TURN_MS = 0.2;

export class SimulatedProcess implements Owner {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly environment: SimulatedEnvironment;
  isAlive = true;
  pausedUntil = 0;
  readonly #onEnd: (() => void)[] = [];

  constructor(name: string, scheduler: Scheduler) {
    this.name = name;
    this.scheduler = scheduler;
    this.environment = new SimulatedEnvironment(this);
  }

  note(what: string): void {
    this.scheduler.note(this.name, what);
  }

  onEnd(callback: () => void): void {
    this.#onEnd.push(callback);
  }

  /** Ends at this very moment, as if killed. */
  kill(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.note('killed');
    for (const callback of this.#onEnd) callback();
  }

  /** Does nothing for a while, as a process that is swapped out or a machine that is suspended. */
  pause(ms: number): void {
    this.pausedUntil = this.scheduler.now + ms;
    this.note(`stands still for ${ms.toFixed(0)} ms`);
  }
}

export class SimulatedEnvironment implements Environment {
  readonly #process: SimulatedProcess;
  /** Turns of one event loop come in their order. */
  #lastTurn = 0;

  constructor(process: SimulatedProcess) {
    this.#process = process;
  }

  now(): number {
    return Math.floor(this.#process.scheduler.now);
  }

  after(delayMs: number, callback: () => void): () => void {
    assert(delayMs >= 0, `a timer waits 0 ms or more, not ${delayMs}`);
    const { scheduler } = this.#process;
    if (delayMs === Number.POSITIVE_INFINITY) return () => {};
    const late = scheduler.random.next() * TIMER_LATENESS_MS;
    return scheduler.at(scheduler.now + delayMs + late, this.#process, callback);
  }

  soon(callback: () => void): void {
    const { scheduler } = this.#process;
    this.#lastTurn = Math.max(this.#lastTurn, scheduler.now + scheduler.random.next() * TURN_MS);
    scheduler.at(this.#lastTurn, this.#process, callback);
  }

  afterThis(callback: () => void): void {
    queueMicrotask(callback);
  }

  random(): number {
    return this.#process.scheduler.random.next();
  }

  randomBytes(length: number): Buffer {
    return this.#process.scheduler.random.bytes(length);
  }
}
