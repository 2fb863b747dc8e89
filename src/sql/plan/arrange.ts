// What is made of all rows of a query that ends: each row once (DISTINCT), an order, and a stretch of it (LIMIT, OFFSET).
//
// What is ordered by is a column of the result: one of those that are selected, or one more (`ORDER_PREFIX`), which is taken
// away in the end.
import { refuse } from '../errors.ts';
import type { Expression, Query, SelectItem } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import { isSystemColumn } from '../schema.ts';
import { typeText } from '../types.ts';
import type { ArrangeStep, OrderTerm, RowColumn, Step } from './plan.ts';

const ORDER_PREFIX = 'KSQL_ORDER_';

/** A query whose result has the columns, too, that it is ordered by. */
export function withOrderColumns(query: Query): Query {
  if (query.orderBy === undefined) return query;
  const more = query.orderBy.flatMap(({ expression }, i): SelectItem[] =>
    isSelected(expression, query) ? [] : [{ kind: 'item', expression, alias: `${ORDER_PREFIX}${i}` }],
  );
  if (more.length > 0 && query.distinct === true)
    refuse('For SELECT DISTINCT, what is ordered by must be among what is selected.');
  return { ...query, select: [...query.select, ...more] };
}

/** The columns that are selected. */
export function shownColumns<C extends RowColumn>(columns: readonly C[]): C[] {
  return columns.filter(({ name }) => !name.startsWith(ORDER_PREFIX));
}

/** The rows of a query that was planned with its order's columns; `columns` are its own as its text calls them. */
export function arranged(input: Step, query: Query, columns: readonly RowColumn[], hasLimit: boolean): Step {
  const { distinct = false, orderBy = [], limit, offset = 0 } = query;
  const isCut = hasLimit && limit !== undefined;
  if (!distinct && orderBy.length === 0 && offset === 0 && !isCut) return input;
  const order = orderOf(query, columns);
  const { key, table, window } = input;
  const shown = input.columns.slice(0, shownColumns(columns).length);
  const step: ArrangeStep = {
    kind: 'arrange',
    input,
    distinct,
    order,
    offset,
    limit,
    columns: shown,
    key,
    table,
    window,
  };
  return step;
}

/** Whether the result has what is ordered by without our doing: by place, by name, or as the same expression. */
function isSelected(expression: Expression, query: Query): boolean {
  if (expression.kind === 'integer' || itemOf(expression, query) !== undefined) return true;
  return expression.kind === 'column' && !isSystemColumn(expression.name) && starHas(expression.source, query);
}

/** The item that is called so, or that is the same expression. */
function itemOf(expression: Expression, { select }: Query): SelectItem | undefined {
  const name = expression.kind === 'column' && expression.source === undefined ? expression.name : undefined;
  const printed = printExpression(expression);
  return (
    select.find((item) => item.kind === 'item' && name !== undefined && item.alias === name) ??
    select.find((item) => item.kind === 'item' && printExpression(item.expression) === printed)
  );
}

function starHas(source: string | undefined, { select }: Query): boolean {
  return select.some(
    (item) => item.kind === 'all' && (item.source === undefined || source === undefined || item.source === source),
  );
}

function orderOf(query: Query, columns: readonly RowColumn[]): OrderTerm[] {
  return (query.orderBy ?? []).map(({ expression, descending, nulls }, i) => {
    const place = placeOf(expression, i, query, columns);
    const { type } = columns[place]!;
    if (type.kind === 'ARRAY' || type.kind === 'MAP' || type.kind === 'STRUCT')
      refuse(`ORDER BY ${printExpression(expression)}: values of type ${typeText(type)} have no order.`);
    return { place, descending, nulls: nulls ?? (descending ? 'FIRST' : 'LAST') };
  });
}

/** Which column of the result is ordered by. */
function placeOf(expression: Expression, nth: number, query: Query, columns: readonly RowColumn[]): number {
  const named = (name: string) => columns.findIndex((column) => column.name === name);
  const shown = shownColumns(columns).length;
  if (expression.kind === 'integer') {
    const { value } = expression;
    if (value < 1 || value > shown)
      refuse(`ORDER BY ${value}: the result has ${shown} columns, which are counted from 1.`);
    return value - 1;
  }
  const own = named(`${ORDER_PREFIX}${nth}`);
  if (own >= 0) return own;
  const item = itemOf(expression, query);
  if (item !== undefined && query.select.every(({ kind }) => kind === 'item')) return query.select.indexOf(item);
  if (expression.kind === 'column') {
    const { source, name } = expression;
    const found = [source === undefined ? name : `${source}_${name}`, name].map(named).find((place) => place >= 0);
    if (found !== undefined) return found;
  }
  return refuse(`ORDER BY ${printExpression(expression)}: the result has no such column.`);
}
