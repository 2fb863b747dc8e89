import type { CodecColumn } from '../formats/codec.ts';
import type { ResultFormat } from '../statements/entities.ts';
import type { Row } from '../values/value.ts';
import { jsonRowWriter } from './row-json.ts';
import { protobufRowWriter } from './row-protobuf.ts';

/** Writes the rows of a result in the format that its client asked for. */
export function resultWriter({
  columns,
  format,
}: {
  readonly columns: readonly CodecColumn[];
  readonly format: ResultFormat;
}): (row: Row) => string {
  return format === 'json' ? jsonRowWriter(columns) : protobufRowWriter(columns);
}
