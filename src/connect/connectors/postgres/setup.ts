// What the settings say, as the parts of the connector need it. Made once, for a task or for a validation.
import { type Environment, randomUuid } from '../../../util/index.ts';
import type { RawConfig } from '../../api/config-def.ts';
import type { Log } from '../../api/plugins.ts';
import { ConfigError } from '../../data/errors.ts';
import type { ConnectHeader, SourcePartition } from '../../data/record.ts';
import { STRING } from '../../data/schema.ts';
import { columnChanges } from '../debezium/column-changes.ts';
import { type NameFilter, nameFilter, patternOf, patternsOf } from '../debezium/filters.ts';
import { type NameAdjustment, topicName } from '../debezium/names.ts';
import { fullName, type TableName } from './catalog.ts';
import type { ConnectionSettings, SslMode } from './connection.ts';
import type { PostgresSettings } from './settings.ts';
import type { EventSettings } from './table-events.ts';
import type { DecimalMode, TimePrecisionMode, TypeSettings } from './types/value-type.ts';

/** `snapshot.mode`. */
export type SnapshotMode = 'always' | 'initial' | 'initial_only' | 'no_data' | 'when_needed';

/** Everything that the settings say. */
export interface Setup {
  readonly config: PostgresSettings;
  readonly connection: ConnectionSettings;
  readonly events: EventSettings;
  readonly prefix: string;
  readonly snapshotMode: SnapshotMode;
  /** Which tables events are made of; the table of signals is none of them unless it is named. */
  isCaptured(table: TableName): boolean;
  /** Of these, whose rows a snapshot has. */
  isInSnapshot(table: TableName): boolean;
  isMessageCaptured: NameFilter;
  isSkipped(operation: string): boolean;
  /** The table of signals: `schema.table`. */
  readonly signalTable: string | null;
  /** How a table is read in a snapshot, where it is not read as it is. */
  overrideOf(table: TableName): string | undefined;
  readonly partition: SourcePartition;
  readonly topics: { readonly transaction: string; readonly heartbeat: string; readonly message: string };
  /** More of the output plugin's options. */
  readonly streamParameters: readonly (readonly [string, string])[];
  /** Whether the slot is moved on. */
  readonly movesSlot: boolean;
  readonly maxQueueBytes: number;
}

const MAX_QUEUE_BYTES = 64 * 1024 * 1024;
const HEARTBEAT_PREFIX = '__debezium-heartbeat';

/** Reads them. Throws `ConfigError`. */
export function setUp(config: PostgresSettings, raw: RawConfig): Setup {
  const prefix = config['topic.prefix'];
  const delimiter = config['topic.delimiter'];
  const schemas = nameFilter('schema', config['schema.include.list'], config['schema.exclude.list']);
  const tables = nameFilter('table', config['table.include.list'], config['table.exclude.list']);
  const inSnapshot = nameFilter('snapshot', config['snapshot.include.collection.list'], null);
  const signalTable = config['signal.data.collection'];
  if (signalTable !== null && !/^[^.]+\.[^.]+$/.test(signalTable))
    throw new ConfigError(`signal.data.collection: ${signalTable} is not of the form schema.table`);
  const isNamed = patternsOf('table.include.list', config['table.include.list']);
  const skipped = new Set(config['skipped.operations']);
  return {
    config,
    connection: connectionOf(config),
    events: eventsOf(config, raw),
    prefix,
    snapshotMode: (config['snapshot.mode'] === 'never' ? 'no_data' : config['snapshot.mode']) as SnapshotMode,
    isCaptured: (table) => {
      const name = fullName(table);
      if (name === signalTable) return isNamed.some((pattern) => pattern.test(name));
      return schemas(table.schema) && tables(name);
    },
    isInSnapshot: (table) => inSnapshot(fullName(table)),
    isMessageCaptured: nameFilter(
      'message.prefix',
      config['message.prefix.include.list'],
      config['message.prefix.exclude.list'],
    ),
    isSkipped: (operation) => skipped.has(operation),
    signalTable,
    overrideOf: overridesOf(config, raw),
    partition: { server: prefix },
    topics: {
      transaction: topicName(prefix, delimiter, config['topic.transaction']),
      heartbeat: topicName(
        config['topic.heartbeat.prefix'] ?? config['heartbeat.topics.prefix'] ?? HEARTBEAT_PREFIX,
        delimiter,
        prefix,
      ),
      message: topicName(prefix, delimiter, 'message'),
    },
    streamParameters: streamParametersOf(config),
    movesSlot: config['flush.lsn.source'] && config['lsn.flush.mode'] !== 'manual',
    maxQueueBytes: config['max.queue.size.in.bytes'] || MAX_QUEUE_BYTES,
  };
}

