import { parseBase64, parseBoolean } from './text-values.ts';
import { type SqlType, sameType } from '../types.ts';
import { doubleToInt, doubleToLong, type Long, longToInt, parseLong } from './bigint.ts';
import { Decimal } from '../../util/index.ts';
import { parseDate, parseTime, parseTimestamp } from './temporal.ts';
import { type SqlValue, valueText } from './value.ts';

/** Turns a non-null value of one type into one of another. Throws when that value can't be turned. */
export type Caster = (value: SqlValue) => SqlValue;

/** The cast of values that are the same in both types. */
export const unchanged: Caster = (value) => value;

/** The function behind CAST(x AS to); undefined when the pair is not supported. */
export function caster(from: SqlType, to: SqlType): Caster | undefined {
  if (sameType(from, to)) return unchanged;
  switch (to.kind) {
    case 'STRING':
      return (value) => valueText(from, value);
    case 'INTEGER':
      return toInteger(from);
    case 'BIGINT':
      return toBigint(from);
    case 'DOUBLE':
      return toDouble(from);
    case 'DECIMAL':
      return toDecimal(from, to.precision, to.scale);
    case 'BOOLEAN':
      return from.kind === 'STRING' ? (value) => parseBoolean(value as string) === true : undefined;
    case 'BYTES':
      return from.kind === 'STRING' ? (value) => parseBase64(value as string) ?? null : undefined;
    case 'TIMESTAMP':
      if (from.kind === 'STRING') return (value) => parseTimestamp(value as string);
      return from.kind === 'DATE' ? (value) => (value as number) * 86_400_000 : undefined;
    case 'DATE':
      if (from.kind === 'STRING') return (value) => parseDate(value as string);
      return from.kind === 'TIMESTAMP' ? (value) => Math.floor((value as number) / 86_400_000) : undefined;
    case 'TIME':
      if (from.kind === 'STRING') return (value) => parseTime(value as string);
      return from.kind === 'TIMESTAMP' ? (value) => mod(value as number, 86_400_000) : undefined;
    case 'ARRAY': {
      const item = from.kind === 'ARRAY' ? caster(from.item, to.item) : undefined;
      if (item === undefined) return undefined;
      return (value) => (value as readonly SqlValue[]).map((element) => (element === null ? null : item(element)));
    }
    case 'MAP': {
      const key = from.kind === 'MAP' ? caster(from.key, to.key) : undefined;
      const item = from.kind === 'MAP' ? caster(from.value, to.value) : undefined;
      if (key === undefined || item === undefined) return undefined;
      return (value) => {
        const cast = new Map<SqlValue, SqlValue>();
        for (const [k, v] of value as ReadonlyMap<SqlValue, SqlValue>)
          cast.set(k === null ? null : key(k), v === null ? null : item(v));
        return cast;
      };
    }
    case 'STRUCT': {
      if (from.kind !== 'STRUCT') return undefined;
      const steps: { index: number; cast: Caster }[] = [];
      for (const field of to.fields) {
        const index = from.fields.findIndex((candidate) => candidate.name === field.name);
        const cast = index < 0 ? unchanged : caster(from.fields[index]!.type, field.type);
        if (cast === undefined) return undefined;
        steps.push({ index, cast });
      }
      return (value) =>
        steps.map(({ index, cast }) => {
          const field = index < 0 ? null : (value as readonly SqlValue[])[index]!;
          return field === null ? null : cast(field);
        });
    }
    default:
      return undefined;
  }
}

function mod(value: number, by: number): number {
  return ((value % by) + by) % by;
}

function notANumber(value: SqlValue, type: string): never {
  throw new RangeError(`Cannot cast ${String(value)} to ${type}.`);
}

function toInteger(from: SqlType): Caster | undefined {
  switch (from.kind) {
    case 'BIGINT':
      return (value) => longToInt(value as Long);
    case 'DOUBLE':
      return (value) => doubleToInt(value as number);
    case 'DECIMAL':
      return (value) => Number(BigInt.asIntN(32, (value as Decimal).truncate()));
    case 'STRING':
      return (value) => {
        const parsed = parseLong((value as string).trim());
        if (parsed === undefined || longToInt(parsed) !== parsed) return notANumber(value, 'INT');
        return parsed;
      };
    default:
      return undefined;
  }
}

function toBigint(from: SqlType): Caster | undefined {
  switch (from.kind) {
    case 'INTEGER':
      return unchanged;
    case 'DOUBLE':
      return (value) => doubleToLong(value as number);
    case 'DECIMAL':
      return (value) => parseLong(String(BigInt.asIntN(64, (value as Decimal).truncate()))) ?? null;
    case 'STRING':
      return (value) => parseLong((value as string).trim()) ?? notANumber(value, 'BIGINT');
    default:
      return undefined;
  }
}

const DOUBLE = /^(?:NaN|[+-]?(?:Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))$/;

function toDouble(from: SqlType): Caster | undefined {
  switch (from.kind) {
    case 'INTEGER':
      return unchanged;
    case 'BIGINT':
      return (value) => Number(value);
    case 'DECIMAL':
      return (value) => (value as Decimal).toNumber();
    case 'STRING':
      return (value) => {
        const text = (value as string).trim();
        return DOUBLE.test(text) ? Number(text) : notANumber(value, 'DOUBLE');
      };
    default:
      return undefined;
  }
}

function toDecimal(from: SqlType, precision: number, scale: number): Caster | undefined {
  switch (from.kind) {
    case 'INTEGER':
    case 'BIGINT':
      return (value) => Decimal.ofInteger(value as Long).fit(precision, scale);
    case 'DOUBLE':
      return (value) => Decimal.ofDouble(value as number).fit(precision, scale);
    case 'DECIMAL':
      return (value) => (value as Decimal).fit(precision, scale);
    case 'STRING':
      return (value) => {
        const parsed = Decimal.parse((value as string).trim());
        return parsed === undefined ? notANumber(value, 'DECIMAL') : parsed.fit(precision, scale);
      };
    default:
      return undefined;
  }
}

/** A number as the decimal of the same value, however many digits that takes. */
export function exactDecimal(from: SqlType): Caster {
  return from.kind === 'DOUBLE'
    ? (value) => Decimal.ofDouble(value as number)
    : (value) => Decimal.ofInteger(value as Long);
}
