// Windowed count by key with everything on (a broker with fsync, exactly-once, changelog, checkpoint), beside a bare Map
// that counts the same records in memory.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker } from '../src/broker/index.ts';
import { type Client, createClient } from '../src/client/index.ts';
import { stringSerde } from '../src/serde/index.ts';
import { KafkaStreams, StreamsBuilder, TimeWindows } from '../src/streams/index.ts';

export const name = 'streams: windowed count by key, exactly once, 100 k keys';

const RECORDS = 2_000_000;
const KEYS = 100_000;
const WINDOW_MS = 60_000;
const START = 1_700_000_040_000;

export async function measure(): Promise<Record<string, number | string>> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const broker = await Broker.open({
    dataDir: join(directory, 'broker'),
    settings: { 'group.initial.rebalance.delay.ms': 0 },
  });
  const client = createClient({ dial: async () => broker.connect() });
  try {
    await client.admin().createTopics([
      { name: 'clicks', partitions: 1 },
      { name: 'counts', partitions: 1 },
    ]);
    await fill(client);
    await countBare(client);
    const bare = await countBare(client);
    const streams = await countWithStreams(client, join(directory, 'state'));
    return {
      'records/s, bare Map over the same records': RECORDS / bare,
      'records/s, exactly once with durable state': RECORDS / streams.seconds,
      'share of the bare Map': bare / streams.seconds,
      'rows written (changelog and output), per record': (2 * streams.results) / RECORDS,
    };
  } finally {
    await client.close();
    await broker.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function fill(client: Client): Promise<void> {
  const producer = client.producer({ batchSize: 512 * 1024 });
  await producer.partitionsFor('clicks');
  const value = Buffer.from(JSON.stringify({ page: '/index.html', agent: 'browser', took: 12 }));
  let seed = 1;
  for (let i = 0; i < RECORDS; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const key = Buffer.from(`user-${100_000 + (seed % KEYS)}`);
    producer.enqueue('clicks', 0, key, value, START + Math.floor(i / 20));
    if (i % 100_000 === 0) await producer.flush();
  }
  await producer.flush();
  await producer.close();
}

/** Seconds to read the topic and count in nested Maps, window first. */
async function countBare(client: Client): Promise<number> {
  const consumer = client.consumer();
  consumer.assign([{ topic: 'clicks', partition: 0, offset: -2 }]);
  const windows = new Map<number, Map<string, number>>();
  const start = performance.now();
  for (let count = 0; count < RECORDS; ) {
    for (const { cursor } of await consumer.poll(1000)) {
      while (cursor.advance()) {
        const key = cursor.bytes.toString('latin1', cursor.keyStart, cursor.keyEnd);
        const window = cursor.timestamp - (cursor.timestamp % WINDOW_MS);
        let counts = windows.get(window);
        if (counts === undefined) windows.set(window, (counts = new Map()));
        counts.set(key, (counts.get(key) ?? 0) + 1);
        count++;
      }
    }
  }
  const seconds = (performance.now() - start) / 1000;
  await consumer.close();
  return seconds;
}

async function countWithStreams(client: Client, stateDir: string): Promise<{ seconds: number; results: number }> {
  const builder = new StreamsBuilder();
  builder
    .stream<string, string>('clicks', { key: stringSerde, value: stringSerde })
    .groupByKey()
    .windowedBy(TimeWindows.ofSizeWithNoGrace(WINDOW_MS))
    .count({ name: 'by-user' })
    .toStream()
    .to('counts');
  const app = new KafkaStreams(builder.build(), {
    client,
    applicationId: 'bench',
    stateDir,
    processingGuarantee: 'exactly_once_v2',
  });
  const start = performance.now();
  await app.start();
  const consumer = client.consumer({ isolationLevel: 'read_committed' });
  consumer.assign([{ topic: 'counts', partition: 0, offset: -2 }]);
  while (app.metrics()[0]!.processed < RECORDS) await new Promise((resolve) => setTimeout(resolve, 5));
  await app.close();
  const seconds = (performance.now() - start) / 1000;
  const [end] = await client.admin().listOffsets([{ topic: 'counts', partition: 0, timestamp: -1 }]);
  await consumer.close();
  return { seconds, results: end!.offset };
}
