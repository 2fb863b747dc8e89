// What a module exports as a function of SQL: its overload, whose values are converted on the way in and out, and whose calls
// are watched.
import {
  type AggregateDefinition,
  type AsyncDefinition,
  definitionKindOf,
  type FunctionCall,
  type ScalarDefinition,
  type TableDefinition,
} from '../../sql-api/index.ts';
import { assert, MillraceError } from '../../util/index.ts';
import type { SqlType } from '../types.ts';
import type { SqlValue } from '../values/value.ts';
import { fromCode, toCode } from './conversion.ts';
import {
  type AggregateOverload,
  type Aggregator,
  type CallPolicy,
  FunctionFailure,
  type OverloadBase,
  type ScalarOverload,
  type SqlFunction,
  type TableOverload,
} from './function.ts';
import type { FunctionModules, ModuleExport } from './modules.ts';
import {
  type Bindings,
  bind,
  instantiate,
  parametersFor,
  type Pattern,
  type Signature,
  signature,
} from './signature.ts';
import { withinLimit } from './watch.ts';

/** A function that can't be what it is said to be. */
export class InvalidFunction extends MillraceError {
  constructor(message: string) {
    super('FUNCTION_INVALID', message);
  }
}

export type UserOverload =
  | { readonly kind: 'scalar'; readonly overload: ScalarOverload }
  | { readonly kind: 'aggregate'; readonly overload: AggregateOverload }
  | { readonly kind: 'table'; readonly overload: TableOverload };

/** What all definitions have, as they are when nobody has checked their types. */
interface AnyDefinition {
  readonly name?: string;
  readonly description?: string;
  readonly args?: readonly string[];
  readonly returns?: string;
  readonly takesNulls?: boolean;
  readonly dependsOnOrder?: boolean;
}

/** The signature that a definition declares itself. */
export function declaredSignature(definition: AnyDefinition): string {
  const { args, returns } = definition;
  if (!Array.isArray(args) || typeof returns !== 'string') throw new InvalidFunction('it needs "args" and "returns"');
  return `${args.join(', ')} -> ${returns}`;
}

export function definitionOf(exported: unknown): AnyDefinition {
  return typeof exported === 'object' && exported !== null ? (exported as AnyDefinition) : {};
}

/** The overload that an exported value is, with a signature. A plain function is a scalar. Throws `FUNCTION_INVALID`. */
export function userOverload(name: string, exported: unknown, text: string, module: ModuleExport): UserOverload {
  const takesNulls = definitionOf(exported).takesNulls === true;
  const checked = checkedSignature(text);
  const base = { signature: checked, module };
  if (typeof exported === 'function') {
    const evaluate = exported as Evaluate;
    if (exported.constructor.name !== 'AsyncFunction') return scalar(name, base, { evaluate, takesNulls });
    return awaited(name, base, { evaluate: (_call, ...args) => evaluate(...args) as Promise<unknown>, takesNulls });
  }
  switch (definitionKindOf(exported)) {
    case 'scalar': {
      const { evaluate } = exported as ScalarDefinition;
      return scalar(name, base, { evaluate: callable('evaluate', evaluate), takesNulls });
    }
    case 'async': {
      const { evaluate, ...options } = exported as AsyncDefinition;
      return awaited(name, base, { ...options, evaluate: callable('evaluate', evaluate), takesNulls });
    }
    case 'aggregate':
      return { kind: 'aggregate', overload: aggregate(name, base, exported as AggregateDefinition, takesNulls) };
    case 'table': {
      const { rows } = exported as TableDefinition;
      return { kind: 'table', overload: table(name, base, callable('rows', rows), takesNulls) };
    }
    default:
      throw new InvalidFunction(
        `it is neither a function nor what defineScalar, defineAsync, defineAggregate or defineTable makes, but ${typeof exported}`,
      );
  }
}

/** The overload of a call in a plan, in a thread that has loaded its module. */
export function moduleOverload(
  modules: FunctionModules,
  { name, text, module }: { readonly name: string; readonly text: string; readonly module: ModuleExport },
): UserOverload {
  const exported = modules.exported(module);
  assert(exported !== undefined, `the module of ${name} is loaded where it is called`);
  return userOverload(name, exported, text, module);
}

