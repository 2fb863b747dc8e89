import type { DataSource } from '../catalog.ts';
import type { WindowInfo } from '../schema.ts';
import { checkTimestampColumn } from '../compile/timestamp.ts';
import { isPlain } from '../analysis/extensions.ts';
import { epochMs } from '../analysis/time-literals.ts';
import { rowSerde } from '../formats/row-serde.ts';
import { refuse } from '../errors.ts';
import {
  checkColumns,
  type FormatInfo,
  formatNamed,
  KEY_FORMAT,
  keyWrapping,
  type SourceFormats,
  usesRegistry,
  valueWrapping,
  withDefaultProperties,
} from '../formats/traits.ts';
import type { ColumnElement, CreateSource } from '../parser/ast.ts';
import { printStatement, quoteName } from '../parser/print.ts';
import { type Column, headersType, isSystemColumn, schemaOf, type StartingPoint } from '../schema.ts';
import { BYTES, sameType, typeNodeOf, typeText } from '../types.ts';
import { type EngineContext, nothingToDo, type PreparedStatement, type Settings } from './context.ts';
import { planDatagen, splitDatagen } from './datagen.ts';
import { inferColumns } from '../formats/inferred-columns.ts';
import { sourceTableQuery } from './source-table.ts';
import { WithProperties } from '../formats/with-properties.ts';

/** CREATE STREAM and CREATE TABLE over a topic. */
export async function createSource(
  engine: EngineContext,
  whole: CreateSource,
  setting: Settings,
): Promise<PreparedStatement> {
  const { catalog } = engine;
  const { statement, options } = splitDatagen(whole, setting);
  const properties = new WithProperties(statement.properties, 'create');
  const word = statement.type.toLowerCase();
  const existing = catalog.source(statement.name);
  if (existing !== undefined) {
    if (statement.orReplace && (existing.isSource || statement.isSource))
      refuse(`Cannot add ${word} '${statement.name}': CREATE OR REPLACE is not supported on source ${word}s.`);
    if (statement.ifNotExists)
      return nothingToDo({
        kind: 'warning',
        message: `Cannot add ${word} ${quoteName(statement.name)}: A ${existing.kind.toLowerCase()} with the same name already exists.`,
      });
    if (!statement.orReplace)
      refuse(
        `Cannot add ${word} '${statement.name}': A ${existing.kind.toLowerCase()} with the same name already exists`,
      );
  } else if (statement.orReplace && statement.isSource) {
    refuse(`Cannot add ${word} '${statement.name}': CREATE OR REPLACE is not supported on source ${word}s.`);
  }
  const described = await describeSource(engine, statement, properties, setting);
  const generated = options && planDatagen(described, options);
  const source: DataSource =
    generated === undefined ? described : { ...described, isGenerated: true, sql: printStatement(whole) };
  if (existing !== undefined) checkReplacement(existing, source);
  const topicIsThere = (await engine.topics.describe(source.topic)) !== undefined;
  const partitions = properties.integer('PARTITIONS');
  if (!topicIsThere && partitions === undefined && !engine.topics.areRepeated) {
    refuse(
      `Topic '${source.topic}' does not exist. If you want to create a new topic for the ${word} please re-run the statement providing the required 'PARTITIONS' configuration in the WITH clause (and optionally 'REPLICAS'). For example: ${printStatement({ ...statement, properties: new Map([...statement.properties, ['PARTITIONS', 2], ['REPLICAS', 1]]) })}`,
    );
  }
  const isMaterialized =
    source.isSource &&
    source.kind === 'TABLE' &&
    source.window === undefined &&
    setting('ksql.source.table.materialization.enabled') !== 'false';
  const query = isMaterialized ? sourceTableQuery(engine, source, setting) : undefined;
  await registerSchemas(engine, source);
  return {
    result: {
      kind: 'done',
      message: `${statement.type === 'STREAM' ? 'Stream' : 'Table'} ${statement.name} created`,
      repeatAs: withInferredColumns(whole, source),
    },
    async carryOut() {
      if (!topicIsThere && partitions !== undefined) {
        const cleanupPolicy = statement.type === 'TABLE' && source.window === undefined ? 'compact' : 'delete';
        const retentionMs = properties.integer('RETENTION_MS');
        const replicas = properties.integer('REPLICAS') ?? 1;
        await engine.topics.create(source.topic, { partitions, replicas, cleanupPolicy, retentionMs });
      }
      await engine.generators?.stop(source.name);
      catalog.put(query === undefined ? source : { ...source, createdBy: query.queryId });
      if (generated !== undefined) engine.generators?.start(source, generated);
      if (query === undefined) return;
      engine.queries.set(query.queryId, query);
      await engine.executor.start(query, setting);
    },
  };
}

/**
 * Columns that came from the registry are part of what was created: the schema that is the latest at the next start may
 * have others. Undefined when the statement says all there is; an id in it means the same schema for ever.
 */
