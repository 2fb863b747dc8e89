// What sinks of files are told: how records are put into files, and files into folders; under Confluent's names.
import { atLeast, type ConfigOf, type ConfigProblem, defineConfig, oneOfTexts } from '../../api/config-def.ts';
import { isZone } from '../../data/time-zones.ts';
import { simpleDateFormat } from '../../transforms/simple-date-format.ts';
import { formatConfig, formatName } from '../record-files/index.ts';
import { problemOf } from '../problem-of.ts';
import { partitionerName, pathPattern } from './partitioner-names.ts';

const ENGLISH = /^en(?:[-_]|$)/i;

/** The settings that all sinks of files have. */
export const fileSinkConfig = defineConfig({
  ...formatConfig,
  'flush.size': {
    type: 'INT',
    importance: 'HIGH',
    doc: "After so many records of a topic's partition its files are written. They are in memory until then.",
    validator: atLeast(1),
  },
  'rotate.interval.ms': {
    type: 'LONG',
    default: -1,
    importance: 'HIGH',
    doc: 'Files are written when a record comes whose timestamp.extractor time is so much behind that of their first record, ms, and with time-based partitioners when the folder is another one. -1: never.',
    validator: (ms) => (ms === -1 ? undefined : atLeast(1)(ms)),
  },
  'rotate.schedule.interval.ms': {
    type: 'LONG',
    default: -1,
    importance: 'MEDIUM',
    doc: 'Files are written at multiples of so many ms of the clock in timezone, whatever they have. What is in which file is then a matter of chance: after a failure records may be in two. -1: never.',
    validator: (ms) => (ms === -1 ? undefined : atLeast(1)(ms)),
  },
  'schema.compatibility': {
    type: 'STRING',
    default: 'NONE',
    importance: 'HIGH',
    doc: 'NONE: a record with another schema begins new files. BACKWARD, FULL: only one with a newer version does, and older records become those of the newer schema. FORWARD: only one with an older version does.',
    validator: oneOfTexts('NONE', 'BACKWARD', 'FORWARD', 'FULL'),
  },
  'topics.dir': { type: 'STRING', default: 'topics', importance: 'HIGH', doc: 'The folder that all others are in.' },
  'directory.delim': {
    type: 'STRING',
    default: '/',
    importance: 'MEDIUM',
    doc: 'What stands between folders.',
    validator: (delimiter) => (delimiter === '' ? 'String must be non-empty' : undefined),
  },
  'file.delim': {
    type: 'STRING',
    default: '+',
    importance: 'MEDIUM',
    doc: "What stands between the topic, the partition and the offset in a file's name.",
    validator: (delimiter) => (delimiter === '' ? 'String must be non-empty' : undefined),
  },
  'filename.offset.zero.pad.width': {
    type: 'INT',
    default: 10,
    importance: 'LOW',
    doc: 'How many digits offsets have in names at least.',
    validator: atLeast(0),
  },
  'partitioner.class': {
    type: 'STRING',
    default: 'io.confluent.connect.storage.partitioner.DefaultPartitioner',
    importance: 'HIGH',
    doc: 'What folders are by: DefaultPartitioner (the partition of the topic), FieldPartitioner (fields of the value), TimeBasedPartitioner, DailyPartitioner, HourlyPartitioner.',
    validator: (name) => problemOf(() => partitionerName(name!)),
  },
  'partition.field.name': {
    type: 'LIST',
    default: '',
    importance: 'MEDIUM',
    doc: 'The fields of FieldPartitioner, in their order; a.b is the field b of a.',
  },
  'partition.duration.ms': {
    type: 'LONG',
    default: -1,
    importance: 'MEDIUM',
    doc: 'How long the time of a folder of TimeBasedPartitioner is, ms.',
  },
  'path.format': {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: "How TimeBasedPartitioner names folders: 'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH.",
  },
  locale: {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: 'The language of months and days in path.format: en.',
    validator: (locale) =>
      locale === '' || ENGLISH.test(locale!) ? undefined : 'only English (en, en-US, …) is known',
  },
  timezone: {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: 'The time zone of time-based partitioners and of rotate.schedule.interval.ms: Europe/Berlin, UTC.',
    validator: (zone) => (zone === '' || isZone(zone!) ? undefined : 'Unknown time zone'),
  },
  'timestamp.extractor': {
    type: 'STRING',
    default: 'Wallclock',
    importance: 'MEDIUM',
    doc: "When a record was: Wallclock (when it is written: a matter of chance), Record (the record's timestamp) or RecordField.",
    validator: oneOfTexts('Wallclock', 'Record', 'RecordField'),
  },
  'timestamp.field': {
    type: 'STRING',
    default: 'timestamp',
    importance: 'MEDIUM',
    doc: 'The field of RecordField: milliseconds since the epoch, a Timestamp or Date, or an ISO 8601 text; a.b is the field b of a.',
  },
  'behavior.on.null.values': {
    type: 'STRING',
    default: 'fail',
    importance: 'LOW',
    doc: 'What becomes of records without a value: fail, ignore, or write (a line with null; JsonFormat only), in the folder tombstone.encoded.partition.',
    validator: oneOfTexts('fail', 'ignore', 'write'),
  },
  'tombstone.encoded.partition': {
    type: 'STRING',
    default: 'tombstone',
    importance: 'LOW',
    doc: 'The folder of records without a value.',
  },
  'retry.backoff.ms': {
    type: 'LONG',
    default: 5000,
    importance: 'LOW',
    doc: 'How long to wait before a batch that could not be written is tried again, ms.',
    validator: atLeast(0),
  },
});
export type FileSinkConfig = ConfigOf<typeof fileSinkConfig>;

/** What is wrong between settings. */
export function fileSinkProblems(config: FileSinkConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const need = (holds: boolean, name: string, message: string): void => {
    if (!holds) problems.push({ name, message });
  };
  const partitioner = partitionerName(config['partitioner.class']);
  if (partitioner === 'field')
    need(config['partition.field.name'].length > 0, 'partition.field.name', 'FieldPartitioner needs fields');
  if (partitioner === 'time') {
    need(config['partition.duration.ms'] > 0, 'partition.duration.ms', 'TimeBasedPartitioner needs a duration, ms');
    need(config['path.format'] !== '', 'path.format', "TimeBasedPartitioner needs a format, such as 'day'=YYYY-MM-dd");
    const problem = problemOf(() => simpleDateFormat(pathPattern(config['path.format'])));
    need(problem === undefined, 'path.format', problem ?? '');
  }
  if (['time', 'daily', 'hourly'].includes(partitioner) || config['rotate.schedule.interval.ms'] > 0)
    need(config.timezone !== '', 'timezone', 'time-based partitioners and scheduled rotations need a time zone');
  if (config['behavior.on.null.values'] === 'write')
    need(formatName(config) === 'json', 'behavior.on.null.values', 'only JsonFormat can write records without a value');
  return problems;
}
