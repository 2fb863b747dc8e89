/**
 * Virtual time. Everything that happens in a simulation is an event of this one queue, and every event runs alone: behind
 * it the promises that it settled run out, and only then comes the next. Promises run in an order that the language
 * fixes, so what a seed does is a matter of the seed only. The trace is what two runs of a seed are compared by.
 */
import { setImmediate } from 'node:timers';
import { crc32 } from 'node:zlib';
import { messageOf } from '../../src/util/index.ts';
import { Random } from './random.ts';

/** Whoever an event belongs to: it may be stopped for a while, or for good. */
export interface Owner {
  readonly name: string;
  readonly isAlive: boolean;
  /** Until then none of its events run. */
  readonly pausedUntil: number;
}

interface Event {
  at: number;
  readonly order: number;
  readonly owner: Owner;
  readonly run: () => void;
  isCancelled: boolean;
}

/** What was found to be wrong. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export class Scheduler {
  readonly random: Random;
  /** Milliseconds since the epoch, with fractions. */
  now = Date.UTC(2026, 0, 1);
  steps = 0;
  /** What has gone wrong so far; the simulation ends at the first. */
  failure: Violation | undefined;
  readonly #events: Event[] = [];
  readonly #print: ((line: string) => void) | undefined;
  readonly #startedAt = this.now;
  #order = 0;
  #hash = 0;

  constructor(seed: number, print?: (line: string) => void) {
    this.random = new Random(seed);
    this.#print = print;
  }

  /** Of everything that was noted, in its order. */
  get traceHash(): string {
    return this.#hash.toString(16).padStart(8, '0');
  }

  note(who: string, what: string, bytes?: Uint8Array): void {
    const line = `${this.steps} ${(this.now - this.#startedAt).toFixed(3)} ${who}: ${what}`;
    this.#hash = crc32(line, this.#hash);
    if (bytes !== undefined) this.#hash = crc32(bytes, this.#hash);
    this.#print?.(line);
  }

  fail(what: string): void {
    if (this.failure !== undefined) return;
    this.note('checker', what);
    this.failure = new Violation(what);
  }

  /** Runs `run` at a time, if its owner still lives then; returns what cancels it. */
  at(time: number, owner: Owner, run: () => void): () => void {
    const event = { at: Math.max(time, this.now), order: this.#order++, owner, run, isCancelled: false };
    this.#push(event);
    return () => {
      event.isCancelled = true;
    };
  }

  /** Runs events until `isDone`, a failure, or `limitMs` of virtual time; false when the time was not enough. */
  async run(isDone: () => boolean, limitMs: number): Promise<boolean> {
    const limit = this.now + limitMs;
    const onRejection = (reason: unknown): void =>
      this.fail(`a promise failed and nobody took note: ${stackOf(reason)}`);
    process.on('unhandledRejection', onRejection);
    try {
      while (!isDone() && this.failure === undefined) {
        const event = this.#events[0];
        if (event === undefined || event.at > limit) return false;
        if (this.#runNext()) await new Promise(setImmediate);
      }
      return true;
    } finally {
      process.off('unhandledRejection', onRejection);
    }
  }

  #runNext(): boolean {
    const event = this.#pop();
    if (event.isCancelled || !event.owner.isAlive) return false;
    if (event.owner.pausedUntil > event.at) {
      event.at = event.owner.pausedUntil;
      this.#push(event);
      return false;
    }
    this.now = event.at;
    this.steps++;
    try {
      event.run();
    } catch (error) {
      this.fail(`${event.owner.name} would have ended with: ${stackOf(error)}`);
    }
    return true;
  }

  // A binary heap, the earliest event first; those of one time in the order in which they were made.

  #push(event: Event): void {
    const events = this.#events;
    let i = events.length;
    events.push(event);
    while (i > 0) {
      const parent = (i - 1) >>> 1;
      if (!isBefore(event, events[parent]!)) break;
      events[i] = events[parent]!;
      i = parent;
    }
    events[i] = event;
  }

  #pop(): Event {
    const events = this.#events;
    const first = events[0]!;
    const last = events.pop()!;
    if (events.length === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && isBefore(events[child + 1]!, events[child]!)) child++;
      if (!isBefore(events[child]!, last)) break;
      events[i] = events[child]!;
      i = child;
    }
    events[i] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown);
}
