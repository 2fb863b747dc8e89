// The articles that were read most, per industry and hour. Two aggregates: views per article and hour, and of these the
// first three per industry and hour, which are taken out and put in again as their counts change.
// Run it: node examples/streams/top-articles.ts localhost:9092
import { createClient } from 'millrace/client';
import { jsonSerde, stringSerde } from 'millrace/serde';
import { KafkaStreams, StreamsBuilder, TimeWindows } from 'millrace/streams';

interface Article {
  readonly page: string;
  readonly industry: string;
}

interface Views {
  readonly page: string;
  readonly count: number;
}

const TOP = 3;
const HOUR_MS = 60 * 60 * 1000;
const texts = { key: stringSerde, value: stringSerde };
const views = jsonSerde<Views>();
const lists = jsonSerde<readonly Views[]>();

const builder = new StreamsBuilder();
builder
  .stream<string | null, Article>('article-views', { key: stringSerde, value: jsonSerde<Article>() })
  .map((_user, { industry, page }) => [`${industry}|${page}`, page], texts)
  .groupByKey(texts)
  .windowedBy(TimeWindows.ofSizeWithNoGrace(HOUR_MS))
  .count({ name: 'views-per-article' })
  .groupBy(
    ({ key, start }, count) => {
      const [industry, page] = key.split('|') as [string, string];
      return [`${industry}@${new Date(start).toISOString()}`, { page, count }];
    },
    { key: stringSerde, value: views },
  )
  .aggregate<readonly Views[]>(
    () => [],
    (_key, article, articles) =>
      [...articles, article].sort((a, b) => b.count - a.count || a.page.localeCompare(b.page)),
    (_key, article, articles) => articles.filter(({ page }) => page !== article.page),
    { name: 'articles-per-industry', value: lists },
  )
  .toStream()
  .mapValues(
    (_hour, articles) =>
      articles
        .slice(0, TOP)
        .map(({ page, count }) => `${page} (${count})`)
        .join(', '),
    {
      value: stringSerde,
    },
  )
  .to('top-articles', texts);

const client = createClient({ bootstrapServers: process.argv[2] ?? 'localhost:9092' });
const app = new KafkaStreams(builder.build(), { client, applicationId: 'top-articles', commitIntervalMs: 100 });
await app.start();
console.log('running');
process.once('SIGINT', () => app.close().then(() => client.close()));
