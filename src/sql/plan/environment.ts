import type { Catalog } from '../catalog.ts';
import { Columns } from '../expressions/typed.ts';
import { ExpressionCompiler } from '../expressions/expression.ts';
import type { FunctionCatalog } from '../functions/function.ts';
import type { RowColumn } from './plan.ts';

/** What planning a query needs to know. */
export interface PlanEnvironment {
  readonly catalog: Catalog;
  readonly functions: FunctionCatalog;
  /** The value of a `ksql.*` property, where it has one. */
  readonly setting: (name: string) => string | undefined;
}

/** A compiler for expressions over rows with these columns. */
export function compilerFor(environment: PlanEnvironment, columns: readonly RowColumn[]): ExpressionCompiler {
  const { functions, catalog } = environment;
  return new ExpressionCompiler({ functions, resolveType: catalog.resolveType }, new Columns(columns));
}
