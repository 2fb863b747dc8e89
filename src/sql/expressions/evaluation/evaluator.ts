import { assert, type Decimal, unreachable } from '../../../util/index.ts';
import type { FunctionCall } from '../../../sql-api/index.ts';
import type { FunctionCatalog } from '../../functions/function.ts';
import type { SqlType } from '../../types.ts';
import { negateLong } from '../../values/bigint.ts';
import { type Caster, caster, exactDecimal, unchanged } from '../../values/cast.ts';
import type { Row, SqlValue } from '../../values/value.ts';
import type { Argument, Cast, Lambda, ScalarCall, TableCall, TypedExpression } from '../typed.ts';
import { evaluateArithmetic } from './arithmetic.ts';
import { type ArgumentValue, invoke, overloadOf } from './call.ts';
import { equality, evaluateComparison } from './comparison.ts';
import { type Evaluate, mapped, nullOnError } from './evaluate.ts';
import { likeMatcher } from '../../values/like.ts';

/** Makes closures of expressions over rows with these columns. Of columns with one name the first counts. */
export class Evaluator {
  readonly #functions: FunctionCatalog;
  readonly #places = new Map<string, number>();
  /** The values of lambdas' parameters, by slot: they are called, and done, within one evaluation. */
  readonly #frame: SqlValue[] = [];

