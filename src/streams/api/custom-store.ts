/** What a store of a user's own gets when it is made, once per task. */
export interface CustomStoreContext {
  /** Writes a change to the changelog, with the next commit; null removes the key. What is given is copied. */
  log(key: Uint8Array, value: Uint8Array | null, timestamp: number): void;
}

/** A state store of a user's own, which processors get as it is (`context.customStore`). */
export interface CustomStore {
  /** Takes back what it has logged, row by row, when a task starts. Views that are valid during the call. */
  restore(key: Buffer, value: Buffer | null, timestamp: number): void;
  close?(): void;
}
