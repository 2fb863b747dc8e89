// What the server answers to statements, as a person reads it. One entry per entity type; what has none is shown as JSON.
import type { QueryAnalysis, Replacement, SqlEntity as Entity } from '../sql-api/index.ts';
import { analysisText, replacementLines } from './analysis.ts';
import { renderTable } from './table.ts';

type Row = Record<string, unknown>;
type Renderer = (entity: Entity, width: number) => string;

export function renderEntity(entity: Entity, width: number): string {
  const render = renderers[entity['@type']];
  const text = render === undefined ? JSON.stringify(entity, null, 2) : render(entity, width);
  const warnings = list(entity, 'warnings').map((warning) => warningText(String(warning['message'])));
  return [text, ...warnings].filter((part) => part !== '').join('\n');
}

export function warningText(message: string): string {
  return `WARNING: ${message}`;
}

const renderers: Readonly<Record<string, Renderer>> = {
  currentStatus: (entity) => {
    const status = entity['commandStatus'] as Row;
    return String(status['message']);
  },
  streams: (entity, width) =>
    table(list(entity, 'streams'), width, {
      'Stream Name': 'name',
      'Kafka Topic': 'topic',
      'Key Format': 'keyFormat',
      'Value Format': 'valueFormat',
      Windowed: 'isWindowed',
    }),
  tables: (entity, width) =>
    table(list(entity, 'tables'), width, {
      'Table Name': 'name',
      'Kafka Topic': 'topic',
      'Key Format': 'keyFormat',
      'Value Format': 'valueFormat',
      Windowed: 'isWindowed',
    }),
  indexes: (entity, width) =>
    renderTable(
      list(entity, 'indexes').map(({ name, table: on, columns }) => [name, on, (columns as string[]).join(', ')]),
      { width, headings: ['Index', 'Table', 'Columns'] },
    ),
  kafka_topics: (entity, width) =>
    renderTable(
      list(entity, 'topics').map((topic) => {
        const replicas = topic['replicaInfo'] as number[];
        return [topic['name'], replicas.length, replicas[0] ?? 0];
      }),
      { width, headings: ['Kafka Topic', 'Partitions', 'Partition Replicas'] },
    ),
  queries: (entity, width) =>
    renderTable(
      list(entity, 'queries').map((query) => [
        query['id'],
        query['queryType'],
        query['state'] ??
          Object.entries((query['statusCount'] ?? {}) as Row)
            .map(([state, n]) => `${state}:${String(n)}`)
            .join(' '),
        ((query['sinks'] ?? []) as string[]).join(', '),
        query['queryString'],
      ]),
      { width, headings: ['Query ID', 'Query Type', 'Status', 'Sink Name', 'Query String'] },
    ),
  properties: (entity, width) =>
    table(list(entity, 'properties'), width, { Property: 'name', Scope: 'scope', 'Effective Value': 'value' }),
  function_names: (entity, width) =>
    table(list(entity, 'functions'), width, { 'Function Name': 'name', Type: 'type', Category: 'category' }),
  variables: (entity, width) => table(list(entity, 'variables'), width, { 'Variable Name': 'name', Value: 'value' }),
  sourceDescription: (entity, width) => describeSource((entity['sourceDescription'] ?? entity) as Row, width),
  source_descriptions: (entity, width) =>
    list(entity, 'sourceDescriptions')
      .map((source) => describeSource(source, width))
      .join('\n\n'),
  queryDescription: (entity, width) => describeQuery((entity['queryDescription'] ?? entity) as Row, width),
  query_descriptions: (entity, width) =>
    list(entity, 'queryDescriptions')
      .map((query) => describeQuery(query, width))
      .join('\n\n'),
  query_analysis: (entity, width) => analysisText(entity['queryAnalysis'] as QueryAnalysis, width),
  executionPlan: (entity) => String(entity['executionPlan'] ?? entity['executionPlanText']),
  describe_function: (entity) => describeFunction(entity),
  type_list: (entity, width) =>
    renderTable(
      Object.entries((entity['types'] ?? {}) as Row).map(([name, schema]) => [name, schemaText(schema as Row)]),
      { width, headings: ['Type Name', 'Schema'] },
    ),
  terminate_query: (entity) => `Query ${String(entity['queryId'])} terminated.`,
  assert_topic: (entity) =>
    `Topic ${String(entity['topicName'])} ${entity['exists'] === false ? 'does not exist' : 'exists'}.`,
  assert_schema: (entity) =>
    `Schema of ${String(entity['subject'] ?? entity['id'])} ${entity['exists'] === false ? 'does not exist' : 'exists'}.`,
  warning_entity: (entity) => warningText(String(entity['message'])),
};

