import type { FunctionCall } from '../../sql-api/index.ts';
import type { AsyncOptions } from '../../streams/index.ts';
import { messageOf, MillraceError } from '../../util/index.ts';
import { refuseName } from '../errors.ts';
import type { SqlType } from '../types.ts';
import type { SqlValue } from '../values/value.ts';
import { documentationOf, parametersOf, partsOf } from './documentation.ts';
import { FunctionModules, type ModuleExport } from './modules.ts';
import {
  type ArgumentType,
  argumentText,
  type Bindings,
  distance,
  instantiate,
  parametersFor,
  type Pattern,
  type Signature,
  signature,
} from './signature.ts';

/** How functions are declared and found. */

export type Category =
  | 'AGGREGATE'
  | 'ARRAY'
  | 'CONDITIONAL'
  | 'CONVERSIONS'
  | 'DATE / TIME'
  | 'JSON'
  | 'LAMBDA'
  | 'MAP'
  | 'MATHEMATICAL'
  | 'OTHER'
  | 'REGULAR EXPRESSION'
  | 'STRING'
  | 'TABLE'
  | 'URL'
  | 'WINDOW';

// biome-ignore lint: the arguments are checked against the signature when a call is resolved
export type Implementation = (...args: never[]) => SqlValue;

export interface OverloadBase {
  readonly signature: Signature;
  /** Where it comes from, when it is not the engine's own. */
  readonly module?: ModuleExport | undefined;
  /** The hash that its module had when a statement created it. */
  readonly createdWith?: string | undefined;
  /** What the parameters are called, where that is known. */
  readonly parameterNames?: readonly string[] | undefined;
  /** The result's type where the signature says `?`, or undefined when these arguments can't be accepted after all. */
  readonly resultType?: ((types: readonly (SqlType | null)[]) => SqlType | undefined) | undefined;
}

export interface ScalarOverload extends OverloadBase {
  /** True when the implementation is called with nulls; otherwise a null argument gives null. */
  readonly takesNulls: boolean;
  /** Makes the implementation for argument types that are known. Called once per call in a statement. */
  readonly make: (types: readonly SqlType[], result: SqlType, policy: CallPolicy) => Implementation;
  /** A function that is waited for: its implementation answers promises, and is called by a step of its own. */
  readonly awaited?: AwaitedOverload | undefined;
}

export interface AwaitedOverload {
  readonly options: Pick<AsyncOptions, 'concurrency' | 'timeoutMs' | 'retries' | 'retryDelayMs'>;
  readonly make: (
    types: readonly SqlType[],
    result: SqlType,
  ) => (call: FunctionCall, ...args: SqlValue[]) => Promise<SqlValue>;
}

/** How functions that are not the engine's own are called. */
export interface CallPolicy {
  /** How long a call may take, in ms; 0: as long as it wants. */
  readonly limitMs: number;
  /** What fails ends its query. */
  readonly stops: boolean;
  /** Is told what fails; the result is null. */
  readonly tell: (failure: FunctionFailure) => void;
}

/** A function that is not the engine's own has failed. */
export class FunctionFailure extends MillraceError {
  override readonly name = 'FunctionFailure';
  readonly function: string;

  constructor(code: 'FUNCTION_FAILED' | 'FUNCTION_STOPS_QUERY', name: string, cause: unknown) {
    super(code, `The function ${name} failed: ${messageOf(cause)}`, { cause });
    this.function = name;
  }
}

/** Where nobody says otherwise, what fails is thrown. */
const THROWING: CallPolicy = {
  limitMs: 1000,
  stops: false,
  tell: (failure) => {
    throw failure;
  },
};

/**
 * Running state of an aggregate. States are SQL values of `stateType`, so that they can be stored. A state belongs to its
 * aggregate: `add`, `undo` and `merge` may change what they are given, and the caller goes on with what they answer (Streams
 * hands over a copy where somebody else still needs the state as it was). A result belongs to who asked for it.
 */
export interface Aggregator {
  readonly stateType: SqlType;
  readonly resultType: SqlType;
  init(): SqlValue;
  add(state: SqlValue, args: readonly SqlValue[]): SqlValue;
  /** Takes back an earlier `add`; absent when the aggregate can't. */
  undo?(state: SqlValue, args: readonly SqlValue[]): SqlValue;
  merge(a: SqlValue, b: SqlValue): SqlValue;
  result(state: SqlValue): SqlValue;
}

export interface AggregateOverload extends OverloadBase {
  /** How many of the last parameters are literals that configure the aggregate. */
  readonly literals: number;
  readonly create: (
    types: readonly SqlType[],
    literals: readonly SqlValue[],
    settings: FunctionSettings,
    policy?: CallPolicy,
  ) => Aggregator;
}