  constructor(functions: FunctionCatalog, columns: readonly { readonly name: string }[]) {
    this.#functions = functions;
    columns.forEach(({ name }, i) => {
      if (!this.#places.has(name)) this.#places.set(name, i);
    });
  }

  evaluate(e: TypedExpression): Evaluate {
    switch (e.kind) {
      case 'literal': {
        const { value } = e;
        return () => value;
      }
      case 'column': {
        const place = this.#places.get(e.name);
        assert(place !== undefined, `the rows have a column ${e.name}`);
        return (row) => row[place]!;
      }
      case 'parameter': {
        const frame = this.#frame;
        const { slot } = e;
        return () => frame[slot]!;
      }
      case 'call':
        return this.#call(e);
      case 'cast':
        return this.#cast(e, this.evaluate(e.operand));
      case 'exactDecimal':
        return mapped(this.evaluate(e.operand), exactDecimal(typeOf(e.operand)));
      case 'arithmetic':
        return evaluateArithmetic(e, this.evaluate(e.left), this.evaluate(e.right));
      case 'sign':
        return e.op === '+' ? this.evaluate(e.operand) : mapped(this.evaluate(e.operand), negation(e.type));
      case 'comparison':
        return evaluateComparison(e, this.evaluate(e.left), this.evaluate(e.right));
      case 'logical':
        return logical(e.op, this.evaluate(e.left), this.evaluate(e.right));
      case 'not':
        return mapped(this.evaluate(e.operand), (value) => value !== true);
      case 'isNull': {
        const operand = this.evaluate(e.operand);
        return e.negated ? (row) => operand(row) !== null : (row) => operand(row) === null;
      }
      case 'in':
        return this.#in(e);
      case 'like':
        return this.#like(e);
      case 'case':
        return this.#case(e);
      case 'dereference':
        return this.#dereference(e);
      case 'subscript':
        return this.#subscript(e);
      case 'array': {
        const items = e.items.map((item) => nullOnError(this.evaluate(item)));
        return (row) => items.map((item) => item(row));
      }
      case 'map':
        return this.#map(e);
      case 'struct': {
        const values = e.values.map((value) => nullOnError(this.evaluate(value)));
        return (row) => values.map((value) => value(row));
      }
      default:
        return unreachable(e);
    }
  }

  /** What a table function gives for a row: the values of its rows. */
  evaluateRows(call: TableCall): (row: Row) => readonly SqlValue[] {
    const { make: makeFor } = overloadOf(this.#functions, 'table', call);
    const make = makeFor(call.argumentTypes, call.type, this.#functions.policy);
    const implementation = make as (...values: unknown[]) => readonly SqlValue[];
    const args = call.args.map((arg) => this.#argument(arg, (value) => value));
    return (row) => implementation(...args.map((arg) => arg(row)));
  }

  /** A call of a function that is waited for; its arguments are evaluated at once. */
  evaluateAwaited(call: ScalarCall): (row: Row, about: FunctionCall) => Promise<SqlValue> {
    const { awaited } = overloadOf(this.#functions, 'scalar', call);
    assert(awaited !== undefined, `${call.function} is waited for`);
    const implementation = awaited.make(call.argumentTypes, call.type);
    const args = call.args.map((arg) => this.#argument(arg, nullOnError));
    return (row, about) => implementation(about, ...args.map((arg) => arg(row) as SqlValue));
  }

  #call(e: TypedExpression & { kind: 'call' }): Evaluate {
    const { make, takesNulls } = overloadOf(this.#functions, 'scalar', e);
    const args = e.args.map((arg) => this.#argument(arg, nullOnError));
    return invoke(make(e.argumentTypes, e.type, this.#functions.policy), args, takesNulls);
  }

  /** An argument that fails is what `guard` makes of it; one that can't be cast to the parameter's type fails the call. */
  #argument(arg: Argument, guard: (evaluate: Evaluate) => Evaluate): ArgumentValue {
    if (arg.kind === 'lambda') return this.#lambda(arg);
    if (arg.kind === 'unit') {
      const { unit } = arg;
      return () => unit;
    }
    return arg.kind === 'cast' && arg.implicit
      ? this.#cast(arg, guard(this.evaluate(arg.operand)))
      : guard(this.evaluate(arg));
  }

  #lambda({ parameters, firstSlot, body }: Lambda): ArgumentValue {
    const frame = this.#frame;
    const count = parameters.length;
    const evaluate = this.evaluate(body);
    return (row) =>
      (...args) => {
        for (let i = 0; i < count; i++) frame[firstSlot + i] = args[i] ?? null;
        return evaluate(row);
      };
  }

  #cast({ operand: { type: from }, type }: Cast, operand: Evaluate): Evaluate {
    if (from === null) return operand;
    const cast = caster(from, type);
    assert(cast !== undefined, `${from.kind} can be cast to ${type.kind}`);
    return cast === unchanged ? operand : mapped(operand, cast);
  }

  #in(e: TypedExpression & { kind: 'in' }): Evaluate {
    const operand = this.evaluate(e.operand);
    const items = e.items.map((item) => this.evaluate(item));
    const typed = [e.operand, ...e.items].find(({ type }) => type !== null);
    const same = equality(typed?.type ?? null);
    return (row) => {
      const value = operand(row);
      if (value === null) return false;
      for (const item of items) {
        const candidate = item(row);
        if (candidate !== null && same(value, candidate)) return true;
      }
      return false;
    };
  }

  #like(e: TypedExpression & { kind: 'like' }): Evaluate {
    const operand = this.evaluate(e.operand);
    const { escape } = e;
    if (e.pattern.kind === 'literal' && e.pattern.value !== null) {
      const matches = likeMatcher(e.pattern.value as string, escape);
      return (row) => {
        const value = operand(row);
        return value !== null && matches(value as string);
      };
    }
    const pattern = this.evaluate(e.pattern);
    return (row) => {
      const value = operand(row);
      if (value === null) return false;
      const text = pattern(row);
      return text !== null && likeMatcher(text as string, escape)(value as string);
    };
  }

  #case({ whens, otherwise }: TypedExpression & { kind: 'case' }): Evaluate {
    const conditions = whens.map(({ when }) => this.evaluate(when));
    const results = whens.map(({ result }) => this.evaluate(result));
    const rest = otherwise === undefined ? () => null : this.evaluate(otherwise);
    return (row) => {
      for (let i = 0; i < conditions.length; i++) if (conditions[i]!(row) === true) return results[i]!(row);
      return rest(row);
    };
  }

  #dereference(e: TypedExpression & { kind: 'dereference' }): Evaluate {
    const { type } = e.base;
    assert(type?.kind === 'STRUCT', 'fields are those of structs');
    const base = this.evaluate(e.base);
    const index = type.fields.findIndex(({ name }) => name === e.field);
    return (row) => {
      const value = base(row) as readonly SqlValue[] | null;
      return value === null ? null : value[index]!;
    };
  }

  #subscript(e: TypedExpression & { kind: 'subscript' }): Evaluate {
    const base = this.evaluate(e.base);
    const index = this.evaluate(e.index);
    if (e.base.type?.kind === 'MAP') {
      return (row) => {
        const map = base(row) as ReadonlyMap<SqlValue, SqlValue> | null;
        return map === null ? null : (map.get(index(row)) ?? null);
      };
    }
    return (row) => {
      const array = base(row) as readonly SqlValue[] | null;
      const at = index(row);
      if (array === null || at === null) return null;
      const position = Number(at);
      return (position > 0 ? array[position - 1] : position < 0 ? array[array.length + position] : null) ?? null;
    };
  }

  #map({ entries }: TypedExpression & { kind: 'map' }): Evaluate {
    const keys = entries.map(({ key }) => nullOnError(this.evaluate(key)));
    const values = entries.map(({ value }) => nullOnError(this.evaluate(value)));
    return (row) => {
      const map = new Map<SqlValue, SqlValue>();
      for (let i = 0; i < keys.length; i++) map.set(keys[i]!(row), values[i]!(row));
      return map;
    };
  }
}

function typeOf({ type }: TypedExpression): SqlType {
  assert(type !== null, 'NULL is never cast');
  return type;
}

/** AND and OR of three values: what one side decides, the other is not asked. */
function logical(op: 'AND' | 'OR', left: Evaluate, right: Evaluate): Evaluate {
  if (op === 'AND') {
    return (row) => {
      const a = left(row);
      if (a === false) return false;
      const b = right(row);
      return b === false ? false : a === null || b === null ? null : true;
    };
  }
  return (row) => {
    const a = left(row);
    if (a === true) return true;
    const b = right(row);
    return b === true ? true : a === null || b === null ? null : false;
  };
}

function negation(type: SqlType): Caster {
  switch (type.kind) {
    case 'DECIMAL':
      return (value) => (value as Decimal).negate();
    case 'BIGINT':
      return (value) => negateLong(value as number);
    case 'INTEGER':
      return (value) => (0 - (value as number)) | 0;
    default:
      return (value) => -(value as number);
  }
}
