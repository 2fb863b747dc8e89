// The serdes of a source's rows, in whatever formats its two sides have.
import type { SchemaSource, SchemaType, Serde } from '../../serde/index.ts';
import { SessionWindowedSerde, TimeWindowedSerde, type Windowed } from '../../streams/index.ts';
import { refuse } from '../errors.ts';
import type { WindowInfo } from '../schema.ts';
import type { Row } from '../values/value.ts';
import { FORMATS, registeredFormat } from './all.ts';
import type { CodecColumn, RowSerde } from './codec.ts';
import type { RecordLayout } from './format.ts';
import { noneSerde } from './none.ts';
import type { Reading } from './reading.ts';
import { type FormatInfo, isUnwrapped } from './traits.ts';

/** Which record a serde is for: registry formats keep their schemas under it. */
export interface RecordPart {
  readonly topic: string;
  readonly part: 'key' | 'value';
  /** What is only read needs no schema of its own in the registry. */
  readonly readOnly?: boolean;
  readonly reading?: Reading;
}

export interface FormatEnvironment {
  readonly schemas: SchemaSource | undefined;
}

/**
 * True when a record of this side holds its only column bare: as a key it does, but for a struct in a format whose records
 * are messages of fields.
 */
export function holdsBare(info: FormatInfo, part: 'key' | 'value', columns: readonly CodecColumn[]): boolean {
  if (part === 'value') return isUnwrapped(info, columns.length);
  if (columns.length !== 1) return false;
  return columns[0]!.type.kind !== 'STRUCT' || FORMATS[info.format].wraps.includes('UNWRAP_SINGLES');
}

/** How the records of a side with these columns are laid out. */
export function layoutOf(info: FormatInfo, part: 'key' | 'value', columns: readonly CodecColumn[]): RecordLayout {
  return { columns, bare: holdsBare(info, part, columns), properties: info.properties };
}

/** The serde for rows of these columns in a format. */
export function rowSerde(
  env: FormatEnvironment,
  info: FormatInfo,
  columns: readonly CodecColumn[],
  { topic, part, readOnly = false, reading }: RecordPart,
): RowSerde {
  if (columns.length === 0) return noneSerde;
  const format = FORMATS[info.format];
  const layout = layoutOf(info, part, columns);
  if (format.schemaType === undefined) return format.serde(layout, reading);
  const { schemas } = env;
  if (schemas === undefined)
    return refuse('Cannot create topic schema: no Schema Registry is configured. Set ksql.schema.registry.url.');
  const id = info.properties['schemaId'];
  const useSchemaId = id === undefined || readOnly ? undefined : Number(id);
  const written = readOnly ? undefined : writtenSchema(info, columns, part)?.schema;
  return format.serde(layout, { schemas, topic, isKey: part === 'key', useSchemaId, written }, reading);
}

/** The schema that a format's records are registered with; undefined when they are not, or when it is there already. */
export function writtenSchema(
  info: FormatInfo,
  columns: readonly CodecColumn[],
  part: RecordPart['part'],
): { readonly schemaType: SchemaType; readonly schema: string } | undefined {
  const format = registeredFormat(info.format);
  if (format === undefined || columns.length === 0 || info.properties['schemaId'] !== undefined) return undefined;
  return { schemaType: format.schemaType, schema: format.schemaOf(layoutOf(info, part, columns)) };
}

/** The serde for keys, windowed where the source is. */
export function keySerde(inner: RowSerde, window: WindowInfo | undefined): Serde<Row> | Serde<Windowed<Row>> {
  if (window === undefined) return inner;
  if (window.type === 'SESSION') return new SessionWindowedSerde<Row>(inner);
  return new TimeWindowedSerde<Row>(inner, window.sizeMs ?? 0);
}
