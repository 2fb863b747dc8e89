// millrace.connect.FolderSinkConnector: topics into files of a folder, as the sink of S3 writes them into a bucket.
import { type ConfigOf, defineConfig, nonEmpty, oneOfTexts } from '../../api/config-def.ts';
import { sinkPlugin } from '../../api/plugins.ts';
import { DirectoryStore } from '../file-store/index.ts';
import { fileSinkConfig, fileSinkProblems, FileSinkTask } from '../file-sink/index.ts';
import { formatName, gzipped } from '../record-files/index.ts';

const config = defineConfig({
  path: {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The folder. It is made where it is not there.',
    validator: nonEmpty,
  },
  ...fileSinkConfig,
  'topics.dir': { ...fileSinkConfig['topics.dir'], default: '' },
  'compression.type': {
    type: 'STRING',
    default: 'none',
    importance: 'LOW',
    doc: 'none, or gzip: files that have no compression of their own are compressed as wholes.',
    validator: oneOfTexts('none', 'gzip'),
  },
});
type Config = ConfigOf<typeof config>;

export const folderSink = sinkPlugin({
  className: 'millrace.connect.FolderSinkConnector',
  version: '1.0.0',
  config,
  validate(given) {
    const problems = fileSinkProblems(given);
    if (given['compression.type'] === 'gzip' && ['avro', 'parquet'].includes(formatName(given)))
      problems.push({
        name: 'compression.type',
        message: 'Avro and Parquet files are compressed within: set avro.codec or parquet.codec',
      });
    if (given['directory.delim'] !== '/')
      problems.push({ name: 'directory.delim', message: 'in a folder, what stands between folders is /' });
    return problems;
  },
  create: (_config, raw) => ({ taskConfigs: (maxTasks) => Array.from({ length: maxTasks }, () => raw) }),
  task: () =>
    new FileSinkTask<Config>({
      openStore: (given, { environment }) => new DirectoryStore(given.path, environment),
      wrap: (format, given) => (given['compression.type'] === 'gzip' ? gzipped(format) : format),
    }),
});
