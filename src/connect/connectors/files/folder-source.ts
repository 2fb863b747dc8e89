// millrace.connect.FolderSourceConnector: the records of a folder's files, of any format.
import { matchesGlob } from 'node:path';
import {
  atLeast,
  type ConfigOf,
  type ConfigProblem,
  defineConfig,
  nonEmpty,
  oneOfTexts,
  type RawConfig,
} from '../../api/config-def.ts';
import { type SourceTask, type SourceTaskContext, sourcePlugin } from '../../api/plugins.ts';
import type { SchemaAndValue } from '../../data/record.ts';
import {
  checkFileOffsets,
  checkTailOffsets,
  type FolderReading,
  FolderTask,
  isMine,
  shareConfig,
  shares,
  type TailReading,
  TailTask,
} from '../file-source/index.ts';
import { formatConfig, formatName, formatOf } from '../record-files/index.ts';

const config = defineConfig({
  ...formatConfig,
  ...shareConfig,
  path: {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The folder. Files come to it whole: moved, not written there.',
    validator: nonEmpty,
  },
  topic: { type: 'STRING', importance: 'HIGH', doc: 'The topic that records are written to.', validator: nonEmpty },
  files: {
    type: 'LIST',
    default: '**',
    importance: 'HIGH',
    doc: 'Globs of the names of files, below the folder: *.csv, 2026/**/*.jsonl.',
  },
  tail: {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether files grow: their lines are read as they come, each when its line end is there. Files of lines only.',
  },
  'cleanup.policy': {
    type: 'STRING',
    default: 'NONE',
    importance: 'MEDIUM',
    doc: 'What becomes of files that have been read: NONE (they stay), DELETE or MOVE (to archive.path).',
    validator: oneOfTexts('NONE', 'DELETE', 'MOVE'),
  },
  'archive.path': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'The folder that files are moved to when they have been read.',
  },
  'error.path': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'The folder that files are moved to that cannot be read. Without, they end the task.',
  },
  'batch.size': {
    type: 'INT',
    default: 1000,
    importance: 'LOW',
    doc: 'How many records are read at a time at most.',
    validator: atLeast(1),
  },
  'poll.interval.ms': {
    type: 'LONG',
    default: 1000,
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
});
type Config = ConfigOf<typeof config>;

export const folderSource = sourcePlugin({
  className: 'millrace.connect.FolderSourceConnector',
  version: '1.0.0',
  config,
  exactlyOnce: () => 'supported',
  validate: problemsOf,
  create: (_config, raw) => ({ taskConfigs: (maxTasks) => shares(raw, maxTasks) }),
  task: () => new FolderSourceTask(),
  checkOffsets: (given, offsets) => (given.tail ? checkTailOffsets : checkFileOffsets)(given, offsets),
});

function problemsOf(given: Config): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (given['cleanup.policy'] === 'MOVE' && given['archive.path'] === null)
    problems.push({ name: 'archive.path', message: 'cleanup.policy=MOVE needs the folder that files are moved to' });
  if (!given.tail) return problems;
  if (!['json', 'lines'].includes(formatName(given)))
    problems.push({ name: 'tail', message: 'only files of lines grow: format.class is json or lines' });
  if (given['cleanup.policy'] !== 'NONE')
    problems.push({ name: 'cleanup.policy', message: 'files that grow are never read to their end: NONE' });
  return problems;
}

/** Files that come whole, or that grow. */
class FolderSourceTask implements SourceTask<Config> {
  #task!: SourceTask<Config>;

  async start(given: Config, context: SourceTaskContext, raw: RawConfig): Promise<void> {
    this.#task = given.tail ? new GrowingFilesTask() : new WholeFilesTask();
    await this.#task.start(given, context, raw);
  }
  poll(signal: AbortSignal): ReturnType<SourceTask['poll']> {
    return this.#task.poll(signal);
  }
  async commit(): Promise<void> {
    await this.#task.commit?.();
  }
  async stop(): Promise<void> {
    await this.#task?.stop();
  }
}

function accepting(given: Config): (name: string) => boolean {
  return (name) => given.files.some((glob) => matchesGlob(name, glob)) && isMine(given, name);
}

function contentOf({ topic }: Config, { environment }: SourceTaskContext, { schema, value }: SchemaAndValue) {
  return {
    topic,
    partition: null,
    keySchema: null,
    key: null,
    valueSchema: schema,
    value,
    timestamp: environment.now(),
    headers: [],
  };
}

class GrowingFilesTask extends TailTask<Config> {
  protected override readingOf(given: Config, context: SourceTaskContext): TailReading {
    return {
      folder: given.path,
      batchSize: given['batch.size'],
      waitMs: given['poll.interval.ms'],
      format: formatOf(given),
      accepts: accepting(given),
      recordOf: (record) => contentOf(given, context, record),
    };
  }
}

class WholeFilesTask extends FolderTask<Config, SchemaAndValue> {
  protected override readingOf(given: Config, context: SourceTaskContext): FolderReading<SchemaAndValue> {
    const format = formatOf(given);
    return {
      folder: given.path,
      isRecursive: true,
      batchSize: given['batch.size'],
      waitMs: given['poll.interval.ms'],
      minimumAgeMs: given['file.minimum.age.ms'],
      cleanup: given['cleanup.policy'] as 'NONE' | 'DELETE' | 'MOVE',
      finishedFolder: given['archive.path'],
      errorFolder: given['error.path'],
      accepts: accepting(given),
      read: (_file, bytes) => format.read(bytes),
      recordOf: (_file, record) => contentOf(given, context, record),
    };
  }
}
