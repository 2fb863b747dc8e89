// Behind a small left side, a table on the right is looked up instead of being read: by its primary key, or by an index, where
// the criteria of the join say all of its columns.
import type { Evaluate } from '../expressions/evaluation/evaluate.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import type { TypedExpression } from '../expressions/typed.ts';
import type { PlanEnvironment } from '../plan/environment.ts';
import { type HashJoinStep, stretchSource } from '../plan/plan.ts';
import { sameType } from '../types.ts';
import { identityOf, type Row, type SqlValue } from '../values/value.ts';
import { type Lookup, orNull } from './materialization.ts';

export interface JoinLookup {
  /** The name of an index; undefined: by the primary key. */
  readonly index: string | undefined;
  /** What the right rows are looked up by that these left ones meet. */
  of(rows: readonly Row[]): Lookup;
}

/** Undefined where other rows are needed, too, or where nothing says them. */
export function joinLookup({ catalog, functions }: PlanEnvironment, step: HashJoinStep): JoinLookup | undefined {
  const right = stretchSource(step.right);
  const needsOthers = step.type === 'RIGHT' || step.type === 'FULL';
  if (needsOthers || right?.table !== true || right.window !== undefined) return undefined;
  const { schema, prefix, source } = right;
  const evaluator = new Evaluator(functions, step.left.columns);
  const partsFor = (names: readonly string[]): Evaluate[] | undefined => {
    const parts = names.flatMap((name) => partFor(step, `${prefix}_${name}`, evaluator) ?? []);
    return parts.length === names.length ? parts : undefined;
  };
  const key = partsFor(schema.key.map(({ name }) => name));
  if (key !== undefined) return { index: undefined, of: (rows) => ({ keys: saidBy(rows, key) }) };
  const columns = [...schema.value, ...schema.key].map(({ name }) => name);
  for (const { name, columns: indexed } of catalog.indexes(source)) {
    const parts = partsFor(indexed);
    if (parts === undefined) continue;
    const places = indexed.map((column) => columns.indexOf(column));
    return { index: name, of: (rows) => ({ index: { name, places, values: saidBy(rows, parts), range: {} } }) };
  }
  return undefined;
}

/** Finds in a left row the value that a column of the right ones is equal to. */
function partFor(step: HashJoinStep, column: string, evaluator: Evaluator): Evaluate | undefined {
  for (const { left, right } of step.criteria) {
    const isColumn = (e: TypedExpression) => e.kind === 'column' && e.name === column;
    if (isColumn(right) && left.type !== null && sameType(left.type, right.type!)) return evaluator.evaluate(left);
    // Left ones are BIGINT, those of the column INTEGER.
    const narrows = right.kind === 'cast' && right.implicit && right.type.kind === 'BIGINT';
    if (narrows && isColumn(right.operand) && right.operand.type?.kind === 'INTEGER')
      return narrowed(evaluator.evaluate(left));
  }
  return undefined;
}

const INTEGER_MAX = 2n ** 31n - 1n;

function narrowed(evaluate: Evaluate): Evaluate {
  return (row) => {
    const value = evaluate(row) as bigint | null;
    return value === null || value > INTEGER_MAX || value < -INTEGER_MAX - 1n ? null : Number(value);
  };
}

/** The values in rows, each once; what is null is equal to nothing. */
function saidBy(rows: readonly Row[], parts: readonly Evaluate[]): Row[] {
  const found = new Map<SqlValue, Row>();
  for (const row of rows) {
    const values = parts.map((part) => orNull(part, row));
    if (!values.includes(null)) found.set(identityOf(values), values);
  }
  return [...found.values()];
}
