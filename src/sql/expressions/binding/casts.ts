// Casts that nobody wrote.
import { assert } from '../../../util/index.ts';
import { type SqlType, sameType, typeText } from '../../types.ts';
import { caster } from '../../values/cast.ts';
import type { TypedExpression } from '../typed.ts';

/** The expression in another type, cast row by row. NULL is of any type as it is. */
export function castTo(operand: TypedExpression, to: SqlType): TypedExpression {
  if (operand.type === null || sameType(operand.type, to)) return operand;
  return { kind: 'cast', operand, type: to, implicit: true };
}

/** The same; a literal becomes one of the other type at once, and throws when it has no value there. */
export function converted(operand: TypedExpression, to: SqlType): TypedExpression {
  const { type } = operand;
  if (operand.kind !== 'literal' || type === null || operand.value === null) return castTo(operand, to);
  const cast = caster(type, to);
  assert(cast !== undefined, `${typeText(type)} adapts to ${typeText(to)}`);
  return { kind: 'literal', type: to, value: cast(operand.value) };
}
