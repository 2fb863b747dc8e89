// Where a task has said that transactions end (`transaction.boundary=connector`): behind a record, or behind the batch.
import type { SourceTransaction } from '../api/plugins.ts';
import type { SourceRecord } from '../data/record.ts';

type End = 'commit' | 'abort';

export class TransactionMarks implements SourceTransaction {
  readonly #records = new Map<SourceRecord, End>();
  #batch: End | undefined;

  commit(record?: SourceRecord): void {
    this.#mark('commit', record);
  }

  abort(record?: SourceRecord): void {
    this.#mark('abort', record);
  }

  takeRecord(record: SourceRecord): End | undefined {
    const end = this.#records.get(record);
    this.#records.delete(record);
    return end;
  }

  takeBatch(): End | undefined {
    const end = this.#batch;
    this.#batch = undefined;
    return end;
  }

  #mark(end: End, record: SourceRecord | undefined): void {
    if (record === undefined) this.#batch = end;
    else this.#records.set(record, end);
  }
}
