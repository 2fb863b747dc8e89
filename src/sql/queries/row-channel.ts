import { type Deferred, deferred } from '../../util/index.ts';
import type { ResultRow } from '../statements/entities.ts';

/** With so much unread, the query waits for its client: memory is not for that. */
const HELD_CHARACTERS_MAX = 4 * 1024 * 1024;

/** From a query that pushes rows whenever it has some to a client that takes them in batches whenever it can. */
export class RowChannel implements AsyncIterable<readonly ResultRow[]> {
  #held: ResultRow[] = [];
  #heldCharacters = 0;
  #ended = false;
  #failure: unknown;
  #arrival: Deferred = deferred();

  push(row: ResultRow): void {
    if (this.#ended) return;
    this.#held.push(row);
    this.#heldCharacters += row.json.length;
    if (this.#held.length === 1) this.#signal();
  }

  /** No more rows: what is held is still read. */
  end(): void {
    this.#ended = true;
    this.#signal();
  }

  fail(error: unknown): void {
    if (this.#ended) return;
    this.#failure = error;
    this.end();
  }

  /** Whether the client has enough to read for now. */
  get isFull(): boolean {
    return this.#heldCharacters > HELD_CHARACTERS_MAX;
  }

  get ended(): boolean {
    return this.#ended;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly ResultRow[]> {
    for (;;) {
      if (this.#held.length > 0) {
        const batch = this.#held;
        this.#held = [];
        this.#heldCharacters = 0;
        yield batch;
      } else if (this.#ended) {
        if (this.#failure !== undefined) throw this.#failure;
        return;
      } else {
        await this.#arrival.promise;
      }
    }
  }

  #signal(): void {
    const arrival = this.#arrival;
    this.#arrival = deferred();
    arrival.resolve();
  }
}
