import { assert, unreachable } from '../../util/index.ts';
import { refuse } from '../errors.ts';
import type { Expression } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import {
  arrayOf,
  BIGINT,
  BOOLEAN,
  DOUBLE,
  decimalType,
  INTEGER,
  mapOf,
  type SqlType,
  STRING,
  structOf,
  typeText,
} from '../types.ts';
import { long, negateLong } from '../values/bigint.ts';
import { type Caster, caster } from '../values/cast.ts';
import { likeMatcher } from '../values/like.ts';
import { Decimal } from '../values/decimal.ts';
import type { Row, SqlValue } from '../values/value.ts';
import { arithmetic } from './arithmetic.ts';
import { compileCall } from './call.ts';
import { compileComparison, equality } from './comparison.ts';
import { nullOnError } from './null-on-error.ts';
import { Columns, type Evaluate, type Compiled, type ExpressionEnvironment, type Expressions } from './typed.ts';
import { type Element, unify } from './unify.ts';

/**
 * Expressions to closures. The same walk finds the types and refuses what has none, so an expression that was accepted
 * can be evaluated.
 */
export class ExpressionCompiler implements Expressions {
  readonly environment: ExpressionEnvironment;
  readonly #columns: Columns;
  /** Values of lambda parameters, by slot; `#lambdas` says which name has which. */
  readonly #frame: SqlValue[] = [];
  #lambdas: ReadonlyMap<string, { slot: number; type: SqlType | null }> = new Map();

  constructor(environment: ExpressionEnvironment, columns: Columns) {
    this.environment = environment;
    this.#columns = columns;
  }

  compile(e: Expression): Compiled {
    switch (e.kind) {
      case 'null':
        return { type: null, evaluate: () => null, constant: null };
      case 'boolean':
        return constant(BOOLEAN, e.value);
      case 'integer':
        return constant(INTEGER, e.value);
      case 'bigint':
        return constant(BIGINT, long(e.value));
      case 'decimal': {
        const value = Decimal.parse(e.text);
        assert(value !== undefined, 'the lexer reads only numbers as decimals');
        return constant(decimalType(Math.max(value.precision, value.scale), value.scale), value);
      }
      case 'double':
        return constant(DOUBLE, e.value);
      case 'string':
        return constant(STRING, e.value);
      case 'column':
        return this.#column(e.name, e);
      case 'call':
        return compileCall(this, e);
      case 'dereference':
        return this.#dereference(e.base, e.field);
      case 'subscript':
        return this.#subscript(e);
      case 'arithmetic':
        return arithmetic(e, this.compile(e.left), this.compile(e.right), this.#lambdas.size > 0);
      case 'unary':
        return this.#sign(e.op, e.operand);
      case 'comparison':
        return compileComparison(this, e);
      case 'logical':
        return this.#logical(e);
      case 'not': {
        const { evaluate } = this.compile(e.operand);
        return {
          type: BOOLEAN,
          evaluate: (row) => {
            const value = evaluate(row);
            return value === null ? null : value !== true;
          },
        };
      }
      case 'isNull': {
        const { evaluate } = this.compile(e.operand);
        return {
          type: BOOLEAN,
          evaluate: e.negated ? (row) => evaluate(row) !== null : (row) => evaluate(row) === null,
        };
      }
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
        return this.#cast(e.operand, this.environment.resolveType(e.type));
      case 'array':
        return this.#array(e.items);
      case 'map':
        return this.#map(e.entries);
      case 'struct':
        return this.#struct(e.fields);
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

  compileLambda(
    parameters: readonly string[],
    types: readonly (SqlType | null)[],
    body: Expression,
  ): { type: SqlType | null; bindRow: (row: Row) => (...args: SqlValue[]) => SqlValue } {
    const outer = this.#lambdas;
    const slots = parameters.map(() => this.#frame.push(null) - 1);
    const inner = new Map(outer);
    parameters.forEach((name, i) => inner.set(name, { slot: slots[i]!, type: types[i] ?? null }));
    this.#lambdas = inner;
    const compiled = this.compile(body);
    this.#lambdas = outer;
    const frame = this.#frame;
    const bindRow =
      (row: Row) =>
      (...args: SqlValue[]): SqlValue => {
        for (let i = 0; i < slots.length; i++) frame[slots[i]!] = args[i] ?? null;
        return compiled.evaluate(row);
      };
    return { type: compiled.type, bindRow };
  }

  hasColumn(name: string): boolean {
    return this.#lambdas.has(name) || this.#columns.indexOf(name) !== undefined;
  }

  #column(name: string, e: Expression): Compiled {
    const lambda = this.#lambdas.get(name);
    if (lambda !== undefined) {
      const frame = this.#frame;
      const { slot } = lambda;
      return { type: lambda.type, evaluate: () => frame[slot]! };
    }
    const index = this.#columns.indexOf(name);
    if (index === undefined) return refuse(`Unknown column ${printExpression(e)}`);
    return { type: this.#columns.list[index]!.type, evaluate: (row) => row[index]! };
  }

  #dereference(base: Expression, field: string): Compiled {
    const { type, evaluate } = this.compile(base);
    if (type?.kind !== 'STRUCT')
      return refuse(
        `Expected STRUCT type, got ${type === null ? 'null' : typeText(type)} for ${printExpression(base)}`,
      );
    const index = type.fields.findIndex((candidate) => candidate.name === field);
    if (index < 0) {
      const known = type.fields.map((candidate) => `\`${candidate.name}\``).join(', ');
      return refuse(`Could not find field '${field}' in '${printExpression(base)}'. Fields are: ${known}`);
    }
    return {
      type: type.fields[index]!.type,
      evaluate: (row) => {
        const value = evaluate(row) as readonly SqlValue[] | null;
        return value === null ? null : value[index]!;
      },
    };
  }

  #subscript(e: Expression & { kind: 'subscript' }): Compiled {
    const base = this.compile(e.base);
    const index = this.compile(e.index);
    const evaluateBase = base.evaluate;
    const evaluateIndex = index.evaluate;
    if (base.type?.kind === 'ARRAY') {
      return {
        type: base.type.item,
        evaluate: (row) => {
          const array = evaluateBase(row) as readonly SqlValue[] | null;
          const at = evaluateIndex(row);
          if (array === null || at === null) return null;
          const position = Number(at);
          return (position > 0 ? array[position - 1] : position < 0 ? array[array.length + position] : null) ?? null;
        },
      };
    }
    if (base.type?.kind === 'MAP') {
      return {
        type: base.type.value,
        evaluate: (row) => {
          const map = evaluateBase(row) as ReadonlyMap<SqlValue, SqlValue> | null;
          return map === null ? null : (map.get(evaluateIndex(row)) ?? null);
        },
      };
    }
    return refuse(
      `Subscript expression (${printExpression(e)}) do not apply to ${base.type === null ? 'null' : typeText(base.type)}.`,
    );
  }

  #sign(op: '+' | '-', operand: Expression): Compiled {
    const { type, evaluate } = this.compile(operand);
    if (type === null || !['INTEGER', 'BIGINT', 'DOUBLE', 'DECIMAL'].includes(type.kind))
      return refuse(`Unary operator '${op}' is not supported for ${type === null ? 'null' : typeText(type)}`);
    if (op === '+') return { type, evaluate };
    const negate: Caster =
      type.kind === 'DECIMAL'
        ? (value) => (value as Decimal).negate()
        : type.kind === 'BIGINT'
          ? (value) => negateLong(value as number)
          : type.kind === 'INTEGER'
            ? (value) => (0 - (value as number)) | 0
            : (value) => -(value as number);
    return { type, evaluate: mapped(evaluate, negate) };
  }

  #logical(e: Expression & { kind: 'logical' }): Compiled {
    const left = this.#boolean(e.left, e);
    const right = this.#boolean(e.right, e);
    if (e.op === 'AND') {
      return {
        type: BOOLEAN,
        evaluate: (row) => {
          const a = left(row);
          if (a === false) return false;
          const b = right(row);
          return b === false ? false : a === null || b === null ? null : true;
        },
      };
    }
    return {
      type: BOOLEAN,
      evaluate: (row) => {
        const a = left(row);
        if (a === true) return true;
        const b = right(row);
        return b === true ? true : a === null || b === null ? null : false;
      },
    };
  }

