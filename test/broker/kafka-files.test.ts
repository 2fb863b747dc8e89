// The files of a partition as Apache Kafka writes them, opened by us, and ours opened by Apache Kafka: the same records, offsets,
// timestamps and headers, the same transactions. The lists of topics differ, so topics are made on both sides first, and then
// the files of one take the place of the other's.
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Broker } from '../../src/broker/index.ts';
import { type Client, createClient } from '../../src/client/index.ts';
import { dialTcp } from '../../src/client/dial.ts';
import { BatchCursor, type Transport } from '../../src/protocol/index.ts';
import { type KafkaCluster, openKafkaCluster } from '../suites/kafka-cluster.ts';
import { kafkaJars } from '../suites/kafka-jars.ts';
import { fetchOnce, openBroker, temporaryDirectory } from './support.ts';

const given = process.env['KAFKA_LIB'];
const jars = given === undefined ? await kafkaJars() : { folder: given };
if ('missing' in jars)
  console.log(`skipped: no Apache Kafka whose files could be exchanged with ours: ${jars.missing}`);

const CLEANER = { 'log.cleaner.backoff.ms': '200' };
/** Many segments each. */
const SMALL = { 'internal.segment.bytes': '4000', 'index.interval.bytes': '200' };
const TOPICS = {
  plain: SMALL,
  /** Packed by the broker. */
  packed: { ...SMALL, 'compression.type': 'lz4' },
  compacted: {
    ...SMALL,
    'cleanup.policy': 'compact',
    'min.cleanable.dirty.ratio': '0.01',
    'min.compaction.lag.ms': '0',
  },
};
const NAMES = Object.keys(TOPICS) as (keyof typeof TOPICS)[];
const START = 1_700_000_000_000;
const ROUNDS = 12;
const KEYS = 7;

async function makeTopics(client: Client): Promise<void> {
  const topics = NAMES.map((name) => ({ name, partitions: 1, configs: TOPICS[name] }));
  await client.admin().createTopics(topics);
}

/** From now on the cleaner has nothing to do: whoever looks later sees the same. */
async function freeze(client: Client): Promise<void> {
  await client.admin().alterTopicConfigs('compacted', { 'min.compaction.lag.ms': '1000000000000' });
}

/** Batches of all codecs, headers, values that are null, transactions that ended either way. */
async function fill(client: Client): Promise<void> {
  const transactional = client.producer({ transactionalId: 'tx' });
  await transactional.initTransactions();
  const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
  const producers = codecs.map((compressionType) => client.producer({ compressionType, lingerMs: 5 }));
  for (let round = 0; round < ROUNDS; round++) {
    const record = (topic: string, i: number) => ({
      topic,
      key: `k${(round + i) % KEYS}`,
      // The last word on some keys is that they are gone.
      value: i % 4 === 3 ? null : `${topic} ${round} ${i} `.repeat(10),
      timestamp: START + round * 1000 + i,
      headers: [
        { key: 'round', value: String(round) },
        { key: 'none', value: null },
      ],
    });
    for (const topic of NAMES) {
      for (const producer of producers) {
        await Promise.all([0, 1, 2, 3].map((i) => producer.send(record(topic, i))));
      }
    }
    transactional.beginTransaction();
    await Promise.all(NAMES.map((topic) => transactional.send(record(topic, 100 + round))));
    if (round % 3 === 1) await transactional.abortTransaction();
    else await transactional.commitTransaction();
  }
  for (const producer of [...producers, transactional]) await producer.close();
}

/** All that a partition says of itself. */
async function contents(transport: Transport, topic: string, isolationLevel: number) {
  const records: unknown[] = [];
  for (let offset = 0; ; ) {
    const answer = await fetchOnce(transport, topic, offset, { isolationLevel });
    expect(answer.errorCode).toBe(0);
    const { logStartOffset, highWatermark, lastStableOffset } = answer;
    if (answer.records === null || answer.records.length === 0) {
      return { records, logStartOffset, highWatermark, lastStableOffset };
    }
    const { abortedTransactions } = answer;
    const cursor = new BatchCursor(answer.records, { fromOffset: offset, abortedTransactions });
    while (cursor.advance()) {
      const text = (start: number, end: number) => (start < 0 ? null : cursor.bytes.toString('utf8', start, end));
      records.push({
        offset: cursor.offset,
        timestamp: cursor.timestamp,
        key: text(cursor.keyStart, cursor.keyEnd),
        value: text(cursor.valueStart, cursor.valueEnd),
        headers: cursor.headers().map(({ key, value }) => [key, value?.toString() ?? null]),
      });
    }
    expect(cursor.nextOffset).toBeGreaterThan(offset);
    offset = cursor.nextOffset;
  }
}

type Contents = Awaited<ReturnType<typeof contents>>;
type Everything = Record<string, Contents>;

async function everything(transport: Transport): Promise<Everything> {
  const found: Everything = {};
  for (const topic of NAMES) {
    found[`${topic}, everything`] = await contents(transport, topic, 0);
    found[`${topic}, committed`] = await contents(transport, topic, 1);
  }
  return found;
}

/** Waits until the cleaner has taken out what later records have replaced, and is done with it. */
async function compacted(transport: Transport): Promise<void> {
  const count = async (): Promise<number> => (await contents(transport, 'compacted', 0)).records.length;
  let last = await count();
  await vi.waitFor(
    async () => {
      const now = await count();
      const isDone = now === last && now < (ROUNDS * KEYS * 4) / 3;
      last = now;
      expect(isDone, `${now} records`).toBe(true);
    },
    { timeout: 60_000, interval: 1000 },
  );
}

