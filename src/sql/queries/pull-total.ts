// SELECT COUNT(*) FROM t; and the like: a pull query that aggregates without GROUP BY has one row, made of all rows that it finds;
// where it finds none, the aggregates are those of nothing.
import { aggregatorOf } from '../expressions/evaluation/call.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import { functionSettings, type PlanEnvironment } from '../plan/environment.ts';
import type { AggregateStep, ProjectStep, Step } from '../plan/plan.ts';
import type { Row, SqlValue } from '../values/value.ts';
import { orNull } from './materialization.ts';

export interface Total {
  /** Finds the rows that are added up. */
  readonly rows: Step;
  over(slices: AsyncIterable<readonly Row[]>): AsyncGenerator<Row[]>;
}

/** Undefined for queries whose rows are those that they find. */
export function totalOf(environment: PlanEnvironment, root: Step): Total | undefined {
  if (root.kind !== 'project' || root.input.kind !== 'aggregate') return undefined;
  const add = adder(environment, root.input);
  return {
    rows: everything(root.input.input),
    async *over(slices) {
      for await (const rows of slices) {
        rows.forEach(add.row);
        // Others have their turn between slices.
        yield [];
      }
      yield [add.result(root)];
    },
  };
}

function adder(environment: PlanEnvironment, step: AggregateStep) {
  const { functions } = environment;
  const evaluator = new Evaluator(functions, step.input.columns);
  const aggregates = step.aggregates.map(({ expression: call }) => {
    const aggregator = aggregatorOf(functions, call, functionSettings(environment, call.function));
    return { aggregator, args: call.args.map((arg) => evaluator.evaluate(arg)), state: aggregator.init() };
  });
  const keys = step.groupBy.map(({ expression }) => evaluator.evaluate(expression));
  return {
    row(row: Row): void {
      for (const each of aggregates) {
        const args = each.args.map((arg) => orNull(arg, row));
        // As in persistent queries, a row that can't be added leaves the aggregate as it was.
        each.state = orNull(() => each.aggregator.add(each.state, args), row) ?? each.state;
      }
    },
    result(root: ProjectStep): Row {
      const found: SqlValue[] = aggregates.map(({ aggregator, state }) => aggregator.result(state));
      found.push(...keys.map((key) => orNull(key, [])));
      const over = new Evaluator(functions, step.columns);
      return root.items.map(({ expression }) => orNull(over.evaluate(expression), found));
    },
  };
}

/** All columns of a step, as a projection. */
function everything(input: Step): ProjectStep {
  return {
    kind: 'project',
    input,
    items: input.columns.map(({ name, type }) => ({ name, expression: { kind: 'column', name, type }, text: name })),
    columns: input.columns,
    key: input.key,
    table: input.table,
    window: input.window,
  };
}
