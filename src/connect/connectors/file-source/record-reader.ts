// Reads a file's records in batches, from the n-th on, one ahead: of the last record it is known that it is the last.

/** A record of a file. */
export interface FileRecord<T> {
  readonly record: T;
  /** How many records the file has up to this one. */
  readonly count: number;
  readonly isLast: boolean;
}

/** Gives the records of one file. */
export class RecordReader<T> {
  readonly #records: AsyncIterator<T>;
  readonly #skip: number;
  #count = 0;
  #ahead: { readonly record: T } | undefined;
  #isAtEnd = false;
  /** What the file has behind the records that were given. */
  #failure: unknown;

  /** @param skip So many records are passed over. */
  constructor(records: AsyncIterable<T>, skip: number) {
    this.#records = records[Symbol.asyncIterator]();
    this.#skip = skip;
  }

  /** Up to `most` records; none at the end only. What is wrong with the file is thrown behind the records before it. */
  async take(most: number): Promise<FileRecord<T>[]> {
    const taken: FileRecord<T>[] = [];
    try {
      while (this.#count < this.#skip && !this.#isAtEnd) {
        await this.#read();
        this.#ahead = undefined;
        this.#count++;
      }
      if (this.#ahead === undefined && !this.#isAtEnd) await this.#read();
      while (taken.length < most && this.#ahead !== undefined) {
        const { record } = this.#ahead;
        const index = taken.push({ record, count: this.#count + 1, isLast: false }) - 1;
        this.#count++;
        await this.#read();
        if (this.#isAtEnd) taken[index] = { ...taken[index]!, isLast: true };
      }
    } catch (error) {
      if (taken.length === 0) throw error;
      this.#failure ??= error;
    }
    return taken;
  }

  async close(): Promise<void> {
    await this.#records.return?.();
  }

  async #read(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#ahead = undefined;
    const next = await this.#records.next();
    if (next.done === true) this.#isAtEnd = true;
    else this.#ahead = { record: next.value };
  }
}
