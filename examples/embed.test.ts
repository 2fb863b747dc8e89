// A test of your own that needs Kafka, a registry and SQL: all of it in the test's process, gone when the test is.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordsOf } from 'millrace/client';
import { Platform } from 'millrace';

const dataDir = mkdtempSync(join(tmpdir(), 'my-test-'));
let platform: Platform;

beforeAll(async () => {
  // Port 0: any free port, so that tests never meet.
  platform = await Platform.start({
    settings: {
      'log.dirs': dataDir,
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'schema.registry.listeners': 'http://127.0.0.1:0',
      'ksql.listeners': 'http://127.0.0.1:0',
      'ksql.streams.auto.offset.reset': 'earliest',
    },
  });
});

afterAll(async () => {
  await platform.stop();
  rmSync(dataDir, { recursive: true });
});

test('large orders reach their own topic', async () => {
  await platform.sql.execute(
    `CREATE STREAM orders (id STRING KEY, amount INT) WITH (kafka_topic='orders', partitions=1, value_format='JSON');
     CREATE STREAM large AS SELECT * FROM orders WHERE amount > 100 EMIT CHANGES;`,
  );
  const producer = platform.client.producer();
  for (const amount of [50, 500]) {
    await producer.send({
      topic: 'orders',
      key: Buffer.from(`o${amount}`),
      value: Buffer.from(JSON.stringify({ amount })),
    });
  }

  const consumer = platform.client.consumer({ autoOffsetReset: 'earliest', isolationLevel: 'read_committed' });
  consumer.assign([{ topic: 'LARGE', partition: 0 }]);
  const received: string[] = [];
  while (received.length === 0) {
    for (const { key, value } of recordsOf(await consumer.poll(1000))) received.push(`${key} ${value}`);
  }
  expect(received).toEqual(['o500 {"AMOUNT":500}']);
});
