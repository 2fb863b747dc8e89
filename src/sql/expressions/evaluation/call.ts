// Calls of functions as closures: the overload made for its arguments' types, and the arguments' values.
import { assert } from '../../../util/index.ts';
import type {
  AggregateOverload,
  Aggregator,
  FunctionCatalog,
  FunctionSettings,
  OverloadBase,
  ScalarOverload,
  TableOverload,
} from '../../functions/function.ts';
import { moduleOverload } from '../../functions/user-defined.ts';
import type { Row, SqlValue } from '../../values/value.ts';
import type { AggregateCall, ResolvedFunction } from '../typed.ts';
import type { Evaluate } from './evaluate.ts';

/** What an argument gives for a row: a value, a lambda as a function, or a time unit. */
export type ArgumentValue = (row: Row) => SqlValue | ((...args: SqlValue[]) => SqlValue);

interface Overloads {
  readonly scalar: ScalarOverload;
  readonly aggregate: AggregateOverload;
  readonly table: TableOverload;
}

/** The overload that a call was bound to. */
export function overloadOf<K extends keyof Overloads>(
  functions: FunctionCatalog,
  kind: K,
  { function: name, signature, module }: ResolvedFunction,
): Overloads[K] {
  if (module !== undefined) {
    const { kind: loaded, overload } = moduleOverload(functions.modules, { name, text: signature, module });
    assert(loaded === kind, `${name} is the kind of function that it was when the expression was bound`);
    return overload as Overloads[K];
  }
  const declared = functions.find(name);
  return overloadIn<OverloadBase>(declared?.kind === kind ? declared.overloads : [], name, signature) as Overloads[K];
}

function overloadIn<O extends OverloadBase>(overloads: readonly O[], name: string, signature: string): O {
  const found = overloads.find((overload) => overload.signature.text === signature);
  assert(found !== undefined, `${name}(${signature}) is there as it was when the expression was bound`);
  return found;
}

/** The running state behind an aggregate. */
export function aggregatorOf(functions: FunctionCatalog, call: AggregateCall, settings: FunctionSettings): Aggregator {
  return aggregateOverload(functions, call).create(call.argumentTypes, call.literals, settings, functions.policy);
}

function aggregateOverload(functions: FunctionCatalog, call: AggregateCall): AggregateOverload {
  const declared = functions.find(call.function);
  // Those of modules are the same over streams and tables.
  if (call.module !== undefined || declared?.kind !== 'aggregate') return overloadOf(functions, 'aggregate', call);
  const { overloads, overTables } = (call.isDistinct ? declared.distinct : undefined) ?? declared;
  return overloadIn(call.overTable ? overTables : overloads, call.function, call.signature);
}

/** Calls an implementation with its arguments; a null among them is the result unless it takes nulls. */
export function invoke(implementation: unknown, args: readonly ArgumentValue[], takesNulls: boolean): Evaluate {
  const call = implementation as (...values: unknown[]) => SqlValue;
  const [first, second] = args;
  if (first === undefined) return () => call() ?? null;
  if (second === undefined) {
    if (takesNulls) return (row) => call(first(row)) ?? null;
    return (row) => {
      const value = first(row);
      return value === null ? null : (call(value) ?? null);
    };
  }
  if (args.length === 2 && !takesNulls) {
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
