// The sinks of files: the same for a bucket and for a folder.
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { avroContainer, parquetFiles, type RecordFormat } from '../../../src/connect/connectors/record-files/index.ts';
import {
  INT32,
  OPTIONAL_STRING,
  parseConfig,
  type RawConfig,
  type Schema,
  sinkContract,
  type SinkPlugin,
  type SinkRecord,
  STRING,
  structOf,
  timestamp,
} from '../../../src/connect/index.ts';
import { ManualEnvironment } from '../../../src/util/index.ts';
import { emitting } from '../jdbc/suite.ts';
import { afterwards, openCluster, openWorker, until } from '../support/worker.ts';

/** A place for files, which is empty. */
export interface Place {
  readonly settings: RawConfig;
  /** What is there, by name. */
  files(): Promise<Map<string, Buffer>>;
}

export interface Kind {
  readonly plugin: SinkPlugin;
  readonly compression: string;
  open(): Promise<Place>;
}

const JSON_FORMAT = { 'format.class': 'io.confluent.connect.s3.format.json.JsonFormat', 'topics.dir': 'topics' };
const PARTITIONERS = 'io.confluent.connect.storage.partitioner';
const person = structOf({ id: INT32, name: OPTIONAL_STRING, at: timestamp() }, { name: 'person', version: 1 });

/** A record of a person. */
export function recordOf(offset: number, more: Partial<SinkRecord> = {}): SinkRecord {
  const topic = more.originalTopic ?? 't';
  return {
    topic,
    partition: 0,
    offset,
    keySchema: STRING,
    key: `k${offset}`,
    valueSchema: person,
    value: { id: offset, name: `n${offset % 3}`, at: new Date(Date.UTC(2026, 0, 1) + offset * 1_800_000) },
    timestamp: Date.UTC(2026, 0, 1) + offset * 1_800_000,
    timestampType: 'CreateTime',
    headers: [],
    originalTopic: topic,
    originalPartition: 0,
    originalOffset: offset,
    ...more,
  };
}

/** A task that is driven as a worker drives it. */
export async function startTask(
  plugin: SinkPlugin,
  raw: RawConfig,
  environment = new ManualEnvironment(Date.UTC(2026, 5, 1)),
) {
  const task = plugin.task();
  const errant: string[] = [];
  let wantsCommit = false;
  await task.start(
    parseConfig(plugin.config, raw),
    {
      connector: 'c',
      taskId: 0,
      environment,
      log: { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} },
      assignment: () => [],
      pause: () => {},
      resume: () => {},
      seek: () => {},
      requestCommit: () => void (wantsCommit = true),
      retryIn: () => {},
      toleratesErrors: true,
      reportErrant: async (_record, error) => void errant.push(error.message),
      pauseFor: async () => {},
    },
    raw,
  );
  afterwards(() => task.stop());
  const commit = async (behind: number): Promise<number> =>
    (await task.preCommit!([{ topic: 't', partition: 0, offset: behind }]))[0]!.offset;
  return { task, errant, commit, environment, wantsCommit: () => wantsCommit };
}

const textsOf = async (place: Place): Promise<Record<string, string>> =>
  Object.fromEntries([...(await place.files())].sort().map(([name, bytes]) => [name, bytes.toString()]));
const namesOf = async (place: Place): Promise<string[]> => [...(await place.files()).keys()].sort();

