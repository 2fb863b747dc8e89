// Rows as text. For people a table that fits the terminal (numbers to the right, the widest columns give way first, what
// is cut ends in "…") or a block of lines per row (vertical); for programs and pages CSV and Markdown, with nothing cut.
import { JsonNumber } from '../util/index.ts';
import { cutToWidth, displayWidth, padEndTo, padStartTo, printable } from './text-width.ts';

export type TableFormat = 'tabular' | 'vertical' | 'csv' | 'markdown';

export interface TableStyle {
  /** Columns of the terminal. */
  readonly width: number;
  /** `tabular` unless told otherwise. */
  readonly format?: TableFormat;
}

export interface TableOptions extends TableStyle {
  readonly headings: readonly string[];
}

const GAP = '  ';
const MIN_COLUMN = 4;

/** A finished table, without an end of line. */
export function renderTable(rows: readonly (readonly unknown[])[], options: TableOptions): string {
  const { headings, format = 'tabular' } = options;
  if (format === 'tabular') return fittedTable(rows, options);
  const lines = rows.map((row, i) => rowText(format, headings, row, i + 1));
  const heading = headingText(format, headings);
  return [...(heading === undefined ? [] : [heading]), ...lines].join('\n');
}

/** What stands above the rows of a format whose rows don't depend on each other; undefined where nothing does. */
export function headingText(format: Exclude<TableFormat, 'tabular'>, headings: readonly string[]): string | undefined {
  switch (format) {
    case 'csv':
      return csvLine(headings);
    case 'markdown':
      return `${markdownLine(headings)}\n${markdownLine(headings.map(() => '---'))}`;
    case 'vertical':
      return undefined;
  }
}

/** A row of such a format; `number` counts from one. */
export function rowText(
  format: Exclude<TableFormat, 'tabular'>,
  headings: readonly string[],
  row: readonly unknown[],
  number: number,
): string {
  switch (format) {
    case 'csv':
      return csvLine(row);
    case 'markdown':
      return markdownLine(row.map(cellText));
    case 'vertical':
      return verticalRow(headings, row, number);
  }
}

/** A table whose rows come one by one: widths are decided by the headings and the terminal alone. */
export class StreamingTable {
  readonly width: number;
  readonly #widths: readonly number[];
  readonly #numeric: readonly boolean[];
  readonly heading: string;

  constructor({ width, headings }: TableOptions, numeric: readonly boolean[] = [], columnWidth?: number) {
    this.width = width;
    const share = Math.floor((width - GAP.length * (headings.length - 1)) / Math.max(1, headings.length));
    this.#widths = headings.map(
      (heading) => columnWidth ?? Math.max(MIN_COLUMN, Math.min(share, Math.max(displayWidth(heading), 28))),
    );
    this.#numeric = numeric;
    this.heading = `${line(headings, this.#widths, numeric)}\n${this.#widths.map((w) => '─'.repeat(w)).join(GAP)}`;
  }

  row(values: readonly unknown[]): string {
    return line(values.map(cellText), this.#widths, this.#numeric);
  }
}

/** Places that a table takes when nothing of it is cut. */
export function fullWidth(rows: readonly (readonly unknown[])[], headings: readonly string[]): number {
  const widths = wantedWidths(
    rows.map((row) => row.map(cellText)),
    headings,
  );
  return widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1);
}

/** One value as a cell: strings as they are, null as `null` (a string of these letters stands in quotes), numbers with all their digits, everything else as JSON. */
export function cellText(value: unknown): string {
  if (value instanceof JsonNumber) return value.text;
  if (typeof value === 'string') return value.toLowerCase() === 'null' ? `'${value}'` : printable(value);
  if (value === null || value === undefined) return 'null';
  return typeof value === 'object' ? printable(JSON.stringify(value)) : String(value);
}

/** RFC 4180 without the last end of line. Null is nothing at all, the empty string `""`. */
export function csvLine(values: readonly unknown[]): string {
  return values.map(csvField).join(',');
}

function csvField(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof JsonNumber) return value.text;
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function markdownLine(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('\\', '\\\\').replaceAll('|', '\\|')).join(' | ')} |`;
}

function verticalRow(headings: readonly string[], row: readonly unknown[], number: number): string {
  const width = headings.reduce((max, heading) => Math.max(max, displayWidth(heading)), 0);
  const rule = `─[ ${number} ]`.padEnd(Math.max(width + 3, 12), '─');
  return [rule, ...headings.map((heading, i) => `${padEndTo(heading, width)} │ ${cellText(row[i])}`)].join('\n');
}

function fittedTable(rows: readonly (readonly unknown[])[], { width, headings }: TableOptions): string {
  const cells = rows.map((row) => row.map(cellText));
  const widths = fit(wantedWidths(cells, headings), width);
  const numeric = headings.map((_, i) => rows.length > 0 && rows.every((row) => row[i] === null || isNumber(row[i])));
  const lines = [line(headings, widths, numeric), widths.map((w) => '─'.repeat(w)).join(GAP)];
  for (const row of cells) lines.push(line(row, widths, numeric));
  return lines.join('\n');
}

function wantedWidths(cells: readonly (readonly string[])[], headings: readonly string[]): number[] {
  return headings.map((heading, i) =>
    cells.reduce((max, row) => Math.max(max, displayWidth(row[i] ?? '')), displayWidth(heading)),
  );
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || value instanceof JsonNumber;
}

function line(cells: readonly string[], widths: readonly number[], numeric: readonly boolean[]): string {
  return cells
    .map((cell, i) => {
      const width = widths[i] ?? displayWidth(cell);
      const text = cutToWidth(cell, width);
      return numeric[i] ? padStartTo(text, width) : padEndTo(text, width);
    })
    .join(GAP)
    .trimEnd();
}

/** Takes from the widest column until the table fits; no column gets narrower than a few characters. */
function fit(wanted: readonly number[], width: number): number[] {
  const widths = [...wanted];
  let excess = widths.reduce((sum, w) => sum + w, 0) + GAP.length * (widths.length - 1) - width;
  while (excess > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest]! <= MIN_COLUMN) break;
    const next = Math.max(MIN_COLUMN, ...widths.filter((_, i) => i !== widest).filter((w) => w < widths[widest]!));
    const cut = Math.min(excess, Math.max(1, widths[widest]! - next));
    widths[widest]! -= cut;
    excess -= cut;
  }
  return widths;
}
