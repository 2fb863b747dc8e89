import { StatementError } from '../errors.ts';
import type { Expression } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import {
  arrayOf,
  BIGINT,
  decimalType,
  INTEGER,
  isNumeric,
  isTemporal,
  mapOf,
  type SqlType,
  sameType,
  structOf,
  typeText,
  widerNumber,
} from '../types.ts';
import { parseLong } from '../values/bigint.ts';
import { caster } from '../values/cast.ts';
import { Decimal } from '../values/decimal.ts';
import type { SqlValue } from '../values/value.ts';
import { parseBoolean } from '../values/text-values.ts';
import type { Compiled, Evaluate } from './typed.ts';

/** One member of a list whose members must get one common type. */
export interface Element {
  readonly ast: Expression;
  readonly compiled: Compiled;
  /** For the elements of a constructor that is a member. */
  compile(ast: Expression): Element;
}

/**
 * Gives the members of IN, ARRAY[...], CASE and their like one type: the family of the first one that is not null, as wide
 * as its members need. Literals adapt more freely than columns do.
 */
export function unify(elements: readonly Element[], prefix = ''): { type: SqlType | null; evaluators: Evaluate[] } {
  let common: SqlType | null = null;
  for (const element of elements) common = combine(common, element, prefix);
  return { type: common, evaluators: elements.map((element) => convert(element, common)) };
}

class Mismatch extends StatementError {}

function combine(common: SqlType | null, element: Element, prefix: string): SqlType | null {
  const { type } = element.compiled;
  if (type === null) return common;
  if (common === null) return type;
  const literal = literalOf(element);
  if (literal !== undefined) {
    if (common.kind === 'STRING') return common;
    if (type.kind === 'STRING')
      return adoptText(common, literal as string, prefix) ?? mismatch(common, element, prefix);
  }
  const { ast } = element;
  if (common.kind === 'ARRAY' && type.kind === 'ARRAY' && ast.kind === 'array') {
    const item = inner(common, element, prefix, () => combineAll(common.item, element, ast.items, prefix));
    return arrayOf(item);
  }
  if (common.kind === 'MAP' && type.kind === 'MAP' && ast.kind === 'map') {
    const keys = ast.entries.map((entry) => entry.key);
    const values = ast.entries.map((entry) => entry.value);
    return inner(common, element, prefix, () =>
      mapOf(combineAll(common.key, element, keys, prefix), combineAll(common.value, element, values, prefix)),
    );
  }
  if (common.kind === 'STRUCT' && type.kind === 'STRUCT' && ast.kind === 'struct') {
    return inner(common, element, prefix, () => {
      const fields = common.fields.map((field) => {
        const own = ast.fields.find((candidate) => candidate.name === field.name);
        return own === undefined
          ? field
          : { name: field.name, type: combineAll(field.type, element, [own.value], prefix) };
      });
      const more = type.fields.filter((field) => !common.fields.some((known) => known.name === field.name));
      return structOf([...fields, ...more]);
    });
  }
  return commonOf(common, type) ?? mismatch(common, element, prefix);
}

function combineAll(common: SqlType, element: Element, asts: readonly Expression[], prefix: string): SqlType {
  let type: SqlType | null = common;
  for (const ast of asts) type = combine(type, element.compile(ast), prefix);
  return type ?? common;
}

/** What does not fit inside a constructor is told of the constructor as a whole. */
function inner<T>(common: SqlType, element: Element, prefix: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Mismatch) return mismatch(common, element, prefix);
    throw error;
  }
}

function mismatch(common: SqlType, element: Element, prefix: string): never {
  const type = element.compiled.type === null ? 'null' : typeText(element.compiled.type);
  throw new Mismatch(
    `${prefix}operator does not exist: ${typeText(common)} = ${type} (${printExpression(element.ast)})\nHint: You might need to add explicit type casts.`,
  );
}

function literalOf(element: Element): SqlValue | undefined {
  const { constant } = element.compiled;
  return constant === null ? undefined : constant;
}