/** A table function's implementation gives the rows for one input row. */
export interface TableOverload extends OverloadBase {
  readonly make: (
    types: readonly SqlType[],
    result: SqlType,
    policy: CallPolicy,
  ) => (...args: never[]) => readonly SqlValue[];
}

export type FunctionSettings = (property: string) => string | undefined;

export interface FunctionBase<O> {
  readonly name: string;
  /** The name as messages show it, when that is not the upper-case one. */
  readonly shownAs?: string;
  readonly category: Category;
  readonly description: string;
  readonly overloads: readonly O[];
}

export interface ScalarFunction extends FunctionBase<ScalarOverload> {
  readonly kind: 'scalar';
}

export interface AggregateFunction extends FunctionBase<AggregateOverload> {
  readonly kind: 'aggregate';
  /** Those for the rows of a table, which are taken back when they change: the same ones, unless others can do that. */
  readonly overTables: readonly AggregateOverload[];
  /** Those for `f(DISTINCT …)`, over streams and over tables; absent where each value has to count. */
  readonly distinct?: Pick<AggregateFunction, 'overloads' | 'overTables'> | undefined;
  /** The result depends on which values came first. */
  readonly dependsOnOrder: boolean;
}

export interface TableFunction extends FunctionBase<TableOverload> {
  readonly kind: 'table';
}

/** Stands before OVER, and is carried out by a step of its own. */
export interface WindowFunction extends FunctionBase<OverloadBase> {
  readonly kind: 'window';
}

export type SqlFunction = ScalarFunction | AggregateFunction | TableFunction | WindowFunction;

/** So large may a value become: a record that is written holds less, and one value should not take a query's memory. */
const ELEMENTS_MAX = 1_000_000;
const CHARACTERS_MAX = 16 * 1024 * 1024;

/** Throws for an array that would have more elements than a value may have. */
export function checkElements(count: number): void {
  if (count > ELEMENTS_MAX)
    throw new RangeError(`The array would have ${count} elements, and may have ${ELEMENTS_MAX} at most`);
}

/** Throws for a text or bytes that would be longer than a value may be. */
export function checkLength(length: number): void {
  if (length > CHARACTERS_MAX)
    throw new RangeError(`The value would be ${length} long, and may be ${CHARACTERS_MAX} at most`);
}

/** An overload whose implementation does not depend on the types and never sees a null. */
export function pure(
  text: string,
  implementation: Implementation,
  resultType?: OverloadBase['resultType'],
): ScalarOverload {
  return { signature: signature(text), takesNulls: false, make: () => implementation, resultType };
}

/** An overload that wants to see nulls. */
export function nullable(
  text: string,
  implementation: Implementation,
  resultType?: OverloadBase['resultType'],
): ScalarOverload {
  return { signature: signature(text), takesNulls: true, make: () => implementation, resultType };
}

/** An overload that is made for its argument types. */
export function typed(
  text: string,
  make: ScalarOverload['make'],
  options: { takesNulls?: boolean; resultType?: OverloadBase['resultType'] } = {},
): ScalarOverload {
  return { signature: signature(text), takesNulls: options.takesNulls ?? false, make, resultType: options.resultType };
}

export function scalar(
  name: string,
  category: Category,
  description: string,
  overloads: readonly ScalarOverload[],
  shownAs?: string,
): ScalarFunction {
  return { kind: 'scalar', name, category, description, overloads, ...(shownAs === undefined ? {} : { shownAs }) };
}

/** The functions that a statement may call. */
export class FunctionCatalog {
  #functions: Map<string, SqlFunction>;
  #modules = new FunctionModules();
  #policy = THROWING;

  constructor(functions: Iterable<SqlFunction>) {
    this.#functions = new Map([...functions].map((declared) => [declared.name, declared]));
  }

  /** The same functions, called under a policy. */
  under(policy: CallPolicy): FunctionCatalog {
    const other = new FunctionCatalog([]);
    other.#functions = this.#functions;
    other.#modules = this.#modules;
    other.#policy = policy;
    return other;
  }

