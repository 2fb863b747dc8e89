// What is done for each of many things that a request lists: one that can't be done keeps none of the others from it.
import { Pace, type Steps } from '../../util/index.ts';

/** What a function returns, or what it throws. */
export interface Attempt<T> {
  readonly value?: T;
  readonly error?: unknown;
}

export function attempt<T>(run: () => T): Attempt<T> {
  try {
    return { value: run() };
  } catch (error) {
    return { error };
  }
}

/**
 * Finds out in steps for each item what is to be done, and at the end once more for all those of which something is: others
 * may have changed what there is in between. Whoever does it right away does it on what is there.
 */
export function* planInSteps<T, P>(items: readonly T[], plan: (item: T) => P): Steps<Attempt<P>[]> {
  const planned = yield* new Pace().map(items, (item) => attempt(() => plan(item)));
  return planned.map((before, i) => (before.error === undefined ? attempt(() => plan(items[i]!)) : before));
}

/** What appears more than once. */
export function repeated(names: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  return new Set(names.filter((name) => seen.size === seen.add(name).size));
}

/** Each thing once, where it is first: what is asked for twice is answered once. */
export function distinct<T>(items: readonly T[], keyOf: (item: T) => string): readonly T[] {
  const seen = new Set<string>();
  return items.filter((item) => seen.size !== seen.add(keyOf(item)).size);
}
