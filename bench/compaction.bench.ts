// How fast a log is compacted: records of few keys, most of them overwritten, until what is left of them is on the disk.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker } from '../src/broker/index.ts';
import {
  create,
  createTopics,
  describeLogDirs,
  metadata,
  produce,
  RecordBatchBuilder,
  type Transport,
} from '../src/protocol/index.ts';
import { ManualEnvironment } from '../src/util/index.ts';
import { until } from './platform.ts';

export const name = 'compaction: 100 B records, ten of each key';

const TOPIC = 'compacted';
const RECORDS = 3_000_000;
const KEYS = RECORDS / 10;
const PER_BATCH = 1000;
const BACKOFF_MS = 1000;
const SEGMENT_BYTES = 4 * 1024 * 1024;

export async function measure(): Promise<Record<string, number | string>> {
  const figures: Record<string, number | string> = {};
  for (const compression of ['none', 'lz4'] as const) {
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
    const clock = new ManualEnvironment(1_700_000_000_000);
    const settings = { 'log.cleaner.backoff.ms': BACKOFF_MS, durability: 'os' };
    const broker = await Broker.open({ dataDir, settings, environment: clock });
    try {
      const transport = broker.connect();
      await fill(transport, clock.now(), compression);
      const before = await sizeOf(transport);
      const cpu = process.cpuUsage();
      const begun = performance.now();
      clock.advance(BACKOFF_MS);
      // A tenth of the records stays, and the last segment is not compacted.
      const enough = before * 0.12 + 2 * SEGMENT_BYTES;
      await until(async () => (await sizeOf(transport)) < enough);
      const seconds = (performance.now() - begun) / 1000;
      const { user, system } = process.cpuUsage(cpu);
      figures[`${compression}: MB/s of the log`] = before / 1e6 / seconds;
      figures[`${compression}: records/s`] = Math.round(RECORDS / seconds);
      figures[`${compression}: processor time, s per GB`] = (user + system) / 1e6 / (before / 1e9);
      figures[`${compression}: what is left`] = (await sizeOf(transport)) / before;
    } finally {
      await broker.close();
      rmSync(dataDir, { recursive: true, force: true });
    }
  }
  return figures;
}

async function fill(transport: Transport, now: number, compression: 'none' | 'lz4'): Promise<void> {
  const configs = [
    { name: 'cleanup.policy', value: 'compact' },
    { name: 'segment.bytes', value: String(SEGMENT_BYTES) },
  ];
  const topics = [{ name: TOPIC, numPartitions: 1, replicationFactor: 1, configs }];
  await transport.request(createTopics, create(createTopics, { topics }));
  const described = await transport.request(metadata, create(metadata, { topics: [{ name: TOPIC }] }));
  const { topicId } = described.topics[0]!;
  for (let i = 0; i < RECORDS; i += PER_BATCH) {
    const batch = new RecordBatchBuilder();
    for (let j = i; j < i + PER_BATCH; j++) {
      // Each key in turn, far from its last one.
      batch.append(Buffer.from(`key-${(j * 7919) % KEYS}`), Buffer.from(`${j}`.padEnd(100, 'value ')), now);
    }
    const partitionData = [{ index: 0, records: batch.finish({ compression }) }];
    const topicData = [{ name: TOPIC, topicId, partitionData }];
    const answer = await transport.request(produce, create(produce, { acks: -1, timeoutMs: 30_000, topicData }));
    const { errorCode } = answer.responses[0]!.partitionResponses[0]!;
    if (errorCode !== 0) throw new Error(`a produce answers ${errorCode}`);
  }
}

async function sizeOf(transport: Transport): Promise<number> {
  const topics = [{ topic: TOPIC, partitions: [0] }];
  const { results } = await transport.request(describeLogDirs, create(describeLogDirs, { topics }));
  return results[0]!.topics[0]!.partitions[0]!.partitionSize;
}
