// Word counts that can be asked of any instance. Start several, each with a port; what is typed into one of them is looked up
// wherever it is. Run it: node examples/streams/interactive-queries.ts localhost:9092 7070
import { createInterface } from 'node:readline';
import { createClient } from 'millrace/client';
import { askOverHttp, StoreServer } from 'millrace/interactive-queries';
import { stringSerde } from 'millrace/serde';
import { KafkaStreams, KeyQuery, RangeQuery, StreamsBuilder } from 'millrace/streams';

const text = { key: stringSerde, value: stringSerde };
const builder = new StreamsBuilder();
builder
  .stream<string | null, string>('queried-lines', text)
  .flatMapValues((_key, line) => line.split(' '), { value: stringSerde, reads: 'value' })
  .groupBy((_key, word) => word, { ...text, reads: 'value' })
  .count({ name: 'word-count' });

const client = createClient({ bootstrapServers: process.argv[2] ?? 'localhost:9092' });
const server = await StoreServer.listen({ port: Number(process.argv[3] ?? 7070) });
const app = new KafkaStreams(builder.build(), {
  client,
  applicationId: 'interactive-queries',
  applicationServer: server.address,
  numStandbyReplicas: 1,
  commitIntervalMs: 100,
});
server.serve(app);
await app.start();
console.log(`running on ${server.address}`);

const everywhere = app.remoteQueries(askOverHttp());
const store = 'word-count';
const lines = createInterface({ input: process.stdin });
for await (const line of lines) {
  if (line === 'instances') {
    for (const { hostInfo, topicPartitions } of app.streamsMetadataForStore(store)) {
      console.log(`${hostInfo.host}:${hostInfo.port} has ${topicPartitions.length} partitions`);
    }
  } else if (line === 'all') {
    const rows = await everywhere.query({ store, query: RangeQuery.withNoBounds<string, number>() });
    for await (const { key, value } of rows) console.log(`${key} ${value}`);
  } else {
    // An answer that lacks up to a hundred records will do, when the instance that has the word is not there.
    const count = await everywhere.query({ store, query: KeyQuery.withKey<string, number>(line), maxLag: 100 });
    console.log(`${line} ${count ?? 0}`);
  }
}

await app.close();
await server.close();
await client.close();
