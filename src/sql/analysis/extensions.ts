// What queries may say here and not in ksqlDB, and where: a query that never ends has no order, and no last row.
import { refuse } from '../errors.ts';
import type { ParsedStatement, Query, Statement } from '../parser/ast.ts';
import { syntaxErrorAt } from '../parser/syntax-error.ts';

/** Whether ksqlDB's limits of the language are in force. */
export const isPlain = (setting: (name: string) => string | undefined): boolean =>
  setting('ksql.query.extensions.enabled') === 'false';

/** Refuses what ksqlDB can't read, as it does, where its limits are in force. */
export function checkExtensions(query: Query, text: string, setting: (name: string) => string | undefined): void {
  if (query.extensionAt !== undefined && isPlain(setting)) throw syntaxErrorAt(query.extensionAt, '', text);
}

const STATEMENTS: ReadonlySet<Statement['kind']> = new Set(['deleteRows', 'updateRows']);

/** Refuses a statement that ksqlDB does not know, as it does, where its limits are in force. */
export function checkStatement(
  { statement, text }: ParsedStatement,
  setting: (name: string) => string | undefined,
): void {
  if (!STATEMENTS.has(statement.kind) || !isPlain(setting)) return;
  const [word] = text.split(/\s/);
  throw syntaxErrorAt(statement.at!, `Unknown statement '${word}'`, text);
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
