import type { CodecColumn } from '../formats/codec.ts';
import { writer } from '../formats/json.ts';
import type { SqlType } from '../types.ts';
import { dateText, type Row, type SqlValue, timestampText, timeText } from '../values/value.ts';

/** Prints result rows as JSON arrays: like JSON records, but dates and times as people read them. */
export function jsonRowWriter(columns: readonly CodecColumn[]): (row: Row) => string {
  const writers = columns.map(({ type }) => cellWriter(type));
  return (row) => {
    let text = '[';
    for (let i = 0; i < writers.length; i++) text += (i === 0 ? '' : ',') + writers[i]!(row[i] ?? null);
    return `${text}]`;
  };
}

function cellWriter(type: SqlType): (value: SqlValue) => string {
  const quoted = (text: (value: number) => string) => (value: SqlValue) =>
    value === null ? 'null' : JSON.stringify(text(Number(value)));
  switch (type.kind) {
    case 'DATE':
      return quoted(dateText);
    case 'TIME':
      return quoted(timeText);
    case 'TIMESTAMP':
      return quoted(timestampText);
    default:
      return writer(type);
  }
}