/** A function with one more overload, or with one in the place of that with the same parameters. */
export function withOverload(
  known: SqlFunction | undefined,
  name: string,
  added: UserOverload,
  exported: unknown,
): SqlFunction {
  const { description = known?.description ?? '', dependsOnOrder = false } = definitionOf(exported);
  const parameters = parametersText(added.overload);
  const others = <O extends OverloadBase>(overloads: readonly O[]): O[] =>
    overloads.filter((overload) => parametersText(overload) !== parameters);
  switch (added.kind) {
    case 'scalar': {
      const overloads = [...(known?.kind === 'scalar' ? others(known.overloads) : []), added.overload];
      return { kind: 'scalar', name, category: 'OTHER', description, overloads };
    }
    case 'aggregate': {
      const before = known?.kind === 'aggregate' ? known : undefined;
      const overloads = [...others(before?.overloads ?? []), added.overload];
      const hasOrder = dependsOnOrder || before?.dependsOnOrder === true;
      const overTables = [...others(before?.overTables ?? []), added.overload];
      return {
        kind: 'aggregate',
        name,
        category: 'AGGREGATE',
        description,
        overloads,
        overTables,
        dependsOnOrder: hasOrder,
      };
    }
    case 'table': {
      const overloads = [...(known?.kind === 'table' ? others(known.overloads) : []), added.overload];
      return { kind: 'table', name, category: 'TABLE', description, overloads };
    }
  }
}

export function parametersText({ signature: { text } }: OverloadBase): string {
  return text.slice(0, text.lastIndexOf('->')).trim();
}

const KINDS = new Set([
  'BOOLEAN',
  'INTEGER',
  'BIGINT',
  'DECIMAL',
  'DOUBLE',
  'STRING',
  'BYTES',
  'DATE',
  'TIME',
  'TIMESTAMP',
]);

function checkedSignature(text: string): Signature {
  let read: Signature;
  try {
    read = signature(text);
  } catch (error) {
    throw new InvalidFunction(`its types can't be read: ${(error as Error).message}`);
  }
  const bound = new Set<string>();
  for (const parameter of read.parameters) checkPattern(parameter, (name) => bound.add(name));
  checkPattern(read.result, (name) => {
    if (!bound.has(name)) throw new InvalidFunction(`no argument says what ${name} is`);
  });
  if (read.result.kind === 'decimal')
    throw new InvalidFunction('a result says its precision and scale: DECIMAL(10, 2)');
  return read;
}

function checkPattern(pattern: Pattern, variable: (name: string) => void): void {
  switch (pattern.kind) {
    case 'exact':
      checkType(pattern.type);
      return;
    case 'decimal':
      return;
    case 'variable':
      variable(pattern.name);
      return;
    case 'array':
      checkPattern(pattern.item, variable);
      return;
    case 'map':
      checkPattern(pattern.key, variable);
      checkPattern(pattern.value, variable);
      return;
    case 'row':
      for (const { type } of pattern.fields) checkPattern(type, variable);
      return;
    default:
      throw new InvalidFunction('its arguments and results are values of SQL');
  }
}

function checkType(type: SqlType): void {
  if (type.kind === 'ARRAY') checkType(type.item);
  else if (type.kind === 'MAP') checkType(type.value);
  else if (type.kind === 'STRUCT') for (const field of type.fields) checkType(field.type);
  else if (!KINDS.has(type.kind)) throw new InvalidFunction(`there is no type ${String((type as SqlType).kind)}`);
}

// ── Calls ─────────────────────────────────────────────────────────────────────────────────────────────────────────

type Evaluate = (...args: never[]) => unknown;
type Base = Required<Pick<OverloadBase, 'signature' | 'module'>>;

function callable<F>(member: string, given: F): F {
  if (typeof given !== 'function') throw new InvalidFunction(`its "${member}" is no function`);
  return given;
}

/** Calls it with values of SQL. */
function converted<R>(
  types: readonly SqlType[],
  evaluate: Evaluate,
  back: (value: unknown) => R,
): (values: readonly SqlValue[]) => R {
  const conversions = types.map(toCode);
  const call = evaluate as (...args: unknown[]) => unknown;
  return (values) => back(call(...values.map((value, i) => conversions[i]!(value))));
}

function failure(name: string, policy: CallPolicy, cause: unknown): FunctionFailure {
  return new FunctionFailure(policy.stops ? 'FUNCTION_STOPS_QUERY' : 'FUNCTION_FAILED', name, cause);
}

/** What becomes of a call that has failed: nothing, or the end of its query. */
export function failedCall(policy: CallPolicy, name: string, cause: unknown): null {
  const failed = failure(name, policy, cause);
  if (policy.stops) throw failed;
  policy.tell(failed);
  return null;
}

/** What a call gives under a policy; where it fails, `instead`. */
function attempt<R>(name: string, policy: CallPolicy, instead: R, call: () => R): R {
  try {
    return withinLimit(policy.limitMs, call);
  } catch (error) {
    failedCall(policy, name, error);
    return instead;
  }
}

