// What the broker's tests share: opening one in a fresh directory, and talking to it in process.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect } from 'vitest';
import { Broker, type BrokerOptions } from '../../src/broker/index.ts';
import {
  BatchCursor,
  type BatchOptions,
  create,
  createTopics,
  fetch,
  metadata,
  produce,
  RecordBatchBuilder,
  type ResponseOf,
  type Transport,
} from '../../src/protocol/index.ts';

const directories: string[] = [];
const brokers: Broker[] = [];

afterEach(async () => {
  await Promise.all(brokers.splice(0).map((broker) => broker.close()));
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-broker-'));
  directories.push(directory);
  return directory;
}

/** A broker that is closed behind the test. */
export async function openBroker(options: Partial<BrokerOptions> = {}): Promise<Broker> {
  const broker = await Broker.open({ dataDir: options.dataDir ?? temporaryDirectory(), ...options });
  brokers.push(broker);
  return broker;
}

export async function createTopic(
  transport: Transport,
  name: string,
  partitions = 1,
  configs: Readonly<Record<string, string>> = {},
): Promise<void> {
  const topic = {
    name,
    numPartitions: partitions,
    replicationFactor: 1,
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  };
  const response = await transport.request(createTopics, create(createTopics, { topics: [topic] }));
  expect(response.topics[0]).toMatchObject({ errorCode: 0 });
}

const topicIds = new WeakMap<Transport, Map<string, string>>();

function cachedTopicId(transport: Transport, topic: string): string | undefined {
  return topicIds.get(transport)?.get(topic);
}

/** The newest versions name topics by their ids, and over TCP these are spoken. */
async function topicIdOf(transport: Transport, topic: string): Promise<string> {
  const known = topicIds.get(transport) ?? new Map<string, string>();
  topicIds.set(transport, known);
  const id = known.get(topic);
  if (id !== undefined) return id;
  const request = create(metadata, { topics: [{ name: topic }], allowAutoTopicCreation: false });
  const { topicId } = (await transport.request(metadata, request)).topics[0]!;
  known.set(topic, topicId);
  return topicId;
}

export interface SentRecord {
  readonly key?: string | null;
  readonly value: string | null;
  readonly timestamp?: number;
}

export function batchOf(records: readonly (string | SentRecord)[], options: BatchOptions = {}): Buffer {
  const builder = new RecordBatchBuilder();
  for (const record of records) {
    const { key = null, value, timestamp = 1000 } = typeof record === 'string' ? { value: record } : record;
    builder.append(key === null ? null : Buffer.from(key), value === null ? null : Buffer.from(value), timestamp);
  }
  return builder.finish(options);
}

type ProduceAnswer = ResponseOf<typeof produce>['responses'][number]['partitionResponses'][number];

/** Hands records over without waiting for what becomes of them (acks=0, unless said otherwise). */
export async function handOver(
  transport: Transport,
  topic: string,
  records: readonly (string | SentRecord)[] | Buffer,
  options: BatchOptions & { partition?: number; acks?: number; transactionalId?: string } = {},
) {
  const batch = Buffer.isBuffer(records) ? records : batchOf(records, options);
  return transport.request(
    produce,
    create(produce, {
      transactionalId: options.transactionalId ?? null,
      acks: options.acks ?? 0,
      timeoutMs: 10_000,
      topicData: [
        {
          name: topic,
          topicId: cachedTopicId(transport, topic) ?? (await topicIdOf(transport, topic)),
          partitionData: [{ index: options.partition ?? 0, records: batch }],
        },
      ],
    }),
  );
}

export async function send(
  transport: Transport,
  topic: string,
  records: readonly (string | SentRecord)[] | Buffer,
  options: BatchOptions & { partition?: number; acks?: number; transactionalId?: string } = {},
): Promise<ProduceAnswer> {
  const response = await handOver(transport, topic, records, { ...options, acks: options.acks ?? -1 });
  return response.responses[0]!.partitionResponses[0]!;
}

type FetchAnswer = ResponseOf<typeof fetch>['responses'][number]['partitions'][number];

export async function fetchOnce(
  transport: Transport,
  topic: string,
  fetchOffset: number,
  options: {
    partition?: number;
    maxWaitMs?: number;
    minBytes?: number;
    maxBytes?: number;
    isolationLevel?: number;
    currentLeaderEpoch?: number;
  } = {},
): Promise<FetchAnswer> {
  const { partition = 0, maxWaitMs = 0, minBytes = 1, maxBytes = 1 << 20, isolationLevel = 0 } = options;
  const response = await transport.request(
    fetch,
    create(fetch, {
      maxWaitMs,
      minBytes,
      maxBytes,
      isolationLevel,
      topics: [
        {
          topic,
          topicId: cachedTopicId(transport, topic) ?? (await topicIdOf(transport, topic)),
          partitions: [
            {
              partition,
              fetchOffset,
              partitionMaxBytes: maxBytes,
              currentLeaderEpoch: options.currentLeaderEpoch ?? -1,
            },
          ],
        },
      ],
    }),
  );
  return response.responses[0]!.partitions[0]!;
}

export interface ReadRecord {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
}

/** All records of a partition from an offset on, as a client sees them. */
export async function readAll(
  transport: Transport,
  topic: string,
  options: { partition?: number; from?: number; isolationLevel?: number; maxBytes?: number } = {},
): Promise<ReadRecord[]> {
  const found: ReadRecord[] = [];
  let offset = options.from ?? 0;
  for (;;) {
    const answer = await fetchOnce(transport, topic, offset, options);
    expect(answer.errorCode).toBe(0);
    if (answer.records === null || answer.records.length === 0) return found;
    const cursor = new BatchCursor(answer.records, {
      fromOffset: offset,
      abortedTransactions: answer.abortedTransactions,
    });
    while (cursor.advance()) {
      const text = (start: number, end: number) => (start < 0 ? null : cursor.bytes.toString('utf8', start, end));
      found.push({
        offset: cursor.offset,
        key: text(cursor.keyStart, cursor.keyEnd),
        value: text(cursor.valueStart, cursor.valueEnd),
        timestamp: cursor.timestamp,
      });
    }
    expect(cursor.nextOffset).toBeGreaterThan(offset);
    offset = cursor.nextOffset;
  }
}

export async function valuesOf(...read: Parameters<typeof readAll>): Promise<(string | null)[]> {
  return (await readAll(...read)).map(({ value }) => value);
}

export { seeded } from '../../tools/fuzz/seeded.ts';
