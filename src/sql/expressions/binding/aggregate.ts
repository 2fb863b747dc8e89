import { refuse } from '../../errors.ts';
import { type FunctionSettings, resolve } from '../../functions/function.ts';
import type { Call, Expression } from '../../parser/ast.ts';
import { printExpression } from '../../parser/print.ts';
import { typeText } from '../../types.ts';
import { caster } from '../../values/cast.ts';
import type { SqlValue } from '../../values/value.ts';
import type { AggregateCall, TypedExpression } from '../typed.ts';
import type { Binding } from './binding.ts';
import { valueTakenAs } from './call.ts';

/** A call of an aggregate, over a stream's rows or a table's. `settings` are those that its function may have. */
export function bindAggregate(
  binding: Binding,
  call: Call,
  settings: FunctionSettings,
  overTable: boolean,
): AggregateCall {
  const declared = binding.environment.functions.get(call.name);
  if (declared.kind !== 'aggregate') return refuse(`${call.name} is not an aggregate function`);
  if (call.over !== undefined)
    return refuse(`${printExpression(call)}: only LAG, LEAD and ROW_NUMBER go over the rows beside their own.`);
  const given = call.args.map((arg) => binding.bind(arg));
  const isDistinct = call.distinct === true;
  const { overloads, overTables } = isDistinct ? (declared.distinct ?? refuseDistinct(call)) : declared;
  const { overload, parameters, bindings } = resolve(
    { ...declared, overloads: overTable ? overTables : overloads },
    given.map(({ type }) => type),
  );
  const taken = given.map((arg, i) => valueTakenAs(parameters[i]!, arg, bindings));
  const argumentTypes = taken.map(({ type }) => type);
  const firstLiteral = given.length - overload.literals;
  const literals = given.slice(firstLiteral).map((arg, i): SqlValue => {
    if (arg.kind !== 'literal') {
      const at = firstLiteral + i;
      return refuse(
        `Parameter ${at + 1} passed to function ${call.name} must be a literal constant, but was expression: '${printExpression(call.args[at]!)}'`,
      );
    }
    const cast = arg.type === null ? undefined : caster(arg.type, argumentTypes[firstLiteral + i]!);
    return arg.value === null || cast === undefined ? arg.value : cast(arg.value);
  });
  // What an aggregate keeps and gives may hang on its literals: it is made once to know.
  const { resultType, stateType, undo } = overload.create(argumentTypes, literals, settings);
  return {
    kind: 'aggregateCall',
    function: declared.name,
    signature: overload.signature.text,
    ...(overload.module === undefined ? {} : { module: overload.module }),
    argumentTypes,
    args: taken.slice(0, firstLiteral).map(({ arg }) => arg),
    filter: call.filter && conditionOf(binding, call.filter),
    overTable,
    isDistinct,
    literals,
    type: resultType,
    stateType,
    takesBack: undo !== undefined,
  };
}

function refuseDistinct(call: Call): never {
  return refuse(`${printExpression(call)}: only COUNT can leave out what it has seen already.`);
}

function conditionOf(binding: Binding, filter: Expression): TypedExpression {
  const bound = binding.bind(filter);
  if (bound.type?.kind === 'BOOLEAN') return bound;
  const shown = bound.type === null ? 'null' : typeText(bound.type);
  return refuse(`FILTER (WHERE ${printExpression(filter)}): it should be a boolean, and is ${shown}.`);
}
