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
