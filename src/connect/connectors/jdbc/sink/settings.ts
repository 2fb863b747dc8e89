// The settings of the JDBC sink, under Confluent's names.
import { atLeast, type ConfigOf, type ConfigProblem, defineConfig, nonEmpty, oneOfTexts } from '../../../api/index.ts';
import { connectionConfig } from '../connection.ts';

const WRITES = 'Writes';
const MAPPING = 'Data Mapping';
const DDL = 'DDL Support';
const RETRIES = 'Retries';

export const sinkConfig = defineConfig({
  ...connectionConfig,
  'insert.mode': {
    type: 'STRING',
    default: 'insert',
    importance: 'HIGH',
    doc: 'How records become rows: insert, upsert (insert, or change the row with that key), update.',
    group: WRITES,
    validator: oneOfTexts('insert', 'upsert', 'update', 'INSERT', 'UPSERT', 'UPDATE'),
    recommended: ['insert', 'upsert', 'update'],
  },
  'batch.size': {
    type: 'INT',
    default: 3000,
    importance: 'MEDIUM',
    doc: 'How many rows are written with one statement at most.',
    group: WRITES,
    validator: atLeast(1),
  },
  'delete.enabled': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether a null value deletes the row of its key; needs pk.mode=record_key.',
    group: WRITES,
  },
  'table.types': {
    type: 'LIST',
    default: 'TABLE',
    importance: 'LOW',
    doc: 'What may be written to: TABLE, VIEW, PARTITIONED TABLE.',
    group: WRITES,
  },
  'table.name.format': {
    type: 'STRING',
    default: '${topic}',
    importance: 'MEDIUM',
    doc: "The name of a topic's table; ${topic} is the topic.",
    group: MAPPING,
    validator: nonEmpty,
  },
  'pk.mode': {
    type: 'STRING',
    default: 'none',
    importance: 'HIGH',
    doc: "What a row's key is: none, kafka (topic, partition, offset), record_key, record_value.",
    group: MAPPING,
    validator: oneOfTexts('none', 'kafka', 'record_key', 'record_value', 'NONE', 'KAFKA', 'RECORD_KEY', 'RECORD_VALUE'),
    recommended: ['none', 'kafka', 'record_key', 'record_value'],
  },
  'pk.fields': {
    type: 'LIST',
    default: '',
    importance: 'MEDIUM',
    doc: 'The columns of the key: of kafka their names, of a key that is no struct its name, else the fields that they are; empty: all.',
    group: MAPPING,
  },
  'fields.whitelist': {
    type: 'LIST',
    default: '',
    importance: 'MEDIUM',
    doc: 'The fields of values that are written; empty: all.',
    group: MAPPING,
  },
  'auto.create': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether a table that is not there is made, as the first record says.',
    group: DDL,
  },
  'auto.evolve': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether columns are added for fields that are new.',
    group: DDL,
  },
  'replace.null.with.default': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Whether a null is written as the default of its field, where there is one.',
    group: DDL,
  },
  'max.retries': {
    type: 'INT',
    default: 10,
    importance: 'MEDIUM',
    doc: 'How often a batch is tried again before the task fails.',
    group: RETRIES,
    validator: atLeast(0),
  },
  'retry.backoff.ms': {
    type: 'INT',
    default: 3000,
    importance: 'MEDIUM',
    doc: 'How long is waited before it is.',
    group: RETRIES,
    validator: atLeast(0),
  },
  'trim.sensitive.log': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: 'Whether what databases say of an error is kept out of logs and states, as it may hold values.',
    group: RETRIES,
  },
});
export type SinkConfig = ConfigOf<typeof sinkConfig>;

/** What a row's key is. */
export type KeyMode = 'none' | 'kafka' | 'record_key' | 'record_value';
/** How records become rows. */
export type InsertMode = 'insert' | 'upsert' | 'update';

export function keyModeOf(config: SinkConfig): KeyMode {
  return config['pk.mode'].toLowerCase() as KeyMode;
}

export function insertModeOf(config: SinkConfig): InsertMode {
  return config['insert.mode'].toLowerCase() as InsertMode;
}

/** What is wrong between settings. */
export function sinkProblems(config: SinkConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const keyMode = keyModeOf(config);
  if (config['delete.enabled'] && keyMode !== 'record_key')
    problems.push({
      name: 'delete.enabled',
      message: 'Deletes are only supported for pk.mode record_key: a null value says nothing but its key',
    });
  if (insertModeOf(config) !== 'insert' && keyMode === 'none')
    problems.push({
      name: 'pk.mode',
      message: `insert.mode ${insertModeOf(config)} needs a key: set pk.mode (and pk.fields)`,
    });
  if (keyMode === 'kafka' && ![0, 3].includes(config['pk.fields'].length))
    problems.push({
      name: 'pk.fields',
      message: 'with pk.mode kafka these are the names of three columns, or none: topic, partition, offset',
    });
  return problems;
}
