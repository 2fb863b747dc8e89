import { refuse } from '../errors.ts';
import type { FunctionCatalog } from '../functions/function.ts';
import type { Call, Expression } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import { children, columnsIn, mapChildren } from './walk.ts';

/** Finding the aggregates of a query, and refusing what stands beside them without being grouped. All names are internal. */

export interface FoundAggregate {
  readonly name: string;
  readonly call: Call;
}

export class AggregateFinder {
  readonly found: FoundAggregate[] = [];
  readonly #functions: FunctionCatalog;
  /** Printed grouping expressions and the key columns that hold them. */
  readonly #groups: ReadonlyMap<string, string>;
  readonly #windowed: boolean;

  constructor(functions: FunctionCatalog, groups: ReadonlyMap<string, string>, windowed: boolean) {
    this.#functions = functions;
    this.#groups = groups;
    this.#windowed = windowed;
  }

  /** The expression over the aggregation's result: aggregates and grouping expressions become columns. */
  rewrite(e: Expression): Expression {
    const key = this.#groups.get(printExpression(e));
    if (key !== undefined) return { kind: 'column', name: key };
    if (e.kind === 'call' && this.#functions.isAggregate(e.name)) return { kind: 'column', name: this.#variable(e) };
    return mapChildren(e, (child) => this.rewrite(child));
  }

  /** The columns of an expression that are neither aggregated nor grouped. */
  ungrouped(e: Expression): string[] {
    if (this.#groups.has(printExpression(e))) return [];
    if (e.kind === 'call' && this.#functions.isAggregate(e.name)) return [];
    if (e.kind === 'column') return this.#windowed && isWindowBound(e.name) ? [] : [printExpression(e)];
    if (e.kind === 'lambda') {
      return columnsIn(e).map(printExpression);
    }
    return children(e).flatMap((child) => this.ungrouped(child));
  }

  #variable(call: Call): string {
    const normal = withDefaultArgument(call);
    const printed = printExpression(normal);
    const known = this.found.find((candidate) => printExpression(candidate.call) === printed);
    if (known !== undefined) return known.name;
    for (const arg of children(normal)) {
      if (containsAggregate(this.#functions, arg))
        refuse(`Aggregate functions can not be nested: ${printExpression(call)}`);
    }
    const name = `KSQL_AGG_VARIABLE_${this.found.length}`;
    this.found.push({ name, call: normal });
    return name;
  }
}

export function isWindowBound(name: string): boolean {
  return name === 'WINDOWSTART' || name === 'WINDOWEND';
}

/** `COUNT(*)` and `COUNT()` count rows: their argument is ROWTIME, which is never null. */
export function withDefaultArgument(call: Call): Call {
  if (call.args.length > 0) return call;
  return { ...call, star: false, args: [{ kind: 'column', name: 'ROWTIME' }] };
}

export function containsAggregate(functions: FunctionCatalog, e: Expression): boolean {
  return findCall(e, (name) => functions.isAggregate(name)) !== undefined;
}

/** The first call of a function of some kind, outer before inner. */
export function findCall(e: Expression, test: (name: string) => boolean): Call | undefined {
  if (e.kind === 'call' && test(e.name)) return e;
  for (const child of children(e)) {
    const found = findCall(child, test);
    if (found !== undefined) return found;
  }
  return undefined;
}