  #boolean(e: Expression, within: Expression): Evaluate {
    const { type, evaluate } = this.compile(e);
    if (type?.kind === 'BOOLEAN') return evaluate;
    return refuse(
      `Error processing expression: ${printExpression(within)}. ${printExpression(e)} should evaluate to boolean but is ${type === null ? 'null' : typeText(type)}.`,
    );
  }

  #between(e: Expression & { kind: 'between' }): Compiled {
    const low = this.compile({ kind: 'comparison', op: '>=', left: e.operand, right: e.low });
    const high = this.compile({ kind: 'comparison', op: '<=', left: e.operand, right: e.high });
    return {
      type: BOOLEAN,
      evaluate: (row) => {
        const above = low.evaluate(row);
        if (above === false) return false;
        const below = high.evaluate(row);
        return below === false ? false : above === null || below === null ? null : true;
      },
    };
  }

  #in(e: Expression & { kind: 'in' }): Compiled {
    const elements = [e.operand, ...e.items].map((ast) => this.#element(ast));
    const { type, evaluators } = unify(elements, 'Invalid Predicate: ');
    const [operand, ...items] = evaluators as [Evaluate, ...Evaluate[]];
    const same = type === null ? () => false : equality(type);
    return {
      type: BOOLEAN,
      evaluate: (row) => {
        const value = operand(row);
        if (value === null) return false;
        for (const item of items) {
          const candidate = item(row);
          if (candidate !== null && same(value, candidate)) return true;
        }
        return false;
      },
    };
  }

  #element(ast: Expression): Element {
    return { ast, compiled: this.compile(ast), compile: (inner) => this.#element(inner) };
  }

  #like(e: Expression & { kind: 'like' }): Compiled {
    const operand = this.compile(e.operand);
    const pattern = this.compile(e.pattern);
    for (const [side, ast] of [
      [operand, e.operand],
      [pattern, e.pattern],
    ] as const) {
      if (side.type !== null && side.type.kind !== 'STRING')
        return refuse(`Like condition must be between strings, but ${printExpression(ast)} is ${typeText(side.type)}`);
    }
    const fixed = typeof pattern.constant === 'string' ? likeMatcher(pattern.constant, e.escape) : undefined;
    return {
      type: BOOLEAN,
      evaluate: (row) => {
        const value = operand.evaluate(row);
        if (value === null) return false;
        if (fixed !== undefined) return fixed(value as string);
        const text = pattern.evaluate(row);
        return text === null ? false : likeMatcher(text as string, e.escape)(value as string);
      },
    };
  }

  #case(e: Expression & { kind: 'searchedCase' | 'simpleCase' }): Compiled {
    const conditions = e.whens.map(({ when }) => {
      const condition: Expression =
        e.kind === 'simpleCase' ? { kind: 'comparison', op: '=', left: e.operand, right: when } : when;
      const { type, evaluate } = this.compile(condition);
      if (type?.kind !== 'BOOLEAN')
        return refuse(
          `WHEN operand type should be boolean.\nType for '${printExpression(condition)}' is ${type === null ? 'null' : typeText(type)}`,
        );
      return evaluate;
    });
    const branches = e.whens.map((branch) => branch.result);
    if (e.otherwise !== undefined) branches.push(e.otherwise);
    const { type, evaluators } = unify(
      branches.map((ast) => this.#element(ast)),
      'Invalid Case expression. ',
    );
    if (type === null) return refuse('Invalid Case expression. All case branches have NULL type');
    const otherwise = e.otherwise === undefined ? undefined : evaluators[conditions.length];
    return {
      type,
      evaluate: (row) => {
        for (let i = 0; i < conditions.length; i++) if (conditions[i]!(row) === true) return evaluators[i]!(row);
        return otherwise === undefined ? null : otherwise(row);
      },
    };
  }

  #cast(operand: Expression, to: SqlType): Compiled {
    const { type, evaluate } = this.compile(operand);
    if (type === null) return { type: to, evaluate };
    const cast = caster(type, to);
    if (cast === undefined) return refuse(`Cast of ${typeText(type)} to ${typeText(to)} is not supported`);
    return { type: to, evaluate: mapped(evaluate, cast) };
  }

  #array(items: readonly Expression[]): Compiled {
    const hint = '(see https://github.com/confluentinc/ksql/issues/4239).';
    if (items.length === 0)
      return refuse(`Array constructor cannot be empty. Please supply at least one element ${hint}`);
    const { type, evaluators } = unify(items.map((ast) => this.#element(ast)));
    if (type === null)
      return refuse(
        `Cannot construct an array with all NULL elements ${hint} As a workaround, you may cast a NULL value to the desired type.`,
      );
    const safe = evaluators.map(nullOnError);
    return { type: arrayOf(type), evaluate: (row) => safe.map((evaluate) => evaluate(row)) };
  }

  #map(entries: readonly { key: Expression; value: Expression }[]): Compiled {
    const hint = '(see https://github.com/confluentinc/ksql/issues/4239).';
    if (entries.length === 0)
      return refuse(`Map constructor cannot be empty. Please supply at least one key value pair ${hint}`);
    const keys = unify(entries.map(({ key }) => this.#element(key)));
    const values = unify(entries.map(({ value }) => this.#element(value)));
    if (keys.type === null || values.type === null)
      return refuse(
        `Cannot construct a map with all NULL ${keys.type === null ? 'keys' : 'values'} ${hint} As a workaround, you may cast a NULL value to the desired type.`,
      );
    const safeKeys = keys.evaluators.map(nullOnError);
    const safeValues = values.evaluators.map(nullOnError);
    return {
      type: mapOf(keys.type, values.type),
      evaluate: (row) => {
        const map = new Map<SqlValue, SqlValue>();
        for (let i = 0; i < safeKeys.length; i++) map.set(safeKeys[i]!(row), safeValues[i]!(row));
        return map;
      },
    };
  }

  #struct(fields: readonly { name: string; value: Expression }[]): Compiled {
    if (new Set(fields.map((field) => field.name)).size < fields.length)
      return refuse(`Duplicate field names found in STRUCT: '${printExpression({ kind: 'struct', fields })}'.`);
    const compiled = fields.map((field) => ({ name: field.name, ...this.compile(field.value) }));
    const types = compiled.map(({ name, type }) => ({ name, type: type ?? STRING }));
    const safe = compiled.map(({ evaluate }) => nullOnError(evaluate));
    return { type: structOf(types), evaluate: (row) => safe.map((evaluate) => evaluate(row)) };
  }
}

function constant(type: SqlType, value: SqlValue): Compiled {
  return { type, evaluate: () => value, constant: value };
}

/** Applies a function to what is not null. */
export function mapped(evaluate: Evaluate, apply: Caster): Evaluate {
  return (row) => {
    const value = evaluate(row);
    return value === null ? null : apply(value);
  };
}
