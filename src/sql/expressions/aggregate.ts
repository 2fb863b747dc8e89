import { refuse } from '../errors.ts';
import { type Aggregator, type FunctionSettings, resolve } from '../functions/function.ts';
import type { ArgumentType } from '../functions/signature.ts';
import type { Call } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import { STRING } from '../types.ts';
import { caster } from '../values/cast.ts';
import type { SqlValue } from '../values/value.ts';
import { wantedType } from './call.ts';
import type { Evaluate, Expressions } from './typed.ts';

/** One aggregate of a query: its running state, and how a row's arguments for it are found. */
export interface CompiledAggregate {
  readonly aggregator: Aggregator;
  readonly args: readonly Evaluate[];
}

export function compileAggregate(compiler: Expressions, call: Call, settings: FunctionSettings): CompiledAggregate {
  const declared = compiler.environment.functions.get(call.name);
  if (declared.kind !== 'aggregate') return refuse(`${call.name} is not an aggregate function`);
  const compiled = call.args.map((arg) => compiler.compile(arg));
  const resolved = resolve(
    declared,
    compiled.map(({ type }): ArgumentType => type),
  );
  const { overload, parameters, bindings } = resolved;
  const firstLiteral = compiled.length - overload.literals;
  const literals: SqlValue[] = [];
  const args: Evaluate[] = [];
  const types = compiled.map(({ type, evaluate, constant }, i) => {
    const wanted = wantedType(parameters[i]!, type, bindings);
    const cast = wanted === undefined || type === null ? undefined : caster(type, wanted);
    const convert = (value: SqlValue): SqlValue => (value === null || cast === undefined ? value : cast(value));
    if (i >= firstLiteral) {
      if (constant === undefined) {
        refuse(
          `Parameter ${i + 1} passed to function ${call.name} must be a literal constant, but was expression: '${printExpression(call.args[i]!)}'`,
        );
      }
      literals.push(convert(constant ?? null));
    } else {
      args.push(cast === undefined ? evaluate : (row) => convert(evaluate(row)));
    }
    return wanted ?? type ?? STRING;
  });
  return { aggregator: overload.create(types, literals, settings), args };
}
