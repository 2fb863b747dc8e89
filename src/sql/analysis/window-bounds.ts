// Where a windowed aggregation may speak of its window: what it selects has one, what it reads has none yet.
import { refuse } from '../errors.ts';
import type { FunctionCatalog } from '../functions/function.ts';
import type { Expression, Query } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import { isWindowBound } from '../schema.ts';
import { children, columnsIn, walk } from './walk.ts';

/** Refuses WINDOWSTART and WINDOWEND where rows have no window. */
export function checkWindowBounds({ select, where, groupBy = [], having }: Query, functions: FunctionCatalog): void {
  const inWhere = where && boundIn(where);
  if (inWhere !== undefined)
    refuse(`Error in WHERE expression: Unknown column ${inWhere}.\nStatement: ${printExpression(where!)}`);
  const selected = select.flatMap((item) => (item.kind === 'item' ? aggregated(item.expression, functions) : []));
  const found = [...selected, ...groupBy, ...(having === undefined ? [] : [having])].map(boundIn);
  const bound = found.find((name) => name !== undefined);
  if (bound !== undefined) {
    refuse(
      `Window bounds column ${bound} can only be used in the SELECT clause of windowed aggregations and can not be passed to aggregate functions.`,
    );
  }
}

function boundIn(e: Expression): string | undefined {
  return columnsIn(e).find(({ name }) => isWindowBound(name))?.name;
}

/** What is handed to aggregates. */
function aggregated(e: Expression, functions: FunctionCatalog): Expression[] {
  const found: Expression[] = [];
  walk(e, (node) => {
    if (node.kind === 'call' && functions.isAggregate(node.name)) found.push(...children(node));
  });
  return found;
}
