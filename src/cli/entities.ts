// What the server answers to statements, as a person reads it. One entry per entity type; what has none is shown as JSON.
import type { QueryAnalysis, Replacement, SqlEntity as Entity } from '../sql-api/index.ts';
import { analysisText, replacementLines } from './analysis.ts';
import { renderTable, type TableStyle } from './table.ts';

type Row = Record<string, unknown>;
type Renderer = (entity: Entity, style: TableStyle) => string;

export function renderEntity(entity: Entity, style: TableStyle): string {
  const render = renderers[entity['@type']];
  const text = render === undefined ? JSON.stringify(entity, null, 2) : render(entity, style);
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
  streams: (entity, style) =>
    table(list(entity, 'streams'), style, {
      'Stream Name': 'name',
      'Kafka Topic': 'topic',
      'Key Format': 'keyFormat',
      'Value Format': 'valueFormat',
      Windowed: 'isWindowed',
    }),
  tables: (entity, style) =>
    table(list(entity, 'tables'), style, {
      'Table Name': 'name',
      'Kafka Topic': 'topic',
      'Key Format': 'keyFormat',
      'Value Format': 'valueFormat',
      Windowed: 'isWindowed',
    }),
  indexes: (entity, style) =>
    renderTable(
      list(entity, 'indexes').map(({ name, table: on, columns }) => [name, on, (columns as string[]).join(', ')]),
      { ...style, headings: ['Index', 'Table', 'Columns'] },
    ),
  kafka_topics: (entity, style) =>
    renderTable(
      list(entity, 'topics').map((topic) => {
        const replicas = topic['replicaInfo'] as number[];
        return [topic['name'], replicas.length, replicas[0] ?? 0];
      }),
      { ...style, headings: ['Kafka Topic', 'Partitions', 'Partition Replicas'] },
    ),
  queries: (entity, style) =>
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
      { ...style, headings: ['Query ID', 'Query Type', 'Status', 'Sink Name', 'Query String'] },
    ),
  properties: (entity, style) =>
    table(list(entity, 'properties'), style, { Property: 'name', Scope: 'scope', 'Effective Value': 'value' }),
  function_names: (entity, style) =>
    table(list(entity, 'functions'), style, { 'Function Name': 'name', Type: 'type', Category: 'category' }),
  variables: (entity, style) => table(list(entity, 'variables'), style, { 'Variable Name': 'name', Value: 'value' }),
  sourceDescription: (entity, style) => describeSource((entity['sourceDescription'] ?? entity) as Row, style),
  source_descriptions: (entity, style) =>
    list(entity, 'sourceDescriptions')
      .map((source) => describeSource(source, style))
      .join('\n\n'),
  queryDescription: (entity, style) => describeQuery((entity['queryDescription'] ?? entity) as Row, style),
  query_descriptions: (entity, style) =>
    list(entity, 'queryDescriptions')
      .map((query) => describeQuery(query, style))
      .join('\n\n'),
  query_analysis: (entity, style) => analysisText(entity['queryAnalysis'] as QueryAnalysis, style.width),
  executionPlan: (entity) => String(entity['executionPlan'] ?? entity['executionPlanText']),
  describe_function: (entity) => describeFunction(entity),
  type_list: (entity, style) =>
    renderTable(
      Object.entries((entity['types'] ?? {}) as Row).map(([name, schema]) => [name, schemaText(schema as Row)]),
      { ...style, headings: ['Type Name', 'Schema'] },
    ),
  terminate_query: (entity) => `Query ${String(entity['queryId'])} terminated.`,
  assert_topic: (entity) =>
    `Topic ${String(entity['topicName'])} ${entity['exists'] === false ? 'does not exist' : 'exists'}.`,
  assert_schema: (entity) =>
    `Schema of ${String(entity['subject'] ?? entity['id'])} ${entity['exists'] === false ? 'does not exist' : 'exists'}.`,
  connector_info: (entity) => `Created connector ${String((entity['info'] as Row)['name'])}`,
  drop_connector: (entity) => `Dropped connector "${String(entity['connectorName'])}"`,
  connector_list: (entity, style) =>
    table(list(entity, 'connectors'), style, {
      'Connector Name': 'name',
      Type: 'type',
      Class: 'className',
      Status: 'state',
    }),
  connector_plugins_list: (entity, style) =>
    table(list(entity, 'connectorsPlugins'), style, { Class: 'className', Type: 'type', Version: 'version' }),
  connector_description: (entity, style) => describeConnector(entity, style),
  warning_entity: (entity) => warningText(String(entity['message'])),
};

