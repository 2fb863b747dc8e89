import { refuse } from '../../errors.ts';
import type { ComparisonOperator, Expression } from '../../parser/ast.ts';
import { printExpression } from '../../parser/print.ts';
import {
  asDecimalType,
  BIGINT,
  BOOLEAN,
  decimalType,
  DOUBLE,
  isNumeric,
  isTemporal,
  type SqlType,
  STRING,
  sameType,
  TIMESTAMP,
  typeText,
} from '../../types.ts';
import { exactDecimal } from '../../values/cast.ts';
import type { Comparison, TypedExpression } from '../typed.ts';
import type { Binding } from './binding.ts';
import { converted } from './casts.ts';

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

export function bindComparison(binding: Binding, e: Expression & { kind: 'comparison' }): Comparison {
  const left = binding.bind(e.left);
  const right = binding.bind(e.right);
  const distinct = e.op === 'IS DISTINCT FROM' || e.op === 'IS NOT DISTINCT FROM';
  if ((left.type === null || right.type === null) && !distinct)
    return refuse(
      `Comparison with NULL not supported: ${typeName(left.type)} ${e.op} ${typeName(right.type)}\nUse 'IS NULL' or 'IS NOT NULL' instead.`,
    );
  const common = commonType(left.type, right.type, e.op);
  if (common === undefined) {
    return refuse(
      `Cannot compare ${printExpression(e.left)} (${typeName(left.type)}) to ${printExpression(e.right)} (${typeName(right.type)}) with ${operatorNames[e.op]}.`,
    );
  }
  return { kind: 'comparison', op: e.op, left: as(left, common), right: as(right, common), type: BOOLEAN };
}

function typeName(type: SqlType | null): string {
  return type === null ? 'NULL' : typeText(type);
}

/** Decimals with room for every digit that a double may have. */
const EXACT = decimalType(649, 340);

/** The type in which two sides are compared; undefined when they can't be. */
function commonType(a: SqlType | null, b: SqlType | null, op: ComparisonOperator): SqlType | undefined {
  if (a === null || b === null) return a ?? b ?? STRING;
  const ordered = op === '<' || op === '<=' || op === '>' || op === '>=';
  if (isNumeric(a) && isNumeric(b)) {
    if (a.kind === b.kind && a.kind !== 'DECIMAL') return a;
    if (a.kind === 'DECIMAL' || b.kind === 'DECIMAL') return EXACT;
    return a.kind === 'DOUBLE' || b.kind === 'DOUBLE' ? DOUBLE : BIGINT;
  }
  if (isTemporal(a) && b.kind === 'STRING') return a;
  if (isTemporal(b) && a.kind === 'STRING') return b;
  if ((a.kind === 'TIMESTAMP' && b.kind === 'DATE') || (a.kind === 'DATE' && b.kind === 'TIMESTAMP')) {
    return TIMESTAMP;
  }
  if (!sameType(a, b)) return undefined;
  if (ordered && (a.kind === 'BOOLEAN' || a.kind === 'ARRAY' || a.kind === 'MAP' || a.kind === 'STRUCT'))
    return undefined;
  return a;
}

/** The operand in the type of the comparison. Decimals keep their own scale: they compare by value. */
function as(operand: TypedExpression, to: SqlType): TypedExpression {
  const { type } = operand;
  if (type === null || type.kind === to.kind) return operand;
  if (to.kind !== 'DECIMAL') return converted(operand, to);
  const exactType = type.kind === 'DOUBLE' ? EXACT : asDecimalType(type);
  if (operand.kind === 'literal' && operand.value !== null)
    return { kind: 'literal', type: exactType, value: exactDecimal(type)(operand.value) };
  return { kind: 'exactDecimal', operand, type: exactType };
}
