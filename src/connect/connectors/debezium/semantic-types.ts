// The names that Debezium gives to what Connect's own types don't say: each a schema of a plain type, with a name and a
// version, which sinks and consumers know.
import { primitive, type Schema, type SchemaOptions, STRING, structOf } from '../../data/schema.ts';

const named =
  (type: 'int32' | 'int64' | 'string' | 'bytes', name: string) =>
  (options: SchemaOptions = {}): Schema =>
    primitive(type, { version: 1, ...options, name });

/** Days since 1970. */
export const date = named('int32', 'io.debezium.time.Date');
/** Milliseconds of a day. */
export const time = named('int32', 'io.debezium.time.Time');
/** Microseconds of a day. */
export const microTime = named('int64', 'io.debezium.time.MicroTime');
/** Nanoseconds of a day. */
export const nanoTime = named('int64', 'io.debezium.time.NanoTime');
/** Milliseconds since 1970, in a zone that nobody said. */
export const timestamp = named('int64', 'io.debezium.time.Timestamp');
/** Microseconds since 1970, in a zone that nobody said. */
export const microTimestamp = named('int64', 'io.debezium.time.MicroTimestamp');
/** Nanoseconds since 1970, in a zone that nobody said. */
export const nanoTimestamp = named('int64', 'io.debezium.time.NanoTimestamp');
/** Microseconds of a span of time. */
export const microDuration = named('int64', 'io.debezium.time.MicroDuration');
/** ISO 8601, in UTC. */
export const zonedTimestamp = named('string', 'io.debezium.time.ZonedTimestamp');
export const zonedTime = named('string', 'io.debezium.time.ZonedTime');
export const isoDate = named('string', 'io.debezium.time.IsoDate');
export const isoTime = named('string', 'io.debezium.time.IsoTime');
export const isoTimestamp = named('string', 'io.debezium.time.IsoTimestamp');
export const interval = named('string', 'io.debezium.time.Interval');
export const json = named('string', 'io.debezium.data.Json');
export const xml = named('string', 'io.debezium.data.Xml');
export const uuid = named('string', 'io.debezium.data.Uuid');
export const ltree = named('string', 'io.debezium.data.Ltree');
export const tsvector = named('string', 'io.debezium.data.Tsvector');
const enumeration = named('string', 'io.debezium.data.Enum');
const bitString = named('bytes', 'io.debezium.data.Bits');

/** One of some texts. */
export function enumOf(labels: readonly string[], options: SchemaOptions = {}): Schema {
  return enumeration({ ...options, parameters: { allowed: labels.join(',') } });
}

/** So many bits, the first of them the lowest bit of the first byte. */
export function bits(length: number, options: SchemaOptions = {}): Schema {
  return bitString({ ...options, parameters: { length: String(length) } });
}

/** A decimal that brings its scale along. */
export function variableScaleDecimal(options: SchemaOptions = {}): Schema {
  return structOf(
    { scale: primitive('int32'), value: primitive('bytes') },
    { version: 1, doc: 'Variable scaled decimal', ...options, name: 'io.debezium.data.VariableScaleDecimal' },
  );
}

/** A point of a plane, with the same in well-known binary. */
export function point(options: SchemaOptions = {}): Schema {
  return structOf(
    {
      x: primitive('float64'),
      y: primitive('float64'),
      wkb: primitive('bytes', { optional: true }),
      srid: primitive('int32', { optional: true }),
    },
    { version: 1, doc: 'Geometry (POINT)', ...options, name: 'io.debezium.data.geometry.Point' },
  );
}

/** The texts of an hstore, by name. */
export const TEXT_OR_NULL = STRING.with({ optional: true });
