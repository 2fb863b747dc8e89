/**
 * A cursor over the records of one fetch, in offset order. It moves over the raw bytes and allocates nothing: after
 * `advance()` returned true, the fields describe the current record as spans of `bytes`, valid until the next `advance`.
 * Control records and records of aborted transactions have been left out.
 */
export interface RecordCursor {
  /** Goes to the next record; false behind the last one. */
  advance(): boolean;
  /** Another one over the same records, from the first; undefined where they would have to be unpacked again. */
  again(): RecordCursor | undefined;
  /** Its place in the partition. */
  readonly offset: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  /** The buffer that the spans point into; it changes from batch to batch. Whoever keeps a key or value copies it. */
  readonly bytes: Buffer;
  /** -1 when the key is null. */
  readonly keyStart: number;
  /** Where the key ends in `bytes`, exclusive. */
  readonly keyEnd: number;
  /** -1 when the value is null. */
  readonly valueStart: number;
  /** Where the value ends in `bytes`, exclusive. */
  readonly valueEnd: number;
  /** 0 when there are none: decoding headers is for those who ask. */
  readonly headerCount: number;
  /** Decodes the headers. */
  headers(): { key: string; value: Buffer | null }[];
}
