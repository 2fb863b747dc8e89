// What a query says of the rows of a query in its FROM, asked in there, too: so that it comes to where rows are looked up. Only
// for queries that are read at rest, and that make each of their rows of one; the query around them asks it again.
import { containsAggregate, findCall } from '../analysis/aggregates.ts';
import { columnsIn, replaceColumns } from '../analysis/walk.ts';
import type { FunctionCatalog } from '../functions/function.ts';
import type { Expression, Query } from '../parser/ast.ts';
import { and, conjunctsOf, isStrict } from './hash-joins.ts';

/** The queries behind an alias (several: UNION ALL) with the conditions that can be asked of their own rows. */
export function askedInside(
  functions: FunctionCatalog,
  members: readonly Query[],
  alias: string,
  { where, joins }: Query,
): readonly Query[] {
  if (where === undefined) return members;
  const isJoin = joins.length > 0;
  const conditions = conjunctsOf(where).filter((condition) => {
    const columns = columnsIn(condition);
    // A join makes up for missing rows with nulls: what these meet can't be asked before.
    const isOfAlias = columns.every(({ source }) => source === alias || (source === undefined && !isJoin));
    return columns.length > 0 && isOfAlias && (!isJoin || isStrict(condition));
  });
  if (conditions.length === 0) return members;
  return members.map((member) => {
    if (!makesRowOfRow(functions, member)) return member;
    const asked = conditions.flatMap((condition) => translated(functions, condition, members, member) ?? []);
    return asked.length === 0
      ? member
      : { ...member, where: [...(member.where ? [member.where] : []), ...asked].reduce(and) };
  });
}

function makesRowOfRow(functions: FunctionCatalog, query: Query): boolean {
  const { groupBy, having, limit, offset, window, partitionBy, select } = query;
  return (
    [groupBy, having, limit, offset, window, partitionBy].every((clause) => clause === undefined) &&
    select.every((item) => item.kind === 'all' || !containsAggregate(functions, item.expression))
  );
}

/** A condition in the words of a member's sources; undefined where it has none for one of the columns. */
function translated(
  functions: FunctionCatalog,
  condition: Expression,
  members: readonly Query[],
  member: Query,
): Expression | undefined {
  let isWhole = true;
  const inside = replaceColumns(condition, (column) => {
    const found = expressionOf(column.name, members, member);
    isWhole &&= found !== undefined && findCall(found, (name) => functions.isTable(name)) === undefined;
    return found ?? column;
  });
  return isWhole ? inside : undefined;
}

/** What a member selects as a column of the result, which is called as in the first member. */
function expressionOf(name: string, members: readonly Query[], member: Query): Expression | undefined {
  const [first] = members as [Query, ...Query[]];
  const place = first.select.findIndex((item) => item.kind === 'item' && nameOf(item) === name);
  if (members.length === 1) {
    const item = first.select[place];
    if (item?.kind === 'item') return item.expression;
    return first.joins.length === 0 && first.select.some(({ kind }) => kind === 'all')
      ? { kind: 'column', name }
      : undefined;
  }
  const isCounted = [first, member].every(({ select }) => select.every(({ kind }) => kind === 'item'));
  const item = isCounted ? member.select[place] : undefined;
  return item?.kind === 'item' ? item.expression : undefined;
}

function nameOf({ expression, alias }: { readonly expression: Expression; readonly alias?: string | undefined }) {
  return alias ?? (expression.kind === 'column' ? expression.name : undefined);
}