/** That what was exchanged is what it is meant to be. */
function expectVariety(found: Everything, logs: string): void {
  const [plain, committed] = [found['plain, everything']!, found['plain, committed']!];
  expect(plain.records).toHaveLength(ROUNDS * 21);
  expect(committed.records).toHaveLength(ROUNDS * 21 - ROUNDS / 3);
  expect(found['compacted, everything']!.records).toContainEqual(expect.objectContaining({ value: null }));
  const segments = readdirSync(join(logs, 'plain-0')).filter((name) => name.endsWith('.log'));
  expect(segments.length).toBeGreaterThan(3);
}

/** Puts the logs of one side in the places of the other's; the ids of topics, which Kafka keeps there, stay. */
function exchange(from: string, to: string): void {
  for (const name of NAMES) {
    const [source, target] = [join(from, `${name}-0`), join(to, `${name}-0`)];
    const isLog = (file: string): boolean => file !== 'partition.metadata';
    for (const file of readdirSync(target).filter(isLog)) rmSync(join(target, file));
    for (const file of readdirSync(source).filter(isLog)) cpSync(join(source, file), join(target, file));
  }
}

/** Others can go on: a known producer id in a transaction, and records after what is there. */
async function expectToGoOn(client: Client, transport: Transport, before: Everything): Promise<void> {
  const producer = client.producer({ transactionalId: 'tx' });
  await producer.initTransactions();
  producer.beginTransaction();
  for (const topic of NAMES) await producer.send({ topic, key: 'later', value: 'more', timestamp: START });
  await producer.commitTransaction();
  for (const topic of NAMES) {
    const { highWatermark, records } = before[`${topic}, committed`]!;
    // Kafka writes the end of a transaction after it has told of it.
    const now = await vi.waitFor(async () => {
      const found = await contents(transport, topic, 1);
      expect(found.lastStableOffset).toBe(highWatermark + 2);
      return found;
    }, 20_000);
    const added = { offset: highWatermark, timestamp: START, key: 'later', value: 'more', headers: [] };
    expect(now.records).toEqual([...records, added]);
  }
}

describe.skipIf('missing' in jars)('files of Apache Kafka and ours', { timeout: 240_000 }, () => {
  let kafka: KafkaCluster;
  let kafkaClient: Client;
  const [host, port] = [
    () => kafka.bootstrapServers.split(':')[0]!,
    () => Number(kafka.bootstrapServers.split(':')[1]),
  ];
  const dialKafka = () => dialTcp({ host: host(), port: port() });

  beforeAll(async () => {
    if ('missing' in jars) return;
    kafka = await openKafkaCluster(jars.folder, 1, CLEANER);
    kafkaClient = createClient({ bootstrapServers: kafka.bootstrapServers });
    await makeTopics(kafkaClient);
    // For both tests: a cluster that has given out no producer ids yet might give out those in our files.
    await fill(kafkaClient);
  }, 120_000);
  afterAll(async () => {
    await kafkaClient?.close();
    await kafka?.close();
  });

  async function openOurs(dataDir: string): Promise<{ broker: Broker; client: Client; transport: Transport }> {
    const broker = await openBroker({ dataDir, settings: CLEANER });
    return { broker, client: createClient({ dial: async () => broker.connect() }), transport: broker.connect() };
  }

  test("Kafka's are ours, after a clean shutdown and after a crash", async () => {
    const theirs = await dialKafka();
    await compacted(theirs);
    await freeze(kafkaClient);
    const written = await everything(theirs);
    theirs.close();
    expectVariety(written, kafka.logs(1));
    await kafka.stop(1);
    for (const isClean of [true, false]) {
      const dataDir = temporaryDirectory();
      const empty = await openOurs(dataDir);
      await makeTopics(empty.client);
      await freeze(empty.client);
      await empty.client.close();
      await empty.broker.close();
      exchange(kafka.logs(1), dataDir);
      const marker = join(dataDir, '.kafka_cleanshutdown');
      expect(existsSync(marker)).toBe(true);
      if (!isClean) rmSync(marker);
      const ours = await openOurs(dataDir);
      expect(await everything(ours.transport)).toEqual(written);
      await expectToGoOn(ours.client, ours.transport, written);
      await ours.client.close();
      await ours.broker.close();
    }
    await kafka.restart(1);
  });

  test("ours are Kafka's, after a clean shutdown and after a crash", async () => {
    const dataDir = temporaryDirectory();
    const ours = await openOurs(dataDir);
    await makeTopics(ours.client);
    await fill(ours.client);
    await compacted(ours.transport);
    await freeze(ours.client);
    const written = await everything(ours.transport);
    expectVariety(written, dataDir);
    await ours.client.close();
    await ours.broker.close();
    await freeze(kafkaClient);
    for (const isClean of [true, false]) {
      await kafka.stop(1);
      exchange(dataDir, kafka.logs(1));
      const marker = join(kafka.logs(1), '.kafka_cleanshutdown');
      expect(existsSync(marker)).toBe(true);
      if (!isClean) rmSync(marker);
      // What it knew of the files that were there before.
      for (const file of readdirSync(kafka.logs(1)).filter((name) => name.endsWith('-offset-checkpoint'))) {
        rmSync(join(kafka.logs(1), file));
      }
      await kafka.restart(1);
      const theirs = await dialKafka();
      expect(await everything(theirs)).toEqual(written);
      await expectToGoOn(kafkaClient, theirs, written);
      theirs.close();
    }
  });
});
