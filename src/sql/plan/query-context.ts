// What the planners of a query's clauses know of it.
import type { NameGenerator } from '../analysis/projection.ts';
import type { Scope } from '../analysis/scope.ts';
import { refuse } from '../errors.ts';
import type { FormatInfo } from '../formats/traits.ts';
import type { Query } from '../parser/ast.ts';
import type { SqlType } from '../types.ts';
import type { PlanEnvironment } from './environment.ts';
import type { NamedExpression } from './plan.ts';

export interface PlanTarget {
  /** The source that is built, for messages about its key; undefined for a transient query. */
  readonly sinkName: string | undefined;
  /** The statement for messages: as it is, or around the query as planning filled it in. */
  readonly statement: string | ((query: Query) => string);
  /** The format that the sink's keys are asked to have. */
  readonly keyFormat: FormatInfo | undefined;
  readonly valueFormat: FormatInfo | undefined;
  /** Put before the names of stores and internal topics: queries in FROM have their own. */
  readonly context?: string;
  /** What the sources hold now is read once: nothing is taken back of an aggregate, and what is grouped needs none. */
  readonly isAtRest?: boolean;
  /** How many rows of each partition the query around it wants of a query with ROW_NUMBER. */
  readonly rowsWanted?: number | undefined;
  /** The column that the sink takes its records' time from. */
  readonly timestampColumn?: string | undefined;
}

export interface QueryContext {
  readonly env: PlanEnvironment;
  readonly query: Query;
  readonly target: PlanTarget;
  readonly scope: Scope;
  readonly names: NameGenerator;
}

/** What a key column is made of, and its type. */
export type KeyExpression = NamedExpression & { readonly type: SqlType };

/** A type that a column may have: NULL alone has none. */
export function columnType(type: SqlType | null): SqlType {
  return (
    type ??
    refuse("Can't infer a type of null. Please explicitly cast it to a required type, e.g. CAST(null AS VARCHAR).")
  );
}
