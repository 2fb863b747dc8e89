import { unreachable } from '../util/index.ts';
import type { TypeNode } from './parser/ast.ts';
import { quoteName } from './parser/print.ts';

/**
 * The types of SQL. A value's type is always known from the statement, never found out by looking at the value:
 *
 * | type | value at run time |
 * |---|---|
 * | BOOLEAN | boolean |
 * | INTEGER, DATE, TIME, TIMESTAMP, DOUBLE | number |
 * | BIGINT | number while it is a safe integer, else bigint (`bigint.ts` keeps the rule) |
 * | DECIMAL | Decimal |
 * | STRING | string |
 * | BYTES | Buffer |
 * | ARRAY | array |
 * | MAP | Map |
 * | STRUCT | array of the fields' values, in the order of the type |
 */
export type SqlType =
  | { readonly kind: PrimitiveKind }
  | DecimalType
  | { readonly kind: 'ARRAY'; readonly item: SqlType }
  | { readonly kind: 'MAP'; readonly key: SqlType; readonly value: SqlType }
  | StructType;

export type PrimitiveKind =
  | 'BOOLEAN'
  | 'INTEGER'
  | 'BIGINT'
  | 'DOUBLE'
  | 'STRING'
  | 'BYTES'
  | 'DATE'
  | 'TIME'
  | 'TIMESTAMP';

export interface DecimalType {
  readonly kind: 'DECIMAL';
  readonly precision: number;
  readonly scale: number;
}

export interface StructField {
  readonly name: string;
  readonly type: SqlType;
}

export interface StructType {
  readonly kind: 'STRUCT';
  readonly fields: readonly StructField[];
}

export type SqlKind = SqlType['kind'];

export const BOOLEAN: SqlType = { kind: 'BOOLEAN' };
export const INTEGER: SqlType = { kind: 'INTEGER' };
export const BIGINT: SqlType = { kind: 'BIGINT' };
export const DOUBLE: SqlType = { kind: 'DOUBLE' };
export const STRING: SqlType = { kind: 'STRING' };
export const BYTES: SqlType = { kind: 'BYTES' };
export const DATE: SqlType = { kind: 'DATE' };
export const TIME: SqlType = { kind: 'TIME' };
export const TIMESTAMP: SqlType = { kind: 'TIMESTAMP' };

export function decimalType(precision: number, scale: number): DecimalType {
  return { kind: 'DECIMAL', precision, scale };
}

export function arrayOf(item: SqlType): SqlType {
  return { kind: 'ARRAY', item };
}

export function mapOf(key: SqlType, value: SqlType): SqlType {
  return { kind: 'MAP', key, value };
}

export function structOf(fields: readonly StructField[]): StructType {
  return { kind: 'STRUCT', fields };
}

/** A type as messages show it. */
export function typeText(type: SqlType): string {
  switch (type.kind) {
    case 'DECIMAL':
      return `DECIMAL(${type.precision}, ${type.scale})`;
    case 'ARRAY':
      return `ARRAY<${typeText(type.item)}>`;
    case 'MAP':
      return `MAP<${typeText(type.key)}, ${typeText(type.value)}>`;
    case 'STRUCT':
      return `STRUCT<${type.fields.map((field) => `${quoteName(field.name)} ${typeText(field.type)}`).join(', ')}>`;
    default:
      return type.kind;
  }
}

/** A type as a statement declares it. */
export function typeNodeOf(type: SqlType): TypeNode {
  switch (type.kind) {
    case 'DECIMAL':
      return { kind: 'named', name: type.kind, parameters: [String(type.precision), String(type.scale)] };
    case 'ARRAY':
      return { kind: 'array', item: typeNodeOf(type.item) };
    case 'MAP':
      return { kind: 'map', key: typeNodeOf(type.key), value: typeNodeOf(type.value) };
    case 'STRUCT':
      return {
        kind: 'struct',
        fields: type.fields.map(({ name, type: field }) => ({ name, type: typeNodeOf(field) })),
      };
    default:
      return { kind: 'named', name: type.kind, parameters: [] };
  }
}

