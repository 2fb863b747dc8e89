// Results in the four forms that `-o` names: a table for people, JSON (whole, or a line per row) for programs, CSV for
// sheets. A command describes its columns once; all four forms come from that.
import { printJson } from '../../util/index.ts';
import { bytesText } from '../demo/screen.ts';
import { csvLine, renderTable } from '../table.ts';
import type { CommandIo } from './io.ts';

export const OUTPUTS = ['table', 'json', 'jsonl', 'csv'] as const;
export type Output = (typeof OUTPUTS)[number];

/**
 * How a value is shown to people; programs get it as it is. `bytes`: a size. `time`: ms since the epoch. Lists are written
 * with commas between their elements.
 */
type Kind = 'plain' | 'bytes' | 'time';

export interface Column<Row> {
  /** Its member in JSON; in tables and CSV the heading. */
  readonly name: string;
  readonly kind?: Kind;
  /** Null and undefined: not known, or none. */
  readonly value: (row: Row) => unknown;
}

/** A column that is a member of the row. */
export function column<Row>(name: keyof Row & string, kind: Kind = 'plain'): Column<Row> {
  return { name, kind, value: (row) => row[name] };
}

/** All rows in one form. */
export function printRows<Row>(
  io: CommandIo,
  output: Output,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): void {
  if (output === 'json')
    io.out(
      `${JSON.stringify(
        rows.map((row) => objectOf(columns, row)),
        null,
        2,
      )}\n`,
    );
  else if (output === 'jsonl') for (const row of rows) io.out(jsonLine(objectOf(columns, row)));
  else if (output === 'csv') io.out(csvOf(columns, rows));
  else io.out(tableOf(io, columns, rows));
}

/** One part of what is told about a thing. */
export interface Section {
  readonly title: string;
  readonly text: (io: CommandIo) => string;
  readonly csv: () => string;
}

export function section<Row>(title: string, columns: readonly Column<Row>[], rows: readonly Row[]): Section {
  return { title, text: (io) => tableOf(io, columns, rows), csv: () => csvOf(columns, rows) };
}

/**
 * Things of which more is told than fits one table: people get the tables one below the other, programs objects. CSV, which
 * can be one table only, is that of the first section.
 */
export function printDetails<Thing extends object>(
  io: CommandIo,
  output: Output,
  things: readonly Thing[],
  sectionsOf: (thing: Thing) => readonly Section[],
): void {
  if (output === 'json') io.out(`${JSON.stringify(things, null, 2)}\n`);
  else if (output === 'jsonl') for (const thing of things) io.out(jsonLine(thing));
  else if (output === 'csv') {
    things.forEach((thing, i) => {
      const [first] = sectionsOf(thing);
      const text = first?.csv() ?? '';
      io.out(i === 0 ? text : text.slice(text.indexOf('\n') + 1));
    });
  } else {
    const parts = things.flatMap(sectionsOf).map(({ title, text }) => `${strong(io, title)}\n${text(io)}`);
    io.out(parts.join('\n'));
  }
}

export function jsonLine(value: unknown): string {
  return `${printJson(value)}\n`;
}

export function strong(io: Pick<CommandIo, 'colours'>, text: string): string {
  return io.colours ? `\u001b[1m${text}\u001b[0m` : text;
}

const COLOURS = { good: 32, warning: 33, bad: 31 } as const;

export function coloured(io: Pick<CommandIo, 'colours'>, text: string, tone: keyof typeof COLOURS): string {
  return io.colours ? `\u001b[${COLOURS[tone]}m${text}\u001b[0m` : text;
}

function objectOf<Row>(columns: readonly Column<Row>[], row: Row): object {
  return Object.fromEntries(columns.map(({ name, value }) => [name, value(row) ?? null]));
}

function csvOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = rows.map((row) => columns.map(({ value }) => csvValue(value(row))));
  return [columns.map(({ name }) => name), ...lines].map((line) => `${csvLine(line)}\n`).join('');
}

function csvValue(value: unknown): unknown {
  return Array.isArray(value) ? value.join(',') : value;
}

function tableOf<Row>(io: CommandIo, columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) => columns.map(({ kind = 'plain', value }) => shown(kind, value(row))));
  const [heading, ...lines] = renderTable(cells, { width: io.width, headings: columns.map(headingOf) }).split('\n');
  return `${[strong(io, heading!), ...lines].join('\n')}\n`;
}

/** `lowWatermark`: LOW WATERMARK. */
function headingOf({ name }: { readonly name: string }): string {
  return name.replace(/[A-Z]/g, ' $&').toUpperCase();
}

function shown(kind: Kind, value: unknown): unknown {
  if (value === null || value === undefined) return '-';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.join(',');
  if (kind === 'bytes') return bytesText(Number(value));
  if (kind === 'time') return new Date(Number(value)).toISOString();
  return value;
}
