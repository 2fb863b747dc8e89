import { MillraceError, messageOf } from '../../util/index.ts';
import type { TimestampColumn } from '../schema.ts';
import { refuse, refuseName } from '../errors.ts';
import { quoteName } from '../parser/print.ts';
import type { SqlType } from '../types.ts';
import { dateTimePattern } from '../values/datetime-pattern.ts';
import type { Row } from '../values/value.ts';

interface Fields {
  readonly key: readonly { readonly name: string; readonly type: SqlType }[];
  readonly value: readonly { readonly name: string; readonly type: SqlType }[];
}

/**
 * Finds a record's time in one of its columns; -1 drops the record. Records without a value keep the time they came with.
 */
export function timestampOf(
  timestamp: TimestampColumn,
  schema: Fields,
  throws: boolean,
  report: (error: unknown) => void,
): (key: Row | null, value: Row | null, recordTime: number) => number {
  const inKey = schema.key.findIndex((column) => column.name === timestamp.column);
  const values = schema.value.filter((column) => !('namespace' in column) || column.namespace !== 'HEADERS');
  const at = inKey >= 0 ? inKey : values.findIndex((column) => column.name === timestamp.column);
  const type = (inKey >= 0 ? schema.key[inKey] : values[at])?.type;
  if (type === undefined)
    return refuseName(
      `The TIMESTAMP column set in the WITH clause does not exist in the schema: '${timestamp.column}'`,
      timestamp.column,
      [...schema.key, ...values].map(({ name }) => name),
    );
  const read = timeReader(timestamp, type);
  return (key, value, recordTime) => {
    const row = inKey >= 0 ? key : value;
    if (row === null) return recordTime;
    try {
      const time = read(row[at]!);
      if (time >= 0) return time;
      throw new RangeError(`the column ${timestamp.column} holds no valid timestamp: ${time}`);
    } catch (error) {
      if (throws)
        throw new MillraceError(
          'SQL_TIMESTAMP',
          `Fatal user code error in TimestampExtractor callback for record: ${messageOf(error)}`,
          { cause: error },
        );
      report(error);
      return -1;
    }
  };
}

/** Refuses a column that holds no time. */
export function checkTimestampColumn(timestamp: TimestampColumn, schema: Fields): void {
  timestampOf(timestamp, schema, false, () => undefined);
}

function timeReader(timestamp: TimestampColumn, type: SqlType): (value: Row[number]) => number {
  const { column, format } = timestamp;
  if (type.kind === 'STRING' && format !== undefined) {
    const pattern = dateTimePattern(format);
    return (value) => pattern.parseTimestamp(value as string, 'UTC');
  }
  if (type.kind === 'BIGINT' || type.kind === 'TIMESTAMP') {
    if (format !== undefined)
      return refuse(`'TIMESTAMP_FORMAT' set, but column ${quoteName(column)} is of type ${type.kind}, not STRING`);
    return (value) => (value === null ? -1 : Number(value));
  }
  return refuse(
    `Timestamp column, ${quoteName(column)}, should be LONG(INT64), TIMESTAMP, or a String with a timestamp_format specified`,
  );
}
