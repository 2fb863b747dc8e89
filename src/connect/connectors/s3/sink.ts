// io.confluent.connect.s3.S3SinkConnector: topics into files of a bucket.
import { between, type ConfigOf, defineConfig, oneOfTexts } from '../../api/config-def.ts';
import { sinkPlugin } from '../../api/plugins.ts';
import { fileSinkConfig, fileSinkProblems, FileSinkTask } from '../file-sink/index.ts';
import { formatName, gzipped } from '../record-files/index.ts';
import { openS3Store } from './s3-store.ts';
import { bucketConfig, bucketProblems, refused } from './settings.ts';

const config = defineConfig({
  ...bucketConfig,
  ...fileSinkConfig,
  's3.compression.type': {
    type: 'STRING',
    default: 'none',
    importance: 'LOW',
    doc: 'none, or gzip: files of JsonFormat, ByteArrayFormat and CsvFormat are compressed as wholes.',
    validator: oneOfTexts('none', 'gzip'),
  },
  's3.compression.level': {
    type: 'INT',
    default: -1,
    importance: 'LOW',
    doc: 'How hard gzip tries, 1 to 9; 0: not at all, -1: as usual.',
    validator: between(-1, 9),
  },
  ...refused(
    'store.kafka.keys',
    'keys are not written: ValueToKey the other way, or a transformation, puts them into values',
  ),
  ...refused('store.kafka.headers', 'headers are not written: HeaderFrom, or a transformation, puts them into values'),
  ...refused('s3.sse.kms.key.id', 'objects are encrypted as the bucket says'),
  ...refused('s3.ssea.name', 'objects are encrypted as the bucket says'),
  ...refused('s3.acl.canned', 'objects have the rights that the bucket says'),
  ...refused('s3.object.tagging', 'objects have no tags'),
});
export type S3SinkConfig = ConfigOf<typeof config>;

export const s3Sink = sinkPlugin({
  className: 'io.confluent.connect.s3.S3SinkConnector',
  version: '10.6.0',
  config,
  validate(given) {
    const problems = [...bucketProblems(given), ...fileSinkProblems(given)];
    if (given['s3.compression.type'] === 'gzip' && ['avro', 'parquet'].includes(formatName(given)))
      problems.push({
        name: 's3.compression.type',
        message: 'Avro and Parquet files are compressed within: set avro.codec or parquet.codec',
      });
    return problems;
  },
  create: (_config, raw) => ({ taskConfigs: (maxTasks) => Array.from({ length: maxTasks }, () => raw) }),
  task: () =>
    new FileSinkTask<S3SinkConfig>({
      openStore: (given, context) => openS3Store(given, (delayMs) => context.pauseFor(delayMs)),
      wrap: (format, given) =>
        given['s3.compression.type'] === 'gzip' ? gzipped(format, given['s3.compression.level']) : format,
    }),
});