export function sameType(a: SqlType, b: SqlType): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind) return false;
  switch (a.kind) {
    case 'DECIMAL':
      return b.kind === 'DECIMAL' && a.precision === b.precision && a.scale === b.scale;
    case 'ARRAY':
      return b.kind === 'ARRAY' && sameType(a.item, b.item);
    case 'MAP':
      return b.kind === 'MAP' && sameType(a.key, b.key) && sameType(a.value, b.value);
    case 'STRUCT':
      return (
        b.kind === 'STRUCT' &&
        a.fields.length === b.fields.length &&
        a.fields.every((field, i) => field.name === b.fields[i]!.name && sameType(field.type, b.fields[i]!.type))
      );
    default:
      return true;
  }
}

const numericOrder: SqlKind[] = ['INTEGER', 'BIGINT', 'DECIMAL', 'DOUBLE'];

export function isNumeric(type: SqlType): boolean {
  return numericOrder.includes(type.kind);
}

export function isTemporal(type: SqlType): boolean {
  return type.kind === 'DATE' || type.kind === 'TIME' || type.kind === 'TIMESTAMP';
}

/** A number's type as a DECIMAL wide enough for every value. */
export function asDecimalType(type: SqlType): DecimalType {
  if (type.kind === 'DECIMAL') return type;
  return type.kind === 'INTEGER' ? decimalType(10, 0) : decimalType(19, 0);
}

/** The narrowest DECIMAL that holds both. */
export function widenDecimals(a: DecimalType, b: DecimalType): DecimalType {
  const scale = Math.max(a.scale, b.scale);
  return decimalType(Math.max(a.precision - a.scale, b.precision - b.scale) + scale, scale);
}

/** The common type of two numbers. */
export function widerNumber(a: SqlType, b: SqlType): SqlType {
  if (a.kind === 'DOUBLE' || b.kind === 'DOUBLE') return DOUBLE;
  if (a.kind === 'DECIMAL' || b.kind === 'DECIMAL') return widenDecimals(asDecimalType(a), asDecimalType(b));
  return a.kind === 'BIGINT' || b.kind === 'BIGINT' ? BIGINT : INTEGER;
}

/** True when a value of `from` becomes one of `to` without being asked: widening numbers, inside collections too. */
export function canImplicitlyCast(from: SqlType, to: SqlType): boolean {
  if (sameType(from, to)) return true;
  if (to.kind === 'DECIMAL' && from.kind === 'DECIMAL') {
    return to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale;
  }
  if (isNumeric(from) && isNumeric(to)) return numericOrder.indexOf(from.kind) < numericOrder.indexOf(to.kind);
  if (from.kind === 'ARRAY' && to.kind === 'ARRAY') return canImplicitlyCast(from.item, to.item);
  if (from.kind === 'MAP' && to.kind === 'MAP')
    return canImplicitlyCast(from.key, to.key) && canImplicitlyCast(from.value, to.value);
  if (from.kind === 'STRUCT' && to.kind === 'STRUCT') {
    return (
      from.fields.length === to.fields.length &&
      from.fields.every(
        (field, i) => field.name === to.fields[i]!.name && canImplicitlyCast(field.type, to.fields[i]!.type),
      )
    );
  }
  return false;
}

/** True when `test` holds for the type or for any type inside it. */
export function containsType(type: SqlType, test: (type: SqlType) => boolean): boolean {
  if (test(type)) return true;
  switch (type.kind) {
    case 'ARRAY':
      return containsType(type.item, test);
    case 'MAP':
      return containsType(type.key, test) || containsType(type.value, test);
    case 'STRUCT':
      return type.fields.some((field) => containsType(field.type, test));
    case 'BOOLEAN':
    case 'INTEGER':
    case 'BIGINT':
    case 'DOUBLE':
    case 'DECIMAL':
    case 'STRING':
    case 'BYTES':
    case 'DATE':
    case 'TIME':
    case 'TIMESTAMP':
      return false;
    default:
      return unreachable(type);
  }
}
