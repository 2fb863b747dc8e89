// The two connectors of SpoolDir whose records are texts: the lines of files, and JSON documents.
import { type ConfigOf, defineConfig } from '../../../api/config-def.ts';
import { type SourceTaskContext, sourcePlugin } from '../../../api/plugins.ts';
import type { SourceRecord } from '../../../data/record.ts';
import { STRING } from '../../../data/schema.ts';
import { checkFileOffsets, type FolderReading, FolderTask, shares } from '../../file-source/index.ts';
import { type FileBytes, jsonDocuments, textLines } from '../../record-files/index.ts';
import { only, spoolConfig, spoolProblems, spoolReading, spoolRecord } from './settings.ts';

const NAME = 'com.github.jcustenborder.kafka.connect.spooldir';
export const SPOOL_DIR_VERSION = '2.0.66';

type Config = ConfigOf<typeof spoolConfig>;

class TextTask extends FolderTask<Config, string> {
  readonly #read: (bytes: FileBytes) => AsyncIterable<string>;

  constructor(read: (bytes: FileBytes) => AsyncIterable<string>) {
    super();
    this.#read = read;
  }

  protected override readingOf(config: Config, context: SourceTaskContext): FolderReading<string> {
    return {
      ...spoolReading(config),
      read: (_file, bytes) => this.#read(bytes),
      recordOf: (file, value, count): Omit<SourceRecord, 'sourcePartition' | 'sourceOffset'> => ({
        ...spoolRecord(config, context, file, count),
        keySchema: null,
        key: null,
        valueSchema: STRING,
        value,
      }),
    };
  }
}

function textSource(className: string, read: (bytes: FileBytes) => AsyncIterable<string>) {
  return sourcePlugin({
    className: `${NAME}.${className}`,
    version: SPOOL_DIR_VERSION,
    config: defineConfig({ ...spoolConfig, ...only('schema.generation.enabled', 'false', 'values are texts') }),
    exactlyOnce: () => 'supported',
    checkOffsets: checkFileOffsets,
    validate: spoolProblems,
    create: (_config, raw) => ({ taskConfigs: (maxTasks) => shares(raw, maxTasks) }),
    task: () => new TextTask(read),
  });
}

async function* lines(bytes: FileBytes): AsyncGenerator<string> {
  for await (const { value } of textLines().read(bytes)) yield value as string;
}

/** Lines of text. */
export const spoolLines = textSource('SpoolDirLineDelimitedSourceConnector', lines);
/** JSON documents, as texts: with StringConverter they are written as they are. */
export const spoolJson = textSource('SpoolDirSchemaLessJsonSourceConnector', jsonDocuments);
