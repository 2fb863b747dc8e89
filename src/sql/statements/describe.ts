// Statements that only look: SHOW, DESCRIBE, EXPLAIN. Each answers an entity.
import type { Client } from '../../client/index.ts';
import type { DataSource } from '../catalog.ts';
import { compileFlow } from '../compile/topology.ts';
import { isPlain } from '../analysis/extensions.ts';
import { refuse, refuseName } from '../errors.ts';
import { describedOverload, documentationOf } from '../functions/documentation.ts';
import type { SqlFunction } from '../functions/function.ts';
import type { Query, Statement } from '../parser/ast.ts';
import { printQuery } from '../parser/print.ts';
import { explainPlan } from '../plan/explain.ts';
import { allColumns } from '../schema.ts';
import { isEditable, sqlSettings, streamsSettings } from '../settings.ts';
import type { EngineContext, PersistentQuery, PreparedStatement, QueryCounts } from './context.ts';
import {
  errorText,
  offsetSummary,
  planDescription,
  queryDescription,
  queryListing,
  statisticsText,
} from './describe-query.ts';
import { type Entity, fieldEntity, schemaEntity } from './entities.ts';
import type { Looking } from './looking.ts';
import { createAsSelect, insertIntoSelect } from './persistent-query.ts';
import { explainReplacement } from './replacement.ts';
import { planTransient } from './transient-query.ts';
import { trialOf } from './trial.ts';

type Of<K extends Statement['kind']> = Extract<Statement, { kind: K }>;

