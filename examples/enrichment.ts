// Asks a service about every order and writes what it says, each answer exactly once: calls are waited for, five at a time
// for a partition, tried again when they fail, and what comes out is in order for every customer. The service here is a
// function; with `fetch` in its place it is yours. Run it: node examples/enrichment.ts
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Platform } from 'millrace';
import { recordsOf } from 'millrace/client';
import { jsonSerde, stringSerde } from 'millrace/serde';
import { KafkaStreams, StreamsBuilder } from 'millrace/streams';

interface Order {
  readonly item: string;
  readonly country: string;
}

const directory = mkdtempSync(join(tmpdir(), 'enrichment-'));
const anyPort = 'http://127.0.0.1:0';
const platform = await Platform.start({
  settings: {
    'log.dirs': join(directory, 'log'),
    listeners: 'PLAINTEXT://127.0.0.1:0',
    'schema.registry.listeners': anyPort,
    'ksql.listeners': anyPort,
  },
});
const { client } = platform;
await client.admin().createTopics([{ name: 'orders' }, { name: 'taxed' }]);

const producer = client.producer();
for (const [customer, item, country] of ['ada tea AT', 'bo rice DE', 'ada salt AT'].map((line) => line.split(' '))) {
  await producer.send({ topic: 'orders', key: customer!, value: JSON.stringify({ item, country }) });
}

/** Fails now and then, as services do. */
async function taxOf(country: string, attempt: number): Promise<number> {
  if (attempt === 1) throw new Error('busy');
  return country === 'AT' ? 20 : 19;
}

const order = jsonSerde<Order & { readonly tax?: number }>();
const builder = new StreamsBuilder();
builder
  .stream('orders', { key: stringSerde, value: order })
  .mapValuesAsync(async (_customer, each, { attempt }) => ({ ...each, tax: await taxOf(each.country, attempt) }), {
    value: order,
    concurrency: 5,
    timeoutMs: 2000,
    retries: 3,
    retryDelayMs: 10,
  })
  .to('taxed');

const app = new KafkaStreams(builder.build(), {
  client,
  applicationId: 'enrichment',
  processingGuarantee: 'exactly_once_v2',
});
await app.start();

const consumer = client.consumer({ isolationLevel: 'read_committed' });
consumer.assign([{ topic: 'taxed', partition: 0, offset: 0 }]);
for (let count = 0; count < 3; ) {
  for (const { key, value } of recordsOf(await consumer.poll(100))) {
    console.log(`${String(key)} ${String(value)}`);
    count++;
  }
}

await consumer.close();
await app.close();
await platform.stop();
rmSync(directory, { recursive: true });
