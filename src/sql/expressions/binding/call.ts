// Calls: which overload is meant, and its arguments, cast to what it takes.
import { assert } from '../../../util/index.ts';
import { refuse } from '../../errors.ts';
import { type FunctionBase, type OverloadBase, resolve, resultTypeOf } from '../../functions/function.ts';
import { type ArgumentType, type Bindings, bind, instantiate, type Pattern } from '../../functions/signature.ts';
import type { Call, Expression } from '../../parser/ast.ts';
import { printExpression } from '../../parser/print.ts';
import { timeUnit } from '../../parser/build-expression.ts';
import { asDecimalType, type SqlType, STRING } from '../../types.ts';
import type { Argument, ResolvedFunction, ScalarCall, TableCall, TypedExpression } from '../typed.ts';
import type { Binding } from './binding.ts';
import { castTo } from './casts.ts';

const UNIT_WORDS = new Set(['DAY', 'HOUR', 'MINUTE', 'SECOND', 'MILLISECOND']);

/** A call of a scalar function. */
export function bindCall(binding: Binding, call: Call): TypedExpression {
  if (call.filter !== undefined)
    refuse(`${printExpression(call)}: FILTER chooses the rows of an aggregate, and ${call.name} is none here.`);
  if (call.over !== undefined)
    refuse(`${printExpression(call)}: OVER stands in the SELECT of a query over a stream, and in no other place.`);
  if (call.distinct === true)
    refuse(`${printExpression(call)}: DISTINCT is said to an aggregate, and ${call.name} is none here.`);
  const declared = binding.environment.functions.get(call.name);
  if (declared.kind === 'aggregate')
    return refuse(`Aggregate functions can only stand in SELECT and HAVING: ${call.name}`);
  if (declared.kind === 'table') return refuse(`Table functions can only stand in SELECT: ${call.name}`);
  if (declared.kind === 'window')
    return refuse(`${printExpression(call)}: ${call.name} needs the rows that it goes over: OVER (PARTITION BY …).`);
  const resolved = resolveCall(binding, call, declared);
  if (binding.environment.functions.isAwaited(call.name, resolved.signature))
    return refuse(`Functions that are waited for can only stand in SELECT: ${call.name}`);
  return { kind: 'call', ...resolved };
}

/** A call of a function that is waited for; undefined for one whose overload is not. */
export function bindAwaitedCall(binding: Binding, call: Call): ScalarCall | undefined {
  const { functions } = binding.environment;
  const declared = functions.get(call.name);
  if (declared.kind !== 'scalar') return undefined;
  const resolved = resolveCall(binding, call, declared);
  return functions.isAwaited(call.name, resolved.signature) ? { kind: 'call', ...resolved } : undefined;
}

/** A call of a table function: the values of one new column, row by row. */
export function bindTableCall(binding: Binding, call: Call): TableCall {
  const declared = binding.environment.functions.get(call.name);
  if (declared.kind !== 'table') return refuse(`${call.name} is not a table function`);
  return { kind: 'tableCall', ...resolveCall(binding, call, declared) };
}

/** Finds the overload. Lambdas are bound once the arguments before them have said what their parameters are. */
function resolveCall<O extends OverloadBase>(
  binding: Binding,
  call: Call,
  declared: FunctionBase<O>,
): ResolvedFunction & { readonly type: SqlType } {
  const given = call.star === true ? [] : call.args.map((arg) => asGiven(binding, declared, arg));
  const resolved = resolve(declared, given.map(argumentType));
  const { bindings, parameters, overload } = resolved;
  const taken = given.map((arg, i) => takenAs(binding, parameters[i]!, arg, bindings));
  const known = taken.map(({ type }, i) => (argumentType(given[i]!) === null ? null : type));
  return {
    function: declared.name,
    signature: overload.signature.text,
    ...(overload.module === undefined ? {} : { module: overload.module }),
    argumentTypes: taken.map(({ type }) => type),
    args: taken.map(({ arg }) => arg),
    type: resultTypeOf(declared, resolved, known),
  };
}

/** An argument before its overload is known. */
type Given =
  | TypedExpression
  | Extract<Argument, { kind: 'unit' }>
  | { readonly kind: 'written'; readonly lambda: Expression & { kind: 'lambda' } };

function argumentType(arg: Given): ArgumentType {
  if (arg.kind === 'written') return { kind: 'LAMBDA', arity: arg.lambda.parameters.length };
  return arg.kind === 'unit' ? { kind: 'UNIT' } : arg.type;
}

function asGiven(binding: Binding, declared: FunctionBase<OverloadBase>, ast: Expression): Given {
  if (ast.kind === 'lambda') return { kind: 'written', lambda: ast };
  if (ast.kind === 'unit') return { kind: 'unit', unit: ast.unit };
  if (ast.kind === 'column' && ast.source === undefined && UNIT_WORDS.has(ast.name) && !binding.hasColumn(ast.name)) {
    const takesUnit = declared.overloads.some((overload) =>
      overload.signature.parameters.some((p) => p.kind === 'unit'),
    );
    if (takesUnit) return { kind: 'unit', unit: timeUnit(ast.name) };
  }
  return binding.bind(ast);
}

/** An argument as a parameter takes it, and the type that the overload is made for. */
function takenAs(
  binding: Binding,
  pattern: Pattern,
  given: Given,
  bindings: Bindings,
): { readonly arg: Argument; readonly type: SqlType } {
  if (given.kind === 'unit') return { arg: given, type: STRING };
  if (given.kind !== 'written') return valueTakenAs(pattern, given, bindings);
  assert(pattern.kind === 'lambda', 'only parameters that are functions take lambdas');
  const parameterTypes = pattern.parameters.map((parameter) => instantiate(parameter, bindings) ?? null);
  const arg = binding.bindLambda(given.lambda, parameterTypes);
  const { type } = arg.body;
  if (type !== null) bind(pattern.result, type, bindings);
  return { arg, type: type ?? STRING };
}

/** The same of an argument that is a value. */
export function valueTakenAs(
  pattern: Pattern,
  arg: TypedExpression,
  bindings: Bindings,
): { readonly arg: TypedExpression; readonly type: SqlType } {
  const wanted = wantedType(pattern, arg.type, bindings);
  return wanted === undefined ? { arg, type: arg.type ?? STRING } : { arg: castTo(arg, wanted), type: wanted };
}

/** The type that an argument must have; undefined when it stays as it is. */
function wantedType(pattern: Pattern, type: SqlType | null, bindings: Bindings): SqlType | undefined {
  switch (pattern.kind) {
    case 'exact':
      return pattern.type;
    case 'decimal':
      return type === null ? undefined : asDecimalType(type);
    case 'variable':
      return bindings.get(pattern.name);
    default:
      return undefined;
  }
}
