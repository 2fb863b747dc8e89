// What admins ask for, and what clients may not do: topics, configs, metadata, and the checks on what is written.
import { beforeEach, describe, expect, test } from 'vitest';
import type { Broker } from '../../src/broker/index.ts';
import {
  alterConfigs,
  create,
  createPartitions,
  createTopics,
  deleteTopics,
  describeCluster,
  describeConfigs,
  describeLogDirs,
  describeTopicPartitions,
  incrementalAlterConfigs,
  metadata,
  offsetForLeaderEpoch,
  ResourceType,
  sealBatch,
  type Transport,
} from '../../src/protocol/index.ts';
import { ManualEnvironment } from '../../src/util/index.ts';
import { FaultDisk } from './fault-disk.ts';
import { batchOf, createTopic, fetchOnce, openBroker, readAll, send, temporaryDirectory } from './support.ts';

let broker: Broker;
let transport: Transport;

beforeEach(async () => {
  broker = await openBroker({ settings: { 'num.partitions': 2, 'log.retention.hours': 1 } });
  transport = broker.connect();
});

describe('topics', () => {
  const attempt = async (topic: object, validateOnly = false) => {
    const request = create(createTopics, { topics: [{ name: 'new', ...topic }], validateOnly });
    return (await transport.request(createTopics, request)).topics[0]!;
  };

  test('are created with defaults, and refused for what Kafka refuses', async () => {
    expect(await attempt({})).toMatchObject({ errorCode: 0, numPartitions: 2, replicationFactor: 1 });
    expect((await attempt({})).errorCode).toBe(36);
    expect((await attempt({ name: 'bad name' })).errorCode).toBe(17);
    expect((await attempt({ name: '..' })).errorCode).toBe(17);
    expect((await attempt({ name: 'x', numPartitions: 0 })).errorCode).toBe(37);
    expect((await attempt({ name: 'x', replicationFactor: 3 })).errorCode).toBe(38);
    const assignments = [{ partitionIndex: 0, brokerIds: [7] }];
    expect((await attempt({ name: 'x', assignments })).errorCode).toBe(39);
    const misspelt = await attempt({ name: 'x', configs: [{ name: 'retention.m', value: '1' }] });
    expect(misspelt).toMatchObject({ errorCode: 40, errorMessage: expect.stringContaining('"retention.ms"') });
    expect((await attempt({ name: 'x' }, true)).errorCode).toBe(0);
    expect((await metadataOf(['x'], false))[0]!.errorCode).toBe(3);
  });

  test('keep their id over a restart, and get another one when created again', async () => {
    const dataDir = temporaryDirectory();
    const first = await openBroker({ dataDir });
    transport = first.connect();
    await createTopic(transport, 't', 3);
    const { topicId } = (await metadataOf(['t']))[0]!;
    await first.close();
    transport = (await openBroker({ dataDir })).connect();
    const found = (await metadataOf(['t']))[0]!;
    expect(found).toMatchObject({ topicId, errorCode: 0 });
    expect(found.partitions.length).toBe(3);
    await send(transport, 't', ['old']);
    const topics = [{ name: null, topicId }];
    const deleted = await transport.request(deleteTopics, create(deleteTopics, { topics }));
    expect(deleted.responses[0]).toMatchObject({ errorCode: 0, name: 't' });
    expect((await metadataOf(['t'], false))[0]!.errorCode).toBe(3);
    await createTopic(transport, 't');
    expect((await metadataOf(['t']))[0]!.topicId).not.toBe(topicId);
  });

  test('are made on the way when their metadata is asked for, and described at once', async () => {
    expect((await metadataOf(['auto']))[0]).toMatchObject({ errorCode: 0, name: 'auto' });
    expect((await metadataOf(['auto', 'auto'])).map(({ partitions }) => partitions.length)).toEqual([2]);
    expect((await metadataOf(['not this one'])).map(({ errorCode }) => errorCode)).toEqual([17]);
    expect((await metadataOf(null)).map(({ name }) => name)).toEqual(['auto']);
    expect(await metadataOf([])).toEqual([]);
  });

  test('grow, and are described page by page', async () => {
    await createTopic(transport, 'a', 2);
    await createTopic(transport, 'b', 2);
    const grow = async (count: number) => {
      const request = create(createPartitions, { topics: [{ name: 'a', count }] });
      return (await transport.request(createPartitions, request)).results[0]!.errorCode;
    };
    expect(await grow(2)).toBe(37);
    expect(await grow(5)).toBe(0);
    const page = (cursor: { topicName: string; partitionIndex: number } | null) =>
      transport.request(
        describeTopicPartitions,
        create(describeTopicPartitions, { responsePartitionLimit: 3, cursor }),
      );
    const seen: string[] = [];
    let cursor: { topicName: string; partitionIndex: number } | null = null;
    do {
      const answer = await page(cursor);
      for (const { name, partitions } of answer.topics) {
        seen.push(...partitions.map(({ partitionIndex }) => `${name}${partitionIndex}`));
      }
      cursor = answer.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'b0', 'b1']);
  });

  test('that are internal are not written to by clients', async () => {
    await transport.request(createTopics, create(createTopics, { topics: [{ name: '__consumer_offsets' }] }));
    expect((await send(transport, '__consumer_offsets', [{ key: 'k', value: 'v' }])).errorCode).toBe(17);
  });

  test('that are internal look the same whoever is the first to ask for them', async () => {
    await metadataOf(['__consumer_offsets']);
    const resources = [{ resourceType: ResourceType.topic, resourceName: '__consumer_offsets' }];
    const answer = await transport.request(describeConfigs, create(describeConfigs, { resources }));
    const policy = answer.results[0]!.configs.find(({ name }) => name === 'cleanup.policy');
    expect(policy).toMatchObject({ value: 'compact' });
    expect((await metadataOf(['__consumer_offsets']))[0]!.partitions.length).toBe(50);
  });

  test("whose names differ in '.' and '_' only collide, however they are made", async () => {
    await createTopic(transport, 'col.x_y');
    const refused = await attempt({ name: 'col_x.y' });
    expect(refused).toMatchObject({ errorCode: 17, errorMessage: expect.stringContaining("'col.x_y'") });
    expect((await attempt({ name: 'col_x.y' }, true)).errorCode).toBe(17);
    expect((await metadataOf(['col_x_y']))[0]!.errorCode).toBe(17);
    expect((await attempt({ name: '__cluster_metadata' })).errorCode).toBe(42);
    expect((await metadataOf(['__cluster_metadata']))[0]!.errorCode).toBe(42);
    await transport.request(deleteTopics, create(deleteTopics, { topics: [{ name: 'col.x_y' }] }));
    expect((await attempt({ name: 'col_x.y' })).errorCode).toBe(0);
  });

  test('are made together, and each that can not be made says why', async () => {
    const wanted = ['a', 'b b', 'c', 'd', 'd'].map((name) => ({ name }));
    const answer = await transport.request(createTopics, create(createTopics, { topics: wanted }));
    expect(answer.topics.map(({ errorCode }) => errorCode)).toEqual([0, 17, 0, 42]);
    const gone = ['a', 'nowhere', 'c', 'c'].map((name) => ({ name }));
    const deleted = await transport.request(deleteTopics, create(deleteTopics, { topics: [...gone, { name: null }] }));
    expect(deleted.responses.map(({ errorCode }) => errorCode)).toEqual([0, 3, 42, 42]);
    expect((await metadataOf(null)).map(({ name }) => name)).toEqual(['c']);
  });

  test('are made all or none when the disk is full', async () => {
    const disk = new FaultDisk();
    transport = (await openBroker({ dataDir: '/data', disk })).connect();
    await createTopic(transport, 'there');
    disk.failWrites = true;
    const topics = [{ name: 'a' }, { name: 'b' }];
    const answer = await transport.request(createTopics, create(createTopics, { topics }));
    expect(answer.topics.map(({ errorCode }) => errorCode)).toEqual([56, 56]);
    const grown = create(createPartitions, { topics: [{ name: 'there', count: 3 }] });
    expect((await transport.request(createPartitions, grown)).results[0]!.errorCode).toBe(56);
    const deletion = create(deleteTopics, { topics: [{ name: 'there' }] });
    expect((await transport.request(deleteTopics, deletion)).responses[0]!.errorCode).toBe(56);
    disk.failWrites = false;
    expect((await metadataOf(null)).map(({ name, partitions }) => [name, partitions.length])).toEqual([['there', 1]]);
    await createTopic(transport, 'a', 2);
  });

  test('grow within limits: nothing is begun that would never end', async () => {
    await createTopic(transport, 't', 1);
    const grow = async (...topics: { name: string; count: number; assignments?: { brokerIds: number[] }[] }[]) => {
      const answer = await transport.request(createPartitions, create(createPartitions, { topics }));
      return answer.results.map(({ errorCode }) => errorCode);
    };
    expect(await grow({ name: 't', count: 0x7fffffff })).toEqual([37]);
    expect(await grow({ name: 't', count: 20_000 })).toEqual([44]);
    expect(await grow({ name: 't', count: 2 }, { name: 't', count: 3 })).toEqual([42]);
    expect(await grow({ name: 't', count: 2, assignments: [] })).toEqual([39]);
    expect(await grow({ name: 't', count: 2, assignments: [{ brokerIds: [1] }] })).toEqual([0]);
    expect((await attempt({ name: 'large', numPartitions: 10_001 }, true)).errorCode).toBe(44);
    const assignments = Array.from({ length: 10_001 }, (_, partitionIndex) => ({ partitionIndex, brokerIds: [1] }));
    expect((await attempt({ name: 'large', assignments })).errorCode).toBe(44);
    const many = Array.from({ length: 50_000 }, (_, i) => ({ name: `t${i}` }));
    const answer = await transport.request(createTopics, create(createTopics, { topics: many, validateOnly: true }));
    expect(new Set(answer.topics.map(({ errorCode }) => errorCode))).toEqual(new Set([44]));
  });

  async function metadataOf(names: string[] | null, allowAutoTopicCreation = true) {
    const topics = names?.map((name) => ({ name })) ?? null;
    return (await transport.request(metadata, create(metadata, { topics, allowAutoTopicCreation }))).topics;
  }
});

