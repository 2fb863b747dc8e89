// kafkajs against a broker of ours over TCP: codecs, groups that share and hand over, transactions, admin requests.
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import kafkajs from 'kafkajs';
import SnappyCodec from 'kafkajs-snappy';
import { compressFrameSync, decompressFrameSync } from 'lz4-napi';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listeningBroker } from './support.ts';

const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = kafkajs;

interface Encoder {
  readonly buffer: Buffer;
}

Object.assign(CompressionCodecs, {
  [CompressionTypes.Snappy]: SnappyCodec,
  [CompressionTypes.LZ4]: () => ({
    compress: async (encoder: Encoder) => compressFrameSync(encoder.buffer),
    decompress: async (bytes: Buffer) => decompressFrameSync(bytes),
  }),
  [CompressionTypes.ZSTD]: () => ({
    compress: async (encoder: Encoder) => zstdCompressSync(encoder.buffer),
    decompress: async (bytes: Buffer) => zstdDecompressSync(bytes),
  }),
});

describe('kafkajs', () => {
  let kafka: InstanceType<typeof Kafka>;
  const open: { disconnect(): Promise<void> }[] = [];

  beforeAll(async () => {
    process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
    const broker = await listeningBroker();
    kafka = new Kafka({ clientId: 'interop', brokers: [broker.address], logLevel: logLevel.NOTHING });
    return broker.stop;
  });

  afterAll(async () => {
    await Promise.all(open.map((client) => client.disconnect()));
  });

  async function connected<C extends { connect(): Promise<void>; disconnect(): Promise<void> }>(client: C): Promise<C> {
    await client.connect();
    open.push(client);
    return client;
  }

  async function topic(name: string, numPartitions = 1): Promise<string> {
    const admin = await connected(kafka.admin());
    await admin.createTopics({ topics: [{ topic: name, numPartitions }] });
    return name;
  }

  /** Reads until `count` records came. */
  async function read(from: string, groupId: string, count: number): Promise<{ value: string; partition: number }[]> {
    const consumer = await connected(kafka.consumer({ groupId, maxWaitTimeInMs: 50 }));
    await consumer.subscribe({ topic: from, fromBeginning: true });
    const found: { value: string; partition: number }[] = [];
    await new Promise<void>((resolve, reject) => {
      consumer
        .run({
          eachMessage: async ({ message, partition }) => {
            found.push({ value: message.value!.toString(), partition });
            if (found.length === count) resolve();
          },
        })
        .catch(reject);
    });
    await consumer.disconnect();
    return found;
  }

  test.each([
    ['none', CompressionTypes.None],
    ['gzip', CompressionTypes.GZIP],
    ['snappy', CompressionTypes.Snappy],
    ['lz4', CompressionTypes.LZ4],
    ['zstd', CompressionTypes.ZSTD],
  ])('writes and reads %s', async (name, compression) => {
    const to = await topic(`codec-${name}`);
    const producer = await connected(kafka.producer());
    const values = Array.from({ length: 100 }, (_, i) => `value ${i}`);
    await producer.send({ topic: to, compression, messages: values.map((value) => ({ key: 'k', value })) });
    const found = await read(to, `group-${name}`, 100);
    expect(found.map(({ value }) => value)).toEqual(values);
  });

  test('two consumers share the partitions of a topic', async () => {
    const from = await topic('shared', 4);
    const assigned = await Promise.all(
      [1, 2].map(async () => {
        const consumer = await connected(
          kafka.consumer({ groupId: 'sharing', heartbeatInterval: 100, maxWaitTimeInMs: 50 }),
        );
        await consumer.subscribe({ topic: from, fromBeginning: true });
        const halves = new Promise<number[]>((resolve) => {
          consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
            const partitions = payload.memberAssignment[from] ?? [];
            if (partitions.length === 2) resolve(partitions);
          });
        });
        await consumer.run({ eachMessage: async () => {} });
        return { halves };
      }),
    );
    const [a, b] = await Promise.all(assigned.map(({ halves }) => halves));
    expect([...a!, ...b!].sort()).toEqual([0, 1, 2, 3]);
  });

  test('transactions commit records and offsets together, and abort them together', async () => {
    const to = await topic('transactional', 2);
    const admin = await connected(kafka.admin());
    const producer = await connected(
      kafka.producer({ idempotent: true, transactionalId: 'interop-tx', maxInFlightRequests: 1 }),
    );
    for (const [i, committed] of [true, false, true].entries()) {
      const transaction = await producer.transaction();
      const messages = [0, 1].map((partition) => ({ partition, value: `${i}` }));
      await transaction.send({ topic: to, messages });
      const topics = [{ topic: to, partitions: [{ partition: 0, offset: String(i + 1) }] }];
      await transaction.sendOffsets({ consumerGroupId: 'tx-group', topics });
      if (committed) await transaction.commit();
      else await transaction.abort();
      const offsets = await admin.fetchOffsets({ groupId: 'tx-group', topics: [to] });
      expect(offsets[0]!.partitions[0]!.offset).toBe(String(committed ? i + 1 : i));
    }
    const found = await read(to, 'tx-reader', 4);
    expect(found.map(({ value }) => value).sort()).toEqual(['0', '0', '2', '2']);
  });

  test('the admin client manages topics, configs and records', async () => {
    const admin = await connected(kafka.admin());
    const name = await topic('managed', 2);
    await admin.createPartitions({ topicPartitions: [{ topic: name, count: 3 }] });
    expect((await admin.fetchTopicMetadata({ topics: [name] })).topics[0]!.partitions.length).toBe(3);
    const resource = { type: ConfigResourceTypes.TOPIC, name };
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ ...resource, configEntries: [{ name: 'retention.ms', value: '1234' }] }],
    });
    const described = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ ...resource, configNames: ['retention.ms'] }],
    });
    expect(described.resources[0]!.configEntries[0]).toMatchObject({ configValue: '1234', isDefault: false });
    const producer = await connected(kafka.producer());
    const messages = [1, 2, 3].map((value) => ({ partition: 0, value: `${value}` }));
    await producer.send({ topic: name, messages });
    await admin.deleteTopicRecords({ topic: name, partitions: [{ partition: 0, offset: '2' }] });
    const offsets = await admin.fetchTopicOffsets(name);
    expect(offsets.find(({ partition }) => partition === 0)).toMatchObject({ low: '2', high: '3' });
    await admin.deleteTopics({ topics: [name] });
    expect(await admin.listTopics()).not.toContain(name);
    expect((await admin.describeCluster()).brokers.length).toBe(1);
  });
});
