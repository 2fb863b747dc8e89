// CONNECTOR='datagen' in the WITH clause of CREATE STREAM: rows that nobody has to send. What each column has is said by options
// named after those of Flink's connector; what is not said is made up. Here the options are read; `service/datagen.ts` makes the rows.
import { isPlain } from '../analysis/extensions.ts';
import type { DataSource } from '../catalog.ts';
import { refuse, StatementError } from '../errors.ts';
import type { CreateSource, Literal } from '../parser/ast.ts';
import { quoteName } from '../parser/print.ts';
import { allColumns, type Column } from '../schema.ts';
import { type SqlType, STRING, typeText } from '../types.ts';
import { caster } from '../values/cast.ts';
import { Decimal } from '../../util/index.ts';
import type { SqlValue } from '../values/value.ts';

/** What the values of a column are. */
export type FieldPlan =
  | { readonly kind: 'sequence'; readonly start: number; readonly end: number | undefined }
  | { readonly kind: 'values'; readonly values: readonly SqlValue[]; readonly nullRate: number }
  | {
      readonly kind: 'random';
      readonly min: number;
      readonly max: number;
      /** Of texts, bytes, arrays and maps. */
      readonly length: number | undefined;
      /** Times lie so far back at most, ms. */
      readonly maxPastMs: number;
      readonly nullRate: number;
    };

export interface DatagenPlan {
  readonly rowsPerSecond: number;
  /** Undefined: rows come until the stream is dropped. */
  readonly rows: number | undefined;
  /** By column. */
  readonly fields: ReadonlyMap<string, FieldPlan>;
}

/** PORT. Makes the rows of streams, each as long as it is there. */
export interface Generators {
  start(source: DataSource, plan: DatagenPlan): void;
  stop(name: string): Promise<void>;
}

const ROWS_PER_SECOND = 10;
const ROWS_PER_SECOND_MAX = 100_000;
const LENGTH_MAX = 100_000;
/** Numbers go up to here where nothing is said. */
export const RANDOM_MAX = 1_000_000;

type Options = ReadonlyMap<string, Literal>;

/** The statement without what is the connector's, and that. Undefined options: it has no such connector. */
export function splitDatagen(
  statement: CreateSource,
  setting: (name: string) => string | undefined,
): { readonly statement: CreateSource; readonly options: Options | undefined } {
  const { properties, name, type, isSource } = statement;
  const connector = properties.get('CONNECTOR');
  // ksqlDB does not know the property, and says so.
  if (connector === undefined || isPlain(setting)) return { statement, options: undefined };
  if (String(connector).toLowerCase() !== 'datagen')
    refuse(`There is no connector '${String(connector)}' for CREATE ${type}: CONNECTOR is 'datagen'.`);
  if (type !== 'STREAM' || isSource) refuse("CONNECTOR='datagen' makes rows of a stream: CREATE STREAM … WITH (…).");
  const isOurs = (property: string) =>
    /^(CONNECTOR|ROWS[_-]PER[_-]SECOND|NUMBER[_-]OF[_-]ROWS|FIELDS\..*)$/.test(property);
  const entries = [...properties];
  const plain = new Map<string, Literal>([
    ['KAFKA_TOPIC', name],
    ['PARTITIONS', 1],
    ...(properties.has('FORMAT') || properties.has('VALUE_FORMAT') ? [] : [['VALUE_FORMAT', 'JSON'] as const]),
    ...entries.filter(([property]) => !isOurs(property)),
  ]);
  const options = new Map(
    entries.filter(([property]) => isOurs(property)).map(([property, value]) => [property.replaceAll('-', '_'), value]),
  );
  return { statement: { ...statement, properties: plain }, options };
}

export function planDatagen({ schema }: DataSource, options: Options): DatagenPlan {
  const columns = allColumns(schema);
  const headers = columns.find(({ namespace }) => namespace === 'HEADERS');
  if (headers !== undefined) refuse(`CONNECTOR='datagen' makes no headers: ${quoteName(headers.name)}.`);
  const given = new Map<string, Map<string, string>>();
  for (const [option, value] of options) {
    if (!option.startsWith('FIELDS.')) continue;
    const column = columns.find(({ name }) => option.startsWith(`FIELDS.${name.toUpperCase().replaceAll('-', '_')}.`));
    if (column === undefined) return refuse(`There is no column for the option '${option.toLowerCase()}'.`);
    const of = given.get(column.name) ?? new Map<string, string>();
    of.set(option.slice(`FIELDS.${column.name}.`.length).toLowerCase(), String(value));
    given.set(column.name, of);
  }
  const fields = new Map(
    columns.map((column) => [column.name, fieldPlan(column, given.get(column.name) ?? new Map())]),
  );
  const lengths = [...fields.values()].flatMap((field) =>
    field.kind === 'sequence' && field.end !== undefined ? [field.end - field.start + 1] : [],
  );
  const most = options.get('NUMBER_OF_ROWS');
  const all = [
    ...(most === undefined ? [] : [wholeOf('NUMBER_OF_ROWS', most, 1, Number.MAX_SAFE_INTEGER)]),
    ...lengths,
  ];
  const rate = options.get('ROWS_PER_SECOND') ?? ROWS_PER_SECOND;
  return {
    rowsPerSecond: wholeOf('ROWS_PER_SECOND', rate, 1, ROWS_PER_SECOND_MAX),
    rows: all.length === 0 ? undefined : Math.min(...all),
    fields,
  };
}