describe('configs', () => {
  test('come from the topic, the broker or the defaults', async () => {
    await createTopic(transport, 't', 1, { 'segment.bytes': '2000000' });
    expect(await valueOf('segment.bytes')).toMatchObject({ value: '2000000', configSource: 1 });
    expect((await valueOf('segment.bytes')).synonyms.map(({ name }) => name)).toEqual([
      'segment.bytes',
      'log.segment.bytes',
    ]);
    expect(await valueOf('retention.ms')).toMatchObject({ value: '3600000' });
    expect(await valueOf('flush.ms')).toMatchObject({ value: '9223372036854775807', configSource: 5 });
  });

  test('are set, deleted, appended to and subtracted from, and bad ones are refused as a whole', async () => {
    await createTopic(transport, 't');
    expect((await alter([{ name: 'cleanup.policy', configOperation: 2, value: 'compact' }])).errorCode).toBe(0);
    expect((await valueOf('cleanup.policy')).value).toBe('delete,compact');
    await alter([{ name: 'cleanup.policy', configOperation: 3, value: 'delete' }]);
    expect((await valueOf('cleanup.policy')).value).toBe('compact');
    await alter([{ name: 'cleanup.policy', configOperation: 1, value: null }]);
    expect(await valueOf('cleanup.policy')).toMatchObject({ value: 'delete', configSource: 5 });
    const bad = await alter([
      { name: 'retention.ms', configOperation: 0, value: '5' },
      { name: 'segment.bytes', configOperation: 0, value: 'many' },
    ]);
    expect(bad.errorCode).toBe(40);
    expect((await valueOf('retention.ms')).value).toBe('3600000');
    expect((await alter([{ name: 'retention.ms', configOperation: 2, value: '5' }])).errorCode).toBe(40);
  });

  test('are all told when none is named, be it by null or by an empty list', async () => {
    await createTopic(transport, 't');
    const named = async (configurationKeys: string[] | null) => {
      const resources = [{ resourceType: ResourceType.topic, resourceName: 't', configurationKeys }];
      const answer = await transport.request(describeConfigs, create(describeConfigs, { resources }));
      return answer.results[0]!.configs.length;
    };
    expect(await named(null)).toBeGreaterThan(20);
    expect(await named([])).toBe(await named(null));
    expect(await named(['retention.ms', 'nonsense'])).toBe(1);
  });

  test('are not null', async () => {
    await createTopic(transport, 't');
    expect((await alter([{ name: 'retention.ms', configOperation: 0, value: null }])).errorCode).toBe(42);
    const resources = [
      { resourceType: ResourceType.topic, resourceName: 't', configs: [{ name: 'retention.ms', value: null }] },
    ];
    const answer = await transport.request(alterConfigs, create(alterConfigs, { resources }));
    expect(answer.responses[0]!.errorCode).toBe(42);
    const topics = [{ name: 'new', configs: [{ name: 'retention.ms', value: null }] }];
    expect((await transport.request(createTopics, create(createTopics, { topics }))).topics[0]!.errorCode).toBe(40);
  });

  test('of the broker are told, and the cluster too', async () => {
    const resources = [{ resourceType: ResourceType.broker, resourceName: '1' }];
    const answer = await transport.request(describeConfigs, create(describeConfigs, { resources }));
    const partitions = answer.results[0]!.configs.find(({ name }) => name === 'num.partitions');
    expect(partitions).toMatchObject({ value: '2', configSource: 4, readOnly: true });
    const cluster = await transport.request(describeCluster, create(describeCluster, {}));
    expect(cluster).toMatchObject({ clusterId: broker.clusterId, controllerId: 1 });
    const asked = create(describeCluster, { includeClusterAuthorizedOperations: true });
    expect((await transport.request(describeCluster, asked)).clusterAuthorizedOperations).toBe(0b1_1111_1010_0000);
    await createTopic(transport, 't');
    await send(transport, 't', ['x']);
    const dirs = await transport.request(describeLogDirs, create(describeLogDirs, {}));
    expect(dirs.results[0]!.topics[0]!.partitions[0]!.partitionSize).toBeGreaterThan(60);
  });

  test('that nobody knows keep the broker from opening', async () => {
    await expect(openBroker({ settings: { 'num.partition': 3 } })).rejects.toThrow(/Did you mean "num.partitions"/);
    await expect(openBroker({ settings: { 'num.partitions': 'many' } })).rejects.toThrow(/must be a number/);
  });
});

