// From what was written to what it means: names, overloads, types and casts are settled here, and what has no meaning is
// refused. Refusals come in the order in which the parts stand.
import { assert, Decimal, unreachable } from '../../../util/index.ts';
import { refuse, refuseName, StatementError } from '../../errors.ts';
import type { Expression } from '../../parser/ast.ts';
import { printExpression } from '../../parser/print.ts';
import {
  BIGINT,
  BOOLEAN,
  canImplicitlyCast,
  DOUBLE,
  decimalType,
  INTEGER,
  type SqlType,
  STRING,
  typeText,
} from '../../types.ts';
import { long } from '../../values/bigint.ts';
import { caster } from '../../values/cast.ts';
import type { Lambda, TypedExpression } from '../typed.ts';
import { bindArithmetic } from './arithmetic.ts';
import type { Binding, BindingEnvironment, Element } from './binding.ts';
import { bindCall } from './call.ts';
import { bindComparison } from './comparison.ts';
import { arrayElement, mapElement, structElement } from './constructors.ts';
import { unify } from './unify.ts';

/** A column that an expression may name. */
export interface KnownColumn {
  readonly name: string;
  readonly type: SqlType;
}

/** What an expression means over rows with these columns; refuses what means nothing. Of columns with one name the first counts. */
export function bind(e: Expression, columns: readonly KnownColumn[], environment: BindingEnvironment): TypedExpression {
  return new Binder(environment, columns).bind(e);
}

/** Binds expressions that stand over the same rows. */
export class Binder implements Binding {
  readonly environment: BindingEnvironment;
  readonly #columns = new Map<string, SqlType>();
  /** The parameters of the lambdas around what is being bound. */
  #parameters: ReadonlyMap<string, { readonly slot: number; readonly type: SqlType | null }> = new Map();
  #slots = 0;

