// Work that is done one after the other: all of it, or all of it that is about one thing.

export class InOrder {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs the work behind all that was asked for before, whatever became of that. */
  run<T>(work: () => Promise<T> | T): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

/** Work on one thing is done in order; things do not wait for each other. */
export class InOrderPer<K> {
  readonly #last = new Map<K, Promise<unknown>>();

  run<T>(thing: K, work: () => Promise<T> | T): Promise<T> {
    const done = (this.#last.get(thing) ?? Promise.resolve()).then(work);
    const settled: Promise<unknown> = done
      .catch(() => {})
      .finally(() => {
        if (this.#last.get(thing) === settled) this.#last.delete(thing);
      });
    this.#last.set(thing, settled);
    return done;
  }

  /** Resolves when all that was asked for so far is done. */
  async idle(): Promise<void> {
    await Promise.all(this.#last.values());
  }
}
