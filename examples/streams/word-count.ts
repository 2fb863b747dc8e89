// Counts the words of a topic of lines, and writes every count that changes to another topic.
// Run it: node examples/streams/word-count.ts localhost:9092
import { createClient } from 'millrace/client';
import { longSerde, stringSerde } from 'millrace/serde';
import { KafkaStreams, StreamsBuilder } from 'millrace/streams';

const text = { key: stringSerde, value: stringSerde };
const builder = new StreamsBuilder();
builder
  .stream<string | null, string>('streams-plaintext-input', text)
  .flatMapValues((_key, line) => line.toLowerCase().split(/\W+/), { value: stringSerde, reads: 'value' })
  .filter((_key, word) => word !== '')
  .groupBy((_key, word) => word, { ...text, reads: 'value' })
  .count({ name: 'counts-store' })
  .toStream()
  .to('streams-wordcount-output', { key: stringSerde, value: longSerde });

const client = createClient({ bootstrapServers: process.argv[2] ?? 'localhost:9092' });
const app = new KafkaStreams(builder.build(), { client, applicationId: 'streams-wordcount', commitIntervalMs: 100 });
await app.start();
console.log('running');
process.once('SIGINT', () => app.close().then(() => client.close()));
