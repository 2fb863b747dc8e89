import { assert, type Decimal } from '../../../util/index.ts';
import type { ArithmeticOperator } from '../../parser/ast.ts';
import type { DecimalType } from '../../types.ts';
import { addLong, divideLong, type Long, multiplyLong, remainderLong, subtractLong } from '../../values/bigint.ts';
import type { SqlValue } from '../../values/value.ts';
import type { Arithmetic } from '../typed.ts';
import type { Evaluate } from './evaluate.ts';

/** Null when an operand is, unless that fails it. */
export function evaluateArithmetic({ op, type, failsOnNull }: Arithmetic, left: Evaluate, right: Evaluate): Evaluate {
  const apply = operation(op, type);
  if (failsOnNull === undefined) {
    return (row) => {
      const a = left(row);
      if (a === null) return null;
      const b = right(row);
      return b === null ? null : apply(a, b);
    };
  }
  return (row) => {
    const a = left(row);
    const b = a === null ? null : right(row);
    if (a === null || b === null) throw new RangeError(`an operand of ${failsOnNull} is null`);
    return apply(a, b);
  };
}

function operation(op: ArithmeticOperator, type: Arithmetic['type']): Operation {
  switch (type.kind) {
    case 'STRING':
      return (a, b) => (a as string) + (b as string);
    case 'DOUBLE':
      return doubles[op] as Operation;
    case 'DECIMAL':
      return decimals(op, type);
    case 'BIGINT':
      return longs[op] as Operation;
    default:
      assert(type.kind === 'INTEGER', 'arithmetic is on numbers and texts');
      return integers[op] as Operation;
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
