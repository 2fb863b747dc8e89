// Values of SQL as functions in TypeScript have them (`sql-api/functions.ts` says which), and what those answer as values of
// SQL: of the declared type, or refused.
import { Decimal, MillraceError } from '../../util/index.ts';
import { type SqlType, typeText } from '../types.ts';
import { long } from '../values/bigint.ts';
import { parseDate, parseTime } from '../values/temporal.ts';
import { dateText, type SqlValue, timeText } from '../values/value.ts';

type ToCode = (value: SqlValue) => unknown;
type FromCode = (value: unknown) => SqlValue;

/** Makes what a function is given of values of a type. */
export function toCode(type: SqlType): ToCode {
  const convert = conversionTo(type);
  return (value) => (value === null ? null : convert(value));
}

function conversionTo(type: SqlType): ToCode {
  switch (type.kind) {
    case 'BIGINT':
      return (value) => BigInt(value as number);
    case 'DECIMAL':
      return String;
    case 'DATE':
      return (value) => dateText(value as number);
    case 'TIME':
      return (value) => timeText(value as number);
    case 'TIMESTAMP':
      return (value) => new Date(value as number);
    case 'ARRAY': {
      const item = toCode(type.item);
      return (value) => (value as readonly SqlValue[]).map(item);
    }
    case 'MAP': {
      const item = toCode(type.value);
      return (value) =>
        Object.fromEntries([...(value as ReadonlyMap<SqlValue, SqlValue>)].map(([key, each]) => [key, item(each)]));
    }
    case 'STRUCT': {
      const fields = type.fields.map((field) => ({ name: field.name, convert: toCode(field.type) }));
      return (value) =>
        Object.fromEntries(fields.map(({ name, convert }, i) => [name, convert((value as readonly SqlValue[])[i]!)]));
    }
    default:
      return (value) => value;
  }
}

/** Makes values of a type of what a function answers; undefined is null. Throws for what is no such value. */
export function fromCode(type: SqlType): FromCode {
  const convert = conversionFrom(type);
  return (value) => {
    if (value === null || value === undefined) return null;
    const converted = convert(value);
    if (converted === undefined) throw new WrongResult(value, type);
    return converted;
  };
}

class WrongResult extends MillraceError {
  constructor(value: unknown, type: SqlType) {
    const what =
      value instanceof Promise ? 'a promise (defineAsync is for functions that are waited for)' : shown(value);
    super('FUNCTION_RESULT', `it answers ${what} where ${typeText(type)} is expected`);
  }
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return `the ${typeof value} ${text.length > 100 ? `${text.slice(0, 100)}…` : text}`;
}

/** Gives undefined for what is no value of the type. */
function conversionFrom(type: SqlType): (value: unknown) => SqlValue | undefined {
  switch (type.kind) {
    case 'BOOLEAN':
      return (value) => (typeof value === 'boolean' ? value : undefined);
    case 'INTEGER':
      return (value) => (typeof value === 'number' && value === (value | 0) ? value | 0 : undefined);
    case 'DOUBLE':
      return (value) => (typeof value === 'number' ? value : undefined);
    case 'BIGINT':
      return (value) => {
        if (typeof value === 'number') return Number.isSafeInteger(value) ? value + 0 : undefined;
        return typeof value === 'bigint' && value === BigInt.asIntN(64, value) ? long(value) : undefined;
      };
    case 'DECIMAL':
      return (value) =>
        ['string', 'number', 'bigint'].includes(typeof value)
          ? Decimal.parse(String(value))?.fit(type.precision, type.scale)
          : undefined;
    case 'STRING':
      return (value) => (typeof value === 'string' ? value : undefined);
    case 'BYTES':
      return (value) =>
        value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : undefined;
    case 'DATE':
      return (value) => (typeof value === 'string' ? parseDate(value) : undefined);
    case 'TIME':
      return (value) => (typeof value === 'string' ? parseTime(value) : undefined);
    case 'TIMESTAMP':
      return (value) => (value instanceof Date && !Number.isNaN(value.getTime()) ? value.getTime() : undefined);
    case 'ARRAY': {
      const item = fromCode(type.item);
      return (value) => (Array.isArray(value) ? value.map(item) : undefined);
    }
    case 'MAP': {
      const item = fromCode(type.value);
      return (value) => {
        const entries = entriesOf(value);
        return entries && new Map(entries.map(([key, each]): [SqlValue, SqlValue] => [key, item(each)]));
      };
    }
    case 'STRUCT': {
      const fields = type.fields.map((field) => ({ name: field.name, convert: fromCode(field.type) }));
      return (value) => {
        const entries = entriesOf(value);
        if (entries === undefined) return undefined;
        const byName = new Map(entries);
        return fields.map(({ name, convert }) => convert(byName.get(name)));
      };
    }
    default:
      return type satisfies never;
  }
}

function entriesOf(value: unknown): [string, unknown][] | undefined {
  if (value instanceof Map) return [...(value as ReadonlyMap<string, unknown>)];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined;
}
