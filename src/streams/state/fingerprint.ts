/**
 * What the rows of a store mean, for whoever finds them again: kept beside the rows, so that another topology under the same
 * names is refused instead of reading what was never written for it. What is not here (retention, grace, cache, where rows
 * are kept, what the user's functions do) may change between two starts.
 */
export interface StoreFingerprint {
  /** The shape of the rows: the kind of store, and the length of its windows where rows have only their starts. */
  readonly layout: string;
  /** The serdes, by their names. */
  readonly key: string;
  readonly value: string;
  /** What its operator does (`count`, `join`); empty for stores that users added. */
  readonly operator: string;
  /** A digest of what stands before the operator, where its store's name was derived; empty where the user gave it. */
  readonly input: string;
}

/** What of a store is not as it was when its rows were written, as the middle of a sentence; undefined when all of it is. */
export function whatChanged(before: StoreFingerprint, now: StoreFingerprint): string | undefined {
  const parts = [
    ['its kind', before.layout, now.layout],
    ['its key serde', before.key, now.key],
    ['its value serde', before.value, now.value],
    ['its operator', before.operator, now.operator],
  ] as const;
  for (const [what, was, is] of parts) if (was !== is) return `${what} was ${was || 'none'}, and is ${is || 'none'}`;
  // A name that the user gives takes over what was derived: it says whose the rows are.
  return now.input === '' || now.input === before.input
    ? undefined
    : 'its name is derived, and what stands before its operator has changed: the rows may be those of another one';
}
