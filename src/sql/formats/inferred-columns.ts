import {
  type RegisteredSchema,
  type ResolvedSchema,
  resolveReferences,
  type SubjectVersion,
} from '../../serde/index.ts';
import { messageOf } from '../../util/index.ts';
import { avroColumns } from './avro-schema.ts';
import type { CodecColumn } from './codec.ts';
import { jsonSchemaColumns } from './json-schema.ts';
import { protobufColumns } from './protobuf-schema.ts';
import { refuse } from '../errors.ts';
import { type FormatName, usesRegistry } from './traits.ts';
import type { Column } from '../schema.ts';
import { structOf } from '../types.ts';
import type { EngineContext } from '../statements/context.ts';
import type { SourceFormats } from '../statements/create-source.ts';
import type { WithProperties } from '../statements/with-properties.ts';

const bareNames = { key: 'ROWKEY', value: 'ROWVAL' } as const;

/** Columns that the statement does not declare come from the registry: keys and values each by themselves. */
export async function inferColumns(
  engine: Pick<EngineContext, 'schemas'>,
  topic: string,
  formats: SourceFormats,
  declared: readonly Column[],
  ids: { readonly key: number | undefined; readonly value: number | undefined },
  properties: WithProperties,
): Promise<readonly Column[]> {
  const hasKey = declared.some((column) => column.namespace === 'KEY');
  const hasValue = declared.some((column) => column.namespace === 'VALUE');
  const columns: Column[] = declared.filter((column) => column.namespace === 'KEY');
  if (!hasKey && usesRegistry(formats.key)) {
    const registered = ids.key !== undefined || (await engine.schemas?.latest(`${topic}-key`)) !== undefined;
    if (registered) {
      const found = await registeredColumns(engine, topic, 'key', formats.key, ids.key, properties);
      for (const { name, type } of found) columns.push({ name, type, namespace: 'KEY' });
    }
  }
  if (!hasValue && usesRegistry(formats.value)) {
    const found = await registeredColumns(engine, topic, 'value', formats.value, ids.value, properties);
    for (const { name, type } of found) columns.push({ name, type, namespace: 'VALUE' });
    return [...columns, ...declared.filter((column) => column.namespace === 'HEADERS')];
  }
  if (declared.length === 0 && columns.length === 0) return refuse('No columns supplied.');
  return [...columns, ...declared.filter((column) => column.namespace !== 'KEY')];
}

/** The columns of the schema that a side of a topic has in the registry. */
export async function registeredColumns(
  engine: Pick<EngineContext, 'schemas'>,
  topic: string,
  side: 'key' | 'value',
  format: FormatName,
  id: number | undefined,
  properties: WithProperties,
): Promise<readonly CodecColumn[]> {
  const { schemas } = engine;
  const what = side === 'key' ? 'keys' : 'values';
  if (schemas === undefined)
    return refuse('Cannot read schemas: no Schema Registry is configured. Set ksql.schema.registry.url.');
  let registered: RegisteredSchema | SubjectVersion | undefined;
  try {
    registered = id === undefined ? await schemas.latest(`${topic}-${side}`) : await schemas.byId(id);
  } catch (error) {
    return refuse(
      `Schema for message ${what} on topic '${topic}' with id ${id} could not be read from the Schema Registry: ${messageOf(error)}`,
    );
  }
  if (registered === undefined) {
    return refuse(
      `Schema for message ${what} on topic '${topic}' does not exist in the Schema Registry.\nSubject: ${topic}-${side}`,
    );
  }
  const fullName = properties.text(`${side.toUpperCase()}_SCHEMA_FULL_NAME`);
  const resolved = await resolveReferences(schemas, registered.schema, registered.references);
  const columns = columnsOfSchema(resolved, format, side, id !== undefined, fullName);
  // A key is one column, whatever its type, except that a Protobuf key is always a message of its columns. A value that is
  // asked not to be wrapped is one column, too.
  const asOne =
    side === 'key' ? format !== 'PROTOBUF' && columns.length > 0 : properties.boolean('WRAP_SINGLE_VALUE') === false;
  const bareName = bareNames[side];
  if (!asOne || (columns.length === 1 && columns[0]!.name === bareName)) return columns;
  return [{ name: bareName, type: structOf(columns) }];
}

/** Without an id names are folded, as SQL's bare names are; with an id they stay as the schema has them. */
export function columnsOfSchema(
  resolved: ResolvedSchema,
  format: FormatName,
  side: 'key' | 'value',
  exactNames: boolean,
  fullName: string | undefined,
): readonly CodecColumn[] {
  const fold = exactNames ? (name: string): string => name : (name: string): string => name.toUpperCase();
  const bareName = bareNames[side];
  switch (format) {
    case 'AVRO':
      return avroColumns(resolved, bareName, fold);
    case 'JSON_SR':
      return jsonSchemaColumns(JSON.parse(resolved.schema) as Record<string, unknown>, bareName, fold);
    default:
      return protobufColumns(resolved, fullName, fold);
  }
}
