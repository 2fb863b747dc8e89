// Columns that a statement leaves to the schemas of its topic.
import {
  type RegisteredSchema,
  type ResolvedSchema,
  resolveReferences,
  type SchemaSource,
  type SubjectVersion,
} from '../../serde/index.ts';
import { assert, messageOf } from '../../util/index.ts';
import { refuse } from '../errors.ts';
import type { Column } from '../schema.ts';
import { structOf } from '../types.ts';
import { type FormatName, registeredFormat } from './all.ts';
import type { CodecColumn } from './codec.ts';
import type { RegisteredFormat } from './format.ts';
import { type SourceFormats, usesRegistry } from './traits.ts';
import type { WithProperties } from './with-properties.ts';

/** Who has a registry to ask, or none. */
interface WithSchemas {
  readonly schemas: SchemaSource | undefined;
}

const bareNames = { key: 'ROWKEY', value: 'ROWVAL' } as const;

/** What a statement says about a topic. */
export interface TopicFormats {
  readonly topic: string;
  readonly formats: SourceFormats;
  /** The schemas that are asked for by id. */
  readonly ids: { readonly key: number | undefined; readonly value: number | undefined };
  readonly properties: WithProperties;
  /** `ksql.persistence.wrap.single.values`. */
  readonly wrapsByDefault: boolean;
}

/** One side of a topic, whose schema is looked for. */
export interface RegisteredSide extends Pick<TopicFormats, 'topic' | 'properties' | 'wrapsByDefault'> {
  readonly side: 'key' | 'value';
  readonly format: FormatName;
  readonly id: number | undefined;
}

/** Columns that the statement does not declare come from the registry: keys and values each by themselves. */
export async function inferColumns(
  engine: WithSchemas,
  declared: readonly Column[],
  source: TopicFormats,
): Promise<readonly Column[]> {
  const { topic, formats, ids } = source;
  const hasKey = declared.some((column) => column.namespace === 'KEY');
  const hasValue = declared.some((column) => column.namespace === 'VALUE');
  const columns: Column[] = declared.filter((column) => column.namespace === 'KEY');
  const columnsOf = (side: 'key' | 'value') =>
    registeredColumns(engine, { ...source, side, format: formats[side], id: ids[side] });
  if (!hasKey && usesRegistry(formats.key)) {
    const registered = ids.key !== undefined || (await engine.schemas?.latest(`${topic}-key`)) !== undefined;
    if (registered) {
      for (const { name, type } of await columnsOf('key')) columns.push({ name, type, namespace: 'KEY' });
    }
  }
  if (!hasValue && usesRegistry(formats.value)) {
    for (const { name, type } of await columnsOf('value')) columns.push({ name, type, namespace: 'VALUE' });
    return [...columns, ...declared.filter((column) => column.namespace === 'HEADERS')];
  }
  if (declared.length === 0 && columns.length === 0) return refuse('No columns supplied.');
  return [...columns, ...declared.filter((column) => column.namespace !== 'KEY')];
}

/** The columns of the schema that a side of a topic has in the registry. */
export async function registeredColumns(
  { schemas }: WithSchemas,
  wanted: RegisteredSide,
): Promise<readonly CodecColumn[]> {
  const { topic, side, id } = wanted;
  const what = side === 'key' ? 'keys' : 'values';
  if (schemas === undefined)
    return refuse('Cannot read schemas: no Schema Registry is configured. Set ksql.schema.registry.url.');
  const format = registeredFormat(wanted.format);
  assert(format !== undefined, `${wanted.format} has no schemas`);
  const subject = `${topic}-${side}`;
  let registered: RegisteredSchema | SubjectVersion | undefined;
  let resolved: ResolvedSchema | undefined;
  try {
    registered = id === undefined ? await schemas.latest(subject) : await schemas.byId(id);
    resolved = registered && (await resolveReferences(schemas, registered.schema, registered.references, subject));
  } catch (error) {
    return refuse(
      `Schema for message ${what} on topic '${topic}' with id ${id} could not be read from the Schema Registry: ${messageOf(error)}`,
    );
  }
  if (registered === undefined || resolved === undefined) {
    return refuse(
      `Schema for message ${what} on topic '${topic}' does not exist in the Schema Registry.\nSubject: ${subject}`,
    );
  }
  if (registered.schemaType !== format.schemaType) {
    refuse(
      `The schema for message ${what} on topic '${topic}' is ${registered.schemaType}, and the format ${wanted.format} reads ${format.schemaType} schemas. Give the ${what} the format of their schema.`,
    );
  }
  return columnsOfSide(format, resolved, wanted);
}

function columnsOfSide(
  format: RegisteredFormat,
  resolved: ResolvedSchema,
  { topic, side, id, properties, wrapsByDefault }: RegisteredSide,
): readonly CodecColumn[] {
  // Without an id names are folded, as SQL's bare names are; with an id they stay as the schema has them.
  const fold = (name: string): string => (id === undefined ? name.toUpperCase() : name);
  const inferred = format.columnsOf(resolved, fold, properties.text(`${side.toUpperCase()}_SCHEMA_FULL_NAME`));
  const asked = side === 'key' ? undefined : properties.boolean('WRAP_SINGLE_VALUE');
  const name = bareNames[side];
  if ('value' in inferred) {
    const isBare = side === 'key' || !(asked ?? wrapsByDefault);
    if (isBare) return [{ name, type: inferred.value }];
    return refuse(
      `The schema of the values on topic '${topic}' is not one of records with fields but of ${inferred.value.kind}. Add WRAP_SINGLE_VALUE=false to read a value as the only column, ${name}.`,
    );
  }
  // A key is one column, whatever its type, where the format can have one bare. A value that is asked not to be wrapped is
  // one column, too.
  const { fields } = inferred;
  const asOne = side === 'key' ? format.wraps.includes('UNWRAP_SINGLES') && fields.length > 0 : asked === false;
  return asOne ? [{ name, type: structOf(fields) }] : fields;
}
