import type { Catalog } from '../catalog.ts';
import { Binder } from '../expressions/binding/binder.ts';
import type { FunctionCatalog, FunctionSettings } from '../functions/function.ts';
import type { Expression } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import type { PlanExpression, RowColumn } from './plan.ts';

/** What planning a query needs to know. */
export interface PlanEnvironment {
  readonly catalog: Catalog;
  readonly functions: FunctionCatalog;
  /** The value of a `ksql.*` property, where it has one. */
  readonly setting: (name: string) => string | undefined;
}

/** Binds expressions over rows with these columns. */
export function binderFor({ functions, catalog }: PlanEnvironment, columns: readonly RowColumn[]): Binder {
  return new Binder({ functions, resolveType: catalog.resolveType }, columns);
}

/** An expression of a step. */
export function planned(binder: Binder, e: Expression): PlanExpression {
  return { expression: binder.bind(e), text: printExpression(e) };
}

/** The settings that a function may have: `ksql.functions.<name>.<property>`. */
export function functionSettings(
  { setting }: Pick<PlanEnvironment, 'setting'>,
  functionName: string,
): FunctionSettings {
  return (property) => setting(`ksql.functions.${functionName.toLowerCase()}.${property}`);
}
