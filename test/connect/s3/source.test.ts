// The source of S3: what the sink has written, and any other files.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { s3Sink, s3Source } from '../../../src/connect/connectors/s3/index.ts';
import { INT64, parseConfig, sourceContract, STRING, structOf, timestamp } from '../../../src/connect/index.ts';
import { emitting } from '../jdbc/suite.ts';
import { driveSource, type Offsets } from '../files/driven-source.ts';
import { openBucket } from '../support/s3.ts';
import { afterwards, openCluster, openWorker, recordsIn, until } from '../support/worker.ts';

const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';
const generic = { mode: 'GENERIC', 'topic.regex.list': 'people:.*people.*,rest:.*\\.json', 'format.class': 'json' };

describe('does what sources must do:', () => {
  const config: Record<string, string> = {};
  const checks = sourceContract(s3Source, {
    config,
    records: 7,
    async prepare() {
      const bucket = await openBucket();
      await bucket.put('topics/a/1.json', '1\n2\n3\n');
      await bucket.put('topics/a/2.json.gz', gzipSync('4\n5\n'));
      await bucket.put('topics/b/1.json', '6\n7');
      const patterns = { 'topic.regex.list': 't:.*\\.json.*' };
      Object.assign(config, { ...bucket.settings, ...generic, ...patterns, 'record.batch.max.size': '2' });
    },
  });
  test.each(checks)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

test.each(['avro', 'parquet'])('brings back what the sink has written as %s, schema and all', async (format) => {
  const bucket = await openBucket();
  const client = (await openCluster()).connect();
  const schema = structOf({ id: INT64, name: STRING, at: timestamp() }, { name: 'row', version: 3 });
  const rows = Array.from({ length: 10 }, (_, i) => ({
    partition: 0,
    valueSchema: schema,
    value: { id: BigInt(i) + 2n ** 60n, name: `n${i}`, at: new Date(i) },
  }));
  const { worker, heard } = await openWorker(client, [s3Sink, s3Source, emitting(rows)], { exactlyOnceSources: true });
  const run = async (config: Record<string, string>): Promise<void> =>
    worker.startTask({ connector: config['name']!, task: 0 }, config, config, 'STARTED');
  await run({ name: 'emit', 'connector.class': 'test.Emitting', 'value.converter': JSON_CONVERTER });
  const common = { ...bucket.settings, 'format.class': format, 'value.converter': JSON_CONVERTER };
  await run({ name: 'out', 'connector.class': s3Sink.className, topics: 'in', 'flush.size': '5', ...common });
  await until('two files', async () => {
    expect(heard.traces.get('out-0')).toBeUndefined();
    return (await bucket.files()).size === 2;
  });
  await run({
    name: 'back',
    'connector.class': s3Source.className,
    'exactly.once.support': 'required',
    transforms: 'route',
    'transforms.route.type': 'org.apache.kafka.connect.transforms.RegexRouter',
    'transforms.route.regex': 'in',
    'transforms.route.replacement': 'out',
    ...common,
  }).catch((error) => expect(error).toBeUndefined());
  const valuesOf = async (topic: string) => (await recordsIn(client, topic)).map(({ value }) => value!.toString());
  await until('ten', async () => {
    expect(heard.traces.get('back-0')).toBeUndefined();
    return (await valuesOf('out')).length === 10;
  });
  const ofParquet = (text: string): unknown => JSON.parse(text);
  expect((await valuesOf('out')).map(ofParquet)).toEqual((await valuesOf('in')).map(ofParquet));
});

test('goes on behind what was read, finds files that come, each for its topic', async () => {
  const bucket = await openBucket();
  const raw = { ...bucket.settings, ...generic };
  const offsets: Offsets = new Map();
  await bucket.put('topics/x/people-1.json', '1\n2\n');
  await bucket.put('topics/x/zoo.txt', 'nobody asks');
  const first = await driveSource(s3Source, raw, offsets);
  expect((await first.poll(1)).map(({ topic, value }) => [topic, value])).toEqual([['people', 1]]);
  await first.task.stop();
  await bucket.put('topics/x/people-2.json', '3\n');
  await bucket.put('topics/y/1.json', '4\n');
  const second = await driveSource(s3Source, raw, offsets);
  expect((await second.readAll()).map(({ topic, value }) => [topic, value])).toEqual([
    ['people', 2],
    ['people', 3],
    ['rest', 4],
  ]);
  await bucket.put('topics/y/2.json', '5\n');
  expect((await second.readAll()).map(({ value }) => value)).toEqual([5]);
  await second.task.stop();
});

test('restores partitions, each in order, though files of several are in a folder', async () => {
  const bucket = await openBucket();
  const offsets: Offsets = new Map();
  const raw = { ...bucket.settings, 'format.class': 'json' };
  const put = (partition: number, offset: number) =>
    bucket.put(`topics/t/name=a/t+${partition}+${String(offset).padStart(10, '0')}.json`, `"${partition}-${offset}"\n`);
  for (const partition of [0, 1]) await put(partition, 0);
  const { readAll, task } = await driveSource(s3Source, raw, offsets);
  await readAll();
  // Its name is in front of one that was read.
  await put(0, 1);
  await put(1, 1);
  expect((await readAll()).map(({ topic, partition, value }) => [topic, partition, value])).toEqual([
    ['t', 0, '0-1'],
    ['t', 1, '1-1'],
  ]);
  await task.stop();
});

test('goes on where a connection was lost in the middle of a file', async () => {
  const text = Array.from({ length: 2000 }, (_, i) => `${i}\n`).join('');
  let gets = 0;
  const server = createServer((request, response) => {
    if (request.url!.includes('list-type'))
      response.end('<ListBucketResult><Contents><Key>topics/a.json</Key><Size>1</Size></Contents></ListBucketResult>');
    else {
      response.writeHead(200, { 'content-length': text.length });
      if (++gets > 1) response.end(text);
      else response.write(text.slice(0, 3000), () => response.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const raw = {
    ...generic,
    's3.bucket.name': 'b',
    'store.url': `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    'aws.access.key.id': 'x',
    'aws.secret.access.key': 'y',
  };
  const { task, poll, readAll } = await driveSource(s3Source, raw, new Map());
  const values: unknown[] = [];
  const lost = async (): Promise<void> => {
    for (;;) values.push(...(await poll()).map(({ value }) => value));
  };
  await expect(lost()).rejects.toMatchObject({ code: 'CONNECT_TRY_LATER' });
  values.push(...(await readAll()).map(({ value }) => value));
  expect([values, gets]).toEqual([Array.from({ length: 2000 }, (_, i) => i), 2]);
  await task.stop();
});

test('does with files that cannot be read as it is told', async () => {
  const bucket = await openBucket();
  await bucket.put('topics/a.json', '1\n{\n3\n');
  await bucket.put('topics/b.json', '4\n');
  const raw = { ...bucket.settings, ...generic };
  const failing = await driveSource(s3Source, raw, new Map());
  expect((await failing.poll()).map(({ value }) => value)).toEqual([1]);
  await expect(failing.poll()).rejects.toThrow(/topics\/a\.json: line 2 is no JSON/);
  const passing = await driveSource(s3Source, { ...raw, 'behavior.on.error': 'log' }, new Map());
  const values = [...(await passing.poll()), ...(await passing.poll())].map(({ value }) => value);
  expect([values, passing.log]).toEqual([[1, 4], [expect.stringMatching(/passed over.*line 2/)]]);
  for (const { task } of [failing, passing]) await task.stop();
  expect(() => parseConfig(s3Source.config, { ...raw, 'topic.regex.list': 'x' })).toThrow(/no topic:pattern/);
  expect(() => parseConfig(s3Source.config, { ...raw, 'filename.regex': '(' })).toThrow(/filename\.regex/);
  expect(await s3Source.validate!(parseConfig(s3Source.config, { ...raw, 'topic.regex.list': '' }))).toHaveLength(1);
});
