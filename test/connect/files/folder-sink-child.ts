// A process with a task of the folder's sink: puts records from an offset on, and says each offset that may be committed.
import { folderSink } from '../../../src/connect/connectors/files/index.ts';
import { INT32, parseConfig, type SinkRecord, STRING, structOf } from '../../../src/connect/index.ts';
import { systemEnvironment } from '../../../src/util/index.ts';

const [path, from] = process.argv.slice(2);
const raw = {
  path: path!,
  'format.class': 'parquet',
  'flush.size': '20',
  'partitioner.class': 'FieldPartitioner',
  'partition.field.name': 'name',
};
const schema = structOf({ id: INT32, name: STRING });
const task = folderSink.task();
const nothing = (): void => {};
await task.start(
  parseConfig(folderSink.config, raw),
  {
    connector: 'c',
    taskId: 0,
    environment: systemEnvironment,
    log: { error: nothing, warn: nothing, info: nothing, debug: nothing },
    assignment: () => [],
    pause: nothing,
    resume: nothing,
    seek: nothing,
    requestCommit: nothing,
    retryIn: nothing,
    toleratesErrors: false,
    reportErrant: (_record, error) => Promise.reject(error),
    pauseFor: async () => {},
  },
  raw,
);
const recordOf = (offset: number): SinkRecord => ({
  topic: 't',
  partition: 0,
  offset,
  keySchema: null,
  key: null,
  valueSchema: schema,
  value: { id: offset, name: 'abc'[offset % 3] },
  timestamp: offset,
  timestampType: 'CreateTime',
  headers: [],
  originalTopic: 't',
  originalPartition: 0,
  originalOffset: offset,
});
for (let offset = Number(from); offset < 400; offset += 7) {
  const end = Math.min(offset + 7, 400);
  await task.put(Array.from({ length: end - offset }, (_, i) => recordOf(offset + i)));
  const [safe] = await task.preCommit!([{ topic: 't', partition: 0, offset: end }]);
  process.stdout.write(`${safe!.offset}\n`);
}
await task.stop();
