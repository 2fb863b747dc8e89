// Tables that refer to one another: each track that was bought, with its album, whichever of the two changes; and from that
// the income per genre. Run it: node examples/streams/foreign-key-join.ts localhost:9092
import { createClient } from 'millrace/client';
import { doubleSerde, jsonSerde, stringSerde } from 'millrace/serde';
import { KafkaStreams, StreamsBuilder } from 'millrace/streams';

interface Album {
  readonly title: string;
  readonly genre: string;
}

interface Purchase {
  readonly albumId: string;
  readonly song: string;
  readonly price: number;
}

interface MusicInterest {
  readonly song: string;
  readonly title: string;
  readonly genre: string;
  readonly price: number;
}

const builder = new StreamsBuilder();
const albums = builder.table('albums', { key: stringSerde, value: jsonSerde<Album>() });
const purchases = builder.table('track-purchases', { key: stringSerde, value: jsonSerde<Purchase>() });
const interests = purchases.joinForeign<string, Album, MusicInterest>(
  albums,
  ({ albumId }) => albumId,
  ({ song, price }, { title, genre }) => ({ song, price, title, genre }),
  { name: 'music-interest', result: jsonSerde<MusicInterest>() },
);
interests.toStream().to('music-interest', { key: stringSerde, value: jsonSerde() });
interests
  .groupBy((_id, { genre, price }) => [genre, price], { key: stringSerde, value: doubleSerde })
  .aggregate(
    () => 0,
    (_genre, price, income) => income + price,
    (_genre, price, income) => income - price,
    { name: 'income-per-genre', value: doubleSerde },
  )
  .toStream()
  .to('income-per-genre', { key: stringSerde, value: doubleSerde });

const client = createClient({ bootstrapServers: process.argv[2] ?? 'localhost:9092' });
const app = new KafkaStreams(builder.build(), { client, applicationId: 'music-interest', commitIntervalMs: 100 });
await app.start();
console.log('running');
process.once('SIGINT', () => app.close().then(() => client.close()));
