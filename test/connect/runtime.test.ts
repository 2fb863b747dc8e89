// Tasks at work on a real broker: what comes in comes out, what goes wrong goes where it should, and nothing is lost or doubled.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  DataError,
  defineConfig,
  RetriableError,
  type SinkRecord,
  sinkPlugin,
  sourcePlugin,
  sourceRecord,
  STRING,
  transformationPlugin,
} from '../../src/connect/index.ts';
import { openCluster, openWorker, recordsIn, temporaryDirectory, until, valuesIn } from './support/worker.ts';

const NOTHING = defineConfig({});

/** Counts up from where it was. `breaks`: throws in front of that number, once. */
function counting(topic: string, last: number, breaks: { at: number; error: () => Error } | undefined = undefined) {
  const seen: { polls: number; commits: number; committed: number[] } = { polls: 0, commits: 0, committed: [] };
  let broken = false;
  const plugin = sourcePlugin({
    className: 'test.Counting',
    version: '1',
    config: NOTHING,
    exactlyOnce: () => 'supported',
    create: (_config, raw) => ({ taskConfigs: () => [raw] }),
    task() {
      let next = 0;
      let pause: (delayMs: number, signal: AbortSignal) => Promise<void>;
      return {
        async start(_config, context) {
          pause = context.pause;
          next = Number((await context.offset({ counter: 'one' }))?.['next'] ?? 0);
        },
        async poll(signal) {
          seen.polls++;
          if (next >= last) {
            await pause(10_000, signal);
            return [];
          }
          const records = [];
          for (let i = 0; i < 10 && next < last; i++) {
            if (breaks !== undefined && !broken && next === breaks.at) {
              if (records.length > 0) break;
              broken = true;
              throw breaks.error();
            }
            const sourceOffset = { next: next + 1 };
            const value = String(next++);
            records.push(
              sourceRecord({
                topic,
                key: value,
                keySchema: STRING,
                value,
                valueSchema: STRING,
                sourcePartition: { counter: 'one' },
                sourceOffset,
              }),
            );
          }
          return records;
        },
        commit: () => void seen.commits++,
        stop() {},
      };
    },
  });
  return { plugin, seen };
}

/** Keeps what it is given; `put` may throw. */
function collecting(put: (records: readonly SinkRecord[], seen: SinkRecord[]) => void | Promise<void> = () => {}) {
  const seen: SinkRecord[] = [];
  const calls: string[] = [];
  const plugin = sinkPlugin({
    className: 'test.Collecting',
    version: '1',
    config: NOTHING,
    create: (_config, raw) => ({ taskConfigs: (maxTasks) => Array.from({ length: maxTasks }, () => raw) }),
    task: () => ({
      start() {},
      open: (partitions) => void calls.push(`open ${partitions.map(({ partition }) => partition).join()}`),
      async put(records) {
        await put(records, seen);
        seen.push(...records);
      },
      close: (partitions) => void calls.push(`close ${partitions.map(({ partition }) => partition).join()}`),
      stop: () => void calls.push('stop'),
    }),
  });
  return { plugin, seen, calls };
}

const SOURCE = { name: 'count', 'connector.class': 'test.Counting' };
const SINK = { name: 'collect', 'connector.class': 'test.Collecting', topics: 'numbers' };
const TASK = { connector: 'count', task: 0 };
const SINK_TASK = { connector: 'collect', task: 0 };

async function send(
  client: Awaited<ReturnType<Awaited<ReturnType<typeof openCluster>>['connect']>>,
  topic: string,
  values: readonly string[],
) {
  const producer = client.producer({ lingerMs: 0 });
  for (const value of values) await producer.send({ topic, key: value, value, headers: [{ key: 'h', value: 'v' }] });
  await producer.close();
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));

