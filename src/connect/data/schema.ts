// The types of Connect's records, as Kafka Connect has them: twelve types, each optional or not, with a name, a version,
// parameters and a default; logical types are names that everybody knows. One immutable class; equal schemas need not be the
// same object, but converters and sinks look schemas up by identity first, so whoever makes records makes a schema once.
import { ConnectError } from './errors.ts';

/** The types of values. */
export const SCHEMA_TYPES = [
  'int8',
  'int16',
  'int32',
  'int64',
  'float32',
  'float64',
  'boolean',
  'string',
  'bytes',
  'array',
  'map',
  'struct',
] as const;

/** One of Connect's twelve types. */
export type SchemaType = (typeof SCHEMA_TYPES)[number];

/** A field of a struct. */
export interface Field {
  /** Unique in its struct. */
  readonly name: string;
  /** Its place, from 0. */
  readonly index: number;
  /** What its values are. */
  readonly schema: Schema;
}

/** What may be said of a schema beside its type. */
export interface SchemaOptions {
  /** Whether null is a value of it. Default false. */
  readonly optional?: boolean;
  /** A struct's full name, or that of a logical type. */
  readonly name?: string | undefined;
  /** Whatever its author counts. */
  readonly version?: number | undefined;
  /** For people. */
  readonly doc?: string | undefined;
  /** For programs: a decimal's scale, the name of a column's type. */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
  /** What stands for a field that is missing. */
  readonly default?: unknown;
}

/** What the type itself needs. */
interface SchemaParts {
  readonly fields?: readonly Field[];
  readonly keySchema?: Schema;
  readonly valueSchema?: Schema;
}

/** What values of a record's key, value or header are. */
export class Schema {
  /** One of the twelve. */
  readonly type: SchemaType;
  /** Whether null is a value of it. */
  readonly optional: boolean;
  /** A struct's full name, or a logical type's. */
  readonly name: string | undefined;
  /** Whatever its author counts. */
  readonly version: number | undefined;
  /** For people. */
  readonly doc: string | undefined;
  /** For programs. */
  readonly parameters: Readonly<Record<string, string>> | undefined;
  /** Undefined: there is none. */
  readonly default: unknown;
  readonly #parts: SchemaParts;
  #fieldsByName: Map<string, Field> | undefined;

  /** Made by the functions below, which know what each type needs. */
  constructor(type: SchemaType, options: SchemaOptions = {}, parts: SchemaParts = {}) {
    this.type = type;
    this.optional = options.optional ?? false;
    this.name = options.name;
    this.version = options.version;
    this.doc = options.doc;
    this.parameters = options.parameters;
    this.default = options.default;
    this.#parts = parts;
  }

  /** A struct's fields, in their order. Throws `ConnectError` for other types. */
  get fields(): readonly Field[] {
    return this.#part('fields', 'struct');
  }

  /** What a map's keys are. */
  get keySchema(): Schema {
    return this.#part('keySchema', 'map');
  }

  /** What a map's values, or an array's elements, are. */
  get valueSchema(): Schema {
    return this.#part('valueSchema', 'map or an array');
  }

  /** A struct's field of that name. */
  field(name: string): Field | undefined {
    this.#fieldsByName ??= new Map(this.fields.map((field) => [field.name, field]));
    return this.#fieldsByName.get(name);
  }

  /** The same schema, with these things said otherwise; a key that is undefined is taken away. */
  with(options: SchemaOptions): Schema {
    const { optional, name, version, doc, parameters } = this;
    return new Schema(
      this.type,
      { optional, name, version, doc, parameters, default: this.default, ...options },
      this.#parts,
    );
  }

  /** Whether both mean the same, in every part. */
  equals(other: Schema | null): boolean {
    if (this === other) return true;
    if (other === null || this.type !== other.type || this.optional !== other.optional) return false;
    if (this.name !== other.name || this.version !== other.version || this.doc !== other.doc) return false;
    if (!sameParameters(this.parameters, other.parameters) || !sameValue(this.default, other.default)) return false;
    const [a, b] = [this.#parts, other.#parts];
    if (a.keySchema !== undefined && !a.keySchema.equals(b.keySchema!)) return false;
    if (a.valueSchema !== undefined && !a.valueSchema.equals(b.valueSchema!)) return false;
    if (a.fields === undefined) return true;
    return (
      a.fields.length === b.fields!.length &&
      a.fields.every((field, i) => field.name === b.fields![i]!.name && field.schema.equals(b.fields![i]!.schema))
    );
  }

  #part<K extends keyof SchemaParts>(part: K, types: string): NonNullable<SchemaParts[K]> {
    const found = this.#parts[part];
    if (found === undefined) throw new ConnectError(`a schema of type ${this.type} is no ${types}`);
    return found;
  }
}

/** A schema of a type that has no parts. */
export function primitive(type: Exclude<SchemaType, 'array' | 'map' | 'struct'>, options: SchemaOptions = {}): Schema {
  return new Schema(type, options);
}

