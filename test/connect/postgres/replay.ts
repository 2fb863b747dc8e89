// Follows the events of a table by what each says of its row: one that comes must not be there, one that changes must be as the
// event before left it (`version` counts), one that goes must be there. So a change that is lost, told twice, or told in
// another order is found where it is.
import { expect } from 'vitest';

/** What of an event is looked at. */
export interface Told {
  readonly op: string;
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
}

/** The rows that are there in the end, by what tells them apart. */
export function replay(
  changes: readonly Told[],
  key: (row: Record<string, unknown>) => string,
): Map<string, Record<string, unknown>> {
  const rows = new Map<string, Record<string, unknown>>();
  for (const [i, { op, before, after }] of changes.entries()) {
    const row = (after ?? before)!;
    const id = key(row);
    const at = `event ${i} (${op} of ${id})`;
    const had = rows.get(id);
    if (op === 'r' || op === 'c') expect(had, `${at}: the row is there already`).toBeUndefined();
    else expect(had, `${at}: the row is not there`).toBeDefined();
    if (op === 'u') expect(row['version'], `${at}: a change was lost, or told twice`).toBe(Number(had!['version']) + 1);
    if (op === 'd') rows.delete(id);
    else rows.set(id, row);
  }
  return rows;
}

/** Rows as they may be compared, without the columns that are not wanted. */
export function summary(rows: Iterable<Record<string, unknown>>, without: readonly string[] = []): string[] {
  return [...rows]
    .map((row) => Object.entries(row).filter(([name]) => !without.includes(name)))
    .map((columns) => JSON.stringify(columns.sort()))
    .sort();
}