describe('what is written', () => {
  test('is checked', async () => {
    await createTopic(transport, 't', 1, { 'max.message.bytes': '1000' });
    const good = batchOf(['a', 'b']);
    const changed = (change: (batch: Buffer) => void): Buffer => {
      const batch = Buffer.from(good);
      change(batch);
      sealBatch(batch);
      return batch;
    };
    const codeOf = async (batch: Buffer) => (await send(transport, 't', batch)).errorCode;
    expect(await codeOf(good)).toBe(0);
    const flipped = Buffer.from(good);
    flipped[70]! ^= 1;
    expect(await codeOf(flipped)).toBe(2);
    expect(await codeOf(Buffer.concat([good, good]))).toBe(87);
    expect(await codeOf(batchOf(['x'.repeat(2000)]))).toBe(10);
    expect(await codeOf(changed((batch) => batch.writeInt32BE(3, 57)))).toBe(87);
    expect(await codeOf(changed((batch) => batch.writeInt32BE(5, 23)))).toBe(87);
    expect(await codeOf(batchOf(['x'], { control: true, transactional: true }))).toBe(87);
    expect(await codeOf(batchOf(['x'], { producerId: 5, producerEpoch: 0 }))).toBe(87);
    expect(await codeOf(batchOf([{ value: 'x', timestamp: Date.now() + 10 * 3_600_000 }]))).toBe(32);
    expect((await send(transport, 't', ['x'], { acks: 2 })).errorCode).toBe(21);
    expect((await send(transport, 't', ['x'], { partition: 9 })).errorCode).toBe(3);
    expect((await fetchOnce(transport, 't', 2)).highWatermark).toBe(2);
  });

  test('gets the time of its arrival, and another codec, when the topic says so', async () => {
    const clock = new ManualEnvironment(5_000_000);
    transport = (await openBroker({ environment: clock })).connect();
    await createTopic(transport, 't', 1, { 'message.timestamp.type': 'LogAppendTime', 'compression.type': 'gzip' });
    expect(await send(transport, 't', ['a', 'b'])).toMatchObject({ errorCode: 0, logAppendTimeMs: 5_000_000 });
    const records = await readAll(transport, 't');
    expect(records.map(({ value, timestamp }) => [value, timestamp])).toEqual([
      ['a', 5_000_000],
      ['b', 5_000_000],
    ]);
    expect((await fetchOnce(transport, 't', 0)).records!.readInt16BE(21) & 7).toBe(1);
  });

  test('is acknowledged though more replicas are demanded than there are: no more can be (KIP-966)', async () => {
    await createTopic(transport, 't', 1, { 'min.insync.replicas': '2' });
    expect((await send(transport, 't', ['x'])).errorCode).toBe(0);
    expect((await send(transport, 't', ['x'], { acks: 1 })).errorCode).toBe(0);
  });

  test('has a leader epoch that clients can ask about', async () => {
    await createTopic(transport, 't');
    await send(transport, 't', ['x']);
    const ask = async (leaderEpoch: number, currentLeaderEpoch = -1) => {
      const topics = [{ topic: 't', partitions: [{ partition: 0, leaderEpoch, currentLeaderEpoch }] }];
      const answer = await transport.request(offsetForLeaderEpoch, create(offsetForLeaderEpoch, { topics }));
      return answer.topics[0]!.partitions[0]!;
    };
    expect(await ask(0)).toMatchObject({ errorCode: 0, leaderEpoch: 0, endOffset: 1 });
    expect((await ask(0, 4)).errorCode).toBe(75);
  });
});

async function valueOf(name: string) {
  const resources = [{ resourceType: ResourceType.topic, resourceName: 't', configurationKeys: [name] }];
  const answer = await transport.request(
    describeConfigs,
    create(describeConfigs, { resources, includeSynonyms: true }),
  );
  return answer.results[0]!.configs[0]!;
}

async function alter(configs: { name: string; configOperation: number; value: string | null }[]) {
  const resources = [{ resourceType: ResourceType.topic, resourceName: 't', configs }];
  const request = create(incrementalAlterConfigs, { resources });
  return (await transport.request(incrementalAlterConfigs, request)).responses[0]!;
}
