// What an application does with refusals and with topics that change: what can't pass stops it with its reason, what is
// written is written once, what is left out is asked about, and what changes is found.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Client, createClient, recordsOf } from '../../src/client/index.ts';
import { KafkaStreams, type KStream, StreamsBuilder, type StreamsSettings } from '../../src/streams/index.ts';
import { integerSerde } from '../../src/serde/index.ts';
import { codeOf } from '../../src/util/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';
import { long, text, texts } from './support.ts';

let embedded: Embedded;
let client: Client;
const open = new Set<KafkaStreams>();

beforeEach(async () => {
  embedded = await openEmbedded();
  client = createClient({ dial: async () => embedded.broker.connect(), metadataMaxAgeMs: 50 });
});
afterEach(async () => {
  for (const app of open) await app.close();
  open.clear();
  await client?.close();
  await embedded?.close();
});

type Build = (stream: KStream<string, string>, builder: StreamsBuilder) => void;

interface Running {
  readonly app: KafkaStreams;
  /** Codes of failures: `fatal X`, or `X` where the application went on. */
  readonly errors: string[];
  /** Resolves when one of them has come. */
  heard(error: string): Promise<void>;
}

function make(build: Build, settings: Partial<StreamsSettings> = {}): Running {
  const builder = new StreamsBuilder();
  build(builder.stream<string, string>('in', texts), builder);
  const errors: string[] = [];
  const app = new KafkaStreams(builder.build(), {
    client,
    applicationId: 'app',
    commitIntervalMs: 20,
    heartbeatIntervalMs: 20,
    ...settings,
    onError: (error, fatal) => {
      errors.push(`${fatal ? 'fatal ' : ''}${codeOf(error)}`);
      settings.onError?.(error, fatal);
    },
  });
  open.add(app);
  const heard = async (error: string): Promise<void> => {
    await expect.poll(() => errors, { timeout: 10_000 }).toContain(error);
  };
  return { app, errors, heard };
}

const topic = (name: string, partitions = 1, configs: Record<string, string> = {}) =>
  client.admin().createTopics([{ name, partitions, configs }]);

async function put(to: string, ...records: (readonly [key: string | null, value: string, timestamp?: number])[]) {
  const producer = client.producer();
  for (const [key, value, timestamp] of records) {
    await producer.send({ topic: to, key, value, ...(timestamp === undefined ? {} : { timestamp }) });
  }
  await producer.close();
}

async function all(from: string): Promise<string[]> {
  const description = (await client.admin().describeTopics([from])).get(from)!;
  const ask = description.partitions.map(({ partition }) => ({ topic: from, partition, timestamp: -1 }));
  const ends = await client.admin().listOffsets(ask, 'read_committed');
  const consumer = client.consumer({ isolationLevel: 'read_committed' });
  consumer.assign(ends.map((end) => ({ topic: from, partition: end.partition, offset: 0 })));
  const values: string[] = [];
  while (ends.some((end) => consumer.position(end) < end.offset)) {
    for (const record of recordsOf(await consumer.poll(100))) values.push(String(record.value));
  }
  await consumer.close();
  return values;
}

const guarantees = [{ processingGuarantee: 'at_least_once' }, { processingGuarantee: 'exactly_once_v2' }] as const;

