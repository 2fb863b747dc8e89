// What those who bind the parts of an expression ask of the whole.
import type { FunctionCatalog } from '../../functions/function.ts';
import type { Expression, TypeNode } from '../../parser/ast.ts';
import type { SqlType } from '../../types.ts';
import type { Lambda, TypedExpression } from '../typed.ts';

export interface BindingEnvironment {
  readonly functions: FunctionCatalog;
  /** Custom types become what they stand for. */
  resolveType(type: TypeNode): SqlType;
}

/** Binds the parts of an expression, in the same surroundings. */
export interface Binding {
  readonly environment: BindingEnvironment;
  bind(e: Expression): TypedExpression;
  /** Binds a member of a list whose members must get one common type. */
  element(e: Expression): Element;
  bindLambda(e: Expression & { kind: 'lambda' }, types: readonly (SqlType | null)[]): Lambda;
  /** Whether a name is a column's, or a lambda's parameter. */
  hasColumn(name: string): boolean;
}

/** A member of a list whose members must get one common type. Constructors are told apart: their members adapt, too. */
export interface Element {
  readonly ast: Expression;
  readonly bound: TypedExpression;
  readonly members?: Members;
}

type Members =
  | { readonly kind: 'array'; readonly items: readonly Element[] }
  | { readonly kind: 'map'; readonly keys: readonly Element[]; readonly values: readonly Element[] }
  | { readonly kind: 'struct'; readonly fields: readonly { readonly name: string; readonly value: Element }[] };
