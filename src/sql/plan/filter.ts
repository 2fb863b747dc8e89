import type { FoundAggregate } from '../analysis/aggregates.ts';
import { refuse, StatementError } from '../errors.ts';
import type { Expression } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import { typeText } from '../types.ts';
import { messageOf } from '../../util/index.ts';
import { binderFor, planned, type PlanEnvironment } from './environment.ts';
import type { FilterStep, PlanExpression, Step } from './plan.ts';

/** WHERE, HAVING, or a part of ON. Messages show aggregates (`aliases`) as they were written. */
export function filterStep(
  env: PlanEnvironment,
  input: Step,
  predicate: Expression,
  clause: FilterStep['clause'],
  aliases: readonly FoundAggregate[],
): FilterStep {
  const show = (message: string): string =>
    aliases.reduce((text, { name, call }) => text.replaceAll(name, printExpression(call)), message);
  let bound: PlanExpression;
  try {
    bound = planned(binderFor(env, input.columns), predicate);
  } catch (error) {
    const text = `Error in ${clause} expression: ${messageOf(error)}\nStatement: ${printExpression(predicate)}`;
    throw new StatementError(show(text), { cause: error });
  }
  const { type } = bound.expression;
  if (type?.kind !== 'BOOLEAN') {
    const shown = type === null ? 'null' : typeText(type);
    refuse(
      `Type error in ${clause} expression: Should evaluate to boolean but is ${show(bound.text)} (${shown}) instead.`,
    );
  }
  const { columns, key, table, window } = input;
  return { kind: 'filter', input, predicate: bound, clause, columns, key, table, window };
}
