// Rows as text that fits the terminal: numbers to the right, the widest columns give way first, what is cut ends in "…".

import { JsonNumber } from '../util/index.ts';

export interface TableOptions {
  /** Columns of the terminal. */
  readonly width: number;
  readonly headings: readonly string[];
}

const GAP = '  ';
const MIN_COLUMN = 4;

/** A finished table: heading, rule, rows. */
export function renderTable(rows: readonly (readonly unknown[])[], { width, headings }: TableOptions): string {
  const cells = rows.map((row) => row.map(cellText));
  const widths = fit(
    headings.map((heading, i) => cells.reduce((max, row) => Math.max(max, (row[i] ?? '').length), heading.length)),
    width,
  );
  const numeric = headings.map((_, i) => rows.length > 0 && rows.every((row) => row[i] === null || isNumber(row[i])));
  const lines = [line(headings, widths, numeric), widths.map((w) => '─'.repeat(w)).join(GAP)];
  for (const row of cells) lines.push(line(row, widths, numeric));
  return lines.join('\n');
}

/** A table whose rows come one by one: widths are decided by the headings and the terminal alone. */
export class StreamingTable {
  readonly #widths: readonly number[];
  readonly #numeric: readonly boolean[];
  readonly heading: string;

  constructor({ width, headings }: TableOptions, numeric: readonly boolean[] = []) {
    const share = Math.floor((width - GAP.length * (headings.length - 1)) / Math.max(1, headings.length));
    this.#widths = headings.map((heading) => Math.max(MIN_COLUMN, Math.min(share, Math.max(heading.length, 28))));
    this.#numeric = numeric;
    this.heading = `${line(headings, this.#widths, numeric)}\n${this.#widths.map((w) => '─'.repeat(w)).join(GAP)}`;
  }

  row(values: readonly unknown[]): string {
    return line(values.map(cellText), this.#widths, this.#numeric);
  }
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || value instanceof JsonNumber;
}

/** One value as a cell: strings as they are, null as `null`, numbers with all their digits, everything else as JSON. */
export function cellText(value: unknown): string {
  if (value instanceof JsonNumber) return value.text;
  if (typeof value === 'string') return oneLine(value);
  if (value === null || value === undefined) return 'null';
  return typeof value === 'object' ? oneLine(JSON.stringify(value)) : String(value);
}

function oneLine(text: string): string {
  return text.replace(/\r?\n/g, '⏎').replace(/\t/g, ' ');
}

function line(cells: readonly string[], widths: readonly number[], numeric: readonly boolean[]): string {
  return cells
    .map((cell, i) => {
      const width = widths[i] ?? cell.length;
      const text = cell.length > width ? `${cell.slice(0, Math.max(0, width - 1))}…` : cell;
      return numeric[i] ? text.padStart(width) : text.padEnd(width);
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
