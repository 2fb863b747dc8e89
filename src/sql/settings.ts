// The properties that the SQL engine and its queries know, under ksqlDB's and Kafka Streams' names. What is not here is
// refused with a suggestion.
import { isForeignProperty } from './foreign-properties.ts';
import { rimSettingsOf } from '../rim/settings.ts';
import {
  booleanSetting,
  type GivenSettings,
  intSetting,
  longSetting,
  parseSetting,
  settingNamed,
  type SettingTable,
  stringSetting,
} from '../util/index.ts';

/** Set for the whole service. */
export const sqlSettings = {
  'ksql.service.id': stringSetting('default_', 'Names the service: its topics, groups and queries begin with it.'),
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
    'How many rows a pull query may keep until it can give the first: to order, to group, or to give each once.',
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
  'num.stream.threads': intSetting(
    0,
    'How many threads queries run in, and in how many of them a single one; 0: one less than there are processors, but two where there are two. With `service.threads` only.',
    0,
  ),
} as const satisfies SettingTable;

const STREAMS_PREFIX = 'ksql.streams.';

/** Checks names and values, and puts the streams settings under their bare names; those that mean nothing here are left out. */
export function normalizeSettings(given: GivenSettings): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(sqlSettings, name) && isForeignProperty(name)) continue;
    const bare = name.startsWith(STREAMS_PREFIX) ? name.slice(STREAMS_PREFIX.length) : name;
    const isStreams = bare !== name || Object.hasOwn(streamsSettings, bare);
    const setting = isStreams
      ? settingNamed(streamsSettings, bare, 'property')
      : settingNamed({ ...sqlSettings, ...streamsSettings }, name, 'property');
    settings[isStreams ? bare : name] = String(parseSetting(name, setting, String(value)));
  }
  return settings;
}

/** The value in force when nobody set one. Undefined where "not set" means something of its own. */
export function defaultOf(name: string): string | undefined {
  const table: SettingTable = { ...sqlSettings, ...streamsSettings };
  const value = table[name]?.default;
  return value === undefined || value === '' ? undefined : String(value);
}

/** Values of settings, by name. */
export type SettingValues = Readonly<Record<string, string>>;

/** All settings that queries may look at, as data. */
export function settingValues(setting: (name: string) => string | undefined): SettingValues {
  const values: Record<string, string> = {};
  for (const name of [...Object.keys(sqlSettings), ...Object.keys(streamsSettings)]) {
    const value = setting(name);
    if (value !== undefined) values[name] = value;
  }
  return values;
}

export function isExactlyOnce(settings: SettingValues): boolean {
  return settings['processing.guarantee'] !== 'at_least_once';
}