  constructor(environment: BindingEnvironment, columns: readonly KnownColumn[]) {
    this.environment = environment;
    for (const { name, type } of columns) if (!this.#columns.has(name)) this.#columns.set(name, type);
  }

  bind(e: Expression): TypedExpression {
    return this.element(e).bound;
  }

  element(ast: Expression): Element {
    switch (ast.kind) {
      case 'array':
        return arrayElement(this, ast);
      case 'map':
        return mapElement(this, ast);
      case 'struct':
        return structElement(this, ast);
      default:
        return { ast, bound: this.#bindPlain(ast) };
    }
  }

  bindLambda({ parameters, body }: Expression & { kind: 'lambda' }, types: readonly (SqlType | null)[]): Lambda {
    const [outer, firstSlot] = [this.#parameters, this.#slots];
    const inner = new Map(outer);
    parameters.forEach((name, i) => inner.set(name, { slot: firstSlot + i, type: types[i] ?? null }));
    this.#parameters = inner;
    this.#slots += parameters.length;
    try {
      return { kind: 'lambda', parameters, firstSlot, body: this.bind(body) };
    } finally {
      this.#parameters = outer;
      this.#slots = firstSlot;
    }
  }

  hasColumn(name: string): boolean {
    return this.#parameters.has(name) || this.#columns.has(name);
  }

  /** Everything but constructors. */
  #bindPlain(e: Exclude<Expression, { kind: 'array' | 'map' | 'struct' }>): TypedExpression {
    switch (e.kind) {
      case 'null':
        return { kind: 'literal', type: null, value: null };
      case 'boolean':
        return { kind: 'literal', type: BOOLEAN, value: e.value };
      case 'integer':
        return { kind: 'literal', type: INTEGER, value: e.value };
      case 'bigint':
        return { kind: 'literal', type: BIGINT, value: long(e.value) };
      case 'decimal':
        return decimalLiteral(e.text);
      case 'double':
        return { kind: 'literal', type: DOUBLE, value: e.value };
      case 'string':
        return { kind: 'literal', type: STRING, value: e.value };
      case 'column':
        return this.#column(e);
      case 'call':
        return bindCall(this, e);
      case 'dereference':
        return this.#dereference(e);
      case 'subscript':
        return this.#subscript(e);
      case 'arithmetic':
        return bindArithmetic(e, this.bind(e.left), this.bind(e.right), this.#parameters.size > 0);
      case 'unary':
        return this.#sign(e);
      case 'comparison':
        return bindComparison(this, e);
      case 'logical':
        return this.#logical(e);
      case 'not':
        return { kind: 'not', operand: this.bind(e.operand), type: BOOLEAN };
      case 'isNull':
        return { kind: 'isNull', operand: this.bind(e.operand), negated: e.negated, type: BOOLEAN };
      case 'between':
        return this.#between(e);
      case 'in':
        return this.#in(e);
      case 'like':
        return this.#like(e);
      case 'searchedCase':
      case 'simpleCase':
        return this.#case(e);
      case 'cast':
        return this.#cast(e);
      case 'structAll':
        return refuse(`${printExpression(e)} can only stand alone in a projection`);
      case 'lambda':
        return refuse(`A lambda can only be an argument of a function: ${printExpression(e)}`);
      case 'unit':
        return refuse(`A time unit can only be an argument of a function: ${e.unit}`);
      default:
        return unreachable(e);
    }
  }

  #column(e: Expression & { kind: 'column' }): TypedExpression {
    const { name } = e;
    const parameter = this.#parameters.get(name);
    if (parameter !== undefined) return { kind: 'parameter', name, ...parameter };
    const type = this.#columns.get(name);
    if (type !== undefined) return { kind: 'column', name, type };
    return refuseName(`Unknown column ${printExpression(e)}`, name, [
      ...this.#parameters.keys(),
      ...this.#columns.keys(),
    ]);
  }

  #dereference({ base: ast, field }: Expression & { kind: 'dereference' }): TypedExpression {
    const base = this.bind(ast);
    const { type } = base;
    if (type?.kind !== 'STRUCT')
      return refuse(`Expected STRUCT type, got ${typeOrNull(type)} for ${printExpression(ast)}`);
    const found = type.fields.find((candidate) => candidate.name === field);
    if (found === undefined) {
      const known = type.fields.map((candidate) => `\`${candidate.name}\``).join(', ');
      const message = `Could not find field '${field}' in '${printExpression(ast)}'. Fields are: ${known}`;
      return refuseName(
        message,
        field,
        type.fields.map(({ name }) => name),
      );
    }
    return { kind: 'dereference', base, field, type: found.type };
  }

  #subscript(e: Expression & { kind: 'subscript' }): TypedExpression {
    const base = this.bind(e.base);
    const index = this.bind(e.index);
    const refuseIndex = (wanted: string): never =>
      refuse(`The index in ${printExpression(e)} must be ${wanted}, but is ${typeOrNull(index.type)}.`);
    switch (base.type?.kind) {
      case 'ARRAY':
        if (index.type !== null && index.type.kind !== 'INTEGER' && index.type.kind !== 'BIGINT')
          refuseIndex('INTEGER');
        return { kind: 'subscript', base, index, type: base.type.item };
      case 'MAP':
        if (index.type !== null && !canImplicitlyCast(index.type, base.type.key)) refuseIndex(typeText(base.type.key));
        return { kind: 'subscript', base, index, type: base.type.value };
      default:
        return refuse(`Subscript expression (${printExpression(e)}) do not apply to ${typeOrNull(base.type)}.`);
    }
  }

