// The connector's settings, under Debezium's names. What Debezium has beyond these is refused where leaving it out would
// change what comes, and named in a warning where it would not (settings-known.ts).
import { atLeast, between, type ConfigOf, defineConfig, nonEmpty, oneOfTexts } from '../../api/config-def.ts';
import { SSL_MODES } from './connection.ts';
import { TIME_PRECISION_MODES } from './types/value-type.ts';

const DATABASE = { group: 'Database', importance: 'HIGH' } as const;
const REPLICATION = { group: 'Replication', importance: 'MEDIUM' } as const;
const TABLES = { group: 'Tables and columns', importance: 'MEDIUM' } as const;
const SNAPSHOT = { group: 'Snapshot', importance: 'MEDIUM' } as const;
const EVENTS = { group: 'Events', importance: 'MEDIUM' } as const;
const SIGNALS = { group: 'Signals and heartbeats', importance: 'MEDIUM' } as const;
const RUNNING = { group: 'Running', importance: 'LOW' } as const;

const database = defineConfig({
  'database.hostname': {
    ...DATABASE,
    type: 'STRING',
    validator: nonEmpty,
    doc: 'Where the server is: a host’s name or address, or the directory of its socket.',
  },
  'database.port': { ...DATABASE, type: 'INT', default: 5432, validator: between(1, 65535), doc: 'The server’s port.' },
  'database.user': {
    ...DATABASE,
    type: 'STRING',
    validator: nonEmpty,
    doc: 'Who logs in; needs the right REPLICATION, and SELECT on what is captured.',
  },
  'database.password': { ...DATABASE, type: 'PASSWORD', default: null, doc: 'The user’s password.' },
  'database.dbname': { ...DATABASE, type: 'STRING', validator: nonEmpty, doc: 'The database that is captured.' },
  'database.sslmode': {
    ...DATABASE,
    type: 'STRING',
    importance: 'MEDIUM',
    default: 'prefer',
    validator: oneOfTexts(...SSL_MODES),
    recommended: SSL_MODES,
    doc: 'Encryption: not at all, where the server insists (allow), where it can (prefer), always (require), and with the server’s certificate verified (verify-ca), also for its name (verify-full).',
  },
  'database.sslrootcert': {
    ...DATABASE,
    type: 'STRING',
    importance: 'MEDIUM',
    default: null,
    doc: 'A file (PEM) with the certificates that the server’s is verified with.',
  },
  'database.sslcert': {
    ...DATABASE,
    type: 'STRING',
    importance: 'MEDIUM',
    default: null,
    doc: 'A file (PEM) with the certificate to log in with.',
  },
  'database.sslkey': {
    ...DATABASE,
    type: 'STRING',
    importance: 'MEDIUM',
    default: null,
    doc: 'A file (PEM) with that certificate’s key.',
  },
  'database.sslpassword': {
    ...DATABASE,
    type: 'PASSWORD',
    importance: 'MEDIUM',
    default: null,
    doc: 'The password of that key.',
  },
  'database.tcpKeepAlive': {
    ...DATABASE,
    type: 'BOOLEAN',
    importance: 'MEDIUM',
    default: true,
    doc: 'Whether idle connections are probed.',
  },
  'database.query.timeout.ms': {
    ...DATABASE,
    type: 'INT',
    importance: 'LOW',
    default: 600_000,
    validator: atLeast(0),
    doc: 'How long a query may take; 0: as long as it likes.',
  },
  'database.initial.statements': {
    ...DATABASE,
    type: 'STRING',
    importance: 'LOW',
    default: null,
    doc: 'Statements that each connection begins with, but for that of the stream.',
  },
});

