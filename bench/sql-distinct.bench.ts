// COUNT_DISTINCT over JSON, exactly once, from topic to table in one process, as Nexmark's queries 15 and 16 have it: eight
// of them over one group with many values, and over ten thousand groups with few each.
import type { SqlClient } from '../src/sql-api/index.ts';
import { openPlatform, until } from './platform.ts';

export const name = 'SQL: eight COUNT_DISTINCT over JSON, in process';

const RECORDS = 1_000_000;
const GROUPS = 10_000;
const DISTINCT = ['bidder', 'auction'].flatMap((column) => [
  `COUNT_DISTINCT(${column}) AS ${column}s`,
  ...[0, 1, 2].map((rank) => `COUNT_DISTINCT(CASE WHEN rank = ${rank} THEN ${column} END) AS ${column}s_${rank}`),
]);

export async function measure(): Promise<Record<string, number | string>> {
  const bench = await openPlatform();
  try {
    await bench.execute(
      `CREATE STREAM bids (day STRING, channel STRING, bidder BIGINT, auction BIGINT, rank INT)
       WITH (kafka_topic='bids', partitions=1, value_format='JSON');`,
    );
    const producer = bench.platform.client.producer({ batchSize: 256 * 1024 });
    await producer.partitionsFor('bids');
    for (let i = 0; i < RECORDS; i++) {
      const bid = {
        DAY: '2026-01-01',
        CHANNEL: `channel-${(i * 7919) % GROUPS}`,
        BIDDER: 1000 + ((i * 31) % 50_021),
        AUCTION: 1000 + ((i * 17) % 100_003),
        RANK: i % 3,
      };
      producer.enqueue('bids', 0, null, Buffer.from(JSON.stringify(bid)), 1_700_000_000_000 + i);
      if (i % 20_000 === 0) await producer.flush();
    }
    await producer.flush();

    const sql = bench.platform.sql;
    const rate = async (group: string): Promise<number> => {
      const begun = performance.now();
      await bench.execute(
        `CREATE TABLE by_${group} AS SELECT ${group}, COUNT(*) AS n, ${DISTINCT.join(', ')} FROM bids GROUP BY ${group} EMIT CHANGES;`,
      );
      await until(async () => (await sumOf(sql, `SELECT n FROM by_${group};`)) === RECORDS);
      return RECORDS / ((performance.now() - begun) / 1000);
    };
    const one = await rate('day');
    const many = await rate('channel');
    return {
      'records per second, one group': Math.round(one),
      'records per second, 10,000 groups': Math.round(many),
      'memory at the end, MB': Math.round(process.memoryUsage.rss() / 1e6),
    };
  } finally {
    await bench.close();
  }
}

async function sumOf(sql: SqlClient, query: string): Promise<number> {
  let sum = 0;
  for await (const { N } of sql.query<{ N: bigint }>(query, { signal: AbortSignal.timeout(60_000) })) sum += Number(N);
  // A look at every group takes its time too: not too often.
  await new Promise((resolve) => setTimeout(resolve, 500));
  return sum;
}
