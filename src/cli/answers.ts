// The rows of one SELECT as text, in the format that was asked for. A push query's rows are written as they come; a pull
// query ends at once, so that its table is fitted to its content and can be paged.
import type { ResultColumn } from '../sql-api/index.ts';
import { MillraceError } from '../util/index.ts';
import { fullWidth, headingText, renderTable, rowText, StreamingTable, type TableFormat } from './table.ts';

export const OUTPUT_FORMATS = ['tabular', 'vertical', 'json', 'jsonl', 'csv', 'markdown'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export function outputFormat(name: string): OutputFormat {
  const wanted = OUTPUT_FORMATS.find((format) => format === name.toLowerCase());
  if (wanted === undefined) {
    throw new MillraceError('INVALID_OPTION', `Unknown output format "${name}": use ${OUTPUT_FORMATS.join(', ')}.`);
  }
  return wanted;
}

/** Where text goes. */
export interface Terminal {
  write(text: string): void;
  /** A finished answer: a prompt may page it. */
  show(text: string): void;
  /** Columns, as they are now. */
  readonly width: number;
}

export interface AnswerOptions {
  readonly format: OutputFormat;
  readonly streaming: boolean;
  /** Rows as blocks where a table would be wider than the terminal. */
  readonly expandWide?: boolean;
  /** Places of every column of a push query, instead of shares of the terminal. */
  readonly columnWidth?: number | undefined;
}

export interface Answer {
  header(columns: readonly ResultColumn[]): void;
  row(values: readonly unknown[], tombstone: boolean): void;
  end(): void;
}

/** Rows of a pull query that decide how wide its columns are, and that a pager gets; more are written as they come. */
const FITTED_ROWS_MAX = 20_000;
const NUMERIC = /^(INTEGER|BIGINT|DOUBLE|DECIMAL)/;

export function answerTo(terminal: Terminal, options: AnswerOptions): Answer {
  switch (options.format) {
    case 'json':
      return new JsonAnswer(terminal);
    case 'jsonl':
      return new JsonLines(terminal);
    case 'tabular':
      return options.streaming
        ? new StreamedTable(terminal, options.columnWidth)
        : new FittedTable(terminal, options.expandWide ?? false);
    default:
      return new RowByRow(terminal, options.format);
  }
}

/** `{"header": …}` and `{"row": …}`, as the service has them. */
class JsonAnswer implements Answer {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  header(columns: readonly ResultColumn[]): void {
    this.#terminal.write(JSON.stringify({ header: columns }));
  }

  row(columns: readonly unknown[], tombstone: boolean): void {
    this.#terminal.write(JSON.stringify({ row: { columns, ...(tombstone ? { tombstone } : {}) } }));
  }

  end(): void {}
}

/** An object by names of columns per row; a deleted row of a table has `"@deleted": true`. */
class JsonLines implements Answer {
  readonly #terminal: Terminal;
  #names: readonly string[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  header(columns: readonly ResultColumn[]): void {
    this.#names = columns.map((column) => column.name);
  }

  row(values: readonly unknown[], tombstone: boolean): void {
    const row = Object.fromEntries(this.#names.map((name, i) => [name, values[i]]));
    this.#terminal.write(JSON.stringify(tombstone ? { ...row, '@deleted': true } : row));
  }

  end(): void {}
}

class RowByRow implements Answer {
  readonly #terminal: Terminal;
  readonly #format: Exclude<TableFormat, 'tabular'>;
  #headings: readonly string[] = [];
  #rows = 0;

  constructor(terminal: Terminal, format: Exclude<TableFormat, 'tabular'>) {
    this.#terminal = terminal;
    this.#format = format;
  }

  header(columns: readonly ResultColumn[]): void {
    this.#headings = columns.map((column) => column.name);
    const heading = headingText(this.#format, this.#headings);
    if (heading !== undefined) this.#terminal.write(heading);
  }

  row(values: readonly unknown[], tombstone: boolean): void {
    const shown = tombstone ? tombstoneRow(values) : values;
    this.#terminal.write(rowText(this.#format, this.#headings, shown, ++this.#rows));
  }

  end(): void {}
}

/** Widths come from the terminal; when it gets another size, the next row begins a table of that size. */
class StreamedTable implements Answer {
  readonly #terminal: Terminal;
  readonly #columnWidth: number | undefined;
  #columns: readonly ResultColumn[] = [];
  #table: StreamingTable | undefined;

  constructor(terminal: Terminal, columnWidth: number | undefined) {
    this.#terminal = terminal;
    this.#columnWidth = columnWidth;
  }

  header(columns: readonly ResultColumn[]): void {
    this.#columns = columns;
    this.#begin();
  }

  row(values: readonly unknown[], tombstone: boolean): void {
    if (this.#table!.width !== this.#terminal.width) this.#begin();
    this.#terminal.write(this.#table!.row(tombstone ? tombstoneRow(values) : values));
  }

  end(): void {}

  #begin(): void {
    const headings = this.#columns.map((column) => column.name);
    const numeric = this.#columns.map((column) => NUMERIC.test(column.type));
    this.#table = new StreamingTable({ width: this.#terminal.width, headings }, numeric, this.#columnWidth);
    this.#terminal.write(this.#table.heading);
  }
}

class FittedTable implements Answer {
  readonly #terminal: Terminal;
  readonly #expandWide: boolean;
  #headings: readonly string[] = [];
  #rows: (readonly unknown[])[] = [];
  #isBegun = false;

  constructor(terminal: Terminal, expandWide: boolean) {
    this.#terminal = terminal;
    this.#expandWide = expandWide;
  }

  header(columns: readonly ResultColumn[]): void {
    this.#headings = columns.map((column) => column.name);
  }

  row(values: readonly unknown[]): void {
    this.#rows.push(values);
    if (this.#rows.length < FITTED_ROWS_MAX) return;
    this.#terminal.write(this.#text());
    this.#rows = [];
    this.#isBegun = true;
  }

  end(): void {
    if (this.#isBegun && this.#rows.length === 0) return;
    if (this.#isBegun) this.#terminal.write(this.#text());
    else this.#terminal.show(this.#text());
  }

  #text(): string {
    const { width } = this.#terminal;
    const expanded = this.#expandWide && fullWidth(this.#rows, this.#headings) > width;
    return renderTable(this.#rows, { width, headings: this.#headings, ...(expanded ? { format: 'vertical' } : {}) });
  }
}

function tombstoneRow(columns: readonly unknown[]): unknown[] {
  return columns.map((value) => (value === null ? '<TOMBSTONE>' : value));
}
