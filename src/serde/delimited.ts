// One line of delimited text ↔ its fields. The quoting is Apache Commons CSV's "minimal", because ksqlDB writes it so.
import { DeserializationError } from './serde.ts';

const QUOTE = '"';

/** Splits one line. An empty unquoted field is null, `""` is the empty string; a quote inside quotes is doubled. */
export function parseDelimited(line: string, delimiter = ','): (string | null)[] {
  if (!line.includes(QUOTE)) {
    return line.split(delimiter).map((field) => (field === '' ? null : field));
  }
  const fields: (string | null)[] = [];
  let at = 0;
  for (;;) {
    if (line[at] === QUOTE) {
      let text = '';
      let from = at + 1;
      for (;;) {
        const quote = line.indexOf(QUOTE, from);
        if (quote < 0) throw new DeserializationError(`the quote opened at column ${at + 1} is never closed`);
        text += line.slice(from, quote);
        if (line[quote + 1] !== QUOTE) {
          at = quote + 1;
          break;
        }
        text += QUOTE;
        from = quote + 2;
      }
      if (at < line.length && line[at] !== delimiter) {
        throw new DeserializationError(`unexpected text after the closing quote at column ${at + 1}`);
      }
      fields.push(text);
    } else {
      const end = line.indexOf(delimiter, at);
      const field = end < 0 ? line.slice(at) : line.slice(at, end);
      fields.push(field === '' ? null : field);
      at = end < 0 ? line.length : end;
    }
    if (at >= line.length) return fields;
    at++;
    if (at === line.length) {
      fields.push(null);
      return fields;
    }
  }
}

/** Joins fields to one line without a line break. Null is the empty field. */
export function formatDelimited(fields: readonly (string | null)[], delimiter = ','): string {
  let line = '';
  for (let i = 0; i < fields.length; i++) {
    if (i > 0) line += delimiter;
    const field = fields[i];
    if (field !== null && field !== undefined) line += needsQuotes(field, i === 0, delimiter) ? quoted(field) : field;
  }
  return line;
}

function quoted(field: string): string {
  return QUOTE + field.replaceAll(QUOTE, '""') + QUOTE;
}

function needsQuotes(field: string, first: boolean, delimiter: string): boolean {
  if (field === '') return first;
  const start = field.charCodeAt(0);
  if (first && !/^[0-9A-Za-z]/.test(field)) return true;
  if (start <= 0x23 || field.charCodeAt(field.length - 1) <= 0x20) return true;
  return field.includes(delimiter) || field.includes(QUOTE) || field.includes('\n') || field.includes('\r');
}
