// Topics that take only records of registered schemas: the broker asks whoever knows the registry, in a thread or not.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Broker } from '../../src/broker/index.ts';
import { createClient } from '../../src/client/index.ts';
import { Platform } from '../../src/platform/index.ts';
import { create, ErrorCode, metadata, produce, RecordBatchBuilder } from '../../src/protocol/index.ts';
import { dialTcp } from '../../src/client/dial.ts';

let dataDir: string;
let platform: Platform;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-schemas-'));
});
afterEach(async () => {
  await platform?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(threads: boolean): Promise<void> {
  platform = await Platform.start({
    settings: {
      'log.dirs': dataDir,
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'schema.registry.listeners': 'http://127.0.0.1:0',
      'ksql.listeners': 'http://127.0.0.1:0',
      'service.threads': threads,
    },
  });
}

async function register(subject: string, schemaType: string, schema: string): Promise<number> {
  const response = await fetch(`${platform.url('schema-registry')}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schemaType, schema }),
  });
  return ((await response.json()) as { id: number }).id;
}

const AVRO = JSON.stringify({
  type: 'record',
  name: 'shop.Order',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'item', type: 'string' },
  ],
});
const ORDER = Buffer.from('0a06746561', 'hex');

function framed(id: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeInt32BE(id, 1);
  return Buffer.concat([head, payload]);
}

/** What one produce of these values is answered with. */
async function produced(topic: string, ...values: (Buffer | null)[]) {
  const [host, port] = platform.url('broker').split(':');
  const transport = await dialTcp({ host: host!, port: Number(port) });
  try {
    const builder = new RecordBatchBuilder(1024);
    for (const value of values) builder.append(Buffer.from('k'), value, 1);
    const known = await transport.request(metadata, create(metadata, { topics: [{ name: topic }] }));
    const { topicId } = known.topics[0]!;
    const request = create(produce, {
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ topicId, name: topic, partitionData: [{ index: 0, records: builder.finish() }] }],
    });
    return (await transport.request(produce, request)).responses[0]!.partitionResponses[0]!;
  } finally {
    transport.close();
  }
}

async function topic(name: string, configs: Record<string, string>): Promise<void> {
  await platform.client.admin().createTopics([{ name, partitions: 1, configs }]);
}

describe.each([
  ['in a thread', true],
  ['in the same thread', false],
])('records are checked %s', (_, threads) => {
  test('by their id, its subject and their bytes; the places of the wrong ones are told, and nothing is written', async () => {
    await start(threads);
    await topic('orders', { 'confluent.value.schema.validation': 'true' });
    const id = await register('orders-value', 'AVRO', AVRO);
    const other = await register('other-value', 'AVRO', '"long"');
    const good = framed(id, ORDER);
    expect(await produced('orders', good, null, good)).toMatchObject({ errorCode: 0, baseOffset: 0 });
    const refused = await produced(
      'orders',
      good,
      Buffer.from('plain'),
      framed(999, ORDER),
      framed(other, Buffer.of(2)),
      framed(id, ORDER.subarray(0, 3)),
      framed(id, Buffer.concat([ORDER, Buffer.of(0)])),
    );
    expect(refused.errorCode).toBe(ErrorCode.INVALID_RECORD);
    expect(
      refused.recordErrors.map(({ batchIndex, batchIndexErrorMessage }) => [batchIndex, batchIndexErrorMessage]),
    ).toEqual([
      [1, expect.stringContaining('the first byte is 112, not 0')],
      [2, expect.stringContaining('the registry has no schema 999')],
      [3, expect.stringContaining(`schema ${other} is not registered under orders-value`)],
      [4, expect.stringContaining('value: ')],
      [5, expect.stringContaining('value: ')],
    ]);
    expect(refused.errorMessage).toMatch(/^record 1 of the batch is not of a schema of topic 'orders': value: /);
    expect(await produced('orders', good)).toMatchObject({ errorCode: 0, baseOffset: 3 });
  });

  test('with JSON Schema and Protobuf, subjects by the names of records, and keys', async () => {
    await start(threads);
    const byRecord = 'io.confluent.kafka.serializers.subject.RecordNameStrategy';
    await topic('events', {
      'confluent.value.schema.validation': 'true',
      'confluent.value.subject.name.strategy': byRecord,
    });
    const proto = 'syntax = "proto3"; package shop; message A { int32 x = 1; } message B { string y = 1; }';
    const protobuf = await register('shop.B', 'PROTOBUF', proto);
    const json = await register('Person', 'JSON', '{"title":"Person","type":"object","required":["age"]}');
    const b = Buffer.from('02020a0168', 'hex');
    expect((await produced('events', framed(protobuf, b))).errorCode).toBe(0);
    const a = Buffer.from('000801', 'hex');
    expect((await produced('events', framed(protobuf, a))).errorMessage).toMatch(/not registered under shop\.A/);
    expect((await produced('events', framed(json, Buffer.from('{"age":3}')))).errorCode).toBe(0);
    expect((await produced('events', framed(json, Buffer.from('{"agf":3}')))).errorMessage).toMatch(/age/);

    await topic('keyed', { 'confluent.key.schema.validation': 'true' });
    expect((await produced('keyed', Buffer.from('anything'))).errorMessage).toMatch(/key: 1 bytes are too short/);
  });
});

test('records of clients that have a registry go in as ever, in their order, and a check that is switched off is none', async () => {
  await start(true);
  await topic('orders', { 'confluent.value.schema.validation': 'true' });
  const id = await register('orders-value', 'AVRO', AVRO);
  const producer = platform.client.producer({ lingerMs: 0, batchSize: 1 });
  const sent = await Promise.all(
    Array.from({ length: 200 }, () => producer.send({ topic: 'orders', partition: 0, value: framed(id, ORDER) })),
  );
  expect(sent.map(({ offset }) => offset)).toEqual(Array.from({ length: 200 }, (_, i) => i));
  await expect(producer.send({ topic: 'orders', partition: 0, value: 'plain' })).rejects.toMatchObject({
    code: 'INVALID_RECORD',
  });
  await platform.client.admin().alterTopicConfigs('orders', { 'confluent.value.schema.validation': 'false' });
  expect((await produced('orders', Buffer.from('plain'))).errorCode).toBe(0);
});

test('a broker without a registry refuses topics that want one', async () => {
  const broker = await Broker.open({ dataDir: join(dataDir, 'alone') });
  const client = createClient({ dial: async () => broker.connect() });
  const topics = [{ name: 't', partitions: 1, configs: { 'confluent.key.schema.validation': 'true' } }];
  await expect(client.admin().createTopics(topics)).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  await client.close();
  await broker.close();
});
