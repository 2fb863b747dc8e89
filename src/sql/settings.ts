// The properties that the SQL engine and its queries know, under ksqlDB's and Kafka Streams' names. What is not here is
// refused with a suggestion.
import { isForeignProperty } from './foreign-properties.ts';
import { rimSettingsOf } from '../rim/settings.ts';
import {
  booleanSetting,
  type GivenSettings,
  intSetting,
  longSetting,
  MillraceError,
  nearestName,
  parseSetting,
  type SettingTable,
  stringSetting,
} from '../util/index.ts';

/** Set for the whole service. */
export const sqlSettings = {
  'ksql.service.id': stringSetting('default_', 'Names the service: its topics, groups and queries begin with it.'),
  'ksql.connect.url': stringSetting(
    '',
    "The Kafka Connect that statements about connectors are carried out by: http://host:8083, with user:password@ where it asks for a login; empty: the platform's own.",
  ),
  'ksql.queries.file': stringSetting(
    '',
    'A file of statements that the service runs, and no others (headless mode); empty: statements come from clients.',
  ),
  'ksql.persistence.default.format.key': stringSetting('KAFKA', 'The key format of sources that do not say.'),
  'ksql.persistence.default.format.value': stringSetting(
    '',
    'The value format of sources that do not say; empty: they must.',
  ),
  'ksql.persistence.wrap.single.values': stringSetting(
    '',
    'Whether a single value column is written as a record; empty: as the format does.',
    ['', 'true', 'false'],
  ),
  'ksql.output.topic.name.prefix': stringSetting('', 'Put before the names of topics that AS SELECT makes.'),
  'ksql.insert.into.values.enabled': booleanSetting(true, 'Whether INSERT INTO … VALUES is allowed.'),
  'ksql.create.or.replace.enabled': booleanSetting(true, 'Whether CREATE OR REPLACE is allowed.'),
  'ksql.headers.columns.enabled': booleanSetting(true, 'Whether HEADERS columns are allowed.'),
  'ksql.lambdas.enabled': booleanSetting(true, 'Whether lambdas are allowed.'),
  'ksql.suppress.enabled': booleanSetting(true, 'Whether EMIT FINAL is allowed.'),
  'ksql.variable.substitution.enable': booleanSetting(true, 'Whether ${name} is replaced by the variable’s value.'),
  'ksql.fail.on.deserialization.error': booleanSetting(
    false,
    'Whether a record that can’t be read stops its query; otherwise it is skipped and logged.',
  ),
  'ksql.timestamp.throw.on.invalid': booleanSetting(false, 'Whether an invalid TIMESTAMP column stops its query.'),
  'ksql.pull.queries.enable': booleanSetting(true, 'Whether pull queries are answered.'),
  'ksql.query.pull.table.scan.enabled': booleanSetting(true, 'Whether a pull query may read a whole table.'),
  'ksql.query.pull.range.scan.enabled': booleanSetting(
    true,
    'Whether a pull query may read a range of a text key where it may not read a whole table.',
  ),
  'ksql.query.pull.limit.clause.enabled': booleanSetting(true, 'Whether a pull query may have a LIMIT.'),
  'ksql.query.pull.kept.rows.max': intSetting(
    1_000_000,
    'How many rows a pull query may keep until it can give the first: to order, to group, to join, or to give each once.',
    1,
  ),
  'ksql.query.extensions.enabled': booleanSetting(
    true,
    'Whether queries may say what ksqlDB’s can’t (ORDER BY, OFFSET, DISTINCT; GROUP BY and HAVING in pull queries). False: they are refused as there.',
  ),
  'ksql.query.pull.stream.enabled': booleanSetting(true, 'Whether a pull query may read a stream.'),
  'ksql.query.push.v2.enabled': booleanSetting(
    false,
    'Whether a push query that reads the latest rows of what one other query writes is a scalable one.',
  ),
  'ksql.extension.dir': stringSetting(
    '',
    'The directory of modules that hold functions of SQL in TypeScript; empty: there are none. Its modules are loaded at the start, and CREATE FUNCTION loads from nowhere else.',
  ),
  'ksql.functions.time.limit.ms': intSetting(
    1000,
    'How long a call of a function in TypeScript may take before it is ended; 0: as long as it wants, without what watching costs (a tenth of a millisecond or two per call).',
    0,
  ),
  'ksql.fail.on.function.error': booleanSetting(
    false,
    'Whether a function in TypeScript that fails stops its query; otherwise its result is null and the failure is logged.',
  ),
  'ksql.functions.collect_list.limit': intSetting(1000, 'The longest list of COLLECT_LIST.', 1),
  'ksql.functions.collect_set.limit': intSetting(1000, 'The largest set of COLLECT_SET.', 1),
  'ksql.parser.max.tokens': intSetting(100_000, 'How many words and signs the statements of one request may have.', 1),
  'ksql.parser.max.nesting': intSetting(100, 'How many brackets of a statement may be in each other.', 1),
  'ksql.assert.topic.default.timeout.ms': longSetting(
    1000,
    'How long ASSERT TOPIC waits for what it asserts, where it does not say.',
    0,
  ),
  'ksql.assert.schema.default.timeout.ms': longSetting(
    1000,
    'How long ASSERT SCHEMA waits for what it asserts, where it does not say.',
    0,
  ),
  'ksql.server.command.response.timeout.ms': longSetting(
    5000,
    'How long a request waits for the command whose sequence number it names.',
    0,
  ),
  'ksql.fail.on.production.error': booleanSetting(
    true,
    'Whether a result that the broker refuses stops its query; otherwise it is left out and logged.',
  ),
  'ksql.logging.processing.topic.auto.create': booleanSetting(
    false,
    'Whether there is a topic with what goes wrong with records, which is made at the start.',
  ),
  'ksql.logging.processing.topic.name': stringSetting(
    '',
    'The topic of the processing log; empty: the service’s id with `ksql_processing_log` behind it. Where it is named, it is written, whoever makes it.',
  ),
  'ksql.logging.processing.topic.partitions': intSetting(1, 'The partitions of the processing log.', 1),
  'ksql.logging.processing.topic.replication.factor': intSetting(1, 'The replicas of the processing log.', 1),
  'ksql.logging.processing.stream.auto.create': booleanSetting(
    false,
    'Whether the processing log is made a stream at the start.',
  ),
  'ksql.logging.processing.stream.name': stringSetting('KSQL_PROCESSING_LOG', 'The stream over the processing log.'),
  'ksql.logging.processing.rows.include': booleanSetting(
    false,
    'Whether the processing log holds the records themselves. They may be nobody else’s business.',
  ),
  'ksql.query.error.max.queue.size': intSetting(
    10,
    'How many errors of a query are kept for SHOW QUERIES EXTENDED.',
    1,
  ),
  'ksql.max.push.queries': intSetting(100, 'How many push queries may run at once.', 0),
} as const satisfies SettingTable;

