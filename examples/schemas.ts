// Protobuf in, JSON Schema out: both schemas in the platform's registry, under the subjects of their topics, where every
// other client finds them. Run it: node examples/schemas.ts
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordsOf } from 'millrace/client';
import { Platform } from 'millrace';
import { deserialize, jsonSchemaSerde, protobufSerde, serialize, stringSerde } from 'millrace/serde';
import { KafkaStreams, StreamsBuilder } from 'millrace/streams';

const directory = mkdtempSync(join(tmpdir(), 'schemas-'));
const anyPort = 'http://127.0.0.1:0';
const platform = await Platform.start({
  settings: {
    'log.dirs': directory,
    listeners: 'PLAINTEXT://127.0.0.1:0',
    'schema.registry.listeners': anyPort,
    'ksql.listeners': anyPort,
  },
});
const { client, schemas } = platform;
await client.admin().createTopics(['orders', 'bills'].map((name) => ({ name, partitions: 1 })));

const orders = protobufSerde<{ item: string; cents: number; pieces: number }>({
  schemas,
  topic: 'orders',
  schema: 'syntax = "proto3"; message Order { string item = 1; int64 cents = 2; int32 pieces = 3; }',
});
const bills = jsonSchemaSerde<{ text: string; total: number }>({
  schemas,
  topic: 'bills',
  schema: { type: 'object', properties: { text: { type: 'string' }, total: { type: 'number', minimum: 0 } } },
});

await orders.prepare(); // Streams does this by itself.
await client.producer().send({ topic: 'orders', value: serialize(orders, { item: 'tea', cents: 250, pieces: 3 }) });

const builder = new StreamsBuilder();
builder
  .stream<string | null, { item: string; cents: number; pieces: number }>('orders', { key: stringSerde, value: orders })
  .mapValues((_key, { item, cents, pieces }) => ({ text: `${pieces} × ${item}`, total: (cents * pieces) / 100 }))
  .to('bills', { value: bills });
const app = new KafkaStreams(builder.build(), { client, applicationId: 'billing', stateDir: join(directory, 'state') });
await app.start();

const consumer = client.consumer({ autoOffsetReset: 'earliest' });
consumer.assign([{ topic: 'bills', partition: 0 }]);
const records = [];
while (records.length === 0) records.push(...recordsOf(await consumer.poll(100)));
for (const { value } of records) console.log(JSON.stringify(deserialize(bills, value)));
console.log((await schemas.latest('orders-value'))?.schemaType, (await schemas.latest('bills-value'))?.schemaType);

await app.close();
await platform.stop();
rmSync(directory, { recursive: true });
