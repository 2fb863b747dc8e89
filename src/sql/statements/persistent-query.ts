import { messageOf } from '../../util/index.ts';
import type { DataSource } from '../catalog.ts';
import { checkTimestampColumn } from '../compile/timestamp.ts';
import { noJsonCounts } from '../formats/reading.ts';
import { headerColumns } from '../compile/headers.ts';
import { compileTopology, type Preparable } from '../compile/topology.ts';
import { refuse, refuseName, StatementError } from '../errors.ts';
import {
  checkColumns,
  type FormatInfo,
  formatNamed,
  holdsNothing,
  KEY_FORMAT,
  NO_FORMAT,
  keyWrapping,
  valueWrapping,
  withDefaultProperties,
} from '../formats/traits.ts';
import type { CreateAsSelect, InsertIntoSelect, Query, SourceKind } from '../parser/ast.ts';
import { milliseconds } from '../parser/durations.ts';
import { printName, printStatement, printType, quoteName } from '../parser/print.ts';
import { castTo } from '../expressions/binding/casts.ts';
import { allColumns, type Column, schemaText, type Schema } from '../schema.ts';
import { canImplicitlyCast, sameType, typeNodeOf, typeText } from '../types.ts';
import { registeredColumns } from '../formats/inferred-columns.ts';
import { withRegisteredMessage } from '../formats/registered-message.ts';
import { type PlannedQuery, planQuery } from '../plan/planner.ts';
import type { PlanTarget } from '../plan/query-context.ts';
import { pruneColumns } from '../plan/prune.ts';
import { isPlain, refuseEndings } from '../analysis/extensions.ts';
import { place } from '../analysis/scope.ts';
import type { QueryPlan, SinkPlan, Step } from '../plan/plan.ts';
import {
  type EngineContext,
  nothingToDo,
  type PersistentQuery,
  type PreparedStatement,
  type Settings,
} from './context.ts';
import { checkPartitions } from './partitions.ts';
import { checkReplacement } from './create-source.ts';
import { checkUpgrade } from './upgrade.ts';
import { WithProperties } from '../formats/with-properties.ts';

/** CREATE ... AS SELECT: a query whose rows make a new source. */
export async function createAsSelect(
  engine: EngineContext,
  statement: CreateAsSelect,
  setting: Settings,
): Promise<PreparedStatement> {
  const { catalog } = engine;
  const word = statement.type.toLowerCase();
  const existing = catalog.source(statement.name);
  if (existing !== undefined && !statement.orReplace) {
    const message = `Cannot add ${word} '${statement.name}': A ${existing.kind.toLowerCase()} with the same name already exists`;
    if (statement.ifNotExists) return nothingToDo({ kind: 'warning', message });
    refuse(message);
  }
  if (existing?.isSource === true)
    refuse(`Cannot add ${word} '${statement.name}': CREATE OR REPLACE is not supported on source ${word}s.`);
  refuseLimit(statement.query, `CREATE ${statement.type} AS SELECT`);
  const properties = new WithProperties(statement.properties, 'createAs');
  const left = leftMost(engine, statement.query);
  const formats = formatsAsked(statement.name, properties, left, setting);
  const planned = plan(engine, statement.query, setting, {
    sinkName: statement.name,
    statement: (query) => printStatement({ ...statement, query }),
    ...formats,
    timestampColumn: properties.timestamp?.column,
  });
  checkResultKind(planned.root, statement.type);
  const canonical = printStatement({ ...statement, query: planned.canonical });
  const asked: AskedSink = { name: statement.name, properties, left, formats, canonical };
  const sink = await sinkOf(engine, planned.root, asked, setting);
  const queryId =
    existing?.createdBy ??
    `${statement.type === 'STREAM' ? 'CSAS' : 'CTAS'}_${statement.name}_${engine.nextQueryNumber()}`;
  const { name, schema, topic, keyFormat, valueFormat, window, timestamp } = sink;
  const source: DataSource = {
    name,
    kind: statement.type,
    schema,
    topic,
    keyFormat,
    valueFormat,
    window,
    timestamp,
    isSource: false,
    createdBy: queryId,
    sql: canonical,
  };
  if (existing !== undefined) {
    checkReplacement(existing, source);
    const running = engine.queries.get(queryId);
    // What was accepted by an earlier version stays accepted.
    if (running !== undefined && !engine.topics.areRepeated) checkUpgrade(running.plan, planned.root, sink);
  }
  const createTopic = await sinkTopic(engine, sink, statement.type, retentionOf(statement, sink, properties));
  const query = await compiled(
    engine,
    { planned, sink, source, queryId, resultKind: statement.type, canonical },
    setting,
  );
  return {
    result: { kind: 'done', message: `Created query with ID ${queryId}`, queryId },
    query,
    async carryOut() {
      await createTopic();
      catalog.put(source);
      await start(engine, query, setting);
    },
  };
}