function list(entity: Row, member: string): Row[] {
  const value = entity[member];
  return Array.isArray(value) ? (value as Row[]) : [];
}

function table(rows: readonly Row[], width: number, columns: Readonly<Record<string, string>>): string {
  return renderTable(
    rows.map((row) => Object.values(columns).map((member) => row[member] ?? '')),
    { width, headings: Object.keys(columns) },
  );
}

function describeSource(source: Row, width: number): string {
  const lines = [
    `Name                 : ${String(source['name'])}`,
    `Type                 : ${String(source['type'])}`,
    `Kafka topic          : ${String(source['topic'])} (partitions: ${String(source['partitions'])}, replication: ${String(source['replication'])})`,
    `Formats              : key ${String(source['keyFormat'])}, value ${String(source['valueFormat'])}`,
    ...(source['timestamp'] ? [`Timestamp field      : ${String(source['timestamp'])}`] : []),
    ...(source['windowType'] ? [`Window               : ${String(source['windowType'])}`] : []),
    ...(source['statement'] ? [`Statement            : ${String(source['statement'])}`] : []),
    '',
    fieldsTable(list(source, 'fields'), width),
  ];
  for (const [title, member] of [
    ['Queries that read from it', 'readQueries'],
    ['Queries that write to it', 'writeQueries'],
  ] as const) {
    const queries = list(source, member);
    if (queries.length === 0) continue;
    lines.push('', title, ...queries.map((query) => `  ${String(query['id'])}: ${String(query['queryString'])}`));
  }
  const indexes = list(source, 'indexes');
  if (indexes.length > 0)
    lines.push(
      '',
      'Indexes',
      ...indexes.map((index) => `  ${String(index['name'])}: ${(index['columns'] as string[]).join(', ')}`),
    );
  for (const statistics of [source['statistics'], source['errorStats']]) {
    if (typeof statistics === 'string' && statistics !== '') lines.push('', statistics);
  }
  return lines.join('\n');
}

function describeQuery(query: Row, width: number): string {
  return [
    `ID                   : ${String(query['id'])}`,
    `Query Type           : ${String(query['queryType'])}`,
    `State                : ${String(query['state'] ?? '')}`,
    `SQL                  : ${String(query['statementText'])}`,
    `Reads from           : ${((query['sources'] ?? []) as string[]).join(', ')}`,
    `Writes to            : ${((query['sinks'] ?? []) as string[]).join(', ')}`,
    '',
    fieldsTable(list(query, 'fields'), width),
    '',
    'Execution plan',
    String(query['executionPlan'] ?? ''),
    '',
    'Processing topology',
    String(query['topology'] ?? ''),
    ...replacementLines(query['replacement'] as Replacement | undefined),
  ].join('\n');
}

function fieldsTable(fields: readonly Row[], width: number): string {
  return renderTable(
    fields.map((field) => {
      const role = field['type'] ? ` (${String(field['type']).toLowerCase().replace('_', ' ')})` : '';
      return [field['name'], `${schemaText(field['schema'] as Row)}${role}`];
    }),
    { width, headings: ['Field', 'Type'] },
  );
}

function schemaText(schema: Row): string {
  const member = schema['memberSchema'] as Row | null | undefined;
  switch (schema['type']) {
    case 'ARRAY':
      return `ARRAY<${schemaText(member!)}>`;
    case 'MAP':
      return `MAP<STRING, ${schemaText(member!)}>`;
    case 'STRUCT':
      return `STRUCT<${list(schema, 'fields')
        .map((field) => `${String(field['name'])} ${schemaText(field['schema'] as Row)}`)
        .join(', ')}>`;
    case 'DECIMAL': {
      const { precision, scale } = schema['parameters'] as { precision: number; scale: number };
      return `DECIMAL(${precision}, ${scale})`;
    }
    default:
      return String(schema['type']);
  }
}

function describeFunction(entity: Entity): string {
  const lines = [
    `Name        : ${String(entity['name'])}`,
    `Overview    : ${String(entity['description'])}`,
    `Type        : ${String(entity['type'])}`,
    'Variations  :',
  ];
  for (const variation of list(entity, 'functions')) {
    const args = list(variation, 'arguments').map(
      (argument) =>
        `${String(argument['name'] || 'arg')} ${String(argument['type'])}${argument['isVariadic'] ? '...' : ''}`,
    );
    lines.push('', `  ${String(entity['name'])}(${args.join(', ')}) → ${String(variation['returnType'])}`);
    if (variation['description']) lines.push(`  ${String(variation['description'])}`);
  }
  return lines.join('\n');
}
