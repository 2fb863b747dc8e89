import { type AggregateCall, type Argument, columnsUsed, type TypedExpression } from '../expressions/typed.ts';
import { type NamedExpression, partsOfCalls, type RowColumn, type Step } from './plan.ts';

/** A plan whose rows carry only what a later step uses: less to copy, to repartition and to keep in join buffers. */
export function pruneColumns(root: Step): Step {
  return prune(root, new Set(root.columns.map((column) => column.name)));
}

function prune(step: Step, needed: ReadonlySet<string>): Step {
  const kept = (columns: readonly RowColumn[]): RowColumn[] => columns.filter((column) => needed.has(column.name));
  switch (step.kind) {
    case 'source':
      return { ...step, columns: kept(step.columns) };
    case 'derived':
      return { ...step, inputs: step.inputs.map(pruneColumns), columns: kept(step.columns) };
    case 'filter': {
      const input = prune(step.input, using(needed, [step.predicate.expression]));
      return { ...step, input, columns: input.columns };
    }
    case 'flatMap':
    case 'await': {
      const args = step.calls.flatMap(({ expression }): readonly Argument[] => expression.args);
      const input = prune(step.input, using(needed, args));
      return { ...step, input, columns: [...input.columns, ...step.columns.slice(step.input.columns.length)] };
    }
    case 'over': {
      // Behind the partitions the rows go on under the key that they had.
      const key = step.rekeys ? step.key.map(({ name }) => name) : [];
      const used = [...expressionsOf(step.partitionBy), ...partsOfCalls(step).map(({ expression }) => expression)];
      const input = prune(step.input, using(new Set([...needed, ...key]), used));
      return { ...step, input, columns: [...input.columns, ...step.columns.slice(step.input.columns.length)] };
    }
    case 'rank': {
      const used = [...step.partitionBy, ...step.orderBy].map(({ expression }) => expression);
      const input = prune(step.input, using(needed, used));
      return { ...step, input, columns: [...input.columns, ...step.columns.slice(step.input.columns.length)] };
    }
    case 'selectKey': {
      const input = prune(step.input, using(needed, expressionsOf(step.keys)));
      return { ...step, input, columns: [...input.columns, ...kept(step.columns.slice(step.input.columns.length))] };
    }
    case 'project':
      return { ...step, input: prune(step.input, columnsUsed(expressionsOf(step.items))) };
    case 'distinct': {
      const used = [...expressionsOf(step.partitionBy), ...argumentsOf(step.calls)];
      const input = prune(step.input, using(needed, used));
      return { ...step, input, columns: [...input.columns, ...step.columns.slice(step.input.columns.length)] };
    }
    case 'aggregate': {
      const used = [...expressionsOf(step.groupBy), ...argumentsOf(step.aggregates)];
      return { ...step, input: prune(step.input, columnsUsed(used)) };
    }
    case 'hashJoin':
    case 'arrange':
      return step;
    default: {
      const wanted = step.foreignKey === undefined ? needed : using(needed, [step.foreignKey]);
      const left = prune(step.left, wanted);
      const right = prune(step.right, wanted);
      const own = step.columns.slice(step.left.columns.length + step.right.columns.length);
      return { ...step, left, right, columns: [...left.columns, ...right.columns, ...own] };
    }
  }
}

function using(needed: ReadonlySet<string>, expressions: readonly Argument[]): Set<string> {
  return new Set([...needed, ...columnsUsed(expressions)]);
}

function argumentsOf(calls: readonly NamedExpression<AggregateCall>[]): TypedExpression[] {
  return calls.flatMap(({ expression: { args, filter } }) => (filter === undefined ? args : [...args, filter]));
}

function expressionsOf(list: readonly NamedExpression[]): TypedExpression[] {
  return list.map(({ expression }) => expression);
}