export function fileSinkSuite({ plugin, compression, open }: Kind): void {
  test('does what sinks must do', async () => {
    let place = await open();
    const checks = () =>
      sinkContract(plugin, {
        config: { ...place.settings, ...JSON_FORMAT, 'flush.size': '1' },
        records: Array.from({ length: 5 }, (_, i) => recordOf(i)),
        written: () => textsOf(place),
        isIdempotent: true,
      });
    const count = checks().length;
    for (let i = 0; i < count; i++) {
      place = await open();
      await checks()[i]!.run();
      // Checks that write twice empty the place between: each of them gets one of its own.
    }
    expect(count).toBeGreaterThan(5);
  });

  test('writes what comes through a worker, names files by their first offsets, and commits what is in them', async () => {
    const place = await open();
    const client = (await openCluster()).connect();
    const values = Array.from({ length: 7 }, (_, i) => ({
      partition: 0,
      valueSchema: person,
      value: { id: i, name: null, at: new Date(i) },
    }));
    const { worker, heard } = await openWorker(client, [plugin, emitting(values)]);
    const json = { 'value.converter': 'org.apache.kafka.connect.json.JsonConverter' };
    const run = async (config: Record<string, string>): Promise<void> =>
      worker.startTask({ connector: config['name']!, task: 0 }, config, config, 'STARTED');
    await run({ name: 'emit', 'connector.class': 'test.Emitting', ...json });
    const sink = { name: 'out', 'connector.class': plugin.className, topics: 'in', 'flush.size': '3', ...json };
    await run({ ...sink, ...place.settings, ...JSON_FORMAT });
    await until('two files', async () => {
      expect(heard.traces.get('out-0')).toBeUndefined();
      return (await place.files()).size === 2;
    });
    expect(await textsOf(place)).toEqual({
      'topics/in/partition=0/in+0+0000000000.json': [0, 1, 2]
        .map((i) => `{"id":${i},"name":null,"at":${i}}\n`)
        .join(''),
      'topics/in/partition=0/in+0+0000000003.json': [3, 4, 5]
        .map((i) => `{"id":${i},"name":null,"at":${i}}\n`)
        .join(''),
    });
    await worker.stopTasks([{ connector: 'out', task: 0 }]);
    expect((await client.admin().committedOffsets('connect-out')).map(({ offset }) => offset)).toEqual([6]);
  });

  test.each<[string, RawConfig, readonly string[]]>([
    [
      'by fields, whose values are one folder each',
      {
        'partitioner.class': `${PARTITIONERS}.FieldPartitioner`,
        'partition.field.name': 'name,id',
        'flush.size': '2',
      },
      ['topics/t/name=a%2Fb/id=0/t+0+0000000000.json', 'topics/t/name=n1/id=1/t+0+0000000001.json'],
    ],
    [
      'by day of a zone',
      {
        'partitioner.class': `${PARTITIONERS}.DailyPartitioner`,
        'timestamp.extractor': 'Record',
        timezone: 'America/New_York',
        'flush.size': '2',
      },
      ['topics/t/year=2025/month=12/day=31/t+0+0000000000.json'],
    ],
    [
      'by hour of a field',
      {
        'partitioner.class': `${PARTITIONERS}.HourlyPartitioner`,
        'timestamp.extractor': 'RecordField',
        'timestamp.field': 'at',
        timezone: 'UTC',
        'flush.size': '2',
      },
      ['topics/t/year=2026/month=01/day=01/hour=00/t+0+0000000000.json'],
    ],
    [
      'by a time of any length',
      {
        'partitioner.class': `${PARTITIONERS}.TimeBasedPartitioner`,
        'path.format': "'d'=YYYY-MM-dd/HHmm",
        'partition.duration.ms': '1800000',
        'timestamp.extractor': 'Record',
        timezone: 'UTC',
        locale: 'en-US',
        'flush.size': '2',
      },
      ['topics/t/d=2026-01-01/0000/t+0+0000000000.json', 'topics/t/d=2026-01-01/0030/t+0+0000000001.json'],
    ],
  ])('has folders %s', async (_what, settings, names) => {
    const place = await open();
    const raw = { ...place.settings, ...JSON_FORMAT, ...settings };
    expect(await plugin.validate!(parseConfig(plugin.config, raw))).toEqual([]);
    const { task, commit } = await startTask(plugin, raw);
    await task.put([recordOf(0, { value: { id: 0, name: 'a/b', at: new Date(Date.UTC(2026, 0, 1)) } }), recordOf(1)]);
    expect(await namesOf(place)).toEqual(names);
    expect(await commit(2)).toBe(2);
  });

  test('begins new files when the time of records goes on, or when the clock says so', async () => {
    const place = await open();
    const byRecord = { 'rotate.interval.ms': '3600000', 'timestamp.extractor': 'Record' };
    const first = await startTask(plugin, { ...place.settings, ...JSON_FORMAT, 'flush.size': '100', ...byRecord });
    await first.task.put([0, 1, 2, 3].map((offset) => recordOf(offset)));
    expect(await namesOf(place)).toEqual(['topics/t/partition=0/t+0+0000000000.json']);
    expect(await first.commit(4)).toBe(2);
    const other = await open();
    const schedule = { 'rotate.schedule.interval.ms': '60000', timezone: 'UTC', 'flush.size': '100' };
    const { task, commit, environment, wantsCommit } = await startTask(plugin, {
      ...other.settings,
      ...JSON_FORMAT,
      ...schedule,
    });
    environment.advance(10_000);
    await task.put([recordOf(0), recordOf(1)]);
    environment.advance(49_999);
    expect([wantsCommit(), await commit(2)]).toEqual([false, 0]);
    environment.advance(1);
    expect([wantsCommit(), await commit(2)]).toEqual([true, 2]);
    expect(await namesOf(other)).toEqual(['topics/t/partition=0/t+0+0000000000.json']);
  });

  const wider = structOf(
    { id: INT32, name: OPTIONAL_STRING, at: timestamp(), more: OPTIONAL_STRING },
    { name: 'person', version: 2 },
  );
  test.each<[string, readonly (readonly [Schema, boolean])[]]>([
    [
      'NONE',
      [
        [person, false],
        [wider, true],
        [person, true],
        [person, false],
      ],
    ],
    [
      'BACKWARD',
      [
        [person, false],
        [wider, true],
        [person, false],
        [wider, false],
      ],
    ],
    [
      'FORWARD',
      [
        [wider, false],
        [person, true],
        [wider, false],
        [person, false],
      ],
    ],
  ])('begins new files with schemas as %s says', async (compatibility, steps) => {
    const place = await open();
    const settings = { 'flush.size': '100', 'schema.compatibility': compatibility, 'format.class': 'avro' };
    const { task } = await startTask(plugin, { ...place.settings, ...JSON_FORMAT, ...settings });
    let files = 0;
    for (const [offset, [valueSchema, isNew]] of steps.entries()) {
      const value = { id: offset, name: null, at: new Date(0), ...(valueSchema === wider ? { more: 'm' } : {}) };
      await task.put([recordOf(offset, { valueSchema, value })]);
      if (isNew) files++;
      expect((await place.files()).size).toBe(files);
    }
  });

  test.each<[string, RecordFormat]>([
    ['avro', avroContainer('null', { enhanced: true, generalized: false, connectMetaData: true, scrubNames: false })],
    ['parquet', parquetFiles('snappy')],
  ])('writes files that are read as what they were, as %s', async (format, reader) => {
    const place = await open();
    const settings = { 'flush.size': '4', 'format.class': format };
    const { task } = await startTask(plugin, { ...place.settings, ...JSON_FORMAT, ...settings });
    const records = [0, 1, 2, 3].map((offset) => recordOf(offset));
    await task.put(records);
    const [[name, bytes]] = [...(await place.files())] as [[string, Buffer]];
    expect(name).toBe(`topics/t/partition=0/t+0+0000000000${reader.extension}`);
    const back = [];
    const whole = (async function* () {
      yield bytes;
    })();
    for await (const { schema, value } of reader.read(whole)) back.push([schema!.equals(person), value]);
    expect(back).toEqual(records.map(({ value }) => [true, value]));
  });

  test('compresses with gzip, and does with records without a value as it is told', async () => {
    const place = await open();
    const settings = { ...place.settings, ...JSON_FORMAT, 'flush.size': '2' };
    const writing = await startTask(plugin, { ...settings, [compression]: 'gzip', 'behavior.on.null.values': 'write' });
    const none = { value: null, valueSchema: null };
    await writing.task.put([recordOf(0, none), recordOf(1)]);
    const files = new Map([...(await place.files())].map(([name, bytes]) => [name, gunzipSync(bytes).toString()]));
    expect(files.get('topics/t/tombstone/t+0+0000000000.json.gz')).toBe('null\n');
    expect(files.get('topics/t/partition=0/t+0+0000000001.json.gz')).toMatch(/"id":1/);
    const failing = await startTask(plugin, settings);
    await failing.task.put([recordOf(2, none)]);
    expect(failing.errant).toEqual([expect.stringMatching(/no value/)]);
    expect(await failing.commit(3)).toBe(3);
    const ignoring = await startTask(plugin, { ...settings, 'behavior.on.null.values': 'ignore' });
    await ignoring.task.put([recordOf(2, none), recordOf(3), recordOf(4, none)]);
    expect([ignoring.errant, await ignoring.commit(5)]).toEqual([[], 3]);
  });

  test('killed anywhere, again and again, it makes the same files, byte for byte', async () => {
    const names = fc.constantFrom('a', 'b', 'c');
    const bad = fc.integer({ min: 0, max: 9 }).map((n) => n === 0);
    const given = fc.array(fc.record({ name: names, minutes: fc.integer({ min: 0, max: 30 }), bad }), {
      maxLength: 25,
    });
    const life = fc.record({
      puts: fc.integer({ min: 0, max: 8 }),
      batch: fc.integer({ min: 1, max: 6 }),
      commits: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(given, fc.array(life, { maxLength: 6 }), async (values, lives) => {
        let atMs = Date.UTC(2026, 0, 1);
        const records = values.map(({ name, minutes, bad: isBad }, offset) => {
          atMs += minutes * 60_000;
          const value = { id: offset, name: isBad ? null : name, at: new Date(atMs) };
          return recordOf(offset, { timestamp: atMs, value, ...(name === 'c' ? { valueSchema: wider } : {}) });
        });
        const settings = {
          ...JSON_FORMAT,
          'partitioner.class': `${PARTITIONERS}.FieldPartitioner`,
          'partition.field.name': 'name',
          'rotate.interval.ms': '3600000',
          'timestamp.extractor': 'Record',
          'flush.size': '4',
        };
        const straight = await open();
        const whole = await startTask(plugin, { ...straight.settings, ...settings });
        await whole.task.put(records);
        const end = await whole.commit(records.length);

        const killed = await open();
        let committed = 0;
        for (const { puts, batch, commits } of [...lives, { puts: 25, batch: 2, commits: true }]) {
          const { task, commit } = await startTask(plugin, { ...killed.settings, ...settings });
          let next = committed;
          for (let i = 0; i < puts && next < records.length; i++, next += batch) {
            await task.put(records.slice(next, next + batch));
            if (commits) committed = Math.max(committed, await commit(Math.min(next + batch, records.length)));
          }
        }
        expect(committed).toBe(records.length === 0 ? 0 : end);
        expect(await textsOf(killed)).toEqual(await textsOf(straight));
      }),
      { numRuns: 25 },
    );
  });
}