describe('a source', () => {
  test('writes the lines of a file that grows, goes on where it was, and a sink writes them to another', async () => {
    const cluster = await openCluster();
    const client = cluster.connect();
    const { worker, heard } = await openWorker(client, []);
    const directory = temporaryDirectory();
    const [from, to] = [join(directory, 'in.txt'), join(directory, 'out.txt')];
    writeFileSync(from, 'one\ntwo\r\nthree, not yet whole');
    const source = { name: 'in', 'connector.class': 'FileStreamSource', file: from, topic: 'lines' };
    await worker.startConnector('in', source, 'STARTED');
    expect(heard.stateOf('in')).toBe('RUNNING');
    const [task] = await worker.taskConfigs('in');
    await worker.startTask({ connector: 'in', task: 0 }, source, task!, 'STARTED');
    await until('two lines', async () => (await valuesIn(client, 'lines')).length === 2);
    await worker.stopTasks([{ connector: 'in', task: 0 }]);
    expect(await worker.offsets('in', source)).toEqual([{ partition: { filename: from }, offset: { position: 9 } }]);

    appendFileSync(from, '\nfour\n');
    await worker.startTask({ connector: 'in', task: 0 }, source, task!, 'STARTED');
    const sink = {
      name: 'out',
      'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
      topics: 'lines',
      file: to,
    };
    await worker.startConnector('out', sink, 'STARTED');
    await worker.startTask({ connector: 'out', task: 0 }, sink, (await worker.taskConfigs('out'))[0]!, 'STARTED');
    const lines = 'one\ntwo\nthree, not yet whole\nfour\n';
    await until('four lines', () => {
      try {
        return readFileSync(to, 'utf8') === lines;
      } catch {
        return false;
      }
    });
    await worker.close();
    expect(await worker.offsets('out', sink)).toEqual([
      { partition: { kafka_topic: 'lines', kafka_partition: 0 }, offset: { kafka_offset: 4 } },
    ]);
    expect(heard.topics).toEqual(new Set(['in lines', 'out lines']));
    expect(heard.states.filter((state) => state.startsWith('in-0'))).toEqual([
      'in-0 RUNNING',
      'in-0 UNASSIGNED',
      'in-0 RUNNING',
      'in-0 UNASSIGNED',
    ]);
  });

  test('makes its topic as its settings say, is paused and goes on, and hears of commits', async () => {
    const cluster = await openCluster();
    const client = cluster.connect();
    const { plugin, seen } = counting('numbers', 25);
    const { worker, heard } = await openWorker(client, [plugin]);
    const config = {
      ...SOURCE,
      'topic.creation.groups': 'many',
      'topic.creation.default.partitions': '1',
      'topic.creation.default.replication.factor': '1',
      'topic.creation.many.include': 'num.*',
      'topic.creation.many.partitions': '3',
      'topic.creation.many.cleanup.policy': 'compact',
    };
    await worker.startTask(TASK, config, config, 'PAUSED');
    await heard.is('count-0', 'PAUSED');
    expect(await client.admin().listTopics()).not.toContain('numbers');
    await worker.setTarget('count', 'STARTED');
    await until('all', async () => (await recordsIn(client, 'numbers')).length === 25);
    expect((await client.admin().describeTopics(['numbers'])).get('numbers')?.partitions).toHaveLength(3);
    const policy = (await client.admin().topicConfigs('numbers')).find(({ name }) => name === 'cleanup.policy');
    expect(policy?.value).toBe('compact');
    await until('a commit', () => seen.commits > 0);
    await worker.setTarget('count', 'PAUSED');
    await heard.is('count-0', 'PAUSED');
    expect(heard.states).toEqual(['count-0 PAUSED', 'count-0 RUNNING', 'count-0 PAUSED']);
  });

  test('that cannot read for a while tries again; one that fails says why, and starts where it was', async () => {
    const cluster = await openCluster();
    const client = cluster.connect();
    const retried = counting('numbers', 30, { at: 17, error: () => new RetriableError('away') });
    const first = await openWorker(client, [retried.plugin]);
    await first.worker.startTask(TASK, SOURCE, SOURCE, 'STARTED');
    await until('all', async () => (await valuesIn(client, 'numbers')).length === 30);
    await first.worker.close();

    const failing = counting('others', 30, { at: 17, error: () => new Error('the database does not like us') });
    const { worker, heard } = await openWorker(client, [failing.plugin]);
    const config = { ...SOURCE, name: 'other' };
    const id = { connector: 'other', task: 0 };
    await worker.startTask(id, config, config, 'STARTED');
    await heard.is('other-0', 'FAILED');
    expect(heard.traces.get('other-0')).toMatch(/^Error: the database does not like us\n {4}at /);
    expect(await valuesIn(client, 'others')).toEqual(numbers(17));
    await worker.stopTasks([id]);
    await worker.startTask(id, config, config, 'STARTED');
    await until('all', async () => (await valuesIn(client, 'others')).length === 30);
    expect(await valuesIn(client, 'others')).toEqual(numbers(30));
  });

  test('passes over what a transformation cannot read with errors.tolerance=all, and fails with none', async () => {
    const cluster = await openCluster();
    const client = cluster.connect();
    const picky = transformationPlugin({
      className: 'test.Picky',
      version: '1',
      config: NOTHING,
      create: () => ({
        apply(record) {
          if (record.value === '13') throw new DataError('thirteen');
          return Number(record.value) % 2 === 0 ? null : record;
        },
      }),
    });
    const { plugin } = counting('numbers', 20);
    const { worker, heard, log } = await openWorker(client, [plugin, picky]);
    const config = { ...SOURCE, transforms: 'p', 'transforms.p.type': 'test.Picky' };
    await worker.startTask(TASK, config, config, 'STARTED');
    await heard.is('count-0', 'FAILED');
    expect(heard.traces.get('count-0')).toContain(
      'Tolerance exceeded in error handler: TRANSFORMATION by test.Picky: thirteen',
    );
    await worker.stopTasks([TASK]);
    const tolerant = { ...config, 'errors.tolerance': 'all', 'errors.log.enable': 'true' };
    await worker.startTask(TASK, tolerant, tolerant, 'STARTED');
    await until('all', async () => (await valuesIn(client, 'numbers')).includes('19'));
    expect(await valuesIn(client, 'numbers')).toEqual(['1', '3', '5', '7', '9', '11', '15', '17', '19']);
    expect(log).toContain('Error encountered in stage TRANSFORMATION by test.Picky: thirteen');
  });
});