function withInferredColumns(
  statement: CreateSource,
  { schema, keyFormat, valueFormat }: DataSource,
): string | undefined {
  const { elements, type: kind } = statement;
  const isInferred = (info: FormatInfo, columns: readonly Column[], side: 'key' | 'value') =>
    usesRegistry(info.format) &&
    info.properties['schemaId'] === undefined &&
    columns.length > 0 &&
    !elements.some(({ constraint }) => constraint !== 'HEADERS' && (constraint === undefined) === (side === 'value'));
  const element = ({ name, type }: Column, constraint?: ColumnElement['constraint']): ColumnElement => ({
    name,
    type: typeNodeOf(type),
    constraint,
  });
  const values = schema.value.filter(({ namespace }) => namespace === 'VALUE');
  const inferred = [
    ...(isInferred(keyFormat, schema.key, 'key')
      ? schema.key.map((column) => element(column, kind === 'TABLE' ? 'PRIMARY KEY' : 'KEY'))
      : []),
    ...(isInferred(valueFormat, values, 'value') ? values.map((column) => element(column)) : []),
  ];
  return inferred.length === 0
    ? undefined
    : `${printStatement({ ...statement, elements: [...inferred, ...elements] })};`;
}

/** Declared columns in a registry format are the topic's schema: producers find it before any query has run. */
async function registerSchemas(
  engine: EngineContext,
  { topic, schema, keyFormat, valueFormat }: DataSource,
): Promise<void> {
  const values = schema.value.filter((column) => column.namespace === 'VALUE');
  for (const [part, info, columns] of [
    ['key', keyFormat, schema.key],
    ['value', valueFormat, values],
  ] as const) {
    const given = info.properties['schemaId'] !== undefined || columns.length === 0;
    if (!usesRegistry(info.format) || given || (await engine.schemas?.latest(`${topic}-${part}`)) !== undefined)
      continue;
    await rowSerde(engine, info, columns, { topic, part }).prepare?.();
  }
}

/** A source as its statement describes it. Also used to find out what a statement would make. */
export async function describeSource(
  engine: Pick<EngineContext, 'catalog' | 'schemas'>,
  statement: CreateSource,
  properties: WithProperties,
  setting: Settings,
): Promise<DataSource> {
  const topic = properties.text('KAFKA_TOPIC');
  if (topic === undefined) return refuse('Missing required property "KAFKA_TOPIC" which has no default value.');
  const formats = sourceFormats(properties, setting);
  const window = properties.window;
  const declared = statement.elements.map((element): Column => {
    const type = engine.catalog.resolveType(element.type);
    const { constraint, headerKey, name } = element;
    if (isSystemColumn(name)) refuse(`'${name}' is a reserved column name. You cannot use it as a name for a column.`);
    if (constraint !== 'HEADERS') return { name, type, namespace: constraint === undefined ? 'VALUE' : 'KEY' };
    if (headerKey === undefined && !sameType(type, headersType))
      refuse(`Invalid type for HEADERS column: expected ${typeText(headersType)}, got ${typeText(type)}`);
    if (headerKey !== undefined && type.kind !== BYTES.kind)
      refuse(`Invalid type for HEADER('${headerKey}') column: expected BYTES, got ${typeText(type)}`);
    return { name, type, namespace: 'HEADERS', headerKey };
  });
  checkHeaders(declared, setting);
  const schemaIds = { key: properties.integer('KEY_SCHEMA_ID'), value: properties.integer('VALUE_SCHEMA_ID') };
  checkSchemaIds(formats, schemaIds, declared);
  const formatInfos = {
    key: withDefaultProperties('KEY', properties.formatInfo('KEY', formats.key), statement.name),
    value: withDefaultProperties('VALUE', properties.formatInfo('VALUE', formats.value), statement.name),
  };
  const configuredWrap = setting('ksql.persistence.wrap.single.values');
  const wrapsByDefault = configuredWrap !== 'false';
  const columns = await inferColumns(engine, declared, { topic, formats, ids: schemaIds, properties, wrapsByDefault });
  checkDuplicates(columns);
  const schema = schemaOf(columns);
  if (statement.type === 'TABLE' && schema.key.length === 0) {
    refuse(
      'Tables require a PRIMARY KEY. Please define the PRIMARY KEY.' +
        (schema.value.length === 0
          ? ' You can do so by providing a PRIMARY KEY column, or a key schema in the Schema Registry.'
          : ''),
    );
  }
  if (window !== undefined && schema.key.length === 0) refuse('Windowed sources require a key column.');
  const values = schema.value.filter((column) => column.namespace === 'VALUE');
  const keyInfo: FormatInfo = {
    ...formatInfos.key,
    wrapping: keyWrapping(formats.key, schema.key),
  };
  const valueInfo: FormatInfo = {
    ...formatInfos.value,
    wrapping: valueWrapping(
      formats.value,
      values.length,
      properties.boolean('WRAP_SINGLE_VALUE'),
      configuredWrap === undefined ? undefined : configuredWrap === 'true',
    ),
  };
  checkColumns('Key', keyInfo, schema.key);
  checkColumns('Value', valueInfo, values);
  const start = startOf(properties, setting);
  const { timestamp } = properties;
  if (timestamp !== undefined) checkTimestampColumn(timestamp, schema);
  return {
    name: statement.name,
    kind: statement.type,
    schema,
    topic,
    keyFormat: keyInfo,
    valueFormat: valueInfo,
    window: window satisfies WindowInfo | undefined,
    timestamp,
    start,
    isSource: statement.isSource,
    sql: printStatement(statement),
  };
}

