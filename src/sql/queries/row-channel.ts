import { type Deferred, deferred } from '../../util/index.ts';
import type { ResultRow } from '../statements/entities.ts';

/** With so much unread, the query waits for its client: memory is not for that. */
const HELD_CHARACTERS_MAX = 1024 * 1024;
/** No more are given at once: a batch is held as often as there are places on its way to the client. */
const BATCH_CHARACTERS_MAX = 256 * 1024;

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
        yield this.#take();
      } else if (this.#ended) {
        if (this.#failure !== undefined) throw this.#failure;
        return;
      } else {
        await this.#arrival.promise;
      }
    }
  }

  #take(): ResultRow[] {
    let count = 0;
    let characters = 0;
    while (count < this.#held.length && characters < BATCH_CHARACTERS_MAX)
      characters += this.#held[count++]!.json.length;
    this.#heldCharacters -= characters;
    return this.#held.splice(0, count);
  }

  #signal(): void {
    const arrival = this.#arrival;
    this.#arrival = deferred();
    arrival.resolve();
  }
}
