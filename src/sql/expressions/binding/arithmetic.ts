import { StatementError } from '../../errors.ts';
import type { ArithmeticOperator, Expression } from '../../parser/ast.ts';
import { printExpression } from '../../parser/print.ts';
import {
  asDecimalType,
  type DecimalType,
  decimalType,
  isNumeric,
  type SqlType,
  STRING,
  widerNumber,
  typeText,
} from '../../types.ts';
import type { Arithmetic, TypedExpression } from '../typed.ts';
import { converted } from './casts.ts';

/** `a + b` and its sisters: the result's type follows from the operands' types alone. */
export function bindArithmetic(
  e: Expression & { kind: 'arithmetic' },
  left: TypedExpression,
  right: TypedExpression,
  inLambda: boolean,
): Arithmetic {
  const { op } = e;
  const node = (type: SqlType, a: TypedExpression, b: TypedExpression): Arithmetic => ({
    kind: 'arithmetic',
    op,
    left: a,
    right: b,
    type,
    failsOnNull: inLambda ? printExpression(e) : undefined,
  });
  if (left.type?.kind === 'STRING' && right.type?.kind === 'STRING' && op === '+') return node(STRING, left, right);
  if (left.type === null || right.type === null || !isNumeric(left.type) || !isNumeric(right.type)) {
    if (left.type === null || right.type === null) {
      const text = (type: SqlType | null): string => (type === null ? 'null' : typeText(type));
      throw new StatementError(
        `Error processing expression: ${printExpression(e)}. Arithmetic on types ${text(left.type)} and ${text(right.type)} are not supported.`,
      );
    }
    throw new StatementError(
      `Error processing expression: ${printExpression(e)}. Unsupported arithmetic types. ${left.type.kind} ${right.type.kind}`,
    );
  }
  const wider = widerNumber(left.type, right.type);
  if (wider.kind !== 'DECIMAL') return node(wider, converted(left, wider), converted(right, wider));
  // Decimals keep their own scales: the result's has room for both.
  const a = asDecimalType(left.type);
  const b = asDecimalType(right.type);
  return node(decimalResult(op, a, b), converted(left, a), converted(right, b));
}

function decimalResult(op: ArithmeticOperator, a: DecimalType, b: DecimalType): DecimalType {
  const scale = Math.max(a.scale, b.scale);
  switch (op) {
    case '+':
    case '-':
      return decimalType(scale + Math.max(a.precision - a.scale, b.precision - b.scale) + 1, scale);
    case '*':
      return decimalType(a.precision + b.precision + 1, a.scale + b.scale);
    case '/': {
      const quotientScale = Math.max(6, a.scale + b.precision + 1);
      return decimalType(a.precision - a.scale + b.scale + quotientScale, quotientScale);
    }
    default:
      return decimalType(Math.min(a.precision - a.scale, b.precision - b.scale) + scale, scale);
  }
}
