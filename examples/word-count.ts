// Counts words, exactly once, with the broker in the same process. Run it: node examples/word-count.ts
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Platform } from 'millrace';
import { stringSerde } from 'millrace/serde';
import { KafkaStreams, StreamsBuilder } from 'millrace/streams';

const directory = mkdtempSync(join(tmpdir(), 'word-count-'));
const anyPort = 'http://127.0.0.1:0';
const platform = await Platform.start({
  settings: {
    'log.dirs': join(directory, 'log'),
    listeners: 'PLAINTEXT://127.0.0.1:0',
    'schema.registry.listeners': anyPort,
    'ksql.listeners': anyPort,
  },
});
// With a client of a Kafka cluster instead (`createClient({ bootstrapServers })`), nothing else changes.
const { client } = platform;
await client.admin().createTopics([{ name: 'lines', partitions: 2 }]);

const producer = client.producer();
for (const line of ['the mill grinds', 'the water runs', 'the mill rests']) {
  await producer.send({ topic: 'lines', value: Buffer.from(line) });
}

const text = { key: stringSerde, value: stringSerde };
const builder = new StreamsBuilder();
builder
  .stream<string | null, string>('lines', text)
  .flatMapValues((_key, line) => line.split(' '), { value: stringSerde, reads: 'value' })
  .groupBy((_key, word) => word, { ...text, reads: 'value' })
  .count({ name: 'words' });

const app = new KafkaStreams(builder.build(), {
  client,
  applicationId: 'word-count',
  stateDir: join(directory, 'state'),
  processingGuarantee: 'exactly_once_v2',
});
await app.start();

const words = app.store('words').keyValue<string, number>();
const total = async () => (await Array.fromAsync(words.all())).reduce((sum, { value }) => sum + value, 0);
while ((await total()) < 9) await new Promise((resolve) => setTimeout(resolve, 10));
for await (const { key, value } of words.all()) console.log(`${key} ${value}`);

await app.close();
await platform.stop();
rmSync(directory, { recursive: true });