  #sign({ op, operand: ast }: Expression & { kind: 'unary' }): TypedExpression {
    const operand = this.bind(ast);
    const { type } = operand;
    if (type === null || !['INTEGER', 'BIGINT', 'DOUBLE', 'DECIMAL'].includes(type.kind))
      return refuse(`Unary operator '${op}' is not supported for ${typeOrNull(type)}`);
    return { kind: 'sign', op, operand, type };
  }

  #logical(e: Expression & { kind: 'logical' }): TypedExpression {
    const side = (ast: Expression): TypedExpression => {
      const bound = this.bind(ast);
      if (bound.type?.kind === 'BOOLEAN') return bound;
      return refuse(
        `Error processing expression: ${printExpression(e)}. ${printExpression(ast)} should evaluate to boolean but is ${typeOrNull(bound.type)}.`,
      );
    };
    return { kind: 'logical', op: e.op, left: side(e.left), right: side(e.right), type: BOOLEAN };
  }

  /** Both comparisons; each may have a type of its own. */
  #between({ operand, low, high }: Expression & { kind: 'between' }): TypedExpression {
    const compared = (op: '>=' | '<=', right: Expression): TypedExpression => {
      try {
        return this.bind({ kind: 'comparison', op, left: operand, right });
      } catch (error) {
        if (!(error instanceof StatementError)) throw error;
        throw new StatementError(`Invalid expression: ${error.message}`, { cause: error });
      }
    };
    return { kind: 'logical', op: 'AND', left: compared('>=', low), right: compared('<=', high), type: BOOLEAN };
  }

  #in(e: Expression & { kind: 'in' }): TypedExpression {
    const elements = [e.operand, ...e.items].map((ast) => this.element(ast));
    const [operand, ...items] = unify(elements, 'Invalid Predicate: ').members as [
      TypedExpression,
      ...TypedExpression[],
    ];
    return { kind: 'in', operand, items, type: BOOLEAN };
  }

  #like(e: Expression & { kind: 'like' }): TypedExpression {
    const operand = this.bind(e.operand);
    const pattern = this.bind(e.pattern);
    for (const [{ type }, ast] of [
      [operand, e.operand],
      [pattern, e.pattern],
    ] as const) {
      if (type === null || type.kind === 'STRING') continue;
      const why = `The ${ast.kind === 'column' ? 'column ' : ''}type for Like condition must be VARCHAR.`;
      return refuse(
        `${why} The ${ast.kind === 'column' ? 'column ' : ''}type is ${typeText(type)}: ${printExpression(ast)}`,
      );
    }
    return { kind: 'like', operand, pattern, escape: e.escape, type: BOOLEAN };
  }

  #case(e: Expression & { kind: 'searchedCase' | 'simpleCase' }): TypedExpression {
    const conditions = e.whens.map(({ when }) => {
      const ast: Expression =
        e.kind === 'simpleCase' ? { kind: 'comparison', op: '=', left: e.operand, right: when } : when;
      const condition = this.bind(ast);
      if (condition.type?.kind === 'BOOLEAN') return condition;
      return refuse(
        `WHEN operand type should be boolean.\nType for '${printExpression(ast)}' is ${typeOrNull(condition.type)}`,
      );
    });
    const branches = e.whens.map((branch) => branch.result);
    if (e.otherwise !== undefined) branches.push(e.otherwise);
    const { type, members } = unify(
      branches.map((ast) => this.element(ast)),
      'Invalid Case expression. ',
    );
    if (type === null) return refuse('Invalid Case expression. All case branches have NULL type');
    const whens = conditions.map((when, i) => ({ when, result: members[i]! }));
    return { kind: 'case', whens, otherwise: members[whens.length], type };
  }

  #cast({ operand: ast, type: node }: Expression & { kind: 'cast' }): TypedExpression {
    const type = this.environment.resolveType(node);
    const operand = this.bind(ast);
    if (operand.type !== null && caster(operand.type, type) === undefined)
      return refuse(`Cast of ${typeText(operand.type)} to ${typeText(type)} is not supported`);
    return { kind: 'cast', operand, type, implicit: false };
  }
}

function decimalLiteral(text: string): TypedExpression {
  const value = Decimal.parse(text);
  assert(value !== undefined, 'the lexer reads only numbers as decimals');
  return { kind: 'literal', type: decimalType(Math.max(value.precision, value.scale), value.scale), value };
}

/** The type as messages about operands show it. */
function typeOrNull(type: SqlType | null): string {
  return type === null ? 'null' : typeText(type);
}
