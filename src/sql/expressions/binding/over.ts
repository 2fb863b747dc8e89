// LAG and LEAD: which value of which row, and what stands for it where there is no such row.
import { refuse } from '../../errors.ts';
import { resolve, resultTypeOf } from '../../functions/function.ts';
import type { Call } from '../../parser/ast.ts';
import { printExpression } from '../../parser/print.ts';
import type { OverCall } from '../typed.ts';
import type { Binding } from './binding.ts';
import { valueTakenAs } from './call.ts';

/** How far away the other row may be: as many rows are kept per partition. */
export const DISTANCE_MAX = 1000;

export function bindOverCall(binding: Binding, call: Call): OverCall {
  const declared = binding.environment.functions.get(call.name);
  if (declared.kind !== 'window' || (declared.name !== 'LAG' && declared.name !== 'LEAD'))
    return refuse(`${printExpression(call)}: only LAG, LEAD and ROW_NUMBER go over the rows beside their own.`);
  if (call.filter !== undefined || call.distinct === true)
    refuse(`${printExpression(call)}: FILTER and DISTINCT choose the rows of an aggregate, and ${call.name} is none.`);
  const given = call.args.map((arg) => binding.bind(arg));
  const resolved = resolve(
    declared,
    given.map(({ type }) => type),
  );
  const taken = given.map((arg, i) => valueTakenAs(resolved.parameters[i]!, arg, resolved.bindings));
  const type = resultTypeOf(
    declared,
    resolved,
    taken.map((arg) => arg.type),
  );
  const [value, , otherwise] = taken.map(({ arg }) => arg);
  const distance = given[1] === undefined ? 1 : given[1].kind === 'literal' ? Number(given[1].value) : 0;
  if (distance < 1 || distance > DISTANCE_MAX)
    refuse(`${printExpression(call)}: how many rows away is a number from 1 to ${DISTANCE_MAX}.`);
  return { kind: 'overCall', function: declared.name, value: value!, distance, otherwise, type };
}