interface SinkFormats {
  readonly keyFormat: FormatInfo;
  readonly valueFormat: FormatInfo;
}

/** What a statement says of the source that it makes. */
interface AskedSink {
  readonly name: string;
  readonly properties: WithProperties;
  /** What the query reads first: its sizes are the sink's, too, where nothing else is said. */
  readonly left: DataSource;
  readonly formats: SinkFormats;
  /** The statement for messages. */
  readonly canonical: string;
}

/** The formats that the statement names, else those of the leftmost source. */
function formatsAsked(name: string, properties: WithProperties, left: DataSource, setting: Settings): SinkFormats {
  const { format: leftKey } = left.keyFormat;
  const inherited = holdsNothing(leftKey) ? undefined : leftKey;
  const keyName =
    properties.format('KEY') ??
    inherited ??
    formatNamed(setting('ksql.persistence.default.format.key') ?? KEY_FORMAT.format);
  const valueName = properties.format('VALUE') ?? left.valueFormat.format;
  return {
    keyFormat: withDefaultProperties('KEY', properties.formatInfo('KEY', keyName, left.keyFormat), name),
    valueFormat: withDefaultProperties('VALUE', properties.formatInfo('VALUE', valueName, left.valueFormat), name),
  };
}

/** The sink of a query's rows, checked as far as it can be without making it. */
async function sinkOf(engine: EngineContext, root: Step, asked: AskedSink, setting: Settings): Promise<SinkPlan> {
  const { name, properties, left, canonical } = asked;
  const keyName = properties.format('KEY');
  if (root.key.length === 0 && keyName !== undefined && !holdsNothing(keyName))
    refuse('Key format specified for stream without key columns.');
  const schema = schemaFrom(root);
  const formats = wrapped(asked.formats, schema, properties, setting);
  const topic = properties.text('KAFKA_TOPIC') ?? `${setting('ksql.output.topic.name.prefix') ?? ''}${name}`;
  const { timestamp } = properties;
  const sink = { name, topic, schema, ...formats, timestamp, window: root.window };
  const wrapsByDefault = setting('ksql.persistence.wrap.single.values') !== 'false';
  await checkSchemaId(engine, 'key', sink, properties, wrapsByDefault);
  await checkSchemaId(engine, 'value', sink, properties, wrapsByDefault);
  withStatement(canonical, () => {
    checkColumns('Key', formats.keyFormat, schema.key);
    checkColumns('Value', formats.valueFormat, schema.value);
  });
  if (timestamp !== undefined) checkTimestampColumn(timestamp, schema);
  return { ...sink, ...(await sinkSizes(engine, properties, left, setting)) };
}

/** The formats with how each side's columns are wrapped; without key columns there is no key. */
function wrapped(
  { keyFormat, valueFormat }: SinkFormats,
  { key, value }: Schema,
  properties: WithProperties,
  setting: Settings,
): SinkFormats {
  const configured = setting('ksql.persistence.wrap.single.values');
  return {
    keyFormat: key.length === 0 ? NO_FORMAT : { ...keyFormat, wrapping: keyWrapping(keyFormat.format, key) },
    valueFormat: {
      ...valueFormat,
      wrapping: valueWrapping(
        valueFormat.format,
        value.length,
        properties.boolean('WRAP_SINGLE_VALUE'),
        configured === undefined ? undefined : configured === 'true',
      ),
    },
  };
}