const replication = defineConfig({
  'plugin.name': {
    ...REPLICATION,
    type: 'STRING',
    default: 'pgoutput',
    validator: (value) =>
      value === 'pgoutput'
        ? undefined
        : 'only pgoutput is supported, which every server since version 10 has (decoderbufs is not)',
    doc: 'The server’s output plugin: pgoutput.',
  },
  'slot.name': {
    ...REPLICATION,
    type: 'STRING',
    default: 'debezium',
    validator: (value) =>
      value !== null && /^[a-z0-9_]{1,63}$/.test(value)
        ? undefined
        : 'a slot’s name has lower-case letters, digits and underscores, 63 at most',
    doc: 'The replication slot: made when there is none.',
  },
  'slot.drop.on.stop': {
    ...REPLICATION,
    type: 'BOOLEAN',
    default: false,
    doc: 'Whether the slot is dropped when the task stops. Changes until the next start are lost then: for tests.',
  },
  'slot.max.retries': {
    ...REPLICATION,
    type: 'INT',
    importance: 'LOW',
    default: 6,
    validator: atLeast(0),
    doc: 'How often it is tried again when the slot is in use.',
  },
  'slot.retry.delay.ms': {
    ...REPLICATION,
    type: 'LONG',
    importance: 'LOW',
    default: 10_000,
    validator: atLeast(0),
    doc: 'How long to wait before.',
  },
  'slot.stream.params': {
    ...REPLICATION,
    type: 'STRING',
    importance: 'LOW',
    default: null,
    doc: 'More options of the output plugin: name=value, separated by semicolons.',
  },
  'publication.name': {
    ...REPLICATION,
    type: 'STRING',
    default: 'dbz_publication',
    validator: nonEmpty,
    doc: 'The publication that says what is streamed.',
  },
  'publication.autocreate.mode': {
    ...REPLICATION,
    type: 'STRING',
    default: 'all_tables',
    validator: oneOfTexts('all_tables', 'filtered', 'disabled', 'no_tables'),
    recommended: ['all_tables', 'filtered', 'disabled', 'no_tables'],
    doc: 'When there is no publication: make one of all tables (which needs a superuser), of the captured ones (filtered, which is also brought up to date), of none, or refuse to start (disabled).',
  },
  'publish.via.partition.root': {
    ...REPLICATION,
    type: 'BOOLEAN',
    default: false,
    doc: 'Whether changes of partitions are told as those of the table that they are partitions of, in a publication that is made here.',
  },
  'status.update.interval.ms': {
    ...REPLICATION,
    type: 'INT',
    default: 10_000,
    validator: atLeast(100),
    doc: 'How often the server is told how far changes are safe.',
  },
  'flush.lsn.source': {
    ...REPLICATION,
    type: 'BOOLEAN',
    importance: 'LOW',
    default: true,
    doc: 'Whether the slot is moved on. When it is not, somebody else has to, or the server keeps its log for ever.',
  },
  'lsn.flush.mode': {
    ...REPLICATION,
    type: 'STRING',
    importance: 'LOW',
    default: null,
    validator: (value) =>
      value === null || value === 'connector' || value === 'manual'
        ? undefined
        : 'connector and manual are supported; what connector_and_driver is for, heartbeat.interval.ms does',
    doc: 'The newer name of flush.lsn.source: connector or manual.',
  },
});

const tables = defineConfig({
  'schema.include.list': {
    ...TABLES,
    type: 'LIST',
    default: null,
    doc: 'Patterns of the schemas that are captured; without: all.',
  },
  'schema.exclude.list': { ...TABLES, type: 'LIST', default: null, doc: 'Patterns of schemas that are not.' },
  'table.include.list': {
    ...TABLES,
    type: 'LIST',
    default: null,
    doc: 'Patterns of the tables (schema.table) that are captured; without: all.',
  },
  'table.exclude.list': { ...TABLES, type: 'LIST', default: null, doc: 'Patterns of tables that are not.' },
  'column.include.list': {
    ...TABLES,
    type: 'LIST',
    default: null,
    doc: 'Patterns of the columns (schema.table.column) that events have; without: all.',
  },
  'column.exclude.list': { ...TABLES, type: 'LIST', default: null, doc: 'Patterns of columns that they don’t have.' },
  'message.key.columns': {
    ...TABLES,
    type: 'STRING',
    default: null,
    doc: 'Keys other than the primary key: schema.table:column,column;…',
  },
  'message.prefix.include.list': {
    ...TABLES,
    type: 'LIST',
    default: null,
    doc: 'Patterns of the prefixes of logical decoding messages that are captured; without: all.',
  },
  'message.prefix.exclude.list': { ...TABLES, type: 'LIST', default: null, doc: 'Patterns of those that are not.' },
});

