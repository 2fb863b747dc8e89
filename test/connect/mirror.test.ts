// Topics, offsets of groups and heartbeats of one cluster in another, and back, over TCP between two brokers.
import { expect, test } from 'vitest';
import { mirrorCheckpoint, mirrorHeartbeat, mirrorSource } from '../../src/connect/connectors/mirror/index.ts';
import { readCheckpoint, readSync } from '../../src/connect/connectors/mirror/records.ts';
import { openCluster, openWorker, recordsIn, until, valuesIn } from './support/worker.ts';

const BYTES = 'org.apache.kafka.connect.converters.ByteArrayConverter';

async function twoClusters() {
  const [source, target] = [await openCluster(), await openCluster()];
  const address = async ({ broker }: typeof source): Promise<string> => {
    const { host, port } = await broker.listen({ host: '127.0.0.1', port: 0 });
    return `${host}:${port}`;
  };
  const settings = {
    'source.cluster.alias': 'west',
    'target.cluster.alias': 'east',
    'source.cluster.bootstrap.servers': await address(source),
    'target.cluster.bootstrap.servers': await address(target),
    'key.converter': BYTES,
    'value.converter': BYTES,
    'header.converter': BYTES,
  };
  return { from: source.connect(), to: target.connect(), settings };
}

async function running(client: Parameters<typeof openWorker>[0], more: Parameters<typeof openWorker>[2] = {}) {
  const opened = await openWorker(client, [mirrorSource, mirrorCheckpoint, mirrorHeartbeat], more);
  const { worker } = opened;
  const run = async (config: Record<string, string>): Promise<void> => {
    const connector = config['name']!;
    await worker.startConnector(connector, config, 'STARTED');
    await opened.heard.is(connector, 'RUNNING');
    for (const [task, settings] of (await worker.taskConfigs(connector)).entries())
      await worker.startTask({ connector, task }, config, settings, 'STARTED');
  };
  return { ...opened, run };
}

test.each([false, true])(
  'mirrors topics with their records, settings and new partitions, exactly once: %s',
  async (exactlyOnceSources) => {
    const { from, to, settings } = await twoClusters();
    await from.admin().createTopics([
      { name: 'orders', partitions: 2, configs: { 'cleanup.policy': 'compact', 'retention.ms': '1234567' } },
      { name: 'other', partitions: 1 },
    ]);
    const producer = from.producer({ lingerMs: 0 });
    for (let i = 0; i < 50; i++)
      await producer.send({
        topic: 'orders',
        partition: i % 2,
        key: `k${i}`,
        value: i === 7 ? null : `v${i}`,
        timestamp: 1000 + i,
        headers: [{ key: 'h', value: Buffer.from([i]) }],
      });
    const { run, worker, heard } = await running(to, { exactlyOnceSources });
    const config = {
      ...settings,
      name: 'mirror',
      'connector.class': 'MirrorSource',
      topics: 'orders',
      'tasks.max': '4',
      'refresh.topics.interval.seconds': '1',
      'sync.topic.configs.interval.seconds': '1',
      'offset.lag.max': '10',
    };
    await run(config);
    await until('fifty', async () => (await recordsIn(to, 'west.orders')).length === 50);
    expect(worker.running().tasks).toHaveLength(2);
    const records = await recordsIn(to, 'west.orders');
    const mirrored = records.find(({ key }) => key?.toString() === 'k9')!;
    expect([
      mirrored.partition,
      mirrored.timestamp,
      mirrored.value?.toString(),
      mirrored.headers[0]!.value?.[0],
    ]).toEqual([1, 1009, 'v9', 9]);
    expect(records.find(({ key }) => key?.toString() === 'k7')!.value).toBeNull();
    const configs = Object.fromEntries(
      (await to.admin().topicConfigs('west.orders')).map(({ name, value }) => [name, value]),
    );
    expect(configs).toMatchObject({ 'cleanup.policy': 'compact', 'retention.ms': '1234567' });
    expect(await to.admin().listTopics()).not.toContain('west.other');

    await from.admin().createPartitions('orders', 3);
    await from.admin().alterTopicConfigs('orders', { 'retention.ms': '7654321' });
    await until('the connector asks for tasks', () => heard.reconfigurations.length > 0);
    expect((await to.admin().describeTopics(['west.orders'])).get('west.orders')?.partitions).toHaveLength(3);
    await until('the setting', async () =>
      (await to.admin().topicConfigs('west.orders')).some(
        ({ name, value }) => name === 'retention.ms' && value === '7654321',
      ),
    );

    await worker.stopTasks(worker.running().tasks);
    for (const [task, given] of (await worker.taskConfigs('mirror')).entries())
      await worker.startTask({ connector: 'mirror', task }, config, given, 'STARTED');
    await producer.send({ topic: 'orders', partition: 2, key: 'late', value: 'late' });
    await until('one more', async () => (await recordsIn(to, 'west.orders')).length === 51);
    await producer.close();
    const syncs = await recordsIn(from, 'mm2-offset-syncs.east.internal');
    expect(readSync(syncs[0]!.key!, syncs[0]!.value!)).toMatchObject({ topic: 'orders' });
    expect(syncs.length).toBeLessThan(20);
  },
);

