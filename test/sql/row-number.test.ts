// ROW_NUMBER: against plain loops over random rows, and where it runs: on a broker, in threads, over a restart, in pull queries.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TopologyTestDriver } from '../../src/streams/index.ts';
import { PLACES, type SqlService, startSql } from './http.ts';
import { plainEngine } from './support.ts';

interface Bid {
  readonly item: string;
  readonly price: number | null;
}

/** Best prices first, nulls last, the earlier ones first among equals. */
const inOrder = (bids: readonly (Bid & { i: number })[]) =>
  bids.toSorted((a, b) => (b.price ?? -1) - (a.price ?? -1) || a.i - b.i);

test('a table is at all times the first rows of each partition, and tells nothing twice', async () => {
  const { engine, queries } = plainEngine();
  await engine.execute(`
    CREATE STREAM bids (i INT, item STRING, price INT) WITH (KAFKA_TOPIC='bids', FORMAT='JSON', PARTITIONS=1);
    CREATE TABLE top AS SELECT item, n, i, price FROM (
      SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price DESC NULLS LAST) AS n FROM bids) WHERE n <= 3;`);
  const [query] = queries.values();
  const bid = fc.record({
    item: fc.constantFrom('a', 'b'),
    price: fc.oneof(fc.nat(6), fc.constant(null)),
  });
  fc.assert(
    fc.property(fc.array(bid, { maxLength: 40 }), (bids) => {
      const driver = new TopologyTestDriver(query!.topology);
      const table = new Map<string, string>();
      bids.forEach(({ item, price }, i) => {
        const value = Buffer.from(JSON.stringify({ I: i, ITEM: item, PRICE: price }));
        driver.pipe('bids', null, value, i);
        for (const { key, value: row } of driver.read('TOP')) {
          expect(table.get(String(key))).not.toBe(String(row));
          table.set(String(key), String(row));
        }
      });
      const expected = ['a', 'b'].flatMap((item) =>
        inOrder(bids.map((one, i) => ({ ...one, i })).filter((one) => one.item === item))
          .slice(0, 3)
          .map(({ i, price }, at) => [
            JSON.stringify({ ITEM: item, N: at + 1 }),
            JSON.stringify({ I: i, PRICE: price }),
          ]),
      );
      expect([...table].sort()).toEqual(expected.sort());
      driver.close();
    }),
    { numRuns: 60 },
  );
});

describe.each(PLACES)('over partitions, %s', (_place, settings) => {
  let sql: SqlService;

  beforeAll(async () => {
    sql = await startSql(settings);
    await sql.ksql(`
      CREATE STREAM bids (id INT KEY, item STRING, price INT) WITH (KAFKA_TOPIC='bids', FORMAT='JSON', PARTITIONS=4);
      CREATE TABLE top AS SELECT item, n, id, price FROM (
        SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price DESC) AS n FROM bids) WHERE n <= 3;
      CREATE TABLE latest AS SELECT item, id, price FROM (
        SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY ROWTIME DESC) AS n FROM bids) WHERE n = 1;
      CREATE TABLE average AS SELECT n, AVG(price) AS price, COUNT(*) AS items FROM (
        SELECT item, price, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price DESC) AS n FROM bids) WHERE n <= 2 GROUP BY n;`);
  });
  afterAll(() => sql.stop());

  const items = [0, 1, 2, 3, 4];
  const priceOf = (id: number) => (id * 37) % 101;
  const bid = (from: number, to: number) => {
    const all = Array.from({ length: to - from }, (_, i) => from + i);
    const values = (id: number) => `(${1000 + id}, ${id}, 'i${id % 5}', ${priceOf(id)})`;
    return sql.ksql(all.map((id) => `INSERT INTO bids (ROWTIME, id, item, price) VALUES ${values(id)};`).join(''));
  };
  const best = (count: number, item: number) =>
    Array.from({ length: count }, (_, id) => id)
      .filter((id) => id % 5 === item)
      .sort((a, b) => priceOf(b) - priceOf(a));

  async function isRight(count: number): Promise<void> {
    const top = items.flatMap((item) =>
      best(count, item)
        .slice(0, 3)
        .map((id, at) => [`i${item}`, at + 1, id, priceOf(id)]),
    );
    const wait = { timeout: 60_000 };
    await expect.poll(() => sql.rows('SELECT * FROM top ORDER BY item, n;'), wait).toEqual(top);
    const latest = items.map((item) => [`i${item}`, count - 5 + item, priceOf(count - 5 + item)]);
    await expect.poll(() => sql.rows('SELECT * FROM latest ORDER BY item;'), wait).toEqual(latest);
    const average = [0, 1].map((at) => {
      const prices = items.map((item) => priceOf(best(count, item)[at]!));
      return [at + 1, prices.reduce((sum, price) => sum + price, 0) / items.length, items.length];
    });
    await expect.poll(() => sql.rows('SELECT * FROM average ORDER BY n;'), wait).toEqual(average);
  }

  test('the first rows are there, by their keys, and over a restart', async () => {
    await bid(0, 40);
    await isRight(40);
    const [first, second] = best(40, 3);
    const rows = await sql.rows("SELECT * FROM top WHERE item = 'i3' AND n = 2;");
    expect(rows).toEqual([['i3', 2, second, priceOf(second!)]]);
    expect(await sql.rows("SELECT id FROM top WHERE item = 'i3' AND n IN (1, 9);")).toEqual([[first]]);
    expect(await sql.rows("SELECT id FROM latest WHERE item = 'i4';")).toEqual([[39]]);
    sql = await sql.restarted();
    await bid(40, 60);
    await isRight(60);
  });

  test('push queries have them, too', async () => {
    const rows = await sql.rows(`SELECT item, n, price FROM (
      SELECT item, price, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price) AS n FROM bids WHERE id < 2) WHERE n <= 2
      EMIT CHANGES LIMIT 2;`);
    expect(rows.sort()).toEqual([
      ['i0', 1, 0],
      ['i1', 1, 37],
    ]);
  });
});
