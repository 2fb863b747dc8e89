// Made-up rows: a value for each column, by what is planned for it and by chance.
import { Decimal, type Environment, unreachable } from '../../util/index.ts';
import { type DatagenPlan, type FieldPlan, RANDOM_MAX } from '../statements/datagen.ts';
import type { SqlType } from '../types.ts';
import type { Row, SqlValue } from '../values/value.ts';

type Random = FieldPlan & { readonly kind: 'random' };

const DAY_MS = 86_400_000;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const TEXT_LENGTH = 10;
const BYTES_LENGTH = 16;
const LIST_LENGTH = 3;
/** How values within values are made. */
const INNER: Random = { kind: 'random', min: 0, max: RANDOM_MAX, length: undefined, maxPastMs: 0, nullRate: 0 };

/** Makes the values of some columns, for the row with a number, from 0. */
export function rowMaker(
  environment: Environment,
  { fields }: DatagenPlan,
  columns: readonly { readonly name: string; readonly type: SqlType }[],
): (number: number) => Row {
  const makers = columns.map(({ name, type }) => valueMaker(environment, type, fields.get(name) ?? INNER));
  return (number) => makers.map((make) => make(number));
}

function valueMaker(environment: Environment, type: SqlType, field: FieldPlan): (number: number) => SqlValue {
  if (field.kind === 'sequence') return (number) => inSequence(type, field.start + number);
  const { nullRate } = field;
  const make = (): SqlValue =>
    field.kind === 'values'
      ? field.values[below(environment, field.values.length)]!
      : randomValue(environment, type, field);
  return nullRate === 0 ? make : () => (environment.random() < nullRate ? null : make());
}

function inSequence(type: SqlType, number: number): SqlValue {
  if (type.kind === 'STRING') return String(number);
  return type.kind === 'DECIMAL' ? new Decimal(BigInt(number) * 10n ** BigInt(type.scale), type.scale) : number;
}

function below(environment: Environment, count: number): number {
  return Math.floor(environment.random() * count);
}

function randomValue(environment: Environment, type: SqlType, field: Random): SqlValue {
  const { min, max, length, maxPastMs } = field;
  const past = (): number => environment.now() - Math.floor(environment.random() * maxPastMs);
  const many = <T>(otherwise: number, make: () => T): T[] => Array.from({ length: length ?? otherwise }, make);
  switch (type.kind) {
    case 'BOOLEAN':
      return environment.random() < 0.5;
    case 'INTEGER':
    case 'BIGINT':
      return Math.ceil(min) + below(environment, Math.floor(max) - Math.ceil(min) + 1);
    case 'DOUBLE':
      return min + environment.random() * (max - min);
    case 'DECIMAL':
      return randomDecimal(environment, type, field);
    case 'STRING':
      return many(TEXT_LENGTH, () => LETTERS[below(environment, LETTERS.length)]!).join('');
    case 'BYTES':
      return environment.randomBytes(length ?? BYTES_LENGTH);
    case 'DATE':
      return Math.floor(past() / DAY_MS);
    case 'TIME':
      return ((environment.now() % DAY_MS) + DAY_MS) % DAY_MS;
    case 'TIMESTAMP':
      return past();
    case 'ARRAY':
      return many(LIST_LENGTH, () => randomValue(environment, type.item, INNER));
    case 'MAP':
      return new Map(
        many(LIST_LENGTH, () => [
          randomValue(environment, type.key, INNER),
          randomValue(environment, type.value, INNER),
        ]),
      );
    case 'STRUCT':
      return type.fields.map((inner) => randomValue(environment, inner.type, INNER));
    default:
      return unreachable(type);
  }
}

function randomDecimal(environment: Environment, type: SqlType & { kind: 'DECIMAL' }, { min, max }: Random): Decimal {
  const { precision, scale } = type;
  const steps = 10 ** scale;
  // What is within another value has bounds that its type may not reach.
  const most = Math.min(max * steps, 10 ** precision - 1);
  const least = Math.min(min * steps, most);
  return new Decimal(BigInt(Math.round(least + environment.random() * (most - least))), scale);
}
