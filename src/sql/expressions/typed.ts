// What an expression is once it has been understood: a tree of plain data in which every name is resolved, every overload
// chosen, every implicit cast written out and every literal a value. Binding (`binding/`) makes it from what was written
// and refuses what has no meaning; evaluation (`evaluation/`) makes closures of it and refuses nothing.
import { unreachable } from '../../util/index.ts';
import type { ModuleExport } from '../functions/modules.ts';
import type { ArithmeticOperator, ComparisonOperator, TimeUnit } from '../parser/ast.ts';
import type { DecimalType, SqlType } from '../types.ts';
import type { SqlValue } from '../values/value.ts';

export interface Literal {
  readonly kind: 'literal';
  /** Null is NULL's, which has no type of its own. */
  readonly type: SqlType | null;
  readonly value: SqlValue;
}

/** A column of the row, by name: where it stands is known when the rows are. */
export interface ColumnValue {
  readonly kind: 'column';
  readonly name: string;
  readonly type: SqlType;
}

/** A parameter of a lambda around it. Slots number the parameters that are known in a place, from the outermost one. */
interface ParameterValue {
  readonly kind: 'parameter';
  readonly name: string;
  readonly slot: number;
  readonly type: SqlType | null;
}

/** A function with the overload that was chosen for it, which its signature's text identifies. */
export interface ResolvedFunction {
  readonly function: string;
  readonly signature: string;
  /** Where it comes from, when it is not the engine's own. */
  readonly module?: ModuleExport;
  /** What the overload is made for: of lambdas the result's type, of NULL as good as any. */
  readonly argumentTypes: readonly SqlType[];
  readonly args: readonly Argument[];
}

export interface ScalarCall extends ResolvedFunction {
  readonly kind: 'call';
  readonly type: SqlType;
}

export interface Cast {
  readonly kind: 'cast';
  readonly operand: TypedExpression;
  readonly type: SqlType;
  /** Nobody wrote it: what stands around the operand takes values of this type. */
  readonly implicit: boolean;
}

/** A number as the decimal of the same value, with as many digits as that has: how numbers compare with decimals. */
interface ExactDecimal {
  readonly kind: 'exactDecimal';
  readonly operand: TypedExpression;
  readonly type: DecimalType;
}

export interface Arithmetic {
  readonly kind: 'arithmetic';
  readonly op: ArithmeticOperator;
  readonly left: TypedExpression;
  readonly right: TypedExpression;
  readonly type: SqlType;
  /**
   * The expression as it was written, where a null operand fails it with these words instead of making it null: so it is
   * inside lambdas.
   */
  readonly failsOnNull: string | undefined;
}

/** Both sides are of one type, or one of them is NULL. */
export interface Comparison {
  readonly kind: 'comparison';
  readonly op: ComparisonOperator;
  readonly left: TypedExpression;
  readonly right: TypedExpression;
  readonly type: SqlType;
}

export type TypedExpression =
  | Literal
  | ColumnValue
  | ParameterValue
  | ScalarCall
  | Cast
  | ExactDecimal
  | Arithmetic
  | Comparison
  | { readonly kind: 'sign'; readonly op: '+' | '-'; readonly operand: TypedExpression; readonly type: SqlType }
  | {
      readonly kind: 'logical';
      readonly op: 'AND' | 'OR';
      readonly left: TypedExpression;
      readonly right: TypedExpression;
      readonly type: SqlType;
    }
  | { readonly kind: 'not'; readonly operand: TypedExpression; readonly type: SqlType }
  | { readonly kind: 'isNull'; readonly operand: TypedExpression; readonly negated: boolean; readonly type: SqlType }
  | {
      /** Operand and items are of one type. */
      readonly kind: 'in';
      readonly operand: TypedExpression;
      readonly items: readonly TypedExpression[];
      readonly type: SqlType;
    }
  | {
      readonly kind: 'like';
      readonly operand: TypedExpression;
      readonly pattern: TypedExpression;
      readonly escape: string | undefined;
      readonly type: SqlType;
    }
  | {
      /** Conditions are of BOOLEAN, results of the node's type or NULL's. */
      readonly kind: 'case';
      readonly whens: readonly { readonly when: TypedExpression; readonly result: TypedExpression }[];
      readonly otherwise: TypedExpression | undefined;
      readonly type: SqlType;
    }
  | { readonly kind: 'dereference'; readonly base: TypedExpression; readonly field: string; readonly type: SqlType }
  | {
      /** Of an array (positions from 1, or from the end: -1) or a map. */
      readonly kind: 'subscript';
      readonly base: TypedExpression;
      readonly index: TypedExpression;
      readonly type: SqlType;
    }
  | { readonly kind: 'array'; readonly items: readonly TypedExpression[]; readonly type: SqlType }
  | {
      readonly kind: 'map';
      readonly entries: readonly { readonly key: TypedExpression; readonly value: TypedExpression }[];
      readonly type: SqlType;
    }
  | {
      /** The values of the type's fields, in their order. */
      readonly kind: 'struct';
      readonly values: readonly TypedExpression[];
      readonly type: SqlType;
    };

