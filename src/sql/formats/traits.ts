import { refuse } from '../errors.ts';
import { quoteName } from '../parser/print.ts';
import { type Column, columnText } from '../schema.ts';
import { containsType, type SqlType, typeText } from '../types.ts';

/** What each data format can hold. How it is written to bytes is in `compile/formats.ts`. */

export type FormatName = 'NONE' | 'DELIMITED' | 'JSON' | 'JSON_SR' | 'AVRO' | 'KAFKA' | 'PROTOBUF' | 'PROTOBUF_NOSR';

export type Wrapping = 'WRAP_SINGLES' | 'UNWRAP_SINGLES';

/** A format as a source uses it. */
export interface FormatInfo {
  readonly format: FormatName;
  /** `delimiter`, `fullSchemaName`, `nullableRepresentation`, ... */
  readonly properties: Readonly<Record<string, string>>;
  /** How a single column is written; undefined = as the format does by itself. */
  readonly wrapping?: Wrapping | undefined;
}

/** The formats of a source's two sides. */
export interface SourceFormats {
  readonly key: FormatName;
  readonly value: FormatName;
}

interface FormatTraits {
  /** Schemas are kept in the registry, and can be read from there. */
  readonly registry: boolean;
  /** The values that WRAP_SINGLE_VALUE may have. */
  readonly wraps: readonly Wrapping[];
  readonly properties: readonly string[];
  /** Why these columns can't be held; undefined when they can. */
  refusal(columns: readonly Column[]): string | undefined;
}

const both: readonly Wrapping[] = ['WRAP_SINGLES', 'UNWRAP_SINGLES'];
const unwrapped: readonly Wrapping[] = ['UNWRAP_SINGLES'];
const wrapped: readonly Wrapping[] = ['WRAP_SINGLES'];

const traits: Record<FormatName, FormatTraits> = {
  NONE: {
    registry: false,
    wraps: [],
    properties: [],
    refusal: (columns) =>
      columns.length === 0
        ? undefined
        : `The 'NONE' format can only be used when no columns are defined. Got: [${columns.map(columnText).join(', ')}]`,
  },
  DELIMITED: {
    registry: false,
    wraps: unwrapped,
    properties: ['delimiter'],
    refusal: (columns) =>
      firstOf(
        columns,
        (type) => (type.kind === 'ARRAY' || type.kind === 'MAP' || type.kind === 'STRUCT' ? type.kind : undefined),
        (kind, column) => `The 'DELIMITED' format does not support type '${kind}', column: ${quoteName(column.name)}`,
      ),
  },
  JSON: {
    registry: false,
    wraps: both,
    properties: [],
    refusal: (columns) => (hasOddMap(columns) ? 'JSON only supports MAP types with STRING keys' : undefined),
  },
  JSON_SR: {
    registry: true,
    wraps: both,
    properties: ['fullSchemaName', 'schemaId'],
    refusal: (columns) => (hasOddMap(columns) ? 'JSON only supports MAP types with STRING keys' : undefined),
  },
  AVRO: {
    registry: true,
    wraps: both,
    properties: ['fullSchemaName', 'schemaId'],
    refusal(columns) {
      if (hasOddMap(columns)) return 'Avro only supports MAPs with STRING keys';
      const bad = illegalAvroName(columns);
      return bad === undefined ? undefined : `Schema is not compatible with Avro: ${bad}`;
    },
  },
  KAFKA: {
    registry: false,
    wraps: unwrapped,
    properties: [],
    refusal(columns) {
      if (columns.length > 1)
        return `The 'KAFKA' format only supports a single field. Got: [${columns.map(columnText).join(', ')}]`;
      const held = new Set(['INTEGER', 'BIGINT', 'DOUBLE', 'STRING', 'BYTES']);
      return firstOf(
        columns,
        (type) => (held.has(type.kind) ? undefined : type.kind),
        (kind) => `The 'KAFKA' format does not support type '${kind}'`,
      );
    },
  },
  PROTOBUF: {
    registry: true,
    wraps: wrapped,
    properties: ['fullSchemaName', 'schemaId', 'nullableRepresentation', 'unwrapPrimitives'],
    refusal: (columns) => (hasOddMap(columns) ? 'PROTOBUF format only supports MAP types with STRING keys' : undefined),
  },
  PROTOBUF_NOSR: {
    registry: false,
    wraps: both,
    properties: ['nullableRepresentation', 'unwrapPrimitives'],
    refusal: (columns) => (hasOddMap(columns) ? 'PROTOBUF format only supports MAP types with STRING keys' : undefined),
  },
};

export function formatNamed(name: string): FormatName {
  const upper = name.toUpperCase();
  return upper in traits ? (upper as FormatName) : refuse(`Unknown format: ${upper}`);
}

export function usesRegistry(format: FormatName): boolean {
  return traits[format].registry;
}

