// How a source uses a format: with which properties, and how it writes a single column.
import { refuse, refuseName } from '../errors.ts';
import { quoteName } from '../parser/print.ts';
import { type Column, columnText } from '../schema.ts';
import { containsType, typeText } from '../types.ts';
import { type FormatName, FORMATS } from './all.ts';
import type { FormatProperties, Wrapping } from './format.ts';

/** A format as a source uses it. */
export interface FormatInfo {
  readonly format: FormatName;
  readonly properties: FormatProperties;
  /** How a single column is written; undefined = as the format does by itself. */
  readonly wrapping?: Wrapping | undefined;
}

/** The format of keys where nothing else is said. */
export const KEY_FORMAT: FormatInfo = { format: 'KAFKA', properties: {} };

/** The format of a side without columns. */
export const NO_FORMAT: FormatInfo = { format: 'NONE', properties: {} };

/** The formats of a source's two sides. */
export interface SourceFormats {
  readonly key: FormatName;
  readonly value: FormatName;
}

export function formatNamed(name: string): FormatName {
  const upper = name.toUpperCase();
  return Object.hasOwn(FORMATS, upper)
    ? (upper as FormatName)
    : refuseName(`Unknown format: ${upper}`, upper, Object.keys(FORMATS));
}

/** Whether a format keeps its schemas in the registry, from where they can be read. */
export function usesRegistry(format: FormatName): boolean {
  return FORMATS[format].schemaType !== undefined;
}

/** Whether equal values are equal bytes, whoever wrote them. JSON's names, spaces and numbers may differ. */
export function isSpelledInOneWay(format: FormatName): boolean {
  return FORMATS[format].holds === 'value';
}

/** Whether a format is for sides without columns. */
export function holdsNothing(format: FormatName): boolean {
  return FORMATS[format].holds === 'nothing';
}

/** Whether rows in a format can be in topics that nobody else knows: they need no schema, and are there at all. */
export function fitsInternalTopics(format: FormatName): boolean {
  return !usesRegistry(format) && !holdsNothing(format);
}

/** A format with its properties, refused when it does not have one of them. */
export function formatInfo(format: FormatName, properties: FormatProperties): FormatInfo {
  const known = FORMATS[format].properties;
  const unknown = Object.keys(properties).filter((name) => !known.some((property) => property.name === name));
  if (unknown.length > 0) refuse(`${format} does not support the following configs: [${unknown.join(', ')}]`);
  for (const { name, check } of known) {
    const value = properties[name];
    if (value !== undefined) check?.(value);
  }
  return { format, properties };
}

/** With the properties that a format has even when nobody asks for them. */
export function withDefaultProperties(side: 'KEY' | 'VALUE', info: FormatInfo, sourceName: string): FormatInfo {
  const properties = { ...info.properties };
  for (const [name, value] of Object.entries(FORMATS[info.format].defaults?.(side, sourceName) ?? {}))
    properties[name] ??= value;
  return { ...info, properties };
}

/** The wrapping that a value is written with: what was asked for, else what was configured, else none. */
export function valueWrapping(
  format: FormatName,
  columns: number,
  asked: boolean | undefined,
  configured: boolean | undefined,
): Wrapping | undefined {
  const { wraps } = FORMATS[format];
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
  if (columns.length !== 1 || FORMATS[format].wraps.length < 2) return undefined;
  return 'UNWRAP_SINGLES';
}

/** True when a record holds the only column bare instead of as a field. */
export function isUnwrapped(info: FormatInfo, columns: number): boolean {
  if (columns !== 1) return false;
  const { wraps } = FORMATS[info.format];
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
  }
  const reason = FORMATS[info.format].refusal(columns);
  if (reason === undefined) return;
  const features = info.wrapping === undefined || part === 'Key' ? '' : info.wrapping;
  refuse(
    `${part} format does not support schema.\nformat: ${info.format}\nschema: Persistence{columns=[${columns.map(columnText).join(', ')}], features=[${features}]}\nreason: ${reason}`,
  );
}
