// The settings of the JDBC source, under Confluent's names.
import { atLeast, type ConfigOf, type ConfigProblem, defineConfig, oneOfTexts } from '../../../api/index.ts';
import { connectionConfig } from '../connection.ts';
import type { Mapping, TimestampGranularity } from '../database.ts';

const MODE = 'Mode';
const CONNECTOR = 'Connector';

export const sourceConfig = defineConfig({
  ...connectionConfig,
  'table.whitelist': {
    type: 'LIST',
    default: '',
    importance: 'MEDIUM',
    doc: 'The tables to read; by default, all.',
    group: 'Database',
  },
  'table.blacklist': {
    type: 'LIST',
    default: '',
    importance: 'MEDIUM',
    doc: 'The tables not to read.',
    group: 'Database',
  },
  'table.include.list': {
    type: 'LIST',
    default: '',
    importance: 'MEDIUM',
    doc: 'Patterns of the whole names of tables to read.',
    group: 'Database',
  },
  'table.exclude.list': {
    type: 'LIST',
    default: '',
    importance: 'MEDIUM',
    doc: 'Patterns of the whole names of tables not to read.',
    group: 'Database',
  },
  'schema.pattern': {
    type: 'STRING',
    default: null,
    importance: 'HIGH',
    doc: 'The schema of tables to read, as LIKE has it; by default, all.',
    group: 'Database',
  },
  'catalog.pattern': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'The catalog of tables to read; by default, that of the URL.',
    group: 'Database',
  },
  'table.types': {
    type: 'LIST',
    default: 'TABLE',
    importance: 'LOW',
    doc: 'What is read like a table: TABLE, VIEW, PARTITIONED TABLE, MATERIALIZED VIEW, FOREIGN TABLE.',
    group: 'Database',
  },
  'numeric.mapping': {
    type: 'STRING',
    default: 'none',
    importance: 'LOW',
    doc: 'What NUMERIC becomes: none (Decimal), precision_only (whole numbers by precision), best_fit (doubles for others, too), best_fit_eager_double.',
    group: 'Database',
    validator: oneOfTexts('none', 'precision_only', 'best_fit', 'best_fit_eager_double'),
  },
  mode: {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'How rows are found that are new: bulk (all, each time), incrementing, timestamp, timestamp+incrementing.',
    group: MODE,
    validator: oneOfTexts('bulk', 'incrementing', 'timestamp', 'timestamp+incrementing'),
    recommended: ['bulk', 'incrementing', 'timestamp', 'timestamp+incrementing'],
  },
  'incrementing.column.name': {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: 'The column that only grows; empty: the one that the database counts up.',
    group: MODE,
  },
  'timestamp.column.name': {
    type: 'LIST',
    default: '',
    importance: 'MEDIUM',
    doc: 'The columns that say when a row was changed; of several, the first that is not null.',
    group: MODE,
  },
  'timestamp.initial': {
    type: 'LONG',
    default: null,
    importance: 'LOW',
    doc: 'The time to begin at, ms since the epoch; -1: now. By default, the beginning.',
    group: MODE,
  },
  'validate.non.null': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Whether columns that say what is new must be NOT NULL: rows where they are null are never read.',
    group: MODE,
  },
  query: {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: 'Rows of this query, instead of tables; conditions are added to it.',
    group: MODE,
  },
  'query.suffix': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'What is put at the end of every query.',
    group: MODE,
  },
  'poll.interval.ms': {
    type: 'INT',
    default: 5000,
    importance: 'HIGH',
    doc: 'How often each table is looked at.',
    group: CONNECTOR,
    validator: atLeast(1),
  },
  'batch.max.rows': {
    type: 'INT',
    default: 100,
    importance: 'LOW',
    doc: 'How many rows are read at a time.',
    group: CONNECTOR,
    validator: atLeast(1),
  },
  'table.poll.interval.ms': {
    type: 'LONG',
    default: 60_000,
    importance: 'LOW',
    doc: 'How often is looked for new tables.',
    group: CONNECTOR,
    validator: atLeast(1),
  },
  'topic.prefix': {
    type: 'STRING',
    importance: 'HIGH',
    doc: "Goes before a table's name to make the topic's; with a query, the topic itself.",
    group: CONNECTOR,
  },
  'timestamp.delay.interval.ms': {
    type: 'LONG',
    default: 0,
    importance: 'HIGH',
    doc: 'How old a row must be to be read: transactions that began earlier may end later.',
    group: CONNECTOR,
    validator: atLeast(0),
  },
  'timestamp.granularity': {
    type: 'STRING',
    default: 'connect_logical',
    importance: 'LOW',
    doc: 'What timestamps become: connect_logical (milliseconds), micros_long, micros_string, micros_iso_datetime_string, nanos_long, nanos_string, nanos_iso_datetime_string.',
    group: CONNECTOR,
    validator: oneOfTexts(
      'connect_logical',
      'micros_long',
      'micros_string',
      'micros_iso_datetime_string',
      'nanos_long',
      'nanos_string',
      'nanos_iso_datetime_string',
    ),
  },
  tables: { type: 'LIST', default: '', importance: 'HIGH', doc: 'The tables of a task.', internal: true },
});
export type SourceConfig = ConfigOf<typeof sourceConfig>;

/** How values are read. */
export function mappingOf(config: SourceConfig): Mapping {
  return {
    numeric: config['numeric.mapping'] as Mapping['numeric'],
    timestamps: config['timestamp.granularity'] as TimestampGranularity,
    zone: config['db.timezone'],
  };
}

/** What is wrong between settings. */
export function sourceProblems(config: SourceConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const say = (name: string, message: string): void => void problems.push({ name, message });
  const has = (name: 'table.whitelist' | 'table.blacklist' | 'table.include.list' | 'table.exclude.list'): boolean =>
    config[name].length > 0;
  if (has('table.whitelist') && has('table.blacklist'))
    say('table.blacklist', 'table.whitelist and table.blacklist are exclusive: give one of them');
  if (config.query !== '' && (has('table.whitelist') || has('table.blacklist') || has('table.include.list')))
    say(
      'query',
      'Do not specify table filtering configs with "query". Remove table.whitelist / table.blacklist / table.include.list',
    );
  if (config.mode.includes('timestamp') && config['timestamp.column.name'].length === 0)
    say('timestamp.column.name', `mode ${config.mode} needs timestamp.column.name`);
  if (!config.mode.includes('timestamp') && config['timestamp.column.name'].length > 0)
    say('timestamp.column.name', `timestamp.column.name means nothing with mode ${config.mode}`);
  if (!config.mode.includes('incrementing') && config['incrementing.column.name'] !== '')
    say('incrementing.column.name', `incrementing.column.name means nothing with mode ${config.mode}`);
  if (config.query !== '' && config.mode.includes('incrementing') && config['incrementing.column.name'] === '')
    say('incrementing.column.name', `mode ${config.mode} with a query needs incrementing.column.name`);
  return problems;
}
