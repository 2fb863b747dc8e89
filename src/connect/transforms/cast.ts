// org.apache.kafka.connect.transforms.Cast: fields, or the whole value, as another type. Numbers become others as Java casts them:
// digits behind the point are cut off, whole numbers keep their lowest bits, floats stop at the ends of the range.
import { Decimal } from '../../util/index.ts';
import { defineConfig } from '../api/config-def.ts';
import { ConfigError, DataError } from '../data/errors.ts';
import { javaText } from '../data/java-text.ts';
import { daysOf, millisOf } from '../data/logical.ts';
import { LOGICAL, primitive, type Schema, SCHEMA_TYPES, type SchemaType } from '../data/schema.ts';
import { instantText } from '../data/value-text.ts';
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
  requireStruct,
  schemalessLong,
  structLike,
} from './side.ts';

const PURPOSE = 'cast types';

type Target = Exclude<SchemaType, 'array' | 'map' | 'struct' | 'bytes'>;
const TARGETS: readonly SchemaType[] = SCHEMA_TYPES.slice(0, 8);

/** The types to cast to, by field; the whole value's without one. */
interface Spec {
  readonly whole: Target | undefined;
  readonly fields: ReadonlyMap<string, Target>;
}

const config = defineConfig({
  spec: {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'Fields with the types that they are cast to, as field:type,field:type, or one type for the whole value: int8, int16, int32, int64, float32, float64, boolean or string. Bytes can be cast to string only.',
    validator(value) {
      if (value === null || value.length === 0) return 'Must specify at least one field to cast.';
      try {
        parseSpec(value);
        return undefined;
      } catch (error) {
        if (error instanceof ConfigError) return error.message;
        throw error;
      }
    },
  },
  ...REPLACE_NULL,
});

function parseSpec(list: readonly string[]): Spec {
  const fields = new Map<string, Target>();
  let whole: Target | undefined;
  for (const mapping of list) {
    const parts = mapping.split(':');
    if (parts.length > 2) throw new ConfigError(`Invalid rename mapping: ${mapping}`);
    const target = targetOf((parts[1] ?? parts[0]!).trim());
    if (parts.length === 1) whole = target;
    else fields.set(parts[0]!.trim(), target);
  }
  if (whole !== undefined && list.length > 1)
    throw new ConfigError(
      'Cast transformations that specify a type to cast the entire value to may only specify a single cast in their spec',
    );
  return { whole, fields };
}

function targetOf(text: string): Target {
  const type = SCHEMA_TYPES.find((each) => each === text.toLowerCase());
  if (type === undefined) throw new ConfigError(`Invalid type found in casting spec: ${text}`);
  if (!TARGETS.includes(type))
    throw new ConfigError(
      `Cast transformation does not support casting to ${type.toUpperCase()}; supported types are ${shown(TARGETS)}`,
    );
  return type as Target;
}

const shown = (types: readonly SchemaType[]): string => `[${types.map((type) => type.toUpperCase()).join(', ')}]`;

/** Casts a value of a schema. */
type CastValue = (value: unknown) => unknown;

/** Changes, or only looks at, a field. */
interface FieldCast {
  readonly name: string;
  readonly schema: Schema;
  readonly cast: CastValue | undefined;
}

/** The transformations. */
export const cast = kafkaTransformations({ name: 'Cast', config }, (settings, side): Apply => {
  const { whole, fields } = parseSpec(settings.spec);
  const read = fieldReader(settings['replace.null.with.default']);
  const wholeCast = perSchema((schema) => ({
    schema: castSchema(schema, whole!),
    cast: caster(schema, whole!),
  }));
  const fieldCasts = perSchema((schema) => castFields(schema, fields));
  const schemaless = new Map([...fields].map(([name, target]) => [name, caster(null, target)]));
  const schemalessWhole = whole === undefined ? undefined : caster(null, whole);
  return (record) => {
    const { schema, value } = side.of(record);
    if (value === null || value === undefined) return record;
    if (schema === null) {
      if (schemalessWhole !== undefined) return side.put(record, null, schemalessWhole(value));
      const changed: Record<string, unknown> = { ...requireMap(value, PURPOSE) };
      for (const [name, castValue] of schemaless) changed[name] = castValue(memberOf(changed, name));
      return side.put(record, null, changed);
    }
    if (whole !== undefined) {
      const made = wholeCast(schema);
      return side.put(record, made.schema, made.cast(value));
    }
    const struct = requireStruct(schema, value, PURPOSE);
    const made = fieldCasts(schema);
    const changed: Record<string, unknown> = {};
    for (const { name, schema: of, cast: castValue } of made.fields) {
      const given = read(struct, name, of);
      changed[name] = castValue === undefined ? given : castValue(given);
    }
    return side.put(record, made.schema, changed);
  };
});

function castFields(schema: Schema, targets: Spec['fields']): { schema: Schema; fields: FieldCast[] } {
  const fields = schema.fields.map(({ name, schema: of }): FieldCast => {
    const target = targets.get(name);
    return { name, schema: of, cast: target === undefined ? undefined : caster(of, target) };
  });
  const like = structLike(
    schema,
    fields.map(({ name, schema: of, cast }) => {
      const { optional, default: given } = of;
      if (cast === undefined) return [name, of];
      return [
        name,
        primitive(targets.get(name)!, { optional, default: given === undefined ? undefined : cast(given) }),
      ];
    }),
  );
  const { optional, default: given } = schema;
  const castDefault = (): unknown =>
    Object.fromEntries(
      fields.map(({ name, cast }) => {
        const value = memberOf(given as Members, name);
        return [name, cast === undefined ? value : cast(value)];
      }),
    );
  return { schema: like.with({ optional, ...(given === undefined ? {} : { default: castDefault() }) }), fields };
}

