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

/** Does all of it, and waits for `giveWay` between two steps. Rejects with what a step or `giveWay` throws. */
export async function inTurns<T>(steps: Steps<T>, giveWay: () => Promise<void>): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await giveWay();
  }
}

/** Does all of it at once. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** `items.map(each)`, so many in a step. */
export function* mapInSteps<T, U>(
  items: readonly T[],
  each: (item: T, index: number) => U,
  itemsPerStep: number,
): Steps<U[]> {
  const results: U[] = [];
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % itemsPerStep === 0) yield;
    results.push(each(item, index));
  }
  return results;
}
