// org.apache.kafka.connect.transforms.TimestampConverter: times between texts, numbers since the epoch and Connect's types.
import { defineConfig, oneOfTexts } from '../api/config-def.ts';
import type { ConfigProblem } from '../api/config-def.ts';
import { ConfigError, ConnectError, DataError } from '../data/errors.ts';
import {
  date,
  INT64,
  LOGICAL,
  OPTIONAL_INT64,
  OPTIONAL_STRING,
  type Schema,
  STRING,
  time,
  timestamp,
} from '../data/schema.ts';
import { dateFormatProblem } from './routers.ts';
import {
  type Apply,
  fieldReader,
  javaClass,
  kafkaTransformations,
  memberOf,
  type Members,
  perSchema,
  REPLACE_NULL,
  requireMap,
  requireStructOrNull,
  schemalessLong,
  structLike,
} from './side.ts';
import { type SimpleDateFormat, simpleDateFormat } from './simple-date-format.ts';

const PURPOSE = 'converting timestamp formats';
const DAY_MS = 86_400_000n;

const config = defineConfig({
  field: {
    type: 'STRING',
    default: '',
    importance: 'HIGH',
    doc: 'The field that has the time; without one it is the whole value.',
  },
  'target.type': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'What the time becomes: string, unix, Date, Time or Timestamp.',
    validator: oneOfTexts('string', 'unix', 'Date', 'Time', 'Timestamp'),
  },
  format: {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: 'How texts are written and read: a pattern of java.text.SimpleDateFormat, in UTC.',
  },
  'unix.precision': {
    type: 'STRING',
    default: 'milliseconds',
    importance: 'LOW',
    doc: 'What numbers count: seconds, milliseconds, microseconds or nanoseconds. What is finer than a millisecond is lost.',
    validator: oneOfTexts('nanoseconds', 'microseconds', 'milliseconds', 'seconds'),
  },
  ...REPLACE_NULL,
});

type Kind = 'string' | 'unix' | 'Date' | 'Time' | 'Timestamp';

/** A way to write times. In between they are milliseconds since the epoch. */
interface Form {
  readonly schema: Schema;
  readonly optionalSchema: Schema;
  read(value: unknown): bigint;
  write(ms: bigint): unknown;
}

function validate({ 'target.type': type, format }: { 'target.type': string; format: string }): ConfigProblem[] {
  if (type === 'string' && format.trim() === '')
    return [
      {
        name: 'format',
        message: 'TimestampConverter requires format option to be specified when using string timestamps',
      },
    ];
  const problem = format.trim() === '' ? undefined : dateFormatProblem(format);
  if (problem === undefined) return [];
  return [
    {
      name: 'format',
      message: `TimestampConverter requires a SimpleDateFormat-compatible pattern for string timestamps: ${format} (${problem})`,
    },
  ];
}

/** The transformations. */
export const timestampConverter = kafkaTransformations(
  { name: 'TimestampConverter', config, validate },
  (settings, side): Apply => {
    const [problem] = validate(settings);
    if (problem !== undefined) throw new ConfigError(problem.message);
    const { field } = settings;
    const forms = formsOf(settings.format, settings['unix.precision']);
    const target = forms[settings['target.type'] as Kind];
    const read = fieldReader(settings['replace.null.with.default']);
    const converted = (schema: Schema | null, value: unknown): unknown => {
      const known = schema === null ? undefined : kindOfSchema(schema);
      if (value === null || value === undefined) return null;
      const kind = known ?? kindOfValue(value);
      const written = target.write(forms[kind].read(value));
      return schema === null && typeof written === 'bigint' ? schemalessLong(written) : written;
    };
    const newSchema = (optional: boolean): Schema => (optional ? target.optionalSchema : target.schema);
    const convertedStruct = (schema: Schema, struct: Members): Members =>
      Object.fromEntries(
        schema.fields.map(({ name, schema: of }) => {
          const value = read(struct, name, of);
          return [name, name === field ? converted(of, value) : value];
        }),
      );
    const updated = perSchema((schema) => {
      const { optional, default: given } = schema;
      const fields = schema.fields.map(
        ({ name, schema: of }) => [name, name === field ? newSchema(of.optional) : of] as const,
      );
      const like = structLike(schema, fields);
      return given === undefined || given === null
        ? like.with({ optional })
        : like.with({ optional, default: convertedStruct(schema, given as Members) });
    });
    return (record) => {
      const { schema, value } = side.of(record);
      if (schema === null) {
        if (value === null || value === undefined || field === '')
          return side.put(record, null, converted(null, value));
        const members = requireMap(value, PURPOSE);
        return side.put(record, null, { ...members, [field]: converted(null, memberOf(members, field)) });
      }
      if (field === '') {
        kindOfSchema(schema);
        return side.put(record, newSchema(schema.optional), converted(schema, value));
      }
      const struct = requireStructOrNull(schema, value, PURPOSE);
      return side.put(record, updated(schema), struct === null ? null : convertedStruct(schema, struct));
    };
  },
);

