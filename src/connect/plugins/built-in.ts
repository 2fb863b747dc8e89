// The table of what is built in: what a class is called and what it is, known without loading it, and where it is when it is
// used. A connector has a line of its own here.
import type { Plugin } from '../api/plugins.ts';
import { VERSION as JDBC_VERSION } from '../connectors/jdbc/version.ts';
import { DEBEZIUM_VERSION, KAFKA_VERSION } from '../data/kafka-version.ts';

/** What a plugin can be, as `GET /connector-plugins` names it. */
export type PluginKind = Plugin['kind'];

/** A plugin that is loaded when it is used. */
export interface PluginEntry {
  readonly className: string;
  readonly kind: PluginKind;
  readonly version: string;
  /** Other names that mean it, beside those that are derived from the class name. */
  readonly aliases?: readonly string[];
  load(): Promise<Plugin>;
}

/** A module that has several plugins, each found by class and kind. */
function entries(
  kinds: readonly PluginKind[],
  classNames: readonly string[],
  load: () => Promise<readonly Plugin[]>,
): PluginEntry[] {
  return classNames.flatMap((className) =>
    kinds.map((kind) => ({
      className,
      kind,
      version: KAFKA_VERSION,
      async load() {
        const found = (await load()).find((plugin) => plugin.className === className && plugin.kind === kind);
        if (found === undefined) throw new Error(`the module of ${className} does not have it`);
        return found;
      },
    })),
  );
}

const BOTH = ['converter', 'header_converter'] as const;
const TRANSFORMS = 'org.apache.kafka.connect.transforms';
/** Those that are there for keys and for values. */
const SIDED = [
  ...['Cast', 'ExtractField', 'Flatten', 'HeaderFrom', 'HoistField', 'InsertField', 'MaskField', 'ReplaceField'],
  ...['SetSchemaMetadata', 'TimestampConverter'],
].flatMap((name) => [`${name}$Key`, `${name}$Value`]);
const UNSIDED = ['DropHeaders', 'Filter', 'InsertHeader', 'RegexRouter', 'TimestampRouter', 'ValueToKey'];
const CONVERTERS = 'org.apache.kafka.connect.converters';

/** A connector whose module exports it under a name. */
function connector<N extends string>(
  kind: 'source' | 'sink',
  className: string,
  version: string,
  name: N,
  load: () => Promise<Readonly<Record<N, Plugin>>>,
): PluginEntry {
  return { className, kind, version, load: async () => (await load())[name] };
}

const FILE = 'org.apache.kafka.connect.file';
const fileStream = () => import('../connectors/file-stream/index.ts');
const JDBC = 'io.confluent.connect.jdbc';
const jdbc = () => import('../connectors/jdbc/index.ts');
const DATAGEN = 'io.confluent.kafka.connect.datagen.DatagenConnector';
const MIRROR = 'org.apache.kafka.connect.mirror';
const mirror = () => import('../connectors/mirror/index.ts');
const DEBEZIUM_POSTGRES = 'io.debezium.connector.postgresql.PostgresConnector';
const postgres = () => import('../connectors/postgres/index.ts');
const ELASTICSEARCH = 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector';
const elasticsearch = () => import('../connectors/elasticsearch/index.ts');
const REDIS = 'com.github.jcustenborder.kafka.connect.redis';
const redis = () => import('../connectors/redis/index.ts');
const smtp = () => import('../connectors/smtp/index.ts');
const HTTP = 'io.confluent.connect.http';
const http = () => import('../connectors/http/index.ts');
const S3 = 'io.confluent.connect.s3';
const s3 = () => import('../connectors/s3/index.ts');
const SPOOL_DIR = 'com.github.jcustenborder.kafka.connect.spooldir.SpoolDir';
const SPOOL_DIR_VERSION = '2.0.66';
const files = () => import('../connectors/files/index.ts');

