// What queries may say here and not in ksqlDB, and where: a query that never ends has no order, and no last row.
import { refuse } from '../errors.ts';
import type { CreateSource, Location, ParsedStatement, Query, Statement } from '../parser/ast.ts';
import { syntaxErrorAt } from '../parser/syntax-error.ts';
import { walk } from './walk.ts';

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
export function checkExtensions(
  read: Query | CreateSource,
  text: string,
  setting: (name: string) => string | undefined,
): void {
  if (!isPlain(setting)) return;
  const [first] = [read.extensionAt, ...('select' in read ? extensionsIn(read) : [])]
    .filter((at) => at !== undefined)
    .sort((a, b) => a.start - b.start);
  if (first !== undefined) throw syntaxErrorAt(first, '', text);
}

/** Where a query's expressions have words that ksqlDB does not know. */
function extensionsIn({ select, joins, where, groupBy, partitionBy, having }: Query): (Location | undefined)[] {
  const expressions = [
    ...select.flatMap((item) => (item.kind === 'item' ? [item.expression] : [])),
    ...joins.map(({ on }) => on),
    ...[where, having].filter((e) => e !== undefined),
    ...(groupBy ?? []),
    ...(partitionBy ?? []),
  ];
  const found: (Location | undefined)[] = [];
  for (const expression of expressions) walk(expression, (e) => void (e.kind === 'call' && found.push(e.extensionAt)));
  return found;
}

/** Refuses a statement that ksqlDB does not know, as it does, where its limits are in force. */
export function checkStatement(
  { statement, text }: ParsedStatement,
  setting: (name: string) => string | undefined,
): void {
  const unknown = unknownPart(statement, text);
  if (unknown !== undefined && isPlain(setting)) throw syntaxErrorAt(unknown.at, unknown.what, text);
}

/** The first of a statement that ksqlDB can't read, and what it says of it. */
function unknownPart(statement: Statement, text: string): { readonly at: Location; readonly what: string } | undefined {
  const near = (word: string, at: Location) => ({
    at,
    what: `Syntax error at or near '${word}' at line ${at.line}:${at.column}`,
  });
  switch (statement.kind) {
    case 'deleteRows':
    case 'updateRows':
      return { at: statement.at!, what: `Unknown statement '${text.split(/\s/)[0]}'` };
    case 'createIndex':
    case 'dropIndex':
      return near('INDEX', statement.wordAt);
    case 'show':
      return statement.wordAt === undefined ? undefined : near(statement.what, statement.wordAt);
    default:
      return undefined;
  }
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