const MODES = ['always', 'initial', 'initial_only', 'no_data', 'never', 'when_needed'] as const;

const snapshot = defineConfig({
  'snapshot.mode': {
    ...SNAPSHOT,
    type: 'STRING',
    default: 'initial',
    recommended: MODES,
    validator: snapshotMode,
    doc: 'Whether the tables’ rows are read before changes are: at the first start (initial), at each (always), at the first and nothing else (initial_only), not at all (no_data, never), or whenever changes were lost (when_needed).',
  },
  'snapshot.include.collection.list': {
    ...SNAPSHOT,
    type: 'LIST',
    default: null,
    doc: 'Patterns of the tables whose rows are read; without: all that are captured.',
  },
  'snapshot.fetch.size': {
    ...SNAPSHOT,
    type: 'INT',
    default: 2048,
    validator: atLeast(1),
    doc: 'How many rows are fetched at a time.',
  },
  'snapshot.max.threads': {
    ...SNAPSHOT,
    type: 'INT',
    default: 1,
    validator: (value) => (value === 1 ? undefined : 'a snapshot is read by 1 connection'),
    doc: '1.',
  },
  'snapshot.select.statement.overrides': {
    ...SNAPSHOT,
    type: 'LIST',
    default: null,
    doc: 'Tables (schema.table) that are read by the statement that snapshot.select.statement.overrides.<schema>.<table> says.',
  },
  'snapshot.isolation.mode': {
    ...SNAPSHOT,
    type: 'STRING',
    importance: 'LOW',
    default: 'serializable',
    validator: isolation,
    doc: 'How a snapshot’s transaction is isolated: serializable or repeatable_read.',
  },
  'snapshot.locking.mode': {
    ...SNAPSHOT,
    type: 'STRING',
    importance: 'LOW',
    default: 'none',
    validator: oneOfTexts('none', 'shared'),
    recommended: ['none', 'shared'],
    doc: 'Whether tables are locked against changes of their columns while they are read (shared).',
  },
  'snapshot.lock.timeout.ms': {
    ...SNAPSHOT,
    type: 'LONG',
    importance: 'LOW',
    default: 10_000,
    validator: atLeast(0),
    doc: 'How long to wait for these locks.',
  },
  'snapshot.delay.ms': {
    ...SNAPSHOT,
    type: 'LONG',
    importance: 'LOW',
    default: 0,
    validator: atLeast(0),
    doc: 'How long to wait before a snapshot.',
  },
  'streaming.delay.ms': {
    ...SNAPSHOT,
    type: 'LONG',
    importance: 'LOW',
    default: 0,
    validator: atLeast(0),
    doc: 'How long to wait between a snapshot and the stream.',
  },
  'incremental.snapshot.chunk.size': {
    ...SNAPSHOT,
    type: 'INT',
    default: 1024,
    validator: atLeast(1),
    doc: 'How many rows a chunk of an incremental snapshot has.',
  },
});