describe.each(guarantees)('a record that the output refuses, $processingGuarantee', (guarantee) => {
  const partitioner = (_topic: string, key: string) => (key === 'good' ? 0 : 1);

  test('stops the application with its reason; the others are written once', async () => {
    await topic('in');
    await topic('out', 2, { 'cleanup.policy': 'compact' });
    await put('in', ['good', '1'], ['good', '2'], [null, '3']);
    const { app, heard } = make((s) => s.to('out', { partitioner }), guarantee);
    await app.start().catch(() => {});
    await heard('fatal INVALID_RECORD');
    expect(app.state).toBe('ERROR');
    expect((app.error as Error).message).toMatch(/a record without a key for out-1/);
    const written = await all('out');
    expect(guarantee.processingGuarantee === 'at_least_once' ? written : []).toEqual(
      guarantee.processingGuarantee === 'at_least_once' ? ['1', '2'] : [],
    );
  });

  test('is left out and counted where `onProductionError` says so; its neighbours are written once, in order', async () => {
    await topic('in', 1, { 'max.message.bytes': '10000000' });
    await topic('out');
    await put('in', ['ok', 'ok'], ['big', 'big'], ['after', 'after']);
    const asked: string[] = [];
    const { app } = make(
      (s) => s.mapValues((_key, value) => (value === 'big' ? 'x'.repeat(3e6) : value)).to('out', { value: text }),
      {
        ...guarantee,
        onProductionError: (error, record) => {
          asked.push(`${codeOf(error)} ${record.topic}-${record.partition} ${record.node} ${String(record.rawKey)}`);
          return 'continue';
        },
      },
    );
    await app.start();
    await expect.poll(() => all('out'), { timeout: 10_000 }).toEqual(['ok', 'after']);
    expect(asked).toEqual(['MESSAGE_TOO_LARGE out-0 out-sink big']);
    expect(app.state).toBe('RUNNING');
    expect(app.metrics()[0]!.dropped).toEqual({ refused: 1 });
  });

  test('batches that are too large for the output or the changelog are cut', async () => {
    await topic('in');
    await topic('out', 1, { 'max.message.bytes': '20000' });
    const producer = client.producer();
    for (let n = 0; n < 1000; n++)
      producer.enqueue('in', 0, Buffer.from(`k${n}`), Buffer.from('y'.repeat(100)), 1000 + n);
    await producer.close();
    const { app } = make(
      (s) =>
        s
          .groupByKey()
          .reduce((_old, value) => value, { name: 'last', topicConfig: { 'max.message.bytes': '20000' } })
          .toStream()
          .to('out'),
      { ...guarantee, commitIntervalMs: 200 },
    );
    await app.start();
    await expect.poll(async () => (await all('out')).length, { timeout: 10_000 }).toBe(1000);
    expect(await all('app-last-changelog')).toHaveLength(1000);
    expect(app.state).toBe('RUNNING');
  });

  test('a partition that the output does not have is a failure of the operator, and closing takes no time', async () => {
    await topic('in');
    await topic('out', 3);
    await put('in', ['k', '5']);
    const { app, heard } = make((s) => s.to('out', { partitioner: (_t, _k, value) => Number(value) }), guarantee);
    await app.start().catch(() => {});
    await heard('fatal PROCESSING_FAILED');
    expect((app.error as Error).message).toMatch(/out-sink.*from 0 to 2, not 5/);
    await app.close();
  });
});

describe('the start', () => {
  test('fails for a transaction timeout that the broker refuses', async () => {
    await topic('in');
    const { app } = make((s) => s.to('out'), {
      processingGuarantee: 'exactly_once_v2',
      transactionTimeoutMs: 1_000_000,
    });
    await expect(app.start()).rejects.toMatchObject({ code: 'INVALID_TRANSACTION_TIMEOUT' });
  });

  test('fails for an output that does not exist and that nobody makes', async () => {
    const strict = await openEmbedded({ 'auto.create.topics.enable': false });
    const own = strict.connect();
    await own.admin().createTopics([{ name: 'in', partitions: 1 }]);
    const { app } = make((s) => s.to('out'), { client: own });
    await expect(app.start()).rejects.toMatchObject({ code: 'UNKNOWN_SINK_TOPIC' });
    await own.close();
    await strict.close();
  });

  test('fails for a cogroup of topics with different numbers of partitions', async () => {
    await topic('in', 2);
    await topic('other', 3);
    const add = (_key: string, value: string, sum: string) => sum + value;
    const { app } = make((s, builder) => {
      s.groupByKey()
        .cogroup(add)
        .cogroup(builder.stream<string, string>('other', texts).groupByKey(), add)
        .aggregate(() => '', { value: text });
    });
    await expect(app.start()).rejects.toMatchObject({ code: 'NOT_COPARTITIONED' });
  });

  test('warns where a merge brings topics with different numbers of partitions to one state', async () => {
    await topic('in', 2);
    await topic('other', 3);
    const { app, errors } = make((s, builder) => {
      s.merge(builder.stream<string, string>('other', texts)).groupByKey().count();
    });
    await app.start();
    expect(errors).toEqual(['NOT_COPARTITIONED']);
  });

  test("stops where nothing is committed and autoOffsetReset is 'none'", async () => {
    await topic('in');
    const { app, heard } = make((s) => s.to('out'), { autoOffsetReset: 'none' });
    await app.start().catch(() => {});
    await heard('fatal NO_OFFSET_FOR_PARTITION');
    expect((app.error as Error).message).toMatch(/in-0/);
  });
});

describe('topics that change', () => {
  test('an input that is deleted stops the application, and stays deleted', async () => {
    await topic('in', 4);
    await topic('out');
    const { app, heard } = make((s) => s.to('out'));
    await app.start();
    await client.admin().deleteTopics(['in']);
    await heard('fatal UNKNOWN_SOURCE_TOPIC');
    expect(app.state).toBe('ERROR');
    expect(await client.admin().listTopics()).not.toContain('in');
  });

  test('partitions that are added get tasks', async () => {
    await topic('in');
    await topic('out');
    const { app, heard } = make((s) => s.to('out'));
    await app.start();
    await client.admin().createPartitions('in', 3);
    await heard('SOURCE_TOPICS_CHANGED');
    const producer = client.producer();
    for (let partition = 0; partition < 3; partition++)
      await producer.send({ topic: 'in', partition, value: `v${partition}` });
    await expect.poll(async () => (await all('out')).sort(), { timeout: 10_000 }).toEqual(['v0', 'v1', 'v2']);
    expect(app.state).toBe('RUNNING');
  });

  test('where there is state, they do not fit it', async () => {
    await topic('in');
    const { app, heard } = make((s) => s.groupByKey().count());
    await app.start();
    await client.admin().createPartitions('in', 3);
    await heard('fatal INTERNAL_TOPIC_MISMATCH');
    expect(app.state).toBe('ERROR');
  });
});

