// LAG and LEAD in a projection become steps in front of it, one for each way in which rows are partitioned.
import { findCall } from '../analysis/aggregates.ts';
import type { ProjectionItem } from '../analysis/projection.ts';
import { isRowNumber } from '../analysis/row-number.ts';
import { children, replace } from '../analysis/walk.ts';
import { refuse } from '../errors.ts';
import { bindOverCall } from '../expressions/binding/over.ts';
import type { OverCall } from '../expressions/typed.ts';
import type { Call, Expression, Over } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import { binderFor, planned } from './environment.ts';
import { type NamedExpression, type OverStep, type Step, stepsOf } from './plan.ts';
import { columnType, type QueryContext } from './query-context.ts';

interface Planned {
  readonly step: Step;
  readonly items: readonly ProjectionItem[];
}

export function planOver(context: QueryContext, input: Step, items: readonly ProjectionItem[]): Planned {
  const { query, scope } = context;
  const found = new Map<string, { readonly over: Over; readonly calls: { name: string; call: Call }[] }>();
  let count = 0;
  const rewritten = items.map((item) => {
    const expression = replace(item.expression, (e) => {
      if (e.kind !== 'call' || e.over === undefined || isRowNumber(e)) return undefined;
      checkNesting(context, e);
      const { over } = e;
      const text = over.partitionBy.map(printExpression).join();
      const group = found.get(text) ?? { over, calls: [] };
      found.set(text, group);
      const name = `KSQL_OVER_${count++}`;
      group.calls.push({ name, call: scope.internal(e) as Call });
      return { kind: 'column', name };
    });
    return { ...item, expression };
  });
  if (found.size === 0) return { step: input, items };
  const [{ calls }] = found.values() as unknown as [{ calls: readonly { call: Call }[] }];
  if (input.table)
    refuse(`${printExpression(calls[0]!.call)}: OVER goes over the rows of a stream, and this is a table.`);
  if (query.groupBy !== undefined || query.window !== undefined)
    refuse(
      `${printExpression(calls[0]!.call)}: OVER can't be used with GROUP BY: write one of them as a query in FROM.`,
    );
  let step = input;
  for (const [nth, group] of [...found.values()].entries()) step = overStep(context, step, group, nth);
  return { step, items: rewritten };
}

function checkNesting({ env }: QueryContext, call: Call): void {
  const inner = children(call).find((child) => findCall(child, (name) => env.functions.find(name)?.kind === 'window'));
  if (inner !== undefined) refuse(`Functions with OVER can't be nested: ${printExpression(call)}`);
  const { partitionBy, orderBy } = call.over!;
  if (partitionBy.length === 0) refuse(`${printExpression(call)}: OVER needs PARTITION BY.`);
  if (orderBy.length > 0)
    refuse(`${printExpression(call)}: rows are before and behind each other as they come, so there is no ORDER BY.`);
}

function overStep(
  { env, scope, target }: QueryContext,
  input: Step,
  { over, calls }: { readonly over: Over; readonly calls: readonly { name: string; call: Call }[] },
  nth: number,
): OverStep {
  const binder = binderFor(env, input.columns);
  const { keys, rekeys } = partitionsOf(
    input,
    over.partitionBy.map((e) => scope.internal(e)),
    (e) => planned(binder, e),
  );
  const bound = calls.map(
    ({ name, call }): NamedExpression<OverCall> => ({
      name,
      expression: bindOverCall(binder, call),
      text: printExpression(call),
    }),
  );
  return {
    kind: 'over',
    context: `${target.context ?? ''}Over${nth === 0 ? '' : nth}`,
    input,
    partitionBy: keys,
    rekeys,
    mixesOrder: rekeys || stepsOf(input).some(({ kind }) => kind === 'join'),
    calls: bound,
    columns: [...input.columns, ...bound.map(({ name, expression: { type } }) => ({ name, type }))],
    key: input.key,
    table: false,
    window: input.window,
  };
}

/** What rows are partitioned by, and whether that is another key than the one that they have. */
export function partitionsOf(
  input: Step,
  partitionBy: readonly Expression[],
  bind: (e: Expression) => Omit<NamedExpression, 'name'>,
): { readonly keys: readonly NamedExpression[]; readonly rekeys: boolean } {
  const keys = partitionBy.map((e, i) => {
    const bound = bind(e);
    columnType(bound.expression.type);
    return { name: e.kind === 'column' ? e.name : `KSQL_PARTITION_${i}`, ...bound };
  });
  const isKey = keys.length === input.key.length && keys.every(({ name }, i) => name === input.key[i]!.name);
  if (!isKey && input.window !== undefined)
    refuse('OVER (PARTITION BY …) a source with windows has to name its key: windowed keys are not repartitioned.');
  return { keys, rekeys: !isKey || !isPlaced(input) };
}

/** Whether equal keys are in one place: a key that was made on the way has not put its rows there yet. */
export function isPlaced(input: Step): boolean {
  return stepsOf(input).every((step) => step.kind !== 'selectKey' && !(step.kind === 'over' && step.rekeys));
}