/** A format with its properties, refused when it does not have one of them. */
export function formatInfo(
  format: FormatName,
  properties: Readonly<Record<string, string>>,
  wrapping?: Wrapping,
): FormatInfo {
  const unknown = Object.keys(properties).filter((name) => !traits[format].properties.includes(name));
  if (unknown.length > 0) refuse(`${format} does not support the following configs: [${unknown.join(', ')}]`);
  const name = properties['fullSchemaName'];
  if (name !== undefined && name.trim() === '')
    refuse(`fullSchemaName cannot be empty. Format configuration: {fullSchemaName=${name.trim()}}`);
  return { format, properties, wrapping };
}

/** The properties that a format has even when nobody asks for them. */
export function withDefaultProperties(side: 'KEY' | 'VALUE', info: FormatInfo, sourceName: string): FormatInfo {
  if (info.format === 'PROTOBUF' && info.properties['unwrapPrimitives'] === undefined)
    return { ...info, properties: { ...info.properties, unwrapPrimitives: 'true' } };
  if (info.format !== 'AVRO' || side !== 'KEY' || info.properties['fullSchemaName'] !== undefined) return info;
  const words = sourceName.toLowerCase().split(/[^a-z0-9]+/);
  const camel = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return { ...info, properties: { ...info.properties, fullSchemaName: `io.confluent.ksql.avro_schemas.${camel}Key` } };
}

/** The wrapping that a value is written with: what was asked for, else what was configured, else none. */
export function valueWrapping(
  format: FormatName,
  columns: number,
  asked: boolean | undefined,
  configured: boolean | undefined,
): Wrapping | undefined {
  const { wraps } = traits[format];
  if (asked !== undefined) {
    if (columns !== 1) refuse("'WRAP_SINGLE_VALUE' is only valid for single-field value schemas");
    const wanted: Wrapping = asked ? 'WRAP_SINGLES' : 'UNWRAP_SINGLES';
    if (!wraps.includes(wanted)) refuse(`Format '${format}' does not support 'WRAP_SINGLE_VALUE' set to '${asked}'.`);
    return wraps.length > 1 ? wanted : undefined;
  }
  if (columns !== 1 || configured === undefined || wraps.length < 2) return undefined;
  return configured ? 'WRAP_SINGLES' : 'UNWRAP_SINGLES';
}

/** How a single key column is written, where the format leaves a choice: bare. */
export function keyWrapping(format: FormatName, columns: readonly Column[]): Wrapping | undefined {
  if (columns.length !== 1 || traits[format].wraps.length < 2) return undefined;
  return 'UNWRAP_SINGLES';
}

/** True when a record holds the only column bare instead of as a field. */
export function isUnwrapped(info: FormatInfo, columns: number): boolean {
  if (columns !== 1) return false;
  const { wraps } = traits[info.format];
  if (wraps.length === 1) return wraps[0] === 'UNWRAP_SINGLES';
  return info.wrapping === 'UNWRAP_SINGLES';
}

/** Refuses columns that a format can't hold. */
export function checkColumns(part: 'Key' | 'Value', info: FormatInfo, columns: readonly Column[]): void {
  if (part === 'Key') {
    for (const column of columns) {
      if (!containsType(column.type, (type) => type.kind === 'MAP')) continue;
      refuse(
        `Map keys, including types that contain maps, are not supported as they may lead to unexpected behavior due to inconsistent serialization. Key column name: ${quoteName(column.name)}. Column type: ${typeText(column.type)}. See https://github.com/confluentinc/ksql/issues/6621 for more.`,
      );
    }
    if (info.format === 'NONE' && columns.length > 0)
      return refuse(
        `Key format does not support schema.\nformat: NONE\nschema: Persistence{columns=[${columns.map(columnText).join(', ')}], features=[]}\nreason: ${traits.NONE.refusal(columns)}`,
      );
  }
  const reason = traits[info.format].refusal(columns);
  if (reason === undefined) return;
  const features = info.wrapping === undefined || part === 'Key' ? '' : info.wrapping;
  refuse(
    `${part} format does not support schema.\nformat: ${info.format}\nschema: Persistence{columns=[${columns.map(columnText).join(', ')}], features=[${features}]}\nreason: ${reason}`,
  );
}

function firstOf(
  columns: readonly Column[],
  test: (type: SqlType) => string | undefined,
  message: (kind: string, column: Column) => string,
): string | undefined {
  for (const column of columns) {
    const kind = test(column.type);
    if (kind !== undefined) return message(kind, column);
  }
  return undefined;
}

function hasOddMap(columns: readonly Column[]): boolean {
  return columns.some((column) =>
    containsType(column.type, (type) => type.kind === 'MAP' && type.key.kind !== 'STRING'),
  );
}

function illegalAvroName(columns: readonly { readonly name: string; readonly type: SqlType }[]): string | undefined {
  for (const { name, type } of columns) {
    if (!/^[A-Za-z_]/.test(name)) return `Illegal initial character: ${name}`;
    if (!/^\w+$/.test(name)) return `Illegal character in: ${name}`;
    const nested = type.kind === 'STRUCT' ? illegalAvroName(type.fields) : undefined;
    if (nested !== undefined) return nested;
  }
  return undefined;
}
