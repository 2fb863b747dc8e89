import { columnsIn } from '../analysis/walk.ts';
import type { Expression } from '../parser/ast.ts';
import type { RowColumn, Step } from './plan.ts';

/** A plan whose rows carry only what a later step uses: less to copy, to repartition and to keep in join buffers. */
export function pruneColumns(root: Step): Step {
  return prune(root, new Set(root.columns.map((column) => column.name)));
}

function prune(step: Step, needed: ReadonlySet<string>): Step {
  const kept = (columns: readonly RowColumn[]): RowColumn[] => columns.filter((column) => needed.has(column.name));
  switch (step.kind) {
    case 'source':
      return { ...step, columns: kept(step.columns) };
    case 'filter': {
      const input = prune(step.input, using(needed, [step.predicate]));
      return { ...step, input, columns: input.columns };
    }
    case 'flatMap': {
      const input = prune(
        step.input,
        using(
          needed,
          step.calls.map(({ call }) => call),
        ),
      );
      return { ...step, input, columns: [...input.columns, ...step.columns.slice(step.input.columns.length)] };
    }
    case 'selectKey': {
      const input = prune(
        step.input,
        using(
          needed,
          step.keys.map(({ expression }) => expression),
        ),
      );
      return { ...step, input, columns: [...input.columns, ...kept(step.columns.slice(step.input.columns.length))] };
    }
    case 'project':
      return {
        ...step,
        input: prune(
          step.input,
          using(
            new Set(),
            step.items.map(({ expression }) => expression),
          ),
        ),
      };
    case 'aggregate': {
      const expressions = [
        ...step.groupBy.map(({ expression }) => expression),
        ...step.aggregates.map(({ call }) => call),
      ];
      return { ...step, input: prune(step.input, using(new Set(), expressions)) };
    }
    default: {
      const wanted = step.foreignKey === undefined ? needed : using(needed, [step.foreignKey]);
      const left = prune(step.left, wanted);
      const right = prune(step.right, wanted);
      const own = step.columns.slice(step.left.columns.length + step.right.columns.length);
      return { ...step, left, right, columns: [...left.columns, ...right.columns, ...own] };
    }
  }
}

function using(needed: ReadonlySet<string>, expressions: readonly Expression[]): Set<string> {
  const all = new Set(needed);
  for (const expression of expressions) for (const { name } of columnsIn(expression)) all.add(name);
  return all;
}