function scalar(
  name: string,
  base: Base,
  { evaluate, takesNulls }: { readonly evaluate: Evaluate; readonly takesNulls: boolean },
): UserOverload {
  const make: ScalarOverload['make'] = (types, result, policy) => {
    const call = converted(types, evaluate, fromCode(result));
    return (...values: SqlValue[]) => attempt<SqlValue>(name, policy, null, () => call(values));
  };
  return { kind: 'scalar', overload: { ...base, takesNulls, make } };
}

interface Awaited {
  readonly evaluate: (call: FunctionCall, ...args: never[]) => Promise<unknown>;
  readonly takesNulls: boolean;
  readonly concurrency?: number;
  readonly timeoutMs?: number;
  readonly retries?: number;
  readonly retryDelayMs?: number;
}

function awaited(name: string, base: Base, definition: Awaited): UserOverload {
  const { evaluate, takesNulls, concurrency, timeoutMs, retries, retryDelayMs } = definition;
  const options = {
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(retries === undefined ? {} : { retries }),
    ...(retryDelayMs === undefined ? {} : { retryDelayMs }),
  };
  const overload: ScalarOverload = {
    ...base,
    takesNulls,
    make: () => {
      throw new InvalidFunction(`${name} is waited for: it can stand in the SELECT of a query over streams only`);
    },
    awaited: {
      options,
      make: (types, result) => {
        const conversions = types.map(toCode);
        const back = fromCode(result);
        return async (call, ...values) => {
          if (!takesNulls && values.includes(null)) return null;
          return back(await evaluate(call, ...(values.map((value, i) => conversions[i]!(value)) as never[])));
        };
      },
    },
  };
  return { kind: 'scalar', overload };
}

function table(name: string, base: Base, rows: Evaluate, takesNulls: boolean): TableOverload {
  return {
    ...base,
    make: (types, result, policy) => {
      const back = fromCode(result);
      const call = converted(types, rows, (all) => Array.from(all as Iterable<unknown>, back));
      return (...values: SqlValue[]) => {
        if (!takesNulls && values.includes(null)) return [];
        return attempt<readonly SqlValue[]>(name, policy, [], () => call(values));
      };
    },
  };
}

function aggregate(name: string, base: Base, definition: AggregateDefinition, takesNulls: boolean): AggregateOverload {
  const { state, initial, add, undo, merge, result } = definition;
  for (const [member, given] of Object.entries({ initial, add, merge })) callable(member, given);
  if (typeof state !== 'string') throw new InvalidFunction('it needs the type of its "state"');
  const { result: statePattern } = checkedSignature(`${parametersText(base)} -> ${state}`);
  return {
    ...base,
    literals: 0,
    create: (types, _literals, _settings, policy): Aggregator => {
      const bindings: Bindings = new Map();
      parametersFor(base.signature, types.length)!.forEach((pattern, i) => bind(pattern, types[i]!, bindings));
      const stateType = instantiate(statePattern, bindings)!;
      const resultType = instantiate(base.signature.result, bindings)!;
      // While it is bound nobody calls it.
      const under = policy ?? { limitMs: 0, stops: false, tell: () => undefined };
      const toState = fromCode(stateType);
      const ofState = toCode(stateType);
      const args = types.map(toCode);
      /** What fails here leaves the state as it was, which is the caller's to do. */
      const changed = (call: () => unknown): SqlValue => {
        try {
          return withinLimit(under.limitMs, () => toState(call()));
        } catch (error) {
          throw failure(name, under, error);
        }
      };
      const taking =
        (change: (state: unknown, ...args: unknown[]) => unknown) =>
        (before: SqlValue, values: readonly SqlValue[]): SqlValue =>
          !takesNulls && values.includes(null)
            ? before
            : changed(() => change(ofState(before), ...values.map((value, i) => args[i]!(value))));
      const answer = fromCode(resultType);
      return {
        stateType,
        resultType,
        init: () => attempt<SqlValue>(name, under, null, () => toState(initial())),
        add: taking(add as (state: unknown, ...args: unknown[]) => unknown),
        ...(undo === undefined ? {} : { undo: taking(undo as (state: unknown, ...args: unknown[]) => unknown) }),
        merge: (a, b) => changed(() => merge(ofState(a), ofState(b))),
        result: (before) =>
          attempt<SqlValue>(name, under, null, () =>
            answer(result === undefined ? ofState(before) : result(ofState(before))),
          ),
      };
    },
  };
}
