// What all sources of spooled files are told, under the names of the connectors of SpoolDir.
import { JavaPattern } from '../../../../util/index.ts';
import {
  atLeast,
  type ConfigOf,
  type ConfigProblem,
  defineConfig,
  nonEmpty,
  oneOfTexts,
} from '../../../api/config-def.ts';
import type { ConnectHeader, SourceRecord } from '../../../data/record.ts';
import { INT64, STRING, timestamp } from '../../../data/schema.ts';
import type { SourceTaskContext } from '../../../api/plugins.ts';
import { problemOf } from '../../problem-of.ts';
import { type FolderReading, isMine, shareConfig, type SourceFile } from '../../file-source/index.ts';

const TIMESTAMP = timestamp();

/** A setting that would change what happens, and of which only one value is known. */
export function only<const N extends string>(name: N, value: string, why: string) {
  const key = {
    type: 'STRING',
    default: value,
    importance: 'LOW',
    doc: `Nothing else than ${JSON.stringify(value)}: ${why}.`,
    validator: (given: string | null) =>
      given === value ? undefined : `only ${JSON.stringify(value)} is supported: ${why}`,
  } as const;
  return { [name]: key } as Readonly<Record<N, typeof key>>;
}

/** The settings of them all. */
export const spoolConfig = defineConfig({
  ...shareConfig,
  topic: { type: 'STRING', importance: 'HIGH', doc: 'The topic that records are written to.', validator: nonEmpty },
  'input.path': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The folder that files come to, whole.',
    validator: nonEmpty,
  },
  'input.file.pattern': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The regular expression of the names of files that are read, without their folders: ^.*\\.csv$.',
    validator: (pattern) => problemOf(() => JavaPattern.whole(pattern!)),
  },
  'input.path.walk.recursively': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: 'Whether files of folders in the folder are read, too. Where they are moved, they keep their folders.',
  },
  'finished.path': {
    type: 'STRING',
    default: null,
    importance: 'HIGH',
    doc: 'The folder that files are moved to when they have been read (cleanup.policy=MOVE).',
  },
  'error.path': {
    type: 'STRING',
    default: null,
    importance: 'HIGH',
    doc: 'The folder that files are moved to that cannot be read (halt.on.error=false).',
  },
  'halt.on.error': {
    type: 'BOOLEAN',
    default: true,
    importance: 'HIGH',
    doc: 'Whether a file that cannot be read ends the task, or is moved to error.path.',
  },
  'cleanup.policy': {
    type: 'STRING',
    default: 'MOVE',
    importance: 'MEDIUM',
    doc: 'What becomes of files that have been read: NONE (they stay), DELETE or MOVE.',
    validator: oneOfTexts('NONE', 'DELETE', 'MOVE'),
  },
  'batch.size': {
    type: 'INT',
    default: 1000,
    importance: 'LOW',
    doc: 'How many records are read at a time at most.',
    validator: atLeast(1),
  },
  'empty.poll.wait.ms': {
    type: 'LONG',
    default: 500,
    importance: 'LOW',
    doc: 'How long to wait before looking for new files, ms.',
    validator: atLeast(1),
  },
  'file.minimum.age.ms': {
    type: 'LONG',
    default: 0,
    importance: 'LOW',
    doc: 'Files that were changed in the last so many ms are not read yet.',
    validator: atLeast(0),
  },
  'timestamp.mode': {
    type: 'STRING',
    default: 'PROCESS_TIME',
    importance: 'MEDIUM',
    doc: "Records' timestamps: PROCESS_TIME (when they are read) or FILE_TIME (when the file was changed).",
    validator: oneOfTexts('PROCESS_TIME', 'FILE_TIME'),
  },
  'metadata.location': {
    type: 'STRING',
    default: 'HEADERS',
    importance: 'LOW',
    doc: 'Whether records say in HEADERS which file they are from (file.name, file.path, file.length, file.offset, file.last.modified), or NONE.',
    validator: oneOfTexts('HEADERS', 'NONE'),
  },
  ...only('file.charset', 'UTF-8', 'files are UTF-8'),
  ...only('files.sort.attributes', 'NameAsc', 'files are read in the order of their names'),
  ...only('task.partitioner', 'ByName', 'tasks share files by their names'),
});
type Config = ConfigOf<typeof spoolConfig>;

/** What is wrong between the settings. */
export function spoolProblems(config: Config): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (config['cleanup.policy'] === 'MOVE' && config['finished.path'] === null)
    problems.push({ name: 'finished.path', message: 'cleanup.policy=MOVE needs the folder that files are moved to' });
  if (!config['halt.on.error'] && config['error.path'] === null)
    problems.push({ name: 'error.path', message: 'halt.on.error=false needs the folder that files are moved to' });
  return problems;
}

/** What they mean, but for what is read from files. */
export function spoolReading(config: Config): Omit<FolderReading<unknown>, 'read' | 'recordOf'> {
  const pattern = JavaPattern.whole(config['input.file.pattern']);
  return {
    folder: config['input.path'],
    isRecursive: config['input.path.walk.recursively'],
    batchSize: config['batch.size'],
    waitMs: config['empty.poll.wait.ms'],
    minimumAgeMs: config['file.minimum.age.ms'],
    cleanup: config['cleanup.policy'] as 'NONE' | 'DELETE' | 'MOVE',
    finishedFolder: config['finished.path'],
    errorFolder: config['halt.on.error'] ? null : config['error.path'],
    accepts: (name) => pattern.test(name.slice(name.lastIndexOf('/') + 1)) && isMine(config, name),
  };
}

/** What all records of a file have beside their keys and values. */
export function spoolRecord(
  config: Config,
  { environment }: SourceTaskContext,
  file: SourceFile,
  count: number,
): Pick<SourceRecord, 'topic' | 'partition' | 'timestamp' | 'headers'> {
  const isFileTime = config['timestamp.mode'] === 'FILE_TIME';
  return {
    topic: config.topic,
    partition: null,
    timestamp: isFileTime ? file.modifiedMs : environment.now(),
    headers: config['metadata.location'] === 'NONE' ? [] : headersOf(file, count),
  };
}

function headersOf({ name, path, size, modifiedMs }: SourceFile, count: number): ConnectHeader[] {
  const text = (key: string, value: string): ConnectHeader => ({ key, schema: STRING, value });
  return [
    text('file.name', name.slice(name.lastIndexOf('/') + 1)),
    text('file.path', path),
    text('file.relative.path', name),
    { key: 'file.length', schema: INT64, value: BigInt(size) },
    { key: 'file.offset', schema: INT64, value: BigInt(count) },
    { key: 'file.last.modified', schema: TIMESTAMP, value: new Date(modifiedMs) },
  ];
}
