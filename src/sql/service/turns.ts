/** Work that is done one after another. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => {});
    return result;
  }

  /** Resolves when what was begun so far has ended, however it did. */
  async ended(): Promise<void> {
    await this.#last;
  }
}
