// What transformations have in common: most are there for keys and for values (`…$Key`, `…$Value`), and what becomes of a schema
// is worked out once for each, so that a record costs no new one.
import { Decimal } from '../../util/index.ts';
import type { ConfigDef, ConfigOf } from '../api/config-def.ts';
import { type TransformationPlugin, transformationPlugin } from '../api/plugins.ts';
import { DataError } from '../data/errors.ts';
import { KAFKA_VERSION } from '../data/kafka-version.ts';
import type { ConnectRecord, SchemaAndValue } from '../data/record.ts';
import { type Schema, structOf } from '../data/schema.ts';

/** A struct, or an object without a schema. */
export type Members = Readonly<Record<string, unknown>>;

/** A record's key or its value. */
export interface Side {
  of(record: ConnectRecord): SchemaAndValue;
  /** The record with another one. */
  put<R extends ConnectRecord>(record: R, schema: Schema | null, value: unknown): R;
}

const KEY: Side = {
  of: ({ keySchema, key }) => ({ schema: keySchema, value: key }),
  put: (record, keySchema, key) => ({ ...record, keySchema, key }),
};

const VALUE: Side = {
  of: ({ valueSchema, value }) => ({ schema: valueSchema, value }),
  put: (record, valueSchema, value) => ({ ...record, valueSchema, value }),
};

/** What a transformation does with a record. */
export type Apply = <R extends ConnectRecord>(record: R) => R | null;

/** What Kafka's own transformations say of themselves. */
interface KafkaTransformation<D extends ConfigDef> {
  /** Without the package. */
  readonly name: string;
  readonly config: D;
  readonly validate?: NonNullable<TransformationPlugin<D>['validate']>;
}

const PACKAGE = 'org.apache.kafka.connect.transforms';

/** A transformation of Kafka's that is there once. */
export function kafkaTransformation<const D extends ConfigDef>(
  { name, ...face }: KafkaTransformation<D>,
  make: (settings: ConfigOf<D>) => Apply,
): TransformationPlugin<D> {
  return transformationPlugin({
    ...face,
    className: `${PACKAGE}.${name}`,
    version: KAFKA_VERSION,
    create: (settings) => ({ apply: make(settings) }),
  });
}

/** A transformation of Kafka's that is there for keys and for values. */
export function kafkaTransformations<const D extends ConfigDef>(
  { name, ...face }: KafkaTransformation<D>,
  make: (settings: ConfigOf<D>, side: Side) => Apply,
): TransformationPlugin<D>[] {
  return [
    kafkaTransformation({ ...face, name: `${name}$Key` }, (settings) => make(settings, KEY)),
    kafkaTransformation({ ...face, name: `${name}$Value` }, (settings) => make(settings, VALUE)),
  ];
}

/** The setting that most have. */
export const REPLACE_NULL = {
  'replace.null.with.default': {
    type: 'BOOLEAN',
    default: true,
    importance: 'MEDIUM',
    doc: "Whether a field that is null is taken to have its schema's default, where there is one.",
  },
} as const satisfies ConfigDef;

/** A member that an object has itself, or null. */
export function memberOf(members: Members, name: string): unknown {
  return Object.hasOwn(members, name) ? (members[name] ?? null) : null;
}

/** What reads a field: with its schema's default for a null, or not. */
export function fieldReader(replaceNull: boolean): (struct: Members, name: string, schema: Schema) => unknown {
  return replaceNull ? (struct, name, schema) => memberOf(struct, name) ?? schema.default ?? null : memberOf;
}

/** Remembers what is made of each schema. */
export function perSchema<T>(make: (schema: Schema) => T): (schema: Schema) => T {
  const known = new WeakMap<Schema, { readonly made: T }>();
  return (schema) => {
    let found = known.get(schema);
    if (found === undefined) {
      found = { made: make(schema) };
      known.set(schema, found);
    }
    return found.made;
  };
}

/** A struct with the name, version, doc and parameters of another schema, and nothing else of it. */
export function structLike(schema: Schema, fields: readonly (readonly [string, Schema])[]): Schema {
  const { name, version, doc, parameters } = schema;
  return structOf(fields, { name, version, doc, parameters });
}

/** The same schema, but optional. */
export const optionally = (schema: Schema): Schema => (schema.optional ? schema : schema.with({ optional: true }));

/** A whole number as it is without a schema: a bigint only where a number would not hold it. */
export function schemalessLong(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

// ── What is asked of values ───────────────────────────────────────────────────────────────────────────────────────

/** An object of a value without a schema. Throws `DataError`. */
export function requireMap(value: unknown, purpose: string): Members {
  if (value instanceof Map) return Object.fromEntries(value) as Members;
  if (isPlain(value)) return value;
  throw new DataError(
    `Only Map objects supported in absence of schema for [${purpose}], found: ${value === null || value === undefined ? 'null' : javaClass(null, value)}`,
  );
}

/** A struct. Throws `DataError`. */
export function requireStruct(schema: Schema, value: unknown, purpose: string): Members {
  if (schema.type === 'struct' && isPlain(value)) return value;
  throw new DataError(
    `Only Struct objects supported for [${purpose}], found: ${value === null || value === undefined ? 'null' : javaClass(schema, value)}`,
  );
}

/** A struct, or null. Throws `DataError`. */
export function requireStructOrNull(schema: Schema, value: unknown, purpose: string): Members | null {
  return value === null || value === undefined ? null : requireStruct(schema, value, purpose);
}

function isPlain(value: unknown): value is Members {
  if (typeof value !== 'object' || value === null) return false;
  return !(
    Array.isArray(value) ||
    value instanceof Uint8Array ||
    value instanceof Date ||
    value instanceof Decimal ||
    value instanceof Map
  );
}

const JAVA_CLASSES: Readonly<Record<string, string>> = {
  int8: 'java.lang.Byte',
  int16: 'java.lang.Short',
  int32: 'java.lang.Integer',
  int64: 'java.lang.Long',
  float32: 'java.lang.Float',
  float64: 'java.lang.Double',
};

/** The class that a value has in Java: what Kafka's errors name. */
export function javaClass(schema: Schema | null, value: unknown): string {
  switch (typeof value) {
    case 'number':
      return JAVA_CLASSES[schema?.type ?? (Number.isInteger(value) ? 'int64' : 'float64')] ?? 'java.lang.Double';
    case 'bigint':
      return 'java.lang.Long';
    case 'boolean':
      return 'java.lang.Boolean';
    case 'string':
      return 'java.lang.String';
    default:
  }
  if (Array.isArray(value)) return 'java.util.ArrayList';
  if (value instanceof Uint8Array) return '[B';
  if (value instanceof Date) return 'java.util.Date';
  if (value instanceof Decimal) return 'java.math.BigDecimal';
  return schema?.type === 'struct' ? 'org.apache.kafka.connect.data.Struct' : 'java.util.LinkedHashMap';
}