/** Where the database is. */
export function connectionOf(config: PostgresSettings): ConnectionSettings {
  return {
    host: config['database.hostname'],
    port: config['database.port'],
    user: config['database.user'],
    password: config['database.password'],
    database: config['database.dbname'],
    sslMode: config['database.sslmode'] as SslMode,
    sslRootCert: config['database.sslrootcert'],
    sslCert: config['database.sslcert'],
    sslKey: config['database.sslkey'],
    sslPassword: config['database.sslpassword'],
    keepAlive: config['database.tcpKeepAlive'],
    queryTimeoutMs: config['database.query.timeout.ms'],
    initialStatements: config['database.initial.statements'],
  };
}

function eventsOf(config: PostgresSettings, raw: RawConfig): EventSettings {
  return {
    prefix: config['topic.prefix'],
    delimiter: config['topic.delimiter'],
    types: typesOf(config),
    schemaNames: config['schema.name.adjustment.mode'] as NameAdjustment,
    fieldNames: config['field.name.adjustment.mode'] as NameAdjustment,
    columns: nameFilter('column', config['column.include.list'], config['column.exclude.list']),
    changes: columnChanges(raw),
    keys: keysOf(config['message.key.columns']),
  };
}

function typesOf(config: PostgresSettings): TypeSettings {
  const placeholder = config['unavailable.value.placeholder'];
  return {
    decimals: config['decimal.handling.mode'] as DecimalMode,
    times: config['time.precision.mode'] as TimePrecisionMode,
    hstores: config['hstore.handling.mode'] as TypeSettings['hstores'],
    intervals: config['interval.handling.mode'] as TypeSettings['intervals'],
    binary: config['binary.handling.mode'] as TypeSettings['binary'],
    moneyFractionDigits: config['money.fraction.digits'],
    placeholder: placeholder.startsWith('hex:') ? Buffer.from(placeholder.slice(4), 'hex') : Buffer.from(placeholder),
    includeUnknown: config['include.unknown.datatypes'],
  };
}

/** `schema.table:column,column;…`, the tables as patterns. */
function keysOf(text: string | null): EventSettings['keys'] {
  return (text ?? '')
    .split(';')
    .filter((each) => each.trim() !== '')
    .map((each) => {
      const match = /^(.+):([^:]+)$/.exec(each.trim());
      if (match === null)
        throw new ConfigError(
          `message.key.columns: ${JSON.stringify(each)} is not of the form schema.table:column,column`,
        );
      const columns = match[2]!.split(',').map((column) => column.trim());
      return { table: patternOf('message.key.columns', match[1]!.trim()), columns };
    });
}

function overridesOf(config: PostgresSettings, raw: RawConfig): (table: TableName) => string | undefined {
  const setting = 'snapshot.select.statement.overrides';
  const statements = new Map<string, string>();
  for (const table of config[setting] ?? []) {
    const statement = raw[`${setting}.${table}`];
    if (statement === undefined) throw new ConfigError(`${setting} names ${table}, and ${setting}.${table} is missing`);
    statements.set(table, statement.trim().replace(/;$/, ''));
  }
  return (table) => statements.get(fullName(table));
}

function streamParametersOf(config: PostgresSettings): [string, string][] {
  return (config['slot.stream.params'] ?? '')
    .split(';')
    .filter((each) => each.trim() !== '')
    .map((each) => {
      const [name, value] = [each.slice(0, each.indexOf('=')).trim(), each.slice(each.indexOf('=') + 1).trim()];
      if (!/^\w+$/.test(name)) throw new ConfigError(`slot.stream.params: ${JSON.stringify(each)} is not name=value`);
      return [name, value];
    });
}

/** The headers that events have of whose they are; the same objects for all records of a task's life. */
export function contextHeaders(setup: Setup, taskId: number, environment: Environment): readonly ConnectHeader[] {
  if (!setup.config['extended.headers.enabled']) return [];
  const header = (name: string, value: string): ConnectHeader => ({
    key: `__debezium.context.${name}`,
    schema: STRING,
    value,
  });
  return [
    header('connectorLogicalName', setup.prefix),
    header('taskId', String(taskId)),
    header('connectorName', 'postgresql'),
    header('runId', randomUuid(environment)),
  ];
}

/** What the parts of a running task share. */
export interface TaskParts {
  readonly setup: Setup;
  readonly environment: Environment;
  readonly log: Log;
  readonly headers: readonly ConnectHeader[];
}
