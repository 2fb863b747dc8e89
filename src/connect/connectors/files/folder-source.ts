// millrace.connect.FolderSourceConnector: the records of a folder's files, of any format.
import { matchesGlob } from 'node:path';
import { atLeast, type ConfigOf, defineConfig, nonEmpty, oneOfTexts } from '../../api/config-def.ts';
import { type SourceTaskContext, sourcePlugin } from '../../api/plugins.ts';
import type { SchemaAndValue } from '../../data/record.ts';
import { type FolderReading, FolderTask, isMine, shareConfig, shares } from '../file-source/index.ts';
import { formatConfig, formatOf } from '../record-files/index.ts';

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
  validate: (given) =>
    given['cleanup.policy'] === 'MOVE' && given['archive.path'] === null
      ? [{ name: 'archive.path', message: 'cleanup.policy=MOVE needs the folder that files are moved to' }]
      : [],
  create: (_config, raw) => ({ taskConfigs: (maxTasks) => shares(raw, maxTasks) }),
  task: () => new FolderSourceTask(),
});

class FolderSourceTask extends FolderTask<Config, SchemaAndValue> {
  protected override readingOf(given: Config, { environment }: SourceTaskContext): FolderReading<SchemaAndValue> {
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
      accepts: (name) => given.files.some((glob) => matchesGlob(name, glob)) && isMine(given, name),
      read: (_file, bytes) => format.read(bytes),
      recordOf: (_file, { schema, value }) => ({
        topic: given.topic,
        partition: null,
        keySchema: null,
        key: null,
        valueSchema: schema,
        value,
        timestamp: environment.now(),
        headers: [],
      }),
    };
  }
}
