// Texts of CSV fields as values of a schema's types, and the schemas that SpoolDir's settings say (`value.schema`).
import { Decimal, messageOf } from '../../../../util/index.ts';
import { ConfigError, DataError } from '../../../data/errors.ts';
import {
  LOGICAL,
  primitive,
  scaleOf,
  SCHEMA_TYPES,
  type Schema,
  type SchemaOptions,
  structOf,
} from '../../../data/schema.ts';
import { fromWall } from '../../../data/time-zones.ts';
import { checkValue } from '../../../data/validate.ts';
import { simpleDateFormat } from '../../../transforms/simple-date-format.ts';

interface SchemaJson {
  readonly name?: string;
  readonly type?: string;
  readonly version?: number;
  readonly doc?: string;
  readonly isOptional?: boolean;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly fieldSchemas?: Readonly<Record<string, SchemaJson>>;
}

/** The struct that `key.schema` or `value.schema` says. Throws `ConfigError`. */
export function spoolSchema(setting: string, text: string): Schema {
  let json: SchemaJson;
  try {
    json = JSON.parse(text) as SchemaJson;
  } catch (error) {
    throw new ConfigError(`${setting} is no JSON: ${messageOf(error)}`, error);
  }
  const { type, fieldSchemas } = json;
  if (type !== 'STRUCT' || typeof fieldSchemas !== 'object')
    throw new ConfigError(`${setting} must have the type STRUCT, with fieldSchemas`);
  return structOf(
    Object.entries(fieldSchemas).map(([name, field]) => [name, fieldSchema(`${setting}, field ${name}`, field)]),
    optionsOf(json),
  );
}

function fieldSchema(place: string, json: SchemaJson): Schema {
  const type = SCHEMA_TYPES.find((each) => each === json.type?.toLowerCase());
  if (type === undefined || type === 'array' || type === 'map' || type === 'struct')
    throw new ConfigError(`${place}: a field of a CSV file has no type ${json.type ?? '(none)'}`);
  const schema = primitive(type, optionsOf(json));
  if (schema.type === 'bytes' && schema.name !== LOGICAL.decimal)
    throw new ConfigError(`${place}: bytes cannot be read from texts, but for ${LOGICAL.decimal}`);
  if (schema.name === LOGICAL.decimal) scaleOf(schema);
  return schema;
}

function optionsOf({ name, version, doc, isOptional, parameters }: SchemaJson): SchemaOptions {
  return { optional: isOptional === true, name, version, doc, parameters };
}

/** How times are written in files. */
export interface TimeTexts {
  /** Patterns of SimpleDateFormat; the first that reads a text counts. */
  readonly formats: readonly string[];
  readonly zone: string;
}

/** What makes values of a text; null is no text. Throws `DataError` for what is none of the schema. */
export function textReader(schema: Schema, times: TimeTexts): (text: string | null) => unknown {
  const read = typedReader(schema, times);
  return (text) => {
    // An empty text is a value of texts only.
    if (text === null || (text === '' && schema.type !== 'string')) {
      checkValue(schema, null);
      return null;
    }
    const value = read(text);
    if (value === undefined)
      throw new DataError(`"${text.slice(0, 100)}" is no ${schema.name ?? schema.type.toUpperCase()}`);
    checkValue(schema, value);
    return value;
  };
}

function typedReader(schema: Schema, times: TimeTexts): (text: string) => unknown {
  switch (schema.name) {
    case LOGICAL.decimal:
      return (text) => decimalOf(text.trim(), scaleOf(schema));
    case LOGICAL.date:
    case LOGICAL.time:
    case LOGICAL.timestamp: {
      const zone = schema.name === LOGICAL.timestamp ? times.zone : 'UTC';
      const formats = times.formats.map(simpleDateFormat);
      return (text) => {
        for (const format of formats) {
          const wall = format.parse(text.trim());
          if (wall !== undefined) return new Date(fromWall(wall, zone));
        }
        return undefined;
      };
    }
  }
  switch (schema.type) {
    case 'string':
      return (text) => text;
    case 'boolean':
      return (text) => ({ true: true, false: false })[text.trim().toLowerCase()];
    case 'int64':
      return (text) => (/^[+-]?\d+$/.test(text.trim()) ? BigInt(text.trim().replace(/^\+/, '')) : undefined);
    case 'float32':
    case 'float64':
      return (text) => numberOf(text.trim(), schema.type === 'float32');
    default:
      return (text) => (/^[+-]?\d+$/.test(text.trim()) ? Number(text.trim()) : undefined);
  }
}

function decimalOf(text: string, scale: number): Decimal | undefined {
  const decimal = Decimal.parse(text);
  const fitted = decimal?.rescale(scale);
  // A digit that there is no room for must not be lost.
  return fitted !== undefined && fitted.compare(decimal!) === 0 ? fitted : undefined;
}

function numberOf(text: string, isFloat: boolean): number | undefined {
  const value = text === '' ? Number.NaN : Number(text);
  if (Number.isNaN(value) && text !== 'NaN') return undefined;
  return isFloat ? Math.fround(value) : value;
}
