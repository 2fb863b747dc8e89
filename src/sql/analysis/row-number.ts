// ROW_NUMBER() OVER (…) AS n in a query in FROM, and what the query around it says of n: so many rows of each partition are kept.
import { refuse } from '../errors.ts';
import type { Call, Expression, Query, SelectItem } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import { walk } from './walk.ts';

/** So many rows of a partition may be numbered: they are its state. */
const ROWS_MAX = 1000;

/** A call of ROW_NUMBER with its OVER. */
export type RowNumber = Call & { readonly over: NonNullable<Call['over']> };

export function isRowNumber(e: Expression): e is RowNumber {
  return e.kind === 'call' && e.name === 'ROW_NUMBER' && e.over !== undefined;
}

type Item = Extract<SelectItem, { kind: 'item' }>;

/** The column that numbers a query's rows. */
export function rowNumberIn({ select }: Query): { readonly name: string } | undefined {
  const items = select.filter((item): item is Item => item.kind === 'item');
  for (const { expression } of items) {
    if (isRowNumber(expression)) continue;
    walk(expression, (e) => {
      if (isRowNumber(e))
        refuse(`${printExpression(expression)}: ROW_NUMBER stands alone, as a column: ROW_NUMBER() OVER (…) AS n.`);
    });
  }
  const [numbered, another] = items.filter(({ expression }) => isRowNumber(expression));
  if (numbered === undefined) return undefined;
  if (another !== undefined) refuse(`${printExpression(another.expression)}: a query has one ROW_NUMBER.`);
  const { alias } = numbered;
  return alias === undefined
    ? refuse(`${printExpression(numbered.expression)} needs a name: ROW_NUMBER() OVER (…) AS n.`)
    : { name: alias };
}

/** How many rows of a partition are wanted, and the conditions that say more than that. */
export interface RowBound {
  readonly most: number;
  readonly rest: Expression | undefined;
}

/** What a condition says of a number of rows. `isNumber` knows the column. */
export function rowBoundOf(where: Expression | undefined, isNumber: (e: Expression) => boolean): RowBound {
  const conditions = where === undefined ? [] : conjunctsOf(where);
  const bounds = conditions.map((condition) => boundOf(condition, isNumber));
  const most = Math.min(...bounds.map((bound) => bound?.most ?? Number.POSITIVE_INFINITY));
  if (most === Number.POSITIVE_INFINITY)
    refuse(
      'ROW_NUMBER needs a bound, for a stream has no last row: SELECT … FROM (SELECT …, ROW_NUMBER() OVER (…) AS n …) WHERE n <= 10.',
    );
  if (most < 1 || most > ROWS_MAX)
    refuse(`ROW_NUMBER: from 1 to ${ROWS_MAX} rows of a partition may be numbered, not ${most}.`);
  const rest = conditions.filter((_condition, i) => bounds[i]?.isAll !== true);
  return {
    most,
    rest: rest.length === 0 ? undefined : rest.reduce((left, right) => ({ kind: 'logical', op: 'AND', left, right })),
  };
}

function conjunctsOf(e: Expression): Expression[] {
  return e.kind === 'logical' && e.op === 'AND' ? [...conjunctsOf(e.left), ...conjunctsOf(e.right)] : [e];
}

/** `isAll`: the condition says nothing else of those rows. */
function boundOf(
  e: Expression,
  isNumber: (e: Expression) => boolean,
): { readonly most: number; readonly isAll: boolean } | undefined {
  if (e.kind === 'between') {
    const { operand, low, high } = e;
    if (!isNumber(operand) || low.kind !== 'integer' || high.kind !== 'integer') return undefined;
    return { most: high.value, isAll: low.value <= 1 };
  }
  if (e.kind !== 'comparison') return undefined;
  const isTurned = isNumber(e.right);
  const [number, other] = isTurned ? [e.right, e.left] : [e.left, e.right];
  if (!isNumber(number) || other.kind !== 'integer') return undefined;
  const { value } = other;
  if (e.op === '=') return { most: value, isAll: value === 1 };
  if (e.op === (isTurned ? '>=' : '<=')) return { most: value, isAll: true };
  if (e.op === (isTurned ? '>' : '<')) return { most: value - 1, isAll: true };
  return undefined;
}