/** Where queries begin that read the source. */
function startOf(properties: WithProperties, setting: Settings): StartingPoint | undefined {
  const text = properties.text('START')?.trim();
  if (text === undefined) return undefined;
  if (isPlain(setting)) refuse('Invalid config variable(s) in the WITH clause: START');
  const word = text.toLowerCase();
  if (word === 'earliest' || word === 'latest') return { at: word };
  const offset = /^offset:(\d{1,15})$/.exec(word)?.[1];
  if (offset !== undefined) return { at: 'offset', offset: Number(offset) };
  // A year alone is a time, too; milliseconds of that size are not.
  const ms = /^\d{5,15}$/.test(text) ? Number(text) : epochMs(text);
  if (ms !== undefined) return { at: 'time', ms };
  return refuse(
    `Invalid value for START property: '${text}'. It must be 'earliest', 'latest', 'offset:<n>', a time ('2024-05-01T12:00', in UTC unless it says its zone), or milliseconds since 1970.`,
  );
}

function sourceFormats(properties: WithProperties, setting: Settings): SourceFormats {
  const key =
    properties.format('KEY') ?? formatNamed(setting('ksql.persistence.default.format.key') ?? KEY_FORMAT.format);
  const configured = setting('ksql.persistence.default.format.value');
  const value = properties.format('VALUE') ?? (configured === undefined ? undefined : formatNamed(configured));
  if (value === undefined) {
    return refuse(
      "Statement is missing the 'VALUE_FORMAT' property from the WITH clause. Either provide one or set a default via the 'ksql.persistence.default.format.value' config.",
    );
  }
  return { key, value };
}

function checkHeaders(columns: readonly Column[], setting: Settings): void {
  const headers = columns.filter((column) => column.namespace === 'HEADERS');
  if (headers.length === 0) return;
  if (setting('ksql.headers.columns.enabled') === 'false')
    refuse('Cannot create a stream or table with HEADERS columns: they are disabled');
  const all = headers.filter((column) => column.headerKey === undefined);
  if (all.length > 0 && headers.length > 1)
    refuse(`Schema already contains a HEADERS column: ${headers.map((column) => quoteName(column.name)).join(', ')}`);
}

function checkSchemaIds(
  formats: SourceFormats,
  ids: { key: number | undefined; value: number | undefined },
  declared: readonly Column[],
): void {
  for (const side of ['key', 'value'] as const) {
    if (ids[side] === undefined) continue;
    const name = side.toUpperCase();
    if (!usesRegistry(formats[side]))
      refuse(
        `${name}_FORMAT should support schema inference when ${name}_SCHEMA_ID is provided. Current format is ${formats[side]}.`,
      );
    if (declared.some((column) => (side === 'key') === (column.namespace === 'KEY') && column.namespace !== 'HEADERS'))
      refuse(`Table elements and ${name}_SCHEMA_ID cannot both exist for create statement.`);
  }
}

function checkDuplicates(columns: readonly Column[]): void {
  const twice = columns.find(({ name }, i) => columns.findIndex((other) => other.name === name) !== i);
  if (twice === undefined) return;
  const side = twice.namespace === 'KEY' ? 'key' : 'value';
  refuse(`Duplicate ${side} columns found in schema: ${quoteName(twice.name)} ${typeText(twice.type)}`);
}

/** A source may be replaced by one that only has more value columns. */
export function checkReplacement(before: DataSource, after: DataSource): void {
  const upgrade = (reason: string): never => refuse(`Cannot upgrade data source: ${reason}`);
  const shown = (source: DataSource): string => `DataSource '${source.name}'`;
  if (before.kind !== after.kind)
    upgrade(`${shown(before)} has type = ${before.kind} while the upgrade has type = ${after.kind}`);
  if (before.topic !== after.topic)
    upgrade(`${shown(before)} has topic = ${before.topic} while the upgrade has topic = ${after.topic}`);
  if (before.keyFormat.format !== after.keyFormat.format || before.valueFormat.format !== after.valueFormat.format)
    upgrade(`${shown(before)} has other formats than the upgrade`);
  const keys = (source: DataSource): string =>
    source.schema.key.map((column) => `${column.name} ${typeText(column.type)}`).join(', ');
  if (keys(before) !== keys(after))
    upgrade(`(The following columns are changed, missing or reordered: [${keys(before)}])`);
  const lost = before.schema.value.filter((column, i) => {
    const now = after.schema.value[i];
    return now === undefined || now.name !== column.name || !sameType(now.type, column.type);
  });
  if (lost.length > 0) {
    const list = lost.map((column) => `${quoteName(column.name)} ${typeText(column.type)}`).join(', ');
    upgrade(`(The following columns are changed, missing or reordered: [${list}])`);
  }
}