const events = defineConfig({
  'topic.prefix': {
    ...EVENTS,
    type: 'STRING',
    importance: 'HIGH',
    validator: (value) => (value !== null && /^[\w.-]+$/.test(value) ? undefined : 'letters, digits, ., _ and - only'),
    doc: 'What topics begin with, and what offsets are kept under: a name of its own for each connector.',
  },
  'topic.delimiter': {
    ...EVENTS,
    type: 'STRING',
    importance: 'LOW',
    default: '.',
    validator: (value) => (value !== null && /^[\w.-]+$/.test(value) ? undefined : 'letters, digits, ., _ and - only'),
    doc: 'What is between prefix, schema and table in a topic’s name.',
  },
  'topic.transaction': {
    ...EVENTS,
    type: 'STRING',
    importance: 'LOW',
    default: 'transaction',
    validator: nonEmpty,
    doc: 'The topic of transactions is <topic.prefix>.<this>.',
  },
  'tombstones.on.delete': {
    ...EVENTS,
    type: 'BOOLEAN',
    default: true,
    doc: 'Whether a delete is followed by a record without a value, so that compaction forgets the key.',
  },
  'skipped.operations': {
    ...EVENTS,
    type: 'LIST',
    importance: 'LOW',
    default: 't',
    validator: skippedOperations,
    doc: 'Which operations make no events: c, u, d, t, r, or none.',
  },
  'provide.transaction.metadata': {
    ...EVENTS,
    type: 'BOOLEAN',
    importance: 'LOW',
    default: false,
    doc: 'Whether events say their place in their transaction, and a topic where transactions begin and end.',
  },
  'extended.headers.enabled': {
    ...EVENTS,
    type: 'BOOLEAN',
    importance: 'LOW',
    default: true,
    doc: 'Whether events have the headers __debezium.context.….',
  },
  'decimal.handling.mode': {
    ...EVENTS,
    type: 'STRING',
    default: 'precise',
    validator: oneOfTexts('precise', 'string', 'double'),
    recommended: ['precise', 'string', 'double'],
    doc: 'What numeric and money become.',
  },
  'time.precision.mode': {
    ...EVENTS,
    type: 'STRING',
    default: 'adaptive',
    validator: oneOfTexts(...TIME_PRECISION_MODES),
    recommended: TIME_PRECISION_MODES,
    doc: 'What dates and times become.',
  },
  'hstore.handling.mode': {
    ...EVENTS,
    type: 'STRING',
    importance: 'LOW',
    default: 'json',
    validator: oneOfTexts('json', 'map'),
    recommended: ['json', 'map'],
    doc: 'What hstore becomes.',
  },
  'interval.handling.mode': {
    ...EVENTS,
    type: 'STRING',
    importance: 'LOW',
    default: 'numeric',
    validator: oneOfTexts('numeric', 'string'),
    recommended: ['numeric', 'string'],
    doc: 'What interval becomes: microseconds, or ISO 8601.',
  },
  'binary.handling.mode': {
    ...EVENTS,
    type: 'STRING',
    importance: 'LOW',
    default: 'bytes',
    validator: oneOfTexts('bytes', 'base64', 'base64-url-safe', 'hex'),
    recommended: ['bytes', 'base64', 'base64-url-safe', 'hex'],
    doc: 'What bytea becomes.',
  },
  'money.fraction.digits': {
    ...EVENTS,
    type: 'INT',
    importance: 'LOW',
    default: 2,
    validator: between(0, 15),
    doc: 'The scale of money.',
  },
  'unavailable.value.placeholder': {
    ...EVENTS,
    type: 'STRING',
    default: '__debezium_unavailable_value',
    doc: 'What stands for a long value that an update left as it was, and that is therefore not in the log. hex: with bytes behind it.',
  },
  'include.unknown.datatypes': {
    ...EVENTS,
    type: 'BOOLEAN',
    default: false,
    doc: 'Whether columns of types that are not known are told as bytes; else they are left out.',
  },
  'schema.name.adjustment.mode': {
    ...EVENTS,
    type: 'STRING',
    default: 'none',
    validator: oneOfTexts('none', 'avro', 'avro_unicode'),
    recommended: ['none', 'avro', 'avro_unicode'],
    doc: 'Whether names of schemas are made fit for Avro.',
  },
  'field.name.adjustment.mode': {
    ...EVENTS,
    type: 'STRING',
    default: 'none',
    validator: oneOfTexts('none', 'avro', 'avro_unicode'),
    recommended: ['none', 'avro', 'avro_unicode'],
    doc: 'Whether names of fields are.',
  },
});

