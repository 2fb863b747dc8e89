import type { Environment } from './environment.ts';

/** A promise with its two ends in hand. */
export interface Deferred<T = void> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

export function deferred<T = void>(): Deferred<T> {
  return Promise.withResolvers<T>();
}

/** Lets timers, sockets and other tasks run: long synchronous work calls this between slices. */
export function yieldToEventLoop(environment: Pick<Environment, 'soon'>): Promise<void> {
  return new Promise((resolve) => {
    environment.soon(resolve);
  });
}

/** Work that may be long: it yields where others should have their turn, and returns its result. */
export type Steps<T> = Generator<void, T, void>;

/** Does the steps one by one, and waits for `giveWay` before each. Rejects with what a step or `giveWay` throws. */
export async function inTurns<T>(steps: Steps<T>, giveWay: () => Promise<void>): Promise<T> {
  for (;;) {
    await giveWay();
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Does all of it at once. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Long work that goes on one step after the other, however many there are of it: a turn of the event loop has one step. */
export class Turns {
  readonly #environment: Pick<Environment, 'soon'>;
  readonly #waiting: (() => void)[] = [];

  constructor(environment: Pick<Environment, 'soon'>) {
    this.#environment = environment;
  }

  /** Waits for a turn, behind those that wait already. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) this.#give();
    });
  }

  #give(): void {
    this.#environment.soon(() => {
      this.#waiting.shift()!();
      if (this.#waiting.length > 0) this.#give();
    });
  }
}

const ITEMS_PER_STEP = 200;

/** Work on many items, in several loops or loops within loops: a step is so many of them. */
export class Pace {
  #items = 0;

  /** `items.map(each)`. */
  *map<T, U>(items: readonly T[], each: (item: T, index: number) => U): Steps<U[]> {
    const results: U[] = [];
    for (const [index, item] of items.entries()) {
      if (this.#isStepOver()) yield;
      results.push(each(item, index));
    }
    return results;
  }

  /** `items.map(each)` where each of them is work on many, too. */
  *mapMany<T, U>(items: readonly T[], each: (item: T) => Steps<U>): Steps<U[]> {
    const results: U[] = [];
    for (const item of items) {
      if (this.#isStepOver()) yield;
      results.push(yield* each(item));
    }
    return results;
  }

  #isStepOver(): boolean {
    if (this.#items++ < ITEMS_PER_STEP) return false;
    this.#items = 1;
    return true;
  }
}