const NUMBERS: readonly SqlType['kind'][] = ['INTEGER', 'BIGINT', 'DOUBLE', 'DECIMAL'];
const TIMES: readonly SqlType['kind'][] = ['TIMESTAMP', 'DATE'];
const LONG: readonly SqlType['kind'][] = ['STRING', 'BYTES', 'ARRAY', 'MAP'];

function fieldPlan(column: Column, options: ReadonlyMap<string, string>): FieldPlan {
  const { name, type } = column;
  const kind = options.get('kind') ?? (options.has('values') ? 'values' : 'random');
  const known = {
    sequence: ['kind', 'start', 'end'],
    values: ['kind', 'values', 'null_rate'],
    random: ['kind', 'null_rate', ...optionsOf(type)],
  }[kind];
  const option = (what: string) => `'fields.${name.toLowerCase()}.${what}'`;
  if (known === undefined) return refuse(`${option('kind')} is 'random', 'sequence' or 'values', not '${kind}'.`);
  for (const what of options.keys()) {
    if (!known.includes(what))
      refuse(`${option(what)}: a column of ${typeText(type)} with kind '${kind}' has ${known.map(option).join(', ')}.`);
  }
  const number = (what: string, otherwise: number): number => {
    const value = Number(options.get(what) ?? otherwise);
    if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER)
      refuse(`${option(what)} is a number, and no longer than 15 digits, not '${options.get(what)}'.`);
    return value;
  };
  const nullRate = number('null_rate', 0);
  if (nullRate < 0 || nullRate > 1) refuse(`${option('null_rate')} is from 0 to 1, not ${nullRate}.`);
  if (kind === 'sequence') {
    if (!NUMBERS.includes(type.kind) && type.kind !== 'STRING')
      refuse(`${option('kind')}: numbers and texts can be a sequence, and ${quoteName(name)} is ${typeText(type)}.`);
    const start = wholeOf(
      option('start'),
      options.get('start') ?? 0,
      -Number.MAX_SAFE_INTEGER,
      Number.MAX_SAFE_INTEGER,
    );
    // A sequence is over where its type is.
    const [least, most] = rangeOf(type).map(Math.trunc) as [number, number];
    const isLimited = type.kind === 'INTEGER' || type.kind === 'DECIMAL';
    const end = options.get('end') ?? (isLimited ? most : undefined);
    if (start < least || start > most) refuse(`${option('start')}: ${start} is no value of ${typeText(type)}.`);
    return { kind, start, end: end === undefined ? undefined : wholeOf(option('end'), end, start, most) };
  }
  if (kind === 'values')
    return { kind, values: valuesOf(column, options.get('values') ?? '', option('values')), nullRate };
  const [least, most] = rangeOf(type);
  const [min, max] = [number('min', Math.max(0, least)), number('max', Math.min(RANDOM_MAX, most))];
  if (min > max || min < least || max > most)
    refuse(`${option('min')} and ${option('max')}: ${min} to ${max} is no range of ${typeText(type)}.`);
  const length = options.get('length');
  return {
    kind: 'random',
    min,
    max,
    length: length === undefined ? undefined : wholeOf(option('length'), length, 0, LENGTH_MAX),
    maxPastMs: Math.max(0, number('max_past', 0)),
    nullRate,
  };
}

/** What may be said of random values of a type. */
function optionsOf({ kind }: SqlType): string[] {
  if (NUMBERS.includes(kind)) return ['min', 'max'];
  if (TIMES.includes(kind)) return ['max_past'];
  return LONG.includes(kind) ? ['length'] : [];
}

function rangeOf(type: SqlType): [number, number] {
  if (type.kind === 'INTEGER') return [-2147483648, 2147483647];
  if (type.kind !== 'DECIMAL') return [-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
  const { precision, scale } = type;
  const most = Number(new Decimal(10n ** BigInt(precision) - 1n, scale).toString());
  return [-most, most];
}

/** Values that were listed, as those of the column's type. */
function valuesOf({ name, type }: Column, text: string, option: string): SqlValue[] {
  const cast = caster(STRING, type);
  if (cast === undefined || text === '') return refuse(`${option}: there are no values of ${typeText(type)} in it.`);
  return text.split(',').map((part) => {
    try {
      return cast(part.trim());
    } catch (cause) {
      const message = `${option}: '${part.trim()}' is no value of ${quoteName(name)} ${typeText(type)}.`;
      throw new StatementError(message, { cause });
    }
  });
}

function wholeOf(what: string, value: Literal, least: number, most: number): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < least || number > most)
    refuse(`${what} is a whole number from ${least} to ${most}, not '${String(value)}'.`);
  return number;
}