const signals = defineConfig({
  'signal.data.collection': {
    ...SIGNALS,
    type: 'STRING',
    default: null,
    doc: 'The table (schema.table, with the columns id, type, data) whose rows are signals.',
  },
  'signal.enabled.channels': {
    ...SIGNALS,
    type: 'LIST',
    default: 'source',
    validator: (value) =>
      (value ?? []).every((channel) => channel === 'source') ? undefined : 'only the channel source is supported',
    doc: 'Where signals come from: source.',
  },
  'heartbeat.interval.ms': {
    ...SIGNALS,
    type: 'INT',
    default: 0,
    validator: atLeast(0),
    doc: 'How often a record goes to the heartbeat topic, by which the slot moves on while nothing that is captured changes; 0: never.',
  },
  'topic.heartbeat.prefix': {
    ...SIGNALS,
    type: 'STRING',
    importance: 'LOW',
    default: null,
    doc: 'That topic is <this>.<topic.prefix>; without: __debezium-heartbeat.',
  },
  'heartbeat.topics.prefix': {
    ...SIGNALS,
    type: 'STRING',
    importance: 'LOW',
    default: null,
    doc: 'The older name of topic.heartbeat.prefix.',
  },
  'heartbeat.action.query': {
    ...SIGNALS,
    type: 'STRING',
    importance: 'LOW',
    default: null,
    doc: 'A statement that is run with each heartbeat.',
  },
});

const running = defineConfig({
  'max.batch.size': {
    ...RUNNING,
    type: 'INT',
    default: 2048,
    validator: atLeast(1),
    doc: 'How many records are given to the worker at a time.',
  },
  'max.queue.size': {
    ...RUNNING,
    type: 'INT',
    default: 8192,
    validator: atLeast(1),
    doc: 'How many changes may wait before the server is kept waiting.',
  },
  'max.queue.size.in.bytes': {
    ...RUNNING,
    type: 'LONG',
    default: 0,
    validator: atLeast(0),
    doc: 'How many bytes of them; 0: 64 MiB.',
  },
  'poll.interval.ms': {
    ...RUNNING,
    type: 'LONG',
    default: 500,
    validator: atLeast(1),
    doc: 'How long to wait for changes before the worker is answered that there are none.',
  },
  'errors.max.retries': {
    ...RUNNING,
    type: 'INT',
    default: -1,
    validator: atLeast(-1),
    doc: 'How often in a row a lost connection is tried again before the task fails; -1: without an end.',
  },
  'retriable.restart.connector.wait.ms': {
    ...RUNNING,
    type: 'LONG',
    default: 10_000,
    validator: atLeast(1),
    doc: 'How long to wait, at most, before a lost connection is tried again.',
  },
});

/** All of them. */
export const postgresConfig = defineConfig({
  ...database,
  ...replication,
  ...tables,
  ...snapshot,
  ...events,
  ...signals,
  ...running,
});

/** What they are when they were read. */
export type PostgresSettings = ConfigOf<typeof postgresConfig>;

function snapshotMode(value: string | null): string | undefined {
  if (value === 'recovery' || value === 'configuration_based' || value === 'custom' || value === 'exported')
    return `${value} is not supported; choose one of: ${MODES.join(', ')}`;
  return oneOfTexts(...MODES)(value);
}

function isolation(value: string | null): string | undefined {
  if (value === 'read_committed' || value === 'read_uncommitted')
    return `with ${value} rows of different moments would be one snapshot; choose serializable or repeatable_read`;
  return oneOfTexts('serializable', 'repeatable_read')(value);
}

function skippedOperations(value: readonly string[] | null): string | undefined {
  const wrong = (value ?? []).find((each) => !['c', 'u', 'd', 't', 'r', 'none'].includes(each));
  return wrong === undefined ? undefined : `${wrong} is none of: c, u, d, t, r, none`;
}
