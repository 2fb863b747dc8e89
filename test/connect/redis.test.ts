// The Redis connectors on a real server.
import { createClient } from 'redis';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { redisSink, redisStreamSource } from '../../src/connect/connectors/redis/index.ts';
import {
  BYTES,
  decimalOf,
  INT64,
  OPTIONAL_STRING,
  parseConfig,
  type Schema,
  type SinkRecord,
  sinkContract,
  sourceContract,
  STRING,
  structOf,
} from '../../src/connect/index.ts';
import { Decimal } from '../../src/util/index.ts';
import { emitting } from './jdbc/suite.ts';
import { type Redis, redisMissing, startRedis } from './support/redis.ts';
import { afterwards, openCluster, openWorker, recordsIn, until, valuesIn } from './support/worker.ts';

const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';
const emit = { name: 'emit', 'connector.class': 'test.Emitting', 'value.converter': JSON_CONVERTER };
const order = structOf({ id: INT64, amount: decimalOf(2), note: OPTIONAL_STRING });
const of = (key: string, id: bigint, note: string | null) => ({
  keySchema: STRING,
  key,
  valueSchema: order,
  value: { id, amount: new Decimal(1050n, 2), note },
});
const tombstone = (key: string) => ({ keySchema: STRING, key, valueSchema: null, value: null });
const text = (key: string | null, value: string) => ({ keySchema: STRING, key, valueSchema: STRING, value });

async function start(emitted: Parameters<typeof emitting>[0] = [], exactlyOnceSources = false) {
  const client = (await openCluster()).connect();
  const plugins = [redisSink, redisStreamSource, emitting(emitted)];
  const opened = await openWorker(client, plugins, { exactlyOnceSources });
  const run = async (config: Record<string, string>): Promise<void> => {
    await opened.worker.startTask({ connector: config['name']!, task: 0 }, config, config, 'STARTED');
  };
  return { client, run, ...opened };
}

