import { refuse } from '../errors.ts';
import {
  type FunctionBase,
  type Implementation,
  type OverloadBase,
  resolve,
  resultTypeOf,
} from '../functions/function.ts';
import { type ArgumentType, bind, instantiate, type Pattern } from '../functions/signature.ts';
import type { Call, Expression, TimeUnit } from '../parser/ast.ts';
import { timeUnit } from '../parser/build-expression.ts';
import { asDecimalType, type SqlType, STRING } from '../types.ts';
import { caster } from '../values/cast.ts';
import type { Row, SqlValue } from '../values/value.ts';
import type { Compiled, Expressions } from './typed.ts';
import { nullOnError } from './null-on-error.ts';

/** What an argument gives for a row: a value, or a lambda as a function. */
type Argument = (row: Row) => SqlValue | ((...args: SqlValue[]) => SqlValue);

const UNIT_WORDS = new Set(['DAY', 'HOUR', 'MINUTE', 'SECOND', 'MILLISECOND']);

/** A call of a scalar function. */
export function compileCall(compiler: Expressions, call: Call): Compiled {
  const declared = compiler.environment.functions.get(call.name);
  if (declared.kind === 'aggregate')
    return refuse(`Aggregate functions can only stand in SELECT and HAVING: ${call.name}`);
  if (declared.kind === 'table') return refuse(`Table functions can only stand in SELECT: ${call.name}`);
  const { types, patterns, args, result, overload } = resolveCall(compiler, call, declared);
  const implementation = overload.make(types, result);
  return { type: result, evaluate: invoke(implementation, args, overload.takesNulls, patterns) };
}

/** A call of a table function: the values of one new column, row by row. */
export function compileTableCall(
  compiler: Expressions,
  call: Call,
): { type: SqlType; rows: (row: Row) => readonly SqlValue[] } {
  const declared = compiler.environment.functions.get(call.name);
  if (declared.kind !== 'table') return refuse(`${call.name} is not a table function`);
  const { types, args, result, overload } = resolveCall(compiler, call, declared);
  const implementation = overload.make(types, result) as (...values: unknown[]) => readonly SqlValue[];
  return { type: result, rows: (row) => implementation(...args.map((arg) => arg(row))) };
}

/** Finds the overload and compiles the arguments, widened to what it takes. */
function resolveCall<O extends OverloadBase>(
  compiler: Expressions,
  call: Call,
  declared: FunctionBase<O> & { readonly kind: string },
) {
  const given = call.star === true ? [] : call.args.map((arg) => asArgument(compiler, declared, arg));
  const argumentTypes = given.map(({ type }) => type);
  const resolved = resolve(declared, argumentTypes);
  const { bindings, parameters } = resolved;
  const types: SqlType[] = [];
  const args: Argument[] = given.map((arg, i) => {
    const pattern = parameters[i]!;
    if (arg.lambda !== undefined && pattern.kind === 'lambda') {
      const parameterTypes = pattern.parameters.map((parameter) => instantiate(parameter, bindings) ?? null);
      const body = compiler.compileLambda(arg.lambda.parameters, parameterTypes, arg.lambda.body);
      if (body.type !== null) bind(pattern.result, body.type, bindings);
      types.push(body.type ?? STRING);
      return body.bindRow;
    }
    const type = arg.compiled === undefined ? STRING : arg.compiled.type;
    const wanted = wantedType(pattern, type, bindings);
    types.push(wanted ?? type ?? STRING);
    if (arg.compiled === undefined) return () => arg.unit!;
    const evaluate = declared.kind === 'table' ? arg.compiled.evaluate : nullOnError(arg.compiled.evaluate);
    if (wanted === undefined || type === null) return evaluate;
    const cast = caster(type, wanted);
    if (cast === undefined) return evaluate;
    return (row) => {
      const value = evaluate(row);
      return value === null ? null : cast(value);
    };
  });
  const plain = argumentTypes.map((type, i) => (type === null ? null : types[i]!));
  const result = resultTypeOf(declared, resolved, plain);
  return { types, patterns: parameters, args, result, overload: resolved.overload };
}

interface Given {
  readonly type: ArgumentType;
  readonly compiled?: Compiled;
  readonly lambda?: { readonly parameters: readonly string[]; readonly body: Expression };
  readonly unit?: TimeUnit;
}

function asArgument(compiler: Expressions, declared: FunctionBase<OverloadBase>, ast: Expression): Given {
  if (ast.kind === 'lambda') return { type: { kind: 'LAMBDA', arity: ast.parameters.length }, lambda: ast };
  if (ast.kind === 'unit') return { type: { kind: 'UNIT' }, unit: ast.unit };
  if (ast.kind === 'column' && ast.source === undefined && UNIT_WORDS.has(ast.name) && !compiler.hasColumn(ast.name)) {
    const takesUnit = declared.overloads.some((overload) =>
      overload.signature.parameters.some((p) => p.kind === 'unit'),
    );
    if (takesUnit) return { type: { kind: 'UNIT' }, unit: timeUnit(ast.name) };
  }
  const compiled = compiler.compile(ast);
  return { type: compiled.type, compiled };
}

/** The type that an argument must be widened to; undefined when it stays as it is. */
export function wantedType(
  pattern: Pattern,
  type: SqlType | null,
  bindings: ReadonlyMap<string, SqlType>,
): SqlType | undefined {
  if (pattern.kind === 'exact') return pattern.type;
  if (pattern.kind === 'decimal') return type === null ? undefined : asDecimalType(type);
  if (pattern.kind === 'variable') return bindings.get(pattern.name);
  return undefined;
}

function invoke(
  implementation: Implementation,
  args: readonly Argument[],
  takesNulls: boolean,
  patterns: readonly Pattern[],
): (row: Row) => SqlValue {
  const call = implementation as (...values: unknown[]) => SqlValue;
  const [first, second] = args;
  if (first === undefined) return () => call() ?? null;
  if (second === undefined && patterns.length === 1) {
    if (takesNulls) return (row) => call(first(row)) ?? null;
    return (row) => {
      const value = first(row);
      return value === null ? null : (call(value) ?? null);
    };
  }
  if (args.length === 2 && !takesNulls && second !== undefined) {
    return (row) => {
      const a = first(row);
      if (a === null) return null;
      const b = second(row);
      return b === null ? null : (call(a, b) ?? null);
    };
  }
  return (row) => {
    const values: unknown[] = [];
    for (const arg of args) {
      const value = arg(row);
      if (value === null && !takesNulls) return null;
      values.push(value);
    }
    return call(...values) ?? null;
  };
}