/** A text literal among values of another type must be the text of one. */
function adoptText(common: SqlType, text: string, prefix: string): SqlType | undefined {
  const invalid = (): never => {
    const type = common.kind === 'DECIMAL' ? 'DECIMAL' : typeText(common);
    throw new StatementError(`${prefix}invalid input syntax for type ${type}: "${text}".`);
  };
  if (isNumeric(common)) {
    const type = numberType(text.trim());
    return type === undefined ? invalid() : widerNumber(common, type);
  }
  if (common.kind === 'BOOLEAN') return parseBoolean(text) === undefined ? invalid() : common;
  if (!isTemporal(common) && common.kind !== 'BYTES') return undefined;
  try {
    caster({ kind: 'STRING' }, common)?.(text);
    return common;
  } catch {
    return invalid();
  }
}

function numberType(text: string): SqlType | undefined {
  if (/^[+-]?\d+$/.test(text)) {
    const value = parseLong(text);
    if (value === undefined) return decimalType(text.replace(/^[+-]/, '').length, 0);
    return typeof value === 'number' && value >= -2147483648 && value <= 2147483647 ? INTEGER : BIGINT;
  }
  const value = Decimal.parse(text);
  if (value === undefined) return undefined;
  const { scale, precision } = value.scale < 0 ? value.rescale(0) : value;
  return decimalType(Math.max(precision, scale), scale);
}

function commonOf(a: SqlType, b: SqlType): SqlType | undefined {
  if (sameType(a, b)) return a;
  if (isNumeric(a) && isNumeric(b)) return widerNumber(a, b);
  if (a.kind === 'ARRAY' && b.kind === 'ARRAY') {
    const item = commonOf(a.item, b.item);
    return item === undefined ? undefined : arrayOf(item);
  }
  if (a.kind === 'MAP' && b.kind === 'MAP') {
    const key = commonOf(a.key, b.key);
    const value = commonOf(a.value, b.value);
    return key === undefined || value === undefined ? undefined : mapOf(key, value);
  }
  if (a.kind === 'STRUCT' && b.kind === 'STRUCT') {
    const fields = [...a.fields];
    for (const field of b.fields) {
      const at = fields.findIndex((known) => known.name === field.name);
      if (at < 0) {
        fields.push(field);
        continue;
      }
      const type = commonOf(fields[at]!.type, field.type);
      if (type === undefined) return undefined;
      fields[at] = { name: field.name, type };
    }
    return structOf(fields);
  }
  return undefined;
}

/** A member as a value of the common type. */
function convert(element: Element, to: SqlType | null): Evaluate {
  const { type, evaluate } = element.compiled;
  if (to === null || type === null || sameType(type, to)) return evaluate;
  const literal = literalOf(element);
  if (literal !== undefined) {
    const value =
      type.kind === 'STRING' && to.kind === 'BOOLEAN' ? parseBoolean(literal as string)! : caster(type, to)?.(literal);
    if (value !== undefined) return () => value;
  }
  const { ast } = element;
  if (ast.kind === 'array' && to.kind === 'ARRAY') {
    const items = ast.items.map((item) => convert(element.compile(item), to.item));
    return (row) => items.map((item) => item(row));
  }
  if (ast.kind === 'map' && to.kind === 'MAP') {
    const entries = ast.entries.map(
      (entry) =>
        [convert(element.compile(entry.key), to.key), convert(element.compile(entry.value), to.value)] as const,
    );
    return (row) => new Map(entries.map(([key, value]) => [key(row), value(row)]));
  }
  if (ast.kind === 'struct' && to.kind === 'STRUCT') {
    const fields = to.fields.map((field) => {
      const own = ast.fields.find((candidate) => candidate.name === field.name);
      return own === undefined ? () => null : convert(element.compile(own.value), field.type);
    });
    return (row) => fields.map((field) => field(row));
  }
  const cast = caster(type, to);
  if (cast === undefined) return evaluate;
  return (row) => {
    const value = evaluate(row);
    return value === null ? null : cast(value);
  };
}
