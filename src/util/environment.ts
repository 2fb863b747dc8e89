/**
 * PORT. What a program gets from outside of its inputs: time, turns of the event loop, chance, and ids. Everything that
 * needs one of them is handed this, so that a whole platform can run from one seed, and tests decide what time it is and
 * never sleep. `test/tidy.test.ts` forbids the globals elsewhere.
 */
import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn, setTimeout as timeout } from 'node:timers';
import { assert } from './assert.ts';

/** Time, for those who need nothing else. */
export interface Clock {
  /** Wall-clock milliseconds since the epoch. */
  now(): number;
  /**
   * Runs `callback` once after `delayMs` (0 or more, however many; Infinity: never); returns the function that cancels it.
   * Whoever starts a timer cancels it when closed.
   */
  after(delayMs: number, callback: () => void): () => void;
}

export interface Environment extends Clock {
  /** Runs `callback` in the next turn of the event loop, behind the I/O that waits. */
  soon(callback: () => void): void;
  /** Runs `callback` when what runs now has ended, before any I/O. */
  afterThis(callback: () => void): void;
  /** A number from 0 to below 1. */
  random(): number;
  randomBytes(length: number): Buffer;
}

/** Node's timers fire after 1 ms when they are told to wait longer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemEnvironment: Environment = {
  now: () => Date.now(),
  after(delayMs, callback) {
    assert(delayMs >= 0, `a timer waits 0 ms or more, not ${delayMs}`);
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      const nowMs = Math.min(leftMs, LONGEST_TIMER_MS);
      timer = timeout(() => (leftMs > nowMs ? wait(leftMs - nowMs) : callback()), nowMs);
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
  soon: (callback) => void nextTurn(callback),
  afterThis: (callback) => queueMicrotask(callback),
  random: () => Math.random(),
  randomBytes: (length) => randomBytes(length),
};

/** A version 4 UUID (RFC 9562). */
export function randomUuid(environment: Environment): string {
  const bytes = environment.randomBytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Time stands still until it is told to advance; due callbacks run in time order, inside `advance`. The rest is the system's. */
export class ManualEnvironment implements Environment {
  #now: number;
  #sequence = 0;
  readonly #timers = new Map<number, { at: number; callback: () => void }>();

  constructor(startMs = 0) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    assert(delayMs >= 0, `a timer waits 0 ms or more, not ${delayMs}`);
    const id = this.#sequence++;
    this.#timers.set(id, { at: this.#now + delayMs, callback });
    return () => this.#timers.delete(id);
  }

  soon(callback: () => void): void {
    systemEnvironment.soon(callback);
  }

  afterThis(callback: () => void): void {
    systemEnvironment.afterThis(callback);
  }

  random(): number {
    return systemEnvironment.random();
  }

  randomBytes(length: number): Buffer {
    return systemEnvironment.randomBytes(length);
  }

  advance(byMs: number): void {
    const target = this.#now + byMs;
    for (;;) {
      let next: [number, { at: number; callback: () => void }] | undefined;
      for (const entry of this.#timers) {
        if (entry[1].at <= target && (next === undefined || entry[1].at < next[1].at)) next = entry;
      }
      if (next === undefined) break;
      this.#timers.delete(next[0]);
      this.#now = Math.max(this.#now, next[1].at);
      next[1].callback();
    }
    this.#now = target;
  }
}
