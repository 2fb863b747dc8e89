// A filter and a projection over JSON, exactly once, from topic to topic in one process; beside it the bare loop that
// parses, tests and prints the same bytes.
import { openPlatform, until } from './platform.ts';

export const name = 'SQL: filter and projection over JSON, in process';

const RECORDS = 1_500_000;
const PARTITIONS = 4;

export async function measure(): Promise<Record<string, number | string>> {
  const values = Array.from({ length: 10_000 }, (_, i) =>
    Buffer.from(
      JSON.stringify({
        ID: i,
        AUCTION: (i * 7) % 1000,
        BIDDER: (i * 13) % 500,
        PRICE: (i * 37) % 10_000,
        CHANNEL: `channel-${i % 12}`,
        URL: `https://example.com/item/${i % 333}/index.html?page=${i % 7}`,
        COUNTRY: ['DE', 'FR', 'IT', 'US'][i % 4],
        AT: 1_700_000_000_000 + i,
      }),
    ),
  );
  const bare = bareLoop(values);

  const bench = await openPlatform();
  try {
    await bench.execute(
      `CREATE STREAM bids (id INT, auction INT, bidder INT, price INT, channel STRING, url STRING, country STRING, at BIGINT)
       WITH (kafka_topic='bids', partitions=${PARTITIONS}, value_format='JSON');`,
    );
    const producer = bench.platform.client.producer({ batchSize: 256 * 1024 });
    await producer.partitionsFor('bids');
    for (let i = 0; i < RECORDS; i++) {
      producer.enqueue('bids', i % PARTITIONS, null, values[i % values.length]!, 1_700_000_000_000 + i);
      if (i % 20_000 === 0) await producer.flush();
    }
    await producer.flush();
    const matching = values.filter((value) => (JSON.parse(value.toString()) as { PRICE: number }).PRICE > 5000).length;
    const expected = (RECORDS / values.length) * matching;
    const begun = performance.now();
    await bench.execute(
      'CREATE STREAM dear AS SELECT auction, bidder, price, price * 2 AS twice, country FROM bids WHERE price > 5000 EMIT CHANGES;',
    );
    await until(async () => (await bench.end('DEAR')) >= expected);
    const seconds = (performance.now() - begun) / 1000;
    const rate = RECORDS / seconds;
    return {
      'records per second': Math.round(rate),
      'bare loop, records per second': Math.round(bare),
      'share of the bare loop': rate / bare,
    };
  } finally {
    await bench.close();
  }
}

/** One core, nothing else: parse → test → stringify → bytes. */
function bareLoop(values: readonly Buffer[]): number {
  let bytes = 0;
  const round = () => {
    for (const value of values) {
      const bid = JSON.parse(value.toString()) as Record<string, number | string>;
      if ((bid['PRICE'] as number) <= 5000) continue;
      bytes += Buffer.from(
        JSON.stringify({
          AUCTION: bid['AUCTION'],
          BIDDER: bid['BIDDER'],
          PRICE: bid['PRICE'],
          TWICE: (bid['PRICE'] as number) * 2,
          COUNTRY: bid['COUNTRY'],
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
