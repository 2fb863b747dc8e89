import { type Deferred, deferred } from '../../util/index.ts';
import type { ResultRow } from '../statements/entities.ts';
import { StatementError } from '../errors.ts';

/** A client that reads so much more slowly than its query answers loses the query: memory is not for that. */
const ROWS_HELD_MAX = 1_000_000;

/** From a query that pushes rows whenever it has some to a client that takes them in batches whenever it can. */
export class RowChannel implements AsyncIterable<readonly ResultRow[]> {
  #held: ResultRow[] = [];
  #ended = false;
  #failure: unknown;
  #arrival: Deferred = deferred();

  push(row: ResultRow): void {
    if (this.#ended) return;
    if (this.#held.length === ROWS_HELD_MAX) {
      this.fail(new StatementError(`The query was ended: its client has ${ROWS_HELD_MAX} rows still to read.`));
      return;
    }
    this.#held.push(row);
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

  get ended(): boolean {
    return this.#ended;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly ResultRow[]> {
    for (;;) {
      if (this.#held.length > 0) {
        const batch = this.#held;
        this.#held = [];
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
