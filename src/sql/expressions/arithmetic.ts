import { StatementError } from '../errors.ts';
import type { ArithmeticOperator, Expression } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import {
  asDecimalType,
  type DecimalType,
  decimalType,
  isNumeric,
  type SqlType,
  STRING,
  widerNumber,
} from '../types.ts';
import { addLong, divideLong, type Long, multiplyLong, remainderLong, subtractLong } from '../values/bigint.ts';
import { caster } from '../values/cast.ts';
import type { Decimal } from '../values/decimal.ts';
import type { SqlValue } from '../values/value.ts';
import type { Compiled } from './typed.ts';

/**
 * `a + b` and its sisters: the result's type follows from the operands' types alone.
 * `strict`: a null operand fails the expression instead of making it null; so it is inside lambdas.
 */
export function arithmetic(
  e: Expression & { kind: 'arithmetic' },
  left: Compiled,
  right: Compiled,
  strict: boolean,
): Compiled {
  const compiled = plainArithmetic(e, left, right);
  if (!strict) return compiled;
  return {
    type: compiled.type,
    evaluate: (row) => {
      const value = compiled.evaluate(row);
      if (value === null) throw new RangeError(`an operand of ${printExpression(e)} is null`);
      return value;
    },
  };
}

function plainArithmetic(e: Expression & { kind: 'arithmetic' }, left: Compiled, right: Compiled): Compiled {
  if (left.type?.kind === 'STRING' && right.type?.kind === 'STRING' && e.op === '+') {
    return binary(STRING, left, right, (a, b) => (a as string) + (b as string));
  }
  if (left.type === null || right.type === null || !isNumeric(left.type) || !isNumeric(right.type)) {
    const kind = (type: SqlType | null): string => type?.kind ?? 'null';
    throw new StatementError(
      `Error processing expression: ${printExpression(e)}. Unsupported arithmetic types. ${kind(left.type)} ${kind(right.type)}`,
    );
  }
  const wider = widerNumber(left.type, right.type);
  switch (wider.kind) {
    case 'DOUBLE':
      return binary(wider, converted(left, wider), converted(right, wider), doubles[e.op] as Operation);
    case 'DECIMAL': {
      const a = asDecimalType(left.type);
      const b = asDecimalType(right.type);
      const result = decimalResult(e.op, a, b);
      return binary(result, converted(left, a), converted(right, b), decimals(e.op, result));
    }
    case 'BIGINT':
      return binary(wider, left, right, longs[e.op] as Operation);
    default:
      return binary(wider, left, right, integers[e.op] as Operation);
  }
}

type Operation = (a: SqlValue, b: SqlValue) => SqlValue;

const doubles: Record<ArithmeticOperator, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
};

const longs: Record<ArithmeticOperator, (a: Long, b: Long) => Long> = {
  '+': addLong,
  '-': subtractLong,
  '*': multiplyLong,
  '/': divideLong,
  '%': remainderLong,
};

const integers: Record<ArithmeticOperator, (a: number, b: number) => number> = {
  '+': (a, b) => (a + b) | 0,
  '-': (a, b) => (a - b) | 0,
  '*': (a, b) => Math.imul(a, b),
  '/': (a, b) => {
    if (b === 0) throw new RangeError('/ by zero');
    return (a / b) | 0;
  },
  '%': (a, b) => {
    if (b === 0) throw new RangeError('/ by zero');
    return (a % b) | 0;
  },
};

function decimals(op: ArithmeticOperator, to: DecimalType): Operation {
  const apply: Record<ArithmeticOperator, (a: Decimal, b: Decimal) => Decimal> = {
    '+': (a, b) => a.add(b),
    '-': (a, b) => a.subtract(b),
    '*': (a, b) => a.multiply(b),
    '/': (a, b) => a.divide(b, to.scale),
    '%': (a, b) => a.remainder(b),
  };
  const operation = apply[op];
  return (a, b) => operation(a as Decimal, b as Decimal).rescale(to.scale);
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

function converted(operand: Compiled, to: SqlType): Compiled {
  const cast = operand.type === null ? undefined : caster(operand.type, to);
  if (cast === undefined || operand.type === to) return operand;
  const { evaluate } = operand;
  return {
    type: to,
    evaluate: (row) => {
      const value = evaluate(row);
      return value === null ? null : cast(value);
    },
  };
}

function binary(type: SqlType, left: Compiled, right: Compiled, apply: Operation): Compiled {
  const a = left.evaluate;
  const b = right.evaluate;
  return {
    type,
    evaluate: (row) => {
      const x = a(row);
      if (x === null) return null;
      const y = b(row);
      return y === null ? null : apply(x, y);
    },
  };
}
