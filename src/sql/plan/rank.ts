// ROW_NUMBER: the first rows of each partition in an order. They are a table, whose key is the partition and the number; where only
// the first row is wanted, the partition alone, so that others find it by that.
import { isRowNumber } from '../analysis/row-number.ts';
import type { ProjectionItem } from '../analysis/projection.ts';
import { refuse } from '../errors.ts';
import { KEY_FORMAT } from '../formats/traits.ts';
import { printExpression } from '../parser/print.ts';
import { BIGINT, typeText } from '../types.ts';
import { binderFor, planned } from './environment.ts';
import { keyFormatOf } from './key-formats.ts';
import { partitionsOf } from './over.ts';
import {
  type NamedExpression,
  type OrderedExpression,
  type ProjectStep,
  type RankStep,
  type Step,
  stepsOf,
} from './plan.ts';
import { PLAIN_KEY, projectStep } from './project.ts';
import { columnType, type QueryContext } from './query-context.ts';

const NUMBER = 'KSQL_ROW_NUMBER';

/** Undefined for queries that number no rows. */
export function planRank(
  context: QueryContext,
  input: Step,
  items: readonly ProjectionItem[],
): ProjectStep | undefined {
  const { env, query, scope, target } = context;
  const call = items.map(({ expression }) => expression).find(isRowNumber);
  if (call === undefined) return undefined;
  const text = printExpression(call);
  const { partitionBy, orderBy } = call.over;
  if (target.rowsWanted === undefined)
    refuse(
      `${text} stands in a query in FROM, and the query around it says how many rows it wants: SELECT … FROM (SELECT …, ROW_NUMBER() OVER (…) AS n …) WHERE n <= 10.`,
    );
  if (input.table)
    refuse(
      `${text}: a table has lost the rows that would follow when one of the first goes. ROW_NUMBER goes over streams.`,
    );
  if (call.args.length > 0 || call.star === true || call.filter !== undefined || call.distinct === true)
    refuse(`${text}: ROW_NUMBER takes no arguments.`);
  if (partitionBy.length === 0 || orderBy.length === 0) refuse(`${text}: ROW_NUMBER needs PARTITION BY and ORDER BY.`);
  const final = query.emit === 'FINAL' ? true : undefined;
  if ([query.groupBy, query.window, query.partitionBy, query.having, final].some((clause) => clause !== undefined))
    refuse(
      `${text} can't be used with GROUP BY, WINDOW, HAVING, EMIT FINAL and PARTITION BY: write them as a query in FROM.`,
    );
  if (stepsOf(input).some(({ kind }) => kind === 'flatMap') || input.window !== undefined)
    refuse(`${text}: neither table functions nor sources with windows can be numbered: write them as a query in FROM.`);

  const binder = binderFor(env, input.columns);
  const bind = (e: Parameters<typeof planned>[1]) => planned(binder, e);
  const { keys, rekeys } = partitionsOf(
    input,
    partitionBy.map((e) => scope.internal(e)),
    bind,
  );
  const typed = keys.map(({ name, expression: { type } }) => ({ name, type: columnType(type) }));
  const number = { name: NUMBER, type: BIGINT };
  const made = typed.filter(({ name }) => !input.columns.some((column) => column.name === name));
  const step: RankStep = {
    kind: 'rank',
    context: `${target.context ?? ''}Rank`,
    input,
    partitionBy: keys,
    orderBy: orderBy.map(({ expression, descending, nulls }): OrderedExpression => {
      const bound = bind(scope.internal(expression));
      const type = columnType(bound.expression.type);
      if (type.kind === 'ARRAY' || type.kind === 'MAP' || type.kind === 'STRUCT' || type.kind === 'BOOLEAN')
        refuse(`ORDER BY ${printExpression(expression)}: values of type ${typeText(type)} have no order.`);
      return { ...bound, descending, nulls };
    }),
    most: target.rowsWanted!,
    rekeys,
    keyFormat: (rekeys || target.rowsWanted !== 1 ? target.keyFormat : keyFormatOf(input)) ?? KEY_FORMAT,
    columns: [...input.columns, ...made, number],
    key: target.rowsWanted === 1 ? typed : [...typed, number],
    table: true,
    window: undefined,
  };
  const selected = items.map((item) => ({
    ...item,
    expression: keyColumn(item, keys, partitionBy.map(printExpression)),
  }));
  const names = step.key.map(({ name }) => [name]);
  return projectStep(context, step, selected, { ...PLAIN_KEY, names, shown: names });
}

/** What of the projection is the number, or what rows are partitioned by. */
function keyColumn(
  { expression }: ProjectionItem,
  keys: readonly NamedExpression[],
  texts: readonly string[],
): ProjectionItem['expression'] {
  if (isRowNumber(expression)) return { kind: 'column', name: NUMBER };
  const key = keys[texts.indexOf(printExpression(expression))];
  return key === undefined || expression.kind === 'column' ? expression : { kind: 'column', name: key.name };
}
