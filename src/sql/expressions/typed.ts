// What an expression is once it has been understood, and what those who understand its parts ask of the whole.
import type { FunctionCatalog } from '../functions/function.ts';
import type { Expression, TypeNode } from '../parser/ast.ts';
import type { SqlType } from '../types.ts';
import type { Row, SqlValue } from '../values/value.ts';

/** The columns that an expression may name, and where their values stand in a row. */
export class Columns {
  readonly list: readonly { readonly name: string; readonly type: SqlType }[];
  readonly #index = new Map<string, number>();

  constructor(list: readonly { readonly name: string; readonly type: SqlType }[]) {
    this.list = list;
    list.forEach((column, i) => {
      if (!this.#index.has(column.name)) this.#index.set(column.name, i);
    });
  }

  indexOf(name: string): number | undefined {
    return this.#index.get(name);
  }
}

export type Evaluate = (row: Row) => SqlValue;

/** An expression that has been understood: its type (null = the type of NULL) and how to evaluate it. */
export interface Compiled {
  readonly type: SqlType | null;
  readonly evaluate: Evaluate;
  /** The value of a literal. */
  readonly constant?: SqlValue;
}

export interface ExpressionEnvironment {
  readonly functions: FunctionCatalog;
  /** Custom types become what they stand for. */
  resolveType(type: TypeNode): SqlType;
}

/** Compiles the parts of an expression, in the same surroundings. */
export interface Expressions {
  readonly environment: ExpressionEnvironment;
  compile(e: Expression): Compiled;
  /** Compiles a lambda's body; the result calls it with its parameters' values. */
  compileLambda(
    parameters: readonly string[],
    types: readonly (SqlType | null)[],
    body: Expression,
  ): {
    readonly type: SqlType | null;
    readonly bindRow: (row: Row) => (...args: SqlValue[]) => SqlValue;
  };
  /** Whether a name is a column's, or a lambda's parameter. */
  hasColumn(name: string): boolean;
}