describe('logs that are shorter than what was built on them', () => {
  let stateDir: string;

  beforeEach(() => {
    stateDir = mkdtempSync(join(tmpdir(), 'millrace-truncated-'));
  });
  afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

  const counting: Build = (s) =>
    s
      .groupByKey()
      .count({ name: 'counted', topicConfig: { 'cleanup.policy': 'compact,delete' } })
      .toStream()
      .to('out', { value: long });

  async function countTwice(): Promise<void> {
    await topic('in');
    await topic('out');
    await put('in', ['a', '1'], ['a', '2']);
    const { app } = make(counting, { stateDir });
    await app.start();
    await expect.poll(async () => (await all('out')).length, { timeout: 10_000 }).toBeGreaterThan(0);
    await app.close();
  }

  test('a changelog that was made anew: the state goes with it, and that is said', async () => {
    await countTwice();
    await client.admin().deleteTopics(['app-counted-changelog']);
    const { app, errors } = make(counting, { stateDir });
    await app.start();
    expect(errors).toEqual(['CHANGELOG_TRUNCATED']);
    expect(app.metrics()[0]!.stores).toEqual({ counted: 0 });
  });

  test('a changelog whose beginning was deleted: the state is built anew from the rest', async () => {
    await countTwice();
    const changelog = 'app-counted-changelog';
    await put(changelog, ['b', '\0\0\0\0\0\0\0\u0005']);
    const [end] = await client.admin().listOffsets([{ topic: changelog, partition: 0, timestamp: -1 }]);
    await put(changelog, ['c', '\0\0\0\0\0\0\0\u0005']);
    await client.admin().deleteRecords([{ topic: changelog, partition: 0, offset: end!.offset }]);
    const { app, errors } = make(counting, { stateDir });
    await app.start();
    expect(errors).toEqual(['CHANGELOG_TRUNCATED']);
    expect(app.metrics()[0]!.stores).toEqual({ counted: 1 });
  });

  test('an input that ends before what has been counted is not counted again on top', async () => {
    await countTwice();
    const consumer = client.consumer({ groupId: 'app' });
    await consumer.commit([{ topic: 'in', partition: 0, offset: 17 }]);
    await consumer.close();
    const { app, heard } = make(counting, { stateDir });
    await app.start().catch(() => {});
    await heard('fatal INPUT_TRUNCATED');
    expect((app.error as Error).message).toMatch(/in-0 ends at 2, but .* up to 17/);
  });
});

test('listeners that throw are their own affair', async () => {
  await topic('in');
  await put('in', [null, 'v']);
  const { app, errors } = make((s) => s.groupByKey().count(), {
    onDrop: () => {
      throw new TypeError('a listener of dropped records');
    },
  });
  app.onStateChange(() => {
    throw new TypeError('a listener of the state');
  });
  app.onRestored(() => {
    throw new TypeError('a listener of restorations');
  });
  await app.start();
  expect(app.state).toBe('RUNNING');
  await expect.poll(() => app.metrics()[0]!.dropped).toEqual({ 'null-key': 1 });
  expect(errors.length).toBeGreaterThan(2);
  expect(errors.every((error) => !error.startsWith('fatal'))).toBe(true);
});

test('a bad record of a global table is skipped and counted, at the start and later', async () => {
  await topic('in');
  await topic('out');
  await topic('rates');
  await put('rates', ['a', 'odd'], ['b', '\0\0\0\u0007']);
  const { app } = make(
    (s, builder) => {
      const rates = builder.globalTable<string, number>('rates', { key: text, value: integerSerde });
      s.joinGlobal(
        rates,
        (key) => key,
        (value, rate) => `${value}${rate}`,
      ).to('out', { value: text });
    },
    { onDecodeError: () => 'continue' },
  );
  await app.start();
  await put('rates', ['a', 'odd']);
  await put('in', ['b', 'x']);
  await expect.poll(() => all('out'), { timeout: 10_000 }).toEqual(['x7']);
  await expect.poll(() => Object.values(app.globalsDropped()), { timeout: 10_000 }).toEqual([2]);
  expect(app.state).toBe('RUNNING');
});