/** INSERT INTO ... SELECT: another query that feeds an existing stream. */
export async function insertIntoSelect(
  engine: EngineContext,
  statement: InsertIntoSelect,
  setting: Settings,
): Promise<PreparedStatement> {
  const { catalog } = engine;
  const target = catalog.source(statement.target);
  if (target === undefined)
    return refuseName(
      `${place(statement.targetAt)}Source ${quoteName(statement.target)} does not exist.`,
      statement.target,
      catalog.sourceNames,
    );
  if (target.kind === 'TABLE')
    refuse(`INSERT INTO can only be used to insert into a stream. ${target.name} is a table.`);
  if (target.isSource) refuse(`Cannot insert into read-only ${target.kind.toLowerCase()}: ${target.name}`);
  if (isPlain(setting) && headerColumns(target.schema.value).length > 0)
    refuse(`Cannot insert into ${target.name} because it has header columns`);
  refuseLimit(statement.query, 'INSERT INTO');
  const properties = new WithProperties(statement.properties, 'insert');
  const planned = plan(engine, statement.query, setting, {
    sinkName: statement.target,
    statement: (query) => printStatement({ ...statement, query }),
    keyFormat: target.keyFormat,
    valueFormat: target.valueFormat,
  });
  checkResultKind(planned.root, 'STREAM');
  // Windowed keys hold their window, others do not.
  if (planned.root.window?.type !== target.window?.type)
    refuse(`Incompatible windows between results and sink: ${windowText(planned.root)} and ${windowText(target)}`);
  const result = schemaFrom(planned.root);
  // Headers that nothing is said of are those of the record that a row was made of.
  const schema: Schema = {
    key: target.schema.key,
    value: target.schema.value.filter(
      ({ namespace, name }) => namespace !== 'HEADERS' || result.value.some((column) => column.name === name),
    ),
  };
  checkInsertable(result, schema);
  const root = widened(planned.root, schema);
  const values = schema.value.filter(({ namespace }) => namespace === 'VALUE');
  const queryId = properties.text('QUERY_ID')?.toUpperCase() ?? `INSERTQUERY_${engine.nextQueryNumber()}`;
  if (engine.queries.has(queryId)) refuse(`Query ID '${queryId}' already exists.`);
  const sink: SinkPlan = {
    name: target.name,
    topic: target.topic,
    schema,
    keyFormat: await withRegisteredMessage(engine, target.keyFormat, target.schema.key, `${target.topic}-key`),
    valueFormat: await withRegisteredMessage(engine, target.valueFormat, values, `${target.topic}-value`),
    timestamp: target.timestamp,
    window: target.window,
    partitions: undefined,
    replicas: undefined,
  };
  const canonical = printStatement({ ...statement, query: planned.canonical });
  const made = {
    planned: { ...planned, root },
    sink,
    source: target,
    queryId,
    resultKind: 'STREAM',
    canonical,
  } as const;
  const query = await compiled(engine, made, setting);
  return {
    result: { kind: 'done', message: `Created query with ID ${queryId}`, queryId },
    query,
    carryOut: () => start(engine, query, setting),
  };
}

const windowText = ({ window }: { readonly window?: SinkPlan['window'] }): string => window?.type ?? 'no window';

/** A persistent query never ends. */
function refuseLimit(query: Query, statement: string): void {
  refuseEndings(query, `${statement} statements`);
  if (query.limit !== undefined) refuse(`${statement} statements don't support LIMIT clause.`);
}

function plan(engine: EngineContext, query: Query, setting: Settings, target: PlanTarget): PlannedQuery {
  const { catalog, functions } = engine;
  return planQuery({ catalog, functions, setting }, query, target);
}

interface NewQuery {
  readonly planned: PlannedQuery;
  readonly sink: SinkPlan;
  /** What the query writes, as others see it. */
  readonly source: DataSource;
  readonly queryId: string;
  readonly resultKind: SourceKind;
  readonly canonical: string;
}

/** Compiles a query, and registers the schemas of what it writes: the last thing that can be refused. */
async function compiled(
  engine: EngineContext,
  { planned, sink, source, queryId, resultKind, canonical }: NewQuery,
  setting: Settings,
): Promise<PersistentQuery> {
  const { functions, schemas, log } = engine;
  const sources = [...new Set(planned.sources.map(({ name }) => name))];
  const root = pruneColumns(planned.root);
  await checkPartitions(engine, root);
  const plan: QueryPlan = { queryId, resultKind, root, sources, sink, text: canonical };
  const sinkSerdes: Preparable[] = [];
  const topology = compileTopology({ functions, schemas, log, setting }, plan, noJsonCounts(), sinkSerdes);
  for (const serde of sinkSerdes) await serde.prepare?.();
  return { queryId, plan, topology, sink: source, sql: canonical };
}

async function start(engine: EngineContext, query: PersistentQuery, setting: Settings): Promise<void> {
  const { queryId, plan } = query;
  engine.catalog.link({ queryId, sources: plan.sources, sink: plan.sink!.name });
  engine.queries.set(queryId, query);
  await engine.executor.start(query, setting);
}

function leftMost(engine: EngineContext, query: Query): DataSource {
  const { name, queries } = query.from;
  if (queries !== undefined) return leftMost(engine, queries[0]!);
  const source = engine.catalog.source(name);
  return source ?? refuseName(`Failed to prepare statement: ${name} does not exist.`, name, engine.catalog.sourceNames);
}

function schemaFrom(root: Step): Schema {
  return {
    key: root.key.map(({ name, type }) => ({ name, type, namespace: 'KEY' as const })),
    value: root.columns.map(({ name, type }) => ({ name, type, namespace: 'VALUE' as const })),
  };
}

