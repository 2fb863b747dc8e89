// Header columns that are written: HEADERS says all headers of a record, HEADER('key') the one with that key.
import type { Header } from '../../client/index.ts';
import { SerializationError } from '../../serde/index.ts';
import { quoteName } from '../parser/print.ts';
import type { Column } from '../schema.ts';
import type { Row, SqlValue } from '../values/value.ts';

/** The headers of a record whose header columns have these values; `before` are those that it has without them. */
export function headersOf(columns: readonly Column[], values: Row, before: readonly Header[]): readonly Header[] {
  let headers = before;
  columns.forEach((column, i) => {
    const { headerKey: key } = column;
    const value = values[i] ?? null;
    if (key === undefined) headers = ((value ?? []) as readonly SqlValue[]).map((each) => headerOf(column, each));
    else {
      const others = headers.filter((header) => header.key !== key);
      headers = value === null ? others : [...others, { key, value: value as Buffer }];
    }
  });
  return headers;
}

function headerOf({ name }: Column, value: SqlValue): Header {
  const [key = null, content = null] = (value ?? []) as readonly SqlValue[];
  if (key === null) throw new SerializationError(`${quoteName(name)}: a header needs a key`);
  return { key: key as string, value: content as Buffer | null };
}

/** The columns of a schema that are read from headers, and written to them. */
export function headerColumns(columns: readonly Column[]): Column[] {
  return columns.filter(({ namespace }) => namespace === 'HEADERS');
}
