import { assert, unreachable } from '../../util/index.ts';
import {
  arrayOf,
  asDecimalType,
  canImplicitlyCast,
  decimalType,
  isNumeric,
  isTemporal,
  mapOf,
  type PrimitiveKind,
  type SqlType,
  sameType,
  structOf,
  typeText,
} from '../types.ts';

/**
 * What a function takes and gives, written as text: `ARRAY<T>, T -> BOOLEAN`, `DOUBLE, T... -> T`,
 * `MAP<K, V>, (K, V) => BOOLEAN -> MAP<K, V>`. One upper-case letter is a type variable, DECIMAL is any decimal, ANY is
 * anything, UNIT a bare time unit, `?` as the result is computed from the arguments.
 */
export type Pattern =
  | { readonly kind: 'exact'; readonly type: SqlType }
  | { readonly kind: 'decimal' }
  | { readonly kind: 'struct' }
  | { readonly kind: 'any' }
  | { readonly kind: 'unit' }
  | { readonly kind: 'computed' }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'array'; readonly item: Pattern }
  | { readonly kind: 'map'; readonly key: Pattern; readonly value: Pattern }
  | { readonly kind: 'row'; readonly fields: readonly { readonly name: string; readonly type: Pattern }[] }
  | { readonly kind: 'lambda'; readonly parameters: readonly Pattern[]; readonly result: Pattern };

export interface Signature {
  readonly text: string;
  readonly parameters: readonly Pattern[];
  /** The parameter that may come any number of times (also none); undefined when none may. */
  readonly variadicAt: number | undefined;
  readonly result: Pattern;
}

/** The type of an argument: null is the NULL literal's. Lambdas are only counted until their parameters are known. */
export type ArgumentType =
  | SqlType
  | null
  | { readonly kind: 'UNIT' }
  | { readonly kind: 'LAMBDA'; readonly arity: number };

export type Bindings = Map<string, SqlType>;

const cache = new Map<string, Signature>();

export function signature(text: string): Signature {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const parsed = new SignatureReader(text).read();
  cache.set(text, parsed);
  return parsed;
}

class SignatureReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Signature {
    const parameters: Pattern[] = [];
    let variadicAt: number | undefined;
    while (!this.#take('->')) {
      parameters.push(this.#pattern());
      if (this.#take('...')) variadicAt = parameters.length - 1;
      this.#take(',');
    }
    const result = this.#pattern();
    return { text: this.#text, parameters, variadicAt, result };
  }

  #skip(): void {
    while (this.#text[this.#at] === ' ') this.#at++;
  }

  #take(token: string): boolean {
    this.#skip();
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #expect(token: string): void {
    assert(this.#take(token), `${token} expected at ${this.#at} of signature ${this.#text}`);
  }

  #word(): string {
    this.#skip();
    const word = /^[A-Za-z0-9_?]+/.exec(this.#text.slice(this.#at))?.[0];
    assert(word !== undefined, `a type is expected at ${this.#at} of signature ${this.#text}`);
    this.#at += word.length;
    return word;
  }

  #pattern(): Pattern {
    if (this.#take('(')) {
      const parameters: Pattern[] = [];
      while (!this.#take(')')) {
        parameters.push(this.#pattern());
        this.#take(',');
      }
      this.#expect('=>');
      return { kind: 'lambda', parameters, result: this.#pattern() };
    }
    const word = this.#word();
    switch (word) {
      case '?':
        return { kind: 'computed' };
      case 'DECIMAL':
        return this.#take('(') ? this.#sizedDecimal() : { kind: 'decimal' };
      case 'ANY':
        return { kind: 'any' };
      case 'UNIT':
        return { kind: 'unit' };
      case 'ARRAY': {
        this.#expect('<');
        const item = this.#pattern();
        this.#expect('>');
        return item.kind === 'exact' ? { kind: 'exact', type: arrayOf(item.type) } : { kind: 'array', item };
      }
      case 'MAP': {
        this.#expect('<');
        const key = this.#pattern();
        this.#expect(',');
        const value = this.#pattern();
        this.#expect('>');
        if (key.kind === 'exact' && value.kind === 'exact') return { kind: 'exact', type: mapOf(key.type, value.type) };
        return { kind: 'map', key, value };
      }
      case 'STRUCT':
        return this.#take('<') ? this.#struct() : { kind: 'struct' };
      case 'INT':
        return { kind: 'exact', type: { kind: 'INTEGER' } };
      default:
        if (word.length === 1) return { kind: 'variable', name: word };
        return { kind: 'exact', type: { kind: word as PrimitiveKind } };
    }
  }

  #sizedDecimal(): Pattern {
    const precision = Number(this.#word());
    this.#expect(',');
    const scale = Number(this.#word());
    this.#expect(')');
    return { kind: 'exact', type: decimalType(precision, scale) };
  }

  #struct(): Pattern {
    const fields: { name: string; type: Pattern }[] = [];
    while (!this.#take('>')) {
      fields.push({ name: this.#word(), type: this.#pattern() });
      this.#take(',');
    }
    if (fields.every((field) => field.type.kind === 'exact')) {
      const exact = fields.map(({ name, type }) => ({ name, type: (type as { type: SqlType }).type }));
      return { kind: 'exact', type: structOf(exact) };
    }
    return { kind: 'row', fields };
  }
}

/** The patterns of `count` arguments, the variadic one repeated; undefined when the count can't fit. */
export function parametersFor(of: Signature, count: number): readonly Pattern[] | undefined {
  if (of.variadicAt === undefined) return of.parameters.length === count ? of.parameters : undefined;
  const repeats = count - (of.parameters.length - 1);
  if (repeats < 0) return undefined;
  return of.parameters.flatMap((pattern, i) =>
    i === of.variadicAt ? Array<Pattern>(repeats).fill(pattern) : [pattern],
  );
}

/**
 * How far an argument is from a pattern: 0 = as it is, more = widened, undefined = does not fit. Binds type variables.
 */
export function distance(
  pattern: Pattern,
  argument: ArgumentType,
  bindings: Bindings,
  widen: boolean,
): number | undefined {
  if (argument !== null && argument.kind === 'UNIT') return pattern.kind === 'unit' ? 0 : undefined;
  if (argument !== null && argument.kind === 'LAMBDA') {
    return pattern.kind === 'lambda' && pattern.parameters.length === argument.arity ? 0 : undefined;
  }
  if (argument === null) return pattern.kind === 'lambda' || pattern.kind === 'unit' ? undefined : 0;
  switch (pattern.kind) {
    case 'exact':
      if (sameType(pattern.type, argument)) return 0;
      if (!widen) return undefined;
      // A text that says a time stands for that time.
      if (argument.kind === 'STRING' && isTemporal(pattern.type)) return 5;
      return canImplicitlyCast(argument, pattern.type) ? steps(argument, pattern.type) : undefined;
    case 'decimal':
      if (argument.kind === 'DECIMAL') return 0;
      return widen && isNumeric(argument) && argument.kind !== 'DOUBLE'
        ? steps(argument, asDecimalType(argument))
        : undefined;
    case 'struct':
      return argument.kind === 'STRUCT' ? 0 : undefined;
    case 'any':
      return 0;
    case 'variable': {
      const bound = bindings.get(pattern.name);
      if (bound === undefined) {
        bindings.set(pattern.name, argument);
        return 0;
      }
      if (sameType(bound, argument)) return 0;
      return widen && canImplicitlyCast(argument, bound) ? steps(argument, bound) : undefined;
    }
    case 'array':
      return argument.kind === 'ARRAY' ? distance(pattern.item, argument.item, bindings, widen) : undefined;
    case 'map': {
      if (argument.kind !== 'MAP') return undefined;
      const key = distance(pattern.key, argument.key, bindings, widen);
      const value = distance(pattern.value, argument.value, bindings, widen);
      return key === undefined || value === undefined ? undefined : key + value;
    }
    case 'row':
    case 'unit':
    case 'lambda':
    case 'computed':
      return undefined;
    default:
      return unreachable(pattern);
  }
}

const order = ['INTEGER', 'BIGINT', 'DECIMAL', 'DOUBLE'];

function steps(from: SqlType, to: SqlType): number {
  return Math.max(1, order.indexOf(to.kind) - order.indexOf(from.kind));
}

/** The type that a pattern stands for; undefined while a variable in it is not bound. */
export function instantiate(pattern: Pattern, bindings: Bindings): SqlType | undefined {
  switch (pattern.kind) {
    case 'exact':
      return pattern.type;
    case 'variable':
      return bindings.get(pattern.name);
    case 'array': {
      const item = instantiate(pattern.item, bindings);
      return item === undefined ? undefined : arrayOf(item);
    }
    case 'map': {
      const key = instantiate(pattern.key, bindings);
      const value = instantiate(pattern.value, bindings);
      return key === undefined || value === undefined ? undefined : mapOf(key, value);
    }
    case 'row': {
      const fields = pattern.fields.map(({ name, type }) => ({ name, type: instantiate(type, bindings) }));
      const complete = fields.filter((field): field is { name: string; type: SqlType } => field.type !== undefined);
      return complete.length === fields.length ? structOf(complete) : undefined;
    }
    default:
      return undefined;
  }
}

/** Binds the variables of a pattern to what a type has in their place. */
export function bind(pattern: Pattern, type: SqlType, bindings: Bindings): void {
  if (pattern.kind === 'variable' && !bindings.has(pattern.name)) bindings.set(pattern.name, type);
  else if (pattern.kind === 'array' && type.kind === 'ARRAY') bind(pattern.item, type.item, bindings);
  else if (pattern.kind === 'map' && type.kind === 'MAP') {
    bind(pattern.key, type.key, bindings);
    bind(pattern.value, type.value, bindings);
  }
}

export function argumentText(type: ArgumentType): string {
  if (type === null) return 'null';
  if (type.kind === 'UNIT') return 'INTERVALUNIT';
  return type.kind === 'LAMBDA' ? 'LAMBDA' : typeText(type);
}