/** With a schema id each column must be the schema's one at the same place. The schema may have more behind them. */
async function checkSchemaId(
  engine: EngineContext,
  side: 'key' | 'value',
  { topic, schema, keyFormat, valueFormat }: Pick<SinkPlan, 'topic' | 'schema' | 'keyFormat' | 'valueFormat'>,
  properties: WithProperties,
  wrapsByDefault: boolean,
): Promise<void> {
  const { format, properties: given } = side === 'key' ? keyFormat : valueFormat;
  const id = given['schemaId'];
  if (id === undefined) return;
  const known = await registeredColumns(engine, { topic, side, properties, wrapsByDefault, format, id: Number(id) });
  const wrong = schema[side].filter(
    (column, i) => known[i]?.name !== column.name || !sameType(known[i].type, column.type),
  );
  if (wrong.length === 0) return;
  const shown = (list: readonly { name: string; type: Column['type'] }[]): string =>
    list.map(({ name, type }) => `${quoteName(name)} ${typeText(type)}`).join(', ');
  refuse(
    `The following ${side} columns are changed, missing or reordered: [${shown(wrong)}]. Schema from schema registry is [${shown(known)}]`,
  );
}

function checkResultKind(root: Step, wanted: SourceKind): void {
  const kind: SourceKind = root.table ? 'TABLE' : 'STREAM';
  if (kind === wanted) return;
  refuse(
    `Invalid result type. Your SELECT query produces a ${kind}. Please use CREATE ${kind} AS SELECT statement instead.`,
  );
}

function checkInsertable(result: Schema, sink: Schema): void {
  const from = allColumns(result);
  const to = allColumns(sink);
  const fits =
    result.key.length === sink.key.length &&
    from.length === to.length &&
    from.every((column, i) => column.name === to[i]!.name && canImplicitlyCast(column.type, to[i]!.type));
  if (fits) return;
  refuse(
    `Incompatible schema between results and sink.\nResult schema is ${schemaText(result)}\nSink schema is ${schemaText(sink)}`,
  );
}

/** The result's values in the types of the sink. */
function widened(root: Step, sink: Schema): Step {
  const same = root.columns.every((column, i) => sameType(column.type, sink.value[i]!.type));
  if (same) return root;
  return {
    kind: 'project',
    input: root,
    items: root.columns.map(({ name, type: from }, i) => {
      const { type } = sink.value[i]!;
      const expression = castTo({ kind: 'column', name, type: from }, type);
      return { name, expression, text: `CAST(${printName(name)} AS ${printType(typeNodeOf(type))})` };
    }),
    columns: sink.value.map(({ name, type }) => ({ name, type })),
    key: root.key,
    table: root.table,
    window: root.window,
  };
}

async function sinkSizes(
  engine: EngineContext,
  properties: WithProperties,
  left: DataSource,
  setting: Settings,
): Promise<{ partitions: number | undefined; replicas: number | undefined }> {
  const from = await engine.topics.describe(left.topic);
  const legacy = (name: string): number | undefined => {
    const value = setting(name);
    return value === undefined ? undefined : Number(value);
  };
  return {
    partitions: properties.integer('PARTITIONS') ?? legacy('ksql.sink.partitions') ?? from?.partitions,
    replicas: properties.integer('REPLICAS') ?? legacy('ksql.sink.replicas') ?? from?.replicas,
  };
}

/** How long the results' topic keeps them: of windows as long as these are to be had, if that is longer. */
function retentionOf(statement: CreateAsSelect, sink: SinkPlan, properties: WithProperties): number | undefined {
  const asked = properties.integer('RETENTION_MS');
  if (statement.type === 'STREAM' || asked === undefined) return asked;
  if (sink.window === undefined)
    refuse('Invalid config variable in the WITH clause: RETENTION_MS. Non-windowed tables do not support retention.');
  const retention = statement.query.window?.retention;
  return Math.max(asked, retention === undefined ? 0 : milliseconds(retention));
}

/** Checks the topic of the results if it is there; returns what makes it if it is not. */
async function sinkTopic(
  engine: EngineContext,
  sink: SinkPlan,
  kind: SourceKind,
  retentionMs: number | undefined,
): Promise<() => Promise<void>> {
  const existing = await engine.topics.describe(sink.topic);
  const partitions = sink.partitions ?? 1;
  const replicas = sink.replicas ?? 1;
  if (existing === undefined) {
    const cleanupPolicy = kind === 'STREAM' ? 'delete' : sink.window === undefined ? 'compact' : 'compact,delete';
    return () => engine.topics.create(sink.topic, { partitions, replicas, cleanupPolicy, retentionMs });
  }
  const fits = existing.partitions === partitions && existing.replicas >= replicas;
  if (fits || engine.topics.areRepeated) return async () => {};
  return refuse(
    `A Kafka topic with the name '${sink.topic}' already exists, with different partition/replica configuration than required. KSQL expects ${partitions} partitions (topic has ${existing.partitions}), and ${replicas} replication factor (topic has ${existing.replicas}).`,
  );
}

/** Refusals in here are about this statement. */
function withStatement<T>(text: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new StatementError(messageOf(error), { statementText: text, cause: error });
  }
}