/** The old schema's name and the like stay, but for a logical type's: the value is none of it any more. */
function castSchema(schema: Schema, target: Target): Schema {
  const { name, version, doc, parameters, optional, default: given } = schema;
  return primitive(target, {
    ...(isLogical(schema) ? {} : { name, version, parameters }),
    doc,
    optional,
    default: given === undefined || given === null ? undefined : caster(schema, target)(given),
  });
}

const isLogical = ({ name }: Schema): boolean => Object.values<string | undefined>(LOGICAL).includes(name);

function caster(schema: Schema | null, target: Target): CastValue {
  const castTo = CASTS[target];
  return (value) => {
    if (value === null || value === undefined) return null;
    const type = schema?.type ?? typeOf(value);
    if (type === undefined || !(TARGETS.includes(type) || type === 'bytes'))
      throw new DataError(
        `Cast transformation does not support casting from ${type?.toUpperCase()}; supported types are ${shown([...TARGETS, 'bytes'])}`,
      );
    const made = castTo(schema, target === 'string' ? value : encoded(schema, value));
    return schema === null && typeof made === 'bigint' ? schemalessLong(made) : made;
  };
}

function typeOf(value: unknown): SchemaType | undefined {
  if (Array.isArray(value)) return 'array';
  if (value instanceof Uint8Array || value instanceof Decimal) return 'bytes';
  if (value instanceof Date) return 'int64';
  if (typeof value === 'object') return 'map';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return ({ string: 'string', boolean: 'boolean', bigint: 'int64' } as const)[typeof value as 'string'];
}

/** Days, milliseconds of the day, and milliseconds since the epoch, as the numbers that they are. */
function encoded(schema: Schema | null, value: unknown): unknown {
  if (!(value instanceof Date)) return value;
  switch (schema?.name) {
    case LOGICAL.date:
      return daysOf(value);
    case LOGICAL.time:
      return millisOf(value);
    default:
      return BigInt(value.getTime());
  }
}

const whole =
  (bits: 8 | 16 | 32) =>
  (schema: Schema | null, value: unknown): number => {
    if (typeof value === 'string') return Number(parsedInteger(value, bits));
    if (typeof value === 'boolean') return value ? 1 : 0;
    return Number(BigInt.asIntN(bits, asInteger(schema, value, 32)));
  };

const fraction =
  (round: (value: number) => number) =>
  (schema: Schema | null, value: unknown): number => {
    if (typeof value === 'string') return round(parsedFloat(value));
    if (typeof value === 'boolean') return value ? 1 : 0;
    if (typeof value === 'number' || typeof value === 'bigint') return round(Number(value));
    return value instanceof Decimal ? round(value.toNumber()) : unexpected(schema, value);
  };

const CASTS: Readonly<Record<Target, (schema: Schema | null, value: unknown) => unknown>> = {
  int8: whole(8),
  int16: whole(16),
  int32: whole(32),
  int64(schema, value) {
    if (typeof value === 'string') return parsedInteger(value, 64);
    if (typeof value === 'boolean') return value ? 1n : 0n;
    return BigInt.asIntN(64, asInteger(schema, value, 64));
  },
  float32: fraction(Math.fround),
  float64: fraction((value) => value),
  boolean(schema, value) {
    if (typeof value === 'string') return value.toLowerCase() === 'true';
    return typeof value === 'boolean' ? value : BigInt.asIntN(64, asInteger(schema, value, 64)) !== 0n;
  },
  string: asText,
};

/** A number without what is behind its point; a float stops at the ends of so many bits. */
function asInteger(schema: Schema | null, value: unknown, bits: number): bigint {
  if (typeof value === 'bigint') return value;
  if (value instanceof Decimal) return value.truncate();
  if (typeof value !== 'number') return unexpected(schema, value);
  if (Number.isNaN(value)) return 0n;
  if (schema === null && Number.isInteger(value))
    return Number.isSafeInteger(value) ? BigInt(value) : saturated(value, 64);
  return saturated(value, bits);
}

function saturated(value: number, bits: number): bigint {
  const limit = 2 ** (bits - 1);
  if (value >= limit) return 2n ** BigInt(bits - 1) - 1n;
  return value <= -limit ? -(2n ** BigInt(bits - 1)) : BigInt(Math.trunc(value));
}

function parsedInteger(text: string, bits: number): bigint {
  const value = /^[+-]?\d+$/.test(text) ? BigInt(text.replace('+', '')) : undefined;
  if (value === undefined || BigInt.asIntN(bits, value) !== value) throw outOfRange(text);
  return value;
}

/** As Java reads floats: blanks around, and a type's letter behind, are allowed. */
function parsedFloat(text: string): number {
  const trimmed = text.trim();
  if (/^[+-]?(?:NaN|Infinity)$/.test(trimmed)) return Number(trimmed.replace(/^[+-](?=NaN)/, ''));
  const number = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[fFdD]?$/.exec(trimmed)?.[1];
  if (number === undefined) throw outOfRange(text);
  return Number(number);
}

function asText(schema: Schema | null, value: unknown): string {
  if (value instanceof Date) return instantText(schema, value);
  return javaText(schema, value);
}

function outOfRange(text: string): DataError {
  return new DataError(`Value (${text}) was out of range for requested data type`);
}

function unexpected(schema: Schema | null, value: unknown): never {
  throw new DataError(`Unexpected type in Cast transformation: class ${javaClass(schema, value)}`);
}