/** A function that another one is given; its parameters have the slots from `firstSlot` on. */
export interface Lambda {
  readonly kind: 'lambda';
  readonly parameters: readonly string[];
  readonly firstSlot: number;
  readonly body: TypedExpression;
}

export type Argument = TypedExpression | Lambda | { readonly kind: 'unit'; readonly unit: TimeUnit };

/** A call of a table function: its type is that of the values in the rows that it makes. */
export interface TableCall extends ResolvedFunction {
  readonly kind: 'tableCall';
  readonly type: SqlType;
}

/** LAG or LEAD: a value of another row of the partition. */
export interface OverCall {
  readonly kind: 'overCall';
  readonly function: 'LAG' | 'LEAD';
  readonly value: TypedExpression;
  /** How many rows away. */
  readonly distance: number;
  /** What stands for the value where there is no such row; undefined: null. */
  readonly otherwise: TypedExpression | undefined;
  readonly type: SqlType;
}

/** An aggregate of a query. */
export interface AggregateCall extends ResolvedFunction {
  readonly kind: 'aggregateCall';
  readonly args: readonly TypedExpression[];
  /** Only rows for which it is true are taken in, and taken back. */
  readonly filter: TypedExpression | undefined;
  /** Whether it goes over the rows of a table. */
  readonly overTable: boolean;
  /** Whether it counts each value once: `f(DISTINCT …)`. */
  readonly isDistinct: boolean;
  /** The values of the parameters that configure the aggregate: they stand behind `args` in the signature. */
  readonly literals: readonly SqlValue[];
  readonly type: SqlType;
  readonly stateType: SqlType;
  /** Whether it can take back what it was given, as aggregates over tables must. */
  readonly takesBack: boolean;
}

/** The columns that expressions look at. */
export function columnsUsed(expressions: Iterable<Argument>): Set<string> {
  const found = new Set<string>();
  const visit = (e: Argument): void => {
    if (e.kind === 'column') found.add(e.name);
    for (const part of partsOf(e)) visit(part);
  };
  for (const e of expressions) visit(e);
  return found;
}

/** The functions that expressions call, outer before inner. */
export function callsIn(expressions: Iterable<Argument | TableCall | AggregateCall>): ResolvedFunction[] {
  const found: ResolvedFunction[] = [];
  const visit = (e: Argument): void => {
    if (e.kind === 'call') found.push(e);
    for (const part of partsOf(e)) visit(part);
  };
  for (const e of expressions) {
    if (e.kind !== 'tableCall' && e.kind !== 'aggregateCall') visit(e);
    else {
      found.push(e);
      for (const arg of e.args) visit(arg);
      if (e.kind === 'aggregateCall' && e.filter !== undefined) visit(e.filter);
    }
  }
  return found;
}

/** What an expression is directly made of. */
function partsOf(e: Argument): readonly Argument[] {
  switch (e.kind) {
    case 'literal':
    case 'column':
    case 'parameter':
    case 'unit':
      return [];
    case 'call':
      return e.args;
    case 'lambda':
      return [e.body];
    case 'cast':
    case 'exactDecimal':
    case 'sign':
    case 'not':
    case 'isNull':
      return [e.operand];
    case 'arithmetic':
    case 'comparison':
    case 'logical':
      return [e.left, e.right];
    case 'in':
      return [e.operand, ...e.items];
    case 'like':
      return [e.operand, e.pattern];
    case 'case':
      return [
        ...e.whens.flatMap(({ when, result }) => [when, result]),
        ...(e.otherwise === undefined ? [] : [e.otherwise]),
      ];
    case 'dereference':
      return [e.base];
    case 'subscript':
      return [e.base, e.index];
    case 'array':
      return e.items;
    case 'map':
      return e.entries.flatMap(({ key, value }) => [key, value]);
    case 'struct':
      return e.values;
    default:
      return unreachable(e);
  }
}