/** Values of one schema, in an order. */
export function arrayOf(valueSchema: Schema, options: SchemaOptions = {}): Schema {
  return new Schema('array', options, { valueSchema });
}

/** Values by key. */
export function mapOf(keySchema: Schema, valueSchema: Schema, options: SchemaOptions = {}): Schema {
  return new Schema('map', options, { keySchema, valueSchema });
}

/** Named fields, in their order. */
export function structOf(
  fields: Readonly<Record<string, Schema>> | readonly (readonly [string, Schema])[],
  options: SchemaOptions = {},
): Schema {
  const entries = Array.isArray(fields) ? (fields as readonly (readonly [string, Schema])[]) : Object.entries(fields);
  const names = new Set<string>();
  for (const [name] of entries) {
    if (names.has(name)) throw new ConnectError(`a struct cannot have two fields named ${name}`);
    // An object cannot have it as a member of its own by assignment: values would be lost in silence.
    if (name === '__proto__') throw new ConnectError('a struct cannot have a field named __proto__');
    names.add(name);
  }
  return new Schema('struct', options, { fields: entries.map(([name, schema], index) => ({ name, index, schema })) });
}

/** Whole numbers of 8 bits. */
export const INT8 = primitive('int8');
/** Whole numbers of 16 bits. */
export const INT16 = primitive('int16');
/** Whole numbers of 32 bits. */
export const INT32 = primitive('int32');
/** Whole numbers of 64 bits: `bigint`. */
export const INT64 = primitive('int64');
/** Floating numbers of 32 bits. */
export const FLOAT32 = primitive('float32');
/** Floating numbers of 64 bits. */
export const FLOAT64 = primitive('float64');
/** True or false. */
export const BOOLEAN = primitive('boolean');
/** Texts. */
export const STRING = primitive('string');
/** Bytes: `Uint8Array`. */
export const BYTES = primitive('bytes');
/** Whole numbers of 32 bits, or null. */
export const OPTIONAL_INT32 = primitive('int32', { optional: true });
/** Whole numbers of 64 bits, or null. */
export const OPTIONAL_INT64 = primitive('int64', { optional: true });
/** Floating numbers of 64 bits, or null. */
export const OPTIONAL_FLOAT64 = primitive('float64', { optional: true });
/** True, false, or null. */
export const OPTIONAL_BOOLEAN = primitive('boolean', { optional: true });
/** Texts, or null. */
export const OPTIONAL_STRING = primitive('string', { optional: true });
/** Bytes, or null. */
export const OPTIONAL_BYTES = primitive('bytes', { optional: true });

/** The names of Connect's logical types; their values are `Decimal`s and `Date`s. */
export const LOGICAL = {
  decimal: 'org.apache.kafka.connect.data.Decimal',
  date: 'org.apache.kafka.connect.data.Date',
  time: 'org.apache.kafka.connect.data.Time',
  timestamp: 'org.apache.kafka.connect.data.Timestamp',
} as const;

const SCALE = 'scale';

/** Exact numbers with so many digits behind the point: values are `Decimal`s of that scale. */
export function decimalOf(scale: number, options: SchemaOptions = {}): Schema {
  const parameters = { [SCALE]: String(scale), ...options.parameters };
  return new Schema('bytes', { version: 1, ...options, name: LOGICAL.decimal, parameters });
}

/** The scale that a schema of decimals names. */
export function scaleOf(schema: Schema): number {
  const scale = Number(schema.parameters?.[SCALE] ?? Number.NaN);
  if (!Number.isInteger(scale)) throw new ConnectError('a schema of decimals needs a whole number as parameter scale');
  return scale;
}

/** Days: values are `Date`s at midnight UTC. */
export function date(options: SchemaOptions = {}): Schema {
  return new Schema('int32', { version: 1, ...options, name: LOGICAL.date });
}

/** Milliseconds of a day: values are `Date`s on the first of January 1970, UTC. */
export function time(options: SchemaOptions = {}): Schema {
  return new Schema('int32', { version: 1, ...options, name: LOGICAL.time });
}

/** Milliseconds since the epoch: values are `Date`s. */
export function timestamp(options: SchemaOptions = {}): Schema {
  return new Schema('int64', { version: 1, ...options, name: LOGICAL.timestamp });
}

function sameParameters(a: Schema['parameters'], b: Schema['parameters']): boolean {
  const [left, right] = [Object.entries(a ?? {}), b ?? {}];
  return left.length === Object.keys(right).length && left.every(([key, value]) => right[key] === value);
}

function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Uint8Array || b instanceof Uint8Array)
    return a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (a instanceof Date || b instanceof Date) return a instanceof Date && b instanceof Date && +a === +b;
  if (a instanceof Map || b instanceof Map)
    return a instanceof Map && b instanceof Map && sameValue([...a.entries()], [...b.entries()]);
  const [left, right] = [Object.entries(a), b as Record<string, unknown>];
  return left.length === Object.keys(right).length && left.every(([key, value]) => sameValue(value, right[key]));
}
