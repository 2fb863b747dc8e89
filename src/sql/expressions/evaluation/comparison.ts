import type { ComparisonOperator } from '../../parser/ast.ts';
import type { SqlType } from '../../types.ts';
import { compareValues, equalValues, type SqlValue } from '../../values/value.ts';
import type { Comparison } from '../typed.ts';
import type { Evaluate } from './evaluate.ts';

/** True or false: with a null it is false, unless it is of those that compare nulls, too. */
export function evaluateComparison(e: Comparison, left: Evaluate, right: Evaluate): Evaluate {
  const same = equality(e.left.type ?? e.right.type);
  if (e.op === 'IS DISTINCT FROM' || e.op === 'IS NOT DISTINCT FROM') {
    const wanted = e.op === 'IS NOT DISTINCT FROM';
    return (row) => {
      const a = left(row);
      const b = right(row);
      return (a === null || b === null ? a === b : same(a, b)) === wanted;
    };
  }
  const test = tests(same, e.op);
  return (row) => {
    const a = left(row);
    if (a === null) return false;
    const b = right(row);
    return b !== null && test(a, b);
  };
}

/** Equality of two non-null values of one type. */
export function equality(type: SqlType | null): (a: SqlValue, b: SqlValue) => boolean {
  switch (type?.kind) {
    case 'DECIMAL':
    case 'BYTES':
    case 'ARRAY':
    case 'MAP':
    case 'STRUCT':
      return equalValues;
    default:
      return (a, b) => a === b;
  }
}

function tests(
  same: (a: SqlValue, b: SqlValue) => boolean,
  op: ComparisonOperator,
): (a: SqlValue, b: SqlValue) => boolean {
  switch (op) {
    case '=':
      return same;
    case '<>':
      return (a, b) => !same(a, b);
    case '<':
      return (a, b) => compareValues(a, b) < 0;
    case '<=':
      return (a, b) => compareValues(a, b) <= 0;
    case '>':
      return (a, b) => compareValues(a, b) > 0;
    default:
      return (a, b) => compareValues(a, b) >= 0;
  }
}