const CONNECTORS: readonly PluginEntry[] = [
  connector('source', `${FILE}.FileStreamSourceConnector`, KAFKA_VERSION, 'fileStreamSource', fileStream),
  connector('sink', `${FILE}.FileStreamSinkConnector`, KAFKA_VERSION, 'fileStreamSink', fileStream),
  connector('source', `${JDBC}.JdbcSourceConnector`, JDBC_VERSION, 'jdbcSource', jdbc),
  connector('sink', `${JDBC}.JdbcSinkConnector`, JDBC_VERSION, 'jdbcSink', jdbc),
  connector('source', DATAGEN, '0.6.0', 'datagenSource', () => import('../connectors/datagen/index.ts')),
  connector('source', `${MIRROR}.MirrorSourceConnector`, KAFKA_VERSION, 'mirrorSource', mirror),
  connector('source', `${MIRROR}.MirrorCheckpointConnector`, KAFKA_VERSION, 'mirrorCheckpoint', mirror),
  connector('source', `${MIRROR}.MirrorHeartbeatConnector`, KAFKA_VERSION, 'mirrorHeartbeat', mirror),
  connector('source', DEBEZIUM_POSTGRES, '3.6.1.Final', 'postgresSource', postgres),
  connector('sink', `${HTTP}.HttpSinkConnector`, '1.7.0', 'httpSink', http),
  connector('source', `${HTTP}.HttpSourceConnector`, '1.0.0', 'httpSource', http),
  connector('source', 'millrace.connect.WebhookSourceConnector', '1.0.0', 'webhookSource', http),
  connector('sink', ELASTICSEARCH, '15.0.0', 'elasticsearchSink', elasticsearch),
  connector('sink', `${REDIS}.RedisSinkConnector`, '0.0.8', 'redisSink', redis),
  connector('source', 'millrace.connect.RedisStreamSourceConnector', '1.0.0', 'redisStreamSource', redis),
  connector('sink', 'millrace.connect.SmtpSinkConnector', '1.0.0', 'smtpSink', smtp),
  connector('sink', `${S3}.S3SinkConnector`, '10.6.0', 's3Sink', s3),
  connector('source', `${S3}.source.S3SourceConnector`, '2.6.0', 's3Source', s3),
  connector('source', `${SPOOL_DIR}CsvSourceConnector`, SPOOL_DIR_VERSION, 'spoolCsv', files),
  connector('source', `${SPOOL_DIR}LineDelimitedSourceConnector`, SPOOL_DIR_VERSION, 'spoolLines', files),
  connector('source', `${SPOOL_DIR}SchemaLessJsonSourceConnector`, SPOOL_DIR_VERSION, 'spoolJson', files),
  connector('source', 'millrace.connect.FolderSourceConnector', '1.0.0', 'folderSource', files),
  connector('sink', 'millrace.connect.FolderSinkConnector', '1.0.0', 'folderSink', files),
];

/** Connectors that are asked for and are not here: what to do instead, by the beginning of their classes' names. */
export const MISSING: Readonly<Record<string, string>> = {
  'com.mongodb.kafka.connect.':
    "MongoDB's connectors are not built in: run them on a worker of Apache Kafka with its own group.id, or write a plugin",
};

/** All that is built in. */
export const BUILT_IN: readonly PluginEntry[] = [
  ...CONNECTORS,
  ...entries(BOTH, ['org.apache.kafka.connect.json.JsonConverter'], async () => {
    return (await import('../converters/json/converter.ts')).jsonConverters;
  }),
  ...entries(BOTH, ['org.apache.kafka.connect.storage.StringConverter'], async () => {
    return (await import('../converters/string.ts')).stringConverters;
  }),
  ...entries(
    BOTH,
    ['ByteArray', 'Short', 'Integer', 'Long', 'Float', 'Double', 'Boolean'].map(
      (type) => `${CONVERTERS}.${type}Converter`,
    ),
    async () => (await import('../converters/primitives.ts')).primitiveConverters,
  ),
  ...entries(['converter'], ['io.confluent.connect.avro.AvroConverter'], async () => {
    return [(await import('../converters/avro/converter.ts')).avroConverter];
  }),
  ...entries(['converter'], ['io.confluent.connect.json.JsonSchemaConverter'], async () => {
    return [(await import('../converters/json-schema/converter.ts')).jsonSchemaConverter];
  }),
  ...entries(['converter'], ['io.confluent.connect.protobuf.ProtobufConverter'], async () => {
    return [(await import('../converters/protobuf/converter.ts')).protobufConverter];
  }),
  ...entries(['header_converter'], ['org.apache.kafka.connect.storage.SimpleHeaderConverter'], async () => {
    return [(await import('../converters/simple-header.ts')).simpleHeaderConverter];
  }),
  ...entries(
    ['transformation'],
    [...SIDED, ...UNSIDED].map((name) => `${TRANSFORMS}.${name}`),
    async () => (await import('../transforms/kafka.ts')).kafkaTransforms,
  ),
  ...entries(
    ['transformation'],
    ['TombstoneHandler', 'Drop$Key', 'Drop$Value'].map((name) => `io.confluent.connect.transforms.${name}`),
    async () => (await import('../transforms/confluent.ts')).confluentTransforms,
  ),
  ...entries(['transformation'], ['millrace.transforms.Function'], async () => {
    return [(await import('../transforms/function.ts')).functionTransform];
  }),
  {
    className: 'io.debezium.transforms.ExtractNewRecordState',
    kind: 'transformation',
    version: DEBEZIUM_VERSION,
    load: async () => (await import('../transforms/extract-new-record-state.ts')).extractNewRecordState,
  },
  {
    className: 'io.debezium.transforms.outbox.EventRouter',
    kind: 'transformation',
    version: DEBEZIUM_VERSION,
    load: async () => (await import('../transforms/event-router.ts')).eventRouter,
  },
  {
    className: 'io.debezium.transforms.ByLogicalTableRouter',
    kind: 'transformation',
    version: DEBEZIUM_VERSION,
    load: async () => (await import('../transforms/by-logical-table-router.ts')).byLogicalTableRouter,
  },
  ...entries(
    ['predicate'],
    ['HasHeaderKey', 'RecordIsTombstone', 'TopicNameMatches'].map((name) => `${TRANSFORMS}.predicates.${name}`),
    async () => (await import('../transforms/predicates.ts')).predicates,
  ),
];