describe('a source that is written exactly once', () => {
  test('writes records and offsets in transactions; an older task with the same number cannot write any more', async () => {
    const cluster = await openCluster();
    const client = cluster.connect();
    const { plugin } = counting('numbers', 95, { at: 50, error: () => new Error('broken') });
    const { worker, heard } = await openWorker(client, [plugin], { exactlyOnceSources: true });
    await worker.startTask(TASK, SOURCE, SOURCE, 'STARTED');
    await heard.is('count-0', 'FAILED');
    await worker.stopTasks([TASK]);
    await worker.startTask(TASK, SOURCE, SOURCE, 'STARTED');
    await until('all', async () => (await valuesIn(client, 'numbers')).length >= 95);
    expect(await valuesIn(client, 'numbers')).toEqual(numbers(95));

    const other = await openWorker(cluster.connect(), [counting('numbers', 1e9).plugin], { exactlyOnceSources: true });
    await other.worker.startTask(TASK, SOURCE, SOURCE, 'STARTED');
    await until('more', async () => (await valuesIn(client, 'numbers')).length >= 200);
    await worker.fenceZombies('count', SOURCE, 1);
    await other.heard.is('count-0', 'FAILED');
    expect(other.heard.traces.get('count-0')).toMatch(/fenced|epoch/i);
    const values = await valuesIn(client, 'numbers');
    expect(values).toEqual(numbers(values.length));
  });

  test('ends transactions at intervals, or where the task says; what it aborts is gone and does not come again', async () => {
    const cluster = await openCluster();
    const client = cluster.connect();
    const { plugin } = counting('numbers', 40);
    const { worker } = await openWorker(client, [plugin], { exactlyOnceSources: true });
    const config = { ...SOURCE, 'transaction.boundary': 'interval', 'transaction.boundary.interval.ms': '30' };
    await worker.startTask(TASK, config, config, 'STARTED');
    await until('all', async () => (await valuesIn(client, 'numbers')).length === 40);

    const marking = sourcePlugin({
      className: 'test.Marking',
      version: '1',
      config: NOTHING,
      create: (_config, raw) => ({ taskConfigs: () => [raw] }),
      task() {
        let polls = 0;
        let transaction: { commit(record?: unknown): void; abort(): void } | undefined;
        let pause: (delayMs: number, signal: AbortSignal) => Promise<void>;
        return {
          start(_config, context) {
            transaction = context.transaction;
            pause = context.pause;
          },
          async poll(signal) {
            if (polls === 3) await pause(10_000, signal);
            if (polls >= 3) return [];
            const poll = polls++;
            const records = ['a', 'b'].map((letter) =>
              sourceRecord({
                topic: 'marked',
                value: `${poll}${letter}`,
                valueSchema: STRING,
                sourcePartition: {},
                sourceOffset: { poll },
              }),
            );
            if (poll === 0) transaction?.commit(records[0]);
            if (poll === 1) transaction?.abort();
            if (poll === 2) transaction?.commit();
            return records;
          },
          stop() {},
        };
      },
    });
    const marked = await openWorker(client, [marking], { exactlyOnceSources: true });
    const given = { name: 'marked', 'connector.class': 'test.Marking', 'transaction.boundary': 'connector' };
    await marked.worker.startTask({ connector: 'marked', task: 0 }, given, given, 'STARTED');
    await until('the last', async () => (await valuesIn(client, 'marked')).length === 3);
    // 0b was in the transaction that was aborted behind 1b.
    expect(await valuesIn(client, 'marked')).toEqual(['0a', '2a', '2b']);
    expect(await marked.worker.offsets('marked', given)).toEqual([{ partition: {}, offset: { poll: 2 } }]);
  });
});

