import type { Header, RecordCursor } from '../../client/index.ts';

/** What a user's function may know about the record it was called for. Valid during the call only. */
export interface RecordContext {
  /** Empty when the call was not caused by a record (a punctuation). */
  readonly topic: string;
  /** -1 when the call was not caused by a record. */
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  /** Decoded when first asked for. */
  readonly headers: readonly Header[];
}

/** What a function that is waited for knows of its record, and of the call. Valid as long as it is kept. */
export interface AsyncCall extends RecordContext {
  /** Aborted when the call has taken too long, or the task is closed: nobody waits for it any more. */
  readonly signal: AbortSignal;
  /** 1, 2, … */
  readonly attempt: number;
}

/** A record that has been fetched. */
export type RecordView = Omit<RecordCursor, 'advance' | 'again'>;

/** A record as it came in. */
export type RawRecord = Pick<RecordCursor, 'bytes' | 'keyStart' | 'keyEnd' | 'valueStart' | 'valueEnd' | 'headers'>;

const NO_BYTES = Buffer.alloc(0);
const NO_HEADERS: readonly Header[] = [];

/**
 * The one mutable context of a task. Besides what users see it carries the key and value as spans of the bytes they came
 * in, so that an operator that only moves a key never decodes it. Operators that emit under another key set the key span
 * for the time of the call and put the old one back.
 */
export class TaskContext implements RecordContext {
  topic = '';
  partition = -1;
  offset = -1;
  timestamp = -1;
  keyBytes: Buffer = NO_BYTES;
  keyStart = -1;
  keyEnd = -1;
  valueBytes: Buffer = NO_BYTES;
  valueStart = -1;
  valueEnd = -1;
  /** The record of the source that is being processed, whatever has been made of it since. */
  source: RawRecord | undefined;
  /** Whether the change on its way between table operators is of the latest version of its row: others come to versioned tables only. */
  isLatest = true;
  /** What time can't be beyond, whatever timestamps say: how far those have come who feed the task (runtime/watermarks.ts). */
  watermark = Number.POSITIVE_INFINITY;
  #headers: readonly Header[] | null = NO_HEADERS;
  #cursor: RecordView | null = null;

  get headers(): readonly Header[] {
    this.#headers ??= this.#cursor!.headers();
    return this.#headers;
  }

  set headers(headers: readonly Header[]) {
    this.#headers = headers;
  }

  get hasHeaders(): boolean {
    return this.#headers === null || this.#headers.length > 0;
  }

  /** Stands on the cursor's current record. */
  moveTo(cursor: RecordView, timestamp: number): void {
    this.offset = cursor.offset;
    this.timestamp = timestamp;
    this.keyBytes = cursor.bytes;
    this.keyStart = cursor.keyStart;
    this.keyEnd = cursor.keyEnd;
    this.valueBytes = cursor.bytes;
    this.valueStart = cursor.valueStart;
    this.valueEnd = cursor.valueEnd;
    if (cursor.headerCount === 0) {
      this.#headers = NO_HEADERS;
    } else {
      this.#headers = null;
      this.#cursor = cursor;
    }
  }

  /** Stands on no record: flushes and punctuations run so. */
  leaveRecord(timestamp: number): void {
    this.topic = '';
    this.partition = -1;
    this.offset = -1;
    this.timestamp = timestamp;
    this.keyBytes = NO_BYTES;
    this.keyStart = -1;
    this.keyEnd = -1;
    this.valueBytes = NO_BYTES;
    this.valueStart = -1;
    this.valueEnd = -1;
    this.source = undefined;
    this.#headers = NO_HEADERS;
  }
}

/** A record of a task as it was, to go on with it later: with another value, so that its own is kept as it came in only. */
export class RecordCopy implements RecordContext {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly headers: readonly Header[];
  readonly #keyBytes: Buffer | undefined;
  readonly #source: RawRecord | undefined;

  constructor(context: TaskContext) {
    if (context.source !== undefined) this.#source = copied(context.source);
    this.topic = context.topic;
    this.partition = context.partition;
    this.offset = context.offset;
    this.timestamp = context.timestamp;
    this.headers = context.headers;
    if (context.keyStart >= 0)
      this.#keyBytes = Buffer.from(context.keyBytes.subarray(context.keyStart, context.keyEnd));
  }

  /** What its function is told. */
  asCall(signal: AbortSignal, attempt: number): AsyncCall {
    const { topic, partition, offset, timestamp, headers } = this;
    return { topic, partition, offset, timestamp, headers, signal, attempt };
  }

  /** Has the task stand on it again. */
  recall(context: TaskContext): void {
    context.leaveRecord(this.timestamp);
    context.topic = this.topic;
    context.partition = this.partition;
    context.offset = this.offset;
    context.headers = this.headers;
    context.source = this.#source;
    if (this.#keyBytes === undefined) return;
    context.keyBytes = this.#keyBytes;
    context.keyStart = 0;
    context.keyEnd = this.#keyBytes.length;
  }
}

function copied(record: RawRecord): RawRecord {
  const { bytes, keyStart, keyEnd, valueStart, valueEnd } = record;
  const key = keyStart < 0 ? NO_BYTES : bytes.subarray(keyStart, keyEnd);
  const value = valueStart < 0 ? NO_BYTES : bytes.subarray(valueStart, valueEnd);
  const headers = record.headers();
  return {
    bytes: Buffer.concat([key, value]),
    keyStart: keyStart < 0 ? -1 : 0,
    keyEnd: key.length,
    valueStart: valueStart < 0 ? -1 : key.length,
    valueEnd: key.length + value.length,
    headers: () => headers,
  };
}