const server = redisMissing === undefined ? await startRedis() : undefined;
afterAll(() => server?.stop());
describe.skipIf(server === undefined)('Redis', () => {
  const redis = server ?? ({ settings: {} } as Redis);
  beforeEach(async () => {
    await redis.send('FLUSHALL');
  });

  const sink = (more: Record<string, string> = {}) => ({
    ...redis.settings,
    name: 'out',
    'connector.class': 'RedisSink',
    topics: 'in',
    'value.converter': JSON_CONVERTER,
    'redis.connection.retry.delay.ms': '100',
    ...more,
  });
  const written = async (offset: number): Promise<void> =>
    until(`offset ${offset}`, async () => {
      const stored = await redis.send<string | null>('GET', '__kafka.offset.in.0');
      return stored === `{"topic":"in","partition":0,"offset":${offset}}`;
    });

  describe('the sink', () => {
    test('sets keys, deletes what has no value, and says how far it is', async () => {
      const { run } = await start([of('a', 1n, 'ü'), of('b', 2n, null), text('c', 'as it is'), tombstone('b')]);
      await run(emit);
      await run(sink());
      await written(3);
      expect(await redis.send('MGET', 'a', 'b', 'c')).toEqual(['{"id":1,"amount":10.50,"note":"ü"}', null, 'as it is']);
    });

    test('keeps hashes that are what their records are', async () => {
      const { run } = await start([
        of('a', 1n, 'x'),
        of('a', 9007199254740993n, null),
        of('b', 2n, 'y'),
        tombstone('b'),
      ]);
      await run(emit);
      await run(sink({ 'millrace.redis.command': 'HSET', 'millrace.redis.target': 'order:${key}' }));
      await written(3);
      expect(await redis.send('HGETALL', 'order:a')).toEqual(['id', '9007199254740993', 'amount', '10.50']);
      expect(await redis.send('EXISTS', 'order:b')).toBe(0);
    });

    test('adds entries to streams, with the key where it is wanted', async () => {
      const { run } = await start([of('a', 1n, null), text('b', 'plain')]);
      await run(emit);
      await run(
        sink({
          'millrace.redis.command': 'XADD',
          'millrace.redis.stream.key.field': 'k',
          'millrace.redis.stream.max.length': '1000',
        }),
      );
      await written(1);
      expect((await redis.send<[string, string[]][]>('XRANGE', 'in', '-', '+')).map(([, fields]) => fields)).toEqual([
        ['k', 'a', 'id', '1', 'amount', '10.50'],
        ['k', 'b', 'value', 'plain'],
      ]);
    });

    test('publishes messages', async () => {
      const subscriber = createClient({ url: `redis://:secret@127.0.0.1:${redis.port}` });
      await subscriber.connect();
      afterwards(() => subscriber.destroy());
      const heard: string[] = [];
      await subscriber.pSubscribe('*', (message, channel) => void heard.push(`${channel} ${message}`));
      const { run } = await start([of('a', 1n, null), text('b', 'plain')]);
      await run(emit);
      await run(sink({ 'millrace.redis.command': 'PUBLISH', topics: 'in' }));
      await until('both', () => heard.length === 2);
      expect(heard).toEqual(['in {"id":1,"amount":10.50,"note":null}', 'in plain']);
    });

    test('reports what Redis refuses, and what has no key, and writes the others', async () => {
      await redis.send('RPUSH', 'b', 'a list');
      const { client, run, heard } = await start([
        of('a', 1n, null),
        of('b', 2n, null),
        text(null, 'no key'),
        text('d', 'no fields'),
        of('e', 3n, null),
      ]);
      await run(emit);
      const config = sink({ 'millrace.redis.command': 'HSET' });
      await run({ ...config, name: 'strict' });
      await heard.is('strict-0', 'FAILED');
      await run({ ...config, 'errors.tolerance': 'all', 'errors.deadletterqueue.topic.name': 'dead' });
      await until('the letters', async () => (await recordsIn(client, 'dead')).length === 3);
      expect((await recordsIn(client, 'dead')).map(({ key }) => key?.toString()).sort()).toEqual(['b', 'd', undefined]);
      expect(await redis.send('HGET', 'e', 'id')).toBe('3');
    });

    test('says that a server lacks a command', async () => {
      const { run, heard } = await start([of('a', 1n, null)]);
      await run(emit);
      await run(sink({ 'millrace.redis.command': 'JSON.SET' }));
      await heard.is('out-0', 'FAILED');
      expect(heard.traces.get('out-0')).toContain('this server has no JSON.SET');
    });

    test('refuses settings that cannot be, and says what is wrong with a login', async () => {
      const check = (more: Record<string, string>) => parseConfig(redisSink.config, { ...redis.settings, ...more });
      expect(() => check({ 'redis.hosts': 'a:1,b:2' })).toThrow(/cluster, which is not supported/);
      expect(() => check({ 'redis.client.mode': 'Cluster' })).toThrow(/redis.client.mode/);
      expect(() => check({ 'redis.ssl.truststore.path': '/x' })).toThrow(/NODE_EXTRA_CA_CERTS/);
      expect(await redisSink.validate!(check({}))).toEqual([]);
      const [lacking] = await redisSink.validate!(check({ 'millrace.redis.command': 'JSON.SET' }));
      expect(lacking!.message).toContain('this server has no JSON.SET');
      const problems = await redisSink.validate!(check({ 'redis.password': 'wrong' }));
      expect(problems.map(({ message }) => message).join()).toMatch(/WRONGPASS/);
      expect((await redisSink.validate!(check({ 'redis.database': '99' })))[0]!.message).toMatch(/DB index/);
      expect((await redisSink.validate!(check({ 'redis.hosts': '127.0.0.1:1' })))[0]!.message).toMatch(
        /Could not connect/,
      );
    });
  });

  describe('the source', () => {
    const source = (more: Record<string, string> = {}) => ({
      ...redis.settings,
      name: 'streams',
      'connector.class': 'RedisStreamSource',
      'redis.streams': 'a,b',
      'topic.name.pattern': 'from-${stream}',
      'value.converter': JSON_CONVERTER,
      'value.converter.schemas.enable': 'false',
      ...more,
    });

    test('reads streams, and goes on where it was, exactly once', async () => {
      for (let i = 0; i < 5; i++) await redis.send('XADD', 'a', '*', 'n', String(i));
      const { client, run, worker } = await start();
      await run(source({ 'redis.stream.key.field': 'n', 'batch.max.records': '2' }));
      await until('five', async () => (await valuesIn(client, 'from-a')).length === 5);
      await redis.send('XADD', 'b', '7-1', 'x', 'ü', 'y', '');
      await until('b', async () => (await valuesIn(client, 'from-b')).length === 1);
      const [record] = await recordsIn(client, 'from-b');
      expect([record!.value!.toString(), record!.key]).toEqual(['{"x":"ü","y":""}', null]);
      expect(record!.headers.map(({ key, value }) => [key, value?.toString()])).toEqual([['redis.entry.id', '7-1']]);
      await worker.stopTasks([{ connector: 'streams', task: 0 }]);
      await redis.send('XADD', 'a', '*', 'n', '5');
      await run(source({ 'redis.stream.key.field': 'n' }));
      await until('six', async () => (await valuesIn(client, 'from-a')).length === 6);
      const read = await recordsIn(client, 'from-a');
      expect(read.map(({ key }) => key!.toString()).sort()).toEqual(['0', '1', '2', '3', '4', '5']);
    });

    test('leaves nothing out and reads nothing twice, however often it is stopped', async () => {
      const { client, run, worker } = await start([], true);
      let added = 0;
      for (let round = 0; round < 6; round++) {
        await run(source({ 'redis.streams': 'a', 'redis.stream.key.field': 'n', 'batch.max.records': '7' }));
        for (let i = 0; i < 40; i++) await redis.send('XADD', 'a', '*', 'n', String(added++));
        await until('some', async () => (await recordsIn(client, 'from-a')).length > round * 20);
        await worker.stopTasks([{ connector: 'streams', task: 0 }]);
      }
      await run(source({ 'redis.streams': 'a', 'redis.stream.key.field': 'n' }));
      const numbers = async () => (await recordsIn(client, 'from-a')).map(({ key }) => Number(key!.toString()));
      await until('all', async () => (await numbers()).length >= added);
      expect((await numbers()).sort((a, b) => a - b)).toEqual(Array.from({ length: added }, (_, i) => i));
    });

    test('begins behind what is there, where that is asked for, and keeps bytes as they are', async () => {
      await redis.send('XADD', 'a', '*', 'n', 'old');
      const { client, run, heard } = await start();
      await run(
        source({
          'redis.stream.start': 'latest',
          'redis.stream.values': 'bytes',
          'redis.stream.key.field': 'k',
          'key.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter',
        }),
      );
      await heard.is('streams-0', 'RUNNING');
      let added = 0;
      await until('one', async () => {
        await redis.send('XADD', 'a', '*', 'k', `new${added++}`);
        return (await recordsIn(client, 'from-a')).length > 0;
      });
      const [record] = await recordsIn(client, 'from-a');
      expect(record!.key!.toString()).toMatch(/^new/);
      expect(record!.value!.toString()).toBe(`{"k":"${record!.key!.toString('base64')}"}`);
    });

    test('refuses offsets, and names of topics, that cannot be', async () => {
      const given = parseConfig(redisStreamSource.config, source({ 'redis.streams': 'a:b' }));
      expect((await redisStreamSource.validate!(given)).map(({ name }) => name)).toEqual(['topic.name.pattern']);
      const offsets = (partition: object, offset: object) => () =>
        redisStreamSource.checkOffsets!(given, [{ partition: { ...partition }, offset: { ...offset } }]);
      expect(offsets({ stream: 'a' }, { id: '1-0' })).not.toThrow();
      expect(offsets({ stream: 'a' }, { id: '1' })).toThrow(/id of an entry/);
      expect(offsets({ file: 'a' }, { id: '1-0' })).toThrow(/must name a stream/);
    });
  });

  test('a server that goes away is waited for, and nothing is lost', async () => {
    const { client, run, heard } = await start();
    await redis.send('XADD', 'a', '*', 'n', '0');
    const settings = { 'redis.connection.retry.delay.ms': '100', 'redis.operation.timeout.ms': '1000' };
    await run({
      ...redis.settings,
      ...settings,
      name: 'streams',
      'connector.class': 'RedisStreamSource',
      'redis.streams': 'a',
      'topic.name.pattern': 'in',
      'redis.stream.key.field': 'n',
      'value.converter': JSON_CONVERTER,
    });
    await run(sink({ ...settings, 'millrace.redis.command': 'HSET' }));
    await until('the first', async () => (await redis.send('HGET', '0', 'n')) === '0');
    await redis.halt();
    await redis.resume();
    for (let i = 1; i < 20; i++) await redis.send('XADD', 'a', '*', 'n', String(i));
    await until('all', async () => (await redis.send('HGET', '19', 'n')) === '19');
    expect((await recordsIn(client, 'in')).map(({ key }) => key!.toString())).toHaveLength(20);
    expect([heard.stateOf('streams-0'), heard.stateOf('out-0')]).toEqual(['RUNNING', 'RUNNING']);
  });

  test('a server that stands still is waited for, and nothing is lost', async () => {
    const { client, run, heard, log } = await start();
    const settings = { 'redis.connection.retry.delay.ms': '100', 'redis.operation.timeout.ms': '400' };
    const timing = { ...settings, 'redis.socket.connect.timeout.ms': '400' };
    await redis.send('XADD', 'a', '*', 'n', '0');
    await run({
      ...redis.settings,
      ...timing,
      name: 'streams',
      'connector.class': 'RedisStreamSource',
      'redis.streams': 'a',
      'topic.name.pattern': 'in',
      'redis.stream.key.field': 'n',
      'value.converter': JSON_CONVERTER,
    });
    await run(sink({ ...timing, 'millrace.redis.command': 'HSET' }));
    await until('the first', async () => (await redis.send('HGET', '0', 'n')) === '0');
    redis.freeze();
    await until('the source has noticed', () =>
      log.some((line) => line.includes('could not read, and will try again')),
    );
    redis.thaw();
    for (let i = 1; i < 20; i++) await redis.send('XADD', 'a', '*', 'n', String(i));
    await until('all', async () => (await redis.send('HGET', '19', 'n')) === '19');
    expect(await recordsIn(client, 'in')).toHaveLength(20);
    expect([heard.stateOf('streams-0'), heard.stateOf('out-0')]).toEqual(['RUNNING', 'RUNNING']);
  });

  const records = (schema: Schema, value: (i: number) => unknown): SinkRecord[] =>
    Array.from({ length: 5 }, (_, offset) => ({
      topic: 't',
      partition: 0,
      offset,
      keySchema: BYTES,
      key: Buffer.from(`k${offset}`),
      valueSchema: schema,
      value: value(offset),
      timestamp: 1000,
      timestampType: 'CreateTime',
      headers: [],
      originalTopic: 't',
      originalPartition: 0,
      originalOffset: offset,
    }));
  const checks = [
    ...sinkContract(redisSink, {
      config: redis.settings,
      records: records(STRING, (i) => `v${i}`),
      isIdempotent: true,
      prepare: () => redis.send('FLUSHALL').then(() => {}),
      written: () => redis.send('MGET', ...[0, 1, 2, 3, 4].map((i) => `k${i}`), '__kafka.offset.t.0'),
    }),
    ...sourceContract(redisStreamSource, {
      config: { ...redis.settings, 'redis.streams': 's', 'batch.max.records': '4' },
      records: 10,
      async prepare() {
        await redis.send('FLUSHALL');
        for (let i = 0; i < 10; i++) await redis.send('XADD', 's', '*', 'n', String(i));
      },
    }),
  ];
  test.each(checks)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
