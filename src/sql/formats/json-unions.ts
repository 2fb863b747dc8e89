// A value that may be of several types has no type in SQL but a STRUCT with a field for each, of which one is set; so
// Kafka Connect has it. JSON says neither by index nor by name which type was written: the value itself tells.
import { JsonNumber } from '../../util/index.ts';
import { sameType, type SqlType, type StructField } from '../types.ts';

const FIELD = 'connect_union_field_';

export function unionFieldName(index: number): string {
  return FIELD + index;
}

export function isUnion({ fields }: { readonly fields: readonly StructField[] }): boolean {
  return fields.length > 1 && fields.every(({ name }, i) => name.toLowerCase() === unionFieldName(i));
}

/** Whether an object is the STRUCT itself, and not one of the types. */
export function namesBranch(value: unknown): boolean {
  return isObject(value) && Object.keys(value).some((key) => key.toLowerCase().startsWith(FIELD));
}

/** The field whose type a value is of: the first that fits it wholly, else the first of its kind; -1: none. */
export function branchOf(fields: readonly StructField[], value: unknown): number {
  const whole = fields.findIndex(({ type }) => fits(type, value));
  return whole >= 0 ? whole : fields.findIndex(({ type }) => isOfKind(type, value));
}

/** The only type of several that are one; undefined when they are not. */
export function commonType(types: readonly SqlType[]): SqlType | undefined {
  const [first] = types;
  return first !== undefined && types.every((type) => sameType(first, type)) ? first : undefined;
}

function fits(type: SqlType, value: unknown): boolean {
  if (value === null) return true;
  if (!isOfKind(type, value)) return false;
  switch (type.kind) {
    case 'ARRAY':
      return (value as readonly unknown[]).every((item) => fits(type.item, item));
    case 'MAP':
      return Object.values(value as object).every((item) => fits(type.value, item));
    case 'STRUCT':
      if (isUnion(type) && !namesBranch(value)) return type.fields.some((field) => fits(field.type, value));
      return Object.entries(value as object).every(([key, item]) => {
        const field = type.fields.find(({ name }) => name.toUpperCase() === key.toUpperCase());
        return field !== undefined && fits(field.type, item);
      });
    default:
      return true;
  }
}

function isOfKind(type: SqlType, value: unknown): boolean {
  switch (type.kind) {
    case 'BOOLEAN':
      return typeof value === 'boolean';
    case 'STRING':
    case 'BYTES':
      return typeof value === 'string';
    case 'ARRAY':
      return Array.isArray(value);
    case 'MAP':
      return isObject(value);
    case 'STRUCT':
      return isUnion(type) ? type.fields.some((field) => isOfKind(field.type, value)) : isObject(value);
    case 'DOUBLE':
    case 'DECIMAL':
      return typeof value === 'number' || value instanceof JsonNumber;
    default:
      return value instanceof JsonNumber ? value.isInteger : Number.isInteger(value);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber);
}
