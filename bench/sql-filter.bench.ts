// A filter and a projection over JSON, exactly once, from topic to topic in one process; beside it the bare loop that
// parses, tests and prints the same bytes.
import { type MeasuredPlatform, openPlatform, until } from './platform.ts';

export const name = 'SQL: filter and projection over JSON, in process';

const RECORDS = 1_500_000;
const PARTITIONS = 4;

/** A record as services write it, in camel case and with a time, and the same with its columns' own names. */
interface Variant {
  readonly topic: string;
  readonly key: (name: string) => string;
  readonly at: 'BIGINT' | 'TIMESTAMP';
}

const variants: Readonly<Record<string, Variant>> = {
  'keys in upper case': { topic: 'upper', key: (name) => name.toUpperCase(), at: 'BIGINT' },
  'camel case and a TIMESTAMP': { topic: 'camel', key: (name) => name, at: 'TIMESTAMP' },
};

export async function measure(): Promise<Record<string, number | string>> {
  const figures: Record<string, number | string> = {};
  for (const [name, variant] of Object.entries(variants)) {
    const values = valuesOf(variant);
    const bare = bareLoop(values, variant);
    const bench = await openPlatform();
    try {
      const rate = await queryRate(bench, values, variant);
      figures[`${name}: records per second`] = Math.round(rate);
      figures[`${name}: bare loop, records per second`] = Math.round(bare);
      figures[`${name}: share of the bare loop`] = rate / bare;
    } finally {
      await bench.close();
    }
  }
  return figures;
}

function valuesOf({ key }: Variant): Buffer[] {
  return Array.from({ length: 10_000 }, (_, i) =>
    Buffer.from(
      JSON.stringify({
        [key('id')]: i,
        [key('auction')]: (i * 7) % 1000,
        [key('bidder')]: (i * 13) % 500,
        [key('price')]: (i * 37) % 10_000,
        [key('channel')]: `channel-${i % 12}`,
        [key('url')]: `https://example.com/item/${i % 333}/index.html?page=${i % 7}`,
        [key('country')]: ['DE', 'FR', 'IT', 'US'][i % 4],
        [key('dateTime')]: 1_700_000_000_000 + i,
      }),
    ),
  );
}

async function queryRate(
  bench: MeasuredPlatform,
  values: readonly Buffer[],
  { topic, key, at }: Variant,
): Promise<number> {
  await bench.execute(
    `CREATE STREAM ${topic} (id INT, auction INT, bidder INT, price INT, channel STRING, url STRING, country STRING, dateTime ${at})
     WITH (kafka_topic='${topic}', partitions=${PARTITIONS}, value_format='JSON');`,
  );
  const producer = bench.platform.client.producer({ batchSize: 256 * 1024 });
  await producer.partitionsFor(topic);
  for (let i = 0; i < RECORDS; i++) {
    producer.enqueue(topic, i % PARTITIONS, null, values[i % values.length]!, 1_700_000_000_000 + i);
    if (i % 20_000 === 0) await producer.flush();
  }
  await producer.flush();
  const price = key('price');
  const matching = values.filter((value) => Number((JSON.parse(value.toString()) as Bid)[price]) > 5000).length;
  const expected = (RECORDS / values.length) * matching;
  const begun = performance.now();
  await bench.execute(
    `CREATE STREAM dear_${topic} AS SELECT auction, bidder, price, price * 2 AS twice, country, dateTime
     FROM ${topic} WHERE price > 5000 EMIT CHANGES;`,
  );
  await until(async () => (await bench.end(`DEAR_${topic.toUpperCase()}`)) >= expected);
  return RECORDS / ((performance.now() - begun) / 1000);
}

type Bid = Record<string, number | string>;

/** One core, nothing else: parse → test → stringify → bytes. */
function bareLoop(values: readonly Buffer[], { key }: Variant): number {
  const [auction, bidder, price, country, dateTime] = ['auction', 'bidder', 'price', 'country', 'dateTime'].map(
    key,
  ) as [string, string, string, string, string];
  let bytes = 0;
  const round = () => {
    for (const value of values) {
      const bid = JSON.parse(value.toString()) as Bid;
      if ((bid[price] as number) <= 5000) continue;
      bytes += Buffer.from(
        JSON.stringify({
          AUCTION: bid[auction],
          BIDDER: bid[bidder],
          PRICE: bid[price],
          TWICE: (bid[price] as number) * 2,
          COUNTRY: bid[country],
          DATETIME: bid[dateTime],
        }),
      ).length;
    }
  };
  for (let i = 0; i < 5; i++) round();
  const begun = performance.now();
  const rounds = 40;
  for (let i = 0; i < rounds; i++) round();
  if (bytes === 0) throw new Error('nothing matched');
  return (rounds * values.length) / ((performance.now() - begun) / 1000);
}
