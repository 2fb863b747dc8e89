import type { Serde } from '../../serde/index.ts';
import type { SqlType } from '../types.ts';
import type { Row, SqlValue } from '../values/value.ts';

/** A column of a record, as a codec sees it. */
export interface CodecColumn {
  readonly name: string;
  readonly type: SqlType;
}

/**
 * Rows to bytes and back. A row is never null here: a record without a value, or an unwrapped column that is null, is a
 * null on the wire.
 */
export type RowSerde = Serde<Row>;

/** Reads a value as a format's parser gave it. */
export type Reader = (value: unknown) => SqlValue;
