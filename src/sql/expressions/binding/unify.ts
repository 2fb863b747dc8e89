import { StatementError } from '../../errors.ts';
import { printExpression } from '../../parser/print.ts';
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
} from '../../types.ts';
import { parseLong } from '../../values/bigint.ts';
import { caster } from '../../values/cast.ts';
import { Decimal } from '../../../util/index.ts';
import { parseBoolean } from '../../values/text-values.ts';
import type { TypedExpression } from '../typed.ts';
import type { Element } from './binding.ts';
import { converted } from './casts.ts';

/**
 * Gives the members of IN, ARRAY[...], CASE and their like one type: the family of the first one that is not null, as wide
 * as its members need. Literals adapt more freely than columns do.
 */
export function unify(
  elements: readonly Element[],
  prefix = '',
): { readonly type: SqlType | null; readonly members: readonly TypedExpression[] } {
  let common: SqlType | null = null;
  for (const element of elements) common = combine(common, element, prefix);
  return { type: common, members: elements.map((element) => memberOf(element, common)) };
}

class Mismatch extends StatementError {}

function combine(common: SqlType | null, element: Element, prefix: string): SqlType | null {
  const { bound, members } = element;
  const { type } = bound;
  if (type === null) return common;
  if (common === null) return type;
  if (bound.kind === 'literal' && bound.value !== null) {
    if (common.kind === 'STRING') return common;
    if (type.kind === 'STRING')
      return adoptText(common, bound.value as string, prefix) ?? mismatch(common, element, prefix);
  }
  if (common.kind === 'ARRAY' && members?.kind === 'array') {
    return inner(common, element, prefix, () => arrayOf(combineAll(common.item, members.items, prefix)));
  }
  if (common.kind === 'MAP' && members?.kind === 'map') {
    return inner(common, element, prefix, () =>
      mapOf(combineAll(common.key, members.keys, prefix), combineAll(common.value, members.values, prefix)),
    );
  }
  if (common.kind === 'STRUCT' && type.kind === 'STRUCT' && members?.kind === 'struct') {
    return inner(common, element, prefix, () => {
      const fields = common.fields.map((field) => {
        const own = members.fields.find((candidate) => candidate.name === field.name);
        return own === undefined ? field : { name: field.name, type: combineAll(field.type, [own.value], prefix) };
      });
      const more = type.fields.filter((field) => !common.fields.some((known) => known.name === field.name));
      return structOf([...fields, ...more]);
    });
  }
  return commonOf(common, type) ?? mismatch(common, element, prefix);
}

function combineAll(common: SqlType, elements: readonly Element[], prefix: string): SqlType {
  let type: SqlType | null = common;
  for (const element of elements) type = combine(type, element, prefix);
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
  const { type } = element.bound;
  throw new Mismatch(
    `${prefix}operator does not exist: ${typeText(common)} = ${type === null ? 'null' : typeText(type)} (${printExpression(element.ast)})\nHint: You might need to add explicit type casts.`,
  );
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
function memberOf({ bound, members }: Element, to: SqlType | null): TypedExpression {
  const { type } = bound;
  if (to === null || type === null || sameType(type, to)) return bound;
  if (bound.kind === 'literal' && type.kind === 'STRING' && to.kind === 'BOOLEAN' && bound.value !== null)
    return { kind: 'literal', type: to, value: parseBoolean(bound.value as string) ?? null };
  if (members?.kind === 'array' && to.kind === 'ARRAY')
    return { kind: 'array', items: members.items.map((item) => memberOf(item, to.item)), type: to };
  if (members?.kind === 'map' && to.kind === 'MAP') {
    const entries = members.keys.map((key, i) => ({
      key: memberOf(key, to.key),
      value: memberOf(members.values[i]!, to.value),
    }));
    return { kind: 'map', entries, type: to };
  }
  if (members?.kind === 'struct' && to.kind === 'STRUCT') {
    const values = to.fields.map((field): TypedExpression => {
      const own = members.fields.find((candidate) => candidate.name === field.name);
      return own === undefined ? { kind: 'literal', type: field.type, value: null } : memberOf(own.value, field.type);
    });
    return { kind: 'struct', values, type: to };
  }
  return converted(bound, to);
}
