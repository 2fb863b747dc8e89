// How often pages are looked at per region and minute: views, which know their user, joined to the table of users, which
// knows regions. Run it: node examples/streams/page-views.ts localhost:9092
import { createClient } from 'millrace/client';
import { jsonSerde, longSerde, stringSerde } from 'millrace/serde';
import { KafkaStreams, StreamsBuilder, TimeWindows } from 'millrace/streams';

interface PageView {
  readonly user: string;
  readonly page: string;
}

interface UserProfile {
  readonly region: string;
}

const builder = new StreamsBuilder();
const users = builder.table('users', { key: stringSerde, value: jsonSerde<UserProfile>() });
builder
  .stream<string | null, PageView>('page-views', { key: stringSerde, value: jsonSerde<PageView>() })
  .selectKey((_key, { user }) => user)
  .leftJoin(users, ({ page }, user) => ({ page, region: user?.region ?? 'unknown' }), {
    key: stringSerde,
    value: jsonSerde<PageView>(),
  })
  .groupBy((_user, { region }) => region, { key: stringSerde, value: jsonSerde() })
  .windowedBy(TimeWindows.ofSizeAndGrace(60_000, 10_000))
  .count({ name: 'views-by-region' })
  .toStream(({ key, start }) => `${key}@${new Date(start).toISOString()}`)
  .to('views-by-region', { key: stringSerde, value: longSerde });

const client = createClient({ bootstrapServers: process.argv[2] ?? 'localhost:9092' });
const app = new KafkaStreams(builder.build(), { client, applicationId: 'page-views', commitIntervalMs: 100 });
await app.start();
console.log('running');
process.once('SIGINT', () => app.close().then(() => client.close()));