test('translates the offsets of groups, and commits them where nobody is at work', async () => {
  const { from, to, settings } = await twoClusters();
  await from.admin().createTopics([{ name: 'orders', partitions: 1 }]);
  const producer = from.producer({ lingerMs: 0 });
  for (let i = 0; i < 30; i++) await producer.send({ topic: 'orders', value: `v${i}` });
  await producer.close();
  // Offsets there are not those here.
  await from.admin().deleteRecords([{ topic: 'orders', partition: 0, offset: 10 }]);
  await from.admin().alterOffsets('readers', [{ topic: 'orders', partition: 0, offset: 25 }]);
  const { run } = await running(to);
  await run({
    ...settings,
    name: 'mirror',
    'connector.class': 'MirrorSource',
    topics: 'orders',
    'offset.lag.max': '1',
  });
  await until('twenty', async () => (await valuesIn(to, 'west.orders')).length === 20);
  await until('syncs', async () => (await recordsIn(from, 'mm2-offset-syncs.east.internal')).length === 20);
  await run({
    ...settings,
    name: 'checkpoints',
    'connector.class': 'MirrorCheckpoint',
    topics: 'orders',
    'sync.group.offsets.enabled': 'true',
    'emit.checkpoints.interval.seconds': '1',
  });
  await until('a checkpoint', async () => (await recordsIn(to, 'west.checkpoints.internal')).length > 0);
  const [checkpoint] = await recordsIn(to, 'west.checkpoints.internal');
  expect(readCheckpoint(checkpoint!.key!, checkpoint!.value!)).toEqual({
    group: 'readers',
    topic: 'west.orders',
    partition: 0,
    upstream: 25,
    downstream: 15,
    metadata: '',
  });
  await until('the group', async () => (await to.admin().committedOffsets('readers')).length === 1);
  expect((await to.admin().committedOffsets('readers'))[0]).toMatchObject({ topic: 'west.orders', offset: 15 });
});

test('beats, and refuses to mirror a cluster into itself', async () => {
  const { to, settings } = await twoClusters();
  const { run } = await running(to);
  await run({ ...settings, name: 'beats', 'connector.class': 'MirrorHeartbeat' });
  await until('a beat', async () => (await recordsIn(to, 'heartbeats')).length > 0);
  const [beat] = await recordsIn(to, 'heartbeats');
  expect(beat!.key!.toString('latin1')).toBe('\0\x04west\0\x04east');
  const { parseConfig } = await import('../../src/connect/index.ts');
  const problems = mirrorSource.validate!(
    parseConfig(mirrorSource.config, { ...settings, 'target.cluster.alias': 'west' }),
  );
  expect(await problems).toMatchObject([{ name: 'target.cluster.alias' }]);
});