function list(entity: Row, member: string): Row[] {
  const value = entity[member];
  return Array.isArray(value) ? (value as Row[]) : [];
}

function table(rows: readonly Row[], style: TableStyle, columns: Readonly<Record<string, string>>): string {
  return renderTable(
    rows.map((row) => Object.values(columns).map((member) => row[member] ?? '')),
    { ...style, headings: Object.keys(columns) },
  );
}

function describeConnector(entity: Row, style: TableStyle): string {
  const status = entity['status'] as Row;
  const connector = status['connector'] as Row;
  const lines = [
    `Name                 : ${String(status['name'])}`,
    `Class                : ${String(entity['connectorClass'])}`,
    `Type                 : ${String(status['type'])}`,
    `State                : ${String(connector['state'])}`,
    `WorkerId             : ${String(connector['worker_id'])}`,
    ...(connector['trace'] ? [`Trace                : ${String(connector['trace'])}`] : []),
  ];
  const tasks = list(status, 'tasks');
  if (tasks.length > 0)
    lines.push('', table(tasks, style, { 'Task ID': 'id', State: 'state', 'Error Trace': 'trace' }));
  const sources = list(entity, 'sources');
  if (sources.length > 0)
    lines.push('', table(sources, style, { 'KSQL Source Name': 'name', 'Kafka Topic': 'topic', Type: 'type' }));
  const topics = (entity['topics'] ?? []) as string[];
  if (topics.length > 0)
    lines.push(
      '',
      renderTable(
        topics.map((topic) => [topic]),
        { ...style, headings: ['Related Topics'] },
      ),
    );
  return lines.join('\n');
}

function describeSource(source: Row, style: TableStyle): string {
  const lines = [
    `Name                 : ${String(source['name'])}`,
    `Type                 : ${String(source['type'])}`,
    `Kafka topic          : ${String(source['topic'])} (partitions: ${String(source['partitions'])}, replication: ${String(source['replication'])})`,
    `Formats              : key ${String(source['keyFormat'])}, value ${String(source['valueFormat'])}`,
    ...(source['timestamp'] ? [`Timestamp field      : ${String(source['timestamp'])}`] : []),
    ...(source['windowType'] ? [`Window               : ${String(source['windowType'])}`] : []),
    ...(source['statement'] ? [`Statement            : ${String(source['statement'])}`] : []),
    '',
    fieldsTable(list(source, 'fields'), style),
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

function describeQuery(query: Row, style: TableStyle): string {
  return [
    `ID                   : ${String(query['id'])}`,
    `Query Type           : ${String(query['queryType'])}`,
    `State                : ${String(query['state'] ?? '')}`,
    `SQL                  : ${String(query['statementText'])}`,
    `Reads from           : ${((query['sources'] ?? []) as string[]).join(', ')}`,
    `Writes to            : ${((query['sinks'] ?? []) as string[]).join(', ')}`,
    '',
    fieldsTable(list(query, 'fields'), style),
    '',
    'Execution plan',
    String(query['executionPlan'] ?? ''),
    '',
    'Processing topology',
    String(query['topology'] ?? ''),
    ...replacementLines(query['replacement'] as Replacement | undefined),
  ].join('\n');
}

function fieldsTable(fields: readonly Row[], style: TableStyle): string {
  return renderTable(
    fields.map((field) => {
      const role = field['type'] ? ` (${String(field['type']).toLowerCase().replace('_', ' ')})` : '';
      return [field['name'], `${schemaText(field['schema'] as Row)}${role}`];
    }),
    { ...style, headings: ['Field', 'Type'] },
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
