// Files of comma-separated values (RFC 4180), with a line of field names in front. A field without a value is empty; an empty text
// is a pair of quotes.
import { parse, type Options } from 'csv-parse';
import { Readable } from 'node:stream';
import { messageOf } from '../../../util/index.ts';
import { jsonWriter } from '../../converters/json/writer.ts';
import { DataError } from '../../data/errors.ts';
import { javaText } from '../../data/java-text.ts';
import { OPTIONAL_STRING, type Schema, structOf } from '../../data/schema.ts';
import { checkValue, fieldValue } from '../../data/validate.ts';
import { instantText } from '../../data/value-text.ts';
import type { FileBytes, RecordFormat } from './format.ts';

/** CSV, whose values are texts when they are read. */
export function csvFiles(): RecordFormat {
  return {
    extension: '.csv',
    writer(schema) {
      if (schema?.type !== 'struct') throw new DataError('CSV files need records with a schema that is a struct');
      const fields = schema.fields.map(({ name, schema: of }) => ({ name, of, write: textOf(of) }));
      const lines = [`${fields.map(({ name }) => quoted(name)).join(',')}\n`];
      return {
        add(value) {
          checkValue(schema, value);
          const struct = value as Readonly<Record<string, unknown>>;
          const cells = fields.map(({ name, of, write }) => {
            const cell = fieldValue(struct, name, of);
            return cell === null ? '' : quoted(write(cell));
          });
          lines.push(`${cells.join(',')}\n`);
        },
        finish: () => Buffer.from(lines.join('')),
      };
    },
    async *read(bytes) {
      let schema: Schema | undefined;
      for await (const row of csvRows(bytes)) {
        if (schema === undefined) schema = structOf(row.map((name, i) => [name ?? `column${i + 1}`, OPTIONAL_STRING]));
        else yield { schema, value: Object.fromEntries(schema.fields.map(({ name }, i) => [name, row[i] ?? null])) };
      }
    },
  };
}

/**
 * The rows of a CSV file, all as long as the first; null is a field with nothing in it, not even quotes. Lines with nothing on them
 * are rows only where rows have one field. Throws `DataError`.
 */
export async function* csvRows(bytes: FileBytes, options: Options = {}): AsyncGenerator<(string | null)[]> {
  const source = Readable.from(bytes);
  const parser = parse({
    relax_column_count: true,
    bom: true,
    cast: (value, { quoting }) => (value === '' && !quoting ? null : value),
    ...options,
  } as Options);
  source.on('error', (error) => parser.destroy(error));
  let width: number | undefined;
  try {
    for await (const row of source.pipe(parser) as AsyncIterable<(string | null)[]>) {
      if (row.length === 1 && row[0] === null && width !== 1) continue;
      width ??= row.length;
      if (row.length !== width)
        throw new DataError(
          `the file is no CSV: line ${parser.info.lines} or one before it has ${row.length} fields, and the first ${width}`,
        );
      yield row;
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_'))
      throw new DataError(`the file is no CSV: ${messageOf(error)}`, error);
    throw error;
  } finally {
    source.destroy();
    parser.destroy();
  }
}

function textOf(schema: Schema): (value: unknown) => string {
  if (['array', 'map', 'struct'].includes(schema.type)) {
    return jsonWriter(schema, { decimalFormat: 'NUMERIC', replaceNull: true });
  }
  return (value) => {
    if (value instanceof Date) return instantText(schema, value);
    if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
    return javaText(schema, value);
  };
}

function quoted(text: string): string {
  return text === '' || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