export async function show(look: Looking, { what, extended, all }: Of<'show'>): Promise<Entity> {
  const { engine } = look;
  const { catalog } = engine;
  switch (what) {
    case 'STREAMS':
    case 'TABLES': {
      const kind = what === 'STREAMS' ? 'STREAM' : 'TABLE';
      const sources = catalog.sources().filter((source) => source.kind === kind);
      if (extended) return descriptions(look, sources, true);
      return { '@type': what.toLowerCase(), [what.toLowerCase()]: sources.map(sourceListing) };
    }
    case 'INDEXES':
      return { '@type': 'indexes', indexes: catalog.indexes() };
    case 'TOPICS':
      return {
        '@type': extended ? 'kafka_topics_extended' : 'kafka_topics',
        topics: await topicListing(look, all, extended),
      };
    case 'QUERIES':
      if (extended) {
        const described = [...engine.queries.values()].map((query) => queryDescription(look, query));
        return { '@type': 'query_descriptions', queryDescriptions: await Promise.all(described) };
      }
      return { '@type': 'queries', queries: [...engine.queries.values()].map((query) => queryListing(look, query)) };
    case 'FUNCTIONS': {
      const functions = engine.functions
        .all()
        .map(({ name, kind, category }) => ({ name, type: kind.toUpperCase(), category }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
      return { '@type': 'function_names', functions };
    }
    case 'PROPERTIES':
      return {
        '@type': 'properties',
        properties: propertyListing(look),
        overwrittenProperties: [],
        defaultProperties: [],
      };
    case 'TYPES':
      return {
        '@type': 'type_list',
        types: Object.fromEntries([...catalog.types()].map(([name, type]) => [name, schemaEntity(type)])),
      };
    case 'VARIABLES':
      return {
        '@type': 'variables',
        variables: [...look.variables].map(([name, value]) => ({ name, value })),
      };
    case 'CONNECTORS':
      return look.connectors.list(undefined);
    case 'SOURCE CONNECTORS':
      return look.connectors.list('source');
    case 'SINK CONNECTORS':
      return look.connectors.list('sink');
    case 'CONNECTOR PLUGINS':
      return look.connectors.plugins();
  }
}

export async function describe(look: Looking, name: string, extended: boolean): Promise<Entity> {
  const source = look.engine.catalog.source(name);
  if (source === undefined) return refuse(`Could not find STREAM/TABLE '${name}' in the Metastore`);
  const sourceDescription = await describeSource(look, source, extended);
  return { '@type': 'sourceDescription', sourceDescription };
}

export async function describeAll(look: Looking, { type, extended }: Of<'describeAll'>): Promise<Entity> {
  const sources = look.engine.catalog.sources().filter((source) => source.kind === type);
  return descriptions(look, sources, extended);
}

export function describeFunction(look: Looking, name: string): Entity {
  const found: SqlFunction = look.engine.functions.get(name.toUpperCase());
  const module = found.overloads.find((overload) => overload.module !== undefined)?.module;
  const documentation = documentationOf(found.name);
  const example =
    documentation === undefined ? '' : ` For example, ${documentation.example} is ${documentation.result}.`;
  return {
    '@type': 'describe_function',
    name: found.name,
    description: `${found.description}${example}`,
    author: module === undefined ? 'Millrace' : '',
    version: module?.hash ?? '',
    path: module?.file ?? 'internal',
    type: found.kind.toUpperCase(),
    functions: found.overloads.map(({ signature, parameterNames }) => ({
      ...describedOverload(found.name, signature.text, parameterNames),
      description: '',
    })),
  };
}

export async function explain(look: Looking, statement: Of<'explain'>): Promise<Entity> {
  const { engine } = look;
  if (statement.queryId !== undefined) {
    const query = queryToExplain(engine, statement.queryId);
    return { '@type': 'queryDescription', queryDescription: await queryDescription(look, query) };
  }
  const described = await explained(look, statement.statement);
  return { '@type': 'queryDescription', queryDescription: { ...described, overriddenProperties: look.overrides } };
}

export function queryToExplain({ queries }: EngineContext, queryId: string): PersistentQuery {
  const query = queries.get(queryId);
  const message = `Query with id:${queryId} does not exist, use SHOW QUERIES to view the full set of queries.`;
  return query ?? refuseName(message, queryId, queries.keys());
}

async function explained(look: Looking, statement: Statement | undefined): Promise<object> {
  const { engine, setting } = look;
  switch (statement?.kind) {
    case 'query':
      return { ...explainedQuery(look, statement.query), statementText: printQuery(statement.query) };
    case 'createAsSelect': {
      const replaced = isPlain(setting) ? undefined : await explainReplacement(engine, statement, setting);
      if (replaced !== undefined) return { ...planDescription(replaced.query), replacement: replaced.replacement };
      return explainedStart(await createAsSelect(trialOf(engine), statement, setting));
    }
    case 'insertIntoSelect':
      return explainedStart(await insertIntoSelect(trialOf(engine), statement, setting));
    default:
      return refuse('The provided statement does not run a ksql query');
  }
}

function explainedStart({ query, result }: PreparedStatement): object {
  return query === undefined ? refuse(result.message) : planDescription(query);
}

function explainedQuery({ engine, setting, explainPull }: Looking, query: Query): object {
  if (query.emit === undefined) return explainPull(query);
  const { catalog, functions, schemas, log } = engine;
  const planned = planTransient({ catalog, functions, setting }, query, '');
  const topology = compileFlow({ functions, schemas, log, setting }, planned.root, 'EXPLAIN', (flow) => {
    const stream = 'stream' in flow ? flow.stream : flow.table.toStream();
    stream.foreach(() => {});
  });
  return {
    id: '',
    queryType: 'PUSH',
    sources: planned.sources.map((source) => source.name),
    sinks: [],
    fields: planned.columns.map(({ name, type, isKey }) => fieldEntity(name, type, isKey ? 'KEY' : undefined)),
    topology: topology.describe().toString(),
    executionPlan: explainPlan({ root: planned.root, sink: undefined }),
  };
}

// ── Pieces ────────────────────────────────────────────────────────────────────────────────────────────────────────

function sourceListing({ kind, name, topic, keyFormat, valueFormat, window }: DataSource) {
  return {
    type: kind,
    name,
    topic,
    keyFormat: keyFormat.format,
    valueFormat: valueFormat.format,
    isWindowed: window !== undefined,
  };
}

/** Sources that are made from a source: as long as they are there, it can't be dropped. */
function dependents({ catalog, queries }: EngineContext, name: string): string[] {
  const made = catalog.queriesReading(name).map((id) => catalog.source(queries.get(id)?.plan.sink?.name ?? ''));
  return made.filter((source) => source?.createdBy !== undefined).map((source) => source!.name);
}

async function descriptions(look: Looking, sources: readonly DataSource[], extended: boolean): Promise<Entity> {
  const sourceDescriptions = await Promise.all(sources.map((source) => describeSource(look, source, extended)));
  return { '@type': 'source_descriptions', sourceDescriptions };
}

/** The streams and tables over a topic. */
export function describeTopicSources(look: Looking, topic: string): Promise<object[]> {
  const sources = look.engine.catalog.sources().filter((source) => source.topic === topic);
  return Promise.all(sources.map((source) => describeSource(look, source, false)));
}

async function describeSource(look: Looking, source: DataSource, extended: boolean) {
  const { engine } = look;
  const { catalog } = engine;
  const listing = (ids: readonly string[]) =>
    ids.flatMap((id) => {
      const query = engine.queries.get(id);
      return query === undefined ? [] : [queryListing(look, query)];
    });
  const topic = await engine.topics.describe(source.topic);
  // What is found out from the cluster is for who asks for it.
  const writing = extended ? catalog.queriesWriting(source.name).filter((id) => engine.queries.has(id)) : [];
  const counts = new Map<string, QueryCounts>();
  for (const id of writing) counts.set(id, await look.counts(id));
  const keyType = source.kind === 'TABLE' ? 'PRIMARY_KEY' : 'KEY';
  return {
    name: source.name,
    windowType: source.window?.type ?? null,
    readQueries: listing(catalog.queriesReading(source.name)),
    writeQueries: listing(catalog.queriesWriting(source.name)),
    fields: allColumns(source.schema).map(({ name, type, namespace, headerKey }) => ({
      ...fieldEntity(name, type, namespace === 'KEY' ? keyType : namespace === 'HEADERS' ? 'HEADER' : undefined),
      ...(headerKey === undefined ? {} : { headerKey }),
    })),
    type: source.kind,
    timestamp: source.timestamp?.column ?? '',
    statistics: statisticsText(counts),
    errorStats: errorText(counts),
    extended,
    keyFormat: source.keyFormat.format,
    valueFormat: source.valueFormat.format,
    topic: source.topic,
    ...(catalog.indexes(source.name).length === 0 ? {} : { indexes: catalog.indexes(source.name) }),
    partitions: topic?.partitions ?? 0,
    replication: topic?.replicas ?? 0,
    statement: source.sql,
    queryOffsetSummaries: await Promise.all(writing.map((id) => offsetSummary(look, id))),
    sourceConstraints: extended ? dependents(engine, source.name) : [],
    clusterStatistics: [],
    clusterErrorStats: [],
  };
}

/** ksqlDB hides what systems keep for themselves, unless ALL is asked for. */
const HIDDEN = /^(_confluent|__confluent|_schemas$|__consumer_offsets$|__transaction_state$|connect-)/;

async function topicListing({ client }: Looking, all: boolean, extended: boolean) {
  const admin = client.admin();
  const names = (await admin.listTopics()).filter((name) => all || !HIDDEN.test(name));
  const described = await admin.describeTopics(names);
  const groups = extended ? await consumersOf(client) : new Map<string, { groups: number; members: number }>();
  return [...described.values()].map(({ name, partitions }) => ({
    name,
    replicaInfo: partitions.map(({ replicas }) => replicas.length),
    ...(extended
      ? { consumerCount: groups.get(name)?.members ?? 0, consumerGroupCount: groups.get(name)?.groups ?? 0 }
      : {}),
  }));
}

async function consumersOf(client: Client): Promise<Map<string, { groups: number; members: number }>> {
  const admin = client.admin();
  const counts = new Map<string, { groups: number; members: number }>();
  for (const { groupId } of await admin.listGroups()) {
    const [description] = await admin.describeGroups([groupId]);
    const topics = new Set((await admin.committedOffsets(groupId)).map(({ topic }) => topic));
    for (const topic of topics) {
      const { groups, members } = counts.get(topic) ?? { groups: 0, members: 0 };
      counts.set(topic, { groups: groups + 1, members: members + (description?.members.length ?? 0) });
    }
  }
  return counts;
}

function propertyListing({ setting, overrides }: Looking) {
  const entries = [
    ...Object.keys(sqlSettings).map((name) => ({ name, key: name, scope: 'KSQL' })),
    ...Object.keys(streamsSettings).map((name) => ({
      name: `ksql.streams.${name}`,
      key: name,
      scope: 'KAFKA_STREAMS',
    })),
  ];
  return entries.map(({ name, key, scope }) => ({
    name,
    scope,
    value: setting(key) ?? null,
    editable: isEditable(name),
    level: Object.hasOwn(overrides, key) ? 'QUERY' : 'SERVER',
  }));
}