describe('a sink', () => {
  test('gets records in order, commits behind them, and is put again what it could not take', async () => {
    const cluster = await openCluster();
    const client = cluster.connect();
    await client.admin().createTopics([{ name: 'numbers', partitions: 1 }]);
    let refusals = 0;
    const { plugin, seen, calls } = collecting((records) => {
      if (records.some(({ value }) => value === '7') && refusals++ < 1) throw new RetriableError('busy');
    });
    const { worker, heard } = await openWorker(client, [plugin]);
    await worker.startTask(SINK_TASK, SINK, SINK, 'STARTED');
    await heard.is('collect-0', 'RUNNING');
    await send(client, 'numbers', numbers(20));
    await until('all', () => seen.length === 20);
    expect(seen.map(({ value }) => value)).toEqual(numbers(20));
    expect(seen[3]).toMatchObject({
      topic: 'numbers',
      partition: 0,
      offset: 3,
      key: '3',
      originalOffset: 3,
      timestampType: 'CreateTime',
      headers: [{ key: 'h', value: 'v' }],
    });
    expect(refusals).toBe(2);
    await until('a commit', async () => (await client.admin().committedOffsets('connect-collect'))[0]?.offset === 20);
    await worker.setTarget('collect', 'PAUSED');
    await heard.is('collect-0', 'PAUSED');
    await send(client, 'numbers', ['later']);
    await worker.setTarget('collect', 'STARTED');
    await until('what came meanwhile', () => seen.length === 21);
    await worker.close();
    expect(calls).toEqual(['open 0', 'close 0', 'stop']);
  });

  test('puts what it cannot read into the dead letter queue, as it was, and says why in headers', async () => {
    const cluster = await openCluster();
    const client = cluster.connect();
    await client.admin().createTopics([{ name: 'numbers', partitions: 1 }]);
    await send(client, 'numbers', ['{"a":1}', 'no JSON', '{"a":2}']);
    const { plugin, seen } = collecting();
    const { worker, heard } = await openWorker(client, [plugin]);
    const config = {
      ...SINK,
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
      'errors.tolerance': 'all',
      'errors.deadletterqueue.topic.name': 'dead',
      'errors.deadletterqueue.context.headers.enable': 'true',
    };
    await worker.startTask(SINK_TASK, config, config, 'STARTED');
    await until('both', () => seen.length === 2);
    expect(seen.map(({ value }) => value)).toEqual([{ a: 1 }, { a: 2 }]);
    const [letter, ...others] = await recordsIn(client, 'dead');
    expect(others).toEqual([]);
    expect([letter?.key?.toString(), letter?.value?.toString()]).toEqual(['no JSON', 'no JSON']);
    const headers = Object.fromEntries(letter!.headers.map(({ key, value }) => [key, Buffer.from(value!).toString()]));
    expect(headers).toMatchObject({
      h: 'v',
      '__connect.errors.topic': 'numbers',
      '__connect.errors.partition': '0',
      '__connect.errors.offset': '1',
      '__connect.errors.connector.name': 'collect',
      '__connect.errors.task.id': '0',
      '__connect.errors.stage': 'VALUE_CONVERTER',
      '__connect.errors.class.name': 'org.apache.kafka.connect.json.JsonConverter',
      '__connect.errors.exception.class.name': 'org.apache.kafka.connect.errors.DataException',
    });
    expect(Object.keys(headers)).toHaveLength(11);
    await until('a commit', async () => (await client.admin().committedOffsets('connect-collect'))[0]?.offset === 3);

    await worker.stopTasks([SINK_TASK]);
    const strict = { ...config, name: 'strict', 'errors.tolerance': 'none' };
    const id = { connector: 'strict', task: 0 };
    await worker.startTask(id, strict, strict, 'STARTED');
    await heard.is('strict-0', 'FAILED');
    expect(heard.traces.get('strict-0')).toContain('Tolerance exceeded in error handler: VALUE_CONVERTER');
    expect(await recordsIn(client, 'dead')).toHaveLength(2);
  });

  test('reports single records of a batch, and reads topics by pattern, also those that come later', async () => {
    const cluster = await openCluster();
    const client = cluster.connect();
    const reporting = sinkPlugin({
      className: 'test.Reporting',
      version: '1',
      config: NOTHING,
      create: (_config, raw) => ({ taskConfigs: () => [raw] }),
      task() {
        let report: (record: SinkRecord, error: Error) => Promise<void>;
        return {
          start: (_config, context) => void (report = context.reportErrant),
          async put(records) {
            for (const record of records) if (record.value === 'bad') await report(record, new DataError('bad it is'));
          },
          stop() {},
        };
      },
    });
    await client.admin().createTopics([{ name: 'in-1', partitions: 1 }]);
    await send(client, 'in-1', ['good', 'bad']);
    const { worker } = await openWorker(client, [reporting]);
    const config = {
      name: 'collect',
      'connector.class': 'test.Reporting',
      'topics.regex': 'in-.*',
      'consumer.override.metadata.max.age.ms': '50',
      'errors.tolerance': 'all',
      'errors.deadletterqueue.topic.name': 'dead',
    };
    await worker.startTask(SINK_TASK, config, config, 'STARTED');
    await until('the letter', async () => (await valuesIn(client, 'dead')).length === 1);
    await client.admin().createTopics([{ name: 'in-2', partitions: 1 }]);
    await send(client, 'in-2', ['bad']);
    await until('the second', async () => (await valuesIn(client, 'dead')).length === 2);
    const committed = async () =>
      (await client.admin().committedOffsets('connect-collect')).map(({ offset }) => offset).sort();
    await until('commits', async () => (await committed()).length === 2);
    expect(await committed()).toEqual([1, 2]);
  });

  test('shares partitions among its tasks, and loses and doubles nothing of what is flushed when one goes', async () => {
    const cluster = await openCluster();
    const client = cluster.connect();
    await client.admin().createTopics([{ name: 'numbers', partitions: 4 }]);
    const { plugin, seen, calls } = collecting();
    const { worker, heard } = await openWorker(client, [plugin]);
    const config = { ...SINK, 'tasks.max': '2', 'consumer.override.heartbeat.interval.ms': '100' };
    for (const task of [0, 1]) await worker.startTask({ connector: 'collect', task }, config, config, 'STARTED');
    await send(client, 'numbers', numbers(100));
    await until('all', () => seen.length >= 100);
    await until('both have some', () => calls.filter((call) => call.startsWith('open')).length >= 2);
    await worker.stopTasks([SINK_TASK]);
    await heard.is('collect-0', 'UNASSIGNED');
    await send(
      client,
      'numbers',
      numbers(100).map((number) => `more ${number}`),
    );
    await until('all', () => seen.length >= 200);
    expect(new Set(seen.map(({ value }) => value)).size).toBe(200);
    expect(seen).toHaveLength(200);
  });

  test('whose offsets are altered goes on there; a group with members is left alone', async () => {
    const cluster = await openCluster();
    const client = cluster.connect();
    await client.admin().createTopics([{ name: 'numbers', partitions: 1 }]);
    await send(client, 'numbers', numbers(10));
    const { plugin, seen } = collecting();
    const { worker } = await openWorker(client, [plugin]);
    await worker.startTask(SINK_TASK, SINK, SINK, 'STARTED');
    await until('all', () => seen.length === 10);
    const partition = { kafka_topic: 'numbers', kafka_partition: 0 };
    const altered = [{ partition, offset: { kafka_offset: 7 } }];
    await expect(worker.alterOffsets('collect', SINK, altered)).rejects.toThrow(/tasks haven't stopped completely/);
    await worker.stopTasks([SINK_TASK]);
    expect(await worker.alterOffsets('collect', SINK, altered)).toMatch(/altered successfully/);
    expect(await worker.offsets('collect', SINK)).toEqual(altered);
    await worker.startTask(SINK_TASK, SINK, SINK, 'STARTED');
    await until('three more', () => seen.length === 13);
    await worker.stopTasks([SINK_TASK]);
    expect(await worker.alterOffsets('collect', SINK, null)).toMatch(/reset successfully/);
    await worker.startTask(SINK_TASK, SINK, SINK, 'STARTED');
    await until('all again', () => seen.length === 23);
    await expect(
      worker.alterOffsets('collect', SINK, [{ partition: { kafka_topic: 'numbers' }, offset: null }]),
    ).rejects.toThrow(/kafka_partition/);
  });
});
