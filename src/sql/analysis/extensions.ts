// What queries may say here and not in ksqlDB, and where: a query that never ends has no order, and no last row.
import { refuse } from '../errors.ts';
import type { Query } from '../parser/ast.ts';
import { syntaxErrorAt } from '../parser/syntax-error.ts';

/** Whether ksqlDB's limits of the language are in force. */
export const isPlain = (setting: (name: string) => string | undefined): boolean =>
  setting('ksql.query.extensions.enabled') === 'false';

/** What a misspelt name was probably meant to be, as a line to say behind an error; empty where ksqlDB's words are in force. */
export function hintOf(error: unknown, setting: (name: string) => string | undefined): string {
  if (isPlain(setting)) return '';
  for (let at = error; at instanceof Error; at = at.cause) {
    const { hint } = at as { readonly hint?: unknown };
    if (typeof hint === 'string') return hint;
  }
  return '';
}

/** Refuses what ksqlDB can't read, as it does, where its limits are in force. */
export function checkExtensions(query: Query, text: string, setting: (name: string) => string | undefined): void {
  if (query.extensionAt !== undefined && isPlain(setting)) throw syntaxErrorAt(query.extensionAt, '', text);
}

/** Refuses, of a query that goes on, what needs an end. `what` goes on: `Push queries`, `CREATE TABLE AS SELECT statements`. */
export function refuseEndings(query: Query, what: string): void {
  for (const [clause, used] of [
    ['DISTINCT', query.distinct],
    ['ORDER BY', query.orderBy],
    ['OFFSET', query.offset],
  ] as const) {
    if (used === undefined) continue;
    const instead = clause === 'DISTINCT' ? 'GROUP BY gives each group once' : 'they have no last row';
    refuse(
      `${what} don't support ${clause}: ${instead}. Without EMIT, a SELECT reads what is there now, and may have it.`,
    );
  }
}