/** Who may talk to the service over HTTP. */
export const sqlRestSettings = rimSettingsOf('ksql.', { 'authentication.realm': 'KSQL' });

/** Of the Streams applications behind queries; with or without `ksql.streams.` in front, for all or for one statement. */
export const streamsSettings = {
  'auto.offset.reset': stringSetting('latest', 'Where a query starts that has no position yet.', [
    'earliest',
    'latest',
  ]),
  'processing.guarantee': stringSetting('exactly_once_v2', 'Exactly once, or at least once.', [
    'exactly_once_v2',
    'at_least_once',
  ]),
  'commit.interval.ms': longSetting(100, 'How often queries commit: what they write is visible then.', 0),
  'cache.max.bytes.buffering': longSetting(
    10_485_760,
    'Above 0, aggregates write once per key and commit; 0: every change.',
    0,
  ),
  'statestore.cache.max.bytes': longSetting(
    -1,
    'Memory for rows of state, for all queries together: the smallest that one of them asks for; the rest is on disk. -1: a quarter of what there is; 0: that, and aggregates write every change.',
    -1,
  ),
  'errors.dead.letter.queue.topic.name': stringSetting(
    '',
    'Where records go that a query can’t read, with headers that say where they came from and why; empty: nowhere. The topic is made when there is none.',
  ),
  'num.stream.threads': intSetting(
    0,
    'How many threads queries run in, and in how many of them a single one; 0: one less than there are processors, but two where there are two. With `service.threads` only.',
    0,
  ),
} as const satisfies SettingTable;

const STREAMS_PREFIX = 'ksql.streams.';

/** What only a start looks at. */
const AT_START = /^ksql\.(service\.id|queries\.file|parser\..*|logging\.processing\.(topic|stream)\..*)$/;

/** Whether a property may be changed while the service runs. */
export function isEditable(name: string): boolean {
  return !AT_START.test(name);
}

const ALL: SettingTable = { ...sqlSettings, ...streamsSettings };

/** Whether a property is known, but nothing here looks at it. */
export function isWithoutEffect(name: string): boolean {
  return !Object.hasOwn(sqlSettings, name) && isForeignProperty(name);
}

/** Whether a property is known here, and does something. */
export function isProperty(name: string): boolean {
  const bare = name.startsWith(STREAMS_PREFIX) ? name.slice(STREAMS_PREFIX.length) : name;
  return !isWithoutEffect(name) && Object.hasOwn(bare === name ? ALL : streamsSettings, bare);
}

/** The name that a property is kept under: without `ksql.streams.` in front. An unknown one is refused, with a suggestion. */
export function propertyNamed(name: string): string {
  if (isWithoutEffect(name)) return name;
  const bare = name.startsWith(STREAMS_PREFIX) ? name.slice(STREAMS_PREFIX.length) : name;
  if (Object.hasOwn(bare === name ? ALL : streamsSettings, bare)) return bare;
  const near = nearestName(name, Object.keys(ALL));
  const hint = near === undefined ? '' : `\nDid you mean "${near}"?`;
  throw new MillraceError('INVALID_CONFIG', `Unknown property: ${name}${hint}`);
}

/** Checks names and values, and puts them under the names they are kept under; those that mean nothing here are left out. */
export function normalizeSettings(given: GivenSettings): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (isWithoutEffect(name)) continue;
    const known = propertyNamed(name);
    settings[known] = String(parseSetting(name, ALL[known]!, String(value)));
  }
  return settings;
}

/** The value in force when nobody set one. Undefined where "not set" means something of its own. */
export function defaultOf(name: string): string | undefined {
  const value = ALL[name]?.default;
  return value === undefined || value === '' ? undefined : String(value);
}

/** Values of settings, by name. */
export type SettingValues = Readonly<Record<string, string>>;

/** All settings that queries may look at, as data. */
export function settingValues(setting: (name: string) => string | undefined): SettingValues {
  const values: Record<string, string> = {};
  for (const name of Object.keys(ALL)) {
    const value = setting(name);
    if (value !== undefined) values[name] = value;
  }
  return values;
}

export function isExactlyOnce(settings: SettingValues): boolean {
  return settings['processing.guarantee'] !== 'at_least_once';
}