  /** The same, to be changed by itself. */
  fork(): FunctionCatalog {
    const other = this.under(this.#policy);
    other.#functions = new Map(this.#functions);
    return other;
  }

  /** What is loaded of those that are not the engine's own. */
  get modules(): FunctionModules {
    return this.#modules;
  }

  get policy(): CallPolicy {
    return this.#policy;
  }

  add(declared: SqlFunction): void {
    this.#functions.set(declared.name, declared);
  }

  remove(name: string): void {
    this.#functions.delete(name);
  }

  find(name: string): SqlFunction | undefined {
    return this.#functions.get(name);
  }

  get(name: string): SqlFunction {
    return (
      this.#functions.get(name) ??
      refuseName(`Can't find any functions with the name '${name}'`, name, this.#functions.keys())
    );
  }

  isAggregate(name: string): boolean {
    return this.#functions.get(name)?.kind === 'aggregate';
  }

  /** Whether an aggregate's result depends on which values came first. */
  dependsOnOrder(name: string): boolean {
    const found = this.#functions.get(name);
    return found?.kind === 'aggregate' && found.dependsOnOrder;
  }

  /** Whether a function is waited for: with a signature, or with any. */
  isAwaited(name: string, signature?: string): boolean {
    const found = this.#functions.get(name);
    return (
      found?.kind === 'scalar' &&
      found.overloads.some(
        (overload) =>
          overload.awaited !== undefined && (signature === undefined || overload.signature.text === signature),
      )
    );
  }

  isTable(name: string): boolean {
    return this.#functions.get(name)?.kind === 'table';
  }

  all(): SqlFunction[] {
    return [...this.#functions.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

export interface Resolved<O> {
  readonly overload: O;
  readonly parameters: readonly Pattern[];
  readonly bindings: Bindings;
}

/** Finds the overload for some arguments: an exact one, else the one that widens them least. */
export function resolve<O extends OverloadBase>(of: FunctionBase<O>, types: readonly ArgumentType[]): Resolved<O> {
  for (const widen of [false, true]) {
    const found = candidates(of, types, widen);
    if (found.length === 0) continue;
    const best = found[0]!;
    const fixed = found.filter((candidate) => candidate.overload.signature.variadicAt === undefined);
    const undecided = widen || types.every((type) => type === null);
    if (fixed.length === 0 && found.length > 1 && undecided) {
      throw new FunctionError(
        `Function '${of.shownAs ?? of.name}' cannot be resolved due to ambiguous method parameters (${types.map(argumentText).join(', ')}).${alternatives(of)}`,
      );
    }
    return best;
  }
  throw new FunctionError(
    `Function '${of.shownAs ?? of.name}' does not accept parameters (${types.map(argumentText).join(', ')}).${alternatives(of)}`,
  );
}

/** A call that no overload fits. */
export class FunctionError extends MillraceError {
  override readonly name = 'FunctionError';
  constructor(message: string) {
    super('SQL_FUNCTION', message);
  }
}

interface Candidate<O> extends Resolved<O> {
  readonly cost: number;
}

function candidates<O extends OverloadBase>(
  of: FunctionBase<O>,
  types: readonly ArgumentType[],
  widen: boolean,
): Candidate<O>[] {
  const found: Candidate<O>[] = [];
  for (const overload of of.overloads) {
    const parameters = parametersFor(overload.signature, types.length);
    if (parameters === undefined) continue;
    const bindings: Bindings = new Map();
    let cost = overload.signature.variadicAt === undefined ? 0 : 0.01;
    const fits = parameters.every((pattern, i) => {
      const away = distance(pattern, types[i]!, bindings, widen);
      if (away !== undefined) cost += away + (pattern.kind === 'exact' || pattern.kind === 'decimal' ? 0 : 0.001);
      return away !== undefined;
    });
    if (fits) found.push({ overload, parameters, bindings, cost });
  }
  return found.sort((a, b) => a.cost - b.cost);
}

/** The type of a resolved call's result. */
export function resultTypeOf<O extends OverloadBase>(
  of: FunctionBase<O>,
  resolved: Resolved<O>,
  types: readonly (SqlType | null)[],
): SqlType {
  const { overload, bindings } = resolved;
  const type =
    overload.signature.result.kind === 'computed'
      ? overload.resultType?.(types)
      : instantiate(overload.signature.result, bindings);
  if (type !== undefined) return type;
  throw new FunctionError(
    `Function '${of.shownAs ?? of.name}' does not accept parameters (${types.map(argumentText).join(', ')}).${alternatives(of)}`,
  );
}

function alternatives<O extends OverloadBase>(of: FunctionBase<O>): string {
  const documentation = documentationOf(of.name);
  const list = of.overloads.map(({ signature: { text } }) => {
    const types = partsOf(text).parameters;
    const names = documentation === undefined ? [] : parametersOf(documentation, types);
    const parameters = types.map((type, i) => (names[i] === undefined ? type : `${type} ${names[i].name}`));
    return `${of.shownAs ?? of.name}(${parameters.join(', ')})`;
  });
  return `\nValid alternatives are:\n${list.join('\n')}\nFor detailed information on a function run: DESCRIBE FUNCTION <Function-Name>;`;
}