function kindOfSchema(schema: Schema): Kind {
  switch (schema.name) {
    case LOGICAL.timestamp:
      return 'Timestamp';
    case LOGICAL.date:
      return 'Date';
    case LOGICAL.time:
      return 'Time';
    default:
  }
  if (schema.type === 'string') return 'string';
  if (schema.type === 'int64') return 'unix';
  throw new ConnectError(`Schema ${schemaText(schema)} does not correspond to a known timestamp type format`);
}

function schemaText({ name, type }: Schema): string {
  return `Schema{${name === undefined ? type.toUpperCase() : `${name}:${type.toUpperCase()}`}}`;
}

function kindOfValue(value: unknown): Kind {
  if (value instanceof Date) return 'Timestamp';
  if (typeof value === 'bigint' || Number.isInteger(value)) return 'unix';
  if (typeof value === 'string') return 'string';
  throw new DataError(`TimestampConverter does not support class ${javaClass(null, value)} objects as timestamps`);
}

function formsOf(pattern: string, precision: string): Readonly<Record<Kind, Form>> {
  const format = pattern.trim() === '' ? undefined : simpleDateFormat(pattern);
  const readDate =
    (kind: Kind) =>
    (value: unknown): bigint => {
      if (value instanceof Date) return BigInt(value.getTime());
      throw new DataError(`Expected ${kind} to be a java.util.Date, but found class ${javaClass(null, value)}`);
    };
  const logical = (kind: Kind, make: typeof date, cut: (ms: bigint) => bigint): Form => ({
    schema: make(),
    optionalSchema: make({ optional: true }),
    read: readDate(kind),
    write: (ms) => new Date(near(cut(ms))),
  });
  return {
    string: textForm(format, pattern),
    unix: unixForm(precision),
    Date: logical('Date', date, (ms) => ms - floorMod(ms)),
    Time: logical('Time', time, floorMod),
    Timestamp: logical('Timestamp', timestamp, (ms) => ms),
  };
}

/** Milliseconds that a date can have: 8.64e15 to both sides of the epoch. */
function near(ms: bigint): number {
  const value = Number(ms);
  if (Math.abs(value) <= 8.64e15) return value;
  throw new DataError(`The time ${ms} ms is too far from the epoch`);
}

const floorMod = (ms: bigint): bigint => ((ms % DAY_MS) + DAY_MS) % DAY_MS;

function textForm(format: SimpleDateFormat | undefined, pattern: string): Form {
  const needed = (): SimpleDateFormat => {
    if (format !== undefined) return format;
    throw new ConfigError('TimestampConverter requires format option to be specified when using string timestamps');
  };
  return {
    schema: STRING,
    optionalSchema: OPTIONAL_STRING,
    read(value) {
      const ms = needed().parse(value as string);
      if (ms !== undefined) return BigInt(ms);
      throw new DataError(`Could not parse timestamp: value (${value as string}) does not match pattern (${pattern})`);
    },
    write: (ms) => needed().format(near(ms)),
  };
}

/** How many of a unit are a millisecond, or how many milliseconds are one. What is left over is cut off. */
const UNITS: Readonly<
  Record<string, { readonly toMs: (value: bigint) => bigint; readonly ofMs: (ms: bigint) => bigint }>
> = {
  seconds: { toMs: (value) => value * 1000n, ofMs: (ms) => ms / 1000n },
  milliseconds: { toMs: (value) => value, ofMs: (ms) => ms },
  microseconds: { toMs: (value) => value / 1000n, ofMs: (ms) => ms * 1000n },
  nanoseconds: { toMs: (value) => value / 1_000_000n, ofMs: (ms) => ms * 1_000_000n },
};

function unixForm(precision: string): Form {
  const { toMs, ofMs } = UNITS[precision]!;
  return {
    schema: INT64,
    optionalSchema: OPTIONAL_INT64,
    read: (value) => toMs(BigInt(value as bigint | number)),
    write: ofMs,
  };
}
