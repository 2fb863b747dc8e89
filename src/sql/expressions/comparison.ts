import { refuse } from '../errors.ts';
import type { ComparisonOperator, Expression } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import { BOOLEAN, isNumeric, isTemporal, type SqlType, STRING, sameType, typeText } from '../types.ts';
import { caster } from '../values/cast.ts';
import { Decimal } from '../values/decimal.ts';
import { compareValues, equalValues, type SqlValue } from '../values/value.ts';
import type { Compiled, Evaluate, Expressions } from './typed.ts';

const operatorNames: Record<ComparisonOperator, string> = {
  '=': 'EQUAL',
  '<>': 'NOT_EQUAL',
  '<': 'LESS_THAN',
  '<=': 'LESS_THAN_OR_EQUAL',
  '>': 'GREATER_THAN',
  '>=': 'GREATER_THAN_OR_EQUAL',
  'IS DISTINCT FROM': 'IS_DISTINCT_FROM',
  'IS NOT DISTINCT FROM': 'IS_NOT_DISTINCT_FROM',
};

export function compileComparison(compiler: Expressions, e: Expression & { kind: 'comparison' }): Compiled {
  const left = compiler.compile(e.left);
  const right = compiler.compile(e.right);
  const distinct = e.op === 'IS DISTINCT FROM' || e.op === 'IS NOT DISTINCT FROM';
  if ((left.type === null || right.type === null) && !distinct)
    return refuse(`Comparison with NULL not supported: ${typeName(left.type)} ${e.op} ${typeName(right.type)}`);
  const common = commonType(left.type, right.type, e.op);
  if (common === undefined) {
    return refuse(
      `Cannot compare ${printExpression(e.left)} (${typeName(left.type)}) to ${printExpression(e.right)} (${typeName(right.type)}) with ${operatorNames[e.op]}.`,
    );
  }
  const a = as(left, common);
  const b = as(right, common);
  const same = equality(common);
  if (distinct) {
    const wanted = e.op === 'IS NOT DISTINCT FROM';
    return {
      type: BOOLEAN,
      evaluate: (row) => {
        const x = a(row);
        const y = b(row);
        return (x === null || y === null ? x === y : same(x, y)) === wanted;
      },
    };
  }
  const test = tests(same, e.op);
  return {
    type: BOOLEAN,
    evaluate: (row) => {
      const x = a(row);
      if (x === null) return false;
      const y = b(row);
      return y !== null && test(x, y);
    },
  };
}

function typeName(type: SqlType | null): string {
  return type === null ? 'NULL' : typeText(type);
}

/** The type in which two sides are compared; undefined when they can't be. */
function commonType(a: SqlType | null, b: SqlType | null, op: ComparisonOperator): SqlType | undefined {
  if (a === null || b === null) return a ?? b ?? STRING;
  const ordered = op === '<' || op === '<=' || op === '>' || op === '>=';
  if (isNumeric(a) && isNumeric(b)) {
    if (a.kind === b.kind && a.kind !== 'DECIMAL') return a;
    if (a.kind === 'DECIMAL' || b.kind === 'DECIMAL') return { kind: 'DECIMAL', precision: 1000, scale: -1 };
    return a.kind === 'DOUBLE' || b.kind === 'DOUBLE' ? { kind: 'DOUBLE' } : { kind: 'BIGINT' };
  }
  if (isTemporal(a) && b.kind === 'STRING') return a;
  if (isTemporal(b) && a.kind === 'STRING') return b;
  if ((a.kind === 'TIMESTAMP' && b.kind === 'DATE') || (a.kind === 'DATE' && b.kind === 'TIMESTAMP')) {
    return { kind: 'TIMESTAMP' };
  }
  if (!sameType(a, b)) return undefined;
  if (ordered && (a.kind === 'BOOLEAN' || a.kind === 'ARRAY' || a.kind === 'MAP' || a.kind === 'STRUCT'))
    return undefined;
  return a;
}

/** The operand in the type of the comparison. Decimals keep their own scale: they compare by value. */
function as(operand: Compiled, to: SqlType): Evaluate {
  const { type, evaluate, constant } = operand;
  if (type === null || type.kind === to.kind) return evaluate;
  const cast = to.kind === 'DECIMAL' ? decimalOf(type) : caster(type, to);
  if (cast === undefined) return evaluate;
  if (constant !== undefined && constant !== null) {
    const value = cast(constant);
    return () => value;
  }
  return (row) => {
    const value = evaluate(row);
    return value === null ? null : cast(value);
  };
}

function decimalOf(type: SqlType): (value: SqlValue) => SqlValue {
  return type.kind === 'DOUBLE'
    ? (value) => Decimal.ofDouble(value as number)
    : (value) => Decimal.ofInteger(value as number | bigint);
}

/** Equality of two non-null values of one type. */
export function equality(type: SqlType): (a: SqlValue, b: SqlValue) => boolean {
  switch (type.kind) {
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
