// How many events each visit of a user has: events that are no more than half an hour apart are one session, and one that
// lies between two makes one of them. Run it: node examples/streams/session-windows.ts localhost:9092
import { createClient } from 'millrace/client';
import { longSerde, stringSerde } from 'millrace/serde';
import { KafkaStreams, SessionWindows, StreamsBuilder } from 'millrace/streams';

const GAP_MS = 30 * 60 * 1000;
const builder = new StreamsBuilder();
builder
  .stream<string, string>('play-events', { key: stringSerde, value: stringSerde })
  .groupByKey()
  .windowedBy(SessionWindows.ofInactivityGapAndGrace(GAP_MS, GAP_MS))
  .count({ name: 'play-events-per-session' })
  .toStream(({ key, start, end }) => `${key}@${start}->${end}`)
  .to('play-events-per-session', { key: stringSerde, value: longSerde });

const client = createClient({ bootstrapServers: process.argv[2] ?? 'localhost:9092' });
const app = new KafkaStreams(builder.build(), { client, applicationId: 'session-windows', cacheMaxBytes: 0 });
await app.start();
console.log('running');
process.once('SIGINT', () => app.close().then(() => client.close()));
