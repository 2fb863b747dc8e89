import type { SchemaSource, SchemaType, Serde } from '../../serde/index.ts';
import { SessionWindowedSerde, TimeWindowedSerde, type Windowed } from '../../streams/index.ts';
import type { WindowInfo } from '../schema.ts';
import { refuse } from '../errors.ts';
import { type FormatInfo, isUnwrapped } from './traits.ts';
import type { Row } from '../values/value.ts';
import { avroRowSerde } from './avro.ts';
import { avroSchemaOf } from './avro-schema.ts';
import { jsonSchemaOf, jsonSchemaSerde } from './json-schema.ts';
import { delimitedSerde } from './delimited.ts';
import type { CodecColumn, RowSerde } from './codec.ts';
import { type JsonReading, jsonSerde } from './json.ts';
import { protobufRowSerde } from './protobuf.ts';
import { protoTextOf } from './protobuf-schema.ts';
import { kafkaSerde, noneSerde } from './kafka.ts';

/** Which record a serde is for: registry formats keep their schemas under it. */
export interface RecordPart {
  readonly topic: string;
  readonly part: 'key' | 'value';
  /** What is only read needs no schema of its own in the registry. */
  readonly readOnly?: boolean;
  /** How records in JSON are read. */
  readonly json?: JsonReading;
}

export interface FormatEnvironment {
  readonly schemas: SchemaSource | undefined;
}

/** True when a record of this side holds its only column bare: as a key it does, unless that column is a struct of its own. */
export function holdsBare(info: FormatInfo, part: 'key' | 'value', columns: readonly CodecColumn[]): boolean {
  if (part === 'key') return columns.length === 1;
  return isUnwrapped(info, columns.length);
}

/** The serde for rows of these columns in a format. */
export function rowSerde(
  env: FormatEnvironment,
  info: FormatInfo,
  columns: readonly CodecColumn[],
  { topic, part, readOnly = false, json }: RecordPart,
): RowSerde {
  if (columns.length === 0) return noneSerde;
  const bare = holdsBare(info, part, columns);
  switch (info.format) {
    case 'JSON':
      return jsonSerde(columns, bare, json);
    case 'DELIMITED':
      return delimitedSerde(columns, info.properties['delimiter']);
    case 'KAFKA':
      return kafkaSerde(columns);
    case 'NONE':
      return noneSerde;
    case 'PROTOBUF_NOSR':
      return protobufRowSerde(columns, bare, protoText(info, columns, bare), undefined);
    case 'AVRO':
    case 'PROTOBUF':
    case 'JSON_SR': {
      const { schemas } = env;
      if (schemas === undefined)
        return refuse('Cannot create topic schema: no Schema Registry is configured. Set ksql.schema.registry.url.');
      const id = info.properties['schemaId'];
      const useSchemaId = id === undefined || readOnly ? undefined : Number(id);
      const registry = { schemas, topic, isKey: part === 'key', useSchemaId };
      const written = readOnly ? undefined : writtenSchema(info, columns, part)?.schema;
      switch (info.format) {
        case 'JSON_SR':
          return jsonSchemaSerde(columns, bare, written, registry, json);
        case 'PROTOBUF':
          return protobufRowSerde(columns, bare, written, { ...registry, fullName: info.properties['fullSchemaName'] });
        default:
          return avroRowSerde(columns, bare, written, registry);
      }
    }
  }
}

/** The schema that a format's records are registered with; undefined when they are not, or when it is there already. */
export function writtenSchema(
  info: FormatInfo,
  columns: readonly CodecColumn[],
  part: RecordPart['part'],
): { readonly schemaType: SchemaType; readonly schema: string } | undefined {
  if (columns.length === 0 || info.properties['schemaId'] !== undefined) return undefined;
  const bare = holdsBare(info, part, columns);
  switch (info.format) {
    case 'AVRO': {
      const schema = avroSchemaOf(columns, bare, info.properties['fullSchemaName']);
      return { schemaType: 'AVRO', schema: JSON.stringify(schema) };
    }
    case 'JSON_SR':
      return { schemaType: 'JSON', schema: JSON.stringify(jsonSchemaOf(columns, bare)) };
    case 'PROTOBUF':
      return { schemaType: 'PROTOBUF', schema: protoText(info, columns, bare) };
    default:
      return undefined;
  }
}

/** The schema of Protobuf records. A key that is one struct is that struct. */
export function protoText(info: FormatInfo, columns: readonly CodecColumn[], bare: boolean): string {
  const only = columns[0]?.type;
  const fields = bare && only?.kind === 'STRUCT' ? only.fields : columns;
  const nullable = info.properties['nullableRepresentation']?.toUpperCase();
  return protoTextOf(
    fields,
    nullable === 'OPTIONAL' || nullable === 'WRAPPER' ? nullable : undefined,
    info.properties['fullSchemaName'],
  );
}

/** The serde for keys, windowed where the source is. */
export function keySerde(inner: RowSerde, window: WindowInfo | undefined): Serde<Row> | Serde<Windowed<Row>> {
  if (window === undefined) return inner;
  if (window.type === 'SESSION') return new SessionWindowedSerde<Row>(inner);
  return new TimeWindowedSerde<Row>(inner, window.sizeMs ?? 0);
}
