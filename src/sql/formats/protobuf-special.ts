// Protobuf messages that stand for one value in SQL: Connect's converter has them so, and with it ksqlDB.
import { connectParameters, type MessageField, type MessageType } from '../../schemas/index.ts';
import { DeserializationError } from '../../serde/index.ts';
import { refuse } from '../errors.ts';
import { DATE, decimalType, type SqlKind, type SqlType, TIME, TIMESTAMP } from '../types.ts';
import { Decimal, signedBytes, signedInteger } from '../../util/index.ts';
import type { SqlValue } from '../values/value.ts';

/** A message of a few scalars, which together are one value. */
export interface SpecialMessage {
  sqlType(field: MessageField): SqlType;
  /** The kinds of columns that it is read into as a value; into any other as an ordinary message, if at all. */
  readonly kinds: readonly SqlKind[];
  /** The names of the fields that matter. */
  readonly parts: readonly string[];
  fromParts(parts: readonly SqlValue[], to: SqlType): SqlValue;
  toParts(value: SqlValue, from: SqlType): readonly SqlValue[];
}

const DAY_MS = 86_400_000;

const timestamp: SpecialMessage = {
  sqlType: () => TIMESTAMP,
  kinds: ['TIMESTAMP', 'BIGINT'],
  parts: ['seconds', 'nanos'],
  fromParts([seconds, nanos]) {
    const ms = Number(seconds) * 1000 + Math.floor(Number(nanos) / 1_000_000);
    return Number.isSafeInteger(ms) ? ms : outOfRange('google.protobuf.Timestamp', `${seconds} seconds`);
  },
  toParts(value) {
    const ms = Number(value);
    const seconds = Math.floor(ms / 1000);
    return [seconds, (ms - seconds * 1000) * 1_000_000];
  },
};

const date: SpecialMessage = {
  sqlType: () => DATE,
  kinds: ['DATE', 'INTEGER', 'BIGINT'],
  parts: ['year', 'month', 'day'],
  fromParts(parts) {
    const [year, month, day] = parts as [number, number, number];
    const found = new Date(0);
    // Not Date.UTC, which takes the years 0 to 99 for 1900 to 1999.
    found.setUTCFullYear(year, month - 1, day);
    const isDate = found.getUTCMonth() === month - 1 && found.getUTCDate() === day;
    return isDate ? found.getTime() / DAY_MS : outOfRange('google.type.Date', parts.join('-'));
  },
  toParts(value) {
    const found = new Date(Number(value) * DAY_MS);
    return [found.getUTCFullYear(), found.getUTCMonth() + 1, found.getUTCDate()];
  },
};

const timeOfDay: SpecialMessage = {
  sqlType: () => TIME,
  kinds: ['TIME', 'INTEGER', 'BIGINT'],
  parts: ['hours', 'minutes', 'seconds', 'nanos'],
  fromParts(parts) {
    const [hours, minutes, seconds, nanos] = parts as [number, number, number, number];
    const ms = ((hours * 60 + minutes) * 60 + seconds) * 1000 + Math.floor(nanos / 1_000_000);
    return ms >= 0 && ms < DAY_MS ? ms : outOfRange('google.type.TimeOfDay', parts.slice(0, 3).join(':'));
  },
  toParts(value) {
    const ms = Number(value);
    return [
      Math.floor(ms / 3_600_000),
      Math.floor(ms / 60_000) % 60,
      Math.floor(ms / 1000) % 60,
      (ms % 1000) * 1_000_000,
    ];
  },
};

/** Far beyond what a column holds; what claims more would keep the process busy with its zeros. */
const SCALE_MAX = 1000;

const decimal: SpecialMessage = {
  sqlType(field) {
    const parameters = connectParameters(field.options);
    const [precision, scale] = [Number(parameters.get('precision') ?? 64), Number(parameters.get('scale') ?? 0)];
    if (!Number.isInteger(precision) || !Number.isInteger(scale) || precision < 1 || scale < 0 || scale > precision) {
      return refuse(
        `The Protobuf field ${field.name} is a decimal with the precision ${parameters.get('precision')} and the scale ${parameters.get('scale')}, which no DECIMAL has.`,
      );
    }
    return decimalType(precision, scale);
  },
  kinds: ['DECIMAL'],
  parts: ['value', 'precision', 'scale'],
  fromParts([value, , scale], to) {
    const bytes = value as Buffer;
    if (to.kind !== 'DECIMAL' || bytes.length > SCALE_MAX || Math.abs(Number(scale)) > SCALE_MAX) {
      return outOfRange('confluent.type.Decimal', `${bytes.length} bytes with the scale ${scale}`);
    }
    return new Decimal(signedInteger(bytes), Number(scale)).fit(to.precision, to.scale);
  },
  toParts(value, from) {
    const { unscaled, precision, scale } = value as Decimal;
    return [signedBytes(unscaled), from.kind === 'DECIMAL' ? from.precision : precision, scale];
  },
};

const specials: ReadonlyMap<string, SpecialMessage> = new Map([
  ['google.protobuf.Timestamp', timestamp],
  ['google.type.Date', date],
  ['google.type.TimeOfDay', timeOfDay],
  ['confluent.type.Decimal', decimal],
]);

export function specialMessage({ name, fields }: MessageType): SpecialMessage | undefined {
  const special = specials.get(name);
  // Anyone may call a message of their own so.
  return special?.parts.every((part) => fields.some((field) => field.name === part)) ? special : undefined;
}

/** Messages around one value that may be absent, and what they hold. */
export const wrapperTypes: Readonly<Record<string, string>> = {
  DoubleValue: 'double',
  FloatValue: 'float',
  Int64Value: 'int64',
  UInt64Value: 'uint64',
  Int32Value: 'int32',
  UInt32Value: 'uint32',
  BoolValue: 'bool',
  StringValue: 'string',
  BytesValue: 'bytes',
};

export function isWrapper({ name }: MessageType): boolean {
  const own = /^google\.protobuf\.(\w+)$/.exec(name)?.[1];
  return own !== undefined && Object.hasOwn(wrapperTypes, own);
}

/** Whether a message has nothing but a value: wrappers, and what stands around a collection in a collection. */
export function isAroundValue({ fields }: MessageType): boolean {
  return fields.length === 1 && fields[0]!.name === 'value';
}

function outOfRange(name: string, what: string): never {
  throw new DeserializationError(`a ${name} of a Protobuf record has ${what}, which no SQL value can hold`);
}
